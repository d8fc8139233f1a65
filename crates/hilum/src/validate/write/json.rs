//! OperationOutcomes with the extensions that HL7's validator writes. <https://hl7.org/fhir/R4/operationoutcome.html>

use std::io::{self, Write};

use serde_json::{Value, json};
use validator::Finding;

use super::{Amount, name};
use crate::validate::work::Checked;

const EXTENSION: &str = "http://hl7.org/fhir/StructureDefinition/operationoutcome-";

pub(super) fn begin(out: &mut impl Write) -> io::Result<()> {
    write!(out, "{{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[")
}

pub(super) fn resource(
    out: &mut impl Write,
    checked: &Checked,
    amount: Amount,
    written: &mut u64,
) -> io::Result<()> {
    let outcome = outcome(checked);
    match amount {
        Amount::One => writeln!(out, "{outcome:#}")?,
        Amount::Many => {
            let separator = if *written == 0 { "\n" } else { ",\n" };
            write!(out, "{separator}{}", json!({ "resource": outcome }))?;
        }
    }
    *written += 1;
    Ok(())
}

pub(super) fn end(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n]}}")
}

fn outcome(checked: &Checked) -> Value {
    let issues: Vec<Value> = match &checked.outcome {
        Err(unread) => vec![issue("fatal", "exception", &format!("could not be read: {}", unread.why))],
        Ok(outcome) if outcome.findings.is_empty() => {
            vec![issue("information", "informational", "All OK")]
        }
        Ok(outcome) => outcome.findings.iter().map(of).collect(),
    };
    let file = json!([{ "url": format!("{EXTENSION}file"), "valueString": name(checked) }]);
    json!({ "resourceType": "OperationOutcome", "extension": file, "issue": issues })
}

fn issue(severity: &str, code: &str, text: &str) -> Value {
    json!({ "severity": severity, "code": code, "details": { "text": text } })
}

fn of(finding: &Finding) -> Value {
    let mut extensions = Vec::new();
    let mut extend = |name: &str, kind: &str, value: Value| {
        extensions.push(json!({ "url": format!("{EXTENSION}{name}"), kind: value }));
    };
    if finding.line > 0 {
        extend("issue-line", "valueInteger", finding.line.into());
        extend("issue-col", "valueInteger", finding.column.into());
    }
    extend("issue-source", "valueString", "Hilum".into());
    extend("message-id", "valueCode", finding.message_id().into());
    let mut made = issue(finding.severity.as_str(), finding.message.code, &finding.text());
    let Some(members) = made.as_object_mut() else { return made };
    members.insert("extension".to_owned(), extensions.into());
    if let Some(profile) = &finding.profile {
        members.insert("diagnostics".to_owned(), format!("asked by {profile}").into());
    }
    if !finding.expression.is_empty() {
        members.insert("expression".to_owned(), json!([finding.expression]));
    }
    made
}
