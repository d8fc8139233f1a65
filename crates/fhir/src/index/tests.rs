//! What is extracted, against tables and against FHIRPath itself.

use std::{collections::BTreeMap, sync::LazyLock};

use fhirpath::{
    document::{Document, DocumentLimits, Element},
    evaluate::{Context, Evaluator, PortFault, Ports},
    path::Program,
};
use kernel::Timestamp;

use super::{Entries, Value, extract, extract::values_of};
use crate::{
    material,
    parameter::{Elements, Parameter, ParameterKind, Registry, ResourceType},
};

static R4: LazyLock<Registry> = LazyLock::new(|| Registry::r4().with_base("https://h.example/fhir"));

/// Values of one parameter, told in short.
fn told(json: &str, code: &str) -> Vec<String> {
    let document = Document::from_json(json.as_bytes(), &DocumentLimits::default()).unwrap();
    let entries = extract(document.root(), &R4).unwrap();
    let parameter = R4.parameter(entries.resource_type, code).unwrap();
    entries.of(parameter.id).map(tell).collect()
}

fn tell(value: &Value<'_>) -> String {
    let token =
        |token: &super::Token<'_>| format!("{}|{}", token.system.as_deref().unwrap_or_default(), token.code);
    let range = |range: &super::Range| {
        let end = |end: Option<fhirpath::value::Decimal>| end.map_or("*".to_owned(), |end| end.to_string());
        format!("{}..{}", end(range.lo), end(range.hi))
    };
    match value {
        Value::Token(own) => token(own),
        Value::TokenText(text) => format!("text {}", text.folded()),
        Value::TypedToken(own) => format!("type {}|{}|{}", own.type_system, own.type_code, own.value),
        Value::Text(text) => text.exact.to_string(),
        Value::Reference(reference) => format!("{reference:?}"),
        Value::Identifier(own) => format!("identifier {}", token(own)),
        Value::Date(own) => {
            let at = |at: i64| match at {
                i64::MIN | i64::MAX => "*".to_owned(),
                at => Timestamp::from_micros(at).to_string(),
            };
            format!("{}..{}", at(own.lo), at(own.hi))
        }
        Value::Number(own) => range(own),
        Value::Quantity(own) => {
            let canonical =
                own.canonical.as_ref().map(|own| format!(" = {} {}", range(&own.range), own.unit));
            format!(
                "{} {}{}",
                range(&own.range),
                own.code.as_deref().unwrap_or_default(),
                canonical.unwrap_or_default()
            )
        }
        Value::Uri(uri) => uri.to_string(),
        Value::Composite(parts) => parts.iter().map(tell).collect::<Vec<_>>().join(" & "),
        Value::Position(own) => format!("{} {}", own.latitude, own.longitude),
    }
}

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","meta":{"lastUpdated":"2024-05-06T07:08:09.123Z",
  "tag":[{"system":"urn:t","code":"a"}],"profile":["http://x.example/P|1"],"source":"urn:s#1"},
  "active":true,"gender":"male","birthDate":"1980-02","deceasedDateTime":"2020",
  "identifier":[{"system":"urn:nhs","value":"943","type":{"coding":[{"system":"urn:v2","code":"MR"}],"text":"Number"}}],
  "name":[{"family":"M\u00fcller","given":["Eva","Maria"],"text":"Eva M\u00fcller"}],
  "telecom":[{"system":"phone","value":"555"},{"system":"email","value":"e@x"}],
  "address":[{"line":["1 Way"],"city":"York","postalCode":"Y1"}],
  "generalPractitioner":[{"reference":"https://h.example/fhir/Practitioner/d1"},{"identifier":{"system":"urn:gp","value":"7"}}],
  "link":[{"other":{"reference":"Patient/p2"},"type":"seealso"}]}"#;

