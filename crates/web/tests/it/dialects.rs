//! Every dialect × every kind, and the framework's own refusals through each.

use axum::{Router, extract::Path, routing::get as on_get, routing::post};
use http::{HeaderValue, Request, header};
use kernel::{Issue, Kind};
use serde_json::{Value, json};
use web::{Answer, Dialect, ErrorView, Families, Problem, Verbatim, body_limit};

use crate::{Told, around, ask, get, testing::Fell};

const KINDS: [(Kind, &str, u16); 10] = [
    (Kind::Invalid, "Invalid", 400),
    (Kind::Unauthenticated, "Unauthenticated", 401),
    (Kind::Forbidden, "Forbidden", 403),
    (Kind::NotFound, "NotFound", 404),
    (Kind::Gone, "Gone", 410),
    (Kind::Conflict, "Conflict", 409),
    (Kind::Unsupported, "Unsupported", 422),
    (Kind::Throttled, "Throttled", 429),
    (Kind::Unavailable, "Unavailable", 503),
    (Kind::Internal, "Internal", 500),
];

async fn fail(Path(kind): Path<String>) -> Answer<&'static str> {
    let (kind, ..) = KINDS.into_iter().find(|(_, name, _)| *name == kind).unwrap();
    Err(Problem::new(kind, "public words"))
}

async fn fall() -> Answer<&'static str> {
    Err(Fell { kind: Kind::Invalid, source: None })?
}

async fn grant() -> Answer<&'static str> {
    Err(Problem::new(Kind::Invalid, "the code was used before")
        .with_code("invalid_grant")
        .with_path("code")
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic")))
}

async fn echo(web::Json(body): web::Json<Value>) -> web::Json<Value> {
    web::Json(body)
}

async fn panics() -> &'static str {
    panic!("hunter2")
}

async fn upstream() -> Verbatim {
    let response = http::Response::builder().status(404).header(header::CONTENT_TYPE, "text/plain");
    Verbatim(response.body(axum::body::Body::from("theirs")).unwrap())
}

fn page(view: &ErrorView<'_>) -> String {
    let id = view.request_id.map_or("", |id| id.as_str());
    format!("<h1>{} {}</h1><p>{}</p><p>{id}</p>", view.status.as_u16(), view.title, view.message)
}

fn app(dialect: Dialect) -> Router {
    let routes = Router::new()
        .route("/api/fail/{kind}", on_get(fail))
        .route("/api/fall", on_get(fall))
        .route("/api/grant", on_get(grant))
        .route("/api/echo", post(echo))
        .route("/api/panics", on_get(panics))
        .route("/api/upstream", on_get(upstream));
    let app = Families::new().with(dialect, body_limit(64, routes)).unmatched("/api", dialect);
    around("https://hilum.example/", app.build(Dialect::ProblemJson))
}

