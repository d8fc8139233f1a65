//! The conformance matrix: rules of each specification in `docs/conformance/*.toml`, each with the tests that show it or an
//! honest reason why there are none. `docs/conformance/README.md` is generated from them.

mod page;
mod tests_found;

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result};
use serde::Deserialize;

use tests_found::TestsFound;

const FOLDER: &str = "docs/conformance";
const PAGE: &str = "docs/conformance/README.md";

/// One specification, or one list of somebody else's tests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Specification {
    /// What it is called.
    name: String,
    /// Where it can be read.
    url: String,
    /// Where among the others it stands.
    order: u32,
    /// What a reader should know beforehand.
    #[serde(default)]
    about: String,
    rule: Vec<Rule>,
}

/// Something a server must or should do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// Where it is written, or the name of a test of others.
    section: String,
    level: Level,
    /// The rule in our words.
    rule: String,
    /// Tests that fail where the rule is broken: `crate::function` or `e2e::title`.
    #[serde(default)]
    tests: Vec<String>,
    /// Why there are none.
    no: Option<String>,
}

#[derive(Debug, Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "UPPERCASE")]
enum Level {
    Must,
    Should,
    May,
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
        }
    }
}

/// Write the page anew and say what is wrong with the rules.
pub(crate) fn write() -> Result<Vec<String>> {
    let specifications = read()?;
    std::fs::write(PAGE, page::of(&specifications)).context(PAGE)?;
    faults_of(&specifications)
}

/// What is wrong with the rules, and whether the page is the one that they make.
pub(crate) fn faults() -> Result<Vec<String>> {
    let specifications = read()?;
    let mut faults = faults_of(&specifications)?;
    if std::fs::read_to_string(PAGE).unwrap_or_default() != page::of(&specifications) {
        faults.push(format!("{PAGE} is not the one that its rules make: run `cargo xtask conformance`"));
    }
    Ok(faults)
}

fn read() -> Result<Vec<Specification>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(FOLDER).context(FOLDER)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            all.push(parse(&path).with_context(|| path.display().to_string())?);
        }
    }
    all.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
    Ok(all)
}

fn parse(path: &Path) -> Result<Specification> {
    Ok(toml::from_str(&std::fs::read_to_string(path)?)?)
}

fn faults_of(specifications: &[Specification]) -> Result<Vec<String>> {
    let found = TestsFound::in_tree()?;
    Ok(specifications.iter().flat_map(|one| faults_in(one, &found)).collect())
}

fn faults_in(specification: &Specification, found: &TestsFound) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for rule in &specification.rule {
        let place = format!("{} {} ({})", specification.name, rule.section, rule.rule);
        if !seen.insert((&rule.section, &rule.rule)) {
            faults.push(format!("{place}: is there twice"));
        }
        match (&rule.tests[..], rule.no.as_deref().map(str::trim)) {
            ([], None | Some("")) => faults.push(format!("{place}: has neither a test nor a reason")),
            ([_, ..], Some(_)) => faults.push(format!("{place}: has both a test and a reason for none")),
            (tests, _) => {
                let gone = tests.iter().filter(|test| !found.has(test));
                faults.extend(gone.map(|test| format!("{place}: there is no test `{test}`")));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specification(rules: &str) -> Specification {
        toml::from_str(&format!("name = 'S'\nurl = 'u'\norder = 1\n{rules}")).unwrap()
    }

    #[test]
    fn a_rule_has_a_test_that_exists_or_a_reason() {
        let found = TestsFound::of("auth", "#[test]\nfn it_holds() {}\n");
        let rule = |rest: &str| {
            let text = format!("[[rule]]\nsection = '1'\nlevel = 'MUST'\nrule = 'r'\n{rest}");
            faults_in(&specification(&text), &found)
        };
        assert!(rule("tests = ['auth::it_holds']").is_empty());
        assert!(rule("no = 'not built yet'").is_empty());
        for (rest, said) in [
            ("", "neither"),
            ("no = ' '", "neither"),
            ("tests = []", "neither"),
            ("tests = ['auth::it_holds']\nno = 'why'", "both"),
            ("tests = ['auth::it_held']", "no test `auth::it_held`"),
            ("tests = ['web::it_holds']", "no test `web::it_holds`"),
        ] {
            let faults = rule(rest);
            assert!(faults.len() == 1 && faults.concat().contains(said), "{rest}: {faults:?}");
        }
        let twice = "[[rule]]\nsection = '1'\nlevel = 'MUST'\nrule = 'r'\nno = 'x'\n".repeat(2);
        assert!(faults_in(&specification(&twice), &found).concat().contains("twice"));
    }
}
