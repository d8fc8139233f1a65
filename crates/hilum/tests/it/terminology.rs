//! The adapter to a terminology server, against one on a real port of this machine: with the answers that HL7's server once gave, and with
//! everything that a server may do instead of answering.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use hilum::validate::terminology::{Server, TERMINOLOGY_SILENT_MAX, TERMINOLOGY_TRIES_MAX};
use kernel::Secret;
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};
use validator::terminology::{Question, Remote, Verdict};

use crate::validate::data;

/// What it does with a question.
type Manner = Box<dyn Fn(&str, &Value) -> Response + Send + Sync>;

struct Inner {
    manner: Manner,
    asked: Mutex<Vec<(String, String)>>,
}

/// A terminology server; path and authorization of each call are noted.
struct Tx {
    runtime: Runtime,
    url: String,
    inner: Arc<Inner>,
}

impl Tx {
    fn start(manner: impl Fn(&str, &Value) -> Response + Send + Sync + 'static) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}/r4", listener.local_addr().unwrap());
        let inner = Arc::new(Inner { manner: Box::new(manner), asked: Mutex::default() });
        let routes = Router::new().fallback(answer).with_state(inner.clone());
        runtime.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { runtime, url, inner }
    }

    /// The adapter to it, impatient.
    fn server(&self, token: Option<&str>) -> Server {
        let token = token.map(|token| Secret::new(token.to_owned()));
        let server = Server::new(&self.url, token, self.runtime.handle().clone()).unwrap();
        server.with_times(Duration::from_millis(300), Duration::ZERO)
    }

    fn asked(&self) -> Vec<(String, String)> {
        self.inner.asked.lock().unwrap().clone()
    }
}

async fn answer(State(inner): State<Arc<Inner>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    inner.asked.lock().unwrap().push((uri.path().to_owned(), authorization.unwrap_or_default()));
    (inner.manner)(uri.path(), &serde_json::from_slice(&body).unwrap_or_default())
}

fn fhir(status: StatusCode, body: &Value) -> Response {
    (status, [("content-type", "application/fhir+json")], body.to_string()).into_response()
}

fn parameter<'a>(parameters: &'a Value, name: &str) -> Option<&'a str> {
    let found = parameters["parameter"].as_array()?.iter().find(|one| one["name"] == name)?;
    found.as_object()?.iter().find(|(key, _)| key.starts_with("value"))?.1.as_str()
}

fn snomed(code: &str) -> Question<'_> {
    Question { system: Some("http://snomed.info/sct"), version: None, code, display: None, value_set: None }
}

/// Good, unless the code is `bad`; and it knows one value set.
fn simple(path: &str, question: &Value) -> Response {
    if path == "/r4/ValueSet/$expand" {
        return match parameter(question, "url") {
            Some("http://tx/v") => fhir(
                StatusCode::OK,
                &json!({ "resourceType": "ValueSet", "url": "http://tx/v",
                    "expansion": { "contains": [{ "system": "http://s", "code": "a" }] } }),
            ),
            _ => fhir(
                StatusCode::NOT_FOUND,
                &json!({ "resourceType": "OperationOutcome", "issue": [{ "severity": "error", "code": "not-found" }] }),
            ),
        };
    }
    let is_good = parameter(question, "code") != Some("bad");
    let mut of = vec![json!({ "name": "result", "valueBoolean": is_good })];
    if !is_good {
        of.push(json!({ "name": "message", "valueString": "no such code" }));
    }
    fhir(StatusCode::OK, &json!({ "resourceType": "Parameters", "parameter": of }))
}

#[test]
fn a_question_is_posted_and_its_answer_is_read() {
    let tx = Tx::start(simple);
    let server = tx.server(Some("the-token"));
    assert_eq!(server.validate_code(&snomed("1")), Ok(Verdict::Good { display: None }));
    assert_eq!(server.validate_code(&snomed("bad")), Ok(Verdict::Bad { message: "no such code".into() }));
    assert_eq!(server.expand("http://tx/v").unwrap().unwrap()["url"], "http://tx/v");
    assert_eq!(server.expand("http://tx/other"), Ok(None));
    let bearer = "Bearer the-token".to_owned();
    let paths =
        ["CodeSystem/$validate-code", "CodeSystem/$validate-code", "ValueSet/$expand", "ValueSet/$expand"];
    assert_eq!(tx.asked(), paths.map(|path| (format!("/r4/{path}"), bearer.clone())));
    assert_eq!(server.unanswered(), 0);
}

