//! Searches that are asked of one record alone: criteria of triggers, filters of subscriptions.

use kernel::{Issue, Timestamp};

use crate::{
    parameter::{Registry, ResourceType},
    query::{Handling, Problem, QueryFault, Reading, Test, read},
};

/// With what conditions are read.
#[derive(Clone, Copy)]
pub(super) struct Terms<'r> {
    pub registry: &'r Registry,
    pub now: Timestamp,
    pub age: Age,
}

/// Whether it is being let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// It is: what the site does not have is refused.
    New,
    /// It was. What it may be narrowed by, and what goes along, may be less since, as the site's packages are.
    Kept,
}

/// The rule that a parameter breaks by which the site's records are being indexed: it will be none.
pub(super) const BEING_INDEXED: &str = "transient";

/// What is wrong, with the rule that it breaks.
pub(super) struct Why {
    words: String,
    rule: &'static str,
}

impl Why {
    pub fn at(self, place: impl Into<String>) -> Issue {
        Issue::at(place.into(), self.words).of_rule(self.rule)
    }
}

impl From<String> for Why {
    fn from(words: String) -> Self {
        Self { words, rule: "invalid" }
    }
}

impl From<&str> for Why {
    fn from(words: &str) -> Self {
        words.to_owned().into()
    }
}

impl From<Problem> for Why {
    fn from(problem: Problem) -> Self {
        let rule = if matches!(problem, Problem::BeingIndexed(_)) { BEING_INDEXED } else { "invalid" };
        Self { words: problem.to_string(), rule }
    }
}

impl From<QueryFault> for Why {
    fn from(fault: QueryFault) -> Self {
        let why = Self::from(fault.problem);
        Self { words: format!("{}: {}", fault.parameter, why.words), ..why }
    }
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
/// What is wrong with it.
pub(super) fn condition(words: &str, of: ResourceType, terms: Terms<'_>) -> Result<Test, Why> {
    let query = words.split_once('?').map_or(words, |(_, query)| query);
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let reading = Reading { registry: terms.registry, now: terms.now, handling: Handling::Strict };
    let asked = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let query = read(asked, &[of], &reading)?;
    if query.criteria.len() != pairs.len() {
        return Err("it may have criteria only, nothing that forms an answer".into());
    }
    let test = Test::All(query.criteria.into_iter().map(|criterion| criterion.test).collect());
    match test.is_alone() {
        true => Ok(test),
        false => {
            Err("chains, _has and questions to a terminology cannot be asked of one record alone".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_record_cannot_tell_is_refused() {
        let registry = Registry::r4();
        let of = ResourceType::named("Observation").unwrap();
        let terms = Terms { registry: &registry, now: Timestamp::from_seconds(0), age: Age::New };
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
            let told = condition(bad, of, terms).unwrap_err().words;
            assert!(told.contains(why), "{bad}: {told}");
        }
        assert_eq!(names("Observation?code:text=a&subject.name=b"), ["code", "subject"]);
    }
}
