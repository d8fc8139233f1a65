//! FHIRPath Patch: each operation, each of its faults, and that nothing else of the resource changes.

use fhirpath::{
    document::{Document, DocumentLimits},
    model::Model,
    patch::{Patch, PatchFault},
};
use kernel::Timestamp;

const PATIENT: &str = r#"{ "resourceType": "Patient", "id": "p", "active": true,
  "name": [ { "family": "Chalmers", "given": [ "Peter", "James" ] } ],
  "identifier": [ { "system": "a", "value": "1" }, { "system": "b", "value": "2" }, { "system": "c", "value": "3" } ],
  "birthDate": "1974-12-25", "_birthDate": { "extension": [ { "url": "t", "valueDecimal": 1.50 } ] },
  "deceasedBoolean": false, "contact": [ { "name": { "text": "caf\u00e9" } } ] }"#;

/// One operation, its parts as JSON.
fn operation(parts: &[(&str, &str)]) -> String {
    let parts: Vec<String> =
        parts.iter().map(|(name, value)| format!(r#"{{"name":"{name}",{value}}}"#)).collect();
    format!(r#"{{"name":"operation","part":[{}]}}"#, parts.join(","))
}

fn parameters(operations: &[String]) -> String {
    format!(r#"{{"resourceType":"Parameters","parameter":[{}]}}"#, operations.join(","))
}

fn patch(model: &dyn Model, operations: &[String]) -> Result<String, PatchFault> {
    let limits = DocumentLimits::default();
    let text = parameters(operations);
    let parameters = Document::from_json(text.as_bytes(), &limits).unwrap();
    let patient = Document::from_json(PATIENT.as_bytes(), &limits).unwrap();
    Patch::read(parameters.root())?.apply(&patient, model, &limits, Timestamp::from_seconds(0))
}

fn whole() -> String {
    let document = Document::from_json(PATIENT.as_bytes(), &DocumentLimits::default()).unwrap();
    document.root().to_compact_json()
}

/// The parts, and what of the resource becomes what.
type Case<'c> = (Vec<(&'c str, String)>, &'c str, &'c str);

#[test]
fn each_operation_changes_what_it_names() {
    let Some(data) = super::r4::data("each_operation_changes_what_it_names") else { return };
    let model = super::r4::model(&data);
    let text = |value: &str| format!(r#""valueString":"{value}""#);
    let number = |value: &str| format!(r#""valueInteger":{value}"#);
    let cases: Vec<Case<'_>> = vec![
        (
            vec![("type", r#""valueCode":"add""#.into()), ("path", text("Patient")), ("name", text("gender")), ("value", r#""valueCode":"male""#.into())],
            r#""contact":[{"name":{"text":"caf\u00e9"}}]"#,
            r#""contact":[{"name":{"text":"caf\u00e9"}}],"gender":"male""#,
        ),
        (
            vec![("type", text("add")), ("path", text("Patient.name.first()")), ("name", text("given")), ("value", text("Jim"))],
            r#""given":["Peter","James"]"#,
            r#""given":["Peter","James","Jim"]"#,
        ),
        (
            vec![("type", text("add")), ("path", text("Patient.name.first()")), ("name", text("prefix")), ("value", text("Dr"))],
            r#""given":["Peter","James"]"#,
            r#""given":["Peter","James"],"prefix":["Dr"]"#,
        ),
        (
            vec![("type", text("add")), ("path", text("Patient.active")), ("name", text("extension")), ("value", r#""valueExtension":{"url":"u","valueCode":"x"}"#.into())],
            r#""active":true"#,
            r#""active":true,"_active":{"extension":[{"url":"u","valueCode":"x"}]}"#,
        ),
        (
            vec![
                ("type", text("add")),
                ("path", text("Patient")),
                ("name", text("contact")),
                ("value", r#""part":[{"name":"name","valueHumanName":{"text":"a"}},{"name":"relationship","valueCodeableConcept":{"text":"b"}}]"#.into()),
            ],
            r#""contact":[{"name":{"text":"caf\u00e9"}}]"#,
            r#""contact":[{"name":{"text":"caf\u00e9"}},{"name":{"text":"a"},"relationship":[{"text":"b"}]}]"#,
        ),
        (
            vec![("type", text("insert")), ("path", text("Patient.identifier")), ("index", number("1")), ("value", r#""valueIdentifier":{"value":"n"}"#.into())],
            r#"{"system":"b""#,
            r#"{"value":"n"},{"system":"b""#,
        ),
        (
            vec![("type", text("insert")), ("path", text("Patient.telecom")), ("index", number("0")), ("value", r#""valueContactPoint":{"value":"n"}"#.into())],
            r#""contact":[{"name":{"text":"caf\u00e9"}}]"#,
            r#""contact":[{"name":{"text":"caf\u00e9"}}],"telecom":[{"value":"n"}]"#,
        ),
        (
            vec![("type", text("delete")), ("path", text("Patient.identifier[1]"))],
            r#"{"system":"b","value":"2"},"#,
            "",
        ),
        (
            vec![("type", text("delete")), ("path", text("Patient.birthDate"))],
            r#""birthDate":"1974-12-25","_birthDate":{"extension":[{"url":"t","valueDecimal":1.50}]},"#,
            "",
        ),
        (
            vec![("type", text("delete")), ("path", text("Patient.birthDate.extension"))],
            r#","_birthDate":{"extension":[{"url":"t","valueDecimal":1.50}]}"#,
            "",
        ),
        (vec![("type", text("delete")), ("path", text("Patient.maritalStatus"))], "", ""),
        (
            vec![("type", text("replace")), ("path", text("Patient.name.family")), ("value", text("O\\\"Neill"))],
            r#""family":"Chalmers""#,
            r#""family":"O\"Neill""#,
        ),
        (
            vec![("type", text("replace")), ("path", text("Patient.name.given[1]")), ("value", text("Jim"))],
            r#""James""#,
            r#""Jim""#,
        ),
        (
            vec![("type", text("replace")), ("path", text("Patient.deceased")), ("value", r#""valueDateTime":"2020""#.into())],
            r#""deceasedBoolean":false"#,
            r#""deceasedDateTime":"2020""#,
        ),
        (
            vec![("type", text("move")), ("path", text("Patient.identifier")), ("source", number("2")), ("destination", number("0"))],
            r#"{"system":"a","value":"1"},{"system":"b","value":"2"},{"system":"c","value":"3"}"#,
            r#"{"system":"c","value":"3"},{"system":"a","value":"1"},{"system":"b","value":"2"}"#,
        ),
    ];
    for (parts, old, new) in cases {
        let parts: Vec<(&str, &str)> = parts.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let expected = whole().replacen(old, new, usize::from(!old.is_empty()));
        let found = patch(model, &[operation(&parts)]).unwrap_or_else(|fault| panic!("{parts:?}: {fault}"));
        assert!(old.is_empty() || whole().contains(old), "{old}");
        let found = Document::from_json(found.as_bytes(), &DocumentLimits::default()).unwrap();
        assert_eq!(found.root().to_compact_json(), expected, "{parts:?}");
    }
}

#[test]
fn what_cannot_be_done_is_told_and_nothing_is() {
    let Some(data) = super::r4::data("what_cannot_be_done_is_told_and_nothing_is") else { return };
    let model = super::r4::model(&data);
    for (parts, expected) in [
        (
            vec![("type", "add"), ("path", "Patient"), ("name", "birthDate"), ("value", "2020")],
            "`birthDate` is there already",
        ),
        (
            vec![("type", "add"), ("path", "Patient"), ("name", "nonsense"), ("value", "x")],
            "no element `nonsense`",
        ),
        (
            vec![("type", "add"), ("path", "Patient"), ("name", "resourceType"), ("value", "x")],
            "no element `resourceType`",
        ),
        (vec![("type", "add"), ("path", "Patient"), ("name", "a\\\":1,\\\"b"), ("value", "x")], "no element"),
        (
            vec![("type", "add"), ("path", "Patient"), ("name", "deceased"), ("value", "x")],
            "cannot stand where a `deceased[x]`",
        ),
        (
            vec![("type", "add"), ("path", "Patient"), ("name", "maritalStatus"), ("value", "x")],
            "type `String` cannot stand where a `CodeableConcept`",
        ),
        (
            vec![("type", "add"), ("path", "Patient.identifier"), ("name", "type"), ("value", "x")],
            "leads to 3 elements",
        ),
        (
            vec![("type", "add"), ("path", "Patient.photo"), ("name", "url"), ("value", "x")],
            "leads to 0 elements",
        ),
        (vec![("type", "delete"), ("path", "Patient.identifier")], "leads to 3 elements"),
        (vec![("type", "delete"), ("path", "Patient")], "cannot be changed here"),
        (vec![("type", "delete"), ("path", "1 + 1")], "cannot be changed here"),
        (vec![("type", "delete"), ("path", "Patient.")], "no expression"),
        (vec![("type", "delete"), ("path", "Patient.name.single().given.single()")], "cannot be evaluated"),
        (vec![("type", "delete"), ("path", "Patient.name"), ("value", "x")], "`value` has no place"),
        (
            vec![("type", "replace"), ("path", "Patient.active"), ("value", "true")],
            "cannot stand where a `boolean`",
        ),
        (vec![("type", "replace"), ("path", "Patient.active")], "`value` is missing"),
        (vec![("type", "insert"), ("path", "Patient.identifier"), ("value", "x")], "`index` is missing"),
        (
            vec![("type", "insert"), ("path", "Patient.name.given"), ("index", "3"), ("value", "x")],
            "so 3 is none of its places",
        ),
        (
            vec![("type", "insert"), ("path", "Patient.birthDate"), ("index", "0"), ("value", "2020")],
            "does not repeat",
        ),
        (
            vec![
                ("type", "insert"),
                ("path", "Patient.name.given | Patient.name.family"),
                ("index", "0"),
                ("value", "x"),
            ],
            "one list",
        ),
        (
            vec![("type", "move"), ("path", "Patient.identifier"), ("source", "0"), ("destination", "3")],
            "so 3 is none",
        ),
        (vec![("type", "test"), ("path", "Patient.identifier")], "`type` is missing"),
        (vec![("type", "delete"), ("type", "delete"), ("path", "Patient.active")], "`type` has no place"),
    ] {
        let parts: Vec<(&str, String)> =
            parts.iter().map(|(name, value)| (*name, format!(r#""valueString":"{value}""#))).collect();
        let parts: Vec<(&str, &str)> = parts.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let fault = patch(model, &[operation(&parts)]).unwrap_err();
        assert!(fault.to_string().contains(expected), "{parts:?}: {fault}");
        assert_eq!(fault.operation, 1);
    }
}

#[test]
fn operations_see_what_those_before_left() {
    let Some(data) = super::r4::data("operations_see_what_those_before_left") else { return };
    let model = super::r4::model(&data);
    let delete = || {
        operation(&[
            ("type", r#""valueCode":"delete""#),
            ("path", r#""valueString":"Patient.identifier[0]""#),
        ])
    };
    let all = [delete(), delete(), delete(), delete()];
    let out = patch(model, &all).unwrap();
    assert!(!out.contains("identifier"), "{out}");
    let twice = operation(&[
        ("type", r#""valueCode":"add""#),
        ("path", r#""valueString":"Patient""#),
        ("name", r#""valueString":"gender""#),
        ("value", r#""valueCode":"male""#),
    ]);
    assert_eq!(patch(model, &[twice.clone(), twice]).unwrap_err().operation, 2);
}

#[test]
fn a_patch_may_be_xml() {
    let Some(data) = super::r4::data("a_patch_may_be_xml") else { return };
    let model = super::r4::model(&data);
    let limits = DocumentLimits::default();
    let xml = r#"<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>
        <part><name value="type"/><valueCode value="replace"/></part>
        <part><name value="path"/><valueString value="Patient.active"/></part>
        <part><name value="value"/><valueBoolean value="false"/></part></parameter></Parameters>"#;
    let parameters = Document::from_xml(xml.as_bytes(), &limits, model).unwrap();
    let resource =
        r#"<Patient xmlns="http://hl7.org/fhir"><active value="true"/><gender value="male"/></Patient>"#;
    let patient = Document::from_xml(resource.as_bytes(), &limits, model).unwrap();
    let patch = Patch::read(parameters.root()).unwrap();
    assert_eq!((patch.len(), patch.is_empty()), (1, false));
    let out = patch.apply(&patient, model, &limits, Timestamp::from_seconds(0)).unwrap();
    assert_eq!(out, r#"{"resourceType":"Patient","active":false,"gender":"male"}"#);
    assert!(Patch::read(patient.root()).is_err());
}
