//! A batch on all cores: every resource is checked alone, and the answers come in the order of the questions.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use validator::{Outcome, Validator, check::Request};

use super::input::{Input, Inputs, Unread};

/// A resource and what was found about it.
#[derive(Debug)]
pub struct Checked {
    /// The file.
    pub file: String,
    /// Its line in the file, where the file has many resources.
    pub line: Option<u32>,
    /// What was found; or why it could not be read.
    pub outcome: Result<Outcome, Unread>,
}

/// Checks all inputs batch by batch and tells each batch in its turn. While one is checked, the one before is told and the next is read, so
/// that memory holds three and no core waits for the disk.
///
/// # Errors
/// Where a batch cannot be told: nothing more is checked then.
pub fn each_batch<E>(
    validator: &Validator<'_>,
    request: &Request<'_>,
    inputs: &mut Inputs,
    threads: usize,
    mut tell: impl FnMut(Vec<Checked>) -> Result<(), E>,
) -> Result<(), E> {
    let (mut batch, mut checked) = (inputs.batch(), Vec::new());
    while !batch.is_empty() || !checked.is_empty() {
        let (done, told, next) = std::thread::scope(|scope| {
            let checking = scope.spawn(|| check(validator, request, batch, threads));
            let told = tell(checked);
            let next = if told.is_ok() { inputs.batch() } else { Vec::new() };
            (checking.join(), told, next)
        });
        told?;
        batch = next;
        checked = done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    }
    Ok(())
}

/// Checks a batch with as many threads as are given.
fn check(
    validator: &Validator<'_>,
    request: &Request<'_>,
    batch: Vec<Result<Input, Unread>>,
    threads: usize,
) -> Vec<Checked> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(batch.len()));
    let work = || {
        let mut own = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            match batch.get(at) {
                Some(Ok(input)) => own.push((at, one(validator, request, input))),
                // What could not be read is taken from the batch below.
                Some(Err(_)) => {}
                None => break,
            }
        }
        done.lock().unwrap_or_else(PoisonError::into_inner).extend(own);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(batch.len()) {
            scope.spawn(work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (at, input) in batch.into_iter().enumerate() {
        if let Err(unread) = input {
            done.push((at, Checked { file: unread.file.clone(), line: None, outcome: Err(unread) }));
        }
    }
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, checked)| checked).collect()
}

fn one(validator: &Validator<'_>, request: &Request<'_>, input: &Input) -> Checked {
    let text = input.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&input.bytes);
    let mut outcome = validator.validate_bytes(text, input.format, request);
    // Lines count from the beginning of the file.
    let before = input.line.map_or(0, |line| line - 1);
    for finding in &mut outcome.findings {
        if finding.line > 0 {
            finding.line += before;
        }
    }
    Checked { file: input.file.clone(), line: input.line, outcome: Ok(outcome) }
}
