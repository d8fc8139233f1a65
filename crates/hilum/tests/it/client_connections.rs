//! Contract 5, rule by rule, on both engines.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, header};
use serde_json::{Value, json};

use crate::app::{App, RIVAL, Reply, TestApp, deployment_on_each_engine};

const fn client(client_id: &'static str, secret: &'static str) -> App {
    App { client_id, secret, redirect_uri: "" }
}

const PLATFORM: App = client("platform.admin", "platform-platform-platform-platform-platform-1");
const NHS: App = client("service.nhs", "service-service-service-service-service-nhs-1");
const CLINIC: App = client("clinic.msp", "clinic-clinic-clinic-clinic-clinic-clinic-msp-1");
const PHARMACY: App = client("corner.pharmacy", "pharmacy-pharmacy-pharmacy-pharmacy-pharmacy-1");
const MIS: App = client("ward.mis", "ward-ward-ward-ward-ward-ward-ward-ward-mis-1");
const ODD: App = client("odd.cabinet", "odd-odd-odd-odd-odd-odd-odd-odd-odd-odd-cabinet-1");
const UNTYPED: App = client("plain.untyped", "plain-plain-plain-plain-plain-plain-untyped-1");

const NOBODY: &str = "019b8d5e-0000-7000-8000-00000000beef";

/// The clients of the platform, and what they can ask for.
struct Platform {
    app: TestApp,
}

impl Platform {
    async fn new(app: TestApp) -> Self {
        app.load(include_str!("mithril.toml")).await;
        app.load(include_str!("southside.toml")).await;
        Self { app }
    }

    async fn id(&self, client: App) -> String {
        self.app.client_id_of(client).await.to_string()
    }