#[test]
fn what_is_no_answer_is_a_fault_and_never_right() {
    let inside = Tx::start(simple);
    let location = format!("{}/CodeSystem/$validate-code", inside.url);
    let plain = |status: u16, text: &'static str| {
        move |_: &str, _: &Value| (StatusCode::from_u16(status).unwrap(), text).into_response()
    };
    let good =
        json!({ "resourceType": "Parameters", "parameter": [{ "name": "result", "valueBoolean": true }] });
    let (in_error, in_redirect) = (good.clone(), good.clone());
    let manners: [(&str, u32, Manner); 12] = [
        ("an error", 1, Box::new(plain(500, "{}"))),
        ("good, and an error", 1, Box::new(move |_, _| fhir(StatusCode::INTERNAL_SERVER_ERROR, &in_error))),
        ("no right to ask", 1, Box::new(plain(401, "the-token"))),
        ("too busy", TERMINOLOGY_TRIES_MAX, Box::new(plain(503, ""))),
        ("too many", TERMINOLOGY_TRIES_MAX, Box::new(plain(429, ""))),
        ("no JSON", 1, Box::new(plain(200, "<html>"))),
        ("nothing", 1, Box::new(plain(200, ""))),
        (
            "another answer",
            1,
            Box::new(plain(
                200,
                "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"result\",\"valueString\":\"true\"}]}",
            )),
        ),
        ("too deep", 1, Box::new(|_, _| "[".repeat(100_000).into_response())),
        (
            "too large",
            1,
            Box::new(|_, _| {
                let chunk = || Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b' '; 1 << 16]));
                Body::from_stream(futures_util::stream::repeat_with(chunk)).into_response()
            }),
        ),
        (
            "never ending",
            TERMINOLOGY_TRIES_MAX,
            Box::new(|_, _| {
                Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::convert::Infallible>>())
                    .into_response()
            }),
        ),
        (
            "sent inside",
            1,
            Box::new(move |_, _| {
                (StatusCode::TEMPORARY_REDIRECT, [("location", location.clone())], in_redirect.to_string())
                    .into_response()
            }),
        ),
    ];
    for (name, calls, manner) in manners {
        let tx = Tx::start(manner);
        let server = tx.server(Some("the-token"));
        let server = if name == "too large" {
            server.with_times(Duration::from_secs(30), Duration::ZERO)
        } else {
            server
        };
        let fault = server.validate_code(&snomed("1")).expect_err(name);
        assert!(!fault.to_string().contains("the-token"), "{name}: {fault}");
        assert_eq!((tx.asked().len(), server.unanswered()), (calls as usize, 1), "{name}: {fault}");
    }
    assert_eq!(inside.asked(), [], "nobody was sent inside");
}

#[test]
fn a_server_that_stays_silent_is_left_alone() {
    let tx = Tx::start(|_, _| StatusCode::INTERNAL_SERVER_ERROR.into_response());
    let server = tx.server(None);
    for _ in 0..3 * TERMINOLOGY_SILENT_MAX {
        assert!(server.validate_code(&snomed("1")).is_err());
    }
    assert_eq!(tx.asked().len(), TERMINOLOGY_SILENT_MAX as usize);
    assert_eq!(server.unanswered(), u64::from(3 * TERMINOLOGY_SILENT_MAX), "each is told");
}

#[test]
fn an_address_that_is_none_is_refused_without_its_secret() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let refused = |address: &str, token: Option<&str>| {
        let token = token.map(|token| Secret::new(token.to_owned()));
        Server::new(address, token, runtime.handle().clone()).err().map(|fault| format!("{fault:#}"))
    };
    for address in [
        "tx",
        "ftp://127.0.0.1/hunter2",
        "https://me:hunter2@tx.example.org/r4",
        "https://hunter2@tx.example.org",
        "https://tx.example.org/r4?key=hunter2",
        "https://tx.example.org/r4#hunter2",
    ] {
        let told = refused(address, None).expect(address);
        assert!(!told.contains("hunter2"), "{told}");
    }
    assert!(
        refused("http://tx.example.org/r4", Some("hunter2")).is_some_and(|told| !told.contains("hunter2"))
    );
    for (address, token) in [
        ("http://tx.example.org/r4", None),
        ("https://tx.example.org:8443/r4", Some("t")),
        ("http://127.0.0.1:8080", Some("t")),
        ("http://[::1]:8080/", Some("t")),
    ] {
        assert_eq!(refused(address, token), None, "{address}");
    }
}

/// What HL7's server was asked and answered, as `Parameters`, by what a question says.
fn recorded() -> Option<HashMap<Vec<Option<String>>, Value>> {
    let folder = data()?.join("../terminology-answers");
    let Ok(files) = fs::read_dir(&folder) else {
        eprintln!("SKIPPED: {} is not there", folder.display());
        return None;
    };
    let mut answers = HashMap::new();
    for file in files {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
        for part in lines.split(|line| line.len() > 20 && line.bytes().all(|byte| byte == b'-')) {
            let part = part.join("\n");
            let Some((question, answer)) = part.split_once("####") else { continue };
            let Some(answer) = answer.trim().strip_prefix("v: ") else { continue };
            let question: Value = serde_json::from_str(question.trim()).unwrap();
            let answer: Value = serde_json::from_str(answer).unwrap();
            let code = &question["code"];
            if code["code"].is_string() && question["valueSet"].is_null() {
                let of = |value: &Value| value.as_str().map(str::to_owned);
                let set = of(&question["url"]).map(|url| match question["version"].as_str() {
                    Some(version) => format!("{url}|{version}"),
                    None => url,
                });
                let key = vec![
                    set,
                    of(&code["system"]),
                    of(&code["version"]),
                    of(&code["code"]),
                    of(&code["display"]),
                ];
                answers.insert(key, parameters(&answer));
            }
        }
    }
    Some(answers)
}

