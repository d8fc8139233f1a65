//! Every function by a table of its own, over one small document and without a model.

use fhirpath::{
    document::{Document, DocumentLimits, Element},
    evaluate::{Context, EvaluationFault, Evaluator, Item, PortFault, Ports},
    model::NoModel,
    path::Program,
};
use kernel::Timestamp;

const PATIENT: &str = r##"{"resourceType":"Patient","id":"p","active":true,"n":3,"d":1.50,
"name":[{"use":"official","given":["Ada","Bo"]},{"use":"usual","given":["Bo"],"_given":[{"extension":[{"url":"u","valueString":"x"}]}]}],
"contained":[{"resourceType":"Organization","id":"o","name":"Org"}],
"managingOrganization":{"reference":"#o"},"link":{"reference":"Patient/2"},
"text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">hello</div>"}}"##;

struct Outside;
impl<'d> Ports<'d> for Outside {
    fn resolve(&self, reference: &str, from: Element<'d>) -> Result<Option<Element<'d>>, PortFault> {
        Ok((reference == "Patient/2").then(|| from.resource()))
    }
    fn member_of(&self, _: &Item<'d>, value_set: &str) -> Result<Option<bool>, PortFault> {
        Ok(Some(value_set.ends_with("use")))
    }
}

fn found(expression: &str) -> Result<Vec<String>, String> {
    let document = Document::from_json(PATIENT.as_bytes(), &DocumentLimits::default()).unwrap();
    let program = Program::compile(expression, &NoModel).map_err(|fault| fault.to_string())?;
    let now = "2026-11-21T10:20:30.456Z".parse::<Timestamp>().unwrap();
    let mut context = Context::new(&NoModel, now).with_ports(&Outside);
    context.variables.push(("mine".to_owned(), vec![Item::Element(document.root())]));
    let mut evaluator = Evaluator::new(context);
    let items = evaluator.evaluate(&program, document.root().into()).map_err(|fault| fault.to_string())?;
    let text = |item: &Item<'_>| match item {
        Item::Value(value) => value.to_string(),
        Item::Element(element) => element.text().map_or_else(|| element.path(), |text| text.into_owned()),
    };
    Ok(items.iter().map(text).collect())
}

fn table(rows: &[(&str, &str)]) {
    for (expression, expected) in rows {
        let found = found(expression)
            .unwrap_or_else(|fault| format!("fault: {fault}").split(',').map(str::to_owned).collect());
        assert_eq!(found.join(","), *expected, "{expression}");
    }
}

#[test]
fn existence() {
    table(&[
        ("name.empty()", "false"),
        ("nothing.empty()", "true"),
        ("name.exists(use = 'usual')", "true"),
        ("name.all(given.exists())", "true"),
        ("name.all(use = 'usual')", "false"),
        ("(true | false).allTrue()", "false"),
        ("(true | false).anyTrue()", "true"),
        ("(false).allFalse()", "true"),
        ("(true | false).anyFalse()", "true"),
        ("('Bo').subsetOf(name.given)", "true"),
        ("name.given.supersetOf('Cy')", "false"),
        ("name.given.count()", "3"),
        ("name.given.distinct()", "Ada,Bo"),
        ("name.given.isDistinct()", "false"),
    ]);
}

#[test]
fn filtering_and_subsetting() {
    table(&[
        ("name.where(use = 'official').given.first()", "Ada"),
        ("name.select(given | use)", "Ada,Bo,official,Bo,usual"),
        ("name.given.where($index = 1)", "Bo"),
        ("name.given[2]", "Bo"),
        ("name.given[9]", ""),
        ("name[0].given.single()", "fault: single needs one item, found 2"),
        ("name.given.last()", "Bo"),
        ("name.given.tail()", "Bo,Bo"),
        ("name.given.skip(2)", "Bo"),
        ("name.given.take(1)", "Ada"),
        ("name.given.intersect('Bo')", "Bo"),
        ("name.given.exclude('Bo')", "Ada"),
        ("name[0].given.union(name[1].given)", "Ada,Bo"),
        ("name[0].given.combine(name[1].given)", "Ada,Bo,Bo"),
        ("(3 | 1 | 2).sort()", "1,2,3"),
        ("(3 | 1 | 2).sort(-$this)", "3,2,1"),
        ("(1 | 2 | 3).aggregate($this + $total, 0)", "6"),
        ("name.ofType(HumanName)", "fault: there is no type `HumanName`"),
        ("repeat(contained).id", "o"),
        ("%mine.id", "p"),
        ("%nobody", "fault: there is no variable %nobody"),
    ]);
}

#[test]
fn conversions() {
    table(&[
        ("'1'.toInteger()", "1"),
        ("'x'.toInteger()", ""),
        ("n.toDecimal()", "3"),
        ("d.toString()", "1.50"),
        ("'y'.toBoolean()", "true"),
        ("'2015-02'.toDate()", "2015-02"),
        ("'2015-02-30'.toDate()", ""),
        ("'2015-02-04T10:00:00Z'.toDate()", "2015-02-04"),
        ("'2015-02-04T14:34:28Z'.toDateTime()", "2015-02-04T14:34:28Z"),
        ("'14:30'.toTime()", "14:30"),
        ("'5 \\'mg\\''.toQuantity()", "5 'mg'"),
        ("'5 \\'mg\\''.toQuantity('m')", ""),
        ("'x'.convertsToBoolean()", "false"),
        ("nothing.toString()", ""),
        ("iif(active, 'a', 1/0)", "a"),
        ("iif(n, 1, 2)", "fault: iif does not take `n`"),
    ]);
}