    async fn token(&self, client: App, scope: &str) -> String {
        let fields = [("grant_type", "client_credentials"), ("scope", scope)];
        let reply = self.app.ask_as(client, "/oauth2/token", &fields).await.expect(200);
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A call with a token that has this scope.
    async fn call(&self, client: App, scope: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.call_with(client, scope, method, path, body, &[]).await
    }

    async fn call_with(
        &self,
        client: App,
        scope: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let token = self.token(client, scope).await;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(String::new, |body| body.to_string());
        self.app.send(request.body(Body::from(body)).unwrap()).await
    }

    /// A connection that the platform has just made, with its secret.
    async fn connect(&self, client: App, consumer: App, redirect_uri: &str) -> Value {
        let path = format!("/admin/clients/{}/connections", self.id(client).await);
        let body = json!({ "consumer_id": self.id(consumer).await, "redirect_uri": redirect_uri });
        let reply = self.call(PLATFORM, "client:admin", "PUT", &path, Some(body)).await;
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
        reply.json()["data"].clone()
    }

    /// Where a connection is.
    fn place(connection: &Value) -> String {
        let text = |name: &str| connection[name].as_str().unwrap().to_owned();
        format!("/api/clients/{}/connections/{}", text("client_id"), text("id"))
    }

    async fn refresh(&self, client: App, connection: &Value, keys: &[&str]) -> Reply {
        let path = format!("{}/actions/refresh_secret", Self::place(connection));
        let headers: Vec<(&str, &str)> = keys.iter().map(|key| ("API-key", *key)).collect();
        self.call_with(client, "connection:refresh_secret", "PATCH", &path, None, &headers).await
    }
}

/// The members of an object, in order of their names.
fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[track_caller]
fn refused(reply: &Reply, status: u16, kind: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    let body = reply.json();
    assert_eq!(body["error"]["type"], kind, "{body}");
    assert_eq!(body["meta"]["code"], status);
    assert_eq!(body["meta"]["type"], "object");
    assert_eq!(body["meta"]["request_id"], reply.header("x-request-id"));
    assert!(body.get("data").is_none() && body.get("paging").is_none(), "{body}");
}

/// The one finding of a refused request: its entry type, its entry, and the word for the rule.
#[track_caller]
fn finding(reply: &Reply) -> (String, String, String) {
    refused(reply, 422, "validation_failed");
    let body = reply.json();
    let invalid = body["error"]["invalid"].as_array().unwrap();
    assert_eq!(invalid.len(), 1, "{body}");
    assert_eq!(names(&invalid[0]), ["entry", "entry_type", "rules"]);
    let rule = &invalid[0]["rules"][0];
    assert_eq!(names(rule), ["description", "params", "rule"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&invalid[0]["entry_type"]), text(&invalid[0]["entry"]), text(&rule["rule"]))
}

deployment_on_each_engine! {
    async fn the_documented_call_is_answered_with_the_documented_fields(app: TestApp) {
        let platform = Platform::new(app).await;
        let made = platform.connect(CLINIC, MIS, "https://example2.com").await;
        let id = platform.id(CLINIC).await;
        let reply = platform
            .call_with(
                CLINIC,
                "connection:read",
                "GET",
                &format!("/api/clients/{id}/connections"),
                None,
                &[("API-key", "uXhEczJ56adsfh3Ri9SUkc4en")],
            )
            .await
            .expect(200);
        assert_eq!(reply.header("content-type"), "application/json");
        assert_eq!(reply.header("cache-control"), "no-store, no-transform");
        let body = reply.json();
        let request_id = reply.header("x-request-id").to_owned();
        assert_eq!(
            body,
            json!({
                "meta": {
                    "code": 200,
                    "url": format!("http://127.0.0.1:8080/api/clients/{id}/connections"),
                    "type": "list",
                    "request_id": request_id,
                },
                "data": [{
                    "id": made["id"],
                    "client_id": id,
                    "consumer_id": platform.id(MIS).await,
                    "redirect_uri": "https://example2.com",
                    "inserted_at": made["inserted_at"],
                    "updated_at": made["updated_at"],
                }],
                "paging": {"page_number": 1, "page_size": 50, "total_entries": 1, "total_pages": 1},
            })
        );
    }

    async fn every_request_has_an_id_of_the_documented_form(app: TestApp) {
        let told = async |path: &str, ours: Option<&str>| {
            let mut request = Request::get(path);
            if let Some(ours) = ours {
                request = request.header("x-request-id", ours);
            }
            let reply = app.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(reply.json()["meta"]["request_id"], reply.header("x-request-id"));
            reply.header("x-request-id").to_owned()
        };
        let ids = [
            told("/api/clients", None).await,
            told("/api/clients/x/nowhere", Some("not well formed")).await,
            told("/admin/clients", None).await,
        ];
        let process = ids[0].split_once('#').unwrap().0.to_owned();
        assert_eq!(process.len(), 36);
        for (nth, id) in ids.iter().enumerate() {
            assert_eq!(*id, format!("{process}#{}", nth + 1));
        }
        for ours in ["trace-1", "6617aeec-15e2-4d6f-b9bd-53559c358f97#17810"] {
            assert_eq!(told("/api/clients", Some(ours)).await, ours);
        }
    }

    async fn token_then_scope_then_context_then_body_then_existence(app: TestApp) {
        let platform = Platform::new(app).await;
        let (own, other) = (platform.id(CLINIC).await, platform.id(PHARMACY).await);
        let foreign = platform.id(RIVAL).await;
        let bad = Some(json!({ "redirect_uri": "http://clinic.example" }));
        let good = Some(json!({ "redirect_uri": "https://clinic.example/cb" }));
        let at = |client: &str| format!("/api/clients/{client}/connections/{NOBODY}");

        let nobody = platform.app.call(Method::PATCH, &at(&other), "junk", Some("{")).await;
        refused(&nobody, 401, "access_denied");
        assert_eq!(nobody.json()["error"]["message"], "Access denied");
        assert!(nobody.header("www-authenticate").starts_with("Bearer"));

        for (scope, path, body, status, kind) in [
            ("connection:read", at(&other), bad.clone(), 403, "forbidden"),
            ("connection:write", at(&other), bad.clone(), 403, "forbidden"),
            ("connection:write", at(NOBODY), bad.clone(), 403, "forbidden"),
            ("connection:write", at("not-an-id"), bad.clone(), 403, "forbidden"),
            ("connection:write", at(&foreign), good.clone(), 403, "forbidden"),
            ("connection:write", at(&own), bad.clone(), 422, "validation_failed"),
            ("connection:write", at(&own), good.clone(), 404, "not_found"),
        ] {
            let reply = platform.call(CLINIC, scope, "PATCH", &path, body).await;
            refused(&reply, status, kind);
            if scope == "connection:read" {
                let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
                assert_eq!(message, "Invalid scopes: connection:write");
                assert!(reply.header("www-authenticate").contains("insufficient_scope"));
            }
        }
        // To whom sees only its own client, another's and nobody's look the same.
        let told = async |client: &str| {
            let path = format!("/api/clients/{client}");
            let reply = platform
                .call_with(CLINIC, "client:read", "GET", &path, None, &[("x-request-id", "same")])
                .await
                .expect(403);
            reply.text().replace(client, "id")
        };
        assert_eq!(told(&other).await, told(NOBODY).await);
        assert_eq!(told(&foreign).await, told(NOBODY).await);
        // Whoever sees all is told what is not there; of another organisation nothing is there.
        for (path, body, status) in [
            (at(&other), bad.clone(), 422),
            (at(NOBODY), bad, 422),
            (at(&other), good.clone(), 404),
            (at(NOBODY), good.clone(), 404),
            (at(&foreign), good.clone(), 404),
            (at("not-an-id"), good.clone(), 404),
            (format!("/api/clients/{other}/connections/not-an-id"), good, 404),
        ] {
            let reply = platform.call(PLATFORM, "connection:write", "PATCH", &path, body).await;
            assert_eq!(reply.status, status, "{path}: {}", reply.text());
        }
    }

    async fn the_type_of_the_tokens_client_decides_what_it_sees(app: TestApp) {
        let platform = Platform::new(app).await;
        let connection = platform.connect(CLINIC, MIS, "https://clinic.example/cb").await;
        let clinic = platform.id(CLINIC).await;
        for (asker, sees_all) in [
            (PLATFORM, Some(true)),
            (NHS, Some(true)),
            (CLINIC, Some(false)),
            (PHARMACY, Some(false)),
            (MIS, Some(false)),
            (ODD, Some(false)),
            (UNTYPED, None),
        ] {
            let own = platform.id(asker).await;
            let list = platform.call(asker, "client:read", "GET", "/api/clients", None).await;
            let Some(sees_all) = sees_all else {
                refused(&list, 401, "access_denied");
                let itself =
                    platform.call(asker, "client:read", "GET", &format!("/api/clients/{own}"), None).await;
                refused(&itself, 401, "access_denied");
                continue;
            };
            let list = list.expect(200).json();
            let ids: Vec<&str> =
                list["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
            let name = asker.client_id;
            assert_eq!(list["paging"]["total_entries"], ids.len(), "{name}");
            assert_eq!(list["meta"]["type"], "list");
            if sees_all {
                assert_eq!(ids.len(), 7, "{name} sees every client of its organisation and no other");
                assert!(!ids.contains(&platform.id(RIVAL).await.as_str()));
            } else {
                assert_eq!(ids, [own.as_str()], "{name}");
            }
            let may = |id: &str| sees_all || id == own;
            for (scope, path) in [
                ("client:read", format!("/api/clients/{clinic}")),
                ("connection:read", format!("/api/clients/{clinic}/connections")),
                ("connection:read", Platform::place(&connection)),
            ] {
                let reply = platform.call(asker, scope, "GET", &path, None).await;
                assert_eq!(reply.status, if may(&clinic) { 200 } else { 403 }, "{name} {path}");
                assert!(!reply.text().contains("secret"), "{}", reply.text());
            }
            let itself =
                platform.call(asker, "client:read", "GET", &format!("/api/clients/{own}"), None).await;
            let itself = itself.expect(200).json();
            assert_eq!(itself["meta"]["type"], "object");
            assert_eq!(
                names(&itself["data"]),
                ["client_type_name", "id", "inserted_at", "is_blocked", "name", "updated_at"]
            );
        }
    }

    async fn only_administrators_types_connect_clients(app: TestApp) {
        let platform = Platform::new(app).await;
        let (clinic, mis) = (platform.id(CLINIC).await, platform.id(MIS).await);
        let path = format!("/admin/clients/{clinic}/connections");
        let body = |consumer: &str| Some(json!({ "consumer_id": consumer, "redirect_uri": "https://a.example/cb" }));
        for asker in [CLINIC, PHARMACY, MIS, ODD] {
            let reply = platform.call(asker, "client:admin", "PUT", &path, body(&mis)).await;
            refused(&reply, 403, "forbidden");
        }
        refused(&platform.call(UNTYPED, "client:admin", "PUT", &path, body(&mis)).await, 401, "access_denied");
        refused(&platform.call(PLATFORM, "connection:write", "PUT", &path, body(&mis)).await, 403, "forbidden");

        let made = platform.call(NHS, "client:admin", "PUT", &path, body(&mis)).await.expect(201);
        let first = made.json();
        assert_eq!(
            names(&first["data"]),
            ["client_id", "consumer_id", "id", "inserted_at", "redirect_uri", "secret", "updated_at"]
        );
        assert_eq!((&first["meta"]["code"], &first["meta"]["type"]), (&json!(201), &json!("object")));
        let secret = first["data"]["secret"].as_str().unwrap().to_owned();
        assert_eq!(secret.len(), 32);
        assert!(secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        let place = made.header("location").to_owned();
        assert_eq!(place, format!("http://127.0.0.1:8080{}", Platform::place(&first["data"])));

        platform.app.clock.advance(Duration::from_secs(1));
        let other = json!({
            "consumer_id": mis, "redirect_uri": "https://b.example/cb", "client_id": NOBODY, "id": NOBODY,
            "secret": "mine-mine-mine-mine-mine-mine-mi",
        });
        let again = platform.call(PLATFORM, "client:admin", "PUT", &path, Some(other)).await.expect(200);
        assert_eq!(again.header("location"), place);
        let second = again.json()["data"].clone();
        for same in ["id", "client_id", "consumer_id", "inserted_at"] {
            assert_eq!(second[same], first["data"][same], "{same}");
        }
        assert_eq!(second["redirect_uri"], "https://b.example/cb");
        assert_ne!(second["updated_at"], second["inserted_at"]);
        assert!(second["secret"] != first["data"]["secret"] && second["secret"] != json!("mine-mine-mine-mine-mine-mine-mi"));

        for (client, body, expected) in [
            (NOBODY, json!({ "consumer_id": mis, "redirect_uri": "https://a.example" }), 404),
            ("not-an-id", json!({ "consumer_id": mis, "redirect_uri": "https://a.example" }), 404),
            (&platform.id(RIVAL).await, json!({ "consumer_id": mis, "redirect_uri": "https://a.example" }), 404),
            (&clinic, json!({ "consumer_id": "not-an-id", "redirect_uri": "https://a.example" }), 404),
        ] {
            let path = format!("/admin/clients/{client}/connections");
            let reply = platform.call(PLATFORM, "client:admin", "PUT", &path, Some(body)).await;
            refused(&reply, expected, "not_found");
        }
        for (body, entry, rule) in [
            (json!({ "consumer_id": NOBODY, "redirect_uri": "https://a.example" }), "$.consumer_id", "exists"),
            (
                json!({ "consumer_id": platform.id(RIVAL).await, "redirect_uri": "https://a.example" }),
                "$.consumer_id",
                "exists",
            ),
            (json!({ "redirect_uri": "https://a.example" }), "$.consumer_id", "required"),
            (json!({ "consumer_id": 7, "redirect_uri": "https://a.example" }), "$.consumer_id", "cast"),
            (json!({ "consumer_id": mis }), "$.redirect_uri", "required"),
            (json!({ "consumer_id": mis, "redirect_uri": "http://a.example" }), "$.redirect_uri", "format"),
        ] {
            let reply = platform.call(PLATFORM, "client:admin", "PUT", &path, Some(body)).await;
            assert_eq!(finding(&reply), ("json_data_property".into(), entry.into(), rule.into()));
        }
        let nothing = platform.call(PLATFORM, "client:admin", "PUT", &path, Some(json!({}))).await;
        refused(&nothing, 422, "validation_failed");
        assert_eq!(nothing.json()["error"]["invalid"].as_array().unwrap().len(), 2, "{}", nothing.text());
    }

    async fn of_a_connection_only_the_redirect_uri_changes(app: TestApp) {
        let platform = Platform::new(app).await;
        let made = platform.connect(CLINIC, MIS, "https://clinic.example/cb").await;
        let place = Platform::place(&made);
        platform.app.clock.advance(Duration::from_secs(1));
        for (method, to) in [("PATCH", "https://clinic.example/patched"), ("PUT", "https://clinic.example/put")] {
            let body = json!({
                "redirect_uri": to, "id": NOBODY, "client_id": NOBODY, "consumer_id": platform.id(ODD).await,
                "secret": "mine-mine-mine-mine-mine-mine-mi", "inserted_at": "2020-01-01T00:00:00Z", "x": [1],
            });
            let reply = platform.call(CLINIC, "connection:write", method, &place, Some(body)).await.expect(200);
            let now = reply.json()["data"].clone();
            assert_eq!(now["redirect_uri"], to);
            assert!(now.get("secret").is_none());
            for same in ["id", "client_id", "consumer_id", "inserted_at"] {
                assert_eq!(now[same], made[same], "{same}");
            }
            assert_ne!(now["updated_at"], made["updated_at"]);
            let read = platform.call(CLINIC, "connection:read", "GET", &place, None).await.expect(200);
            assert_eq!(read.json()["data"], now);
        }
        // The secret that was sent is none, and the one that was there still is.
        let odd = platform.connect(MIS, MIS, "https://ward.example/cb").await;
        let mine = platform.refresh(CLINIC, &made, &["mine-mine-mine-mine-mine-mine-mi"]).await;
        refused(&mine, 401, "access_denied");
        platform.refresh(CLINIC, &made, &[odd["secret"].as_str().unwrap()]).await.expect(200);

        for (body, rule) in [
            (json!({}), "required"),
            (json!({ "redirect_uri": null }), "required"),
            (json!({ "redirect_uri": 7 }), "cast"),
            (json!({ "redirect_uri": "http://clinic.example/cb" }), "format"),
            (json!({ "redirect_uri": "clinic.example" }), "format"),
            (json!({ "redirect_uri": "https://a.example/#fragment" }), "format"),
        ] {
            let reply = platform.call(CLINIC, "connection:write", "PATCH", &place, Some(body)).await;
            assert_eq!(finding(&reply), ("json_data_property".into(), "$.redirect_uri".into(), rule.into()));
        }
        let list = platform.call(CLINIC, "connection:write", "PATCH", &place, Some(json!(["x"]))).await;
        assert_eq!(finding(&list).1, "$");
        let token = platform.token(CLINIC, "connection:write").await;
        let malformed = platform.app.call(Method::PATCH, &place, &token, Some("{")).await;
        refused(&malformed, 400, "request_malformed");
        let none = platform.app.call(Method::PATCH, &place, &token, None).await;
        refused(&none, 415, "content_type_invalid");
    }

    async fn a_secret_is_refreshed_by_whom_it_belongs_to(app: TestApp) {
        let platform = Platform::new(app).await;
        let own = platform.connect(CLINIC, CLINIC, "https://clinic.example/own").await;
        let through = platform.connect(CLINIC, MIS, "https://clinic.example/ward").await;
        let ward = platform.connect(MIS, MIS, "https://ward.example/cb").await;
        let corner = platform.connect(PHARMACY, PHARMACY, "https://pharmacy.example/cb").await;
        let secret = |connection: &Value| connection["secret"].as_str().unwrap().to_owned();

        let refreshed = platform.refresh(CLINIC, &own, &[]).await.expect(200).json();
        let new = refreshed["data"]["secret"].as_str().unwrap().to_owned();
        assert_eq!(new.len(), 32);
        assert_ne!(new, secret(&own));
        assert_eq!(refreshed["data"]["id"], own["id"]);

        refused(&platform.refresh(CLINIC, &through, &[]).await, 401, "access_denied");
        refused(&platform.refresh(CLINIC, &through, &[""]).await, 401, "access_denied");
        refused(&platform.refresh(CLINIC, &through, &["nobodys"]).await, 401, "access_denied");
        let two = [secret(&ward), secret(&ward)];
        refused(&platform.refresh(CLINIC, &through, &[&two[0], &two[1]]).await, 401, "access_denied");
        refused(&platform.refresh(CLINIC, &through, &[&secret(&corner)]).await, 403, "forbidden");
        refused(&platform.refresh(CLINIC, &through, &[&secret(&through)]).await, 403, "forbidden");
        refused(&platform.refresh(CLINIC, &through, &[&new]).await, 403, "forbidden");
        platform.refresh(CLINIC, &through, &[&secret(&ward)]).await.expect(200);

        // What was replaced is dead at once, here as a key.
        let rolled = platform.refresh(MIS, &ward, &[]).await.expect(200).json();
        refused(&platform.refresh(CLINIC, &through, &[&secret(&ward)]).await, 401, "access_denied");
        platform.refresh(CLINIC, &through, &[&secret(&rolled["data"])]).await.expect(200);

        let gone = platform.call(CLINIC, "connection:delete", "DELETE", &Platform::place(&through), None).await;
        assert_eq!((gone.expect(204).bytes.len(), 204), (0, 204));
        refused(&platform.refresh(CLINIC, &through, &[&secret(&rolled["data"])]).await, 404, "not_found");
        let again = platform.call(CLINIC, "connection:delete", "DELETE", &Platform::place(&through), None).await;
        refused(&again, 404, "not_found");
        // Another client's connection under one's own client is not there.
        let crossed = json!({ "client_id": own["client_id"], "id": ward["id"] });
        let wrong = platform.call(CLINIC, "connection:read", "GET", &Platform::place(&crossed), None).await;
        refused(&wrong, 404, "not_found");
    }

    async fn lists_are_filtered_and_cut_into_pages(app: TestApp) {
        let platform = Platform::new(app).await;
        let clinic = platform.id(CLINIC).await;
        for (nth, consumer) in [CLINIC, MIS, PHARMACY, ODD, UNTYPED].into_iter().enumerate() {
            platform.app.clock.advance(Duration::from_secs(1));
            platform.connect(CLINIC, consumer, &format!("https://clinic.example/Nr-{nth}_x")).await;
        }
        let list = async |query: &str| {
            let path = format!("/api/clients/{clinic}/connections?{query}");
            platform.call(CLINIC, "connection:read", "GET", &path, None).await
        };
        let found = async |query: &str| {
            let body = list(query).await.expect(200).json();
            let uris: Vec<String> = body["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["redirect_uri"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
                .collect();
            assert_eq!(body["meta"]["type"], "list");
            assert!(!body["meta"]["url"].as_str().unwrap().contains('?'));
            let paging = &body["paging"];
            let number = |name: &str| paging[name].as_u64().unwrap();
            (uris.join(" "), number("page_number"), number("page_size"), number("total_entries"), number("total_pages"))
        };
        let mis = platform.id(MIS).await;
        let all = "Nr-0_x Nr-1_x Nr-2_x Nr-3_x Nr-4_x";
        for (query, uris, page, size, entries, pages) in [
            (String::new(), all, 1, 50, 5, 1),
            ("consumer_id=&redirect_uri=".into(), all, 1, 50, 5, 1),
            (format!("consumer_id={mis}"), "Nr-1_x", 1, 50, 1, 1),
            (format!("consumer_id={NOBODY}"), "", 1, 50, 0, 1),
            ("redirect_uri=nR-3".into(), "Nr-3_x", 1, 50, 1, 1),
            ("redirect_uri=CLINIC.EXAMPLE".into(), all, 1, 50, 5, 1),
            ("redirect_uri=%25".into(), "", 1, 50, 0, 1),
            ("redirect_uri=4_X".into(), "Nr-4_x", 1, 50, 1, 1),
            ("redirect_uri=nr__".into(), "", 1, 50, 0, 1),
            ("redirect_uri=%5C".into(), "", 1, 50, 0, 1),
            ("page=1&page_size=2".into(), "Nr-0_x Nr-1_x", 1, 2, 5, 3),
            ("page=3&page_size=2".into(), "Nr-4_x", 3, 2, 5, 3),
            ("page=4&page_size=2".into(), "Nr-4_x", 3, 2, 5, 3),
            ("page=x&page_size=x".into(), all, 1, 50, 5, 1),
            ("page=-1&page_size=-1".into(), all, 1, 50, 5, 1),
            ("page=0&page_size=0".into(), all, 1, 50, 5, 1),
            ("page_size=1000".into(), all, 1, 100, 5, 1),
            ("unknown=1".into(), all, 1, 50, 5, 1),
        ] {
            let expected = (uris.to_owned(), page, size, entries, pages);
            assert_eq!(found(&query).await, expected, "{query}");
        }
        let junk = list("consumer_id=junk").await;
        assert_eq!(finding(&junk), ("query_parameter".into(), "$.consumer_id".into(), "cast".into()));
        let twice = list("page=1&page=2").await;
        assert_eq!(finding(&twice).0, "query_parameter");
        let foreign = platform.call(CLINIC, "connection:read", "GET", &format!("/api/clients/{mis}/connections?consumer_id=junk"), None).await;
        refused(&foreign, 403, "forbidden");
        let unknown = platform.call(PLATFORM, "connection:read", "GET", &format!("/api/clients/{NOBODY}/connections"), None).await;
        refused(&unknown, 404, "not_found");
        let clients = platform.call(PLATFORM, "client:read", "GET", "/api/clients?page=2&page_size=5", None).await;
        let clients = clients.expect(200).json();
        assert_eq!(clients["data"].as_array().unwrap().len(), 2);
        assert_eq!(clients["paging"], json!({"page_number": 2, "page_size": 5, "total_entries": 7, "total_pages": 2}));
    }

    async fn every_change_is_on_record_and_no_secret_is(app: TestApp) {
        let platform = Platform::new(app).await;
        let made = platform.connect(MIS, MIS, "https://ward.example/cb").await;
        platform.app.clock.advance(Duration::from_secs(1));
        let body = json!({ "redirect_uri": "https://ward.example/other" });
        platform.call(MIS, "connection:write", "PATCH", &Platform::place(&made), Some(body)).await.expect(200);
        platform.app.clock.advance(Duration::from_secs(1));
        let refreshed = platform.refresh(MIS, &made, &[]).await.expect(200).json();
        platform.app.clock.advance(Duration::from_secs(1));
        platform.call(MIS, "connection:delete", "DELETE", &Platform::place(&made), None).await.expect(204);
        platform.app.house.db.flush_lazy().await.unwrap();
        let rows: Vec<(String, Vec<u8>)> = platform
            .app
            .house
            .db
            .scan(async |tx: &mut store::Reader| -> Result<_, store::DbError> {
                tx.all("SELECT act, canonical FROM audit_event ORDER BY at, id", store::binds![]).await
            })
            .await
            .unwrap();
        let acts: Vec<&str> =
            rows.iter().map(|(act, _)| act.as_str()).filter(|act| act.starts_with("client_connection.")).collect();
        assert_eq!(
            acts,
            [
                "client_connection.made",
                "client_connection.redirect_changed",
                "client_connection.secret_refreshed",
                "client_connection.deleted"
            ]
        );
        assert_eq!(rows.iter().filter(|(act, _)| act == "client.type_set").count(), 6);
        for secret in [&made["secret"], &refreshed["data"]["secret"]] {
            let secret = secret.as_str().unwrap();
            assert!(!rows.iter().any(|(_, kept)| String::from_utf8_lossy(kept).contains(secret)));
        }
    }
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    let app = TestApp::empty(&[("limits.requests_per_minute", "2")], 0).await;
    let replies =
        [app.get("/api/clients").await, app.get("/api/clients").await, app.get("/api/clients").await];
    refused(&replies[2], 429, "too_many_requests");
    assert!(replies[2].header("retry-after").parse::<u64>().unwrap() >= 1);
}
