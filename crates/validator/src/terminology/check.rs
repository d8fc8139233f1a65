//! Coded elements of a resource: their codes against their systems, and against the value sets of their bindings.

use std::borrow::Cow;

use fhirpath::{
    document::{Element, Kind},
    evaluate::Item,
    value::Value,
};

use super::{
    Answer, Codes, Content, Question, RemoteFault, Set, Standing, System, Verdict, Walk, Why,
    display::{self, Shown},
    grammar,
    messages::*,
};
use crate::{
    check::{Coded, Findings, Place, Terminology},
    finding::{Message, Severity},
    program::{Binding, Strength},
};

/// What an element says of one code.
struct Said<'d> {
    at: Element<'d>,
    system: Option<Cow<'d, str>>,
    version: Option<Cow<'d, str>>,
    code: Cow<'d, str>,
}

impl<'d> Said<'d> {
    /// The code of a `Coding` or `Quantity`; nothing, where it has none.
    fn new(at: Element<'d>) -> Option<Self> {
        let text = |name: &str| at.child(name).and_then(|child| child.text());
        Some(Self { at, system: text("system"), version: text("version"), code: text("code")? })
    }

    /// Tells something of one of its elements, or of all of it; by line and column where the concept begins that it is a coding of.
    fn tell(
        &self,
        owner: Element<'d>,
        name: &str,
        severity: Severity,
        message: &'static Message,
        arguments: &[&str],
        findings: &mut Findings<'d>,
    ) {
        let at = self.at.child(name).unwrap_or(self.at);
        let place = match (at == self.at, owner == self.at) {
            (true, true) => Place::Element,
            (true, false) | (false, true) => Place::AtParent,
            (false, false) => Place::AtGrandparent,
        };
        findings.tell_at(at, place, severity, message, arguments);
    }

    /// `system#code`
    fn shown(&self) -> String {
        match &self.system {
            Some(system) => format!("{system}#{}", self.code),
            None => format!("#{}", self.code),
        }
    }
}

impl Terminology for Codes<'_> {
    fn check<'d>(
        &self,
        element: Element<'d>,
        coded: Coded,
        binding: Option<&Binding>,
        findings: &mut Findings<'d>,
    ) {
        match coded {
            Coded::Code => self.code(element, binding, findings),
            Coded::Coding | Coded::Quantity => {
                let Some(said) = Said::new(element) else { return };
                match coded {
                    Coded::Coding => self.coding(&said, element, &NO_SYSTEM, findings),
                    _ => self.unit(&said, findings),
                }
                if let Some(binding) = binding {
                    self.bound(element, &[said], binding, &OF_CODING, findings);
                }
            }
            Coded::CodeableConcept => self.concept(element, binding, findings),
        }
    }

    fn is_in(&self, item: &Item<'_>, value_set: &str) -> Option<bool> {
        let element = match item {
            Item::Value(Value::String(code)) => {
                return decided(self.contains(value_set, None, None, code.as_str()));
            }
            Item::Value(_) => return None,
            Item::Element(element) => *element,
        };
        let set = contained(element, value_set);
        let asked = |system: Option<&str>, version: Option<&str>, code: &str| match &set {
            Some(set) => self.is_in_set(set, system, code, Walk::OF_BINDING),
            None => self.contains(value_set, system, version, code),
        };
        if element.kind() != Kind::Object {
            return decided(asked(None, None, &element.text()?));
        }
        let codings = element.children().filter(|child| child.name() == "coding");
        let said: Vec<Said<'_>> = codings.chain([element]).filter_map(Said::new).collect();
        // A coding without a system means nothing, so that nothing can be said of it; beside one that has a system it does not count.
        if !said.is_empty() && said.iter().all(|said| said.system.is_none()) {
            return None;
        }
        let answers = said.iter().filter(|said| said.system.is_some());
        decided(super::any(
            answers.map(|said| asked(said.system.as_deref(), said.version.as_deref(), &said.code)),
        ))
    }
}

fn decided(answer: Answer) -> Option<bool> {
    match answer {
        Answer::In => Some(true),
        Answer::Out => Some(false),
        Answer::Undecided(_) => None,
    }
}

