//! Words and sizes: what must not be in the tree, and files that nobody can read at a sitting.

use std::process::Command;

use anyhow::{Context, Result};

/// A Rust file longer than this is a question: is there a second room in it?
const LINES_MAX: usize = 700;

/// What must not stand in a shipped Rust file, and why.
const BANNED: &[(&str, &str)] = &[
    ("todo!(", "finish it, or do not begin it"),
    ("unimplemented!(", "finish it, or do not begin it"),
    ("#[ignore", "a test runs or is deleted"),
    ("FIXME", "mend it or file an issue"),
    ("thread::sleep(", "time is an argument"),
    ("#[allow(", "use #[expect(…, reason = …)]"),
];

pub(crate) fn faults() -> Result<Vec<String>> {
    let listing = Command::new("git").args(["ls-files", "crates/*.rs"]).output().context("git ls-files")?;
    let mut faults = Vec::new();
    for path in String::from_utf8(listing.stdout)?.lines().filter(|path| !path.starts_with("crates/xtask/")) {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        faults.extend(faults_of(path, &text));
    }
    Ok(faults)
}

fn faults_of(path: &str, text: &str) -> Vec<String> {
    let mut faults: Vec<String> = BANNED
        .iter()
        .filter(|(word, _)| text.contains(word))
        .map(|(word, why)| format!("{path} says `{word}`: {why}"))
        .collect();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!("{path} has {lines} lines: find its second room (limit {LINES_MAX})"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banned_words_and_long_files_are_told() {
        assert!(faults_of("a.rs", "fn main() {}\n").is_empty());
        assert_eq!(faults_of("a.rs", "todo!()\n").len(), 1);
        assert_eq!(faults_of("a.rs", &"\n".repeat(LINES_MAX + 1)).len(), 1);
    }
}
