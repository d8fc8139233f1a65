//! Parts of records: `_summary`, `_elements`.

use serde_json::{Value, json};

use crate::stage::Calls;

const PATIENT: &str = r#"{"resourceType":"Patient","id":"a","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">A</div>"},"active":true,"name":[{"family":"A"}],"contact":[{"name":{"family":"C"}}],"communication":[{"language":{"text":"x"}}],"link":[{"other":{"reference":"Patient/b"},"type":"seealso"}]}"#;
const ENCOUNTER: &str = r#"{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/a"},"length":{"value":1.50,"unit":"h"},"text":{"status":"empty","div":"<div/>"},"statusHistory":[{"status":"planned","period":{"start":"2020"}}]}"#;

/// The names of the elements that are shown, and whether they say that they are not all.
fn shown(record: &Value) -> (Vec<&str>, bool) {
    let names = record
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .filter(|name| !["resourceType", "id", "meta"].contains(name));
    let tags = record["meta"]["tag"].as_array().into_iter().flatten();
    (names.collect(), tags.into_iter().any(|tag| tag["code"] == "SUBSETTED"))
}

/// The same record by every interaction that shows records.
async fn everywhere(system: &Calls<'_>, (of, id): (&str, &str), query: &str) -> Vec<Value> {
    let get = async |path: String| system.get(&path).await.expect(200).json();
    let entry = |bundle: Value| bundle["entry"][0]["resource"].clone();
    let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [
        {"request": {"method": "GET", "url": format!("{of}/{id}?{query}")}},
        {"request": {"method": "GET", "url": format!("{of}?_id={id}&{query}")}},
    ]});
    let batch = system.post("/fhir", &batch.to_string()).await.expect(200).json();
    let mut paged = get(format!("/fhir/_history?_count=1&{query}")).await;
    let mut found = Value::Null;
    while found.is_null() {
        let own = paged["entry"][0].clone();
        if own["fullUrl"].as_str().unwrap().ends_with(&format!("/{of}/{id}")) {
            found = own["resource"].clone();
        } else {
            paged = get(paged["link"][1]["url"].as_str().unwrap().replace("https://hilum.example", "")).await;
        }
    }
    vec![
        get(format!("/fhir/{of}/{id}?{query}")).await,
        get(format!("/fhir/{of}/{id}/_history/1?{query}")).await,
        entry(get(format!("/fhir/{of}?_id={id}&{query}")).await),
        entry(get(format!("/fhir?_type={of}&{query}")).await),
        entry(get(format!("/fhir/{of}/{id}/_history?{query}")).await),
        entry(get(format!("/fhir/{of}/_history?{query}")).await),
        found,
        batch["entry"][0]["resource"].clone(),
        batch["entry"][1]["resource"]["entry"][0]["resource"].clone(),
    ]
}

on_stage!(
    async fn parts_are_those_of_the_definitions_wherever_records_are_shown(stage) {
        let system = stage.north();
        system.put("/fhir/Patient/a", PATIENT).await.expect(201);
        system.put("/fhir/Encounter/e", ENCOUNTER).await.expect(201);
        for (of, id, query, names, is_part) in [
            ("Patient", "a", "_summary=true", &["active", "link", "name"][..], true),
            ("Patient", "a", "_summary=text", &["text"], true),
            ("Patient", "a", "_summary=data", &["active", "communication", "contact", "link", "name"], true),
            ("Patient", "a", "_summary=false", &["active", "communication", "contact", "link", "name", "text"], false),
            ("Patient", "a", "_elements=contact,name", &["contact", "name"], true),
            ("Encounter", "e", "_summary=true", &["class", "status", "subject"], true),
            ("Encounter", "e", "_summary=text", &["class", "status", "text"], true),
            ("Encounter", "e", "_elements=length", &["class", "length", "status"], true),
        ] {
            for (nth, record) in everywhere(&system, (of, id), query).await.iter().enumerate() {
                assert_eq!((record["resourceType"].as_str(), record["id"].as_str()), (Some(of), Some(id)), "{query} {nth}");
                assert_eq!(shown(record), (names.to_vec(), is_part), "{query} {nth}: {record}");
            }
        }
        assert!(system.get("/fhir/Encounter/e?_elements=length").await.expect(200).body.contains("1.50"), "digits stay");
        let count = system.get("/fhir/Patient?_summary=count").await.expect(200).json();
        assert_eq!((count["total"].as_u64(), count.get("entry")), (Some(1), None));
        for (path, status) in [
            ("Patient/a?_summary=some", 400),
            ("Patient/a?_elements=a%20b", 400),
            ("Patient/a/_history?_summary=some", 400),
            ("Patient?_summary=some", 400),
            ("Encounter?_summary=text&_include=Encounter:subject", 400),
            ("Encounter?_summary=true&_include=Encounter:subject", 200),
        ] {
            system.get(&format!("/fhir/{path}")).await.expect(status);
        }
    }
);
