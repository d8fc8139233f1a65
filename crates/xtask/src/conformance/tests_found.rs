//! The names of all tests in the tree, read from its text.

use std::{collections::BTreeSet, process::Command};

use anyhow::{Context, Result};

/// Where the tests with titles are.
const TITLED: &str = "e2e";

/// `crate::function` and `e2e::title`.
pub(super) struct TestsFound(BTreeSet<String>);

impl TestsFound {
    /// Every test of every crate and of `e2e/`.
    pub(super) fn in_tree() -> Result<Self> {
        let listing = Command::new("git")
            .args([
                "ls-files",
                "--cached",
                "--others",
                "--exclude-standard",
                "crates/*.rs",
                "e2e/*.test.js",
                "fuzz/fuzz_targets/*.rs",
            ])
            .output()
            .context("git ls-files")?;
        let mut names = BTreeSet::new();
        for path in String::from_utf8(listing.stdout)?.lines() {
            let Ok(text) = std::fs::read_to_string(path) else { continue };
            match path.split('/').collect::<Vec<_>>()[..] {
                ["crates", name, ..] => names.extend(functions(name, &text)),
                ["fuzz", .., file] => {
                    names.extend(file.strip_suffix(".rs").map(|name| format!("fuzz::{name}")))
                }
                _ => names.extend(titles(&text)),
            }
        }
        Ok(Self(names))
    }

    #[cfg(test)]
    pub(super) fn of(name: &str, text: &str) -> Self {
        Self(functions(name, text).collect())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// Functions under `#[test]` or `#[tokio::test]`, and those that `on_each_engine!` or the broker's `on_stage!` makes tests of.
fn functions<'a>(name: &'a str, text: &'a str) -> impl Iterator<Item = String> + 'a {
    let makes_tests = text.contains("on_each_engine!") || text.contains("on_stage!");
    let mut is_test = false;
    text.lines().map(str::trim).filter_map(move |line| {
        if line.starts_with("#[") || line.starts_with("//") {
            is_test |= matches!(line, "#[test]") || line.starts_with("#[tokio::test");
            return None;
        }
        let under_attribute = std::mem::take(&mut is_test);
        let line = line.strip_prefix("on_each_engine!(").unwrap_or(line);
        let line = line.strip_prefix("testkit::on_each_engine!(").unwrap_or(line);
        let is_async = line.starts_with("async fn ");
        let signature = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
        let (function, rest) = signature.split_once('(')?;
        let argument = ["db: Db)", "db: store::Db)", "stage)"];
        let on_each =
            makes_tests && is_async && argument.into_iter().any(|argument| rest.starts_with(argument));
        (under_attribute || on_each).then(|| format!("{name}::{function}"))
    })
}

/// What stands between the quotes of `test('…'`, as it is written.
fn titles(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines().filter_map(|line| {
        let mut rest = line.trim_start().strip_prefix("test(")?.chars();
        let quote = rest.next().filter(|c| matches!(c, '\'' | '"' | '`'))?;
        let title: String = rest.take_while(|c| *c != quote).collect();
        Some(format!("{TITLED}::{title}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_by_their_attributes_macros_and_titles() {
        let rust = "
            #[test]
            #[should_panic]
            fn plain() {}
            fn helper() {}
            #[tokio::test(start_paused = true)]
            /// Says something.
            async fn asynchronous() {}
            on_each_engine! {
                async fn on_both(db: Db) { }
            }
            testkit::on_each_engine!(async fn alone(db: store::Db) {});
            on_stage!(
                async fn on_stage(stage) { }
            );
            async fn staged(stage: &Stage) {}
            async fn open(db: Db, more: u8) {}
            pub async fn house(db: Db) -> Self {}
        ";
        let found: Vec<String> = functions("c", rust).collect();
        assert_eq!(found, ["c::plain", "c::asynchronous", "c::on_both", "c::alone", "c::on_stage"]);
        let script = "test('it works', async () => {\n  test(`${n} times`, x);\n// test('no')\ncontest('no')";
        assert_eq!(titles(script).collect::<Vec<_>>(), ["e2e::it works", "e2e::${n} times"]);
    }
}