/// The value set of `#id` in the resource that the element stands in.
fn contained(element: Element<'_>, value_set: &str) -> Option<Set> {
    let id = value_set.strip_prefix('#')?;
    let mut at = Some(element);
    while let Some(of) = at {
        let mut contained = of.children().filter(|child| child.name() == "contained");
        let found =
            contained.find(|child| child.child("id").and_then(|own| own.text()).as_deref() == Some(id));
        if let Some(found) = found {
            return serde_json::from_str(&found.to_json()).ok().map(|resource| Set::new(&resource));
        }
        at = of.parent();
    }
    None
}

impl Codes<'_> {
    fn code<'d>(&self, element: Element<'d>, binding: Option<&Binding>, findings: &mut Findings<'d>) {
        let (Some(code), Some(binding)) = (element.text(), binding) else { return };
        let ask = |value_set: &str| match contained(element, value_set) {
            Some(set) => self.is_in_set(&set, None, &code, Walk::OF_BINDING),
            None => self.contains(value_set, None, None, &code),
        };
        match binding_answer(binding, ask) {
            Answer::In => {}
            Answer::Out => {
                let set = self.named(&binding.value_set);
                if binding.strength == Strength::Required {
                    findings.tell(element, Severity::Error, &NOT_INFERRED, &[&code, &set]);
                }
                OF_CODE.tell(element, binding, &code, &set, findings);
            }
            Answer::Undecided(why) => self.undecided(element, binding, &code, &why, findings),
        }
        if let Some(max) = &binding.max_value_set
            && ask(max) == Answer::Out
        {
            findings.tell(element, Severity::Error, &BEYOND_MAX, &[&code, &self.named(max)]);
        }
    }

    fn concept<'d>(&self, element: Element<'d>, binding: Option<&Binding>, findings: &mut Findings<'d>) {
        let codings = element.children().filter(|child| child.name() == "coding");
        let said: Vec<Said<'d>> = codings.filter_map(Said::new).collect();
        for one in &said {
            self.coding(one, element, &NO_SYSTEM_IN_CONCEPT, findings);
        }
        let Some(binding) = binding else { return };
        if said.is_empty() {
            let set = self.named(&binding.value_set);
            match binding.strength {
                Strength::Required => findings.tell(element, Severity::Error, &NO_CODE, &[&set]),
                Strength::Extensible if binding.max_value_set.is_some() => {
                    findings.tell(element, Severity::Error, &NO_CODE, &[&set]);
                }
                Strength::Extensible => {
                    findings.tell(element, Severity::Warning, &NO_CODE_EXTENSIBLE, &[&set]);
                }
                Strength::Preferred | Strength::Example => {}
            }
            return;
        }
        self.bound(element, &said, binding, &OF_CONCEPT, findings);
    }

    /// One coding against its code system.
    fn coding<'d>(
        &self,
        said: &Said<'d>,
        owner: Element<'d>,
        no_system: &'static Message,
        findings: &mut Findings<'d>,
    ) {
        let Some(system) = said.system.as_deref() else {
            return said.tell(owner, "", Severity::Warning, no_system, &[&said.code], findings);
        };
        if let Some(meant) = misspelt(system) {
            return said.tell(owner, "", Severity::Error, &SYSTEM_INVALID, &[system, meant], findings);
        }
        match self.standing(system, said.version.as_deref(), &said.code) {
            Standing::Code(compiled) => {
                if let Some(compiled) = compiled {
                    self.meaning(said, owner, &compiled, findings);
                }
            }
            Standing::NoCode(why) => {
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                let arguments = [&*said.code, system, &why];
                said.tell(owner, "code", Severity::Error, &UNKNOWN_CODE, &arguments, findings);
            }
            Standing::Beyond(compiled) => {
                self.status(owner, &compiled, findings);
                said.tell(
                    owner,
                    "code",
                    Severity::Warning,
                    &UNKNOWN_IN_PART,
                    &[&said.code, system],
                    findings,
                );
            }
            Standing::Unknown => self.unknown(said, owner, system, findings),
        }
    }

    /// A code whose system no package has: the server, if there is one, is asked.
    fn unknown<'d>(&self, said: &Said<'d>, owner: Element<'d>, system: &str, findings: &mut Findings<'d>) {
        let code = &*said.code;
        if let Some(remote) = &self.remote {
            let display = said.at.child("display").and_then(|child| child.text());
            let (version, display) = (said.version.as_deref(), display.as_deref());
            let question = Question { system: Some(system), version, code, display, value_set: None };
            match remote.validate_code(&question) {
                Ok(Verdict::Good { .. }) => return,
                Ok(Verdict::WrongDisplay { display: own }) => {
                    let arguments =
                        [display.unwrap_or_default(), code, system, own.as_deref().unwrap_or_default()];
                    return said.tell(owner, "display", Severity::Error, &DISPLAY, &arguments, findings);
                }
                Ok(Verdict::Bad { message }) => {
                    let why = format!(": {message}");
                    let arguments = [code, system, &why];
                    return said.tell(owner, "code", Severity::Error, &UNKNOWN_CODE, &arguments, findings);
                }
                Ok(Verdict::Unknown { .. }) => {}
                Err(RemoteFault(why)) => {
                    return said.tell(owner, "", Severity::Warning, &SERVER_SILENT, &[code, &why], findings);
                }
            }
        }
        if self.library.canonical_of_type(system, "ValueSet").is_some() {
            said.tell(owner, "", Severity::Error, &SYSTEM_IS_SET, &[system], findings);
        } else if grammar::is_large(system) {
            said.tell(owner, "", Severity::Information, &NOT_CHECKED, &[system, code], findings);
        } else {
            said.tell(owner, "system", Severity::Warning, &UNKNOWN_SYSTEM, &[system], findings);
        }
    }

    /// What a code of a known system says besides: its display, and whether it may still be used.
    fn meaning<'d>(&self, said: &Said<'d>, owner: Element<'d>, system: &System, findings: &mut Findings<'d>) {
        self.status(owner, system, findings);
        let Some(concept) = system.concept(&said.code) else { return };
        let (code, url) = (&*said.code, &*system.url);
        if concept.is_inactive {
            said.tell(owner, "", Severity::Warning, &INACTIVE, &[code, url], findings);
        }
        let Some(shown) = said.at.child("display").and_then(|display| display.text()) else { return };
        match display::compare(concept, &shown) {
            Shown::Right => {}
            Shown::Otherwise(own) => {
                said.tell(owner, "display", Severity::Error, &DISPLAY, &[&shown, code, url, own], findings);
            }
            // A fragment may leave displays out, as it does codes.
            Shown::None if system.content != Content::Complete => {}
            Shown::None => {
                said.tell(owner, "display", Severity::Error, &NO_DISPLAY, &[&shown, code, url], findings);
            }
        }
    }

    fn status<'d>(&self, owner: Element<'d>, system: &System, findings: &mut Findings<'d>) {
        if &*system.status == "draft" {
            let version = system.version.as_deref().unwrap_or_default();
            let canonical = format!("{}|{version}", system.url);
            findings.tell(owner, Severity::Information, &DRAFT, &[canonical.trim_end_matches('|')]);
        }
    }

    /// The unit of a quantity. Without a system it is a text, and no code.
    fn unit<'d>(&self, said: &Said<'d>, findings: &mut Findings<'d>) {
        let Some(system) = said.system.as_deref() else { return };
        if let Standing::NoCode(why) = self.standing(system, None, &said.code) {
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            findings.tell(said.at, Severity::Error, &UNKNOWN_CODE, &[&said.code, system, &why]);
        }
    }

    /// The codes of one element against the value set of its binding: one that is in it suffices.
    fn bound<'d>(
        &self,
        element: Element<'d>,
        said: &[Said<'d>],
        binding: &Binding,
        messages: &Messages,
        findings: &mut Findings<'d>,
    ) {
        let ask = |value_set: &str| {
            let set = contained(element, value_set);
            super::any(said.iter().map(|one| match (&one.system, &set) {
                (None, _) => Answer::Out,
                (system, Some(set)) => self.is_in_set(set, system.as_deref(), &one.code, Walk::OF_BINDING),
                (system, None) => {
                    self.contains(value_set, system.as_deref(), one.version.as_deref(), &one.code)
                }
            }))
        };
        let shown = || said.iter().map(Said::shown).collect::<Vec<_>>().join(", ");
        match binding_answer(binding, ask) {
            Answer::In => {}
            Answer::Out => {
                messages.tell(element, binding, &shown(), &self.named(&binding.value_set), findings);
            }
            Answer::Undecided(why) => self.undecided(element, binding, &shown(), &why, findings),
        }
        if let Some(max) = &binding.max_value_set
            && ask(max) == Answer::Out
        {
            findings.tell(element, Severity::Error, &BEYOND_MAX, &[&shown(), &self.named(max)]);
        }
    }

    /// What could not be decided, as loud as HL7's validator is without a server: softly where nobody expects the system to be here.
    fn undecided<'d>(
        &self,
        element: Element<'d>,
        binding: &Binding,
        shown: &str,
        why: &Why,
        findings: &mut Findings<'d>,
    ) {
        let (message, severity) = match binding.strength {
            Strength::Required => (&UNDECIDED_REQUIRED, Severity::Warning),
            Strength::Extensible => (&UNDECIDED_EXTENSIBLE, Severity::Warning),
            Strength::Preferred => (&UNDECIDED_PREFERRED, Severity::Information),
            Strength::Example => return,
        };
        let set = self.named(&binding.value_set);
        let (severity, why) = match why {
            Why::UnknownSet(url) if **url == *binding.value_set => {
                return findings.tell(element, severity, &SET_NOT_FOUND, &[url, shown]);
            }
            Why::UnknownSet(url) => (severity, format!("the value set {url} is not here")),
            Why::UnknownSystem(url) if grammar::is_large(url) => {
                (Severity::Information, format!("`{url}` needs a terminology server"))
            }
            Why::UnknownSystem(url) => (severity, format!("the code system `{url}` is not here")),
            Why::Rule(rule) => (severity, rule.to_string()),
            Why::NoServer(why) => (severity, format!("the terminology server gave no answer: {why}")),
        };
        findings.tell(element, severity, message, &[shown, &set, &why]);
    }

    /// A value set as a message names it.
    fn named(&self, canonical: &str) -> String {
        match self.set(canonical) {
            Some(set) if !set.title.is_empty() => format!("{} ({})", set.title, set.canonical),
            _ => canonical.to_owned(),
        }
    }
}

