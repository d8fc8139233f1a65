//! What is written is read again as the same, and nothing that is sent makes it panic.

use fhirpath::{
    document::{Document, DocumentLimits, Element},
    evaluate::{Budget, Context, Evaluator},
    model::NoModel,
    path::Program,
};
use kernel::Timestamp;
use proptest::{prelude::*, sample};

const NAMES: &[&str] = &["id", "name", "given", "value", "valueQuantity", "extension", "contained", "x"];

fn json(text: &[u8]) -> Option<Document<'_>> {
    Document::from_json(text, &DocumentLimits::default()).ok()
}

fn xml(text: &[u8]) -> Option<Document<'_>> {
    Document::from_xml(text, &DocumentLimits::default(), &NoModel).ok()
}

fn string() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z 0-9]{0,12}", "\\PC{0,8}", Just("\"\\/\n\t<&>'é😀".to_owned())].prop_map(|text| {
        let mut out = String::from("\"");
        for character in text.chars() {
            match character {
                '"' | '\\' => out.extend(['\\', character]),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '/' => out.push_str("\\/"),
                'é' => out.push_str("\\u00e9"),
                _ => out.push(character),
            }
        }
        out + "\""
    })
}

fn primitive() -> impl Strategy<Value = String> {
    prop_oneof![
        string(),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        Just("true".to_owned()),
        Just("false".to_owned()),
    ]
}

/// An object of JSON with the shapes that FHIR has: halves of primitives, arrays with nulls, objects in objects.
fn object() -> impl Strategy<Value = String> {
    let leaf = primitive().prop_map(|value| (value, None::<String>));
    leaf.prop_recursive(4, 40, 5, |inner| {
        let members = prop::collection::vec((sample::select(NAMES), inner, any::<u8>()), 0..6);
        members.prop_map(|members| {
            let mut seen = Vec::new();
            let mut out: Vec<String> = Vec::new();
            for (name, (value, _), shape) in members {
                if seen.contains(&name) {
                    continue;
                }
                seen.push(name);
                let is_object = value.starts_with('{');
                // An id is one string without halves of its own: XML has it as an attribute.
                if name == "id" {
                    out.push("\"id\":\"i\"".to_owned());
                    continue;
                }
                out.push(match (shape % 4, is_object) {
                    (0, _) => format!("\"{name}\" : {value}"),
                    (1, true) => format!("\"{name}\":[ {value},{value} ]"),
                    (1, false) => format!("\"{name}\":[{value},null],\"_{name}\":[null,{{\"id\":\"i\"}}]"),
                    (2, false) => format!("\"_{name}\":{{\"id\":\"i\"}},\n\"{name}\":{value}"),
                    (_, false) => format!("\"_{name}\":{{\"extension\":[{{\"url\":\"u\"}}]}}"),
                    (_, true) => format!("\"{name}\":[{value}]"),
                });
            }
            (format!("{{{}}}", out.join(",")), None)
        })
    })
    .prop_map(|(text, _)| text)
    .prop_filter("the root is an object", |text| text.starts_with('{'))
}

/// Names, kinds and texts, in order: what a reader sees of an element.
fn seen(element: Element<'_>, out: &mut Vec<String>) {
    for child in element.children() {
        out.push(format!("{} {:?}", child.name(), child.text()));
        seen(child, out);
        out.push("end".to_owned());
    }
}

fn all(document: &Document<'_>) -> Vec<String> {
    let mut out = Vec::new();
    seen(document.root(), &mut out);
    out
}

fn exercise(document: &Document<'_>) {
    let _ = (document.root().to_compact_json(), document.to_xml(), all(document));
    let budget = Budget { steps_max: 100_000, items_max: 10_000, until: None };
    let mut run = Evaluator::new(Context::new(&NoModel, Timestamp::from_seconds(0)).with_budget(budget));
    for expression in [
        "descendants().where(id = 'i').count()",
        "descendants().toDecimal()",
        "repeat(name).given.distinct()",
    ] {
        let program = Program::compile(expression, &NoModel).unwrap();
        let _ = run.evaluate(&program, document.root().into());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn json_is_written_as_it_is_seen(text in object()) {
        let document = json(text.as_bytes()).unwrap();
        prop_assert_eq!(document.to_json(), text.clone());
        let written = document.root().to_compact_json();
        let again = json(written.as_bytes()).unwrap();
        prop_assert_eq!(all(&document), all(&again));
        prop_assert_eq!(again.root().to_compact_json(), written);
        exercise(&document);
    }

    #[test]
    fn xml_says_the_same(text in object()) {
        let text = format!("{{\"resourceType\":\"Patient\",{}", &text[1..]).replace(",}", "}");
        let document = json(text.as_bytes()).unwrap();
        if let Ok(written) = document.to_xml() {
            let again = xml(written.as_bytes()).unwrap();
            prop_assert_eq!(again.to_xml().unwrap(), written.clone());
            let back = again.to_json();
            let third = json(back.as_bytes()).unwrap();
            prop_assert_eq!(third.to_xml().unwrap(), written);
        }
    }

    #[test]
    fn random_bytes_are_a_fault_or_a_document(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for document in [json(&bytes), xml(&bytes)].iter().flatten() {
            exercise(document);
        }
    }

    #[test]
    fn mutated_documents_do_not_panic(
        fixture in sample::select(&["patient-example.json", "patient-example.xml", "questionnaire-example.xml"][..]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..8),
    ) {
        let mut bytes = super::r4::fixture(fixture);
        for (at, byte, what) in edits {
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, byte),
                _ => { let tail = bytes.split_off(at); bytes.extend(tail.iter().rev().take(3)); bytes.extend(tail); }
            }
        }
        for document in [json(&bytes), xml(&bytes)].iter().flatten() {
            exercise(document);
        }
    }

    #[test]
    fn random_expressions_do_not_panic(
        words in prop::collection::vec(sample::select(&[
            "name", "given", ".", "(", ")", "[", "]", "1", "2.50", "'a'", "+", "-", "*", "/", "div", "mod", "|", "&", "=", "~", "<", "in",
            "contains", "is", "as", "Quantity", "where", "select", "first()", "count()", "toDate()", "round(30)", "power(99)", "{}",
            "@2015-02-29", "@2015", "@T14:30", "1 year", "9999999999 days", "4 'mg'", "$this", "$index", "%resource", "not()", ",",
            "substring(1, 2)", "lowBoundary()", "highBoundary(28)", "sort()", "descendants()", "99999999999999999999999999.0",
            "-9223372036854775807", "abs()", "exp()", "sqrt()", "ln()", "toQuantity()", "implies", "iif(true, 1)",
        ][..]), 1..12),
    ) {
        let text = words.join(" ").replace(" . ", ".");
        if let Ok(program) = Program::compile(&text, &NoModel) {
            let bytes = super::r4::fixture("patient-example.json");
            let document = json(&bytes).unwrap();
            let budget = Budget { steps_max: 50_000, items_max: 10_000, until: None };
            let mut run = Evaluator::new(Context::new(&NoModel, Timestamp::from_seconds(0)).with_budget(budget));
            let _ = run.evaluate(&program, document.root().into());
        }
    }
}

#[test]
fn fixtures_come_back_from_xml() {
    let bytes = super::r4::fixture("patient-example.json");
    let document = json(&bytes).unwrap();
    let written = document.to_xml().unwrap();
    let again = xml(written.as_bytes()).unwrap();
    assert_eq!(again.to_xml().unwrap(), written);
    assert_eq!(document.to_json().as_bytes(), bytes);
}
