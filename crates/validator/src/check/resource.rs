//! A resource, on its own, contained or in a Bundle: its type, and the profiles that it declares.

use fhirpath::document::Element;

use super::{Request, Run, messages, run::Active};
use crate::{
    Severity::{self, Information},
    program::{Profile, TypeUse},
};

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

impl<'a, 'd> Run<'a, 'd> {
    /// Checks the resource of the document.
    pub(super) fn check_root(&mut self, request: &Request<'_>) {
        let root = self.document.root();
        let Some(name) = root.resource_type() else {
            self.tell(root, Severity::Fatal, &messages::NO_RESOURCE_TYPE, &[]);
            return;
        };
        if !self.is_known(root, &name) {
            return;
        }
        let base = self.actives.len();
        for url in request.profiles {
            match self.usable(root, url) {
                Ok(profile) => self.with_profile(root, base, profile, &name),
                Err(Missing::Unknown) => self.tell(root, Severity::Error, &messages::UNKNOWN_PROFILE, &[url]),
                Err(Missing::Unusable) => {}
            }
        }
        self.check_resource_as(root, base);
        self.actives.truncate(base);
        if self.steps > super::STEPS_MAX {
            let max = super::STEPS_MAX.to_string();
            self.tell(root, Severity::Error, &messages::OVER_STEPS, &[&max]);
        }
    }

    fn is_known(&mut self, resource: Element<'d>, name: &str) -> bool {
        let known = self
            .programs
            .of_type(name)
            .is_some_and(|of| of.kind == crate::program::TypeKind::Resource && !of.is_abstract);
        if !known {
            self.tell(resource, Severity::Fatal, &messages::UNKNOWN_RESOURCE_TYPE, &[name]);
        }
        known
    }

    /// A resource within another: of one of the types that each rule for its element allows.
    pub(super) fn check_inner_resource(
        &mut self,
        resource: Element<'d>,
        kinds: &[&'d [TypeUse]],
        base: usize,
    ) {
        let Some(name) = resource.resource_type() else {
            self.tell(resource, Severity::Error, &messages::NO_RESOURCE_TYPE, &[]);
            return;
        };
        if !self.is_known(resource, &name) {
            return;
        }
        for uses in kinds {
            let is_it =
                |of: &&TypeUse| matches!(&*of.code, "Resource" | "DomainResource") || *of.code == *name;
            match uses.iter().find(is_it) {
                Some(of) => self.inner_profile(resource, of, base, &name),
                None => {
                    let allowed: Vec<&str> = uses.iter().map(|of| &*of.code).collect();
                    self.tell(
                        resource,
                        Severity::Error,
                        &messages::NOT_A_RESOURCE_TYPE,
                        &[&name, &allowed.join(", ")],
                    );
                }
            }
        }
        self.entry_profiles(resource, base, &name);
        self.check_resource_as(resource, base);
    }

    /// Profiles that the caller has for entries of the Bundle.
    fn entry_profiles(&mut self, resource: Element<'d>, base: usize, name: &str) {
        let Some(entry) =
            resource.parent().filter(|_| !self.entries.is_empty() && resource.name() == "resource")
        else {
            return;
        };
        let Some(bundle) = entry.parent().filter(|bundle| *bundle == self.document.root()) else { return };
        let before = bundle.children().take_while(|child| *child != entry);
        let is_alike = |entry: &Element<'d>| {
            entry.child("resource").and_then(|own| own.resource_type()).as_deref() == Some(name)
        };
        let number = before.filter(is_alike).count();
        for wanted in self.entries.iter().filter(|wanted| *wanted.resource_type == *name) {
            if wanted.number.is_some_and(|wanted| wanted != number) {
                continue;
            }
            match self.usable(resource, &wanted.profile) {
                Ok(profile) => self.with_profile(resource, base, profile, name),
                Err(Missing::Unknown) => {
                    self.tell(resource, Severity::Error, &messages::UNKNOWN_PROFILE, &[&wanted.profile]);
                }
                Err(Missing::Unusable) => {}
            }
        }
    }

    fn inner_profile(&mut self, resource: Element<'d>, of: &'d TypeUse, base: usize, name: &str) {
        match &*of.profiles {
            [] => {}
            [url] => match self.usable(resource, url) {
                Ok(profile)
                    if *profile.defines != *name
                        && !matches!(&*profile.defines, "Resource" | "DomainResource") =>
                {
                    let arguments = [name, &profile.defines];
                    self.tell(resource, Severity::Error, &messages::NOT_A_RESOURCE_TYPE, &arguments);
                }
                Ok(profile) => self.with_profile(resource, base, profile, name),
                Err(Missing::Unknown) => self.unknown_profile(resource, url),
                Err(Missing::Unusable) => {}
            },
            urls => self.check_any(resource, urls),
        }
    }