/// What each dialect says of each kind; the table in `docs/errors.md`.
#[tokio::test]
async fn every_kind_in_every_dialect() {
    type Said = fn(&Value) -> &Value;
    let dialects: [(Dialect, &str, Said, [&str; 10]); 5] = [
        (
            Dialect::ProblemJson,
            "application/problem+json",
            |body| &body["title"],
            [
                "Bad Request",
                "Unauthorized",
                "Forbidden",
                "Not Found",
                "Gone",
                "Conflict",
                "Unprocessable Entity",
                "Too Many Requests",
                "Service Unavailable",
                "Internal Server Error",
            ],
        ),
        (
            Dialect::OAuth,
            "application/json",
            |body| &body["error"],
            [
                "invalid_request",
                "invalid_client",
                "access_denied",
                "invalid_request",
                "invalid_request",
                "invalid_request",
                "invalid_request",
                "temporarily_unavailable",
                "temporarily_unavailable",
                "server_error",
            ],
        ),
        (
            Dialect::Fhir,
            "application/fhir+json",
            |body| &body["issue"][0]["code"],
            [
                "invalid",
                "login",
                "forbidden",
                "not-found",
                "deleted",
                "conflict",
                "not-supported",
                "throttled",
                "transient",
                "exception",
            ],
        ),
        (
            Dialect::Int,
            "application/json",
            |body| &body["error"]["code"],
            [
                "INT002", "INT003", "INT003", "INT001", "INT001", "INT004", "INT002", "INT006", "INT005",
                "INT005",
            ],
        ),
        (
            Dialect::Meta,
            "application/json",
            |body| &body["error"]["type"],
            [
                "request_malformed",
                "access_denied",
                "forbidden",
                "not_found",
                "gone",
                "request_conflict",
                "validation_failed",
                "too_many_requests",
                "service_unavailable",
                "internal_error",
            ],
        ),
    ];
    for (dialect, media, said, words) in dialects {
        let app = app(dialect);
        for ((kind, name, status), word) in KINDS.into_iter().zip(words) {
            let told = get(&app, &format!("/api/fail/{name}")).await;
            assert_eq!(told.status, status, "{dialect:?} {kind:?}");
            assert_eq!(told.header("content-type"), Some(media));
            assert_eq!(said(&told.json()), word, "{dialect:?} {kind:?}: {}", told.text);
            assert_eq!(told.header("cache-control"), Some("no-store"));
            let is_ours = kind == Kind::Internal;
            assert_eq!(told.text.contains("internal error"), is_ours, "{dialect:?} {kind:?}: {}", told.text);
            let is_fixed = matches!((dialect, kind), (Dialect::Meta, Kind::Unauthenticated));
            assert_eq!(told.text.contains("public words"), !is_ours && !is_fixed, "{dialect:?} {kind:?}");
        }
    }
}

/// The framework's refusals keep their status and headers, and speak the dialect.
#[tokio::test]
async fn the_frameworks_refusals_speak_the_dialect() {
    let dialects = [
        Dialect::ProblemJson,
        Dialect::OAuth,
        Dialect::Fhir,
        Dialect::Int,
        Dialect::Meta,
        Dialect::Page(page),
    ];
    for dialect in dialects {
        let app = app(dialect);
        let missing = get(&app, "/api/nothing").await;
        let method = get(&app, "/api/echo").await;
        let send = async |media: &'static str, body: String| {
            let request = Request::post("/api/echo").header("content-type", media);
            ask(&app, request.body(body.into()).unwrap()).await
        };
        let large = send("application/json", format!("\"{}\"", "x".repeat(100))).await;
        let media = send("text/csv", "a,b".to_owned()).await;
        let malformed = send("application/json", "{".to_owned()).await;
        let broken = get(&app, "/api/panics").await;
        assert_eq!(method.header("allow"), Some("POST"), "{dialect:?}");
        for (told, status) in
            [(missing, 404), (method, 405), (large, 413), (media, 415), (malformed, 400), (broken, 500)]
        {
            assert_eq!(told.status, status, "{dialect:?}");
            assert_status_is_said(dialect, &told);
            assert!(!told.text.contains("hunter2"), "{}", told.text);
            let length = told.header("content-length").map(|length| length.parse().unwrap());
            assert!(length.is_none_or(|length: usize| length == told.text.len()), "{dialect:?} {status}");
        }
    }
}

fn assert_status_is_said(dialect: Dialect, told: &Told) {
    let status = told.status;
    match dialect {
        Dialect::ProblemJson => assert_eq!(told.json()["status"], status),
        Dialect::OAuth => {
            let word = if status == 500 { "server_error" } else { "invalid_request" };
            assert_eq!(told.json()["error"], word);
        }
        Dialect::Fhir => {
            let code = match status {
                404 => "not-found",
                405 | 415 => "not-supported",
                413 => "too-long",
                400 => "invalid",
                _ => "exception",
            };
            assert_eq!(told.json()["issue"][0]["code"], code);
        }
        Dialect::Int => {
            let code = match status {
                404 => "INT001",
                500 => "INT005",
                _ => "INT002",
            };
            assert_eq!(told.json()["error"]["code"], code);
        }
        Dialect::Meta => assert_eq!(told.json()["meta"]["code"], status),
        Dialect::Page(_) => {
            assert_eq!(told.header("content-type"), Some("text/html; charset=utf-8"));
            assert!(told.text.starts_with(&format!("<h1>{status} ")), "{}", told.text);
            assert!(told.header("content-security-policy").unwrap().contains("style-src 'self'"));
        }
    }
}

