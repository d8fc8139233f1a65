//! Budgets hold, whatever the expression and the document are.

use std::sync::atomic::{AtomicI64, Ordering};

use fhirpath::{
    document::{Document, DocumentLimits},
    evaluate::{Budget, Context, EvaluationFault, Evaluator, Item},
    model::NoModel,
    path::Program,
};
use kernel::Timestamp;

fn run(expression: &str, budget: Budget) -> Result<usize, EvaluationFault> {
    let items: String = (0..400).map(|n| format!("{{\"v\":{n}}},")).collect();
    let text = format!("{{\"item\":[{}]}}", items.trim_end_matches(','));
    let document = Document::from_json(text.as_bytes(), &DocumentLimits::default()).unwrap();
    let program = Program::compile(expression, &NoModel).unwrap();
    let context = Context::new(&NoModel, Timestamp::from_seconds(0)).with_budget(budget);
    let count = Evaluator::new(context).evaluate(&program, Item::Element(document.root()))?.len();
    Ok(count)
}

#[test]
fn steps_are_counted() {
    let budget = Budget { steps_max: 5_000, ..Budget::default() };
    assert_eq!(run("item.v", budget), Ok(400));
    for expression in [
        "item.where($this in %context.item)",
        "item.select(%context.item.v).count()",
        "item.v.distinct().count()",
        "'aaaaaaaaaaaaaaaa'.replace('', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb').replace('', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb').replace('', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb')",
    ] {
        assert_eq!(
            run(expression, budget),
            Err(EvaluationFault::TooManySteps { steps_max: 5_000 }),
            "{expression}"
        );
    }
}

#[test]
fn items_are_counted() {
    let budget = Budget { items_max: 1_000, ..Budget::default() };
    assert_eq!(run("item.v", budget), Ok(400));
    for expression in
        ["item.select(%context.item.v)", "(1).repeat($this + 1)", "item.combine(item).combine(item)"]
    {
        assert_eq!(
            run(expression, budget),
            Err(EvaluationFault::TooManyItems { items_max: 1_000 }),
            "{expression}"
        );
    }
}

#[test]
fn time_is_an_argument() {
    let document = Document::from_json(b"{\"a\":1}", &DocumentLimits::default()).unwrap();
    let program = Program::compile("(1).repeat($this + 1)", &NoModel).unwrap();
    let looks = AtomicI64::new(0);
    let mut context = Context::new(&NoModel, Timestamp::from_seconds(0));
    context.budget.until = Some(Timestamp::from_seconds(2));
    context.now_during = Some(Box::new(|| Timestamp::from_seconds(looks.fetch_add(1, Ordering::Relaxed))));
    let fault = Evaluator::new(context).evaluate(&program, document.root().into()).unwrap_err();
    assert_eq!(fault, EvaluationFault::TooLate);
    assert_eq!(looks.load(Ordering::Relaxed), 4);
}

#[test]
fn expressions_are_bounded() {
    for expression in [
        "(".repeat(100_000),
        "-".repeat(1_000) + "1",
        "a".to_owned() + &".a".repeat(500),
        "1".to_owned() + &" + 1".repeat(500),
        "iif(true, ".repeat(300),
        format!("'{}'", "x".repeat(70_000)),
        "'a'.matches('(((a{100}){100}){100}){100}')".to_owned(),
    ] {
        assert!(
            Program::compile(&expression, &NoModel).is_err(),
            "{}",
            expression.chars().take(20).collect::<String>()
        );
    }
    assert_eq!(
        run("iif(true, 'a'.matches('(((a{100}){100}){100})' + '{100}'))", Budget::default()),
        Err(EvaluationFault::Regex)
    );
    // What is let through also runs, on the small stack of a test's thread.
    for (open, close) in
        [("iif(true, ", ")"), ("(", ")"), ("1 + (", ")"), ("item.first().select(%context.", ")")]
    {
        let inner = if open.contains("item") { "item.first()" } else { "1" };
        let deep = open.repeat(75) + inner + &close.repeat(75);
        assert_eq!(run(&deep, Budget::default()), Ok(1), "{open}");
    }
}
