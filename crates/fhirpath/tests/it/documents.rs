//! What is read, where faults are told, and that halves of primitives come together.

use fhirpath::{
    document::{Document, DocumentLimits, Kind, ParseFault, Problem, Reader, WriteFault},
    model::NoModel,
};

fn json(text: &str) -> Result<Document<'_>, ParseFault> {
    Document::from_json(text.as_bytes(), &DocumentLimits::default())
}

fn xml(text: &str) -> Result<Document<'_>, ParseFault> {
    Document::from_xml(text.as_bytes(), &DocumentLimits::default(), &NoModel)
}

/// Values of the children in order, as `name=text`, with the names of their own children.
fn shape(document: &Document<'_>) -> Vec<String> {
    let children = document.root().children();
    let inner = |element: fhirpath::document::Element<'_>| {
        element.children().map(|child| child.name().to_owned()).collect::<Vec<_>>().join(",")
    };
    children
        .map(|child| format!("{}={}({})", child.name(), child.text().unwrap_or_default(), inner(child)))
        .collect()
}

#[test]
fn a_value_and_its_extensions_are_one_element() {
    let one = r#"{"resourceType":"Patient","birthDate":"1974","_birthDate":{"id":"a","extension":[]},"z":1}"#;
    let other =
        r#"{"resourceType":"Patient","_birthDate":{"id":"a","extension":[]},"birthDate":"1974","z":1}"#;
    for text in [one, other] {
        assert_eq!(shape(&json(text).unwrap()), ["birthDate=1974(id)", "z=1()"], "{text}");
    }
}

