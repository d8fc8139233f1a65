//! A code system, compiled once: its concepts by code, with what filters and displays ask. <https://hl7.org/fhir/R4/codesystem.html>

use std::collections::HashMap;

use serde_json::Value;

/// `CONCEPTS_MAX`: concepts of one code system; what comes after them is not taken, and the rest is a fragment.
pub const CONCEPTS_MAX: usize = 2_000_000;
/// `HIERARCHY_DEPTH_MAX`: concepts within concepts.
pub const HIERARCHY_DEPTH_MAX: usize = 64;

/// How much of the code system the resource holds. <https://hl7.org/fhir/R4/valueset-codesystem-content-mode.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// All of it: what is not there is no code.
    Complete,
    /// A part: what is not there may be a code all the same. Examples are such parts.
    Part,
    /// Nothing but its name.
    Absent,
}

/// A compiled code system.
#[derive(Debug)]
pub struct System {
    /// Its canonical url.
    pub url: Box<str>,
    /// Its version.
    pub version: Option<Box<str>>,
    /// How much of it is here.
    pub content: Content,
    /// `CodeSystem.status`
    pub status: Box<str>,
    /// Whether `A` and `a` are two codes.
    pub is_case_sensitive: bool,
    concepts: Vec<Concept>,
    by_code: HashMap<Box<str>, u32>,
}

/// What a code is called besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Designation {
    /// Its language (BCP 47).
    pub language: Option<Box<str>>,
    /// What it is for: a `Coding`.
    pub purpose: Option<Box<Value>>,
    /// The words.
    pub value: Box<str>,
}

impl Designation {
    /// The designations of a concept, of a code system or of a value set.
    pub(super) fn all(concept: &Value) -> Vec<Self> {
        let read = |one: &Value| {
            let purpose = one.get("use").cloned().map(Box::new);
            Some(Self { language: text_of(one, "language"), purpose, value: text_of(one, "value")? })
        };
        list(concept, "designation").filter_map(read).collect()
    }
}

/// One concept.
#[derive(Debug, Default)]
pub struct Concept {
    /// Its code.
    pub code: Box<str>,
    /// What people read.
    pub display: Option<Box<str>>,
    /// What people may read as well, in whatever language.
    pub designations: Vec<Designation>,
    /// It may not be used any more.
    pub is_inactive: bool,
    /// It groups others and is no code for data.
    pub is_abstract: bool,
    parents: Vec<u32>,
    properties: Vec<(Box<str>, Box<str>)>,
}

impl System {
    /// Compiles a `CodeSystem`. A resource that is none compiles to an absent one.
    pub fn new(resource: &Value) -> Self {
        let text = |name: &str| resource.get(name).and_then(Value::as_str);
        let mut system = Self {
            url: text("url").unwrap_or_default().into(),
            version: text("version").map(Into::into),
            content: match text("content") {
                Some("complete") => Content::Complete,
                Some("fragment" | "example") => Content::Part,
                _ => Content::Absent,
            },
            status: text("status").unwrap_or_default().into(),
            is_case_sensitive: resource.get("caseSensitive") != Some(&Value::Bool(false)),
            concepts: Vec::new(),
            by_code: HashMap::new(),
        };
        let mut links = Vec::new();
        system.take(resource, None, 0, &mut links);
        if system.content == Content::Absent && !system.concepts.is_empty() {
            system.content = Content::Part;
        }
        system.link(&links);
        system
    }

    fn take(
        &mut self,
        of: &Value,
        parent: Option<u32>,
        depth: usize,
        links: &mut Vec<(u32, Box<str>, Link)>,
    ) {
        for concept in list(of, "concept") {
            let Some(code) = concept.get("code").and_then(Value::as_str) else { continue };
            if self.concepts.len() >= CONCEPTS_MAX || depth >= HIERARCHY_DEPTH_MAX {
                self.content = Content::Part;
                return;
            }
            let Ok(at) = u32::try_from(self.concepts.len()) else { return };
            let (compiled, more) = Concept::new(code, concept, parent);
            links.extend(more.into_iter().map(|(other, link)| (at, other, link)));
            self.by_code.entry(self.key(code)).or_insert(at);
            self.concepts.push(compiled);
            self.take(concept, Some(at), depth + 1, links);
        }
    }

    /// Parents that are said by properties instead of by nesting.
    fn link(&mut self, links: &[(u32, Box<str>, Link)]) {
        for (at, other, link) in links {
            let Some(other) = self.by_code.get(&self.key(other)).copied() else { continue };
            let (child, parent) = match link {
                Link::Parent => (*at, other),
                Link::Child => (other, *at),
            };
            if let Some(child) = self.concepts.get_mut(child as usize)
                && !child.parents.contains(&parent)
            {
                child.parents.push(parent);
            }
        }
    }

    /// Takes the designations and properties of a supplement. <https://hl7.org/fhir/R4/codesystem.html#supplements>
    pub fn supplement(&mut self, resource: &Value) {
        let mut open: Vec<&Value> = list(resource, "concept").collect();
        while let Some(concept) = open.pop() {
            open.extend(list(concept, "concept"));
            let code = concept.get("code").and_then(Value::as_str).unwrap_or_default();
            let Some(at) = self.by_code.get(&self.key(code)).copied() else { continue };
            let (added, _) = Concept::new(code, concept, None);
            if let Some(own) = self.concepts.get_mut(at as usize) {
                let display =
                    |value| Designation { language: text_of(resource, "language"), purpose: None, value };
                own.designations.extend(added.display.map(display));
                own.designations.extend(added.designations);
                own.properties.extend(added.properties);
            }
        }
    }

