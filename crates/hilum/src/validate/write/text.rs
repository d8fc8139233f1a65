//! For people: what is wrong where, and a line at the end.

use std::io::{self, Write};

use super::{Totals, name, sorted};
use crate::validate::work::Checked;

pub(super) fn resource(out: &mut impl Write, checked: &Checked) -> io::Result<()> {
    let name = name(checked);
    let outcome = match &checked.outcome {
        Ok(outcome) => outcome,
        Err(unread) => return writeln!(out, "{name}: could not be read: {}", unread.why),
    };
    if outcome.findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "{name}")?;
    for finding in sorted(&outcome.findings) {
        let severity = finding.severity.as_str();
        write!(out, "  {severity}: ")?;
        if finding.line > 0 {
            write!(out, "{}:{} ", finding.line, finding.column)?;
        }
        write!(out, "{}: {}", finding.expression, finding.text())?;
        match &finding.profile {
            Some(profile) => writeln!(out, " ({profile})")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}

pub(super) fn end(out: &mut impl Write, totals: &Totals) -> io::Result<()> {
    let Totals { resources, invalid, errors, warnings, unread, .. } = totals;
    write!(out, "{resources} resources checked, {invalid} not valid: {errors} errors, {warnings} warnings")?;
    match unread {
        0 => writeln!(out),
        _ => writeln!(out, "; {unread} could not be read"),
    }
}
