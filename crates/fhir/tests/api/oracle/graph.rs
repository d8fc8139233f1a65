//! A site by chance: two patients, and records that refer across them; some are given from one to the other, some deleted.

use kernel::Entropy;
use serde_json::{Value, json};
use testkit::SeededEntropy;

use crate::stage::Calls;

/// Types and how many of each there may be, in the order in which they are written.
pub const TYPES: [(&str, usize); 8] = [
    ("Patient", 2),
    ("Practitioner", 1),
    ("Group", 2),
    ("Encounter", 3),
    ("Condition", 4),
    ("Observation", 9),
    ("DiagnosticReport", 3),
    ("List", 3),
];

/// Chance that repeats.
pub struct Chance(SeededEntropy);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }
    pub fn below(&self, end: usize) -> usize {
        let mut byte = [0];
        self.0.fill(&mut byte);
        usize::from(byte[0]) % end
    }
    pub fn one<'a>(&self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
    pub fn any(&self, of: &str) -> Value {
        let count = TYPES.iter().find(|(name, _)| *name == of).unwrap().1;
        json!({"reference": format!("{of}/{}", name(of, self.below(count)))})
    }
    /// Now and then nobody.
    fn subject(&self) -> Value {
        match self.below(8) {
            0 => json!({}),
            1 => self.any("Group"),
            _ => self.any("Patient"),
        }
    }
}

/// `p0` is a patient, `o3` an Observation.
pub fn name(of: &str, nth: usize) -> String {
    let letter = if of == "Practitioner" { "m".to_owned() } else { of[..1].to_lowercase() };
    format!("{letter}{nth}")
}

fn coded(code: &str) -> Value {
    json!({"coding": [{"system": "http://a.example", "code": code}]})
}

fn record(chance: &Chance, of: &str, nth: usize) -> Value {
    let id = name(of, nth);
    let code = coded(chance.one(&["a", "b", "c"]));
    let family = if nth == 0 { "Adler" } else { "Berg" };
    let mut record = match of {
        "Patient" => json!({
            "name": [{"family": family, "given": [chance.one(&["Ann", "Bo"])]}],
            "birthDate": chance.one(&["1970-01-05", "2001"]),
            "generalPractitioner": [{"reference": "Practitioner/m0"}],
        }),
        "Practitioner" => json!({"name": [{"family": "Doctor"}]}),
        "Group" => json!({
            "type": "person", "actual": true, "code": code,
            "member": [{"entity": chance.any("Patient")}, {"entity": chance.any("Practitioner")}],
        }),
        "Encounter" => json!({
            "status": chance.one(&["planned", "finished"]), "class": {"code": "AMB"}, "subject": chance.subject(),
            "participant": [{"individual": {"reference": "Practitioner/m0"}}],
            "diagnosis": [{"condition": chance.any("Condition")}],
        }),
        "Condition" => json!({
            "code": code, "subject": chance.any("Patient"), "encounter": chance.any("Encounter"),
            "asserter": match chance.below(3) { 0 => chance.any("Patient"), _ => chance.any("Practitioner") },
            "evidence": [{"detail": [chance.any("Observation")]}],
        }),
        "Observation" => json!({
            "status": chance.one(&["final", "preliminary"]), "code": code, "subject": chance.subject(),
            "category": [coded(if nth.is_multiple_of(2) { "laboratory" } else { "vital-signs" })],
            "encounter": chance.any("Encounter"),
            "performer": [match chance.below(4) { 0 => chance.any("Patient"), _ => chance.any("Practitioner") }],
            "hasMember": [chance.any("Observation")],
            "effectiveDateTime": chance.one(&["2025", "2025-05-01", "2025-05-02T08:00:00Z", "2026-01-01"]),
            "valueQuantity": {"value": chance.below(4), "system": "http://unitsofmeasure.org", "code": "mg"},
        }),
        "DiagnosticReport" => json!({
            "status": "final", "code": code, "subject": chance.subject(), "encounter": chance.any("Encounter"),
            "category": [coded(chance.one(&["laboratory", "imaging"]))],
            "result": [chance.any("Observation"), chance.any("Observation")],
        }),
        _ => json!({
            "status": "current", "mode": "working", "code": code, "subject": chance.subject(),
            "source": match chance.below(2) { 0 => chance.any("Patient"), _ => chance.any("Practitioner") },
            "entry": [{"item": chance.any("Observation")}, {"item": chance.any("Condition")}],
        }),
    };
    let members = record.as_object_mut().unwrap();
    members.insert("resourceType".into(), of.into());
    members.insert("identifier".into(), json!([{"system": "urn:own", "value": format!("{of}-{id}")}]));
    members.insert("id".into(), id.into());
    if chance.below(3) == 0 {
        let system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
        let label = json!({"system": system, "code": chance.one(&["N", "R", "V"])});
        members.insert("meta".into(), json!({"security": [label]}));
    }
    members.retain(|_, value| *value != json!({}));
    record
}

fn entry(of: &str, id: &str, resource: Option<Value>) -> Value {
    let method = if resource.is_some() { "PUT" } else { "DELETE" };
    let mut entry = json!({"request": {"method": method, "url": format!("{of}/{id}")}});
    if let Some(resource) = resource {
        entry["resource"] = resource;
    }
    entry
}

/// Write these one after another.
pub async fn write(system: &Calls<'_>, records: impl Iterator<Item = Value>) {
    let entries = records.map(|record| {
        let (of, id) = (record["resourceType"].clone(), record["id"].clone());
        entry(of.as_str().unwrap(), id.as_str().unwrap(), Some(record))
    });
    send(system, entries.collect()).await;
}

async fn send(system: &Calls<'_>, entries: Vec<Value>) {
    let bundle = json!({"resourceType": "Bundle", "type": "batch", "entry": entries});
    let done = system.post("/fhir", &bundle.to_string()).await.expect(200).json();
    for entry in done["entry"].as_array().unwrap() {
        let status = entry["response"]["status"].as_str().unwrap();
        assert!(status.starts_with('2'), "{entry}");
    }
}

/// Every record once, then some anew, then some gone, one of them back again.
pub async fn fill(system: &Calls<'_>, chance: &Chance) {
    let mut entries = Vec::new();
    let put = |of: &str, nth: usize| entry(of, &name(of, nth), Some(record(chance, of, nth)));
    for (of, count) in TYPES {
        entries.extend((0..count).map(|nth| put(of, nth)));
    }
    for (of, count) in TYPES.into_iter().skip(2) {
        entries.extend((0..count).filter(|_| chance.below(2) == 0).map(|nth| put(of, nth)));
    }
    for of in ["Observation", "Condition", "List"] {
        let gone = chance.below(2);
        entries.push(entry(of, &name(of, gone), None));
        entries.push(entry(of, &name(of, gone + 1), None));
        entries.push(put(of, gone + 1));
    }
    send(system, entries).await;
}
