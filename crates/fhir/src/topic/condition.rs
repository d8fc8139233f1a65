//! Searches that are asked of one record alone: criteria of triggers, filters of subscriptions.

use kernel::Timestamp;

use crate::{
    parameter::{Registry, ResourceType},
    query::{Handling, Match, Reading, Test, read},
};

/// With what conditions are read.
#[derive(Clone, Copy)]
pub(super) struct Terms<'r> {
    pub registry: &'r Registry,
    pub now: Timestamp,
}

/// The names of the parameters of a condition, without modifiers.
pub(super) fn names(words: &str) -> Vec<String> {
    let query = words.split_once('?').map_or(words, |(_, query)| query);
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.map(|(name, _)| name.split([':', '.']).next().unwrap_or_default().to_owned()).collect()
}

/// What a condition such as `status=final&code=1-8` asks of a record of a type; `Observation?…` in front is taken for what it is.
///
/// # Errors
/// In words: what is wrong with it.
pub(super) fn condition(words: &str, of: ResourceType, terms: Terms<'_>) -> Result<Test, String> {
    let query = words.split_once('?').map_or(words, |(_, query)| query);
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let reading = Reading { registry: terms.registry, now: terms.now, handling: Handling::Strict };
    let asked = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let query =
        read(asked, &[of], &reading).map_err(|fault| format!("{}: {}", fault.parameter, fault.problem))?;
    if query.criteria.len() != pairs.len() {
        return Err("it may have criteria only, nothing that forms an answer".to_owned());
    }
    let test = Test::All(query.criteria.into_iter().map(|criterion| criterion.test).collect());
    match is_alone(&test) {
        true => Ok(test),
        false => {
            Err("chains, _has and questions to a terminology cannot be asked of one record alone".to_owned())
        }
    }
}

/// Whether it can be decided by the record alone.
fn is_alone(test: &Test) -> bool {
    match test {
        Test::Chain { .. } | Test::Has { .. } | Test::Says { .. } => false,
        Test::All(tests) | Test::AnyOf(tests) => tests.iter().all(is_alone),
        Test::Not(test) => is_alone(test),
        Test::Any { values, .. } | Test::NotAny { values, .. } => {
            !values.iter().any(|value| matches!(value, Match::Terminology(_)))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_record_cannot_tell_is_refused() {
        let registry = Registry::r4();
        let of = ResourceType::named("Observation").unwrap();
        let terms = Terms { registry: &registry, now: Timestamp::from_seconds(0) };
        for good in ["status=final", "Observation?code=http://loinc.org|1-8&status:not=draft", ""] {
            assert!(condition(good, of, terms).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("subject:Patient.name=x", "chains"),
            ("_has:Provenance:target:agent=x", "chains"),
            ("code:in=http://x", "terminology"),
            ("statu=final", "statu"),
            ("status=final&_sort=date", "criteria only"),
        ] {
            let told = condition(bad, of, terms).unwrap_err();
            assert!(told.contains(why), "{bad}: {told}");
        }
        assert_eq!(names("Observation?code:text=a&subject.name=b"), ["code", "subject"]);
    }
}
