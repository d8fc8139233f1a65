//! A mapping as a whole: what is told of one that is wrong, and what records become.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use kernel::Digest;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Given, Ids, Mapped, Mapping};

/// Ids by a digest that is no secret.
fn ids() -> Ids {
    Ids::new(|text| {
        let mut bytes = [0; 32];
        for (nth, byte) in bytes.iter_mut().enumerate() {
            let mut hasher = DefaultHasher::new();
            (nth, text).hash(&mut hasher);
            *byte = hasher.finish().to_be_bytes()[0];
        }
        Digest::from_bytes(bytes)
    })
}

fn clinic() -> Value {
    json!({
        "code_maps": {"sex": {"M": "male", "F": "female", "-": null, "*": "unknown"}},
        "streams": {
            "people": [{
                "target": "Patient", "name": "person", "key": "/mrn",
                "set": {
                    "identifier[0].system": {"constant": "urn:clinic:mrn"},
                    "identifier[0].value": "/mrn",
                    "name[0].family": "name.last",
                    "name[0].given": "name.first",
                    "name[0].use": {"constant": "official"},
                    "gender": {"from": "/sex", "code_map": "sex"},
                    "birthDate": {"from": "/born", "date": "%d/%m/%Y", "required": true},
                    "telecom[0].system": {"constant": "phone"},
                    "telecom[0].value": "/phone",
                }
            }],
            "visits": [{
                "target": "Observation", "key": ["^/visit", "/test"], "each": "/results", "when": "value.exists()",
                "set": {
                    "status": {"constant": "final"},
                    "code": {"constant": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}},
                    "subject": {"reference": {"to": "person", "key": "^/mrn"}, "required": true},
                    "effectiveDateTime": {"from": "%record.at", "zone": "Europe/Stockholm"},
                    "valueQuantity": {"quantity": {"value": "/value", "unit": "kg", "code": "kg"}},
                }
            }]
        }
    })
}

fn read(declared: &Value) -> Mapping {
    let read = Mapping::read(declared);
    read.unwrap_or_else(|issues| panic!("{issues:?}"))
}

fn wrong(declared: &Value) -> BTreeSet<String> {
    Mapping::read(declared).unwrap_err().iter().map(|issue| issue.path.to_string()).collect()
}

fn made(mapped: &[Mapped]) -> Vec<Value> {
    let text = |mapped: &Mapped| mapped.resource.clone().unwrap_or_else(|why| panic!("{}", why.words));
    mapped.iter().map(|mapped| serde_json::from_str(&text(mapped)).unwrap()).collect()
}

