//! Rules: what becomes of which element.

use std::collections::BTreeMap;

use fhirpath::model::Model;
use kernel::Issue;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::parameter::Elements;

/// Rules of one policy.
pub const RULES_MAX: usize = 500;
/// Characters of a path, and of what is written in place of a value.
pub const RULE_BYTES_MAX: usize = 200;
/// The most days by which dates are shifted.
pub const SHIFT_DAYS_MAX: u16 = 3_650;
/// The policy that every site has.
pub const SAFE_HARBOR: &str = "safe-harbor";

/// What becomes of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::bulk) enum Act {
    /// It stays as it is.
    Keep,
    /// It is left out.
    Redact,
    /// A keyed hash stands for it, the same for the same value; in a reference, for the id.
    CryptoHash,
    /// A date moves by the same number of days for all records of a patient, up to so many.
    DateShift { days: u16 },
    /// Of a date the year, of a US ZIP code three digits; nothing of what tells an age over 89.
    Generalize,
    /// This stands for it.
    Substitute { value: String },
}

/// A rule as it is declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FhirDeidentificationRule)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// `Patient.birthDate`, `Observation.value[x]`, or of every element of a type: `HumanName`, `HumanName.family`.
    pub path: String,
    /// `keep`, `redact`, `cryptoHash`, `dateShift`, `generalize`, `substitute`.
    pub act: String,
    /// Of `dateShift`: by how many days at the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
    /// Of `substitute`: what stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Rule {
    /// What it does, or which member is at fault, and why.
    fn act(&self) -> Result<Act, (&'static str, &'static str)> {
        let act = match (self.act.as_str(), self.days, &self.value) {
            ("dateShift", Some(days), None) if (1..=SHIFT_DAYS_MAX).contains(&days) => {
                Act::DateShift { days }
            }
            ("dateShift", ..) => return Err(("days", "must be 1 to 3650")),
            ("substitute", None, Some(value)) if (1..=RULE_BYTES_MAX).contains(&value.len()) => {
                Act::Substitute { value: value.clone() }
            }
            ("substitute", ..) => return Err(("value", "must have 1 to 200 characters")),
            (_, Some(_), _) => return Err(("days", "belongs to dateShift")),
            (_, _, Some(_)) => return Err(("value", "belongs to substitute")),
            ("keep", ..) => Act::Keep,
            ("redact", ..) => Act::Redact,
            ("cryptoHash", ..) => Act::CryptoHash,
            ("generalize", ..) => Act::Generalize,
            _ => {
                let words = "must be one of keep, redact, cryptoHash, dateShift, generalize, substitute";
                return Err(("act", words));
            }
        };
        Ok(act)
    }
}

/// What Safe Harbor takes away (45 CFR 164.514(b)(2)(i)) is what is not named here, or named to be generalized. Free text is left out
/// everywhere, since it may hold anything.
const DEFAULT: &[(&str, Act)] = &[
    ("boolean", Act::Keep),
    ("code", Act::Keep),
    ("decimal", Act::Keep),
    ("integer", Act::Keep),
    ("positiveInt", Act::Keep),
    ("unsignedInt", Act::Keep),
    // (B) geographic subdivisions smaller than a State
    ("Address.state", Act::Keep),
    ("Address.country", Act::Keep),
    ("Address.postalCode", Act::Generalize),
    ("Location.position", Act::Redact),
    // (C) all elements of dates (except year), and ages over 89
    ("date", Act::Generalize),
    ("dateTime", Act::Generalize),
    // (A), (D) to (Q) names, numbers, addresses, devices, images
    ("HumanName", Act::Redact),
    ("ContactPoint", Act::Redact),
    ("ContactDetail", Act::Redact),
    ("Identifier", Act::Redact),
    ("Attachment", Act::Redact),
    ("Annotation", Act::Redact),
    ("Signature", Act::Redact),
    ("Narrative", Act::Redact),
    ("Extension", Act::Redact),
    ("Resource", Act::Redact),
    ("SampledData", Act::Redact),
    // (R) any other unique number; (c) a code that stands for it
    ("Resource.id", Act::CryptoHash),
    ("Reference", Act::CryptoHash),
    ("Coding.system", Act::Keep),
    ("Quantity.system", Act::Keep),
    ("Meta.profile", Act::Keep),
];

/// Rules by the path that they are of, each choice written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::bulk) struct Policy(BTreeMap<String, Act>);

