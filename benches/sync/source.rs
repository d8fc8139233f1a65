//! A FHIR server in this process that costs next to nothing: its records are written out before anybody asks.

use std::{collections::HashMap, net::Ipv4Addr, sync::Arc};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
    serve::ListenerExt,
};
use kernel::Timestamp;

pub const RECORDS: usize = 20_000;
/// Records of a page.
pub const PAGE: usize = 200;
/// One patient has so many observations.
const OBSERVATIONS: usize = 9;
/// 2026-01-01; each record of a type is a second younger than the one before.
const FIRST_S: i64 = 1_767_225_600;

pub const TYPES: [&str; 2] = ["Patient", "Observation"];

pub struct Source {
    pub port: u16,
}

struct Kept {
    port: u16,
    /// Of each type, in the order of their last changes.
    records: HashMap<&'static str, Vec<String>>,
}

impl Source {
    pub fn open() -> Self {
        let (sent, received) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(&sent));
        });
        Self { port: received.recv().unwrap() }
    }
}

async fn serve(told: &std::sync::mpsc::Sender<u16>) {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let patients = RECORDS / (OBSERVATIONS + 1);
    let observations: Vec<String> = (0..RECORDS - patients).map(|nth| observation(nth, patients)).collect();
    let records =
        HashMap::from([("Patient", (0..patients).map(patient).collect()), ("Observation", observations)]);
    let app = Router::new()
        .route("/fhir/metadata", get(|| async { json(CAPABILITIES.to_owned()) }))
        .route("/fhir/{type}", get(search))
        .route("/fhir/{type}/{id}", get(read))
        .with_state(Arc::new(Kept { port, records }));
    told.send(port).unwrap();
    axum::serve(listener.tap_io(|stream| stream.set_nodelay(true).unwrap()), app).await.unwrap();
}

const CAPABILITIES: &str = r#"{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1","rest":[{"mode":"server","resource":[
{"type":"Patient","interaction":[{"code":"search-type"},{"code":"read"}]},{"type":"Observation","interaction":[{"code":"search-type"},{"code":"read"}]}]}]}"#;

fn json(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/fhir+json")], body).into_response()
}

fn at(nth: usize) -> String {
    Timestamp::from_seconds(FIRST_S + i64::try_from(nth).unwrap()).to_string()
}

fn patient(nth: usize) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"p{nth}","meta":{{"versionId":"1","lastUpdated":"{}"}},"identifier":[{{"system":"http://hospital.example/mrn","value":"{nth:08}"}}],"active":true,"name":[{{"use":"official","family":"Family{}","given":["Ana","Maria"]}}],"telecom":[{{"system":"phone","value":"+47 555 {nth:05}","use":"home"}}],"gender":"female","birthDate":"19{:02}-0{}-11","address":[{{"line":["{nth} Harbour Street"],"city":"Bergen","postalCode":"{:04}","country":"NO"}}]}}"#,
        at(nth),
        nth % 997,
        10 + nth % 90,
        1 + nth % 9,
        nth % 10_000
    )
}

fn observation(nth: usize, patients: usize) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"o{nth}","meta":{{"versionId":"1","lastUpdated":"{}"}},"status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"Vital Signs"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"8867-4","display":"Heart rate"}}],"text":"Heart rate"}},"subject":{{"reference":"Patient/p{}"}},"effectiveDateTime":"2025-0{}-1{}T08:{:02}:00Z","issued":"2025-12-01T08:00:00.000Z","valueQuantity":{{"value":{}.{},"unit":"beats/minute","system":"http://unitsofmeasure.org","code":"/min"}}}}"#,
        at(nth),
        nth % patients,
        1 + nth % 9,
        nth % 9,
        nth % 60,
        50 + nth % 70,
        nth % 10
    )
}

async fn search(
    State(kept): State<Arc<Kept>>,
    Path(of): Path<String>,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    let Some(all) = kept.records.get(of.as_str()) else { return StatusCode::NOT_FOUND.into_response() };
    let since =
        asked.get("_lastUpdated").and_then(|text| text.trim_start_matches("ge").parse::<Timestamp>().ok());
    let first =
        since.map_or(0, |since| usize::try_from(since.as_seconds() - FIRST_S).unwrap_or(0)).min(all.len());
    let count = asked.get("_count").and_then(|text| text.parse().ok()).unwrap_or(PAGE);
    let page = &all[first..(first + count).min(all.len())];
    let next = first + page.len();
    let link = match next < all.len() {
        true => format!(
            r#"{{"relation":"next","url":"http://127.0.0.1:{}/fhir/{of}?_lastUpdated=ge{}&_count={count}"}}"#,
            kept.port,
            at(next)
        ),
        false => String::new(),
    };
    let entries: Vec<String> =
        page.iter().map(|record| format!(r#"{{"resource":{record},"search":{{"mode":"match"}}}}"#)).collect();
    let entries = entries.join(",");
    json(format!(r#"{{"resourceType":"Bundle","type":"searchset","link":[{link}],"entry":[{entries}]}}"#))
}

async fn read(State(kept): State<Arc<Kept>>, Path((of, id)): Path<(String, String)>) -> Response {
    let nth = id.get(1..).and_then(|nth| nth.parse::<usize>().ok());
    let record = kept.records.get(of.as_str()).zip(nth).and_then(|(all, nth)| all.get(nth));
    record.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |record| json(record.clone()))
}