#[test]
fn a_record_becomes_what_is_declared() {
    let mapping = read(&clinic());
    let record = json!({"mrn": 7, "name": {"last": " Berg ", "first": ["Ada", "Eva"]}, "sex": "F", "born": "29/02/1996", "phone": ""});
    let people = made(&mapping.apply(&ids(), &Given::new(), "people", &record));
    let id = people[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        people,
        [
            json!({"resourceType": "Patient", "id": id, "identifier": [{"system": "urn:clinic:mrn", "value": "7"}],
            "name": [{"family": "Berg", "given": ["Ada", "Eva"], "use": "official"}], "gender": "female",
            "birthDate": "1996-02-29"})
        ]
    );
    let visit = json!({"mrn": "7", "visit": "v1", "at": "2024-07-01 10:00", "results": [
        {"test": "weight", "value": 61.5}, {"test": "height"}, {"test": "old", "value": "70.10"}]});
    let visits = made(&mapping.apply(&ids(), &Given::new(), "visits", &visit));
    assert_eq!(visits.len(), 2, "the one without a value is no observation");
    assert_eq!(visits[0]["subject"], json!({"reference": format!("Patient/{id}")}));
    assert_eq!(visits[0]["effectiveDateTime"], "2024-07-01T10:00:00+02:00");
    let quantity = json!({"value": 61.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"});
    assert_eq!(visits[0]["valueQuantity"], quantity);
    assert_ne!(visits[0]["id"], visits[1]["id"]);
    let again = mapping.apply(&ids(), &Given::new(), "visits", &visit);
    assert!(
        again[1].resource.clone().is_ok_and(|text| text.contains("70.10")),
        "as precise as it was written"
    );
    assert!(mapping.apply(&ids(), &Given::new(), "others", &visit).is_empty());
}

#[test]
fn what_cannot_be_mapped_says_why_and_keeps_its_id() {
    let mapping = read(&clinic());
    let why = |record: Value| {
        let mapped = mapping.apply(&ids(), &Given::new(), "people", &record);
        let why = mapped[0].resource.clone().err().unwrap();
        (why.code, why.words, mapped[0].id.clone())
    };
    let good = mapping.apply(&ids(), &Given::new(), "people", &json!({"mrn": "1", "born": "01/01/2000"}));
    let (code, words, id) = why(json!({"mrn": "1", "born": "2000-01-01"}));
    assert_eq!((code, words.as_str()), ("value", "birthDate: \"2000-01-01\" is no time that is written so"));
    assert_eq!(id, good[0].id, "once it is mended it takes the same place");
    assert_eq!(why(json!({"mrn": "1"})).0, "required");
    assert_eq!(why(json!({"born": "01/01/2000"})).0, "required");
    assert_ne!(why(json!({"phone": "1"})).2, why(json!({"phone": "2"})).2);
    assert_eq!(why(json!({"mrn": {"a": 1}, "born": "01/01/2000"})).0, "value");
    assert_eq!(why(json!({"mrn": "1", "born": "01/01/2000", "name": {"last": ["a", "b"]}})).0, "value");
    assert_eq!(why(json!([1])).0, "required");
    let names = mapping.names(&ids(), "people", &json!({"mrn": "1", "gone": true}));
    assert_eq!(names, [("Patient".to_owned(), good[0].id.clone())]);
}

#[test]
fn accounts_keep_equal_keys_apart_and_bring_their_person() {
    let declared = json!({"streams": {"weights": [{"target": "Observation", "key": "/id", "set": {
        "status": {"constant": "final"}, "subject": {"reference": {"given": "patient"}, "required": true}}}]}});
    let mapping = read(&declared);
    let given = Given::from([("patient".to_owned(), "Patient/p1".to_owned())]);
    let one = mapping.apply(&ids().within("a"), &given, "weights", &json!({"id": 1}));
    let other = mapping.apply(&ids().within("b"), &given, "weights", &json!({"id": 1}));
    assert_ne!(one[0].id, other[0].id);
    assert_eq!(made(&one)[0]["subject"]["reference"], "Patient/p1");
    let without = mapping.apply(&ids(), &Given::new(), "weights", &json!({"id": 1}));
    assert!(without[0].resource.is_err());
}

#[test]
fn what_is_wrong_with_a_mapping_is_told_at_its_field() {
    let rule = |set: Value| json!({"streams": {"a": [{"target": "Patient", "key": "/id", "set": set}]}});
    for (set, field) in [
        (json!({"birthday": "/b"}), "birthday"),
        (json!({"birthDate": {"constant": "yesterday"}}), "birthDate.constant"),
        (json!({"gender": {"from": "/g", "code_map": "none"}}), "gender.code_map"),
        (json!({"gender": "/g~2"}), "gender.from"),
        (json!({"gender": "a +"}), "gender.from"),
        (json!({"birthDate": "today()"}), "birthDate.from"),
        (json!({"birthDate": "now ( ).toDate()"}), "birthDate.from"),
        (json!({"name": "/n"}), "name"),
        (json!({"name": {"constant": {"famly": "x"}}}), "name.constant.famly"),
        (json!({"name": {"constant": {"given": "x"}}}), "name.constant.given"),
        (json!({"gender": {"from": "/g", "date": "%Y"}}), "gender.date"),
        (json!({"birthDate": {"from": "/g", "zone": "Mars/Base"}}), "birthDate.zone"),
        (json!({"gender": {"from": "/g", "constant": "x"}}), "gender"),
        (json!({"gender": {"frm": "/g"}}), "gender.frm"),
        (json!({"gender": 7}), "gender"),
        (json!({"active": {"from": "/g", "default": "maybe"}}), "active.default"),
        (json!({"gender": {"quantity": {"value": "/v"}}}), "gender.quantity"),
        (
            json!({"generalPractitioner": {"reference": {"to": "gp", "key": "/k"}}}),
            "generalPractitioner.reference.to",
        ),
        (
            json!({"generalPractitioner": {"reference": {"to": "Patient", "key": ["/k", "/l"]}}}),
            "generalPractitioner.reference.key",
        ),
        (json!({"name[0].given": "/a", "name.given[1]": "/b"}), "name[0].given"),
        (json!({"id": "/a"}), "id"),
    ] {
        let found = wrong(&rule(set.clone()));
        let field = format!("streams.a.0.set.{field}");
        assert_eq!(found, BTreeSet::from([field]), "{set}");
    }
    assert_eq!(wrong(&rule(json!({}))), BTreeSet::from(["streams.a.0.set".to_owned()]));
    let of = |target: &str, key: Value| json!({"streams": {"a": [{"target": target, "key": key, "set": {"language": "/l"}}]}});
    assert_eq!(wrong(&of("Patiens", json!("/id"))), BTreeSet::from(["streams.a.0.target".to_owned()]));
    assert_eq!(wrong(&of("Patient", json!([]))), BTreeSet::from(["streams.a.0.key".to_owned()]));
    assert_eq!(wrong(&json!({"streams": {}})), BTreeSet::from(["streams".to_owned()]));
    let twice = json!({"streams": {"a": [{"target": "Patient", "key": "/id", "set": {"language": "/l"}},
        {"target": "Patient", "key": "/id", "set": {"language": "/l"}}]}});
    assert_eq!(wrong(&twice), BTreeSet::from(["streams.a.1.name".to_owned()]));
    let unit = json!({"streams": {"a": [{"target": "Observation", "key": "/id", "set": {
        "valueQuantity": {"quantity": {"value": "/v", "code": "kilos"}}}}]}});
    assert_eq!(wrong(&unit), BTreeSet::from(["streams.a.0.set.valueQuantity.quantity.code".to_owned()]));
    let map = json!({"code_maps": {"s": {"M": "a  b"}}, "streams": {"a": [{"target": "Patient", "key": "/id",
        "set": {"gender": {"from": "/g", "code_map": "s"}}}]}});
    assert_eq!(wrong(&map), BTreeSet::from(["streams.a.0.set.gender.code_map".to_owned()]));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[0-9]{2}/[0-9]{2}/[0-9]{4}".prop_map(Value::from),
    ];
    let name = prop_oneof!["mrn|born|name|first|last|sex|results|value|test|visit|at|_x", ".{0,6}"];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever comes in, what comes out is a resource of its type under its id or a reason, and the same again.
    #[test]
    fn no_record_is_too_odd(record in any_json()) {
        let mapping = read(&clinic());
        for stream in ["people", "visits"] {
            let once = mapping.apply(&ids(), &Given::new(), stream, &record);
            for mapped in &once {
                prop_assert_eq!(mapped.id.len(), 40);
                if let Ok(text) = &mapped.resource {
                    let made: Value = serde_json::from_str(text).unwrap();
                    prop_assert_eq!(&made["resourceType"], &mapped.of);
                    prop_assert_eq!(&made["id"], &mapped.id);
                }
            }
            prop_assert!(once == mapping.apply(&ids(), &Given::new(), stream, &record));
        }
        mapping.names(&ids(), "people", &record);
    }

    #[test]
    fn no_declaration_is_too_odd(declared in any_json(), place in ".{0,10}", from in ".{0,10}") {
        let _ = Mapping::read(&declared);
        let _ = Mapping::read(&json!({"streams": {"a": [{"target": "Patient", "key": from.clone(), "set": {place: from}}]}}));
        let _ = Mapping::read(&json!({"streams": {"a": [{"target": "Patient", "key": "/a", "set": {"name": declared.clone(),
            "gender": {"constant": declared}}}]}}));
    }
}
