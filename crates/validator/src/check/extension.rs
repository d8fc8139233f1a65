//! Extensions: their urls, definitions, and where they may stand. <https://hl7.org/fhir/R4/defining-extensions.html#context>

use fhirpath::document::Element;

use super::{Run, findings::Place, messages, primitive::is_absolute, run::Active};
use crate::{
    Severity::{Error, Warning},
    program::{ExtensionContext, Profile},
};

impl<'a, 'd> Run<'a, 'd> {
    /// The rules of the profile that an extension's url names, for the element that is looked at.
    pub(super) fn extension_profile(&mut self, extension: Element<'d>, base: usize) {
        let Some(url) = extension.child("url").and_then(|url| url.text()) else { return };
        if !is_absolute(&url) {
            return;
        }
        if let Some(profile) = self.programs.profile(url.split('|').next().unwrap_or_default())
            && &*profile.defines == "Extension"
            && let Some(rule) = profile.root()
        {
            self.push_new(base, Active { profile, rule });
        }
    }

    pub(super) fn check_extension(&mut self, extension: Element<'d>) {
        let Some(said) = extension.child("url") else {
            self.tell_at(extension, Place::Nowhere, Error, &messages::EXTENSION_NO_URL, &[]);
            return;
        };
        let Some(url) = said.text() else { return };
        let parent = extension.parent();
        let is_inner =
            parent.is_some_and(|parent| matches!(parent.name(), "extension" | "modifierExtension"));
        if !is_absolute(&url) {
            match parent {
                Some(parent) if is_inner => self.check_inner_extension(extension, parent, &url),
                _ => self.tell_at(extension, Place::Nowhere, Error, &messages::EXTENSION_RELATIVE, &[]),
            }
            return;
        }
        let (plain, version) =
            url.split_once('|').map_or((&*url, None), |(plain, version)| (plain, Some(version)));
        if version.is_some() {
            self.tell_at(extension, Place::Url, Error, &messages::EXTENSION_VERSION, &[&url]);
        }
        let is_modifier = extension.name() == "modifierExtension";
        match self.programs.profile(plain) {
            Some(profile) => self.check_known_extension(extension, profile, is_modifier),
            None if is_modifier => {
                self.tell(extension, Error, &messages::EXTENSION_UNKNOWN_MODIFIER, &[plain])
            }
            None if is_of_examples(plain) => {
                self.tell(extension, Warning, &messages::EXTENSION_UNKNOWN, &[plain])
            }
            // What a system has to do with an element is nothing that the element says: no resource is wrong by it.
            None if is_of_obligations(plain) => {}
            None if is_of_other_version(plain) => {
                self.tell_at(extension, Place::Url, Error, &messages::EXTENSION_UNKNOWN, &[plain]);
            }
            None => self.tell(extension, Error, &messages::EXTENSION_UNKNOWN, &[plain]),
        }
    }

    /// Within an extension of a known definition, only those that it names.
    fn check_inner_extension(&mut self, extension: Element<'d>, parent: Element<'d>, url: &str) {
        let Some(outer) = parent.child("url").and_then(|url| url.text()) else { return };
        let Some(profile) = self.programs.profile(outer.split('|').next().unwrap_or_default()) else {
            return;
        };
        let urls = profile.rules.iter().filter(|rule| &*rule.path == "Extension.extension.url");
        let mut known = urls.filter_map(|rule| rule.value.as_ref()?.value().as_str()).peekable();
        if known.peek().is_some() && !known.any(|known| known == url) {
            self.tell_at(
                extension,
                Place::Url,
                Error,
                &messages::EXTENSION_SUB_UNKNOWN,
                &[url, &profile.shown],
            );
        }
    }

    fn check_known_extension(&mut self, extension: Element<'d>, profile: &'d Profile, is_modifier: bool) {
        let defined_so = profile.root().is_some_and(|root| root.is_modifier);
        if defined_so && !is_modifier {
            self.tell(extension, Error, &messages::EXTENSION_MODIFIER, &[&profile.shown]);
        } else if is_modifier && !defined_so {
            self.tell(extension, Error, &messages::EXTENSION_NO_MODIFIER, &[&profile.shown]);
        }
        let Some(parent) = extension.parent() else { return };
        if profile.contexts.is_empty() {
            return;
        }
        let names = self.context_names(parent);
        if profile.contexts.iter().any(|context| self.fits(context, parent, &names)) {
            return;
        }
        let allowed: Vec<&str> = profile.contexts.iter().map(|context| &*context.expression).collect();
        self.tell(
            parent,
            Error,
            &messages::EXTENSION_CONTEXT,
            &[&profile.shown, &allowed.join(", "), &names.join(", ")],
        );
    }