/// What an example shows binds nobody, and nobody is asked about it.
fn binding_answer(binding: &Binding, ask: impl Fn(&str) -> Answer) -> Answer {
    match binding.strength {
        Strength::Example => Answer::In,
        _ => ask(&binding.value_set),
    }
}

/// What is said where a code is not in its value set.
struct Messages {
    required: &'static Message,
    extensible: &'static Message,
    preferred: &'static Message,
}

static OF_CODE: Messages =
    Messages { required: &CODE_REQUIRED, extensible: &CODE_EXTENSIBLE, preferred: &CODE_PREFERRED };
static OF_CODING: Messages =
    Messages { required: &CODING_REQUIRED, extensible: &CODING_EXTENSIBLE, preferred: &CODING_PREFERRED };
static OF_CONCEPT: Messages =
    Messages { required: &CONCEPT_REQUIRED, extensible: &CONCEPT_EXTENSIBLE, preferred: &CONCEPT_PREFERRED };

impl Messages {
    fn tell<'d>(
        &self,
        at: Element<'d>,
        binding: &Binding,
        shown: &str,
        set: &str,
        findings: &mut Findings<'d>,
    ) {
        let (severity, message) = match binding.strength {
            Strength::Required => (Severity::Error, self.required),
            Strength::Extensible => (Severity::Warning, self.extensible),
            Strength::Preferred => (Severity::Information, self.preferred),
            Strength::Example => return,
        };
        findings.tell(at, severity, message, &[shown, set]);
    }
}

/// Urls that look like a well-known system and are not it.
fn misspelt(system: &str) -> Option<&'static str> {
    [
        "http://snomed.info/sct",
        "http://loinc.org",
        grammar::UCUM,
        "http://www.nlm.nih.gov/research/umls/rxnorm",
    ]
    .into_iter()
    .find(|known| system != *known && system.starts_with(known))
}
