//! JUnit's XML: a suite for each batch, so that its counts can stand in front; a case for each resource, failed by its errors.

use std::io::{self, Write};

use validator::Severity;

use super::name;
use crate::validate::work::Checked;

pub(super) fn begin(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"hilum validate\">")
}

pub(super) fn batch(out: &mut impl Write, batch: &[Checked]) -> io::Result<()> {
    let unread = batch.iter().filter(|one| one.outcome.is_err()).count();
    let is_invalid = |one: &&Checked| one.outcome.as_ref().is_ok_and(|outcome| !outcome.is_valid());
    let (tests, failures) = (batch.len(), batch.iter().filter(is_invalid).count());
    writeln!(
        out,
        "<testsuite name=\"FHIR resources\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{unread}\">"
    )?;
    batch.iter().try_for_each(|one| resource(out, one))?;
    writeln!(out, "</testsuite>")
}

fn resource(out: &mut impl Write, checked: &Checked) -> io::Result<()> {
    write!(out, "<testcase classname=\"{}\" name=\"{}\">", escaped(&checked.file), escaped(&name(checked)))?;
    match &checked.outcome {
        Err(unread) => write!(out, "<error message=\"could not be read: {}\"/>", escaped(&unread.why))?,
        Ok(outcome) => {
            let mut others = String::new();
            for finding in &outcome.findings {
                let (severity, text) = (finding.severity.as_str(), finding.text());
                let line =
                    format!("{severity}: {}:{} {}: {text}", finding.line, finding.column, finding.expression);
                if finding.severity >= Severity::Error {
                    let (kind, text) = (escaped(finding.message_id()), escaped(&text));
                    write!(out, "<failure type=\"{kind}\" message=\"{text}\">{}</failure>", escaped(&line))?;
                } else {
                    others.push_str(&line);
                    others.push('\n');
                }
            }
            if !others.is_empty() {
                write!(out, "<system-out>{}</system-out>", escaped(&others))?;
            }
        }
    }
    writeln!(out, "</testcase>")
}

pub(super) fn end(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "</testsuites>")
}

/// What XML 1.0 cannot say at all becomes a replacement character.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' | '\r' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
