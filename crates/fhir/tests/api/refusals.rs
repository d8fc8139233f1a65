//! Bad input: the right status, an OperationOutcome that names the place, and nothing is stored.

use http::Method;

use crate::stage::Calls;

const JSON: &str = "application/fhir+json";
const PATCH: &str = "application/json-patch+json";
const FORM: &str = "application/x-www-form-urlencoded";

fn deep(levels: usize) -> String {
    let (open, close) = (r#"{"extension":["#.repeat(levels), "]}".repeat(levels));
    format!(r#"{{"resourceType":"Patient","extension":[{open}{close}]}}"#)
}

fn bundle(entry: &str) -> String {
    format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{{"resourceType":"Patient"}},"request":{{"method":"POST","url":"Patient"}}}},{entry}]}}"#
    )
}

/// Method, address, media type, body; status, code of the issue, what is said.
type Case = (&'static str, &'static str, &'static str, String, u16, &'static str, &'static str);

fn cases() -> Vec<Case> {
    let s = |text: &str| text.to_owned();
    let patient = || s(r#"{"resourceType":"Patient"}"#);
    vec![
        ("POST", "Patient", JSON, s(r#"{"resourceType":"Patient","#), 400, "structure", "line 1"),
        ("POST", "Patient", JSON, s(""), 400, "structure", "MSG_CANT_PARSE_CONTENT"),
        ("POST", "Patient", JSON, s("[]"), 400, "", ""),
        ("POST", "Patient", JSON, s("\u{feff}7"), 400, "", ""),
        ("POST", "Patient", JSON, s(r#"{"resourceType":"Patient","active":true,"active":false}"#), 400, "structure", "stands twice"),
        ("POST", "Patient", JSON, s(r#"{"active":true}"#), 400, "invalid", "resourceType"),
        ("POST", "Patient", JSON, s(r#"{"resourceType":7}"#), 400, "", ""),
        ("POST", "Patient", JSON, s(r#"{"resourceType":"Observation"}"#), 400, "invalid", "resourceType"),
        ("POST", "Patient", JSON, deep(80), 400, "too-costly", "MSG_CANT_PARSE_CONTENT"),
        ("POST", "Patient", JSON, format!(r#"{{"resourceType":"Patient","x":"{}"}}"#, "x".repeat(16 << 20)), 413, "too-long", ""),
        ("POST", "Patient", "application/fhir+xml", s("<Patient xmlns=\"http://hl7.org/fhir\"><active"), 400, "structure", "line 1"),
        ("POST", "Patient", "application/fhir+xml", s("<Patient/>"), 400, "structure", "namespace"),
        ("POST", "Patient", "text/plain", patient(), 415, "not-supported", "Content-Type"),
        ("POST", "Alien", JSON, patient(), 404, "not-found", "MSG_UNKNOWN_TYPE"),
        ("POST", "patient", JSON, patient(), 404, "not-found", "MSG_UNKNOWN_TYPE"),
        ("PUT", "Patient/a_b", JSON, s(r#"{"resourceType":"Patient","id":"a_b"}"#), 400, "invalid", "\"id\""),
        ("PUT", "Patient/a", JSON, patient(), 400, "invalid", "MSG_RESOURCE_ID_MISSING"),
        ("PUT", "Patient/a", JSON, s(r#"{"resourceType":"Patient","id":"b"}"#), 400, "invalid", "MSG_RESOURCE_ID_MISMATCH"),
        ("PUT", "Patient/a", JSON, s(r#"{"resourceType":"Patient","id":7}"#), 400, "invalid", "\"id\""),
        ("PUT", "Patient?identifier=1", JSON, s(r#"{"resourceType":"Patient","id":"a_b"}"#), 400, "invalid", "\"id\""),
        ("PUT", "Patient?identifier=", JSON, patient(), 400, "invalid", "identifier"),
        ("PUT", "Patient?birthdate=soon", JSON, patient(), 400, "invalid", "birthdate"),
        ("PATCH", "Patient?birthdate=soon", PATCH, s("[]"), 400, "invalid", "birthdate"),
        ("PATCH", "Patient?active=true", PATCH, s(r#"[{"op":"shout","path":"/a"}]"#), 400, "invalid", "operation[0]"),
        ("PATCH", "Patient?active=true", PATCH, s("{"), 400, "invalid", ""),
        ("PATCH", "Patient?active=true", JSON, patient(), 400, "invalid", ""),
        ("PATCH", "Patient?active=true", FORM, s("a=b"), 415, "not-supported", ""),
        ("DELETE", "Patient?birthdate:exact=2020", JSON, s(""), 400, "invalid", "birthdate:exact"),
        ("POST", "Patient/_search", FORM, s("birthdate=soon"), 400, "invalid", "birthdate"),
        ("POST", "Patient/_search", JSON, s("{}"), 415, "not-supported", ""),
        ("POST", "_search", FORM, s("_type=Alien"), 400, "invalid", "_type"),
        ("GET", "Patient?_count=many", JSON, s(""), 400, "invalid", "_count"),
        ("GET", "Patient?_sort=colour", JSON, s(""), 400, "invalid", "_sort"),
        ("GET", "Patient?_include=Patient", JSON, s(""), 400, "invalid", "_include"),
        ("GET", "Patient?_cursor=x", JSON, s(""), 400, "invalid", "_cursor"),
        ("GET", "Patient?_lastUpdated=gt2020-99", JSON, s(""), 400, "invalid", "_lastUpdated"),
        ("GET", "Patient/_history?_count=many", JSON, s(""), 400, "invalid", "_count"),
        ("GET", "Patient/_history?_since=soon", JSON, s(""), 400, "invalid", "_since"),
        ("GET", "Patient?_format=turtle", JSON, s(""), 406, "not-supported", ""),
        ("POST", "", JSON, s(r#"{"resourceType":"Bundle","type":"batch","entry":7}"#), 400, "invalid", "Bundle.entry"),
        ("POST", "", JSON, bundle(r#"{"request":{"method":"PUT","url":"Patient/a_b"}}"#), 400, "invalid", "Bundle.entry[1]"),
        ("POST", "", JSON, bundle(r#"{"request":{"method":"PUT","url":"Patient/a"}}"#), 400, "invalid", "Bundle.entry[1]"),
        ("POST", "", JSON, bundle(r#"{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Alien"}}"#), 404, "not-found", "Bundle.entry[1]"),
        ("POST", "", JSON, bundle(r#"{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient","ifNoneExist":"birthdate=soon"}}"#), 400, "invalid", "Bundle.entry[1].birthdate"),
        ("POST", "", JSON, bundle(r#"{"request":{"method":"GET","url":"Patient","ifModifiedSince":"soon"}}"#), 400, "invalid", "Bundle.entry[1]"),
        ("POST", "", JSON, bundle(r#"{"resource":{"resourceType":"Observation","status":"maybe"},"request":{"method":"POST","url":"Observation"}}"#).replace("POST\",\"url\":\"Observation", "PUT\",\"url\":\"Observation/_history"), 400, "invalid", "Bundle.entry[1]"),
    ]
}

async fn call(by: &Calls<'_>, case: &Case) {
    let (method, path, media, body, status, code, words) = case;
    let path = if path.is_empty() { "/fhir".to_owned() } else { format!("/fhir/{path}") };
    let answer = by.call(method.parse::<Method>().unwrap(), &path, &[("content-type", media)], body).await;
    let shown: String = body.chars().take(200).collect();
    assert_eq!(answer.status, *status, "{method} {path} {shown}: {}", answer.body);
    let outcome = answer.json();
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{method} {path} {shown}");
    let issue = &outcome["issue"][0];
    assert!(code.is_empty() || issue["code"] == *code, "{method} {path} {shown}: {issue}");
    assert!(issue.to_string().contains(words), "{method} {path} {shown}: {issue}");
    assert!(
        issue["details"]["coding"][0]["code"].is_string() || *status != 400,
        "{method} {path} {shown}: {issue}"
    );
}

on_stage!(
    async fn bad_input_is_refused_with_its_place_and_nothing_is_stored(stage) {
        let system = stage.north();
        for case in cases() {
            call(&system, &case).await;
        }
        let kept = system.get("/fhir/_history").await.expect(200).json();
        assert!(kept.get("entry").is_none(), "{kept}");
    }
);