#[test]
fn a_patient_is_found_by_these() {
    let sorted = |mut values: Vec<String>| {
        values.sort();
        values
    };
    for (code, expected) in [
        ("_id", &["|p1"][..]),
        ("_lastUpdated", &["2024-05-06T07:08:09.123000Z..2024-05-06T07:08:09.123999Z"]),
        ("_tag", &["urn:t|a"]),
        ("_profile", &["http://x.example/P", "http://x.example/P|1"]),
        ("_source", &["urn:s#1"]),
        ("active", &["|true"]),
        ("gender", &["http://hl7.org/fhir/administrative-gender|male"]),
        ("birthdate", &["1980-02-01T00:00:00.000000Z..1980-02-29T23:59:59.999999Z"]),
        ("death-date", &["2020-01-01T00:00:00.000000Z..2020-12-31T23:59:59.999999Z"]),
        ("deceased", &["|true"]),
        ("identifier", &["text number", "type urn:v2|MR|943", "urn:nhs|943"]),
        ("family", &["Müller"]),
        ("given", &["Eva", "Maria"]),
        ("name", &["Eva", "Eva Müller", "Maria", "Müller"]),
        ("phonetic", &["Eva", "Eva Müller", "Maria", "Müller"]),
        ("phone", &["|555"]),
        ("email", &["|e@x"]),
        ("telecom", &["|555", "|e@x"]),
        ("address", &["1 Way", "Y1", "York"]),
        ("address-city", &["York"]),
        (
            "general-practitioner",
            &["Local { resource_type: Practitioner, id: \"d1\", version: None }", "identifier urn:gp|7"],
        ),
        ("language", &[]),
    ] {
        assert_eq!(sorted(told(PATIENT, code)), expected, "{code}");
    }
}

#[test]
fn an_observation_is_found_by_these() {
    let json = r#"{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1-8","display":"Mass"}],"text":"mass"},
      "subject":{"reference":"Patient/p1"},"effectivePeriod":{"start":"2024-01-01"},
      "valueQuantity":{"value":2.50,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"},
      "component":[{"code":{"coding":[{"system":"s","code":"a"},{"code":"b"}]},"valueQuantity":{"value":5,"comparator":"<"}},
                   {"code":{"coding":[{"system":"s","code":"c"}]},"valueCodeableConcept":{"coding":[{"system":"s","code":"v"}]}}]}"#;
    for (code, expected) in [
        ("code", &["http://loinc.org|1-8", "text mass", "text mass"][..1]),
        ("status", &["http://hl7.org/fhir/observation-status|final"]),
        ("date", &["2024-01-01T00:00:00.000000Z..*"]),
        ("value-quantity", &["2.50..2.50 mg = 0.0025..0.0025 g"]),
        ("component-value-quantity", &["*..5 "]),
        ("code-value-quantity", &["http://loinc.org|1-8 & 2.50..2.50 mg = 0.0025..0.0025 g"]),
        ("component-code-value-quantity", &["|b & *..5 ", "s|a & *..5 "]),
        ("component-code-value-concept", &["s|c & s|v"]),
        ("combo-code-value-concept", &["s|c & s|v"]),
    ] {
        let mut values = told(json, code);
        values.retain(|value| !value.starts_with("text "));
        assert_eq!(values, expected, "{code}");
    }
    assert_eq!(told(json, "code").len(), 3);
    let document = Document::from_json(json.as_bytes(), &DocumentLimits::default()).unwrap();
    let entries = extract(document.root(), &R4).unwrap();
    let whose: Vec<_> = entries.compartments.iter().map(|own| (own.compartment.as_str(), &*own.id)).collect();
    assert_eq!(whose, [("Patient", "p1")]);
}

