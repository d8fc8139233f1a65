//! What is written about checked resources, batch by batch: nothing is kept until the end but counts.

mod json;
mod junit;
mod sarif;
mod text;

use std::io::{self, Write};

use clap::ValueEnum;
use validator::{Finding, Severity};

use super::work::Checked;

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// An OperationOutcome; of several resources, a Bundle of them.
    Json,
    /// SARIF 2.1.0, as code hosts show it.
    Sarif,
    /// JUnit's XML, as build servers show it.
    Junit,
}

/// What was found altogether.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Resources that were checked.
    pub resources: u64,
    /// Of these, those with an error.
    pub invalid: u64,
    /// Errors, also fatal ones.
    pub errors: u64,
    /// Warnings.
    pub warnings: u64,
    /// Files that could not be read.
    pub unread: u64,
    /// Questions that a terminology server was asked and did not answer.
    pub unanswered: u64,
}

impl Totals {
    /// Counts one resource.
    pub fn add(&mut self, checked: &Checked) {
        let Ok(outcome) = &checked.outcome else {
            self.unread += 1;
            return;
        };
        let count = |fits: fn(Severity) -> bool| {
            outcome.findings.iter().filter(|finding| fits(finding.severity)).count() as u64
        };
        self.resources += 1;
        self.invalid += u64::from(!outcome.is_valid());
        self.errors += count(|severity| severity >= Severity::Error);
        self.warnings += count(|severity| severity == Severity::Warning);
    }
}

/// Whether the answer is about one resource or about as many as there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// One file with one resource.
    One,
    /// Several files, a folder, NDJSON.
    Many,
}

/// Writes in one form.
pub struct Writer<W> {
    out: W,
    form: Form,
    amount: Amount,
    written: u64,
}

impl<W: Write> Writer<W> {
    /// Begins.
    ///
    /// # Errors
    /// Where the output cannot be written.
    pub fn begin(mut out: W, form: Form, amount: Amount) -> io::Result<Self> {
        match (form, amount) {
            (Form::Json, Amount::Many) => json::begin(&mut out)?,
            (Form::Sarif, _) => sarif::begin(&mut out)?,
            (Form::Junit, _) => junit::begin(&mut out)?,
            (Form::Text, _) | (Form::Json, Amount::One) => {}
        }
        Ok(Self { out, form, amount, written: 0 })
    }

    /// Writes a batch.
    ///
    /// # Errors
    /// Where the output cannot be written.
    pub fn batch(&mut self, batch: &[Checked]) -> io::Result<()> {
        let out = &mut self.out;
        match self.form {
            Form::Text => batch.iter().try_for_each(|one| text::resource(out, one))?,
            Form::Json => {
                for one in batch {
                    json::resource(out, one, self.amount, &mut self.written)?;
                }
            }
            Form::Sarif => {
                for one in batch {
                    sarif::resource(out, one, &mut self.written)?;
                }
            }
            Form::Junit => junit::batch(out, batch)?,
        }
        out.flush()
    }

    /// Ends.
    ///
    /// # Errors
    /// Where the output cannot be written.
    pub fn end(mut self, totals: &Totals) -> io::Result<()> {
        match (self.form, self.amount) {
            (Form::Text, _) => text::end(&mut self.out, totals)?,
            (Form::Json, Amount::Many) => json::end(&mut self.out)?,
            (Form::Json, Amount::One) => {}
            (Form::Sarif, _) => sarif::end(&mut self.out)?,
            (Form::Junit, _) => junit::end(&mut self.out)?,
        }
        self.out.flush()
    }
}

/// `file` or `file:line`
fn name(checked: &Checked) -> String {
    match checked.line {
        Some(line) => format!("{}:{line}", checked.file),
        None => checked.file.clone(),
    }
}

/// Worst first, and otherwise as they were found.
fn sorted(findings: &[Finding]) -> Vec<&Finding> {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    sorted
}

#[cfg(test)]
mod tests;
