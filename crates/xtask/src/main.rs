//! Developer tasks. `cargo xtask tidy` checks what no compiler checks: the arrows between crates, the words that must
//! not be in the tree, and files that have grown too large to read.

use anyhow::{Result, bail};

mod arrows;
mod words;

fn main() -> Result<()> {
    let task = std::env::args().nth(1).unwrap_or_default();
    match task.as_str() {
        "tidy" => tidy(),
        _ => bail!("usage: cargo xtask tidy"),
    }
}

/// Every fault is told, not only the first.
fn tidy() -> Result<()> {
    let mut faults = arrows::faults()?;
    faults.extend(words::faults()?);
    for fault in &faults {
        eprintln!("tidy: {fault}");
    }
    if !faults.is_empty() {
        bail!("{} things are not tidy", faults.len());
    }
    eprintln!("tidy: arrows, words and sizes are in order");
    Ok(())
}
