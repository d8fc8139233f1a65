//! The API of syncs: who may do what, what it answers, and that another organisation's things are not there.

use std::sync::Arc;

use axum::{Extension, Router, body::Body};
use exchange::run::Extent;
use futures_util::future::{BoxFuture, ready};
use http::{Method, Request};
use kernel::{Caller, Grant, Id, Role};
use serde_json::{Value, json};
use tower::ServiceExt;
use web::{AuthFault, Authenticate, Dialect, Manners, Metrics, Networks, Presented};

use crate::stage::{HERE, Stage, THERE, on_sync, organisation};

/// `<organisation>.<role>`: with every scope of integrations.
struct Staff;

impl Authenticate for Staff {
    fn authenticate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Caller, AuthFault>> {
        let read = presented.token.split_once('.').and_then(|(number, role)| {
            Some(Caller {
                organisation: organisation(number.parse().ok()?),
                client: Id::from_bytes([50; 16]),
                person: None,
                scopes: "integration:read integration:sync integration:records".parse().ok()?,
                grants: [Grant::whole(Role::parse(role)?)].into_iter().collect(),
                token: Id::from_bytes([1; 16]),
            })
        });
        Box::pin(ready(read.ok_or(AuthFault::Invalid)))
    }
}

pub fn app(stage: &Stage) -> Router {
    let (routes, _) = exchange::routes(stage.exchange.clone()).split_for_parts();
    let manners = Manners {
        world: stage.exchange.world.clone(),
        public_url: "https://hilum.example".parse().unwrap(),
        trusted_proxies: Networks::default(),
        client_certificates: web::ClientCertificates::default(),
        metrics: Metrics::new(),
        numbered: &[],
        body_bytes_max: web::BODY_BYTES_MAX,
    };
    let authenticate: Arc<dyn Authenticate> = Arc::new(Staff);
    manners.around(web::family(Dialect::Int, routes).layer(Extension(authenticate)))
}