#[test]
fn items_of_both_arrays_are_aligned() {
    for (text, expected) in [
        (
            r#"{"given":["a",null],"_given":[null,{"id":"x"}],"z":1}"#,
            vec!["given=a()", "given=(id)", "z=1()"],
        ),
        (
            r#"{"_given":[null,{"id":"x"}],"given":["a",null],"z":1}"#,
            vec!["given=a()", "given=(id)", "z=1()"],
        ),
        (r#"{"given":["a"],"z":1,"_given":[null,{"id":"x"}]}"#, vec!["given=a()", "given=(id)", "z=1()"]),
        (r#"{"_given":[{"id":"x"}],"given":["a","b"],"z":1}"#, vec!["given=a(id)", "given=b()", "z=1()"]),
    ] {
        assert_eq!(shape(&json(text).unwrap()), expected, "{text}");
    }
}

#[test]
fn every_fault_of_json_is_told_with_its_place() {
    let deep = format!("{}{}", "{\"a\":".repeat(65), "1");
    let wide = format!("{{{}\"k7\":1}}", (0..40).map(|n| format!("\"k{n}\":1,")).collect::<String>());
    for (text, line, column, problem) in [
        ("", 1, 1, "expected `{`, found the end"),
        ("[]", 1, 1, "expected `{`, found '['"),
        ("{\"a\":1,\n \"a\":2}", 2, 3, "`a` stands twice"),
        ("{\"a\":1,\"_a\":{},\n\"_a\":{}}", 2, 3, "`a` stands twice"),
        (&wide, 1, 313, "`k7` stands twice"),
        ("{\"a\":\"\u{1}\"}", 1, 7, "a control character"),
        ("{\"a\":\"\\x\"}", 1, 7, "an escape"),
        ("{\"a\":\"\\ud800\"}", 1, 7, "an escape"),
        ("{\"\\u0061\":1}", 1, 3, "a name has an escape"),
        ("{\"a\":01}", 1, 6, "a number"),
        ("{\"a\":1.}", 1, 6, "a number"),
        ("{\"a\":+1}", 1, 6, "expected a value"),
        ("{\"a\":NaN}", 1, 6, "expected a value"),
        ("{\"a\":[[1]]}", 1, 7, "an array stands in an array"),
        ("{\"a\":{},\"_a\":{}}", 1, 14, "`_a` must hold"),
        ("{\"_a\":1}", 1, 7, "`_a` must hold"),
        ("{\"a\":1,}", 1, 8, "expected a name"),
        ("{\"a\":1} x", 1, 9, "expected the end"),
        ("{\"a\":\"b", 1, 8, "expected `\"`"),
        (&deep, 1, 321, "nested more than 64 levels"),
    ] {
        let fault = json(text).unwrap_err();
        assert!(fault.problem.to_string().contains(problem), "{text}: {fault}");
        assert_eq!((fault.at.line, fault.at.column), (line, column), "{text}: {fault}");
    }
}

#[test]
fn every_fault_of_xml_is_told() {
    let fhir = |inner: &str| format!("<Patient xmlns=\"http://hl7.org/fhir\">{inner}</Patient>");
    for (text, problem) in [
        ("".to_owned(), "the text ends too early"),
        ("<Patient/>".to_owned(), "`Patient` is not in FHIR's namespace"),
        ("<name xmlns=\"http://hl7.org/fhir\"/>".to_owned(), "is no resource"),
        (fhir("<name>"), "not well-formed"),
        (fhir("x"), "text stands between"),
        (fhir("&#65;"), "text stands between"),
        (fhir("<active value=\"&nbsp;\"/>"), "an entity"),
        (fhir("<active value=\"1\" value=\"2\"/>"), "not well-formed"),
        (fhir("<active colour=\"1\"/>"), "no attribute `colour`"),
        (fhir("<active xmlns=\"urn:x\"/>"), "`active` is not in FHIR's"),
        (fhir("<contained><Patient/><Patient/></contained>"), "a resource beside"),
        (format!("<!DOCTYPE Patient [<!ENTITY x \"y\">]>{}", fhir("")), "a document type declaration"),
        (fhir("") + &fhir(""), "a second root"),
        (fhir(&"<a>".repeat(70)), "nested more than 64"),
    ] {
        let fault = xml(&text).expect_err(&text);
        assert!(fault.problem.to_string().contains(problem), "{text}: {fault}");
    }
}

#[test]
fn the_limits_hold() {
    let small = DocumentLimits { bytes_max: 20, depth_max: 2, elements_max: 3 };
    for (text, problem) in [
        ("{\"a\":\"012345678901234567890\"}", Problem::TooLong { bytes_max: 20 }),
        ("{\"a\":{\"b\":{}}}", Problem::TooDeep { depth_max: 2 }),
        ("{\"a\":[1,2,3]}", Problem::TooManyElements { elements_max: 3 }),
    ] {
        assert_eq!(Document::from_json(text.as_bytes(), &small).unwrap_err().problem, problem);
    }
    let number = format!("{{\"a\":{}}}", "9".repeat(1025));
    assert_eq!(json(&number).unwrap_err().problem, Problem::TokenTooLong);
    let name = format!("{{\"{}\":1}}", "n".repeat(257));
    assert_eq!(json(&name).unwrap_err().problem, Problem::TokenTooLong);
}

#[test]
fn numbers_keep_their_text() {
    let text = "{\"a\":1.00,\"b\":1e400,\"c\":-0.0,\"d\":123456789012345678901234567890123456789012345678901234567890}";
    let document = json(text).unwrap();
    let texts: Vec<String> =
        document.root().children().map(|child| child.text().unwrap().into_owned()).collect();
    assert_eq!(
        texts,
        ["1.00", "1e400", "-0.0", "123456789012345678901234567890123456789012345678901234567890"]
    );
    assert_eq!(document.root().to_compact_json(), text);
}

#[test]
fn elements_know_their_place() {
    let text = "{\"resourceType\":\"Patient\",\n\"name\":[{},{\"given\":[\"a\",\n \"b\"]}]}";
    let document = json(text).unwrap();
    let last = document.root().children().last().unwrap().children().last().unwrap();
    assert_eq!((last.path().as_str(), last.text().unwrap().as_ref()), ("Patient.name[1].given[1]", "b"));
    let at = document.position(last.offset());
    assert_eq!((at.line, at.column), (3, 3));
    assert!(!format!("{last:?}").contains("\"b\""));
}

#[test]
fn a_contained_resource_has_its_type_in_both() {
    let from_xml = xml("<Patient xmlns=\"http://hl7.org/fhir\"><contained><Organization><id value=\"o\"/></Organization></contained></Patient>").unwrap();
    let from_json =
        json(r#"{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o"}]}"#).unwrap();
    for document in [&from_xml, &from_json] {
        let contained = document.root().child("contained").unwrap();
        assert_eq!(contained.resource_type().as_deref(), Some("Organization"));
        assert_eq!(contained.child("id").unwrap().resource(), contained);
        assert_eq!(contained.children().count(), 1);
    }
    assert_eq!(from_json.to_xml().unwrap(), from_xml.source());
}

#[test]
fn what_xml_cannot_hold_is_not_written() {
    for (text, fault) in [
        (r#"{"a":1}"#, WriteFault::NoResourceType),
        (r#"{"resourceType":"P","a":"\u0001"}"#, WriteFault::Character),
        (r#"{"resourceType":"P","a b":1}"#, WriteFault::Name("a b".to_owned())),
        (r#"{"resourceType":"P","text":{"div":"<p/>"}}"#, WriteFault::Narrative),
        (
            r#"{"resourceType":"P","text":{"div":"<div xmlns='http://www.w3.org/1999/xhtml'></div></text>"}}"#,
            WriteFault::Narrative,
        ),
    ] {
        assert_eq!(json(text).unwrap().to_xml(), Err(fault), "{text}");
    }
    let quiet = r#"{"resourceType":"P","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a &amp; b</div>"},"a":"<\"&'\n>"}"#;
    let written = json(quiet).unwrap().to_xml().unwrap();
    assert_eq!(
        Document::from_xml(written.as_bytes(), &DocumentLimits::default(), &NoModel).unwrap().to_json(),
        quiet
    );
}

#[test]
fn two_underlines_are_a_name_and_no_half() {
    let document = json(r#"{"__a":[null,{"id":"1"}],"_":1,"___a":2}"#).unwrap();
    let names: Vec<&str> = document.root().members().map(|member| member.name()).collect();
    assert_eq!(names, ["__a", "__a", "_", "___a"]);
    assert_eq!(document.root().to_compact_json(), document.source());
}

#[test]
fn halves_stand_together_however_far_apart_they_are_written() {
    for text in [
        r#"{"_b":[null,{"id":"1"}],"a":["x",null],"b":[],"c":null}"#,
        r#"{"_b":[null,{"id":"1"}],"a":1,"b":["x","y","z"]}"#,
        r#"{"b":[],"a":1,"_b":[null,null]}"#,
    ] {
        let document = json(text).unwrap();
        let names: Vec<&str> = document.root().members().map(|member| member.name()).collect();
        let mut apart = names.clone();
        apart.dedup();
        apart.sort_unstable();
        assert!(apart.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        let written = document.root().to_compact_json();
        assert_eq!(json(&written).unwrap().root().to_compact_json(), written);
    }
}

#[test]
fn an_empty_array_is_no_element_but_can_be_found() {
    let document = json(r#"{"a":[],"b":1}"#).unwrap();
    assert_eq!(document.root().children().count(), 1);
    assert!(document.root().members().any(|member| member.kind() == Kind::EmptyArray));
    assert_eq!(document.root().to_compact_json(), document.source());
}

#[test]
fn memory_that_is_used_again_changes_nothing() {
    let texts = [
        r#"{"resourceType":"Patient","name":[{"given":["A","B"],"_given":[null,{"id":"x"}]}]}"#,
        r#"{"a":1"#,
        r#"{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"p"}],"valueInteger":1}"#,
        "{}",
    ];
    let xml = r#"<Patient xmlns="http://hl7.org/fhir"><name><given value="A"/></name><active value="true"/></Patient>"#;
    let mut reader = Reader::new(DocumentLimits::default());
    for text in texts.iter().cycle().take(12) {
        let alone = Document::from_json(text.as_bytes(), &DocumentLimits::default());
        match (reader.json(text.as_bytes()), alone) {
            (Ok(document), Ok(alone)) => {
                assert_eq!(document.root().to_compact_json(), alone.root().to_compact_json());
                assert_eq!((document.len(), document.source()), (alone.len(), *text));
                reader.reuse(document);
            }
            (Err(fault), Err(alone)) => assert_eq!(fault, alone),
            (one, other) => panic!("{one:?} {other:?}"),
        }
        let document = reader.xml(xml.as_bytes(), &NoModel).unwrap();
        let alone = Document::from_xml(xml.as_bytes(), &DocumentLimits::default(), &NoModel).unwrap();
        assert_eq!(document.to_json(), alone.to_json());
        reader.reuse(document);
    }
    let long = format!("{{\"a\":[{}1]}}", "1,".repeat(Reader::ELEMENTS_KEPT_MAX));
    let document = reader.json(long.as_bytes()).unwrap();
    assert!(document.len() > Reader::ELEMENTS_KEPT_MAX);
    reader.reuse(document);
    assert_eq!(reader.json(b"{}").unwrap().len(), 1);
}
