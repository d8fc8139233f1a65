//! Small resources with one fault each, and resources that mean harm.

use std::sync::OnceLock;

use fhirpath::document::Format;
use kernel::Timestamp;
use validator::{
    Codes, Library, Package, Severity, Validator,
    check::{MustSupport, Request},
};

use crate::cases;

fn library() -> Option<&'static Library> {
    static LIBRARY: OnceLock<Option<Library>> = OnceLock::new();
    LIBRARY.get_or_init(cases::base).as_ref()
}

/// `expression message-id` of every error.
fn errors(text: &str) -> Option<Vec<String>> {
    let library = library()?;
    let validator = Validator::new(library, Box::new(Codes::new(library)));
    let request = Request { profiles: &[], now: Timestamp::from_seconds(1_760_000_000) };
    let format = if text.starts_with('<') { Format::Xml } else { Format::Json };
    let outcome = validator.validate_bytes(text.as_bytes(), format, &request);
    let errors = outcome.findings.iter().filter(|finding| finding.severity >= Severity::Error);
    Some(errors.map(|error| format!("{} {}", error.expression, error.message_id())).collect())
}

/// What is wrong, and what is said of it.
const FAULTS: &[(&str, &[&str])] = &[
    (r#"{"resourceType":"Patient","name":[{"family":"a"}]}"#, &[]),
    (r#"{"resourceType":"Chicken"}"#, &["Chicken This_does_not_appear_to_be_a_FHIR_resource_unknown_name_"]),
    (r#"{"a":1}"#, &["$this Unable_to_find_resourceType_property"]),
    (r#"{"resourceType":"Patient","colour":"red"}"#, &["Patient Unrecognised_property_"]),
    (
        r#"{"resourceType":"Patient","name":{"family":"a"}}"#,
        &["Patient.name This_property_must_be_an_Array_not_"],
    ),
    (r#"{"resourceType":"Patient","gender":["male"]}"#, &["Patient.gender This_property_must_be__not_"]),
    (
        r#"{"resourceType":"Patient","active":"true"}"#,
        &["Patient.active Error_parsing_JSON_the_primitive_value_must_be_a_"],
    ),
    (r#"{"resourceType":"Patient","name":[]}"#, &["Patient.name ARRAY_CANNOT_BE_EMPTY"]),
    (r#"{"resourceType":"Patient","name":[{}]}"#, &["Patient.name[0] Object_must_have_some_content"]),
    (
        r#"{"resourceType":"Patient","birthDate":"2024-02-30"}"#,
        &["Patient.birthDate Type_Specific_Checks_DT_Date_Valid"],
    ),
    (
        r#"{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2020"}"#,
        &["Patient Unrecognised_property_"],
    ),
    (r#"{"resourceType":"Patient","id":"a_b"}"#, &["Patient.id RESOURCE_ID_CHARACTERS"]),
    (
        r#"{"resourceType":"Patient","birthDate":{"a":1}}"#,
        &["Patient.birthDate This_property_must_be_an_simple_value_not_"],
    ),
    (r#"{"resourceType":"Patient","name":["a"]}"#, &["Patient.name[0] This_property_must_be_an_object_not_"]),
    (
        r#"{"resourceType":"Observation","code":{"text":"a"}}"#,
        &["Observation Validation_VAL_Profile_Minimum"],
    ),
    (
        r#"{"resourceType":"Observation","status":"final","code":{"text":"a"},"subject":{"reference":"Practitioner/1"}}"#,
        &["Observation.subject Reference_REF_BadTargetType2"],
    ),
    (
        r##"{"resourceType":"Patient","generalPractitioner":[{"reference":"#a"}]}"##,
        &[
            "Patient.generalPractitioner[0] Reference_REF_CantResolve",
            "Patient.generalPractitioner[0] http://hl7.org/fhir/tools/invariant#broken",
        ],
    ),
    (
        r#"{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a","name":"a"}]}"#,
        &["Patient.contained[0] Reference_REF_NotReferred"],
    ),
    (
        r#"{"resourceType":"Patient","contact":[{"gender":"male"}]}"#,
        &["Patient.contact[0] http://hl7.org/fhir/tools/invariant#broken"],
    ),
    (
        r#"{"resourceType":"Patient","extension":[{"url":"http://nobody.test/a","valueString":"a"}]}"#,
        &["Patient.extension[0] Extension_EXT_Unknown_NotHere"],
    ),
    (
        r#"{"resourceType":"Patient","name":[{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueBoolean":true}]}]}"#,
        &["Patient.name[0].extension[0] Extension_EXT_Type"],
    ),
    (
        r#"{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"a","resource":{"resourceType":"Patient"}}]}"#,
        &["Bundle.entry[0] BUNDLE_ENTRY_URL_ABSOLUTE"],
    ),
    (
        r#"{"resourceType":"Patient","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}"#,
        &["Patient Extension_EXTP_Context_Wrong"],
    ),
    (
        r#"<Patient xmlns="http://hl7.org/fhir"><gender value="male"/><active value="true"/></Patient>"#,
        &["Patient.active Validation_VAL_Profile_OutOfOrder"],
    ),
    (
        r#"<Patient xmlns="http://hl7.org/fhir"><colour value="red"/></Patient>"#,
        &["/f:Patient Undefined_element_"],
    ),
    (
        r#"{"resourceType":"ExampleScenario","status":"draft","instance":[{"resourceId":"a","resourceType":"Patient"}]}"#,
        &[],
    ),
    (
        r#"{"resourceType":"Observation","status":"final","code":{"text":"a"},"valueQuantity":{"value":1.0E-245}}"#,
        &[],
    ),
    (
        r#"{"resourceType":"Observation","status":"final","code":{"text":"a"},"performer":[{"reference":"Patient/http://a/Encounter/1"}]}"#,
        &[],
    ),
    (
        r#"{"resourceType":"RiskAssessment","status":"final","subject":{"display":"a"},"prediction":[{"outcome":{"text":"a"}}]}"#,
        &[],
    ),
];

#[test]
fn one_fault_is_one_finding() {
    for (text, expected) in FAULTS {
        let Some(mut found) = errors(text) else { return };
        found.sort();
        assert_eq!(found, *expected, "{text}");
    }
}

/// A profile whose invariants ask a profile and a value set.
#[test]
fn invariants_ask_profiles_and_value_sets() {
    let Some(library) = library() else { return };
    let profile = r#"{"resourceType":"StructureDefinition","url":"http://a.test/p","name":"P","status":"draft","kind":"resource","abstract":false,
        "type":"Observation","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Observation","derivation":"constraint",
        "differential":{"element":[{"id":"Observation","path":"Observation","constraint":[
            {"key":"a-1","severity":"error","human":"is a body weight","expression":"conformsTo('http://hl7.org/fhir/StructureDefinition/bodyweight')"},
            {"key":"a-2","severity":"error","human":"is final","expression":"status.memberOf('http://hl7.org/fhir/ValueSet/observation-status')"}]}]}}"#;
    let files = [("p.json".to_owned(), profile.as_bytes().to_vec())];
    let library = library.with([Package::of_files("p", files, library.definitions().as_ref())]);
    let validator = Validator::new(&library, Box::new(Codes::new(&library)));
    let request = Request { profiles: &["http://a.test/p"], now: Timestamp::from_seconds(0) };
    let broken = |text: &str| -> Vec<String> {
        let outcome = validator.validate_bytes(text.as_bytes(), Format::Json, &request);
        let broken = outcome.findings.iter().filter(|finding| {
            finding.severity == Severity::Error && finding.message_id().ends_with("invariant#broken")
        });
        broken.map(|finding| finding.arguments[0].to_string()).collect()
    };
    let weight = r#"{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],
        "code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}]},"subject":{"reference":"Patient/1"},"effectiveDateTime":"2020-01-01",
        "valueQuantity":{"value":1,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}}"#;
    assert_eq!(broken(weight), [""; 0]);
    assert_eq!(broken(&weight.replace("29463-7", "1234-5")), ["a-1"]);
    assert_eq!(broken(&weight.replace("final", "finished")), ["a-1", "a-2"]);
}

#[test]
fn must_support_is_told_on_request() {
    let Some(library) = library() else { return };
    let profile = r#"{"resourceType":"StructureDefinition","url":"http://a.test/m","name":"M","status":"draft","kind":"resource","abstract":false,
        "type":"Patient","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","derivation":"constraint",
        "differential":{"element":[{"id":"Patient.name","path":"Patient.name","mustSupport":true},
            {"id":"Patient.name.family","path":"Patient.name.family","mustSupport":true},
            {"id":"Patient.birthDate","path":"Patient.birthDate","mustSupport":true,
             "extension":[{"url":"http://hl7.org/fhir/StructureDefinition/obligation","extension":[{"url":"code","valueCode":"SHALL:populate"}]}]},
            {"id":"Patient.contact","path":"Patient.contact"},
            {"id":"Patient.contact.name","path":"Patient.contact.name","mustSupport":true}]}}"#;
    let files = [("m.json".to_owned(), profile.as_bytes().to_vec())];
    let library = library.with([Package::of_files("m", files, library.definitions().as_ref())]);
    let request = Request { profiles: &["http://a.test/m"], now: Timestamp::from_seconds(0) };
    let told = |must_support| {
        let validator =
            Validator::new(&library, Box::new(Codes::new(&library))).with_must_support(must_support);
        let patient = br#"{"resourceType":"Patient","name":[{"family":"a"},{"text":"b"}]}"#;
        let findings = validator.validate_bytes(patient, Format::Json, &request).findings;
        let told = findings.iter().filter(|finding| finding.message_id().starts_with("MUST_SUPPORT"));
        assert!(told.clone().all(|finding| finding.severity == Severity::Information));
        told.map(|finding| format!("{} {}", finding.expression, finding.text())).collect::<Vec<_>>()
    };
    let absent = |at: &str, what: &str| {
        format!("{at} the must-support element `{what}` is not there (asked by http://a.test/m)")
    };
    let present = |at: &str, what: &str, count: u32| {
        format!("{at} the must-support element `{what}` is there {count} times (asked by http://a.test/m)")
    };
    let mut reported = told(MustSupport::Reported);
    reported.sort();
    // Nothing is told of a contact that is not there.
    let mut expected = [
        present("Patient", "Patient.name", 2),
        absent("Patient", "Patient.birthDate"),
        present("Patient.name[0]", "Patient.name.family", 1),
        absent("Patient.name[1]", "Patient.name.family"),
    ];
    expected.sort();
    assert_eq!(reported, expected);
    assert_eq!(told(MustSupport::Ignored), [""; 0], "and nobody is told who has not asked");
}

/// Everything within itself as deep as the reader allows, in a thread with the stack that threads have.
#[test]
fn what_is_deep_ends() {
    let deep = |before: &str, open: &str, inner: &str, close: &str, after: &str, depth: usize| {
        format!("{before}{}{inner}{}{after}", open.repeat(depth), close.repeat(depth))
    };
    let texts = [
        deep(
            r#"{"resourceType":"Patient","#,
            r#""extension":[{"url":"http://a.test/b","#,
            r#""id":"a""#,
            "}]",
            "}",
            60,
        ),
        deep(
            r#"{"resourceType":"Questionnaire","status":"draft","#,
            r#""item":[{"linkId":"a","type":"group","#,
            r#""text":"a""#,
            "}]",
            "}",
            60,
        ),
        deep(
            "",
            r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":"#,
            r#"{"resourceType":"Patient"}"#,
            "}]}",
            "",
            30,
        ),
        deep(
            "",
            r#"{"resourceType":"Parameters","parameter":[{"name":"a","resource":"#,
            r#"{"resourceType":"Patient"}"#,
            "}]}",
            "",
            30,
        ),
    ];
    for text in texts {
        let Some(_found) = errors(&text) else { return };
    }
}

/// Many references to many contained resources, many links, many findings: no two of them are multiplied.
#[test]
fn what_is_large_ends() {
    let count = 3000;
    let contained: Vec<String> = (0..count)
        .map(|at| format!(r#"{{"resourceType":"Organization","id":"o{at}","name":"a"}}"#))
        .collect();
    let references: Vec<String> = (0..count).map(|at| format!(r##"{{"reference":"#o{at}"}}"##)).collect();
    let text = format!(
        r#"{{"resourceType":"Patient","contained":[{}],"generalPractitioner":[{}]}}"#,
        contained.join(","),
        references.join(",")
    );
    let Some(found) = errors(&text) else { return };
    assert_eq!(found, [""; 0]);
    let names = vec![r#"{"a":1}"#; 12_000].join(",");
    let found = errors(&format!(r#"{{"resourceType":"Patient","name":[{names}]}}"#)).unwrap();
    assert_eq!(found.len(), validator::check::FINDINGS_MAX);
}

/// Every cut and every changed byte of a resource ends with an outcome.
#[test]
fn what_is_broken_ends() {
    let text = r##"{"resourceType":"Observation","meta":{"profile":["http://hl7.org/fhir/StructureDefinition/bp"]},"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"#x\">x</a></div>"},"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},"effectiveDateTime":"2020-01-01","valueQuantity":{"value":1.0,"system":"http://unitsofmeasure.org","code":"mg"},"_status":{"extension":[{"url":"a"}]}}"##;
    let Some(library) = library() else { return };
    let validator = Validator::new(library, Box::new(Codes::new(library)));
    let request = Request { profiles: &[], now: Timestamp::from_seconds(0) };
    for at in (0..text.len()).step_by(3) {
        let cut = text.as_bytes().get(..at).unwrap_or_default();
        assert!(!validator.validate_bytes(cut, Format::Json, &request).is_valid());
        for byte in [b'"', b'{', b'[', b'0', b' ', b'#'] {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = byte;
            let outcome = validator.validate_bytes(&changed, Format::Json, &request);
            assert!(outcome.findings.iter().all(|finding| !finding.text().is_empty()));
        }
    }
}