    fn key(&self, code: &str) -> Box<str> {
        if self.is_case_sensitive { code.into() } else { code.to_lowercase().into() }
    }

    /// The concept of a code.
    pub fn concept(&self, code: &str) -> Option<&Concept> {
        let at = if self.is_case_sensitive {
            self.by_code.get(code)
        } else {
            self.by_code.get(code.to_lowercase().as_str())
        };
        self.concepts.get(*at? as usize)
    }

    /// Its concepts.
    pub fn concepts(&self) -> impl Iterator<Item = &Concept> {
        self.concepts.iter()
    }

    /// How many concepts there are.
    pub fn len(&self) -> usize {
        self.concepts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.concepts.is_empty()
    }

    /// Whether two codes are one.
    pub fn is_same(&self, a: &str, b: &str) -> bool {
        a == b || (!self.is_case_sensitive && a.to_lowercase() == b.to_lowercase())
    }

    /// Whether a concept stands below another, however far.
    pub fn is_below(&self, concept: &Concept, ancestor: &str) -> bool {
        let mut open: Vec<u32> = concept.parents.clone();
        let mut seen = std::collections::HashSet::new();
        while let Some(at) = open.pop() {
            // A hierarchy that somebody has tied into a ring ends here too.
            if !seen.insert(at) {
                continue;
            }
            let Some(parent) = self.concepts.get(at as usize) else { continue };
            if self.is_same(&parent.code, ancestor) {
                return true;
            }
            open.extend(&parent.parents);
        }
        false
    }

    /// What a concept has of a property, in text.
    pub fn property<'c>(&'c self, concept: &'c Concept, name: &str) -> Vec<&'c str> {
        let parent = |at: &u32| self.concepts.get(*at as usize).map(|parent| &*parent.code);
        match name {
            "code" | "concept" => vec![&concept.code],
            "display" => concept.display.as_deref().into_iter().collect(),
            "parent" => concept.parents.iter().filter_map(parent).collect(),
            "child" => {
                self.concepts.iter().filter(|other| self.is_child(other, concept)).map(|c| &*c.code).collect()
            }
            _ => concept
                .properties
                .iter()
                .filter(|(code, _)| **code == *name)
                .map(|(_, value)| &**value)
                .collect(),
        }
    }

    fn is_child(&self, other: &Concept, of: &Concept) -> bool {
        other
            .parents
            .iter()
            .filter_map(|at| self.concepts.get(*at as usize))
            .any(|parent| self.is_same(&parent.code, &of.code))
    }
}

#[derive(Clone, Copy, Debug)]
enum Link {
    Parent,
    Child,
}

impl Concept {
    /// The concept, and other concepts that its properties name as above or below it.
    fn new(code: &str, concept: &Value, parent: Option<u32>) -> (Self, Vec<(Box<str>, Link)>) {
        let mut compiled = Self {
            code: code.into(),
            display: text_of(concept, "display"),
            designations: Designation::all(concept),
            parents: parent.into_iter().collect(),
            ..Self::default()
        };
        let mut links = Vec::new();
        for property in list(concept, "property") {
            let (Some(code), Some(value)) = (text_of(property, "code"), value_of(property)) else { continue };
            match &*code {
                "parent" | "subsumedBy" => links.push((value.clone(), Link::Parent)),
                "child" => links.push((value.clone(), Link::Child)),
                "inactive" => compiled.is_inactive |= &*value == "true",
                "status" => compiled.is_inactive |= matches!(&*value, "retired" | "inactive"),
                "notSelectable" | "abstract" => compiled.is_abstract |= &*value == "true",
                _ => {}
            }
            compiled.properties.push((code, value));
        }
        (compiled, links)
    }
}

/// `value[x]` of a property, in text.
fn value_of(property: &Value) -> Option<Box<str>> {
    let (_, value) = property.as_object()?.iter().find(|(name, _)| name.starts_with("value"))?;
    Some(match value {
        Value::String(text) => text.as_str().into(),
        Value::Object(coding) => coding.get("code")?.as_str()?.into(),
        other => other.to_string().into(),
    })
}

fn text_of(of: &Value, name: &str) -> Option<Box<str>> {
    of.get(name).and_then(Value::as_str).map(Box::from)
}

pub(super) fn list<'v>(of: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hierarchy_is_walked_however_it_is_said() {
        let system = System::new(&json!({"url": "http://s", "content": "complete", "concept": [
            {"code": "a", "display": "A", "concept": [{"code": "b", "concept": [{"code": "c"}]}]},
            {"code": "d", "property": [{"code": "subsumedBy", "valueCode": "b"}, {"code": "inactive", "valueBoolean": true}]},
            {"code": "e", "property": [{"code": "child", "valueCode": "a"}, {"code": "parent", "valueCode": "c"}]},
        ]}));
        let below = |code: &str, ancestor: &str| {
            system.concept(code).is_some_and(|concept| system.is_below(concept, ancestor))
        };
        assert!(below("c", "a") && below("d", "a") && below("b", "e"), "a ring ends");
        assert!(!below("d", "c") || below("d", "e"));
        assert!(system.concept("d").is_some_and(|concept| concept.is_inactive));
        assert!(system.concept("A").is_none());
        assert_eq!(system.concept("e").map(|concept| system.property(concept, "parent")), Some(vec!["c"]));
    }

    #[test]
    fn case_counts_where_the_system_says_so() {
        let any =
            json!({"url": "u", "content": "complete", "caseSensitive": false, "concept": [{"code": "Ab"}]});
        assert!(System::new(&any).concept("aB").is_some());
        assert_eq!(System::new(&json!({"content": "fragment"})).content, Content::Part);
        assert_eq!(System::new(&json!({"content": "not-present"})).content, Content::Absent);
    }
}
