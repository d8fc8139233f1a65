//! Whether what became of a record is an event of a topic.

use fhirpath::{
    document::Document,
    evaluate::{Context, Evaluator, Item},
};
use kernel::Timestamp;

use super::declare::{Became, Criteria, Needs, Trigger, Verdict};
use crate::{
    index::{Entries, extract},
    parameter::{Elements, Registry, ResourceType},
    query::{Alone, Test, holds},
    resource::Version,
};

/// A record as it was or is, with what it is found by.
pub(super) struct Seen<'d> {
    pub document: &'d Document<'d>,
    pub entries: Entries<'d>,
}

impl<'d> Seen<'d> {
    pub fn new(document: &'d Document<'d>, registry: &Registry) -> Option<Self> {
        Some(Self { entries: extract(document.root(), registry)?, document })
    }

    /// What cannot be decided is not so.
    pub fn holds(&self, test: &Test) -> bool {
        holds(test, &self.entries, &Alone) == Ok(true)
    }
}

/// What became of a record.
pub(super) struct Change<'d> {
    pub of: ResourceType,
    pub became: Became,
    pub before: Option<Seen<'d>>,
    pub after: Option<Seen<'d>>,
    pub now: Timestamp,
}

/// A record as a variable; nothing where there is none.
fn item<'d>(seen: Option<&Seen<'d>>) -> Vec<Item<'d>> {
    seen.map(|seen| Item::Element(seen.document.root())).into_iter().collect()
}

/// What a version made of the one before it.
pub(super) fn became(version: &Version, before: Option<&Version>) -> Became {
    let was_there = before.is_some_and(|before| !before.is_deletion());
    match (version.is_deletion(), was_there) {
        (true, _) => Became::Deleted,
        (false, true) => Became::Updated,
        (false, false) => Became::Created,
    }
}

impl Change<'_> {
    /// The record as it is; as it was, if it is not any more.
    pub fn record(&self) -> Option<&Seen<'_>> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

impl Trigger {
    /// Whether this is an event.
    pub fn fires(&self, change: &Change<'_>) -> bool {
        self.of == change.of
            && self.on.contains(&change.became)
            && self.query.as_ref().is_none_or(|query| query.holds(change))
            && self.path_holds(change)
    }

    /// `%previous` and `%current`; what cannot be evaluated is no event.
    fn path_holds(&self, change: &Change<'_>) -> bool {
        let Some(program) = &self.path else { return true };
        let Some(on) = change.record() else { return false };
        let mut context = Context::new(Elements::r4(), change.now);
        context.variables = vec![
            ("previous".to_owned(), item(change.before.as_ref())),
            ("current".to_owned(), item(change.after.as_ref())),
        ];
        let holds = Evaluator::new(context).holds(program, Item::Element(on.document.root()));
        matches!(holds, Ok(Some(true)))
    }
}

impl Criteria {
    fn holds(&self, change: &Change<'_>) -> bool {
        let held = |test: &Test, seen: Option<&Seen<'_>>, absent: Verdict| match seen {
            Some(seen) => seen.holds(test),
            None => absent == Verdict::Passes,
        };
        let previous = self.previous.as_ref().map(|test| held(test, change.before.as_ref(), self.of_created));
        let current = self.current.as_ref().map(|test| held(test, change.after.as_ref(), self.of_deleted));
        match (previous, current, self.needs) {
            (Some(previous), Some(current), Needs::Both) => previous && current,
            (Some(previous), Some(current), Needs::Either) => previous || current,
            (one, other, _) => one.or(other).unwrap_or(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use fhirpath::document::DocumentLimits;
    use serde_json::json;

    use super::*;
    use crate::topic::{
        condition::{Age, Terms},
        declare::Topic,
    };

    fn fires(trigger: serde_json::Value, before: Option<&str>, after: Option<&str>) -> bool {
        let registry = Registry::r4();
        let now = Timestamp::from_seconds(0);
        let mut trigger = trigger;
        trigger["resource"] = json!("Encounter");
        let topic =
            json!({"resourceType": "SubscriptionTopic", "url": "http://x/y", "resourceTrigger": [trigger]});
        let topic = Topic::read(&topic, Terms { registry: &registry, now, age: Age::New }).unwrap();
        let text = |status: &str| {
            format!(r#"{{"resourceType":"Encounter","id":"1","status":"{status}","class":{{}}}}"#)
        };
        let (before, after) = (before.map(text), after.map(text));
        let read =
            |text: &'static str| Document::from_json(text.as_bytes(), &DocumentLimits::default()).unwrap();
        let leak = |text: Option<String>| text.map(|text| &*Box::leak(Box::new(read(text.leak()))));
        let (before, after) = (leak(before), leak(after));
        let became = match (before, after) {
            (None, _) => Became::Created,
            (_, None) => Became::Deleted,
            _ => Became::Updated,
        };
        let seen =
            |document: Option<&'static Document<'static>>| document.and_then(|it| Seen::new(it, &registry));
        let of = ResourceType::named("Encounter").unwrap();
        let change = Change { of, became, before: seen(before), after: seen(after), now };
        topic.triggers[0].fires(&change)
    }

    #[test]
    fn what_is_an_event() {
        let both = |both: bool, created: &str| {
            json!({"queryCriteria": {"previous": "status:not=in-progress", "resultForCreate": created,
                "current": "status=in-progress", "resultForDelete": "test-passes", "requireBoth": both}})
        };
        let path = || json!({"fhirPathCriteria": "%previous.status != %current.status"});
        for (nth, (trigger, before, after, expected)) in [
            (json!({}), None, Some("planned"), true),
            (json!({"supportedInteraction": ["update"]}), None, Some("planned"), false),
            (json!({"supportedInteraction": ["delete"]}), Some("planned"), None, true),
            (both(true, "test-passes"), Some("planned"), Some("in-progress"), true),
            (both(true, "test-passes"), Some("in-progress"), Some("in-progress"), false),
            (both(true, "test-passes"), None, Some("in-progress"), true),
            (both(true, "test-fails"), None, Some("in-progress"), false),
            (both(false, "test-fails"), None, Some("in-progress"), true),
            (both(false, "test-fails"), Some("in-progress"), Some("finished"), false),
            (both(true, "test-fails"), Some("planned"), None, true),
            (path(), Some("planned"), Some("in-progress"), true),
            (path(), Some("planned"), Some("planned"), false),
            (path(), None, Some("planned"), false),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(fires(trigger, before, after), expected, "{nth}");
        }
    }
}
