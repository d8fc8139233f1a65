//! HL7's FHIRPath suite for R4: every case is run, each disagreement is named with its reason, and no other may come.

use std::path::Path;

use fhirpath::{
    document::{Document, DocumentLimits, Element},
    evaluate::{Context, Evaluator, Item, PortFault, Ports},
    model::{Definitions, Model, NoModel},
    path::{Order, Program},
    value::{Decimal, Value},
};
use kernel::Timestamp;
use quick_xml::{Reader, events::Event};

/// Cases in which we do otherwise, as `group/name`, and why.
const DISAGREEMENTS: &[(&str, &str)] = &[];

/// As many cases as the suite counts.
const CASES: usize = 935;

#[derive(Default, Debug)]
struct Case {
    id: String,
    input: Option<String>,
    expression: String,
    invalid: bool,
    predicate: bool,
    ordered: bool,
    outputs: Vec<(String, String)>,
}

#[test]
fn the_official_suite() {
    let Some(data) = super::r4::data("the_official_suite") else { return };
    let cases = cases(&data.join("fhir/fhirpath/tests-fhir-r4.xml"));
    assert_eq!(cases.len(), CASES);
    let model = super::r4::model(&data);
    let (mut agreed, mut others, mut gone) = (0, Vec::new(), Vec::new());
    for case in &cases {
        let known = DISAGREEMENTS.iter().any(|(id, _)| *id == case.id);
        match (judge(case, model), known) {
            (Ok(()), false) => agreed += 1,
            (Ok(()), true) => gone.push(case.id.clone()),
            (Err(_), true) => {}
            (Err(why), false) => others.push(format!("{} | {} | {why}", case.id, case.expression)),
        }
    }
    println!("FHIRPath R4 suite: {agreed} of {} agree", cases.len());
    for (id, reason) in DISAGREEMENTS {
        println!("  otherwise: {id}: {reason}");
    }
    assert!(others.is_empty(), "{agreed} agree; {} do not:\n{}", others.len(), others.join("\n"));
    assert!(gone.is_empty(), "these agree now, take them from the list: {gone:?}");
}

fn judge(case: &Case, model: &'static Definitions) -> Result<(), String> {
    let input = case.input.as_deref().unwrap_or("patient-example.xml");
    let bytes = super::r4::fixture(input);
    let limits = DocumentLimits::default();
    let document = match input.rsplit_once('.') {
        Some((_, "xml")) => Document::from_xml(&bytes, &limits, model),
        _ => Document::from_json(&bytes, &limits),
    };
    let document = document.map_err(|fault| fault.to_string())?;
    match (answer(case, &document, model), case.invalid) {
        (Err(why), true) => {
            println!("  refused: {}: {why}", case.id);
            Ok(())
        }
        (Ok(found), true) => Err(format!("expected a fault, found {found:?}")),
        (Err(fault), false) => Err(fault),
        (Ok(found), false) => compare(case, &found),
    }
}

fn answer(case: &Case, document: &Document<'_>, model: &'static Definitions) -> Result<Vec<String>, String> {
    let program = Program::compile(&case.expression, model).map_err(|fault| fault.to_string())?;
    let kind = document.root().resource_type().and_then(|name| model.type_named(&name)).ok_or("no type")?;
    let order = if case.ordered { Order::Required } else { Order::AsItComes };
    program.check(model, kind, order).map_err(|fault| fault.to_string())?;
    let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    let ports = Core { model };
    let mut evaluator = Evaluator::new(Context::new(model, now).with_ports(&ports));
    let items = evaluator.evaluate(&program, document.root().into()).map_err(|fault| fault.to_string())?;
    Ok(items.iter().map(text).collect())
}

fn text(item: &Item<'_>) -> String {
    match item {
        Item::Value(Value::Temporal(at)) => format!("{}{at}", if at.year == 0 { "@T" } else { "@" }),
        Item::Value(value) => value.to_string(),
        Item::Element(element) => element.text().map_or_else(|| element.path(), |text| text.into_owned()),
    }
}

