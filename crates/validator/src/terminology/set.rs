//! A value set, compiled once: what it takes and what it leaves out. <https://hl7.org/fhir/R4/valueset.html>

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{filter::Filter, system::list};

/// A compiled value set. It is a rule and not a list: a code is asked against it, and nothing is expanded.
#[derive(Debug)]
pub struct Set {
    /// Its canonical url, with its version.
    pub canonical: Box<str>,
    /// What people call it.
    pub title: Box<str>,
    pub(super) include: Vec<Part>,
    pub(super) exclude: Vec<Part>,
    pub(super) expansion: Option<Expansion>,
}

/// One `include` or `exclude`. All that it says must hold.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) system: Option<Box<str>>,
    pub(super) version: Option<Box<str>>,
    /// Codes with their displays; nothing, where the part lists none.
    pub(super) concepts: Option<HashMap<Box<str>, Option<Box<str>>>>,
    pub(super) filters: Vec<Result<Filter, String>>,
    pub(super) sets: Vec<Box<str>>,
}

/// A list that somebody has made of the rule.
#[derive(Debug, Default)]
pub(super) struct Expansion {
    codes: HashSet<(Box<str>, Box<str>)>,
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
            expansion: resource.get("expansion").map(Expansion::new),
        }
    }
}

impl Part {
    fn new(part: &Value) -> Self {
        let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(Box::<str>::from);
        let concept = |concept: &Value| Some((text(concept, "code")?, text(concept, "display")));
        let concepts: HashMap<_, _> = list(part, "concept").filter_map(concept).collect();
        Self {
            system: text(part, "system"),
            version: text(part, "version"),
            concepts: (!concepts.is_empty()).then_some(concepts),
            filters: list(part, "filter").map(Filter::new).collect(),
            sets: list(part, "valueSet").filter_map(Value::as_str).map(Into::into).collect(),
        }
    }
}

impl Expansion {
    fn new(expansion: &Value) -> Self {
        let mut made = Self::default();
        let mut open: Vec<&Value> = list(expansion, "contains").collect();
        while let Some(contains) = open.pop() {
            open.extend(list(contains, "contains"));
            let text = |name: &str| contains.get(name).and_then(Value::as_str);
            let is_abstract = contains.get("abstract") == Some(&Value::Bool(true));
            if let (Some(system), Some(code), false) = (text("system"), text("code"), is_abstract) {
                made.codes.insert((system.into(), code.into()));
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
