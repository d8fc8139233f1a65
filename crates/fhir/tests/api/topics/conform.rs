//! What the profiles of a notification ask, written once more: Subscriptions R5 Backport 1.1.0 "backport-subscription-notification-r4",
//! "backport-subscription-status-r4".

use serde_json::Value;

/// A parameter: its name, the member with its value, and how often there is one.
type Slice = (&'static str, &'static str, std::ops::RangeInclusive<usize>);

const MANY: usize = usize::MAX;
const STATUS: [Slice; 7] = [
    ("subscription", "valueReference", 1..=1),
    ("topic", "valueCanonical", 0..=1),
    ("status", "valueCode", 1..=1),
    ("type", "valueCode", 1..=1),
    ("events-since-subscription-start", "valueString", 0..=1),
    ("notification-event", "part", 0..=MANY),
    ("error", "valueCodeableConcept", 0..=MANY),
];
const EVENT: [Slice; 4] = [
    ("event-number", "valueString", 1..=1),
    ("timestamp", "valueInstant", 0..=1),
    ("focus", "valueReference", 0..=1),
    ("additional-context", "valueReference", 0..=MANY),
];

#[track_caller]
fn sliced(all: &Value, slices: &[Slice]) {
    let all = all.as_array().unwrap();
    for (name, member, often) in slices {
        let own: Vec<&Value> = all.iter().filter(|one| one["name"] == *name).collect();
        assert!(often.contains(&own.len()), "{} of {name}: {all:?}", own.len());
        assert!(
            own.iter().all(|one| one.as_object().unwrap().keys().eq(["name", *member])),
            "{name}: {own:?}"
        );
    }
    let known = |one: &Value| slices.iter().any(|(name, ..)| one["name"] == *name);
    assert!(all.iter().all(known), "{all:?}");
}

/// <http://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-backport-subscription-notification-r4.html>
#[track_caller]
pub fn notification(bundle: &Value) {
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&"Bundle".into(), &"history".into()));
    let entries = bundle["entry"].as_array().unwrap();
    let status = &entries[0]["resource"];
    assert_eq!(status["resourceType"], "Parameters");
    assert!(entries[1..].iter().all(|entry| entry["resource"]["resourceType"] != "Parameters"));
    for entry in entries {
        let has =
            |names: [&str; 2]| names.iter().all(|name| entry.pointer(name).is_some_and(Value::is_string));
        assert!(has(["/request/method", "/request/url"]) && has(["/fullUrl", "/response/status"]), "{entry}");
    }
    sliced(&status["parameter"], &STATUS);
    let parameters = status["parameter"].as_array().unwrap();
    let code = |name: &str| parameters.iter().find(|one| one["name"] == name).unwrap()["valueCode"].clone();
    let kinds = ["handshake", "heartbeat", "event-notification", "query-status", "query-event"];
    assert!(kinds.iter().any(|kind| code("type") == *kind));
    assert!(["requested", "active", "error", "off"].iter().any(|word| code("status") == *word));
    for event in parameters.iter().filter(|one| one["name"] == "notification-event") {
        sliced(&event["part"], &EVENT);
    }
}