    fn fits(&mut self, context: &'d ExtensionContext, parent: Element<'d>, names: &[String]) -> bool {
        match &*context.kind {
            "extension" => {
                let outer = parent.child("url").and_then(|url| url.text());
                outer.as_deref() == Some(&*context.expression)
            }
            "fhirpath" => {
                let program = fhirpath::path::Program::compile(&context.expression, self.programs.model());
                let Ok(program) = program else { return true };
                let resource = parent.resource();
                match self.evaluator.evaluate(&program, resource.into()) {
                    Ok(items) => items.iter().any(|item| item.element() == Some(parent)),
                    Err(_) => true,
                }
            }
            _ => {
                let wanted = context.expression.split('#').next_back().unwrap_or_default();
                let wanted = wanted.trim_end_matches("[x]");
                names.iter().any(|name| name == wanted)
                    || (wanted == "CanonicalResource" && self.is_canonical(parent))
            }
        }
    }

    /// Whether an element is a resource of those that R5 calls canonical: each says who publishes it.
    /// <https://hl7.org/fhir/R5/canonicalresource.html>
    fn is_canonical(&self, element: Element<'d>) -> bool {
        use fhirpath::model::Model;
        let model = self.programs.model();
        let of = element.resource_type().and_then(|name| model.type_named(&name));
        of.is_some_and(|of| model.element(of, "publisher").is_some())
    }

    /// What the place of an extension may be called: its type and what that specializes, its path in the resource and in the
    /// types on the way.
    fn context_names(&self, parent: Element<'d>) -> Vec<String> {
        use fhirpath::model::Model;
        let model = self.programs.model();
        let mut names = Vec::new();
        let mut of = self.type_name_of(parent).and_then(|name| model.type_named(name));
        for _ in 0..16 {
            let Some(id) = of else { break };
            names.push(model.type_name(id).to_owned());
            of = model.base(id);
        }
        let mut tail = String::new();
        let mut at = parent;
        for _ in 0..64 {
            if at.resource_type().is_some() {
                break;
            }
            let Some(up) = at.parent() else { break };
            let of_parent = self.type_name_of(up);
            let name = of_parent.and_then(|of| model.type_named(of)).map_or_else(
                || at.name().to_owned(),
                |of| self.choice_name(of, at.name()).unwrap_or_else(|| at.name().to_owned()),
            );
            tail = if tail.is_empty() { name } else { format!("{name}.{tail}") };
            let mut of = of_parent.and_then(|of| model.type_named(of));
            for _ in 0..16 {
                let Some(id) = of else { break };
                names.push(format!("{}.{tail}", model.type_name(id)));
                of = model.base(id);
            }
            at = up;
        }
        names
    }

    /// `value` of `valueQuantity`, where that is a choice.
    pub(super) fn choice_name(&self, of: fhirpath::model::TypeId, written: &str) -> Option<String> {
        use fhirpath::model::Model;
        let model = self.programs.model();
        let ends = written.char_indices().filter(|(at, letter)| *at > 0 && letter.is_ascii_uppercase());
        ends.filter_map(|(end, _)| written.get(..end))
            .find(|name| {
                model.is_choice(name) && model.choices(of, name).iter().any(|(known, _)| known == written)
            })
            .map(str::to_owned)
    }
}

/// Obligations, which R4's packages do not define. <https://hl7.org/fhir/extensions/obligations.html>
fn is_of_obligations(url: &str) -> bool {
    let name =
        url.strip_prefix("http://hl7.org/fhir/").and_then(|rest| rest.split_once("StructureDefinition/"));
    matches!(name, Some(("" | "tools/", "obligation" | "inherit-obligations" | "obligation-profile-flag")))
}

/// An element of another version of FHIR: `http://hl7.org/fhir/3.0/StructureDefinition/extension-Patient.animal`.
/// <https://hl7.org/fhir/R4/versions.html#extensions>
fn is_of_other_version(url: &str) -> bool {
    let parts = url.strip_prefix("http://hl7.org/fhir/").and_then(|rest| rest.split_once('/'));
    parts.is_some_and(|(version, rest)| {
        matches!(version, "1.0" | "3.0" | "4.0" | "4.3" | "5.0")
            && rest.starts_with("StructureDefinition/extension-")
    })
}

/// Urls that specifications use in examples, as far as HL7's validator lets them pass.
fn is_of_examples(url: &str) -> bool {
    ["http://example.org", "https://example.org", "http://acme.com", "https://acme.com", "http://nema.org"]
        .iter()
        .any(|prefix| url.starts_with(prefix))
}
