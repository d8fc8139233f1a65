//! Integrations as staff manage them.  Contract 4

use ::http::Method;
use serde_json::{Value, json};

use crate::stage::{Heard, Stage};

const HEART: &str = "05050505-0505-0505-0505-050505050505";
const LUNG: &str = "05060606-0606-0606-0606-060606060606";
const ALL: &str = "integration/read+integration/write+integration/sync";
const PLACE: &str = "/api/v1/integrations";

/// Somebody with these roles and every scope.
fn staff(roles: &str) -> String {
    format!(
        "1.1.{ALL}~{}",
        roles.replace("heart", HEART).replace("lung", LUNG).replace(':', "/").replace(' ', "+")
    )
}

struct Asked<'a>(&'a Stage, String);

impl Asked<'_> {
    async fn with(&self, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Heard {
        let bearer = format!("Bearer {}", self.1);
        let mut headers = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
        headers.extend(more);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.0
            .call(Method::from_bytes(method.as_bytes()).unwrap(), &format!("{PLACE}{path}"), &headers, &body)
            .await
    }

    async fn get(&self, path: &str) -> Heard {
        self.with("GET", path, &[], &Value::Null).await
    }

    async fn post(&self, path: &str, body: &Value) -> Heard {
        self.with("POST", path, &[], body).await
    }
}

fn as_staff<'a>(stage: &'a Stage, roles: &str) -> Asked<'a> {
    Asked(stage, staff(roles))
}

fn edc(name: &str, studies: &[&str]) -> Value {
    json!({
        "name": name, "type": "edc", "provider": "medidata",
        "config": {"base_url": "https://edc.example/api", "environment": "production"},
        "credentials": {"username": "hilum", "password": "canary-password"},
        "sync_frequency": "every 4 hours", "study_ids": studies,
    })
}

async fn made(asked: &Asked<'_>, name: &str, studies: &[&str]) -> Value {
    let heard = asked.post("", &edc(name, studies)).await;
    assert_eq!(heard.status, 201, "{}", heard.body);
    heard.json()
}

fn tag(heard: &Heard) -> String {
    heard.headers["etag"].to_str().unwrap().to_owned()
}

fn error(heard: &Heard) -> (u16, String, String) {
    let error = &heard.json()["error"];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (heard.status, text("code"), text("field"))
}

/// What the other side's test would write.
async fn tested(stage: &Stage, one: &Value, how: watch::TestStatus) {
    let id: broker::managed::IntId = one["id"].as_str().unwrap().parse().unwrap();
    let (version, now) = (one["version"].as_i64().unwrap(), stage.world.now());
    let unit = async move |tx: &mut store::Writer| broker::managed::tested(tx, id.0, version, now, how).await;
    assert!(stage.db.write(unit).await.unwrap());
}