pub async fn call(
    app: &Router,
    who: &str,
    (method, path): (Method, &str),
    body: Option<Value>,
) -> (u16, Value) {
    let request =
        Request::builder().method(method).uri(path).header("authorization", format!("Bearer {who}"));
    let request = match body {
        Some(body) => {
            request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
        }
        None => request.body(Body::empty()).unwrap(),
    };
    let answer = app.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

pub fn integration() -> String {
    format!("int_{}", "09".repeat(16))
}

on_sync!(
    async fn a_sync_is_begun_watched_and_reported(db) {
        let stage = Stage::new(db, 1).await;
        stage.patients(THERE, 0, 3).await;
        let app = app(&stage);
        let path = format!("/api/v1/integrations/{}/sync", integration());
        let asked = json!({"sync_type": "full"});
        let (status, begun) = call(&app, "1.data_manager", (Method::POST, &path), Some(asked.clone())).await;
        assert_eq!(status, 202, "{begun}");
        assert_eq!((&begun["status"], &begun["sync_type"], &begun["options"]), (&json!("queued"), &json!("full"), &json!({})));
        let (status, told) = call(&app, "1.data_manager", (Method::POST, &path), Some(asked)).await;
        assert_eq!((status, &told["error"]["code"]), (409, &json!("INT004")), "{told}");
        let job = format!("/api/v1/integrations/sync-jobs/{}", begun["job_id"].as_str().unwrap());
        for _ in 0..3 {
            stage.worker().run_due().await.unwrap();
        }
        let (status, seen) = call(&app, "1.viewer", (Method::GET, &job), None).await;
        assert_eq!((status, &seen["status"]), (200, &json!("done")), "{seen}");
        let report = json!({"received": 3, "stored": 3, "unchanged": 0, "quarantined": 0, "deleted": 0});
        assert_eq!(seen["report"], report);
        let (status, _) = call(&app, "1.data_manager", (Method::POST, &format!("{job}/cancel")), None).await;
        assert_eq!(status, 409, "it has ended");
    }
);

on_sync!(
    async fn what_is_another_s_is_not_there_and_what_a_role_does_not_allow_is_refused(db) {
        let stage = Stage::new(db, 1).await;
        stage.patients(THERE, 0, 2).await;
        stage.put(HERE, "Patient", "p0001", "").await;
        let app = app(&stage);
        let run = stage.begin(Extent::Full).await;
        let run = stage.ended(run).await;
        let listed = format!("/api/v1/integrations/{}/quarantine", integration());
        let (status, all) = call(&app, "1.data_manager", (Method::GET, &listed), None).await;
        assert_eq!((status, all["items"].as_array().unwrap().len()), (200, 1), "{all}");
        let held = format!("{listed}/{}", all["items"][0]["id"].as_str().unwrap());
        let hex: String = run.id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let job = format!("/api/v1/integrations/sync-jobs/sync_{hex}");
        let sync = format!("/api/v1/integrations/{}/sync", integration());
        let test = format!("/api/v1/integrations/{}/test", integration());
        let (replay, body) = (format!("{held}/replay"), Some(json!({})));
        for (method, path, body, viewer) in [
            (Method::GET, &job, None, 200),
            (Method::POST, &format!("{job}/cancel"), None, 403),
            (Method::POST, &format!("{job}/retry"), None, 403),
            (Method::POST, &sync, body.clone(), 403),
            (Method::POST, &test, None, 403),
            (Method::GET, &listed, None, 403),
            (Method::GET, &held, None, 403),
            (Method::POST, &replay, body.clone(), 403),
            (Method::DELETE, &held, None, 403),
        ] {
            let asked = || (method.clone(), path.as_str());
            let (status, told) = call(&app, "1.viewer", asked(), body.clone()).await;
            assert_eq!(status, viewer, "{method} {path} {told}");
            let (status, other) = call(&app, "2.org_admin", asked(), body.clone()).await;
            assert_eq!((status, &other["error"]["code"]), (404, &json!("INT001")), "{method} {path}");
            // The same as of what never was.
            let never = path.replace("09", "0a").replace(&hex, &"0b".repeat(16));
            let (status, nothing) = call(&app, "2.org_admin", (method.clone(), &never), body).await;
            assert_eq!((status, &nothing["error"]["message"]), (404, &other["error"]["message"]), "{never}");
        }
        let (status, kept) = call(&app, "1.data_manager", (Method::GET, &held), None).await;
        assert_eq!(status, 200, "{kept}");
        assert!(kept["record"].as_str().unwrap().contains("F1"));
        let (status, told) = call(&app, "1.data_manager", (Method::POST, &replay), Some(json!({}))).await;
        assert_eq!((status, &told["status"]), (200, &json!("quarantined")), "{told}");
        let (status, _) = call(&app, "1.data_manager", (Method::DELETE, &held), None).await;
        assert_eq!(status, 204);
        let (status, _) = call(&app, "1.data_manager", (Method::GET, &held), None).await;
        assert_eq!(status, 404);
    }
);

on_sync!(
    async fn bad_input_is_told_of_and_changes_nothing(db) {
        let stage = Stage::new(db, 1).await;
        let app = app(&stage);
        let path = format!("/api/v1/integrations/{}/sync", integration());
        for body in [json!({"sync_type": "some"}), json!({"sync_type": 1}), json!({"other": 1}), json!({"options": {"x": 1}}), json!([])] {
            let (status, told) = call(&app, "1.org_admin", (Method::POST, &path), Some(body.clone())).await;
            assert!(matches!(status, 400 | 422), "{body} {told}");
            assert_eq!(told["error"]["code"], "INT002", "{body}");
        }
        for query in ["limit=0", "limit=101", "limit=x", "cursor=x", "other=1"] {
            for path in [format!("/api/v1/integrations/{}/quarantine", integration()), "/api/v1/integrations/dead-letters".to_owned()] {
                let (status, told) = call(&app, "1.org_admin", (Method::GET, &format!("{path}?{query}")), None).await;
                assert!(matches!(status, 400 | 422), "{path} {query} {told}");
            }
        }
        let rows: Vec<(i64,)> =
            stage.db.read().await.unwrap().all("SELECT step FROM sync_run", vec![]).await.unwrap();
        assert!(rows.is_empty());
    }
);

on_sync!(
    async fn a_dead_letter_runs_again_with_the_run_that_it_goes_on_with(db) {
        let stage = Stage::new(db, 1).await;
        stage.patients(THERE, 0, 3).await;
        let app = app(&stage);
        let run = stage.begin(Extent::Full).await;
        let digits: String = run.job.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let letter = format!("job_{digits}");
        let place = format!("/api/v1/integrations/dead-letters/{letter}/replay");
        let replay = async |who: &str, place: &str| call(&app, who, (Method::POST, place), None).await;
        let (status, _) = replay("1.org_admin", &place).await;
        assert_eq!(status, 404, "it is no dead letter yet");
        // Every worker that tried it has died.
        stage.db.execute("UPDATE job SET state = 'dead', last_error = 'x' WHERE name = 'exchange.sync'", vec![]).await.unwrap();
        let (status, _) = replay("1.org_admin", &place).await;
        assert_eq!(status, 409, "its run is not known to have ended");
        stage.clock.advance(std::time::Duration::from_secs(60));
        stage.worker().run_due().await.unwrap();
        let (_, seen) = call(&app, "1.viewer", (Method::GET, "/api/v1/integrations/dead-letters"), None).await;
        assert_eq!(seen["error"]["code"], "INT003", "{seen}");
        let (_, seen) = call(&app, "1.org_admin", (Method::GET, "/api/v1/integrations/dead-letters"), None).await;
        assert_eq!(seen["items"][0]["id"], json!(letter), "{seen}");

        let never = place.replace(&letter, &format!("job_{}", "0b".repeat(16)));
        let (status, nothing) = replay("2.org_admin", &never).await;
        for (who, place, code) in [("2.org_admin", &place, 404), ("1.viewer", &place, 403), ("1.org_admin", &place.replace("job_", "x"), 404)] {
            let (status, told) = replay(who, place).await;
            assert_eq!(status, code, "{who} {told}");
            if code == 404 {
                assert_eq!(told["error"]["message"], nothing["error"]["message"], "{who}");
            }
        }
        assert_eq!(status, 404);
        let (status, told) = replay("1.data_manager", &place).await;
        assert_eq!((status, &told["status"], &told["replays"]), (202, &json!("ready"), &json!(1)), "{told}");
        let (status, _) = replay("1.data_manager", &place).await;
        assert_eq!(status, 404, "it is no dead letter any more");
        let ended = stage.ended(run).await;
        assert_eq!((ended.state, ended.counts.stored), (exchange::run::State::Done, 3));
        let mut reader = stage.db.read().await.unwrap();
        let rows: Vec<(String,)> =
            reader.all("SELECT act FROM audit_event WHERE act = 'job.replayed'", vec![]).await.unwrap();
        assert_eq!(rows.len(), 1, "on record once");
    }
);
