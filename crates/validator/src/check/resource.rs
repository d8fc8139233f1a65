//! A resource, on its own, contained or in a Bundle: its type, and the profiles that it declares.

use std::borrow::Cow;

use fhirpath::document::{Element, Format};

use super::{Request, Run, findings::Place, messages, run::Active};
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
            let is_json = resource.document().format() == Format::Json;
            let place = if is_json { Place::JsonElement } else { Place::Element };
            self.tell_at(resource, place, Severity::Fatal, &messages::UNKNOWN_RESOURCE_TYPE, &[name]);
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
        let codings: Vec<_> = codings
            .filter(|child| child.name() == "coding")
            .filter_map(|coding| Some((coding.child("system")?.text()?, coding.child("code")?.text()?)))
            .collect();
        let Some((vital, code)) = vital_sign(&codings) else { return };
        let url = format!("{CORE}{vital}");
        if let Ok(found) = self.usable(resource, &url) {
            self.tell(resource, Information, &messages::VITAL_SIGNS, &[&url, code]);
            self.with_profile(resource, base, found, name);
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
            "Measure" => self.check_measure(resource),
            "SearchParameter" => self.check_search_parameter(resource),
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

/// Profiles of vital signs and the codes of LOINC, then of SNOMED CT, that HL7's validator takes for them; the first that fits counts.
const VITAL_SIGNS: [(&str, &[&str]); 18] = [
    ("vitalspanel", &["85353-1"]),
    ("resprate", &["9279-1", "76170-0", "76172-6", "76171-8", "19840-8", "33438-3", "76270-8", "11291-2"]),
    (
        "heartrate",
        &[
            "60978-4", "73795-7", "73799-9", "76476-1", "76477-9", "8867-4", "8889-8", "8890-6", "8891-4",
            "8892-2", "8893-0", "40443-4", "55425-3", "68999-2", "11328-2", "69000-8", "8886-4",
        ],
    ),
    (
        "oxygensat",
        &[
            "2708-6", "19224-5", "20564-1", "2709-4", "2710-2", "2711-0", "2713-6", "51733-4", "59408-5",
            "59417-6", "89276-0", "97549-0",
        ],
    ),
    (
        "bodytemp",
        &[
            "8310-5", "60834-9", "60835-6", "60836-4", "60838-0", "60955-2", "61009-7", "75539-7", "75987-8",
            "76010-8", "76011-6", "76278-1", "8309-7", "8328-7", "8329-5", "8330-3", "8331-1", "8332-9",
            "8333-7", "8334-5", "91371-5", "98657-0", "98663-8",
        ],
    ),
    ("bodyheight", &["8302-2", "3137-7", "3138-5", "8306-3", "8308-9"]),
    ("headcircum", &["9843-4", "8287-5"]),
    ("bodyweight", &["29463-7", "3141-9", "3142-7", "75292-3", "79348-9", "8350-1", "8351-9"]),
    ("bmi", &["39156-5", "59574-4", "89270-3"]),
    ("bp", &["85354-9", "35094-2", "8459-0", "76534-7", "55284-4", "8480-6"]),
    ("vitalspanel", &["46680005"]),
    ("heartrate", &["249043002", "444981005", "399017001", "251670001", "429525003", "429614003"]),
    (
        "oxygensat",
        &["103228002", "442349007", "442476006", "442440005", "431314004", "442734002", "713194001"],
    ),
    (
        "bodytemp",
        &[
            "386725007",
            "276885007",
            "300076005",
            "1222808002",
            "364246006",
            "307047009",
            "708499008",
            "431598003",
            "698831002",
            "698832009",
            "415882003",
            "415974002",
            "415929009",
            "415945006",
        ],
    ),
    (
        "bodyheight",
        &["1153637007", "1162419008", "50373000", "1162418000", "1230278008", "1162392001", "1162417005"],
    ),
    ("headcircum", &["363812007", "169876006", "1269262007", "363811000"]),
    (
        "bodyweight",
        &["60621009", "735395000", "425024002", "424927000", "784399000", "1162416001", "1162415002"],
    ),
    (
        "bp",
        &[
            "75367002",
            "251076008",
            "163033001",
            "163035008",
            "386534000",
            "386536003",
            "271649006",
            "271650006",
            "407556006",
            "407554009",
            "716579001",
            "399304008",
        ],
    ),
];

/// The profile of a vital sign, and the code that asks for it.
fn vital_sign<'c>(codings: &'c [(Cow<'_, str>, Cow<'_, str>)]) -> Option<(&'static str, &'c str)> {
    VITAL_SIGNS.iter().find_map(|(profile, codes)| {
        // Codes of LOINC end with a check digit behind a hyphen.
        let system =
            |code: &str| if code.contains('-') { "http://loinc.org" } else { "http://snomed.info/sct" };
        let fits =
            |(own, code): &&(Cow<'_, str>, Cow<'_, str>)| *own == system(code) && codes.contains(&&**code);
        codings.iter().find(fits).map(|(_, code)| (*profile, &**code))
    })
}
