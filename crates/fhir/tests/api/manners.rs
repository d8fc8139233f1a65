//! The contract's table: headers, versions, media types, time, errors.

use axum::body::Body;
use http::{Method, Request};

use crate::stage::{NORTH, token};

const PATIENT: &str =
    r#"{"resourceType":"Patient","name":[{"family":"Müller","given":["Éva"]}],"birthDate":"1970-01-01"}"#;

on_stage!(
    async fn every_call_shows_a_token(stage) {
        for path in ["/fhir/Patient/1", "/fhir/_history", "/fhir/Patient/_history"] {
            let request = Request::get(path).header("su-siteid", NORTH).body(Body::empty()).unwrap();
            let refused = stage.send(request).await.expect(401);
            refused.tells("login", "MSG_AUTH_REQUIRED");
            assert!(refused.header("www-authenticate").starts_with("Bearer"));
        }
        stage.by("zz".to_owned()).get("/fhir/Patient/1").await.expect(401);
    }
);

on_stage!(
    async fn a_site_is_named_and_granted(stage) {
        let system = stage.north();
        system.clone().at("").get("/fhir/Patient/1").await.expect(400).tells("invalid", "SU-SiteId is missing");
        for code in ["HC", "NORTH", "HC123456", "HC12 45"] {
            system.clone().at(code).get("/fhir/Patient/1").await.expect(400).tells("invalid", "SU-SiteId must be");
        }
        let twice = [("su-siteid", "HCSOUTH")];
        system.call(Method::GET, "/fhir/Patient/1", &twice, "").await.expect(400).tells("invalid", "more than once");
        let unknown = system.clone().at("HCZZZZZ").get("/fhir/Patient/1").await.expect(403);
        let foreign = system.clone().at("HCSOUTH").get("/fhir/Patient/1").await.expect(403);
        assert_eq!(unknown.body, foreign.body);
        system.clone().at("hcnorth").get("/fhir/Patient/1").await.expect(404);
    }
);

on_stage!(
    async fn versions_are_asked_for_and_told(stage) {
        let system = stage.north();
        for (asked, status) in [(None, 404), (Some("1"), 404), (Some("2"), 400), (Some("0"), 400), (Some("x"), 400)] {
            let headers: Vec<(&str, &str)> = asked.iter().map(|value| ("hc-api-version", *value)).collect();
            let answer = system.call(Method::GET, "/fhir/Patient/none", &headers, "").await.expect(status);
            let told = if status == 404 { "1" } else { "" };
            assert_eq!(answer.header("hc-api-version"), told, "{asked:?}");
        }
        let unknown = system.call(Method::GET, "/fhir/Patient/none", &[("hc-api-version", "7")], "").await;
        unknown.tells("invalid", "there is 1");
    }
);

on_stage!(
    async fn media_types_in_and_out(stage) {
        let system = stage.north();
        for (media, status) in [
            ("application/fhir+json", 201),
            ("application/json", 201),
            ("application/fhir+json; charset=utf-8", 201),
            ("text/plain", 415),
            ("application/fhir+turtle", 415),
            ("application/x-www-form-urlencoded", 415),
        ] {
            let answer = system.call(Method::POST, "/fhir/Patient", &[("content-type", media)], PATIENT).await.expect(status);
            if status == 415 {
                answer.tells("not-supported", "MSG_UNKNOWN_CONTENT");
                assert!(answer.header("accept").contains("application/fhir+json"));
            }
        }
        let made = system.post("/fhir/Patient", PATIENT).await.expect(201).json();
        let path = format!("/fhir/Patient/{}", made["id"].as_str().unwrap());
        let xml = system.call(Method::GET, &path, &[("accept", "application/fhir+xml")], "").await.expect(200);
        assert_eq!(xml.header("content-type"), "application/fhir+xml");
        assert!(xml.body.contains("<family value=\"Müller\"/>"), "{}", xml.body);
        let again = system.call(Method::POST, "/fhir/Patient", &[("content-type", "application/fhir+xml")], &xml.body).await;
        let again = again.expect(201).json();
        assert_eq!(again["name"], made["name"]);
        assert_ne!(again["id"], made["id"]);
        let refused = system.call(Method::GET, &path, &[("accept", "text/html")], "").await.expect(406);
        refused.tells("not-supported", "MSG_UNKNOWN_CONTENT");
        assert!(system.get(&format!("{path}?_format=xml")).await.expect(200).body.starts_with("<Patient"));
        let laid_out = system.get(&format!("{path}?_pretty=true")).await.expect(200);
        assert!(laid_out.body.contains("\n  \"resourceType\": \"Patient\""), "{}", laid_out.body);
        let fault = system.call(Method::GET, "/fhir/Patient/none", &[("accept", "application/fhir+xml")], "").await.expect(404);
        assert!(fault.body.starts_with("<OperationOutcome"), "{}", fault.body);
    }
);