    fn with_profile(&mut self, resource: Element<'d>, base: usize, profile: &'d Profile, name: &str) {
        let fits = *profile.defines == *name || matches!(&*profile.defines, "Resource" | "DomainResource");
        if !fits {
            let arguments: [&str; 3] = [&profile.shown, &profile.defines, name];
            self.tell(resource, Severity::Error, &messages::WRONG_TYPE_FOR_PROFILE, &arguments);
        } else if let Some(rule) = profile.root() {
            self.push_new(base, Active { profile, rule });
        }
    }

    /// With the rules from `base` on, those of its type and of the profiles that it declares.
    pub(super) fn check_resource_as(&mut self, resource: Element<'d>, base: usize) {
        let Some(name) = resource.resource_type() else { return };
        let Some(own) = self.programs.of_type(&name) else { return };
        if let Some(rule) = own.root() {
            self.push_new(base, Active { profile: own, rule });
        }
        self.declared_profiles(resource, base, &name);
        self.demanded_profiles(resource, base, &name);
        self.check_element(resource, base, &own.defines);
        self.check_kind_of_resource(resource, &own.defines);
    }

    fn declared_profiles(&mut self, resource: Element<'d>, base: usize, name: &str) {
        let Some(meta) = resource.child("meta") else { return };
        for declared in meta.children().filter(|child| child.name() == "profile") {
            let Some(url) = declared.text() else { continue };
            if url.strip_prefix(CORE) == Some(name) {
                continue;
            }
            match self.usable(declared, &url) {
                Ok(profile) => self.with_profile(resource, base, profile, name),
                Err(Missing::Unknown) => self.unknown_profile(declared, &url),
                Err(Missing::Unusable) => {}
            }
        }
    }

    /// Profiles that a guide asks of all resources of a type, and that FHIR asks of vital signs.
    /// <https://hl7.org/fhir/R4/observation-vitalsigns.html>
    fn demanded_profiles(&mut self, resource: Element<'d>, base: usize, name: &str) {
        for (profile, guide) in self.globals.get(name).into_iter().flatten() {
            if let Ok(found) = self.usable(resource, profile) {
                self.tell(resource, Information, &messages::GLOBAL_PROFILE, &[profile, guide]);
                self.with_profile(resource, base, found, name);
            }
        }
        if name != "Observation" {
            return;
        }
        let codings = resource.child("code").into_iter().flat_map(|code| code.children());
        for coding in codings.filter(|child| child.name() == "coding") {
            let text = |name: &str| coding.child(name).and_then(|child| child.text()).unwrap_or_default();
            let (system, code) = (text("system"), text("code"));
            let Some(vital) = vital_sign(&system, &code) else { continue };
            let url = format!("{CORE}{vital}");
            if let Ok(found) = self.usable(resource, &url) {
                self.tell(resource, Information, &messages::VITAL_SIGNS, &[&url, &code]);
                self.with_profile(resource, base, found, name);
            }
        }
    }

    /// The program of a profile; one that is there but cannot be used is told here.
    pub(super) fn usable(&mut self, at: Element<'d>, url: &str) -> Result<&'d Profile, Missing> {
        let Some(id) = self.programs.id(url) else { return Err(Missing::Unknown) };
        let profile = self.programs.get(id);
        if profile.is_none() {
            self.tell(at, Severity::Error, &messages::UNUSABLE_PROFILE, &[url]);
        }
        profile.ok_or(Missing::Unusable)
    }

    /// What only resources of one type are asked.
    fn check_kind_of_resource(&mut self, resource: Element<'d>, name: &str) {
        match name {
            "Bundle" => self.check_bundle(resource),
            "StructureDefinition" => self.check_structure(resource),
            "Questionnaire" => self.check_questionnaire(resource),
            "QuestionnaireResponse" => self.check_response(resource),
            _ => {}
        }
    }
}

/// Why there is no program.
pub(super) enum Missing {
    /// No package has the profile.
    Unknown,
    /// It has no snapshot, and none can be made; that has been told.
    Unusable,
}

/// The profile of a vital sign, by the code that is looked for.
fn vital_sign(system: &str, code: &str) -> Option<&'static str> {
    Some(match (system, code) {
        ("http://loinc.org", "85353-1") => "vitalspanel",
        ("http://loinc.org", "9279-1") => "resprate",
        ("http://loinc.org", "8867-4") => "heartrate",
        ("http://loinc.org", "2708-6" | "59408-5") => "oxygensat",
        ("http://loinc.org", "8310-5") | ("http://snomed.info/sct", "276885007") => "bodytemp",
        ("http://loinc.org", "8302-2") => "bodyheight",
        ("http://loinc.org", "9843-4") => "headcircum",
        ("http://loinc.org", "29463-7") => "bodyweight",
        ("http://loinc.org", "39156-5") => "bmi",
        ("http://loinc.org", "85354-9") => "bp",
        _ => return None,
    })
}
