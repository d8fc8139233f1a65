//! Input that is wrong as a whole: each has its clear finding, at its place, and none ends the checker.

use fhirpath::document::Format;
use kernel::Timestamp;
use validator::{Codes, Finding, Library, Package, Severity, Validator, check::Request};

use crate::cases;

fn found(library: &Library, bytes: &[u8], profiles: &[&str]) -> Vec<Finding> {
    let validator = Validator::new(library, Box::new(Codes::new(library)));
    let request = Request { profiles, now: Timestamp::from_seconds(1_760_000_000) };
    let format = if bytes.first() == Some(&b'<') { Format::Xml } else { Format::Json };
    validator.validate_bytes(bytes, format, &request).findings
}

/// `severity line:column text` of every error.
fn errors(library: &Library, bytes: &[u8]) -> Vec<String> {
    let found = found(library, bytes, &[]);
    let errors = found.iter().filter(|finding| finding.severity >= Severity::Error);
    errors
        .map(|one| format!("{} {}:{} {}", one.severity.as_str(), one.line, one.column, one.text()))
        .collect()
}

#[test]
fn what_cannot_be_read_is_one_fatal_finding() {
    let Some(library) = cases::base() else { return };
    let deep_json =
        format!("{{\"resourceType\":\"Patient\",\"a\":{}1{}", "{\"a\":".repeat(5000), "}".repeat(5001));
    let deep_xml = format!("<Patient xmlns=\"http://hl7.org/fhir\">{}", "<contact>".repeat(5000));
    let long_number = format!("{{\"resourceType\":\"Patient\",\"a\":{}}}", "9".repeat(100_000));
    let cases: &[(&[u8], &str)] = &[
        (b"", "fatal 1:1"),
        (b"\0", "fatal 1:1"),
        (b"Patient", "fatal 1:1"),
        (b"[1]", "fatal 1:1"),
        (b"{\"resourceType\":\n\"Patient\"", "fatal 2:10"),
        (b"{\"resourceType\":\"Patient\",}", "fatal 1:27"),
        (b"{\"resourceType\":\"Patient\"} {", "fatal 1:28"),
        (b"{\"resourceType\":\"Patient\",\"id\":\"a\",\n\"id\":\"b\"}", "fatal 2:2"),
        (b"{\"resourceType\":\"Patient\",\"id\":\"\xff\"}", "fatal 1:33"),
        (b"{\"resourceType\":\"Patient\",\"id\":\"\xed\xa0\x80\"}", "fatal 1:33"),
        (b"{\"resourceType\":\"Patient\",\"active\":tru}", "fatal 1:"),
        (b"{\"resourceType\":\"Patient\",\"a\":01}", "fatal 1:"),
        (b"{\"resourceType\":\"Patient\",\"a\":1e}", "fatal 1:"),
        (b"{\"resourceType\":\"Patient\",\"a\":-}", "fatal 1:"),
        (b"{\"resourceType\":\"Patient\",\"a\":\"\\q\"}", "fatal 1:"),
        (b"{\"resourceType\":\"Patient\",\"a\":[[1]]}", "fatal 1:"),
        (deep_json.as_bytes(), "fatal 1:"),
        (long_number.as_bytes(), "fatal 1:"),
        (b"<Patient", "fatal 1:"),
        (b"<Patient xmlns=\"http://hl7.org/fhir\">\n<id value=\"a\"/></Person>", "fatal 2:"),
        (b"<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"a\" value=\"b\"/></Patient>", "fatal 1:"),
        (b"<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"\xff\"/></Patient>", "fatal 1:"),
        (b"<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"&x;\"/></Patient>", "fatal 1:"),
        (b"<!DOCTYPE a [<!ENTITY x \"y\">]><Patient xmlns=\"http://hl7.org/fhir\"/>", "fatal 1:"),
        (b"<Patient/>", "fatal 1:"),
        (deep_xml.as_bytes(), "fatal 1:"),
    ];
    for (bytes, expected) in cases {
        let told = errors(&library, bytes);
        let shown = String::from_utf8_lossy(bytes.get(..80).unwrap_or(bytes));
        assert_eq!(told.len(), 1, "{shown}: {told:?}");
        assert!(told[0].starts_with(expected) && told[0].len() > expected.len() + 10, "{shown}: {told:?}");
    }
}

