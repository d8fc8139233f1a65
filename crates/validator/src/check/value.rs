//! Fixed values and patterns. <https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.pattern_x_>

use fhirpath::{
    document::{Element, Kind},
    value::Decimal,
};
use serde_json::Value;

use super::{Run, messages};
use crate::{Severity, program::Expected};

/// Whether an element has all of a pattern.
pub(super) fn has_pattern(element: Element<'_>, pattern: &Value) -> bool {
    match pattern {
        Value::Object(fields) => fields.iter().all(|(name, part)| match part {
            Value::Array(parts) => parts
                .iter()
                .all(|part| element.children().any(|child| child.name() == name && has_pattern(child, part))),
            part => element.child(name).is_some_and(|child| has_pattern(child, part)),
        }),
        value => is_equal(element, value),
    }
}

/// Whether an element is a fixed value, no more and no less.
pub(super) fn is_fixed(element: Element<'_>, fixed: &Value) -> bool {
    let Value::Object(fields) = fixed else { return is_equal(element, fixed) };
    let parts = |name: &str| element.children().filter(|child| child.name() == name).collect::<Vec<_>>();
    element.children().all(|child| fields.contains_key(child.name()))
        && fields.iter().all(|(name, part)| match (part, parts(name).as_slice()) {
            (Value::Array(wanted), found) => {
                wanted.len() == found.len()
                    && wanted.iter().zip(found).all(|(part, child)| is_fixed(*child, part))
            }
            (part, [child]) => is_fixed(*child, part),
            _ => false,
        })
}

pub(super) fn is_equal(element: Element<'_>, value: &Value) -> bool {
    let Some(text) = element.text() else { return false };
    match value {
        Value::String(wanted) => *text == **wanted,
        Value::Bool(wanted) => *text == *if *wanted { "true" } else { "false" },
        Value::Number(wanted) => {
            let wanted = wanted.to_string();
            *text == *wanted
                || matches!((text.parse::<Decimal>(), wanted.parse::<Decimal>()), (Ok(a), Ok(b)) if a == b)
        }
        _ => false,
    }
}

impl<'d> Run<'_, 'd> {
    /// Says where an element differs from what a profile fixes, as deep as the difference is.
    pub(super) fn check_value(&mut self, element: Element<'d>, expected: &'d Expected, asker: &str) {
        match expected {
            Expected::Fixed(value) if !is_fixed(element, value) => self.differs(element, value, asker, true),
            Expected::Pattern(value) if !has_pattern(element, value) => {
                self.differs(element, value, asker, false);
            }
            _ => {}
        }
    }

    fn differs(&mut self, element: Element<'d>, value: &'d Value, asker: &str, whole: bool) {
        let Value::Object(fields) = value else {
            if !is_equal(element, value) {
                let found = element.text().unwrap_or_default();
                let wanted = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let message = if whole { &messages::FIXED } else { &messages::PATTERN };
                self.tell(element, Severity::Error, message, &[&found, &wanted, asker]);
            }
            return;
        };
        for (name, part) in fields {
            let found: Vec<_> = element.children().filter(|child| child.name() == name).collect();
            match part {
                Value::Array(parts) if whole && parts.len() == found.len() => {
                    for (part, child) in parts.iter().zip(found) {
                        self.differs(child, part, asker, whole);
                    }
                }
                Value::Array(parts) => {
                    for part in parts {
                        if !found.iter().any(|child| has_pattern(*child, part)) {
                            let wanted = part.to_string();
                            self.tell(element, Severity::Error, &messages::PATTERN, &[name, &wanted, asker]);
                        }
                    }
                }
                part => match found.first() {
                    Some(child) => self.differs(*child, part, asker, whole),
                    None => self.tell(element, Severity::Error, &messages::FIXED_PART, &[name, asker]),
                },
            }
        }
        if whole {
            for child in element.children().filter(|child| !fields.contains_key(child.name())) {
                if child.kind() != Kind::Null {
                    self.tell(child, Severity::Error, &messages::FIXED_EXTRA, &[child.name(), asker]);
                }
            }
        }
    }
}
