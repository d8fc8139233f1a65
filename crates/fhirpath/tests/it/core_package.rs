//! R4's own definitions as documents, and their invariants as expressions.

use std::collections::BTreeSet;

use fhirpath::{
    document::{Document, DocumentLimits},
    evaluate::{Context, Evaluator, Item},
    path::Program,
};
use kernel::Timestamp;

const PACKAGE: &str = "fhir/packages/hl7.fhir.r4.core-4.0.1-reconstructed.tgz";

/// Every so many resources of the package go through XML.
const ONE_OF: usize = 9;

#[test]
fn definitions_come_back_from_xml() {
    let Some(data) = super::r4::data("definitions_come_back_from_xml") else { return };
    let model = super::r4::model(&data);
    let limits = DocumentLimits::default();
    let (mut count, mut bytes_count) = (0, 0);
    let entries = super::r4::entries(&data.join(PACKAGE));
    for (name, bytes) in entries
        .iter()
        .filter(|(name, _)| !name.contains("/.") && !name.ends_with("package.json"))
        .step_by(ONE_OF)
    {
        let document = Document::from_json(bytes, &limits).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let xml = document.to_xml().unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let again = Document::from_xml(xml.as_bytes(), &limits, model)
            .unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let (back, own) = (again.to_json(), document.root().to_compact_json());
        let back = Document::from_json(back.as_bytes(), &limits).unwrap();
        assert_eq!(back.to_xml().unwrap(), xml, "{name}");
        let texts = |document: &Document<'_>| {
            let root = document.root();
            let all = Program::compile("descendants()", model).unwrap();
            let mut run = Evaluator::new(Context::new(model, Timestamp::from_seconds(0)));
            let items = run.evaluate(&all, root.into()).unwrap();
            // Sorted: in XML the url of an extension is an attribute, and so comes first.
            let mut texts: Vec<String> = items
                .iter()
                .filter_map(Item::element)
                .map(|at| format!("{} {:?} {:?}", at.path(), at.kind(), at.text()))
                .collect();
            texts.sort();
            texts
        };
        if bytes.len() < 6_000 {
            assert_eq!(texts(&back), texts(&document), "{name}");
        }
        assert_eq!(
            Document::from_json(own.as_bytes(), &limits).unwrap().root().to_compact_json(),
            own,
            "{name}"
        );
        count += 1;
        bytes_count += bytes.len();
    }
    println!("{count} definitions, {bytes_count} bytes, went to XML and back");
    assert!(count > 400);
}

#[test]
fn every_invariant_of_r4_compiles() {
    let Some(data) = super::r4::data("every_invariant_of_r4_compiles") else { return };
    let model = super::r4::model(&data);
    let mut expressions = BTreeSet::new();
    for (name, bytes) in super::r4::entries(&data.join(PACKAGE)) {
        if name.starts_with("package/StructureDefinition-") {
            let document = Document::from_json(&bytes, &DocumentLimits::default()).unwrap();
            let all = Program::compile("snapshot.element.constraint.expression", model).unwrap();
            let mut run = Evaluator::new(Context::new(model, Timestamp::from_seconds(0)));
            let found = run.evaluate(&all, document.root().into()).unwrap();
            expressions.extend(
                found
                    .iter()
                    .filter_map(Item::element)
                    .filter_map(|at| at.text().map(|text| text.into_owned())),
            );
        }
    }
    let faults: Vec<String> = expressions
        .iter()
        .filter_map(|text| Program::compile(text, model).err().map(|fault| format!("{text}: {fault}")))
        .collect();
    println!("{} invariants of R4 compile", expressions.len());
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(expressions.len() > 200);
}

/// Whatever of R4 is told of a Patient holds of HL7's own example.
#[test]
fn invariants_hold_of_the_examples() {
    let Some(data) = super::r4::data("invariants_hold_of_the_examples") else { return };
    let model = super::r4::model(&data);
    let definitions = super::r4::entries(&data.join(PACKAGE));
    for (kind, fixture) in [
        ("Patient", "patient-example.xml"),
        ("Observation", "observation-example.xml"),
        ("Questionnaire", "questionnaire-example.xml"),
    ] {
        let bytes = super::r4::fixture(fixture);
        let document = Document::from_xml(&bytes, &DocumentLimits::default(), model).unwrap();
        let (_, definition) = definitions
            .iter()
            .find(|(name, _)| *name == format!("package/StructureDefinition-{kind}.json"))
            .unwrap();
        let definition = Document::from_json(definition, &DocumentLimits::default()).unwrap();
        let mut run = Evaluator::new(Context::new(model, Timestamp::from_seconds(0)));
        let mut count = 0;
        for element in definition.root().child("snapshot").unwrap().children() {
            let path = element.child("path").unwrap().text().unwrap().into_owned();
            let nodes = Program::compile(&path.replace("[x]", ""), model).unwrap();
            let nodes: Vec<_> = run.evaluate(&nodes, document.root().into()).unwrap().to_vec();
            for constraint in element.children().filter(|child| child.name() == "constraint") {
                let text = constraint.child("expression").unwrap().text().unwrap().into_owned();
                let severity = constraint.child("severity").unwrap().text().unwrap().into_owned();
                let program = Program::compile(&text, model).unwrap();
                for node in nodes.iter().filter(|_| severity == "error") {
                    assert_eq!(run.holds(&program, node.clone()), Ok(Some(true)), "{path}: {text}");
                    count += 1;
                }
            }
        }
        println!("{count} invariants hold of {fixture}");
        assert!(count > 10);
    }
}
