//! Searching: what is found, in which form, by whom, and what is told of it.

use http::Method;
use serde_json::Value;

use crate::stage::{Calls, NORTH_TWO, Stage, token};

fn observation(id: &str, patient: &str, status: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"{status}","code":{{"coding":[{{"system":"http://a.example","code":"{id}"}}]}},"effectiveDateTime":"2025-05-02","subject":{{"reference":"Patient/{patient}"}}}}"#
    )
}

async fn stock(stage: &Stage) {
    let system = stage.north();
    for (patient, family) in [("anna", "Adler"), ("bert", "Berg")] {
        let body =
            format!(r#"{{"resourceType":"Patient","id":"{patient}","name":[{{"family":"{family}"}}]}}"#);
        system.put(&format!("/fhir/Patient/{patient}"), &body).await.expect(201);
        for nth in 1..=3 {
            let id = format!("{patient}-{nth}");
            let status = if nth == 3 { "preliminary" } else { "final" };
            system
                .put(&format!("/fhir/Observation/{id}"), &observation(&id, patient, status))
                .await
                .expect(201);
        }
    }
}

fn ids(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["resource"]["id"].as_str().unwrap_or("?").to_owned()).collect()
}

async fn found(caller: &Calls<'_>, path: &str) -> Vec<String> {
    let mut ids = ids(&caller.get(path).await.expect(200).json());
    ids.sort();
    ids
}

on_stage!(
    async fn a_search_finds_what_matches_newest_first(stage) {
        stock(&stage).await;
        let system = stage.north();
        let all = system.get("/fhir/Observation").await.expect(200).json();
        assert_eq!((all["resourceType"].as_str(), all["type"].as_str()), (Some("Bundle"), Some("searchset")));
        assert_eq!(ids(&all), ["bert-3", "bert-2", "bert-1", "anna-3", "anna-2", "anna-1"]);
        assert_eq!(all["entry"][0]["search"]["mode"], "match");
        assert_eq!(all["entry"][0]["fullUrl"], "https://hilum.example/fhir/Observation/bert-3");
        for (query, expected) in [
            ("subject=Patient/anna", &["anna-1", "anna-2", "anna-3"][..]),
            ("code=anna-1,bert-1", &["anna-1", "bert-1"]),
            ("status=final&patient=bert", &["bert-1", "bert-2"]),
            ("patient.family=Adler&status=preliminary", &["anna-3"]),
            ("date=2025-05-01_2025-05-03&code=anna-1", &["anna-1"]),
            ("date=2025-05-03_2025-05-04", &[]),
            ("code=nothing", &[]),
            ("_id=anna-2", &["anna-2"]),
        ] {
            assert_eq!(found(&system, &format!("/fhir/Observation?{query}")).await, expected, "{query}");
        }
        assert_eq!(found(&system, "/fhir/Patient?_has:Observation:patient:code=anna-1").await, ["anna"]);
        let with = system.get("/fhir/Observation?code=anna-1&_include=Observation:subject").await.expect(200).json();
        assert_eq!((ids(&with), with["entry"][1]["search"]["mode"].as_str()), (vec!["anna-1".to_owned(), "anna".to_owned()], Some("include")));
        let part = system.get("/fhir/Observation?code=anna-1&_elements=code").await.expect(200).json();
        assert!(part["entry"][0]["resource"].get("effectiveDateTime").is_none());
        let counted = system.get("/fhir/Observation?status=final&_summary=count").await.expect(200).json();
        assert_eq!((counted["total"].as_u64(), counted.get("entry")), (Some(4), None));
    }
);

on_stage!(
    async fn the_contracts_form_counts_pages(stage) {
        stock(&stage).await;
        let page = stage.north().get("/fhir/Observation?page=2&count=4").await.expect(200).json();
        assert_eq!((page["type"].as_str(), page["total"].as_u64()), (Some("collection"), Some(6)));
        assert_eq!(ids(&page), ["anna-2", "anna-1"]);
        let tags: Vec<(&str, &str)> = page["meta"]["tag"].as_array().unwrap().iter().map(|tag| (tag["code"].as_str().unwrap(), tag["display"].as_str().unwrap())).collect();
        assert_eq!(tags, [("page", "2"), ("count", "4"), ("maxCount", "500")]);
        let none = stage.north().get("/fhir/Observation?page=9&count=4").await.expect(200).json();
        assert!(none.get("entry").is_none());
        stage.north().get("/fhir/Observation?page=9000&count=400").await.expect(400);
        stage.north().get("/fhir/Observation?page=0").await.expect(400);
    }
);

