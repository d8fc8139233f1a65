//! `$everything`.

use std::time::Duration;

use kernel::Clock;
use serde_json::json;

use crate::{
    around::{fill, named},
    stage::{Calls, NORTH_TWO, token},
};

/// All pages: what matches and what is included.
async fn all(by: &Calls<'_>, path: &str) -> (Vec<String>, Vec<String>) {
    let (mut path, mut matches, mut included) = (Some(format!("/fhir/{path}")), Vec::new(), Vec::new());
    while let Some(asked) = path {
        let page = by.get(&asked).await.expect(200).json();
        matches.extend(named(&page, "match"));
        included.extend(named(&page, "include"));
        let next = page["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").cloned();
        path = next.map(|next| next["url"].as_str().unwrap().replace("https://hilum.example", ""));
    }
    matches.sort();
    included.sort();
    included.dedup();
    (matches, included)
}

on_stage!(
    async fn everything_is_the_compartment_and_what_it_refers_to(stage) {
        let system = stage.north();
        fill(&system).await;
        fill(&system.clone().at(NORTH_TWO)).await;
        let own = ["Encounter/visit", "Observation/pulse", "Patient/anna", "RelatedPerson/mum"];
        for count in [1, 2, 100] {
            let (matches, included) = all(&system, &format!("Patient/anna/$everything?_count={count}")).await;
            assert_eq!((matches.as_slice(), included), (&own.map(str::to_owned)[..], ["Device/pump", "Practitioner/doc"].map(str::to_owned).to_vec()));
        }
        let visit = all(&system, "Encounter/visit/$everything").await;
        assert_eq!(visit.0, ["Encounter/visit", "Observation/pulse"]);
        assert_eq!(visit.1, ["Device/pump", "Patient/anna", "Practitioner/doc", "RelatedPerson/mum"]);
        assert_eq!(all(&system, "Patient/$everything").await.0, own, "what is of no patient is not there");
        let typed = all(&system, "Patient/anna/$everything?_type=Observation,Practitioner").await;
        assert_eq!(typed, (vec!["Observation/pulse".to_owned()], vec!["Practitioner/doc".to_owned()]));
        for (path, status) in [
            ("Patient/bert/$everything", 404),
            ("Observation/pulse/$everything", 404),
            ("Encounter/$everything", 404),
            ("Patient/anna/$everything?colour=red", 400),
            ("Patient/anna/$everything?start=soon", 400),
            ("Patient/anna/$everything?_since=soon", 400),
            ("Patient/anna/$everything?_type=Alien", 400),
            ("Patient/anna/$everything?_type=Claim", 403),
            ("Patient/anna/$everything?_cursor=x", 400),
        ] {
            system.get(&format!("/fhir/{path}")).await.expect(status);
        }
        system.put("/fhir/Patient/gone", r#"{"resourceType":"Patient","id":"gone"}"#).await.expect(201);
        system.delete("/fhir/Patient/gone").await.expect(200);
        system.get("/fhir/Patient/gone/$everything").await.expect(410);
    }
);

on_stage!(
    async fn everything_of_a_time(stage) {
        let system = stage.north();
        system.put("/fhir/Patient/anna", r#"{"resourceType":"Patient","id":"anna"}"#).await.expect(201);
        for (id, date) in [("a", "2020-01-01"), ("b", "2021-06-01"), ("c", "2022-01-01")] {
            let body = json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/anna"}, "effectiveDateTime": date});
            system.put(&format!("/fhir/Observation/{id}"), &body.to_string()).await.expect(201);
        }
        let body = json!({"resourceType": "Encounter", "id": "long", "status": "finished", "class": {"code": "AMB"}, "subject": {"reference": "Patient/anna"}, "period": {"start": "2020-06-01", "end": "2021-02-01"}});
        system.put("/fhir/Encounter/long", &body.to_string()).await.expect(201);
        for (query, found) in [
            ("start=2021", &["Encounter/long", "Observation/b", "Observation/c", "Patient/anna"][..]),
            ("end=2020-12-31", &["Encounter/long", "Observation/a", "Patient/anna"]),
            ("start=2021-01-01&end=2021-12-31", &["Encounter/long", "Observation/b", "Patient/anna"]),
            ("start=2021-03&end=2021-04", &["Patient/anna"]),
        ] {
            assert_eq!(all(&system, &format!("Patient/anna/$everything?{query}")).await.0, found, "{query}");
        }
        stage.clock.advance(Duration::from_secs(60));
        let since = kernel::Timestamp::from_micros(stage.clock.now().as_micros());
        system.put("/fhir/Patient/anna", r#"{"resourceType":"Patient","id":"anna","active":true}"#).await.expect(200);
        assert_eq!(all(&system, &format!("Patient/anna/$everything?_since={since}")).await.0, ["Patient/anna"]);
        let parameters = json!({"resourceType": "Parameters", "parameter": [{"name": "start", "valueDate": "2022"}, {"name": "_type", "valueCode": "Observation"}]});
        let posted = system.post("/fhir/Patient/anna/$everything", &parameters.to_string()).await.expect(200).json();
        assert_eq!(named(&posted, "match"), ["Observation/c"]);
        let posted = system.post("/fhir/Patient/$everything", &parameters.to_string()).await.expect(200).json();
        assert_eq!(named(&posted, "match"), ["Observation/c"]);
        system.post("/fhir/Patient/anna/$everything", r#"{"resourceType":"Patient"}"#).await.expect(400);
    }
);

on_stage!(
    async fn everything_of_a_time_goes_by_the_dates_of_care_of_each_type(stage) {
        let system = stage.north();
        system.put("/fhir/Patient/anna", r#"{"resourceType":"Patient","id":"anna","birthDate":"1950-01-01"}"#).await.expect(201);
        let subject = json!({"reference": "Patient/anna"});
        // Where a record says when care was given and when it was written down, the first counts; where it says one, that one.
        for (of, id, more) in [
            ("Condition", "over", json!({"onsetDateTime": "2010-01-01", "abatementDateTime": "2012-01-01", "recordedDate": "2021-06-01"})),
            ("Condition", "lasting", json!({"onsetDateTime": "2010-01-01"})),
            ("Condition", "later", json!({"onsetDateTime": "2023-01-01"})),
            ("Condition", "of-no-time", json!({})),
            ("ServiceRequest", "done-then", json!({"intent": "order", "status": "active", "occurrenceDateTime": "2021-03-03", "authoredOn": "2010-01-01"})),
            ("ServiceRequest", "done-before", json!({"intent": "order", "status": "active", "occurrenceDateTime": "2010-03-03", "authoredOn": "2021-03-03"})),
            ("ServiceRequest", "asked-then", json!({"intent": "order", "status": "active", "authoredOn": "2021-03-03"})),
            ("MedicationRequest", "then", json!({"intent": "order", "status": "active", "authoredOn": "2021-03-03"})),
            ("MedicationRequest", "before", json!({"intent": "order", "status": "active", "authoredOn": "2020-03-03"})),
            ("MedicationStatement", "through", json!({"status": "active", "effectivePeriod": {"start": "2020-01-01"}})),
            ("MedicationStatement", "before", json!({"status": "active", "effectiveDateTime": "2020"})),
            ("Goal", "then", json!({"lifecycleStatus": "active", "startDate": "2020-01-01", "target": [{"dueDate": "2021-01-15"}]})),
            ("Goal", "before", json!({"lifecycleStatus": "active", "startDate": "2020-01-01", "target": [{"dueDate": "2020-02-01"}]})),
            ("ImagingStudy", "before", json!({"status": "available", "started": "2019-01-01T00:00:00Z"})),
            ("BodyStructure", "of-no-time", json!({})),
        ] {
            let mut body = json!({"resourceType": of, "id": id, "code": {"text": "x"}});
            body[if ["ServiceRequest", "Condition", "Goal", "MedicationRequest", "MedicationStatement", "ImagingStudy"].contains(&of) { "subject" } else { "patient" }] = subject.clone();
            for (name, value) in more.as_object().unwrap() {
                body[name] = value.clone();
            }
            system.put(&format!("/fhir/{of}/{id}"), &body.to_string()).await.expect(201);
        }
        let found = all(&system, "Patient/anna/$everything?start=2021-01-01&end=2021-12-31").await.0;
        let expected = [
            "BodyStructure/of-no-time", "Condition/lasting", "Condition/of-no-time", "Goal/then", "MedicationRequest/then",
            "MedicationStatement/through", "Patient/anna", "ServiceRequest/asked-then", "ServiceRequest/done-then",
        ];
        assert_eq!(found, expected);
    }
);

on_stage!(
    async fn everything_of_a_group_is_of_its_members_and_of_what_the_caller_sees(stage) {
        let system = stage.north();
        let group = |members: &[&str]| {
            let members: Vec<_> = members.iter().map(|id| json!({"entity": {"reference": format!("Patient/{id}")}})).collect();
            json!({"resourceType": "Group", "id": "g", "type": "person", "actual": true, "member": members}).to_string()
        };
        for id in ["anna", "bert", "carl"] {
            system.put(&format!("/fhir/Patient/{id}"), &json!({"resourceType": "Patient", "id": id}).to_string()).await.expect(201);
            let body = json!({"resourceType": "Observation", "id": format!("of-{id}"), "status": "final", "code": {"text": "x"}, "subject": {"reference": format!("Patient/{id}")}});
            system.put(&format!("/fhir/Observation/of-{id}"), &body.to_string()).await.expect(201);
        }
        system.put("/fhir/Group/g", &group(&[])).await.expect(201);
        assert_eq!(all(&system, "Group/g/$everything").await, (Vec::new(), Vec::new()));
        system.put("/fhir/Group/g", &group(&["anna", "bert", "nobody"])).await.expect(200);
        for count in [1, 100] {
            let found = all(&system, &format!("Group/g/$everything?_count={count}")).await.0;
            assert_eq!(found.iter().filter(|one| !one.starts_with("Group")).cloned().collect::<Vec<_>>(),
                ["Observation/of-anna", "Observation/of-bert", "Patient/anna", "Patient/bert"]);
        }
        let narrow = stage.by(token(1, "user/Group.rs user/Patient.rs user/Observation.rs", "", "anna"));
        // The group is in the compartment of its members; those beside her are nobody's business.
        assert_eq!(all(&narrow, "Group/g/$everything").await.0, ["Group/g", "Observation/of-anna", "Patient/anna"]);
        let carl = stage.by(token(1, "user/Group.rs user/Patient.rs", "", "carl"));
        carl.get("/fhir/Group/g/$everything").await.expect(404);
        let patients = stage.by(token(1, "system/Group.rs system/Patient.rs", "", ""));
        let found = all(&patients, "Group/g/$everything?_type=Patient").await.0;
        assert_eq!(found, ["Patient/anna", "Patient/bert"]);
        stage.south().get("/fhir/Group/g/$everything").await.expect(404);
        system.get("/fhir/Group/$everything").await.expect(404);
        let many: Vec<String> = (0..501).map(|nth| format!("p{nth}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        system.put("/fhir/Group/g", &group(&many[..500])).await.expect(200);
        system.get("/fhir/Group/g/$everything").await.expect(200);
        system.put("/fhir/Group/g", &group(&many)).await.expect(200);
        system.get("/fhir/Group/g/$everything").await.expect(422).tells("not-supported", "ask for its $export");
    }
);

on_stage!(
    async fn everything_is_what_the_caller_sees(stage) {
        let system = stage.north();
        fill(&system).await;
        system.put("/fhir/Patient/bert", r#"{"resourceType":"Patient","id":"bert"}"#).await.expect(201);
        let anna = stage.by(token(1, "patient/*.rs", "anna", ""));
        assert_eq!(all(&anna, "Patient/anna/$everything").await.1, Vec::<String>::new(), "a practitioner is nobody's record");
        anna.get("/fhir/Patient/bert/$everything").await.expect(404);
        let narrow = stage.by(token(1, "patient/Patient.rs patient/RelatedPerson.rs", "anna", ""));
        assert_eq!(all(&narrow, "Patient/anna/$everything").await.0, ["Patient/anna", "RelatedPerson/mum"]);
        assert_eq!(all(&narrow, "Patient/$everything").await.0, ["Patient/anna", "RelatedPerson/mum"]);
        narrow.get("/fhir/Patient/anna/$everything?_type=Observation").await.expect(403);
        stage.by(token(1, "patient/Device.rs", "anna", "")).get("/fhir/Patient/anna/$everything").await.expect(403);
        stage.south().get("/fhir/Patient/anna/$everything").await.expect(404);
        let page = anna.get("/fhir/Patient/anna/$everything?_count=1").await.expect(200).json();
        let next = page["link"][1]["url"].as_str().unwrap().replace("https://hilum.example", "");
        anna.get(&next).await.expect(200);
        stage.south().get(&next).await.expect(404);
        system.clone().at(NORTH_TWO).get(&next).await.expect(404);
        anna.get(&next.replace("Patient/anna", "Patient")).await.expect(400);
    }
);