fn compare(case: &Case, found: &[String]) -> Result<(), String> {
    if case.predicate {
        let expected = case.outputs.first().is_some_and(|(_, text)| text == "true");
        return if found.is_empty() != expected { Ok(()) } else { Err(format!("found {found:?}")) };
    }
    let same = |(kind, expected): &(String, String), found: &String| {
        let plain = |text: &str| text.trim_start_matches('@').to_owned();
        let number = |text: &str| text.parse::<Decimal>().ok().map(|number| (number, number.scale()));
        match kind.as_str() {
            "date" | "dateTime" | "time" => plain(expected) == plain(found),
            "string" => expected == found,
            _ => expected == found || (number(expected).is_some() && number(expected) == number(found)),
        }
    };
    let all = case.outputs.len() == found.len()
        && case.outputs.iter().zip(found).all(|(expected, found)| same(expected, found));
    if all { Ok(()) } else { Err(format!("expected {:?}, found {found:?}", case.outputs)) }
}

/// Conformance to a type of the core package is that of its type; other profiles are not known here.
struct Core {
    model: &'static Definitions,
}

impl<'d> Ports<'d> for Core {
    fn conforms_to(&self, element: Element<'d>, profile: &str) -> Result<bool, PortFault> {
        let unknown = || PortFault { function: "conformsTo", why: format!("no profile {profile}") };
        let name = profile.strip_prefix("http://hl7.org/fhir/StructureDefinition/").ok_or_else(unknown)?;
        let wanted = self.model.type_named(name).ok_or_else(unknown)?;
        let own =
            element.resource_type().and_then(|name| self.model.type_named(&name)).ok_or_else(unknown)?;
        Ok(self.model.conforms(own, wanted))
    }
}

fn cases(path: &Path) -> Vec<Case> {
    let xml = std::fs::read_to_string(path).unwrap();
    let mut reader = Reader::from_str(&xml);
    let (mut cases, mut case, mut group, mut text) =
        (Vec::new(), Case::default(), String::new(), String::new());
    let mut kind = String::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                let value = |name: &str| {
                    let attribute = start.try_get_attribute(name).unwrap();
                    attribute
                        .map(|attribute| quick_xml::escape::unescape(&attribute.value).unwrap().into_owned())
                };
                text.clear();
                match start.name().into_inner() {
                    "group" => group = value("name").unwrap(),
                    "test" => {
                        case = Case {
                            id: format!("{group}/{}", value("name").unwrap_or_default()),
                            ..Case::default()
                        };
                        case.input = value("inputfile");
                        case.predicate = value("predicate").as_deref() == Some("true");
                        case.ordered = value("checkOrderedFunctions").as_deref() == Some("true");
                    }
                    "expression" => case.invalid = value("invalid").is_some(),
                    "output" => kind = value("type").unwrap_or_default(),
                    _ => {}
                }
            }
            Event::Text(part) => text.push_str(&part),
            Event::CData(part) => text.push_str(&part),
            Event::GeneralRef(part) => {
                text.push_str(&quick_xml::escape::unescape(&format!("&{};", &*part)).unwrap());
            }
            Event::End(end) => match end.name().into_inner() {
                "expression" => case.expression = std::mem::take(&mut text),
                "output" => case.outputs.push((std::mem::take(&mut kind), std::mem::take(&mut text))),
                "test" => cases.push(std::mem::take(&mut case)),
                _ => {}
            },
            Event::Eof => return cases,
            _ => {}
        }
    }
}

#[test]
fn without_a_model_types_are_those_of_json() {
    let document = Document::from_json(
        br#"{"resourceType":"Patient","active":true,"x":1.50}"#,
        &DocumentLimits::default(),
    )
    .unwrap();
    let mut evaluator = Evaluator::new(Context::new(&NoModel, Timestamp::from_seconds(0)));
    for (expression, expected) in
        [("active", "true"), ("x = 1.5", "true"), ("x.toString()", "1.50"), ("Patient.active", "true")]
    {
        let program = Program::compile(expression, &NoModel).unwrap();
        let found: Vec<String> =
            evaluator.evaluate(&program, document.root().into()).unwrap().iter().map(text).collect();
        assert_eq!(found, [expected], "{expression}");
    }
}
