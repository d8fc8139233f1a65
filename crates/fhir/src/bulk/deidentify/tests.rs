//! Records of every type with every element that R4 has, each value one that is nowhere else: what may not be told is not in what is shown.

use std::collections::BTreeMap;

use fhirpath::model::{Model, TypeId};
use kernel::{Digest, Timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Policy, Rule, Shown, walk::Keyed};
use crate::parameter::{Elements, ResourceType};

const DEPTH_MAX: usize = 4;
const BASE: &str = "https://hilum.example/fhir";

/// Makes records, and remembers what may not be told of them.
struct Maker {
    variant: usize,
    count: usize,
    secrets: Vec<String>,
}

impl Maker {
    fn secret(&mut self) -> Value {
        self.count += 1;
        self.secrets.push(format!("secret{}z", self.count));
        json!(self.secrets.last())
    }

    fn object(&mut self, of: TypeId, depth: usize) -> Map<String, Value> {
        let model = Elements::r4();
        let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, _) in model.written(of) {
            let is_of = |at: &usize| {
                name.is_char_boundary(*at)
                    && model.choices(of, &name[..*at]).iter().any(|(written, _)| written == name)
            };
            let choice = (1..name.len()).find(is_of).map(|at| name[..at].to_owned());
            kinds.entry(choice.unwrap_or_else(|| name.to_owned())).or_default().push(name.to_owned());
        }
        let mut made = Map::new();
        for names in kinds.values() {
            let name = &names[self.variant % names.len()];
            let Some(element) = model.element(of, name) else { continue };
            let Some(value) = self.value((model.type_name(of), name), element.type_id, depth) else {
                continue;
            };
            if model.type_name(element.type_id).starts_with(char::is_lowercase) && !element.repeats {
                let half = json!({"extension": [{"url": "http://x.example", "valueString": self.secret()}]});
                made.insert(format!("_{name}"), half);
            }
            made.insert(name.clone(), if element.repeats { json!([value]) } else { value });
        }
        made
    }

    fn value(&mut self, (owner, name): (&str, &str), of: TypeId, depth: usize) -> Option<Value> {
        let is_told = matches!(
            (owner, name),
            ("Coding" | "Quantity", "system") | ("Meta", "profile") | ("Address", "state" | "country")
        );
        Some(match Elements::r4().type_name(of) {
            "boolean" => json!(true),
            "integer" | "positiveInt" | "unsignedInt" => json!(3),
            "decimal" => json!(1.5),
            "code" => json!("final"),
            "date" => json!("2024-05-06"),
            "dateTime" | "instant" => json!("2024-05-06T07:08:09Z"),
            "time" => json!("07:08:09"),
            _ if is_told => json!("told"),
            "Reference" => {
                json!({"reference": format!("Patient/{}", self.secret().as_str()?), "display": self.secret()})
            }
            "Resource" => json!({"resourceType": "Basic", "id": self.secret()}),
            "Extension" => json!({"url": "http://x.example", "valueString": self.secret()}),
            own if own.starts_with(char::is_lowercase) => self.secret(),
            _ if depth >= DEPTH_MAX => return None,
            _ => Value::Object(self.object(of, depth + 1)),
        })
    }
}

/// Hashes that anybody can make: the tests ask whether they are the same, not whether they are secret.
#[derive(Clone)]
struct Bare;

impl Keyed for Bare {
    fn digest(&self, what: &str, text: &str) -> Digest {
        Digest::from_bytes(crypto::sha256(format!("{what} {text}").as_bytes()))
    }
}

fn shown(policy: &Policy, record: &Value, patient: Option<&str>) -> Value {
    let now = Timestamp::from_seconds(1_795_000_000);
    let shown = Shown { policy, key: &Bare, base: BASE, now };
    serde_json::from_str(&shown.record(&record.to_string(), patient).unwrap()).unwrap()
}