#[test]
fn numbers_beyond_all_measure_are_values_of_their_type_or_not() {
    let Some(library) = cases::base() else { return };
    let observation = |value: &str| {
        format!(
            "{{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{{\"text\":\"a\"}},\"valueQuantity\":{{\"value\":{value},\"unit\":\"mg\",\
             \"system\":\"http://unitsofmeasure.org\",\"code\":\"mg\"}},\"referenceRange\":[{{\"low\":{{\"value\":{value}}},\"high\":{{\"value\":1}}}}]}}"
        )
    };
    let digits = "9".repeat(200);
    let small = format!("0.{}1", "0".repeat(200));
    for value in ["1e308", "1e999999999", "-1e-999999999", "1E99999999999999999999", &digits, &small] {
        let told = errors(&library, observation(value).as_bytes());
        assert!(told.iter().all(|error| !error.starts_with("fatal")), "{value}: {told:?}");
    }
    for value in ["2147483648", "-2147483649", "99999999999999999999999999", "1e3", "1.5"] {
        let patient = format!("{{\"resourceType\":\"Patient\",\"multipleBirthInteger\":{value}}}");
        let told = errors(&library, patient.as_bytes());
        assert_eq!(told.len(), 1, "{value}: {told:?}");
        assert!(told[0].contains(value) && told[0].contains("integer"), "{told:?}");
    }
}

fn profile(name: &str, base: &str, elements: &str) -> (String, Vec<u8>) {
    let text = format!(
        "{{\"resourceType\":\"StructureDefinition\",\"url\":\"http://a.test/{name}\",\"name\":\"{name}\",\"status\":\"draft\",\"kind\":\"resource\",\
         \"abstract\":false,\"type\":\"Patient\",\"baseDefinition\":\"{base}\",\"derivation\":\"constraint\",\"differential\":{{\"element\":[{elements}]}}}}"
    );
    (format!("{name}.json"), text.into_bytes())
}

#[test]
fn profiles_that_lead_nowhere_or_in_a_circle_are_told() {
    let Some(base) = cases::base() else { return };
    let patient = "http://hl7.org/fhir/StructureDefinition/Patient";
    let of_itself = r#"{"path":"Patient.link","min":1},{"path":"Patient.link.other","type":[{"code":"Reference","targetProfile":["http://a.test/self"]}]}"#;
    let files = [
        profile("a", "http://a.test/b", ""),
        profile("b", "http://a.test/a", ""),
        profile("alone", "http://a.test/alone", ""),
        profile("orphan", "http://a.test/nowhere", ""),
        profile("self", patient, of_itself),
    ];
    let library = base.with([Package::of_files("files", files, base.definitions().as_ref())]);
    let resource = br#"{"resourceType":"Patient"}"#;
    for name in ["a", "b", "alone", "orphan"] {
        let url = format!("http://a.test/{name}");
        let told = found(&library, resource, &[&url]);
        let is_it = |one: &&Finding| {
            one.message_id() == "VALIDATION_VAL_PROFILE_NOSNAPSHOT" && one.text().contains(&url)
        };
        assert_eq!(told.iter().filter(is_it).count(), 1, "{name}: {told:?}");
    }
    let told = found(&library, resource, &["http://a.test/not-there"]);
    assert!(
        told.iter()
            .any(|one| one.severity == Severity::Error && one.text().contains("http://a.test/not-there"))
    );
    // Two that point to each other and have to be of the profile that says so.
    let bundle = r#"{"resourceType":"Bundle","type":"collection","entry":[
        {"fullUrl":"http://a.test/Patient/1","resource":{"resourceType":"Patient","id":"1","meta":{"profile":["http://a.test/self"]},"link":[{"other":{"reference":"Patient/2"},"type":"seealso"}]}},
        {"fullUrl":"http://a.test/Patient/2","resource":{"resourceType":"Patient","id":"2","link":[{"other":{"reference":"Patient/1"},"type":"seealso"}]}}]}"#;
    assert_eq!(errors(&library, bundle.as_bytes()), [""; 0]);
    let broken = bundle
        .replace(r#""id":"2","link":[{"other":{"reference":"Patient/1"},"type":"seealso"}]"#, r#""id":"2""#);
    assert_eq!(errors(&library, broken.as_bytes()).len(), 1, "its target has no link");
}

#[test]
fn a_rule_that_costs_too_much_is_told_and_ends() {
    let Some(base) = cases::base() else { return };
    let rule = r#"{"path":"Patient","constraint":[{"key":"slow-1","severity":"error","human":"slow",
        "expression":"descendants().all(%resource.descendants().count() > 0)"}]}"#;
    let file = profile("slow", "http://hl7.org/fhir/StructureDefinition/Patient", rule);
    let library = base.with([Package::of_files("files", [file], base.definitions().as_ref())]);
    let names = vec![r#"{"given":["a","b","c"]}"#; 2000].join(",");
    let patient = format!("{{\"resourceType\":\"Patient\",\"name\":[{names}]}}");
    let told = found(&library, patient.as_bytes(), &["http://a.test/slow"]);
    let slow = told.iter().find(|one| one.text().contains("slow-1")).unwrap();
    assert_eq!(
        (slow.message_id(), slow.severity >= Severity::Warning),
        ("FHIRPATH_INVARIANT_UNDECIDED", true)
    );
}