#[test]
fn strings() {
    table(&[
        ("'äbc'.length()", "3"),
        ("'äbc'.indexOf('b')", "1"),
        ("'abc'.substring(1)", "bc"),
        ("'abc'.substring(1, 1)", "b"),
        ("'abc'.startsWith('ab')", "true"),
        ("'abc'.endsWith('bc')", "true"),
        ("'abc'.contains('b')", "true"),
        ("'abc'.upper() + 'DEF'.lower()", "ABCdef"),
        ("'abc'.replace('b', 'x')", "axc"),
        ("'a1'.matches('[0-9]')", "true"),
        ("'a1'.matchesFull('[0-9]')", "false"),
        ("'a1'.replaceMatches('([0-9])', '<$1>')", "a<1>"),
        ("'ab'.toChars()", "a,b"),
        ("' a '.trim()", "a"),
        ("'a-b'.split('-').join('+')", "a+b"),
        ("'a'.encode('hex').decode('hex')", "a"),
        ("'<'.escape('html').unescape('html')", "<"),
        ("n.startsWith('a')", "fault: startsWith does not take `n`"),
        ("'a' & {} & 'b'", "ab"),
    ]);
}

#[test]
fn numbers() {
    table(&[
        ("(-5).abs()", "5"),
        ("1.1.ceiling()", "2"),
        ("(-1.1).floor()", "-2"),
        ("(-1.56).truncate()", "-1"),
        ("3.14159.round(3)", "3.142"),
        ("81.sqrt()", "9"),
        ("(-1).sqrt()", ""),
        ("2.power(10)", "1024"),
        ("2.power(99999)", ""),
        ("16.log(2)", "4"),
        ("0.exp()", "1"),
        ("1.ln()", "0"),
        ("7 div 2", "3"),
        ("7 mod 2", "1"),
        ("1 / 0", ""),
        ("9223372036854775807 + 1", ""),
        ("0.1 + 0.2 = 0.3", "true"),
        ("1.587.lowBoundary(2)", "1.58"),
        ("1.587.highBoundary(2)", "1.59"),
        ("1.58700.precision()", "5"),
    ]);
}

#[test]
fn dates() {
    table(&[
        ("now()", "2026-11-21T10:20:30.456Z"),
        ("today()", "2026-11-21"),
        ("timeOfDay()", "10:20:30.456"),
        ("@2020-02-29 + 1 year", "2021-02-28"),
        ("@2020-01-31 + 1 month", "2020-02-29"),
        ("@2020 + 24 months", "2022"),
        ("@T23:30 + 1 hour", "00:30"),
        ("@2020-01-01 - 1 day", "2019-12-31"),
        ("@2020-01-01 + 1 'a'", "fault: arithmetic does not take Date and Quantity"),
        ("@2018-03 < @2018-03-01", ""),
        ("@2018 < @2019-01-01", "true"),
        ("@2018-03-01T10:00:00+02:00 = @2018-03-01T08:00:00Z", "true"),
        ("@2018-03-01T10:00:00 = @2018-03-05T08:00:00Z", "false"),
        ("@2014.highBoundary(6)", "2014-12"),
    ]);
}

#[test]
fn fhir_functions() {
    table(&[
        ("name[1].given.extension('u').valueString", "x"),
        ("name[1].given.hasValue()", "true"),
        ("name.given.hasValue()", "false"),
        ("n.getValue() + 1", "4"),
        ("managingOrganization.resolve().name", "Org"),
        ("link.resolve().id", "p"),
        ("contained.select(%resource.id)", "p"),
        ("name.first().use.memberOf('http://x/use')", "true"),
        ("text.div.htmlChecks()", "true"),
        ("conformsTo('x')", "fault: `conformsTo` could not be decided: nothing here can answer it"),
        (
            "elementDefinition()",
            "fault: `elementDefinition` could not be decided: nothing here can answer it",
        ),
        ("slice('a', 'b')", "fault: `slice` could not be decided: nothing here can answer it"),
        ("checkModifiers('x').id", "p"),
        ("%`vs-x` & %ucum", "http://hl7.org/fhir/ValueSet/xhttp://unitsofmeasure.org"),
        ("children().count()", "10"),
        ("contained.descendants()", "o,Org"),
        ("1.type().name & 'x'.type().namespace", "IntegerSystem"),
        ("Patient.id | Observation.id", "p"),
    ]);
}

#[test]
fn what_is_no_expression() {
    for text in [
        "",
        "a.",
        "a b",
        "(",
        "'a",
        "`a",
        "@20",
        "@T14:30Z",
        "a.unknown()",
        "a.where()",
        "1 +",
        "%",
        "$that",
        "/* x",
        "'\\x'",
        "a[",
        "{1}",
        "a is",
        "a.is(1)",
    ] {
        assert!(found(text).is_err(), "{text}");
    }
    assert!(matches!(
        EvaluationFault::from(PortFault { function: "resolve", why: String::new() }),
        EvaluationFault::Undecided(_)
    ));
}
