//! Tables as text: fields parted by tabs, a line each.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result, bail};

pub(super) fn write(path: &Path, lines: &[String]) -> Result<()> {
    let mut text = lines.join("\n");
    text.push('\n');
    std::fs::write(path, text).with_context(|| path.display().to_string())?;
    eprintln!("{}: {} lines", path.display(), lines.len());
    Ok(())
}

/// Numbers and names: those that stand there stay as they are, new names get the next numbers.
pub(super) fn write_numbered(path: &Path, names: BTreeSet<String>) -> Result<()> {
    let known = std::fs::read_to_string(path).unwrap_or_default();
    let mut lines: Vec<String> = known.lines().map(str::to_owned).collect();
    let mut given: BTreeSet<&str> = BTreeSet::new();
    let mut last = 0u32;
    for line in known.lines() {
        let (number, name) = line.split_once('\t').with_context(|| format!("`{line}` has no number"))?;
        let number: u32 = number.parse()?;
        if number <= last || !given.insert(name) {
            bail!("{}: `{line}` is out of order", path.display());
        }
        last = number;
    }
    for name in names.iter().filter(|name| !given.contains(name.as_str())) {
        last += 1;
        lines.push(format!("{last}\t{name}"));
    }
    write(path, &lines)
}
