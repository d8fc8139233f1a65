//! A definition as a tree without what nobody asks of it here: nine tenths of most are words for people.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// What of a definition is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Everything but the elements and the narrative.
    Frame,
    /// Everything but the narrative and what elements say to people.
    Rules,
}

/// Of an `ElementDefinition`, what no rule is made of: what is carried in the binary leaves it out too.
pub const NO_RULES: [&str; 12] = [
    "short",
    "definition",
    "comment",
    "requirements",
    "alias",
    "example",
    "mapping",
    "meaningWhenMissing",
    "orderMeaning",
    "isModifierReason",
    "label",
    "code",
];

/// Reads a definition.
pub(super) fn parse(json: &[u8], kept: Kept) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = At(Level::Root(kept)).deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
enum Level {
    Root(Kept),
    /// `snapshot`, `differential`
    Part,
    /// `snapshot.element`
    Elements,
    Element,
    /// Whatever is there.
    Any,
}

impl Level {
    /// What lies under a name; `None` where that is left out.
    fn under(self, name: &str) -> Option<Self> {
        match (self, name) {
            (Self::Root(_), "text") => None,
            (Self::Root(Kept::Frame), "snapshot" | "differential") => None,
            (Self::Root(Kept::Rules), "snapshot" | "differential") => Some(Self::Part),
            (Self::Part, "element") => Some(Self::Elements),
            (Self::Element, name) if NO_RULES.contains(&name) => None,
            _ => Some(Self::Any),
        }
    }
}

struct At(Level);

impl<'de> DeserializeSeed<'de> for At {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        match self.0 {
            Level::Any => serde::Deserialize::deserialize(reader),
            Level::Elements => reader.deserialize_seq(self),
            Level::Root(_) | Level::Part | Level::Element => reader.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for At {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a definition")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            match self.0.under(&name) {
                Some(level) => {
                    let value = fields.next_value_seed(At(level))?;
                    kept.insert(name, value);
                }
                None => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Value::Object(kept))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        while let Some(item) = items.next_element_seed(At(Level::Element))? {
            kept.push(item);
        }
        Ok(Value::Array(kept))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_left_out_and_rules_are_not() {
        let whole = json!({"url": "u", "text": {"div": "long"}, "description": "kept",
            "snapshot": {"extension": [1], "element": [
                {"path": "A", "short": "s", "mapping": [{}], "min": 0},
                {"path": "A.b", "patternX": {"code": "c", "text": "t", "definition": "d"}, "comment": "x"}]}});
        let text = whole.to_string();
        let rules = parse(text.as_bytes(), Kept::Rules).unwrap();
        assert_eq!(
            rules,
            json!({"url": "u", "description": "kept", "snapshot": {"extension": [1], "element": [
                {"path": "A", "min": 0},
                {"path": "A.b", "patternX": {"code": "c", "text": "t", "definition": "d"}}]}})
        );
        assert_eq!(parse(text.as_bytes(), Kept::Frame).unwrap(), json!({"url": "u", "description": "kept"}));
    }

    #[test]
    fn what_is_no_definition_is_refused() {
        for bad in ["", "[]", "{", "{} x", r#"{"snapshot":3}"#, r#"{"snapshot":{"element":{}}}"#] {
            assert!(parse(bad.as_bytes(), Kept::Rules).is_err(), "{bad}");
        }
    }
}