on_stage!(
    async fn pages_go_on_by_links_that_are_the_callers_and_say_nothing(stage) {
        stock(&stage).await;
        let system = stage.north();
        let (mut path, mut seen) = ("/fhir/Observation?_count=4&status=final,preliminary".to_owned(), Vec::new());
        loop {
            let page = system.get(&path).await.expect(200).json();
            seen.extend(ids(&page));
            let next = page["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").cloned();
            let Some(next) = next else { break };
            path = next["url"].as_str().unwrap().trim_start_matches("https://hilum.example").to_owned();
            assert!(!path.contains("final"), "{path}");
            stage.south().get(&path).await.expect(400).tells("invalid", "_cursor");
            system.clone().at(NORTH_TWO).get(&path).await.expect(400);
            stage.by(token(1, "user/*.rs", "", "site")).get(&path).await.expect(400);
            system.get(&path.replace("Observation", "Patient")).await.expect(400);
        }
        assert_eq!(seen, ["bert-3", "bert-2", "bert-1", "anna-3", "anna-2", "anna-1"]);
        system.get("/fhir/Observation?_cursor=junk").await.expect(400);
    }
);

on_stage!(
    async fn what_is_not_known_is_refused_or_told(stage) {
        let system = stage.north();
        for (query, words) in [
            ("unheard=of", "MSG_PARAM_UNKNOWN"),
            ("status:nonsense=final", "MSG_PARAM_MODIFIER_INVALID"),
            ("date=yesterday", "MSG_PARAM_INVALID"),
            ("_sort=unheard", "issue"),
            ("_count=many", "_count"),
            ("_summary=all", "_summary"),
        ] {
            let refused = system.get(&format!("/fhir/Observation?{query}")).await.expect(400);
            assert!(refused.body.contains(words), "{query}: {}", refused.body);
        }
        let lenient = [("prefer", "handling=lenient")];
        let told = system.call(Method::GET, "/fhir/Observation?unheard=of", &lenient, "").await.expect(200).json();
        assert_eq!(told["entry"][0]["search"]["mode"], "outcome");
    }
);

on_stage!(
    async fn a_form_asks_the_same(stage) {
        stock(&stage).await;
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let system = stage.north();
        let both = system.call(Method::POST, "/fhir/Observation/_search?status=final", &form, "patient=anna").await.expect(200).json();
        assert_eq!(ids(&both), ["anna-2", "anna-1"]);
        system.post("/fhir/Observation/_search", "{}").await.expect(415);
    }
);

on_stage!(
    async fn nobody_finds_counts_includes_or_infers_what_they_may_not_see(stage) {
        stock(&stage).await;
        let anna = stage.by(token(1, "patient/*.rs", "anna", "anna"));
        assert_eq!(found(&anna, "/fhir/Observation").await, ["anna-1", "anna-2", "anna-3"]);
        assert_eq!(found(&anna, "/fhir/Patient").await, ["anna"]);
        let empty: [&str; 0] = [];
        for path in [
            "/fhir/Observation?patient=bert",
            "/fhir/Observation?code=bert-1",
            "/fhir/Observation?patient.family=Berg",
            "/fhir/Patient?_has:Observation:patient:code=bert-1",
            "/fhir/Patient?_id=bert",
        ] {
            assert_eq!(found(&anna, path).await, empty, "{path}");
            let counted = anna.get(&format!("{path}&_summary=count")).await.expect(200).json();
            assert_eq!(counted["total"], 0, "{path}");
        }
        let counted = anna.get("/fhir/Observation?_total=accurate").await.expect(200).json();
        assert_eq!(counted["total"], 3);
        // An Observation of hers that refers to another patient's brings no more than it may.
        let system = stage.north();
        let odd = r#"{"resourceType":"Observation","id":"odd","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/anna"},"hasMember":[{"reference":"Observation/bert-1"}]}"#;
        system.put("/fhir/Observation/odd", odd).await.expect(201);
        let with = anna.get("/fhir/Observation?_id=odd&_include=Observation:has-member").await.expect(200).json();
        assert_eq!(ids(&with), ["odd"]);
        assert_eq!(found(&anna, "/fhir/Observation?has-member.code=bert-1").await, empty);
        let narrow = stage.by(token(1, "patient/Observation.rs?status=final", "anna", "anna"));
        assert_eq!(found(&narrow, "/fhir/Observation?code=anna-1,anna-3").await, ["anna-1"]);
        narrow.get("/fhir/Patient").await.expect(403);
        assert_eq!(found(&narrow, "/fhir/Observation?patient.family=Adler").await, empty, "Patient is not in its scopes");
        for other in [stage.south(), stage.north().at(NORTH_TWO)] {
            assert_eq!(found(&other, "/fhir/Observation").await, empty);
            assert_eq!(other.get("/fhir/Observation?_summary=count").await.expect(200).json()["total"], 0);
        }
    }
);

