//! A value set, compiled once: what it takes and what it leaves out. <https://hl7.org/fhir/R4/valueset.html>

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    filter::Filter,
    system::{Designation, list},
};

/// A compiled value set. It is a rule and not a list: a code is asked against it, and nothing is expanded.
#[derive(Debug)]
pub struct Set {
    /// Its canonical url, with its version.
    pub canonical: Box<str>,
    /// What people call it.
    pub title: Box<str>,
    pub(super) include: Vec<Part>,
    pub(super) exclude: Vec<Part>,
    /// `compose.inactive` is false: codes that may not be used any more are not in it.
    pub(super) is_active_only: bool,
    pub(super) expansion: Option<Expansion>,
}

/// One `include` or `exclude`. All that it says must hold.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) system: Option<Box<str>>,
    pub(super) version: Option<Box<str>>,
    /// Codes with what the value set calls them; nothing, where the part lists none.
    pub(super) concepts: Option<HashMap<Box<str>, Own>>,
    /// The same codes in their order.
    pub(super) order: Vec<Box<str>>,
    pub(super) filters: Vec<Result<Filter, String>>,
    pub(super) sets: Vec<Box<str>>,
}

/// What a value set itself calls a code that it lists.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) display: Option<Box<str>>,
    pub(super) designations: Vec<Designation>,
}

/// A list that somebody has made of the rule.
#[derive(Debug, Default)]
pub(super) struct Expansion {
    codes: HashSet<(Box<str>, Box<str>)>,
    /// The same in their order, with what they are called.
    pub(super) order: Vec<(Box<str>, Box<str>, Own)>,
    /// Not all codes are in it.
    pub(super) is_open: bool,
}

const UNCLOSED: &str = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed";

impl Set {
    /// Compiles a `ValueSet`.
    pub fn new(resource: &Value) -> Self {
        let text = |name: &str| resource.get(name).and_then(Value::as_str).unwrap_or_default();
        let canonical = match text("version") {
            "" => text("url").to_owned(),
            version => format!("{}|{version}", text("url")),
        };
        let title = ["name", "title", "id"].into_iter().map(text).find(|title| !title.is_empty());
        let parts =
            |name: &str| resource.get("compose").map(|compose| list(compose, name).map(Part::new).collect());
        Self {
            canonical: canonical.into(),
            title: title.unwrap_or_default().into(),
            include: parts("include").unwrap_or_default(),
            exclude: parts("exclude").unwrap_or_default(),
            is_active_only: resource.pointer("/compose/inactive") == Some(&Value::Bool(false)),
            expansion: resource.get("expansion").map(Expansion::new),
        }
    }
}

impl Set {
    /// What the value set itself calls a code that it lists, the display first.
    pub fn names(&self, system: &str, code: &str) -> Vec<&str> {
        let parts = self.include.iter().filter(|part| part.system.as_deref() == Some(system));
        let listed = parts.filter_map(|part| part.concepts.as_ref()?.get(code));
        let of_list = self.expansion.iter().flat_map(|made| &made.order);
        let of_list = of_list.filter(|(of, own, _)| **of == *system && **own == *code).map(|(.., own)| own);
        listed.chain(of_list).flat_map(Own::names).collect()
    }
}

impl Part {
    fn new(part: &Value) -> Self {
        let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(Box::<str>::from);
        let concept = |concept: &Value| Some((text(concept, "code")?, Own::new(concept)));
        let concepts: HashMap<_, _> = list(part, "concept").filter_map(concept).collect();
        Self {
            system: text(part, "system"),
            version: text(part, "version"),
            concepts: (!concepts.is_empty()).then_some(concepts),
            order: list(part, "concept").filter_map(|concept| text(concept, "code")).collect(),
            filters: list(part, "filter").map(Filter::new).collect(),
            sets: list(part, "valueSet").filter_map(Value::as_str).map(Into::into).collect(),
        }
    }
}

impl Own {
    fn new(concept: &Value) -> Self {
        let display = concept.get("display").and_then(Value::as_str).map(Into::into);
        Self { display, designations: Designation::all(concept) }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.display.as_deref().into_iter().chain(self.designations.iter().map(|one| &*one.value))
    }
}

impl Expansion {
    fn new(expansion: &Value) -> Self {
        let within = |of| list(of, "contains").collect::<Vec<&Value>>().into_iter().rev();
        let mut made = Self::default();
        let mut open: Vec<&Value> = within(expansion).collect();
        while let Some(contains) = open.pop() {
            open.extend(within(contains));
            let text = |name: &str| contains.get(name).and_then(Value::as_str);
            let is_abstract = contains.get("abstract") == Some(&Value::Bool(true));
            if let (Some(system), Some(code), false) = (text("system"), text("code"), is_abstract) {
                made.codes.insert((system.into(), code.into()));
                made.order.push((system.into(), code.into(), Own::new(contains)));
            }
        }
        let total = expansion.get("total").and_then(Value::as_u64);
        made.is_open = total.is_some_and(|total| total > made.codes.len() as u64)
            || list(expansion, "extension").any(|extension| extension.get("url") == Some(&UNCLOSED.into()));
        made
    }

    /// The system and code of each.
    pub(super) fn codes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.codes.iter().map(|(system, code)| (&**system, &**code))
    }

    /// Whether the list has a code; without a system, in any.
    pub(super) fn has(&self, system: Option<&str>, code: &str) -> bool {
        match system {
            Some(system) => self.codes.contains(&(system.into(), code.into())),
            None => self.codes.iter().any(|(_, own)| **own == *code),
        }
    }
}
