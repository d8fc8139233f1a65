//! What is told of a run: a table, the list of what agreed, and the page of disagreements.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::compare::{Agreed, Compared};

/// Per module, how many steps agree with HL7's validator.
pub(super) fn table(compared: &[Compared]) -> String {
    let mut modules: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for one in compared {
        for module in [one.module.as_str(), "~all"] {
            let counts = modules.entry(module).or_default();
            counts[0] += 1;
            for (at, (level, _)) in Agreed::LEVELS.iter().enumerate() {
                counts[at + 1] += usize::from(one.agreed >= *level);
            }
        }
    }
    let mut text =
        "| module | steps | validity | error set | line and column |\n|---|---|---|---|---|\n".to_owned();
    for (module, [steps, validity, errors, places]) in modules {
        let share = |count: usize| format!("{count} ({} %)", count * 100 / steps);
        let module = if module == "~all" { "**all**" } else { module };
        let (validity, errors, places) = (share(validity), share(errors), share(places));
        writeln!(text, "| {module} | {steps} | {validity} | {errors} | {places} |").unwrap();
    }
    text
}

/// `name kind level` of every step that agrees on something, in order.
pub(super) fn agreed(compared: &[Compared]) -> BTreeMap<String, Agreed> {
    let some = compared.iter().filter(|one| one.agreed > Agreed::Nothing);
    some.map(|one| (format!("{} {}", one.name, one.kind), one.agreed)).collect()
}

/// What agreed before and agrees less now.
pub(super) fn lost(before: &str, now: &BTreeMap<String, Agreed>) -> Vec<String> {
    let lines = before.lines().filter(|line| !line.is_empty());
    lines
        .filter(|line| {
            let (step, level) = line.rsplit_once(' ').unwrap();
            now.get(step).is_none_or(|now| *now < Agreed::named(level).unwrap())
        })
        .map(str::to_owned)
        .collect()
}

/// One step, for the person who mends it.
pub(super) fn show(one: &Compared) {
    eprintln!("== {} {}: {}", one.name, one.kind, one.agreed.name());
    for (who, issues) in [("HL7 ", &one.expected), ("ours", &one.found)] {
        for issue in issues {
            let (severity, place) = (&issue.severity, (issue.line, issue.column));
            eprintln!("  {who} {severity} {} {place:?} {}", issue.expression, issue.text);
        }
    }
}

/// Writes the lists and the page.
pub(super) fn write(alone: &[Compared], replayed: &[Compared]) {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cases");
    for (file, compared) in [("agreed.txt", alone), ("agreed_with_server.txt", replayed)] {
        let list: String =
            agreed(compared).iter().map(|(step, level)| format!("{step} {}\n", level.name())).collect();
        std::fs::write(format!("{here}/{file}"), list).unwrap();
    }
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conformance/validator.md");
    let reasons = include_str!("reasons.txt");
    let reasons = reasons.lines().filter_map(|line| line.split_once(": ")).collect();
    std::fs::write(page, self::page(alone, replayed, &reasons)).unwrap();
}

fn page(alone: &[Compared], replayed: &[Compared], reasons: &BTreeMap<&str, &str>) -> String {
    let (table_alone, table_replayed) = (table(alone), table(replayed));
    let mut page = format!(
        "# The validator beside HL7's\n\n\
        The steps of [HL7's cases](https://github.com/FHIR/fhir-test-cases) that need no network, against what HL7's Java validator\n\
        found. *Validity*: both find an error or neither does. *Error set*: the same errors by severity and expression, each as\n\
        often. *Line and column*: these too. Written by `HILUM_AGREED=write cargo test -p validator --test it cases::agreed`;\n\
        the same test without the variable fails where a step agrees less than `crates/validator/tests/it/cases/agreed.txt` and\n\
        `agreed_with_server.txt` say.\n\n\
        {table_alone}\n## With a terminology server\n\n\
        The other steps that ask a terminology server, as far as what they ask is among the answers that were recorded for HL7's\n\
        validator. They are replayed through the port that `hilum validate --terminology` fills.\n\n\
        {table_replayed}\n## Disagreements\n\n\
        Errors that only one of the two finds, by expression; `−` is what HL7's validator alone finds, `+` what Hilum alone finds.\n\n"
    );
    for one in alone.iter().filter(|one| one.agreed < Agreed::Errors) {
        disagreement(&mut page, one, reasons);
    }
    page.push_str("\nWith a terminology server:\n\n");
    for one in replayed.iter().filter(|one| one.agreed < Agreed::Errors) {
        disagreement(&mut page, one, reasons);
    }
    let misplaced = alone.iter().chain(replayed).filter(|one| one.agreed == Agreed::Errors);
    let misplaced: Vec<String> = misplaced.map(|one| format!("{} {}", one.name, one.kind)).collect();
    if !misplaced.is_empty() {
        writeln!(page, "\nThe same errors at other places: {}.", misplaced.join(", ")).unwrap();
    }
    page
}

fn disagreement(page: &mut String, one: &Compared, reasons: &BTreeMap<&str, &str>) {
    let id = format!("{} {}", one.name, one.kind);
    let what = if one.agreed == Agreed::Nothing { "validity" } else { "errors" };
    writeln!(page, "- **{id}** ({what})").unwrap();
    if let Some(reason) = reasons.get(id.as_str()).or_else(|| reasons.get(one.name.as_str())) {
        writeln!(page, "  {reason}").unwrap();
    }
    let signed = [("−", &one.missing), ("+", &one.extra)];
    let lines: BTreeSet<String> = signed
        .iter()
        .flat_map(|(sign, issues)| {
            issues.iter().map(move |issue| format!("  - {sign} `{}`", issue.expression))
        })
        .collect();
    lines.iter().for_each(|line| writeln!(page, "{line}").unwrap());
}

#[test]
fn what_agrees_less_is_told() {
    let now = [("a base", Agreed::Places), ("b base", Agreed::Validity)];
    let now: BTreeMap<String, Agreed> = now.map(|(step, level)| (step.to_owned(), level)).into();
    assert_eq!(lost("a base errors\nb base validity\n", &now), [""; 0]);
    assert_eq!(lost("b base errors\nc base validity\n", &now), ["b base errors", "c base validity"]);
}