on_stage!(
    async fn a_record_is_created_once_under_a_condition(stage) {
        let system = stage.north();
        let body = r#"{"resourceType":"Patient","identifier":[{"system":"http://a.example","value":"7"}]}"#;
        let condition = [("if-none-exist", "identifier=http://a.example|7")];
        let first = system.call(Method::POST, "/fhir/Patient", &condition, body).await.expect(201).json();
        let second = system.call(Method::POST, "/fhir/Patient", &condition, body).await.expect(200).json();
        assert_eq!(first["id"], second["id"]);
        // As HAPI's client and fhirpy write it.
        let whole = [("if-none-exist", "https://hilum.example/fhir/Patient?identifier=http%3A%2F%2Fa.example%7C7")];
        let third = system.call(Method::POST, "/fhir/Patient", &whole, body).await.expect(200).json();
        let fourth = system.post("/fhir/Patient?identifier=http://a.example%7C7&_format=json", body).await.expect(200).json();
        assert_eq!((&third["id"], &fourth["id"]), (&first["id"], &first["id"]));
        system.call(Method::POST, "/fhir/Patient?identifier=7", &condition, body).await.expect(400).tells("invalid", "not in both");
        system.post("/fhir/Patient?unheard=7", body).await.expect(400);
        system.post("/fhir/Patient", body).await.expect(201);
        system.call(Method::POST, "/fhir/Patient", &condition, body).await.expect(412).tells("multiple-matches", "MULTIPLE");
        system.call(Method::POST, "/fhir/Patient", &[("if-none-exist", "unheard=7")], body).await.expect(400);
        system.call(Method::POST, "/fhir/Patient", &[("if-none-exist", "")], body).await.expect(400);
        let writer = stage.by(token(1, "system/Patient.c", "", ""));
        writer.call(Method::POST, "/fhir/Patient", &condition, body).await.expect(403);
    }
);

on_stage!(
    async fn value_sets_and_hierarchies_are_those_of_the_packages(stage) {
        let system = stage.north();
        for gender in ["male", "female"] {
            system.post("/fhir/Patient", &format!(r#"{{"resourceType":"Patient","gender":"{gender}"}}"#)).await.expect(201);
        }
        let set = "http://hl7.org/fhir/ValueSet/administrative-gender";
        for (words, total) in [
            (format!("gender:in={set}"), 2),
            (format!("gender:not-in={set}"), 0),
            ("gender:below=http://hl7.org/fhir/administrative-gender%7Cmale".to_owned(), 1),
        ] {
            let found = system.get(&format!("/fhir/Patient?{words}&_summary=count")).await.expect(200).json();
            assert_eq!(found["total"], total, "{words}");
        }
        let unheard = system.get("/fhir/Patient?gender:in=http://x.example/ValueSet/unheard").await;
        unheard.expect(400).tells("invalid", "MSG_PARAM_INVALID");
    }
);

on_stage!(
    async fn the_date_of_creation_is_asked_in_the_words_of_the_contract(stage) {
        let system = stage.north();
        for (id, when) in [
            ("early", "2025-04-30T23:59:59Z"),
            ("first", "2025-05-01T00:00:00Z"),
            ("last", "2025-05-03T23:59:59Z"),
            ("late", "2025-05-04"),
        ] {
            let media = format!(
                r#"{{"resourceType":"Media","id":"{id}","status":"completed","content":{{}},"createdDateTime":"{when}"}}"#
            );
            system.put(&format!("/fhir/Media/{id}"), &media).await.expect(201);
        }
        for (words, expected) in [
            ("dateCreated=2025-05-01_2025-05-03", vec!["first", "last"]),
            ("dateCreated=ge2025-05-03", vec!["last", "late"]),
            ("dateCreated=2025-05-01_2025-05-03&_sort=-dateCreated&_count=1", vec!["last"]),
            ("created=2025-05-01_2025-05-03", vec!["first", "last"]),
        ] {
            assert_eq!(found(&system, &format!("/fhir/Media?{words}")).await, expected, "{words}");
        }
        // What says no date of its creation has none to be asked for.
        system.get("/fhir/Patient?dateCreated=2025-05-01_2025-05-03").await.expect(400);
    }
);
