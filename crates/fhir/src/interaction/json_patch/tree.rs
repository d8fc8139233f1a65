//! JSON as a tree of texts.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// Objects within objects that are read.
const DEPTH_MAX: usize = 128;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    /// Members in their order, by their names without escapes.
    Object(Vec<(String, Self)>),
    Array(Vec<Self>),
    /// A string, a number, true, false or null, as it is written.
    Text(Box<str>),
}

impl Tree {
    /// The value that a text is; none if it is none.
    pub fn read(json: &str) -> Option<Self> {
        Self::within(json, DEPTH_MAX)
    }

    fn within(json: &str, depth: usize) -> Option<Self> {
        let deeper = depth.checked_sub(1)?;
        let json = json.trim();
        match json.as_bytes().first()? {
            b'{' => {
                let Members(members) = serde_json::from_str(json).ok()?;
                let read =
                    members.into_iter().map(|(name, raw)| Some((name, Self::within(raw.get(), deeper)?)));
                read.collect::<Option<_>>().map(Self::Object)
            }
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
                items
                    .iter()
                    .map(|raw| Self::within(raw.get(), deeper))
                    .collect::<Option<_>>()
                    .map(Self::Array)
            }
            _ => {
                let raw: &RawValue = serde_json::from_str(json).ok()?;
                Some(Self::Text(raw.get().into()))
            }
        }
    }

    /// The value as JSON.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Array(items) => {
                out.push('[');
                for (nth, item) in items.iter().enumerate() {
                    if nth > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (nth, (name, value)) in members.iter().enumerate() {
                    if nth > 0 {
                        out.push(',');
                    }
                    out.push_str(&serde_json::Value::from(name.as_str()).to_string());
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Whether two values mean the same: numbers by what they are, strings by their characters, members in any order.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Array(mine), Self::Array(theirs)) => {
                mine.len() == theirs.len() && mine.iter().zip(theirs).all(|(one, other)| one.is_same(other))
            }
            (Self::Object(mine), Self::Object(theirs)) => {
                let has = |(name, value): &(String, Self)| {
                    theirs.iter().any(|(other, with)| other == name && with.is_same(value))
                };
                mine.len() == theirs.len() && mine.iter().all(has)
            }
            (Self::Text(mine), Self::Text(theirs)) => {
                let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
                mine == theirs
                    || number(mine)
                        .map_or_else(|| read(mine) == read(theirs), |one| number(theirs) == Some(one))
            }
            _ => false,
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// The members of an object in their order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
                    members.push((name.into_owned(), value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
