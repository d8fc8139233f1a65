//! Endpoints: made, seen, changed, rotated, deleted, and nobody else's.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::BASE;

on_stage!(
    async fn an_endpoint_is_made_and_shows_its_secret_once(stage) {
        let heard = stage
            .post(BASE, &json!({"name": "Ours", "url": stage.receiver.url("/in"), "headers": {"X-Key": "hunter2"}}))
            .await
            .expect(201);
        let made = heard.json();
        let id = made["id"].as_str().unwrap();
        assert_eq!(heard.field("location"), format!("{BASE}/{id}"));
        assert_eq!(heard.field("etag"), "\"1\"");
        assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
        assert!(made["public_keys"][0]["key"].as_str().unwrap().starts_with("whpk_"));
        assert_eq!((&made["state"], &made["headers"]["x-key"]), (&json!("enabled"), &json!("***")));
        let seen = stage.get(&format!("{BASE}/{id}")).await.expect(200);
        assert!(!seen.body.contains("secret") && !seen.body.contains("hunter2"), "{}", seen.body);
        assert_eq!(stage.acts().await, ["webhook_endpoint.created"]);
        let rows = "SELECT COUNT(*) FROM webhook_endpoint WHERE wanted LIKE '%hunter2%' OR header_names LIKE '%hunter2%'";
        assert_eq!(stage.count(rows).await, 0);
    }
);

on_stage!(
    async fn asked_again_under_the_same_key_nothing_is_made_twice(stage) {
        let document = json!({"name": "Ours", "url": stage.receiver.url("/in")});
        let ask = async |bearer: &str, document: &Value| {
            stage.call(bearer, "POST", BASE, &[("idempotency-key", "k-1")], document).await
        };
        let first = ask("1", &document).await.expect(201).json();
        let second = ask("1", &document).await.expect(201).json();
        assert_eq!((&first["id"], &first["secret"]), (&second["id"], &second["secret"]));
        let other = json!({"name": "Others", "url": stage.receiver.url("/in")});
        ask("1", &other).await.refused(409, "INT004", Some("Idempotency-Key"));
        let theirs = ask("2", &other).await.expect(201).json();
        assert_ne!(first["id"], theirs["id"]);
        assert_eq!(stage.count("SELECT COUNT(*) FROM webhook_endpoint").await, 2);
        // Another person of the organisation gets an endpoint of their own under this key, and not the secret of somebody else's.
        let colleague = ask("1_7", &document).await.expect(201).json();
        assert_ne!((&first["id"], &first["secret"]), (&colleague["id"], &colleague["secret"]));
    }
);

on_stage!(
    async fn what_another_organisation_has_is_not_there(stage) {
        let id = stage.endpoint("/in", &json!({})).await["id"].as_str().unwrap().to_owned();
        let (there, nowhere) = (format!("{BASE}/{id}"), format!("{BASE}/00000000-0000-7000-8000-000000000000"));
        let whole = json!({"name": "Mine", "url": stage.receiver.url("/in")});
        for (method, below, body) in [
            ("GET", "", Value::Null),
            ("PUT", "", whole),
            ("PATCH", "", json!({"name": "Mine"})),
            ("DELETE", "", Value::Null),
            ("POST", "/rotate-secret", Value::Null),
            ("POST", "/test", Value::Null),
            ("GET", "/deliveries", Value::Null),
            ("GET", "/health", Value::Null),
            ("POST", "/replay", json!({"since": "2026-01-01T00:00:00Z"})),
        ] {
            let mut answers = Vec::new();
            for path in [&there, &nowhere] {
                let path = format!("{path}{below}");
                let heard = stage.call("2", method, &path, &[("if-match", "*")], &body).await.expect(404);
                let mut error = heard.json();
                error["error"]["request_id"] = Value::Null;
                answers.push(error);
            }
            assert_eq!(answers[0]["error"]["code"], "INT001");
            assert_eq!(answers[0], answers[1], "{method} {below}");
        }
        assert_eq!(stage.call("2", "GET", BASE, &[], &Value::Null).await.json()["total"], 0);
        assert_eq!(stage.get(&there).await.expect(200).json()["name"], "Ours");
    }
);

on_stage!(
    async fn scopes_are_asked_for_before_anything_else(stage) {
        let made = stage.endpoint("/in", &json!({})).await;
        let path = format!("{BASE}/{}", made["id"].as_str().unwrap());
        for (bearer, method, status) in [
            ("", "GET", 401),
            ("junk", "GET", 401),
            ("1.openid", "GET", 403),
            ("1.webhook/write", "GET", 403),
            ("1.webhook/read.viewer", "GET", 403),
            ("1.webhook/read.auditor", "GET", 200),
            ("1.webhook/write.auditor", "DELETE", 403),
            ("1.webhook/read", "GET", 200),
            ("1.webhook/read", "DELETE", 403),
            ("1.webhook/write", "DELETE", 204),
        ] {
            stage.call(bearer, method, &path, &[], &Value::Null).await.expect(status);
        }
    }
);