fn default() -> Policy {
    Policy::read(&[]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_value_that_may_tell_who_it_is_survives(number in 0_usize..148, variant in 0_usize..64) {
        let of = ResourceType::all().nth(number).unwrap();
        let mut maker = Maker { variant, count: 0, secrets: Vec::new() };
        let mut made = maker.object(Elements::r4().type_named(of.as_str()).unwrap(), 0);
        made.insert("resourceType".to_owned(), json!(of.as_str()));
        made.insert("unknownElement".to_owned(), maker.secret());
        let text = shown(&default(), &Value::Object(made), None).to_string();
        for secret in &maker.secrets {
            prop_assert!(!text.contains(secret.as_str()), "{secret}: {text}");
        }
        for told in ["05-06", "07:08", "secret"] {
            prop_assert!(!text.contains(told), "{told}: {text}");
        }
    }
}

#[test]
fn what_is_left_is_of_use() {
    let patient = json!({"resourceType": "Patient", "id": "anna", "gender": "female", "birthDate": "1990-02-03",
        "name": [{"family": "Doe"}], "address": [{"city": "Boston", "state": "MA", "postalCode": "02139"}],
        "meta": {"versionId": "3", "lastUpdated": "2026-01-05T08:00:00.000Z", "profile": ["http://p"]}});
    let out = shown(&default(), &patient, Some("anna"));
    assert_eq!((&out["gender"], &out["birthDate"]), (&json!("female"), &json!("1990")));
    assert_eq!(out["address"], json!([{"state": "MA", "postalCode": "021"}]));
    assert_eq!(out["meta"]["profile"], json!(["http://p"]));
    let labels: Vec<&str> =
        out["meta"]["security"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(labels, ["ABSTRED", "CRYTOHASH", "REDACTED", "PSEUDED"]);
    for gone in ["versionId", "lastUpdated"] {
        assert!(out["meta"].get(gone).is_none(), "{out}");
    }
    let value = json!({"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x",
        "coding": [{"system": "http://loinc.org", "code": "8302-2", "display": "Height of Anna"}]},
        "subject": {"reference": "https://hilum.example/fhir/Patient/anna/_history/2", "display": "Anna"},
        "valueQuantity": {"value": 171.5, "unit": "cm", "system": "http://unitsofmeasure.org", "code": "cm"}});
    let value = shown(&default(), &value, Some("anna"));
    assert_eq!(value["subject"]["reference"], json!(format!("Patient/{}", out["id"].as_str().unwrap())));
    assert_eq!(value["code"], json!({"coding": [{"system": "http://loinc.org", "code": "8302-2"}]}));
    assert_eq!(value["valueQuantity"]["value"], json!(171.5));
}

#[test]
fn ages_over_89_are_not_shown() {
    let of =
        |age: i64| json!({"resourceType": "Condition", "id": "c", "onsetAge": {"value": age, "code": "a"}});
    assert_eq!(shown(&default(), &of(88), None)["onsetAge"]["value"], 88);
    assert!(shown(&default(), &of(93), None).get("onsetAge").is_none());
    let old = json!({"resourceType": "Patient", "id": "a", "birthDate": "1920-01-01"});
    assert!(shown(&default(), &old, None).get("birthDate").is_none());
}

#[test]
fn rules_of_a_site_go_before_the_default() {
    let rules: Vec<Rule> = serde_json::from_value(json!([
        {"path": "dateTime", "act": "dateShift", "days": 50},
        {"path": "Patient.name.family", "act": "keep"},
        {"path": "Patient.name.given", "act": "substitute", "value": "X"},
        {"path": "Patient.gender", "act": "redact"},
        {"path": "Observation.value[x]", "act": "redact"},
        {"path": "Identifier", "act": "cryptoHash"},
    ]))
    .unwrap();
    let policy = Policy::read(&rules).unwrap();
    let patient = json!({"resourceType": "Patient", "id": "a", "gender": "male",
        "name": [{"family": "Doe", "given": ["Jo", "Anne"], "text": "Jo Doe"}],
        "identifier": [{"value": "7"}], "deceasedDateTime": "2024-05-06T07:08:09Z"});
    let out = shown(&policy, &patient, Some("a"));
    assert_eq!(out["name"], json!([{"family": "Doe", "given": ["X", "X"]}]));
    // A rule that does not fit what it is about shows nothing.
    assert!(out.get("gender").is_none() && out.get("identifier").is_none());
    let at = |patient: &str, day: &str| {
        let record =
            json!({"resourceType": "Observation", "id": "o", "effectiveDateTime": day, "valueString": "x"});
        let out = shown(&policy, &record, Some(patient));
        assert!(out.get("valueString").is_none());
        let shifted = out["effectiveDateTime"].as_str().unwrap().to_owned();
        shifted.parse::<jiff::civil::Date>().unwrap()
    };
    let days = |patient: &str| (at(patient, "2024-05-16") - at(patient, "2024-05-06")).get_days();
    assert_eq!((days("a"), days("b")), (10, 10), "how far apart they are stays");
    assert_ne!(at("a", "2024-05-06").to_string(), "2024-05-06");
    let nobody = json!({"resourceType": "Observation", "id": "o", "effectiveDateTime": "2024-05-06"});
    assert!(shown(&policy, &nobody, None).get("effectiveDateTime").is_none());
}