on_stage!(
    async fn an_integration_is_registered_shown_changed_archived_and_restored(stage) {
        let admin = as_staff(&stage, "org_admin");
        let created = admin.post("", &edc("Rave", &[HEART])).await;
        assert_eq!(created.status, 201, "{}", created.body);
        let one = created.json();
        let id = one["id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("int_") && created.location() == format!("{PLACE}/{id}"));
        assert_eq!((&one["status"], &one["type"], &one["version"]), (&json!("pending"), &json!("edc"), &json!(1)));
        assert_eq!(one["credentials"]["password"]["set"], json!(true));
        assert!(!created.body.contains("canary-password"));

        let shown = admin.get(&format!("/{id}")).await;
        assert_eq!((shown.json(), tag(&shown)), (one.clone(), tag(&created)));
        let known = admin.with("GET", &format!("/{id}"), &[("if-none-match", &tag(&shown))], &Value::Null).await;
        assert_eq!((known.status, known.body.as_str()), (304, ""));

        let path = format!("/{id}");
        let patch = json!({"config": {"environment": "validation"}});
        assert_eq!(error(&admin.with("PATCH", &path, &[], &patch).await), (428, "INT002".into(), "If-Match".into()));
        let stale = [("if-match", "\"7.x\"")];
        assert_eq!(error(&admin.with("PATCH", &path, &stale, &patch).await).0, 412);
        let seen = tag(&shown);
        let current = [("if-match", seen.as_str())];
        assert_eq!(error(&admin.with("PATCH", &path, &current, &patch).await), (422, "INT002".into(), "reason".into()));
        let because = [("if-match", seen.as_str()), ("x-change-reason", "moved to validation")];
        let changed = admin.with("PATCH", &path, &because, &patch).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        assert_eq!(changed.json()["config"], json!({"base_url": "https://edc.example/api", "environment": "validation"}));
        assert_eq!(admin.with("PATCH", &path, &because, &patch).await.status, 412, "it was changed meanwhile");

        let mut whole = edc("Rave two", &[HEART]);
        whole["reason"] = json!("renamed");
        let seen = tag(&changed);
        let replaced = admin.with("PUT", &path, &[("if-match", seen.as_str())], &whole).await;
        assert_eq!((replaced.status, &replaced.json()["name"]), (200, &json!("Rave two")), "{}", replaced.body);
        whole["type"] = json!("fhir");
        whole["provider"] = json!("custom");
        let seen = tag(&replaced);
        assert_eq!(error(&admin.with("PUT", &path, &[("if-match", seen.as_str())], &whole).await), (422, "INT002".into(), "type".into()));

        assert_eq!(admin.with("DELETE", &path, &[], &Value::Null).await.status, 204);
        assert_eq!(admin.with("DELETE", &path, &[], &Value::Null).await.status, 404);
        assert_eq!(admin.get(&path).await.status, 404);
        assert_eq!(admin.get("?status=archived").await.json()["total"], json!(1));
        made(&admin, "Rave two", &[]).await;
        assert_eq!(error(&admin.post(&format!("{path}/restore"), &Value::Null).await), (409, "INT004".into(), "name".into()));
        admin.with("DELETE", &path, &[], &Value::Null).await;

        let history = admin.get(&format!("{path}/audit")).await;
        let acts: Vec<Value> = history.json()["changes"].as_array().unwrap().iter().map(|one| one["act"].clone()).collect();
        let expected = ["archived", "updated", "updated", "created"].map(|act| json!(format!("integration.{act}")));
        assert_eq!(acts, expected);
        let moved = &history.json()["changes"][2];
        assert_eq!((&moved["reason"], &moved["old"]["config"]["environment"], &moved["new"]["config"]["environment"]),
            (&json!("moved to validation"), &json!("production"), &json!("validation")));
        assert!(!history.body.contains("canary-password"));
        assert_eq!(stage.number("SELECT COUNT(*) FROM audit_event WHERE act LIKE 'integration.%' AND act <> 'integration.set_up'").await, 5);
    }
);

on_stage!(
    async fn it_is_switched_on_only_after_a_good_test_of_what_is_there(stage) {
        use watch::TestStatus;
        let admin = as_staff(&stage, "org_admin");
        let one = made(&admin, "Rave", &[]).await;
        let path = format!("/{}", one["id"].as_str().unwrap());
        let activate = format!("{path}/activate");
        assert_eq!(error(&admin.post(&activate, &Value::Null).await), (409, "INT004".into(), "status".into()));
        tested(&stage, &one, TestStatus::Error).await;
        assert_eq!(admin.post(&activate, &Value::Null).await.status, 409);
        tested(&stage, &one, TestStatus::Success).await;
        let on = admin.post(&activate, &Value::Null).await;
        assert_eq!((on.status, &on.json()["status"]), (200, &json!("active")), "{}", on.body);
        assert_ne!(on.json()["next_sync"], Value::Null);
        let headers = [("if-match", &*tag(&on)), ("x-change-reason", "moved")];
        let part = json!({"config": {"environment": "validation"}});
        let moved = admin.with("PATCH", &path, &headers, &part).await;
        assert_eq!((&moved.json()["status"], &moved.json()["next_sync"]), (&json!("pending"), &Value::Null), "{}", moved.body);
        tested(&stage, &moved.json(), TestStatus::Success).await;
        assert_eq!(admin.post(&activate, &Value::Null).await.json()["status"], json!("active"));
        let off = admin.post(&format!("{path}/deactivate"), &Value::Null).await;
        assert_eq!(off.json()["status"], json!("inactive"));
        let seen = tag(&off);
        let headers = [("if-match", seen.as_str()), ("x-change-reason", "new password")];
        let changed = admin.with("PATCH", &path, &headers, &json!({"credentials": {"password": "another"}})).await;
        assert_eq!((changed.status, &changed.json()["test_status"]), (200, &Value::Null));
        assert_ne!(changed.json()["credentials"]["password"], one["credentials"]["password"]);
        assert_eq!(admin.post(&activate, &Value::Null).await.status, 409, "what was tested is no longer there");
    }
);

on_stage!(
    async fn what_a_caller_may_do_is_its_scope_and_its_roles(stage) {
        let admin = as_staff(&stage, "org_admin");
        let heart = made(&admin, "Heart", &[HEART]).await;
        let both = made(&admin, "Both", &[HEART, LUNG]).await;
        let none = made(&admin, "None", &[]).await;
        let path = |one: &Value| format!("/{}", one["id"].as_str().unwrap());
        for (roles, sees, archives) in [
            ("viewer", [200, 200, 200], [403, 403, 403]),
            ("viewer:heart", [200, 200, 404], [403, 403, 404]),
            ("viewer:lung", [404, 200, 404], [404, 403, 404]),
            ("auditor", [200, 200, 200], [403, 403, 403]),
            ("study_manager:lung", [404, 200, 404], [404, 403, 404]),
            ("developer person", [403, 403, 403], [403, 403, 403]),
        ] {
            let asked = as_staff(&stage, roles);
            for (nth, one) in [&heart, &both, &none].into_iter().enumerate() {
                assert_eq!(asked.get(&path(one)).await.status, sees[nth], "{roles} sees {nth}");
                let gone = asked.with("DELETE", &path(one), &[], &Value::Null).await;
                let expected = if roles.starts_with("viewer") || roles == "auditor" { 403 } else { archives[nth] };
                assert_eq!(gone.status, expected, "{roles} archives {nth}");
            }
            let listed = asked.get("?sort=name&type=edc").await;
            if sees[0] != 403 {
                let names: Vec<&str> = [("Both", sees[1]), ("Heart", sees[0]), ("None", sees[2])]
                    .into_iter().filter(|(_, status)| *status == 200).map(|(name, _)| name).collect();
                let json = listed.json();
                let got: Vec<&str> = json["items"].as_array().unwrap().iter()
                    .map(|item| item["name"].as_str().unwrap()).collect();
                assert_eq!(got, names, "{roles}");
            }
        }
        let scopeless = Asked(&stage, "1.1.integration/read~org_admin".into());
        assert_eq!(error(&scopeless.post("", &edc("X", &[])).await).0, 403);
        assert_eq!(Asked(&stage, "1.1.~org_admin".into()).get("").await.status, 403);
        // Somebody of another organisation, administrator there or not, gets what nobody gets.
        let foreign = Asked(&stage, format!("1.9.{ALL}~org_admin"));
        let unknown = format!("/int_{}", "0".repeat(32));
        for (method, suffix) in [("GET", ""), ("DELETE", ""), ("POST", "/restore"), ("POST", "/activate"), ("GET", "/audit"), ("PATCH", "")] {
            let ask = async |path: &str| foreign.with(method, &format!("{path}{suffix}"), &[("if-match", "*")], &json!({})).await;
            let (theirs, nobodys) = (ask(&path(&heart)).await, ask(&unknown).await);
            assert_eq!((theirs.status, error(&theirs).1), (404, "INT001".to_owned()), "{method} {suffix}");
            assert_eq!(theirs.error(), nobodys.error(), "{method} {suffix}");
        }
        assert_eq!(foreign.get("").await.json()["total"], json!(0));
        let over = Asked(&stage, format!("1.9.{ALL}~system_admin"));
        assert_eq!(over.get(&path(&heart)).await.status, 200, "over all organisations");
        // A manager of one study neither gives an integration to another study nor takes it.
        let manager = as_staff(&stage, "study_manager:heart");
        assert_eq!(manager.post("", &edc("Mine", &[LUNG])).await.status, 403);
        assert_eq!(manager.post("", &edc("Mine", &[])).await.status, 403);
        let mine = made(&manager, "Mine", &[HEART]).await;
        let shown = manager.get(&path(&mine)).await;
        let seen = tag(&shown);
        let headers = [("if-match", seen.as_str()), ("x-change-reason", "x")];
        assert_eq!(manager.with("PATCH", &path(&mine), &headers, &json!({"study_ids": [HEART, LUNG]})).await.status, 403);
    }
);

on_stage!(
    async fn the_list_is_cut_filtered_and_sorted(stage) {
        let admin = as_staff(&stage, "org_admin");
        let before = admin.get("?size=1").await.json()["total"].as_i64().unwrap();
        for n in 0..5 {
            made(&admin, &format!("Rave {n}"), if n == 0 { &[HEART] } else { &[] }).await;
        }
        let page = admin.get("?type=edc&size=2&page=2&sort=-name").await;
        let names: Vec<Value> = page.json()["items"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
        assert_eq!(names, [json!("Rave 2"), json!("Rave 1")]);
        let json = page.json();
        assert_eq!((&json["total"], &json["pages"], &json["page"], &json["size"]), (&json!(5), &json!(3), &json!(2), &json!(2)));
        let link = page.headers["link"].to_str().unwrap();
        for rel in ["first", "last", "prev", "next"] {
            assert!(link.contains(&format!("rel=\"{rel}\"")), "{link}");
        }
        assert!(link.contains("page=3&size=2&type=edc&sort=-name"), "{link}");
        let total = async |query: &str| admin.get(query).await.json()["total"].as_i64().unwrap();
        assert_eq!(total("").await, before + 5);
        assert_eq!(total(&format!("?study_id={HEART}")).await, 1);
        assert_eq!(total("?q=RAVE%201").await, 1);
        assert_eq!(total("?q=%25").await, 0, "a wildcard is a character");
        assert_eq!(total("?provider=medidata&status=pending").await, 5);
        assert_eq!(total("?page=99").await, before + 5);
        let known = admin.with("GET", "?type=edc", &[("if-none-match", &tag(&admin.get("?type=edc").await))], &Value::Null).await;
        assert_eq!(known.status, 304);
        for (query, field) in [
            ("?page=0", "page"), ("?size=101", "size"), ("?size=x", "size"), ("?type=x", "type"), ("?status=x", "status"),
            ("?study_id=x", "study_id"), ("?sort=x", "sort"), ("?made_up=1", "made_up"), ("?page=1&page=2", "page"), ("?page=10001", "page"),
        ] {
            let refused = admin.get(query).await;
            let (status, code, at) = error(&refused);
            assert!(matches!(status, 400 | 422), "{query}: {}", refused.body);
            assert_eq!((code.as_str(), at.as_str()), ("INT002", field), "{query}");
        }
    }
);

on_stage!(
    async fn a_request_that_comes_twice_has_one_effect(stage) {
        let admin = as_staff(&stage, "org_admin");
        let key = [("idempotency-key", "once")];
        let first = admin.with("POST", "", &key, &edc("Rave", &[])).await;
        let again = admin.with("POST", "", &key, &edc("Rave", &[])).await;
        assert_eq!((first.status, again.status), (201, 201), "{}", again.body);
        assert_eq!((first.json(), first.location()), (again.json(), again.location()));
        assert_eq!(error(&admin.with("POST", "", &key, &edc("Other", &[])).await), (409, "INT004".into(), "Idempotency-Key".into()));
        assert_eq!(error(&admin.post("", &edc("rave", &[])).await), (409, "INT004".into(), "name".into()));
        let other = Asked(&stage, format!("1.2.{ALL}~org_admin"));
        assert_eq!(other.with("POST", "", &key, &edc("Theirs", &[])).await.status, 201, "keys are each caller's own");
        let both = [("idempotency-key", "twice")];
        let body = edc("Twice", &[]);
        let (one, two) = tokio::join!(admin.with("POST", "", &both, &body), admin.with("POST", "", &both, &body));
        assert_eq!((one.status, two.status), (201, 201), "{} {}", one.body, two.body);
        assert_eq!(one.json()["id"], two.json()["id"]);
        stage.clock.advance(std::time::Duration::from_secs(24 * 3600 + 1));
        assert_eq!(admin.with("POST", "", &key, &edc("Later", &[])).await.status, 201);
    }
);

on_stage!(
    async fn what_is_wrong_is_named_and_nothing_is_stored(stage) {
        let admin = as_staff(&stage, "org_admin");
        let cases = [
            ("/name", json!(""), "name"), ("/name", json!(7), "name"), ("/name", json!("x".repeat(101)), "name"),
            ("/name", json!("a\nb"), "name"), ("/type", json!("ftp"), "type"), ("/type", json!(null), "type"),
            ("/provider", json!("nobody"), "provider"), ("/provider", json!("aws_s3"), "provider"), ("/provider", json!({}), "provider"),
            ("/config", json!([]), "config"), ("/config", json!({}), "config.base_url"),
            ("/config/base_url", json!("gopher://x"), "config.base_url"), ("/config/base_url", json!(1), "config.base_url"),
            ("/config/made_up", json!(1), "config.made_up"), ("/config/environment", json!("moon"), "config.environment"),
            ("/config/study_mappings", json!([{"study_id": HEART}]), "config.study_mappings.0.external_id"),
            ("/credentials/password", json!(1), "credentials.password"), ("/credentials/password", json!(""), "credentials.password"),
            ("/credentials/made_up", json!("x"), "credentials.made_up"), ("/credentials", json!("x"), "credentials"),
            ("/sync_frequency", json!("sometimes"), "sync_frequency"), ("/sync_frequency", json!(4), "sync_frequency"),
            ("/study_ids", json!(["x"]), "study_ids[0]"), ("/study_ids", json!([kernel::Id::<kernel::Study>::from_bytes([9; 16])]), "study_ids"),
            ("/reason", json!(" "), "reason"), ("/made_up", json!(1), "made_up"), ("/org_id", json!(HEART), "org_id"),
            ("/status", json!("active"), "status"), ("/id", json!("x"), "id"), ("/version", json!(1), "version"),
        ];
        let rows = stage.number("SELECT COUNT(*) FROM integration").await;
        for (at, value, field) in cases {
            let mut body = edc("Rave", &[]);
            let (parent, name) = at.rsplit_once('/').unwrap();
            body.pointer_mut(parent).unwrap()[name] = value.clone();
            let refused = admin.post("", &body).await;
            let (status, code, named) = error(&refused);
            assert!(matches!(status, 400 | 422), "{at} {value}: {}", refused.body);
            assert_eq!((code.as_str(), named.as_str()), ("INT002", field), "{at} {value}: {}", refused.body);
            assert!(!refused.body.contains("canary-password"));
        }
        for missing in ["name", "type", "provider", "config"] {
            let mut body = edc("Rave", &[]);
            body.as_object_mut().unwrap().remove(missing);
            assert_eq!(error(&admin.post("", &body).await), (400, "INT002".into(), missing.into()));
        }
        let headers = [("authorization", format!("Bearer {}", staff("org_admin"))), ("content-type", "application/json".to_owned())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        for body in ["", "{", "[]", "7", "null", "{} x"] {
            assert_eq!(stage.call(Method::POST, PLACE, &headers, body).await.status, 400, "{body}");
        }
        assert_eq!(stage.call(Method::POST, PLACE, &headers[..1], "{}").await.status, 415);
        assert_eq!(stage.number("SELECT COUNT(*) FROM integration").await, rows);
        for id in ["x", "int_x", &format!("int_{}", "F".repeat(32)), "int_00000000-0000-0000-0000-000000000000"] {
            assert_eq!(error(&admin.get(&format!("/{id}")).await), (404, "INT001".into(), String::new()), "{id}");
        }
    }
);

on_stage!(
    async fn what_is_purged_was_archived_long_enough(stage) {
        let admin = as_staff(&stage, "org_admin");
        let one = made(&admin, "Rave", &[]).await;
        let path = format!("/{}", one["id"].as_str().unwrap());
        let purge = format!("{path}?purge=true");
        let because = [("x-change-reason", "retention is over")];
        let refused = admin.with("DELETE", &purge, &[], &Value::Null).await;
        assert_eq!(error(&refused), (409, "INT004".into(), "status".into()));
        assert_eq!(refused.json()["error"]["details"][0]["field"], json!("X-Change-Reason"));
        admin.with("DELETE", &path, &[], &Value::Null).await;
        assert_eq!(error(&admin.with("DELETE", &purge, &because, &Value::Null).await), (409, "INT004".into(), "archived_at".into()));
        stage.clock.advance(std::time::Duration::from_secs(2 * 365 * 24 * 3600));
        assert_eq!(as_staff(&stage, "study_manager").with("DELETE", &purge, &because, &Value::Null).await.status, 403);
        assert_eq!(admin.with("DELETE", &purge, &because, &Value::Null).await.status, 204);
        assert_eq!(admin.with("DELETE", &purge, &because, &Value::Null).await.status, 404);
        assert_eq!(stage.number("SELECT COUNT(*) FROM integration_secret WHERE name LIKE 'credential.%'").await, 0);
    }
);

on_stage!(
    async fn the_catalogue_says_what_has_to_be_configured(stage) {
        let viewer = as_staff(&stage, "viewer");
        let json = viewer.get("/providers?type=sftp").await.json();
        let custom = json["items"].as_array().unwrap().iter().find(|one| one["provider"] == "custom").unwrap().clone();
        assert_eq!(custom["config_schema"]["required"], json!(["host", "username", "directory", "file_patterns"]));
        assert_eq!(custom["auth_methods"][0], json!({"name": "password", "credentials": ["password"]}));
        let all = viewer.get("/providers").await.json();
        let ids: Vec<&str> = all["items"].as_array().unwrap().iter().map(|one| one["provider"].as_str().unwrap()).collect();
        for id in ["medidata", "veeva", "redcap", "castor", "openclinica", "oracle_clinical", "aws_s3", "azure_blob", "sendgrid", "fitbit"] {
            assert_eq!(ids.iter().filter(|other| **other == id).count(), 1, "{id}");
        }
        // What the pages set up is the same entity; people's links are not touched by what staff may change here.
        let admin = as_staff(&stage, "org_admin");
        let page = admin.get("?q=Integration%20%231").await.json();
        let one = &page["items"][0];
        assert_eq!((&one["name"], &one["status"]), (&json!("Integration #1"), &json!("active")));
        let path = format!("/{}", one["id"].as_str().unwrap());
        let headers = [("if-match", "*"), ("x-change-reason", "x")];
        assert_eq!(error(&admin.with("PATCH", &path, &headers, &json!({"config": {"base_url": "https://x.example"}})).await).2, "config");
        assert_eq!(admin.with("DELETE", &path, &[], &Value::Null).await.status, 204);
        assert_eq!(stage.begin_status("1.1", "integration-1").await, 404, "nobody links to what is put away");
    }
);

on_stage!(
    async fn data_is_fetched_by_the_clock_while_it_is_active(stage) {
        use broker::managed::{due, synced};
        use watch::TestStatus;
        use crate::stage::Fetch;
        let admin = as_staff(&stage, "org_admin");
        let one = made(&admin, "Rave", &[]).await;
        let id: broker::managed::IntId = one["id"].as_str().unwrap().parse().unwrap();
        let path = format!("/{}", one["id"].as_str().unwrap());
        let kept = async || {
            let mut reader = stage.db.read().await.unwrap();
            let kept = jobs::scheduled::<Fetch, _>(&mut reader, id.0).await.unwrap();
            let shown = admin.get(&path).await.json();
            let next = kept.as_ref().and_then(|kept| kept.next_at).map_or(Value::Null, |at| json!(at.to_string()));
            assert_eq!(shown["next_sync"], next);
            kept.map(|kept| kept.schedule.as_str().to_owned())
        };
        assert_eq!(kept().await, None);
        tested(&stage, &one, TestStatus::Success).await;
        assert_eq!(admin.post(&format!("{path}/activate"), &Value::Null).await.status, 200);
        assert_eq!(kept().await.as_deref(), Some("every 4 hours"));
        let often = json!({"sync_frequency": "every 15 minutes"});
        assert_eq!(admin.with("PATCH", &path, &[("if-match", "*")], &often).await.status, 200);
        assert_eq!(kept().await.as_deref(), Some("every 15 minutes"));
        let stale = [("if-match", "\"1.x\"")];
        assert_eq!(admin.with("PATCH", &path, &stale, &json!({"sync_frequency": "daily"})).await.status, 412);
        assert_eq!(kept().await.as_deref(), Some("every 15 minutes"));
        let before = tag(&admin.get(&path).await);
        let (now, next) = (stage.world.now(), stage.world.now() + std::time::Duration::from_secs(60));
        stage.db.write(async move |tx: &mut store::Writer| -> Result<(), store::DbError> {
            synced(tx, id.0, now).await?;
            due(tx, id.0, Some(next)).await
        }).await.unwrap();
        let shown = admin.get(&path).await;
        assert_eq!((&shown.json()["last_sync"], &shown.json()["next_sync"]), (&json!(now.to_string()), &json!(next.to_string())));
        assert_ne!(tag(&shown), before, "it looks another way");
        assert_eq!(admin.post(&format!("{path}/deactivate"), &Value::Null).await.status, 200);
        assert_eq!(kept().await, None);
        stage.db.write(async move |tx: &mut store::Writer| due(tx, id.0, Some(next)).await).await.unwrap();
        assert_eq!(kept().await, None, "what comes late changes nothing");
        assert_eq!(admin.post(&format!("{path}/activate"), &Value::Null).await.status, 200);
        assert!(kept().await.is_some());
        assert_eq!(admin.with("DELETE", &path, &[], &Value::Null).await.status, 204);
        assert_eq!(stage.number("SELECT COUNT(*) FROM job_schedule").await, 0);
        assert_eq!(admin.post(&format!("{path}/restore"), &Value::Null).await.status, 200);
        assert_eq!(kept().await, None);
    }
);

on_stage!(
    async fn records_come_into_a_site_of_the_organisation_and_it_stays(stage) {
        let admin = as_staff(&stage, "org_admin");
        let (own, other) = ("05070707-0707-0707-0707-070707070707", "06070707-0707-0707-0707-070707070707");
        let fhir = |site: &str| json!({
            "name": "Clinic", "type": "fhir", "provider": "custom", "credentials": {"token": "canary-token"},
            "config": {"base_url": "https://fhir.example/r4", "auth_type": "bearer", "site_id": site, "resource_types": ["Patient"]},
        });
        for (site, field) in [(other, "config.site_id"), ("x", "config.site_id")] {
            assert_eq!(error(&admin.post("", &fhir(site)).await), (422, "INT002".into(), field.into()));
        }
        for missing in ["site_id", "resource_types"] {
            let mut body = fhir(own);
            body["config"].as_object_mut().unwrap().remove(missing);
            assert_eq!(error(&admin.post("", &body).await), (422, "INT002".into(), format!("config.{missing}")));
        }
        let one = admin.post("", &fhir(own)).await;
        assert_eq!(one.status, 201, "{}", one.body);
        let id: broker::managed::IntId = one.json()["id"].as_str().unwrap().parse().unwrap();
        let (found, credentials) = stage.broker.managed_with_credentials(id.0).await.unwrap().unwrap();
        assert_eq!((found.version, credentials.get("token").unwrap().expose().as_str()), (1, "canary-token"));
        let headers = [("if-match", "*"), ("x-change-reason", "x")];
        let path = format!("/{}", one.json()["id"].as_str().unwrap());
        for site in [json!(null), json!("05080808-0808-0808-0808-080808080808"), json!(other)] {
            let patch = json!({"config": {"site_id": site}});
            assert_eq!(error(&admin.with("PATCH", &path, &headers, &patch).await), (422, "INT002".into(), "config.site_id".into()));
        }
    }
);