#[test]
fn other_kinds_of_values_are_found() {
    let location = r#"{"resourceType":"Location","position":{"longitude":-83.69,"latitude":42.25}}"#;
    let set = r#"{"resourceType":"ValueSet","url":"http://x.example/vs","compose":{"include":[{"system":"urn:a"}]}}"#;
    let risk = r#"{"resourceType":"RiskAssessment","prediction":[{"probabilityDecimal":0.25},{"probabilityRange":{"high":{"value":9}}}]}"#;
    let timing =
        r#"{"resourceType":"ServiceRequest","occurrenceTiming":{"event":["2024-01-02","2024-03-04"]}}"#;
    let bundle = r#"{"resourceType":"Bundle","type":"message","entry":[{"resource":{"resourceType":"MessageHeader","id":"m"}},{"resource":{"resourceType":"Patient","id":"p"}}]}"#;
    let answers = r#"{"resourceType":"QuestionnaireResponse","questionnaire":"http://x.example/q|2"}"#;
    let telecom = r#"{"resourceType":"Patient","telecom":[{"system":"phone","value":"1\n2"},{"value":"3"}]}"#;
    let sequence = r#"{"resourceType":"MolecularSequence","coordinateSystem":1,"referenceSeq":{"chromosome":{"coding":[{"code":"17"}]}},"variant":[{"start":3,"end":4}]}"#;
    let relates = r##"{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"c"}],"subject":{"reference":"#c"}}"##;
    for (json, code, expected) in [
        (location, "near", &["42.25 -83.69"][..]),
        (set, "url", &["http://x.example/vs"]),
        (set, "reference", &["urn:a"]),
        (risk, "probability", &["*..9", "0.25..0.25"]),
        (timing, "occurrence", &["2024-01-02T00:00:00.000000Z..2024-03-04T23:59:59.999999Z"]),
        (bundle, "message", &["Local { resource_type: MessageHeader, id: \"m\", version: None }"]),
        (answers, "questionnaire", &["Canonical { url: \"http://x.example/q\", version: Some(\"2\") }"]),
        (telecom, "phone", &["|1\n2"]),
        (sequence, "chromosome-variant-coordinate", &["|17 & 3..3 & 4..4"]),
        (relates, "subject", &[]),
    ] {
        assert_eq!(told(json, code), expected, "{code}");
    }
}

#[test]
fn what_is_no_resource_of_r4_has_no_values() {
    for json in ["{}", r#"{"resourceType":"Nothing"}"#] {
        let document = Document::from_json(json.as_bytes(), &DocumentLimits::default()).unwrap();
        assert_eq!(extract(document.root(), &R4), None);
    }
}

/// Whatever a reference leads to is a record of the type that it names.
struct Named;

static NAMED: LazyLock<BTreeMap<&'static str, Document<'static>>> = LazyLock::new(|| {
    let document = |of: ResourceType| {
        let json: &'static str = Box::leak(format!(r#"{{"resourceType":"{of}"}}"#).into_boxed_str());
        Document::from_json(json.as_bytes(), &DocumentLimits::default()).unwrap()
    };
    ResourceType::all().map(|of| (of.as_str(), document(of))).collect()
});

