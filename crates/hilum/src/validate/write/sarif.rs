//! SARIF 2.1.0. <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::io::{self, Write};

use serde_json::{Value, json};
use validator::{Finding, Severity};

use crate::validate::work::Checked;

pub(super) fn begin(out: &mut impl Write) -> io::Result<()> {
    let driver = json!({ "name": "hilum validate", "version": env!("CARGO_PKG_VERSION") });
    write!(
        out,
        "{{\"version\":\"2.1.0\",\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\
         \"runs\":[{{\"tool\":{{\"driver\":{driver}}},\"columnKind\":\"unicodeCodePoints\",\"results\":["
    )
}

pub(super) fn resource(out: &mut impl Write, checked: &Checked, written: &mut u64) -> io::Result<()> {
    let results: Vec<Value> = match &checked.outcome {
        Ok(outcome) => outcome.findings.iter().map(|finding| result(checked, finding)).collect(),
        Err(unread) => vec![json!({ "ruleId": "unread", "level": "error",
            "message": { "text": format!("could not be read: {}", unread.why) },
            "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&checked.file) } } }] })],
    };
    for result in results {
        let separator = if *written == 0 { "\n" } else { ",\n" };
        write!(out, "{separator}{result}")?;
        *written += 1;
    }
    Ok(())
}

pub(super) fn end(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n]}}]}}")
}

fn result(checked: &Checked, finding: &Finding) -> Value {
    let level = match finding.severity {
        Severity::Fatal | Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information => "note",
    };
    let file = json!({ "uri": uri(&checked.file) });
    let place = match finding.line {
        0 => json!({ "artifactLocation": file }),
        line => json!({ "artifactLocation": file,
            "region": { "startLine": line, "startColumn": finding.column.max(1) } }),
    };
    let logical = json!([{ "fullyQualifiedName": finding.expression, "kind": "element" }]);
    json!({ "ruleId": finding.message_id(), "level": level, "message": { "text": finding.text() },
        "locations": [{ "physicalLocation": place, "logicalLocations": logical }] })
}

/// A path as a relative or absolute URI reference (RFC 3986 §4.1).
fn uri(file: &str) -> String {
    let mut uri = String::with_capacity(file.len());
    for byte in file.bytes() {
        match byte {
            b'\\' => uri.push('/'),
            _ if byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte) => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