fn parameters(answer: &Value) -> Value {
    let mut of = vec![json!({ "name": "result", "valueBoolean": answer["severity"] != "error" })];
    for (name, value) in [("display", &answer["display"]), ("message", &answer["error"])] {
        if value.is_string() {
            of.push(json!({ "name": name, "valueString": value }));
        }
    }
    of.push(json!({ "name": "issues", "resource": answer["issues"] }));
    json!({ "resourceType": "Parameters", "parameter": of })
}

#[test]
fn what_hl7s_server_answered_arrives() {
    let Some(answers) = recorded() else { return };
    let answers = Arc::new(answers);
    let served = answers.clone();
    let tx = Tx::start(move |path, question| {
        let of = |name: &str| parameter(question, name).map(str::to_owned);
        let set = of("url").map(|url| match of("valueSetVersion") {
            Some(version) => format!("{url}|{version}"),
            None => url,
        });
        let key = if path.starts_with("/r4/ValueSet/") {
            vec![set, of("system"), of("systemVersion"), of("code"), of("display")]
        } else {
            vec![None, of("url"), of("version"), of("code"), of("display")]
        };
        served
            .get(&key)
            .map_or(StatusCode::INTERNAL_SERVER_ERROR.into_response(), |answer| fhir(StatusCode::OK, answer))
    });
    let server = tx.server(None).with_times(Duration::from_secs(30), Duration::ZERO);
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (key, answer) in answers.iter() {
        let [value_set, system, version, code, display] = [0, 1, 2, 3, 4].map(|at| key[at].as_deref());
        if value_set.is_none() && system.is_none() {
            continue;
        }
        let question = Question { value_set, system, version, code: code.unwrap(), display };
        let verdict = server.validate_code(&question).unwrap();
        assert_eq!(
            matches!(verdict, Verdict::Good { .. }),
            answer["parameter"][0]["valueBoolean"] == true,
            "{key:?}"
        );
        let kind = match verdict {
            Verdict::Good { .. } => "good",
            Verdict::WrongDisplay { .. } => "wrong display",
            Verdict::Bad { .. } => "bad",
            Verdict::Unknown { .. } => "unknown",
        };
        *counts.entry(kind).or_default() += 1;
    }
    eprintln!("{counts:?}");
    assert!(
        ["good", "wrong display", "bad", "unknown"].iter().all(|kind| counts.contains_key(kind)),
        "{counts:?}"
    );
    assert_eq!(server.unanswered(), 0);
}

/// Exit status and what was written, asked with a token.
fn run(folder: &Path, words: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hilum"));
    command.args(words).current_dir(folder).env_clear().env("HILUM_TERMINOLOGY_TOKEN", "hunter2");
    let done = command.output().unwrap();
    let text = [done.stdout, done.stderr].concat();
    (done.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn the_command_asks_the_server_and_tells_an_outage() {
    let Some(packages) = data() else { return };
    let core: PathBuf = packages.join("hl7.fhir.r4.core-4.0.1-reconstructed.tgz");
    let here = tempfile::tempdir().unwrap();
    let condition = |code: &str| {
        json!({ "resourceType": "Condition", "subject": { "display": "x" }, "code": { "coding": [
            { "system": "http://snomed.info/sct", "code": code }] },
            "text": { "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>" } })
    };
    fs::write(here.path().join("good.json"), condition("1").to_string()).unwrap();
    fs::write(here.path().join("bad.json"), condition("bad").to_string()).unwrap();
    let validate = |url: &str, file: &str| {
        run(
            here.path(),
            &["validate", "--ig", core.to_str().unwrap(), "--packages", ".", "--terminology", url, file],
        )
    };
    let tx = Tx::start(simple);
    let (status, told) = validate(&tx.url, "good.json");
    assert_eq!(status, 0, "{told}");
    let (status, told) = validate(&tx.url, "bad.json");
    assert_eq!(status, 1, "{told}");
    assert!(told.contains("no such code") && !told.contains("hunter2"), "{told}");
    assert!(tx.asked().iter().all(|(_, authorization)| authorization == "Bearer hunter2"));
    let down = Tx::start(|_, _| StatusCode::INTERNAL_SERVER_ERROR.into_response());
    let (status, told) = validate(&down.url, "good.json");
    assert_eq!(status, 2, "{told}");
    assert!(
        told.contains("not checked") && told.contains("had no answer") && !told.contains("hunter2"),
        "{told}"
    );
}