impl<'d> Ports<'d> for Named {
    fn resolve(&self, reference: &str, from: Element<'d>) -> Result<Option<Element<'d>>, PortFault> {
        let written = reference.split_once('?').map(|(of, _)| of);
        let said = from.child("type").and_then(|of| of.text());
        let named = written.or_else(|| reference.split('/').rev().nth(1)).or(said.as_deref());
        Ok(named.and_then(|named| NAMED.get(named)).map(Document::root))
    }
}

/// R4's `as` takes one item (N1), its search parameters give it several.
fn of_many(expression: &str) -> String {
    let mut text = expression.replace(".as(", ".ofType(");
    while let Some(at) = text.find(" as ") {
        let end =
            text[at + 4..].find(|c: char| !c.is_ascii_alphanumeric()).map_or(text.len(), |end| at + 4 + end);
        text = format!("{}.ofType({}){}", &text[..at], &text[at + 4..end], &text[end..]);
    }
    text
}

/// Each parameter's expression run by FHIRPath selects the same values as the walk over all paths at once.
pub(super) fn compare(
    record: Element<'_>,
    programs: &mut BTreeMap<String, Program>,
    counts: &mut BTreeMap<String, usize>,
) {
    let model = Elements::r4();
    let entries: Entries<'_> = extract(record, &R4).unwrap();
    assert!(entries.unindexed.is_empty());
    let mut evaluator = Evaluator::new(Context::new(model, Timestamp::from_seconds(0)).with_ports(&Named));
    // A record within a Bundle is no value that FHIRPath knows.
    let simple = |parameter: &&std::sync::Arc<Parameter>| {
        parameter.kind != ParameterKind::Composite && !parameter.expression.starts_with("Bundle.entry")
    };
    for parameter in R4.parameters(entries.resource_type).filter(simple) {
        let program = programs
            .entry(parameter.url.to_string())
            .or_insert_with(|| Program::compile(&of_many(&parameter.expression), model).unwrap());
        let items = evaluator.evaluate(program, record.into()).unwrap();
        let mut expected: Vec<Value<'_>> = Vec::new();
        for item in items {
            values_of(parameter.kind, item, R4.base(), &mut |value| expected.push(value));
        }
        let order = |a: &Value<'_>, b: &Value<'_>| a.partial_cmp(b).unwrap();
        expected.sort_by(order);
        expected.dedup();
        let found: Vec<Value<'_>> = entries.of(parameter.id).cloned().collect();
        assert_eq!(found, expected, "{} of {:?}", parameter.url, record);
        *counts.entry(parameter.kind.as_str().to_owned()).or_default() += found.len();
    }
}

#[test]
fn synthetic_patients_are_found_by_what_fhirpath_selects() {
    let Some(data) = material::data("synthetic_patients_are_found_by_what_fhirpath_selects") else { return };
    let (mut programs, mut counts, mut records) = (BTreeMap::new(), BTreeMap::new(), 0);
    for bundle in material::bundles(&data, 1) {
        let document = Document::from_json(&bundle, &DocumentLimits::default()).unwrap();
        for entry in document.root().children().filter(|child| child.name() == "entry") {
            compare(entry.child("resource").unwrap(), &mut programs, &mut counts);
            records += 1;
        }
    }
    eprintln!("{records} records: {counts:?}");
    assert!(
        records > 1000 && counts.values().filter(|count| **count > 0).count() >= 6,
        "{records} {counts:?}"
    );
}

#[test]
fn examples_of_guides_are_found_by_what_fhirpath_selects() {
    let Some(data) = material::data("examples_of_guides_are_found_by_what_fhirpath_selects") else { return };
    let (mut programs, mut counts, mut types) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::<_, usize>::new());
    let mut packages: Vec<_> =
        std::fs::read_dir(data.join("fhir/packages")).unwrap().map(|own| own.unwrap().path()).collect();
    packages.retain(|path| path.extension().is_some_and(|extension| extension == "tgz"));
    for path in packages {
        for (name, bytes) in material::package(&path) {
            // Definitions are many and large: some of them do.
            let is_core = path.to_string_lossy().contains("core-4.0.1")
                || path.to_string_lossy().contains("terminology");
            if name.ends_with("package.json") || name.contains("/.") || is_core && bytes.len() % 64 != 0 {
                continue;
            }
            let Ok(document) = Document::from_json(&bytes, &DocumentLimits::default()) else { continue };
            // Some packages carry resources of other releases.
            let of = document.root().resource_type().and_then(|of| ResourceType::named(&of));
            let Some(of) = of else { continue };
            *types.entry(of).or_default() += 1;
            compare(document.root(), &mut programs, &mut counts);
        }
    }
    eprintln!("{} examples, {types:?}: {counts:?}", types.values().sum::<usize>());
    assert!(
        types.len() >= 30 && counts.values().filter(|count| **count > 0).count() >= 6,
        "{types:?} {counts:?}"
    );
}