on_stage!(
    async fn a_change_names_the_version_that_it_changes(stage) {
        let made = stage.endpoint("/in", &json!({"headers": {"X-Key": "1"}, "event_types": ["sync.*"]})).await;
        let path = format!("{BASE}/{}", made["id"].as_str().unwrap());
        let patch = async |headers: &[(&str, &str)], patch: Value| {
            stage.call("1", "PATCH", &path, headers, &patch).await
        };
        patch(&[], json!({"name": "B"})).await.refused(428, "INT002", Some("If-Match"));
        patch(&[("if-match", "\"9\"")], json!({"name": "B"})).await.refused(412, "INT004", Some("If-Match"));
        let heard = patch(&[("if-match", "\"1\"")], json!({"name": "B", "event_types": null})).await.expect(200);
        let changed = heard.json();
        assert_eq!((heard.field("etag"), &changed["name"]), ("\"2\"", &json!("B")));
        assert_eq!((&changed["event_types"], &changed["headers"]), (&json!([]), &json!({"x-key": "***"})));
        patch(&[("if-match", "\"2\"")], json!({"url": 7})).await.refused(422, "INT002", Some("url"));
        patch(&[("if-match", "\"2\"")], json!({"colour": "red"})).await.refused(422, "INT002", Some("colour"));
        patch(&[("if-match", "\"2\"")], json!(7)).await.expect(422);
        assert_eq!(stage.get(&path).await.json()["version"], 2);
        let whole = json!({"name": "C", "url": stage.receiver.url("/other")});
        let heard = stage.call("1", "PUT", &path, &[("if-match", "\"2\"")], &whole).await.expect(200).json();
        assert_eq!((&heard["headers"], &heard["version"]), (&json!({}), &json!(3)));
    }
);

on_stage!(
    async fn endpoints_are_listed_by_pages_and_narrowed(stage) {
        for n in 0..5 {
            let state = if n == 4 { "paused" } else { "enabled" };
            stage.endpoint("/in", &json!({"name": format!("Nr {n}_x"), "state": state})).await;
            stage.clock.advance(Duration::from_secs(1));
        }
        let heard = stage.get(&format!("{BASE}?size=2&page=2")).await.expect(200);
        let page = heard.json();
        assert_eq!((&page["total"], &page["pages"], &page["page"], &page["size"]), (&json!(5), &json!(3), &json!(2), &json!(2)));
        assert_eq!(page["items"][0]["name"], "Nr 2_x");
        assert!(heard.field("link").contains("page=3&size=2>; rel=\"next\""), "{}", heard.field("link"));
        assert_eq!(stage.get(&format!("{BASE}?state=paused")).await.json()["total"], 1);
        assert_eq!(stage.get(&format!("{BASE}?q=nr%202_")).await.json()["total"], 1);
        assert_eq!(stage.get(&format!("{BASE}?q=%25")).await.json()["total"], 0);
        stage.get(&format!("{BASE}?state=broken")).await.refused(400, "INT002", Some("state"));
        stage.get(&format!("{BASE}?size=101")).await.refused(422, "INT002", Some("size"));
        stage.get(&format!("{BASE}?sort=name")).await.refused(400, "INT002", Some("sort"));
    }
);

on_stage!(
    async fn types_of_events_are_told(stage) {
        let types = stage.get(&format!("{BASE}/event-types")).await.expect(200).json();
        let names: Vec<&str> =
            types["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert!(names.contains(&"webhook.test") && names.contains(&"connection.linked"), "{names:?}");
    }
);

on_stage!(
    async fn who_has_a_role_for_a_study_reaches_what_is_of_that_study_alone(stage) {
        const HEART: &str = "019b0000-0000-7000-8000-000000000001";
        const LUNG: &str = "019b0000-0000-7000-8000-000000000002";
        let bearer = format!("1.webhook/read+webhook/write.study_manager/{HEART}");
        let mut paths = Vec::new();
        for studies in [json!([HEART]), json!([HEART, LUNG]), json!([LUNG]), json!([])] {
            let made = stage.endpoint("/in", &json!({"studies": studies})).await;
            paths.push(format!("{BASE}/{}", made["id"].as_str().unwrap()));
        }
        for (path, seen, changed) in
            [(&paths[0], 200, 200), (&paths[1], 200, 404), (&paths[2], 404, 404), (&paths[3], 404, 404)]
        {
            stage.call(&bearer, "GET", path, &[], &Value::Null).await.expect(seen);
            stage.call(&bearer, "GET", &format!("{path}/deliveries"), &[], &Value::Null).await.expect(seen);
            let patch = json!({"name": "Mine"});
            stage.call(&bearer, "PATCH", path, &[("if-match", "*")], &patch).await.expect(changed);
        }
        let list = stage.call(&bearer, "GET", BASE, &[], &Value::Null).await.expect(200).json();
        assert_eq!((&list["total"], list["items"].as_array().unwrap().len()), (&json!(2), 2));
        // Neither made nor moved beyond the study.
        let document = |studies: Value| json!({"name": "Mine", "url": stage.receiver.url("/in"), "studies": studies});
        for (studies, status) in [(json!([]), 403), (json!([LUNG]), 403), (json!([HEART]), 201)] {
            stage.call(&bearer, "POST", BASE, &[], &document(studies)).await.expect(status);
        }
        let wider = json!({"studies": [HEART, LUNG]});
        stage.call(&bearer, "PATCH", &paths[0], &[("if-match", "*")], &wider).await.expect(403);
    }
);