#[tokio::test]
async fn whole_bodies() {
    let id = format!("req_{}", "07".repeat(16));
    let told = get(&app(Dialect::ProblemJson), "/api/fall?secret=x").await;
    assert_eq!(
        told.json(),
        json!({
            "type": "about:blank", "title": "Bad Request", "status": 400, "detail": "public words",
            "field": "redirect_uri", "instance": "https://hilum.example/api/fall", "request_id": id,
            "errors": [
                {"field": "redirect_uri", "detail": "must be https"},
                {"field": "name", "detail": "must not be empty"},
            ],
        })
    );
    let told = get(&app(Dialect::OAuth), "/api/grant").await;
    assert_eq!(
        told.json(),
        json!({"error": "invalid_grant", "error_description": "the code was used before"})
    );
    assert_eq!((told.header("pragma"), told.header("www-authenticate")), (Some("no-cache"), Some("Basic")));

    let told = get(&app(Dialect::Fhir), "/api/fall").await;
    let system = "http://terminology.hl7.org/CodeSystem/operation-outcome";
    let issue = |diagnostics: &str, path: &str| {
        json!({
            "severity": "error", "code": "invalid", "diagnostics": diagnostics, "expression": [path],
            "details": {"coding": [{"system": system, "code": "MSG_PARAM_INVALID"}]},
        })
    };
    assert_eq!(
        told.json(),
        json!({
            "resourceType": "OperationOutcome", "id": id.replace('_', "-"),
            "issue": [issue("must be https", "redirect_uri"), issue("must not be empty", "name")],
        })
    );
    let told = get(&app(Dialect::Int), "/api/fall").await;
    assert_eq!(
        told.json(),
        json!({"error": {
            "code": "INT002", "message": "must be https", "field": "redirect_uri",
            "details": [{"field": "name", "message": "must not be empty"}],
            "timestamp": "2023-11-14T22:13:20.000000Z", "request_id": id,
        }})
    );
    let told = get(&app(Dialect::Meta), "/api/fall").await;
    let entry = |entry: &str, description: &str| {
        json!({
            "entry_type": "json_data_property", "entry": entry,
            "rules": [{"rule": "invalid", "description": description, "params": []}],
        })
    };
    assert_eq!(
        told.json(),
        json!({
            "meta": {"code": 400, "url": "https://hilum.example/api/fall", "type": "object", "request_id": id},
            "error": {
                "type": "request_malformed", "message": "public words",
                "invalid": [entry("$.redirect_uri", "must be https"), entry("$.name", "must not be empty")],
            },
        })
    );
}

#[tokio::test]
async fn an_answer_that_is_meant_stays_as_it_is() {
    let told = get(&app(Dialect::Int), "/api/upstream").await;
    assert_eq!((told.status, told.text.as_str()), (404, "theirs"));
}

#[tokio::test]
async fn the_longest_prefix_answers_for_what_is_not_there() {
    let families = Families::new().unmatched("/a", Dialect::OAuth).unmatched("/a/b", Dialect::Int);
    let app = around("http://127.0.0.1:1/", families.build(Dialect::Page(page)));
    assert_eq!(get(&app, "/a/x").await.json()["error"], "invalid_request");
    assert_eq!(get(&app, "/a/b/x").await.json()["error"]["code"], "INT001");
    assert!(get(&app, "/ab").await.text.starts_with("<h1>404"));
}

#[test]
fn a_description_for_oauth_is_printable_ascii() {
    let issues = vec![Issue::at("näme", "must not be \"x\\\n\"")];
    let problem = Problem::new(Kind::Invalid, "x").with_issues(issues);
    let app = web::family(
        Dialect::OAuth,
        Router::new().route("/", on_get(move || std::future::ready(Err::<(), _>(problem.clone())))),
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let told = runtime.block_on(get(&app, "/"));
    assert_eq!(told.json()["error_description"], "n?me: must not be ?x???");
}
