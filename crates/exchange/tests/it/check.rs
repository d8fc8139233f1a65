//! Tests of connections: against a server that is well, refuses, lies, and is away.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use exchange::{
    check::check,
    connector::{Connector, Findings, Outcome, Paced, SignIn, StepName, Way, fhir::FhirServer},
    run::{self, Extent, State as RunState},
    tested::TESTS_KEPT,
};
use http::Method;
use kernel::{Actor, Secret, Timestamp};
use outbound::{Outbound, SystemLookup};
use serde_json::{Value, json};
use store::binds;
use tokio::task::JoinSet;
use watch::TestStatus;

use crate::{
    api::{app, call, integration},
    stage::{INTEGRATION, Stage, THERE, on_sync, organisation},
};

/// What is wrong with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    StatesToFriends,
    NoServer,
    SaysNoSearch,
    OtherVersion,
    VersionOfWords,
    KnowsNobody,
    KnowsNobodyAtAll,
    HidesOneType,
    SendsElsewhere,
    OtherType,
    NoBundle,
    NoTime,
    OtherRecord,
    Empty,
}

fn statement(version: &str, code: &str) -> Value {
    let resource = |of: &str| json!({"type": of, "interaction": [{"code": code}, {"code": "read"}]});
    json!({"resourceType": "CapabilityStatement", "fhirVersion": version,
        "rest": [{"mode": "server", "resource": [resource("Patient"), resource("Observation")]}]})
}

fn record(of: &str, id: &str) -> Value {
    json!({"resourceType": of, "id": id, "meta": {"lastUpdated": "2026-01-01T00:00:00Z", "versionId": "1"},
        "text": "canary-record"})
}