on_stage!(
    async fn what_cannot_be_read_is_refused_with_its_place_and_nothing_is_kept(stage) {
        let system = stage.north();
        let deep = format!(r#"{{"resourceType":"Patient","extension":{}{}}}"#, r#"[{"extension":"#.repeat(70), "1}]".repeat(70));
        for (body, code, words) in [
            ("{\n \"resourceType\":\"Patient\",\n \"id\" }", "structure", "line 3"),
            (r#"{"resourceType":"Patient","gender":"male","gender":"female"}"#, "structure", "twice"),
            ("[]", "structure", "line 1"),
            (r#"{"gender":"male"}"#, "invalid", "resourceType"),
            (r#"{"resourceType":"Observation"}"#, "invalid", "MSG_RESOURCE_TYPE_MISMATCH"),
            (deep.as_str(), "too-costly", "levels deep"),
        ] {
            system.post("/fhir/Patient", body).await.expect(400).tells(code, words);
        }
        system.post("/fhir/patient", PATIENT).await.expect(404).tells("not-found", "MSG_UNKNOWN_TYPE");
        let long = format!(r#"{{"resourceType":"Patient","language":"{}"}}"#, "x".repeat(17 << 20));
        system.post("/fhir/Patient", &long).await.expect(413).tells("too-long", "too large");
        let all = system.get("/fhir/_history").await.expect(200).json();
        assert!(all.get("entry").is_none(), "{all}");
    }
);

on_stage!(
    async fn what_this_server_can_do_is_public(stage) {
        let request = Request::get("/fhir/metadata").body(Body::empty()).unwrap();
        let told = stage.send(request).await.expect(200);
        let statement = told.json();
        assert_eq!((statement["resourceType"].as_str(), statement["fhirVersion"].as_str()), (Some("CapabilityStatement"), Some("4.0.1")));
        let tag = told.header("etag").to_owned();
        let request = Request::get("/fhir/metadata").header("if-none-match", tag).body(Body::empty()).unwrap();
        stage.send(request).await.expect(304);
    }
);

on_stage!(
    async fn what_is_not_offered_says_so_in_the_same_words(stage) {
        let refused = stage.north().call(Method::PUT, "/fhir/metadata", &[], "{}").await.expect(405);
        refused.tells("not-supported", "MSG_UNKNOWN_OPERATION");
        assert!(refused.header("allow").contains("GET"));
    }
);

on_stage!(
    async fn a_scope_that_lets_nothing_be_done_is_named(stage) {
        let reader = stage.by(token(1, "system/Patient.r", "", ""));
        reader.post("/fhir/Patient", PATIENT).await.expect(403).tells("forbidden", "created");
        reader.get("/fhir/Observation/1").await.expect(403).tells("forbidden", "Observation");
        reader.get("/fhir/Patient/1").await.expect(404).tells("not-found", "MSG_NO_EXIST");
        reader.get("/fhir/Patient/_history").await.expect(403).tells("forbidden", "searched");
    }
);