impl Policy {
    /// The default, and over it these rules.
    ///
    /// # Errors
    /// Every rule that is at fault, by its place.
    pub fn read(rules: &[Rule]) -> Result<Self, Vec<Issue>> {
        let mut policy = BTreeMap::new();
        for (path, act) in DEFAULT {
            policy.insert((*path).to_owned(), act.clone());
        }
        let mut issues = Vec::new();
        if rules.len() > RULES_MAX {
            issues.push(Issue::at("rules", format!("has more than {RULES_MAX} rules")));
        }
        for (nth, rule) in rules.iter().enumerate().take(RULES_MAX) {
            let at = |member: &str, why: &'static str| Issue::at(format!("rules[{nth}].{member}"), why);
            let paths = written_out(&rule.path);
            if paths.is_none() {
                issues.push(at("path", "is no path of an element of FHIR R4, such as Patient.birthDate"));
            }
            match rule.act() {
                Ok(act) => {
                    policy.extend(paths.into_iter().flatten().map(|path| (path, act.clone())));
                }
                Err((member, why)) => issues.push(at(member, why)),
            }
        }
        if issues.is_empty() { Ok(Self(policy)) } else { Err(issues) }
    }

    /// The rule of this path.
    pub fn act(&self, path: &str) -> Option<&Act> {
        self.0.get(path)
    }

    /// Whether a rule is about something within this path.
    pub fn looks_into(&self, path: &str) -> bool {
        let from = format!("{path}.");
        self.0.range(from.clone()..).next().is_some_and(|(next, _)| next.starts_with(&from))
    }
}

/// The paths that a rule's path means: a choice (`value[x]`, `value`) as each of its types is written.
fn written_out(path: &str) -> Option<Vec<String>> {
    let model = Elements::r4();
    if path.len() > RULE_BYTES_MAX {
        return None;
    }
    let mut words = path.split('.');
    let first = words.next()?;
    let mut found = vec![(first.to_owned(), model.type_named(first)?)];
    for word in words {
        let bare = word.strip_suffix("[x]").unwrap_or(word);
        let mut next = Vec::new();
        for (path, of) in found {
            if let Some(element) = model.element(of, word) {
                next.push((format!("{path}.{word}"), element.type_id));
            }
            let choices = model.choices(of, bare).into_iter();
            next.extend(choices.map(|(written, element)| (format!("{path}.{written}"), element.type_id)));
        }
        found = next;
    }
    let paths: Vec<String> = found.into_iter().map(|(path, _)| path).collect();
    (!paths.is_empty()).then_some(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(path: &str, act: &str) -> Rule {
        Rule { path: path.to_owned(), act: act.to_owned(), days: None, value: None }
    }

    #[test]
    fn rules_are_read_or_refused_by_their_place() {
        let good = [rule("Patient.name.family", "keep"), rule("Observation.value[x]", "redact")];
        let policy = Policy::read(&good).unwrap();
        assert_eq!(policy.act("Patient.name.family"), Some(&Act::Keep));
        assert_eq!(policy.act("Observation.valueString"), Some(&Act::Redact));
        assert!(policy.looks_into("Patient.name") && !policy.looks_into("Patient.nam"));
        for (bad, at) in [
            (rule("Patient.nickname", "keep"), "rules[0].path"),
            (rule("patient", "keep"), "rules[0].path"),
            (rule("", "keep"), "rules[0].path"),
            (rule("date", "hide"), "rules[0].act"),
            (rule("date", "dateShift"), "rules[0].days"),
            (Rule { days: Some(0), ..rule("date", "dateShift") }, "rules[0].days"),
            (Rule { days: Some(3), ..rule("date", "keep") }, "rules[0].days"),
            (Rule { value: Some(String::new()), ..rule("string", "substitute") }, "rules[0].value"),
        ] {
            let issues = Policy::read(std::slice::from_ref(&bad)).unwrap_err();
            assert_eq!(issues.first().map(|issue| &*issue.path), Some(at), "{bad:?}");
        }
        assert!(Policy::read(&vec![rule("date", "keep"); RULES_MAX + 1]).is_err());
    }

    #[test]
    fn every_default_names_an_element() {
        for (path, _) in DEFAULT {
            assert_eq!(written_out(path), Some(vec![(*path).to_owned()]), "{path}");
        }
    }
}
