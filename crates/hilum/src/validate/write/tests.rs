use serde_json::Value;
use validator::{Finding, Outcome, finding::Message};

use super::*;
use crate::validate::input::Unread;

static MESSAGE: Message = Message::new("Some_Id", "structure", "<{0}> & \"more\"");

fn batch() -> Vec<Checked> {
    let finding = |severity| Finding {
        severity,
        message: &MESSAGE,
        arguments: Box::new(["é".into()]),
        expression: "Patient.name[0]".to_owned(),
        line: 3,
        column: 5,
        profile: Some("http://p|1".into()),
    };
    let bad = Outcome { findings: vec![finding(Severity::Warning), finding(Severity::Error)] };
    let unread = Unread { file: "gone.json".to_owned(), why: "not there".to_owned() };
    vec![
        Checked { file: "a b.json".to_owned(), line: None, outcome: Ok(bad) },
        Checked { file: "c.ndjson".to_owned(), line: Some(7), outcome: Ok(Outcome::default()) },
        Checked { file: "gone.json".to_owned(), line: None, outcome: Err(unread) },
    ]
}

fn written(form: Form, amount: Amount, batches: &[Vec<Checked>]) -> String {
    let mut out = Vec::new();
    let mut totals = Totals::default();
    let mut writer = Writer::begin(&mut out, form, amount).unwrap();
    for batch in batches {
        batch.iter().for_each(|one| totals.add(one));
        writer.batch(batch).unwrap();
    }
    writer.end(&totals).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn people_read_the_worst_first() {
    let text = written(Form::Text, Amount::Many, &[batch()]);
    let expected = "a b.json\n  error: 3:5 Patient.name[0]: <é> & \"more\" (http://p|1)\n  \
        warning: 3:5 Patient.name[0]: <é> & \"more\" (http://p|1)\n\
        gone.json: could not be read: not there\n\
        2 resources checked, 1 not valid: 1 errors, 1 warnings; 1 could not be read\n";
    assert_eq!(text, expected);
}

#[test]
fn json_is_json_however_many_batches_there_are() {
    for batches in [vec![], vec![batch()], vec![batch(), batch()]] {
        let bundle: Value = serde_json::from_str(&written(Form::Json, Amount::Many, &batches)).unwrap();
        assert_eq!(bundle["entry"].as_array().unwrap().len(), batches.len() * 3);
    }
    let one: Value =
        serde_json::from_str(&written(Form::Json, Amount::One, &[batch().drain(..1).collect()])).unwrap();
    assert_eq!(
        (&one["resourceType"], &one["issue"][1]["severity"]),
        (&"OperationOutcome".into(), &"error".into())
    );
    assert_eq!(one["issue"][0]["expression"][0], "Patient.name[0]");
    assert_eq!(one["issue"][0]["extension"][0]["valueInteger"], 3);
    let all_ok = batch().drain(1..2).collect();
    let one: Value = serde_json::from_str(&written(Form::Json, Amount::One, &[all_ok])).unwrap();
    assert_eq!(one["issue"][0]["severity"], "information");
}

#[test]
fn sarif_names_files_by_uri_and_places_by_line() {
    let log: Value = serde_json::from_str(&written(Form::Sarif, Amount::Many, &[batch(), batch()])).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 6);
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b.json");
    assert_eq!(place["region"]["startLine"], 3);
    assert_eq!((&results[0]["level"], &results[1]["level"]), (&"warning".into(), &"error".into()));
}

#[test]
fn junit_counts_in_front_and_says_nothing_that_xml_cannot() {
    let xml = written(Form::Junit, Amount::Many, &[batch()]);
    assert!(xml.contains("tests=\"3\" failures=\"1\" errors=\"1\""), "{xml}");
    assert!(xml.contains("message=\"&lt;é&gt; &amp; &quot;more&quot;\""), "{xml}");
    assert!(xml.contains("name=\"c.ndjson:7\"></testcase>"), "{xml}");
    assert!(xml.trim_end().ends_with("</testsuites>"));
}
