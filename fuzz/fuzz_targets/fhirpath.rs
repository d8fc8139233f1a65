//! An expression in the first line, a resource in the rest: compiled and run within its budget, never a panic; a condition that is
//! told quickly is what the whole run tells, and the same run tells the same.
#![no_main]

use std::sync::LazyLock;

use fhirpath::{
    document::{Document, DocumentLimits},
    evaluate::{Budget, Context, Evaluator, Item},
    model::{Definitions, Model, NoModel},
    path::{Order, Program},
    value::Value,
};
use kernel::Timestamp;
use libfuzzer_sys::fuzz_target;

const LIMITS: DocumentLimits = DocumentLimits { bytes_max: 1 << 16, depth_max: 40, elements_max: 2000 };
const BUDGET: Budget = Budget { steps_max: 20_000, items_max: 2_000, until: None };

/// A type with a choice, a list and a number.
const THING: &str = r#"{"resourceType":"StructureDefinition","type":"Thing","derivation":"specialization","snapshot":{"element":[
    {"path":"Thing"},{"path":"Thing.name","max":"*","type":[{"code":"string"}]},{"path":"Thing.part","max":"*","type":[{"code":"Thing"}]},
    {"path":"Thing.value[x]","max":"1","type":[{"code":"decimal"},{"code":"Quantity"},{"code":"date"}]}]}}"#;

static MODEL: LazyLock<Definitions> = LazyLock::new(|| {
    let document = Document::from_json(THING.as_bytes(), &DocumentLimits::default()).unwrap();
    let mut model = Definitions::new();
    model.add(document.root()).unwrap();
    model
});

fn judge(expression: &str, document: &Document<'_>, model: &dyn Model) {
    let Ok(program) = Program::compile(expression, model) else { return };
    if let Some(thing) = model.type_named("Thing") {
        let _ = program.check(model, thing, Order::Required);
    }
    let context = Context::new(model, Timestamp::from_seconds(0)).with_budget(BUDGET);
    let mut run = Evaluator::new(context);
    let on = Item::from(document.root());
    let found = run.evaluate(&program, on.clone()).map(<[Item<'_>]>::to_vec);
    let again = run.evaluate(&program, on.clone()).map(<[Item<'_>]>::to_vec);
    assert_eq!(format!("{found:?}"), format!("{again:?}"));
    let Ok(found) = found else { return };
    assert!(found.len() <= BUDGET.items_max);
    for item in &found {
        if let Item::Value(value) = item {
            let _ = value.to_string();
        }
    }
    // What the quick way passes over may spare it a fault, or a budget; it never finds another answer.
    let expected = match found.as_slice() {
        [] => Ok(None),
        [Item::Value(Value::Boolean(truth))] => Ok(Some(*truth)),
        [Item::Element(element)] if matches!(element.plain_text(), Some("true" | "false")) => return,
        [_] => Ok(Some(true)),
        _ => return assert!(run.holds(&program, on).is_err()),
    };
    assert_eq!(run.holds(&program, on), expected, "{expression}");
}

fuzz_target!(|text: &str| {
    let (expression, json) = text.split_once('\n').unwrap_or((text, "{}"));
    let Ok(document) = Document::from_json(json.as_bytes(), &LIMITS) else { return };
    judge(expression, &document, &NoModel);
    judge(expression, &document, &*MODEL);
});
