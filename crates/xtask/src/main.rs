//! Developer tasks. `cargo xtask tidy` checks what no compiler checks: the arrows between crates, the words that must
//! not be in the tree, files that have grown too large to read, and the conformance matrix. `cargo xtask conformance` writes
//! the matrix anew, `cargo xtask definitions` the tables of FHIR's definitions.

use anyhow::{Result, bail};

mod arrows;
mod conformance;
mod definitions;
mod words;

fn main() -> Result<()> {
    let task = std::env::args().nth(1).unwrap_or_default();
    match task.as_str() {
        "tidy" => tidy(),
        "conformance" => report(conformance::write()?),
        "definitions" => definitions::write(),
        _ => bail!("usage: cargo xtask tidy | conformance | definitions"),
    }
}

/// Every fault is told, not only the first.
fn tidy() -> Result<()> {
    let mut faults = arrows::faults()?;
    faults.extend(words::faults()?);
    faults.extend(conformance::faults()?);
    report(faults)
}

fn report(faults: Vec<String>) -> Result<()> {
    for fault in &faults {
        eprintln!("tidy: {fault}");
    }
    if !faults.is_empty() {
        bail!("{} things are not tidy", faults.len());
    }
    eprintln!("tidy: arrows, words, sizes and the conformance matrix are in order");
    Ok(())
}
