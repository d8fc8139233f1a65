//! Filters of value sets over a compiled code system. <https://hl7.org/fhir/R4/valueset-filter-operator.html>

use regex::Regex;
use serde_json::Value;

use super::system::{Concept, System};

/// `PATTERN_BYTES_MAX`: what a compiled pattern of a filter may take in memory.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// One filter.
#[derive(Debug)]
pub(super) struct Filter {
    property: Box<str>,
    test: Test,
}

#[derive(Debug)]
enum Test {
    IsA(Box<str>),
    DescendentOf(Box<str>),
    IsNotA(Box<str>),
    Generalizes(Box<str>),
    Equals(Box<str>),
    In(Vec<Box<str>>),
    NotIn(Vec<Box<str>>),
    Matches(Regex),
    Exists(bool),
}

impl Filter {
    /// Reads a filter; what is wrong with it or not known here, where it cannot be used.
    pub(super) fn new(filter: &Value) -> Result<Self, String> {
        let text = |name: &str| filter.get(name).and_then(Value::as_str).unwrap_or_default();
        let (property, operator, value) = (text("property"), text("op"), text("value"));
        let codes = || value.split(',').map(|code| code.trim().into()).collect();
        let test = match operator {
            "is-a" => Test::IsA(value.into()),
            "descendent-of" => Test::DescendentOf(value.into()),
            "is-not-a" => Test::IsNotA(value.into()),
            "generalizes" => Test::Generalizes(value.into()),
            "=" => Test::Equals(value.into()),
            "in" => Test::In(codes()),
            "not-in" => Test::NotIn(codes()),
            "exists" => Test::Exists(value == "true"),
            "regex" => {
                let whole = regex::RegexBuilder::new(&format!("^(?:{value})$"));
                let whole = { whole }.size_limit(PATTERN_BYTES_MAX).build();
                Test::Matches(whole.map_err(|_| format!("the pattern `{value}` cannot be used"))?)
            }
            other => return Err(format!("the operator `{other}` is not known")),
        };
        Ok(Self { property: property.into(), test })
    }

    /// Whether a concept passes.
    pub(super) fn passes(&self, system: &System, concept: &Concept) -> bool {
        let is = |code: &str| system.is_same(&concept.code, code);
        let has = |value: &str| {
            system.property(concept, &self.property).iter().any(|own| system.is_same(own, value))
        };
        match &self.test {
            Test::IsA(code) => is(code) || system.is_below(concept, code),
            Test::DescendentOf(code) => system.is_below(concept, code),
            Test::IsNotA(code) => !is(code) && !system.is_below(concept, code),
            Test::Generalizes(code) => {
                is(code) || system.concept(code).is_some_and(|below| system.is_below(below, &concept.code))
            }
            Test::Equals(value) => has(value),
            Test::In(values) => values.iter().any(|value| has(value)),
            Test::NotIn(values) => !values.iter().any(|value| has(value)),
            Test::Matches(pattern) => {
                system.property(concept, &self.property).iter().any(|own| pattern.is_match(own))
            }
            Test::Exists(wanted) => system.property(concept, &self.property).is_empty() != *wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_operator_chooses_its_concepts() {
        let system = System::new(&json!({"url": "http://s", "content": "complete", "concept": [
            {"code": "a", "concept": [
                {"code": "b", "property": [{"code": "kind", "valueString": "x"}], "concept": [{"code": "c"}]},
                {"code": "d", "display": "Dee"}]},
        ]}));
        let chosen = |property: &str, op: &str, value: &str| -> String {
            let filter = Filter::new(&json!({"property": property, "op": op, "value": value}));
            let Ok(filter) = filter else { return "refused".to_owned() };
            let passes = |code: &&str| system.concept(code).is_some_and(|c| filter.passes(&system, c));
            ["a", "b", "c", "d"].into_iter().filter(passes).collect()
        };
        for (property, op, value, expected) in [
            ("concept", "is-a", "b", "bc"),
            ("concept", "descendent-of", "a", "bcd"),
            ("concept", "is-not-a", "b", "ad"),
            ("concept", "generalizes", "c", "abc"),
            ("concept", "in", "a, d", "ad"),
            ("concept", "not-in", "a,d", "bc"),
            ("code", "regex", "[ab]|cc", "ab"),
            ("kind", "=", "x", "b"),
            ("kind", "exists", "true", "b"),
            ("kind", "exists", "false", "acd"),
            ("parent", "=", "a", "bd"),
            ("child", "=", "c", "b"),
            ("display", "=", "Dee", "d"),
            ("code", "regex", "(", "refused"),
            ("constraint", "ecl", "<< 1", "refused"),
        ] {
            assert_eq!(chosen(property, op, value), expected, "{property} {op} {value}");
        }
    }
}
