//! JSON Schemas of actions' inputs and outputs: the document as it is shown, the program as it is used.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock},
};

use jsonschema::{Validator, error::ValidationErrorKind};
use kernel::Issue;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::catalogue::BuiltIn;

/// The most findings that are told of one document.
const ISSUES_MAX: usize = 20;

/// A field name longer than this is cut, in characters.
const NAME_CHARACTERS_MAX: usize = 64;

/// A JSON Schema (draft 2020-12). Compiled at first use.
#[derive(Clone)]
pub struct Schema {
    document: Arc<Value>,
    program: Arc<OnceLock<Result<Validator, String>>>,
}

impl Schema {
    /// The schema as it is shown.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// What is wrong with a document, with paths in it. A schema that cannot be compiled accepts nothing.
    pub fn issues(&self, instance: &Value) -> Vec<Issue> {
        match self.program() {
            Ok(program) => program.iter_errors(instance).take(ISSUES_MAX).map(|error| told(&error)).collect(),
            Err(why) => vec![Issue::at("", format!("the declared schema is unusable: {why}"))],
        }
    }

    fn program(&self) -> Result<&Validator, &String> {
        self.program
            .get_or_init(|| jsonschema::draft202012::new(&self.document).map_err(|error| error.to_string()))
            .as_ref()
    }

    /// Compile now, so that a schema that cannot be used is told when its file is read.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn check(&self) -> Result<(), String> {
        self.program().map(|_| ()).map_err(Clone::clone)
    }
}

/// A finding at the field that it is about: one that is missing or too many is named itself, not only what it is missing from.
fn told(error: &jsonschema::ValidationError<'_>) -> Issue {
    let at = pointer_to_path(&error.instance_path().to_string());
    let below = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    match error.kind() {
        ValidationErrorKind::Required { property } => match property.as_str() {
            Some(name) => Issue::at(below(name), "is missing").of_rule("required"),
            None => Issue::at(at, error.masked().to_string()),
        },
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let first = unexpected.first().map(|name| {
                name.chars().filter(|c| !c.is_control()).take(NAME_CHARACTERS_MAX).collect::<String>()
            });
            Issue::at(first.map_or(at.clone(), |name| below(&name)), "is not a field here")
        }
        _ => Issue::at(at, error.masked().to_string()),
    }
}

/// `/from/0` → `from.0`, in the caller's own terms.
fn pointer_to_path(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".").replace("~1", "/").replace("~0", "~")
}

impl From<Value> for Schema {
    fn from(document: Value) -> Self {
        Self { document: Arc::new(document), program: Arc::default() }
    }
}
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.document == other.document
    }
}
impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.document, f)
    }
}
impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(name) => shared(&name).map_err(de::Error::custom),
            document @ Value::Object(_) => Ok(Self::from(document)),
            _ => Err(de::Error::custom("a schema is a table, or the name of a shared one: \"shared:dates\"")),
        }
    }
}

/// Schemas that several actions share (`providers/schemas/<name>.json`): read once, compiled once.
fn shared(reference: &str) -> Result<Schema, String> {
    static READ: OnceLock<Result<BTreeMap<String, Schema>, String>> = OnceLock::new();
    let all = READ.get_or_init(read_shared).as_ref().map_err(Clone::clone)?;
    let named = reference.strip_prefix("shared:").and_then(|name| all.get(name));
    named.cloned().ok_or_else(|| {
        let known: Vec<_> = all.keys().map(String::as_str).collect();
        format!(
            "no schema is named {reference:?}: write a table, or \"shared:…\" with one of {}",
            known.join(", ")
        )
    })
}

fn read_shared() -> Result<BTreeMap<String, Schema>, String> {
    let names = BuiltIn::iter().filter_map(|path| {
        let name = path.strip_prefix("schemas/")?.strip_suffix(".json")?.to_owned();
        Some((name, BuiltIn::get(&path)?))
    });
    let read = |(name, file): (String, rust_embed::EmbeddedFile)| {
        let document: Value =
            serde_json::from_slice(&file.data).map_err(|error| format!("{name}: {error}"))?;
        Ok((name, Schema::from(document)))
    };
    names.map(read).collect()
}