async fn answer(State(wrong): State<Wrong>, headers: HeaderMap, uri: Uri) -> Response {
    let knows = headers.get("authorization").is_some_and(|value| value == "Bearer canary-token");
    let status = |status: u16| StatusCode::from_u16(status).unwrap().into_response();
    let json = |value: Value| value.to_string().into_response();
    let parts: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    match (parts[1..].to_vec().as_slice(), wrong) {
        (["metadata"], Wrong::KnowsNobodyAtAll) => status(401),
        (["metadata"], Wrong::StatesToFriends) if !knows => status(401),
        (["metadata"], Wrong::NoServer) => "<html>canary-record</html>".into_response(),
        (["metadata"], Wrong::OtherVersion) => json(statement("5.0.0", "search-type")),
        (["metadata"], Wrong::VersionOfWords) => json(statement("canary record", "search-type")),
        (["metadata"], Wrong::SaysNoSearch) => json(statement("4.0.1", "create")),
        (["metadata"], _) => json(statement("4.0.1", "search-type")),
        (_, Wrong::KnowsNobody) => status(401),
        _ if !knows => status(401),
        (["Observation"], Wrong::HidesOneType) => status(403),
        ([_], Wrong::SendsElsewhere) => {
            (StatusCode::FOUND, [("location", "http://127.0.0.1:1/")]).into_response()
        }
        ([of], Wrong::NoBundle) => json(record(of, "1")),
        ([of], Wrong::Empty) => json(json!({"resourceType": "Bundle", "type": of})),
        ([of], _) => {
            let mut one = record(if wrong == Wrong::OtherType { "Basic" } else { of }, "1");
            if wrong == Wrong::NoTime {
                one["meta"].as_object_mut().unwrap().remove("lastUpdated");
            }
            json(json!({"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one}]}))
        }
        ([of, id], _) => json(record(of, if wrong == Wrong::OtherRecord { "2" } else { id })),
        _ => status(404),
    }
}

fn server(address: &str, base: &str) -> FhirServer {
    let allowed = [address.parse().unwrap()].into_iter().collect();
    let outbound = Outbound::new(allowed, Arc::new(SystemLookup)).unwrap();
    let types = ["Patient", "Observation"].map(str::to_owned).to_vec();
    let sign_in = SignIn::Bearer(Secret::new("canary-token".to_owned()));
    FhirServer::new(Way::new(Paced::new(outbound, testkit::world().0), sign_in), base.parse().unwrap(), types)
}

async fn found(wrong: Wrong) -> Findings {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut serving = JoinSet::new();
    let app = Router::new().fallback(answer).with_state(wrong);
    serving.spawn(async move { drop(axum::serve(listener, app).await) });
    let server = server(&address, &format!("http://{address}/fhir"));
    server.check(&testkit::world().0).await
}

fn first(findings: &Findings, outcome: Outcome) -> Option<StepName> {
    findings.steps.iter().find(|step| step.outcome == outcome).map(|step| step.name)
}

#[tokio::test]
async fn the_step_that_fails_is_the_one_that_is_wrong() {
    use StepName::{Api, Permission, SampleRead, SignIn, Tls};
    for (wrong, failed, permissions) in [
        (Wrong::Nothing, None, 2),
        (Wrong::StatesToFriends, None, 2),
        (Wrong::SaysNoSearch, None, 2),
        (Wrong::Empty, None, 2),
        (Wrong::NoServer, Some(Api), 0),
        (Wrong::OtherVersion, Some(Api), 0),
        (Wrong::VersionOfWords, Some(Api), 0),
        (Wrong::KnowsNobody, Some(SignIn), 0),
        (Wrong::KnowsNobodyAtAll, Some(SignIn), 0),
        (Wrong::HidesOneType, Some(Permission), 1),
        (Wrong::SendsElsewhere, Some(SampleRead), 0),
        (Wrong::OtherType, Some(SampleRead), 0),
        (Wrong::NoBundle, Some(SampleRead), 0),
        (Wrong::NoTime, Some(SampleRead), 0),
        (Wrong::OtherRecord, Some(SampleRead), 2),
    ] {
        let findings = found(wrong).await;
        assert_eq!(first(&findings, Outcome::Failed), failed, "{wrong:?} {findings:?}");
        assert_eq!(findings.permissions.len(), permissions, "{wrong:?}");
        assert_eq!(first(&findings, Outcome::Warning), Some(Tls), "no TLS is told of: {wrong:?}");
        let mut names: Vec<StepName> = findings.steps.iter().map(|step| step.name).collect();
        names.dedup();
        assert_eq!(names.len(), 7, "each step once: {wrong:?} {findings:?}");
        let version = match wrong {
            Wrong::OtherVersion => Some("5.0.0"),
            Wrong::NoServer | Wrong::VersionOfWords | Wrong::KnowsNobodyAtAll => None,
            _ => Some("4.0.1"),
        };
        assert_eq!(findings.api_version.as_deref(), version, "{wrong:?}");
        assert!(!format!("{findings:?}").contains("canary"), "{wrong:?} {findings:?}");
    }
}

#[tokio::test]
async fn what_is_away_is_told_of() {
    use StepName::{Connection, Name, Tls};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (world, _) = testkit::world();
    let plain = format!("https://{address}/fhir");
    // Somebody is there who speaks no TLS.
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let app = Router::new().fallback(answer).with_state(Wrong::Nothing);
        drop(axum::serve(listener, app).await);
    });
    for (address, base, failed) in [
        ("127.0.0.1:1", "http://127.0.0.1:1/fhir", Connection),
        ("127.0.0.1:1", "http://127.0.0.1:2/fhir", Name),
        ("127.0.0.1:1", "https://localhost/fhir", Name),
        ("nowhere.invalid:80", "http://nowhere.invalid/fhir", Name),
        (address.to_string().as_str(), plain.as_str(), Tls),
    ] {
        let findings = server(address, base).check(&world).await;
        assert_eq!(first(&findings, Outcome::Failed), Some(failed), "{base} {findings:?}");
        let after = findings.steps.iter().skip_while(|step| step.name != failed).skip(1);
        assert!(after.into_iter().all(|step| step.outcome == Outcome::Skipped), "{base} {findings:?}");
        assert_eq!(findings.steps.len(), 7);
    }
}

fn test() -> String {
    format!("/api/v1/integrations/{}/test", integration())
}

on_sync!(
    async fn a_test_is_told_of_and_written_down(db) {
        let stage = Stage::new(db, 1).await;
        stage.patients(THERE, 0, 1).await;
        let app = app(&stage);
        let (status, told) = call(&app, "1.data_manager", (Method::POST, &test()), None).await;
        assert_eq!((status, &told["status"]), (200, &json!("warning")), "{told}");
        let steps = told["details"]["steps"].as_array().unwrap();
        let names: Vec<&str> = steps.iter().map(|step| step["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["site", "name", "connection", "tls", "api", "sign_in", "permission", "sample_read"]);
        assert!(steps.iter().all(|step| step["outcome"] == "passed" || step["name"] == "tls"), "{told}");
        assert_eq!(told["details"]["permissions"], json!(["Patient.search", "Observation.search"]));
        assert_eq!(told["details"]["api_version"], json!("4.0.1"));
        assert_eq!(stage.book.lock().unwrap().tested, Some(TestStatus::Warning));
        // What another version was tested of counts for nothing, and is on record.
        stage.book.lock().unwrap().version = 2;
        let (status, told) = call(&app, "1.data_manager", (Method::POST, &test()), None).await;
        assert_eq!((status, &told["error"]["code"]), (409, &json!("INT004")), "{told}");
        assert_eq!(stage.book.lock().unwrap().tested, None);
        let sql = "SELECT COUNT(*) FROM audit_event WHERE act = 'integration.tested'";
        let (rows,): (i64,) = stage.db.read().await.unwrap().one(sql, binds![]).await.unwrap();
        assert_eq!(rows, 2);
    }
);

on_sync!(
    async fn the_last_tests_are_kept_with_their_steps(db) {
        let stage = Stage::new(db, 1).await;
        stage.patients(THERE, 0, 1).await;
        let app = app(&stage);
        let tests = format!("/api/v1/integrations/{}/tests", integration());
        let listed = async |who: &str, query: &str| {
            call(&app, who, (Method::GET, &format!("{tests}{query}")), None).await
        };
        assert_eq!(listed("1.analyst", "").await, (200, json!({"items": [], "next_cursor": null})));
        let mut made = Vec::new();
        for nth in 0..3 {
            if nth == 1 {
                stage.proxy.always(Some(testkit::Trouble::Reset));
            }
            let (status, told) = call(&app, "1.data_manager", (Method::POST, &test()), None).await;
            assert_eq!(status, 200, "{told}");
            made.push(told);
            stage.clock.advance(Duration::from_secs(1));
        }
        assert_eq!((&made[0]["status"], &made[2]["status"]), (&json!("warning"), &json!("error")));
        // What the answers said is what is kept, to the letter, the newest first; a page goes on behind the one before.
        let (status, first) = listed("1.analyst", "?limit=2").await;
        assert_eq!((status, &first["items"]), (200, &json!([made[2], made[1]])), "{first}");
        let next = format!("?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
        assert_eq!(listed("1.auditor", &next).await, (200, json!({"items": [made[0]], "next_cursor": null})));
        // A test that the integration has changed under counts for nothing, and is not kept.
        stage.book.lock().unwrap().version = 2;
        assert_eq!(call(&app, "1.data_manager", (Method::POST, &test()), None).await.0, 409);
        assert_eq!(listed("1.org_admin", "").await.1["items"].as_array().unwrap().len(), 3);
        // Who may read logs may read them; another organisation's are not there, as one that nobody has is not.
        for (who, path, status) in [
            ("1.viewer", tests.clone(), 403),
            ("2.org_admin", tests.clone(), 404),
            ("1.org_admin", tests.replace("0909", "0a0a"), 404),
            ("1.org_admin", format!("{tests}?limit=0"), 422),
            ("1.org_admin", format!("{tests}?cursor=test_1"), 422),
            ("1.org_admin", format!("{tests}?page=1"), 400),
        ] {
            let (heard, told) = call(&app, who, (Method::GET, &path), None).await;
            assert_eq!(heard, status, "{who} {path} {told}");
        }
        assert!(!first.to_string().contains("canary"));
    }
);

on_sync!(
    async fn the_oldest_test_gives_way(db) {
        let stage = Stage::wrapped(db, 1, |_| Arc::new(server("127.0.0.1:1", "http://127.0.0.1:1/fhir"))).await;
        for _ in 0..TESTS_KEPT + 2 {
            check(&stage.exchange, (organisation(1), INTEGRATION), (Actor::System, None)).await.unwrap();
            stage.clock.advance(Duration::from_secs(1));
        }
        let mut reader = stage.db.read().await.unwrap();
        let sql = "SELECT COUNT(*), MIN(tested_at), MAX(tested_at) FROM integration_test";
        let (kept, first, last): (i64, Timestamp, Timestamp) = reader.one(sql, binds![]).await.unwrap();
        let between = Duration::from_secs(TESTS_KEPT.unsigned_abs() - 1);
        assert_eq!((kept, last.since(first)), (TESTS_KEPT, between));
        assert_eq!(last + Duration::from_secs(1), stage.clock_now());
    }
);

on_sync!(
    async fn what_cannot_be_reached_is_a_result(db) {
        let away = |_: Arc<dyn Connector>| -> Arc<dyn Connector> {
            Arc::new(server("127.0.0.1:1", "http://127.0.0.1:1/fhir"))
        };
        let stage = Stage::wrapped(db, 1, away).await;
        let app = app(&stage);
        let (status, told) = call(&app, "1.data_manager", (Method::POST, &test()), None).await;
        assert_eq!((status, &told["status"]), (200, &json!("error")), "{told}");
        assert!(told["message"].as_str().unwrap().contains("takes connections"), "{told}");
        assert_eq!(stage.book.lock().unwrap().tested, Some(TestStatus::Error));
        assert!(!told.to_string().contains("canary"));
    }
);

on_sync!(
    async fn a_schedule_begins_runs_until_it_is_taken_away(db) {
        let stage = Stage::new(db, 1).await;
        stage.patients(THERE, 0, 2).await;
        let of = (organisation(1), INTEGRATION);
        let (hourly, now) = ("every 1 hours".parse().unwrap(), stage.clock_now());
        let next = stage.db.write(async move |tx: &mut store::Writer| run::schedule(tx, of, &hourly, now).await);
        let next = next.await.unwrap().unwrap();
        let latest = async || run::latest(&mut stage.db.read().await.unwrap(), INTEGRATION).await.unwrap();
        stage.worker().run_due().await.unwrap();
        assert!(latest().await.is_none(), "not before its time");
        stage.clock.set(next);
        for _ in 0..4 {
            stage.worker().run_due().await.unwrap();
        }
        let ended = latest().await.unwrap();
        assert_eq!((ended.state, ended.extent, ended.counts.stored), (RunState::Done, Extent::Incremental, 2));
        let after = next + std::time::Duration::from_secs(3_600);
        let (synced, due) = { let book = stage.book.lock().unwrap(); (book.synced, book.due) };
        assert_eq!((synced, due), (ended.finished_at, Some(after)));
        stage.db.write(async move |tx: &mut store::Writer| run::unschedule(tx, INTEGRATION).await).await.unwrap();
        stage.clock.set(after);
        for _ in 0..3 {
            stage.worker().run_due().await.unwrap();
        }
        assert_eq!(latest().await.unwrap().id, ended.id);
    }
);
