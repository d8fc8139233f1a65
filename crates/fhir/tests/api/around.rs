//! Searches of the site and of compartments.

use serde_json::{Value, json};

use crate::stage::{BASE, Calls, NORTH_TWO};

const TYPES: [(&str, &str); 7] = [
    (
        "Patient",
        r#"{"resourceType":"Patient","id":"anna","generalPractitioner":[{"reference":"Practitioner/doc"}]}"#,
    ),
    ("Practitioner", r#"{"resourceType":"Practitioner","id":"doc"}"#),
    (
        "RelatedPerson",
        r#"{"resourceType":"RelatedPerson","id":"mum","patient":{"reference":"Patient/anna"}}"#,
    ),
    ("Device", r#"{"resourceType":"Device","id":"pump","patient":{"reference":"Patient/anna"}}"#),
    (
        "Encounter",
        r#"{"resourceType":"Encounter","id":"visit","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/anna"},"participant":[{"individual":{"reference":"RelatedPerson/mum"}},{"individual":{"reference":"Practitioner/doc"}}]}"#,
    ),
    (
        "Observation",
        r#"{"resourceType":"Observation","id":"pulse","status":"final","code":{"text":"pulse"},"subject":{"reference":"Patient/anna"},"encounter":{"reference":"Encounter/visit"},"device":{"reference":"Device/pump"},"performer":[{"reference":"Practitioner/doc"}]}"#,
    ),
    (
        "Observation",
        r#"{"resourceType":"Observation","id":"room","status":"final","code":{"text":"warmth"},"subject":{"reference":"Device/pump"}}"#,
    ),
];

pub async fn fill(system: &Calls<'_>) {
    for (of, body) in TYPES {
        let id = serde_json::from_str::<Value>(body).unwrap()["id"].as_str().unwrap().to_owned();
        system.put(&format!("/fhir/{of}/{id}"), body).await.expect(201);
    }
}

/// What is found, as `Patient/anna`.
pub fn named(bundle: &Value, mode: &str) -> Vec<String> {
    let entries = bundle["entry"].as_array().into_iter().flatten();
    let own = entries.filter(|entry| entry["search"]["mode"] == mode);
    let mut all: Vec<String> =
        own.map(|entry| entry["fullUrl"].as_str().unwrap().replace(&format!("{BASE}/"), "")).collect();
    all.sort();
    all
}

on_stage!(
    async fn the_site_is_searched_by_types_or_whole(stage) {
        let system = stage.north();
        fill(&system).await;
        fill(&system.clone().at(NORTH_TWO)).await;
        let found = async |query: &str| named(&system.get(&format!("/fhir{query}")).await.expect(200).json(), "match");
        assert_eq!(found("").await.len(), 7);
        assert_eq!(found("?_type=Patient,Device").await, ["Device/pump", "Patient/anna"]);
        assert_eq!(found("?_type=Device,Encounter&patient=anna").await, ["Device/pump", "Encounter/visit"]);
        assert_eq!(found("?_id=anna,doc").await, ["Patient/anna", "Practitioner/doc"]);
        for (query, words) in [("?_type=Patient,Alien", "_type"), ("?_type=Patient,Device&family=x", "family"), ("?code=x", "code")] {
            system.get(&format!("/fhir{query}")).await.expect(400).tells("invalid", words);
        }
        system.get("/fhir?_type=Claim").await.expect(403).tells("forbidden", "`financial`");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let posted = system.call(http::Method::POST, "/fhir/_search", &form, "_type=Patient").await.expect(200).json();
        assert_eq!(named(&posted, "match"), ["Patient/anna"]);
        let page = system.get("/fhir?_type=Patient,Device,Observation&_count=2&_total=accurate&_include=Observation:subject").await.expect(200).json();
        assert_eq!((page["total"].as_u64(), named(&page, "match").len()), (Some(4), 2));
        let next = page["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").unwrap()["url"].as_str().unwrap().to_owned();
        assert!(next.starts_with(&format!("{BASE}?_cursor=")));
        let path = next.replace("https://hilum.example", "");
        assert_eq!(named(&system.get(&path).await.expect(200).json(), "match").len(), 2);
        system.clone().at(NORTH_TWO).get(&path).await.expect(400).tells("invalid", "cursor");
        stage.south().get(&path).await.expect(400);
        let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [
            {"request": {"method": "GET", "url": "?_type=Patient"}},
            {"request": {"method": "GET", "url": "Patient/anna/Encounter"}},
        ]});
        let done = system.post("/fhir", &batch.to_string()).await.expect(200).json();
        assert_eq!(done["entry"][0]["resource"]["entry"][0]["resource"]["id"], "anna");
        assert_eq!(done["entry"][1]["resource"]["entry"][0]["resource"]["id"], "visit");
    }
);

on_stage!(
    async fn a_compartment_is_searched_by_a_type_or_whole(stage) {
        let system = stage.north();
        fill(&system).await;
        for (path, found) in [
            ("Patient/anna/Observation", &["Observation/pulse"][..]),
            ("Patient/anna/Observation?code:text=warmth", &[]),
            ("Patient/anna/*", &["Encounter/visit", "Observation/pulse", "Patient/anna", "RelatedPerson/mum"]),
            ("Patient/anna/*?_type=Encounter,Patient", &["Encounter/visit", "Patient/anna"]),
            ("Patient/nobody/*", &[]),
            ("Encounter/visit/*", &["Encounter/visit", "Observation/pulse"]),
            ("RelatedPerson/mum/*", &["Encounter/visit", "RelatedPerson/mum"]),
            ("Practitioner/doc/*", &["Encounter/visit", "Observation/pulse", "Patient/anna", "Practitioner/doc"]),
            ("Practitioner/doc/Patient", &["Patient/anna"]),
            ("Device/pump/Observation", &["Observation/pulse", "Observation/room"]),
            ("Device/pump/*", &["Device/pump", "Observation/pulse", "Observation/room"]),
        ] {
            let bundle = system.get(&format!("/fhir/{path}")).await.expect(200).json();
            assert_eq!(named(&bundle, "match"), found, "{path}");
        }
        for (path, status) in [
            ("Organization/1/Observation", 404),
            ("Patient/anna/Organization", 404),
            ("Patient/anna/Device", 404),
            ("Patient/anna/Alien", 404),
            ("Alien/anna/Observation", 404),
            ("Patient/anna/*?_type=Alien", 400),
            ("Patient/anna/*?_type=Practitioner", 400),
            ("Patient/anna/*?code=x", 400),
            ("Patient/anna/Observation?colour=red", 400),
            ("Patient/anna/Claim", 403),
        ] {
            system.get(&format!("/fhir/{path}")).await.expect(status);
        }
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let posted = system.call(http::Method::POST, "/fhir/Patient/anna/Observation/_search", &form, "status=final").await;
        assert_eq!(named(&posted.expect(200).json(), "match"), ["Observation/pulse"]);
        let page = system.get("/fhir/Patient/anna/*?_count=3").await.expect(200).json();
        let next = page["link"][1]["url"].as_str().unwrap().replace("https://hilum.example", "");
        assert!(next.starts_with("/fhir/Patient/anna/*?_cursor="));
        assert_eq!(named(&system.get(&next).await.expect(200).json(), "match").len(), 1);
        system.get(&next.replace("anna", "bert")).await.expect(400);
    }
);
