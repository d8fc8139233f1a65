//! The arrows between crates, as `ARCHITECTURE.md` draws them, against those that `Cargo.toml` files make.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// What differs between the picture and the house.
pub(crate) fn faults() -> Result<Vec<String>> {
    let drawn = drawn(&std::fs::read_to_string("ARCHITECTURE.md").context("reading ARCHITECTURE.md")?);
    if drawn.is_empty() {
        bail!("ARCHITECTURE.md has no table with the columns crate, is, may use");
    }
    let metadata = Command::new("cargo").args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    let built = built(&serde_json::from_slice(&metadata.stdout).context("reading cargo metadata")?);
    Ok(compare(&drawn, &built))
}

fn compare(drawn: &Arrows, built: &Arrows) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, uses) in built {
        let Some(allowed) = drawn.get(name) else {
            faults.push(format!("crate `{name}` is missing from the table in ARCHITECTURE.md"));
            continue;
        };
        for used in uses.difference(allowed) {
            faults.push(format!(
                "`{name}` uses `{used}`: a new arrow needs a decision note and its row in ARCHITECTURE.md"
            ));
        }
        for unused in allowed.difference(uses) {
            faults.push(format!(
                "`{name}` may use `{unused}` but does not: take it from the table in ARCHITECTURE.md"
            ));
        }
    }
    for gone in drawn.keys().filter(|name| !built.contains_key(*name)) {
        faults.push(format!("ARCHITECTURE.md has a crate `{gone}` that does not exist"));
    }
    faults
}

/// Rows of the form ``| `store` | … | kernel |``; the third column lists crates, `—` stands for none.
fn drawn(page: &str) -> Arrows {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let name = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
        let uses = cells.get(3)?.split(',').map(str::trim).filter(|u| !u.is_empty() && *u != "—");
        (cells.len() == 5).then(|| (name.to_owned(), uses.map(str::to_owned).collect()))
    };
    page.lines().filter_map(row).collect()
}

fn built(metadata: &Value) -> Arrows {
    let packages = metadata.get("packages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let name = |package: &Value| package.get("name").and_then(Value::as_str).map(str::to_owned);
    let members: BTreeSet<String> = packages.iter().filter_map(name).collect();
    let uses = |package: &Value| -> BTreeSet<String> {
        let dependencies = package.get("dependencies").and_then(Value::as_array).map(Vec::as_slice);
        let shipped =
            dependencies.unwrap_or_default().iter().filter(|d| d.get("kind").is_some_and(Value::is_null));
        shipped.filter_map(name).filter(|used| members.contains(used)).collect()
    };
    packages.iter().filter_map(|package| Some((name(package)?, uses(package)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(rows: &[(&str, &[&str])]) -> Arrows {
        rows.iter().map(|(n, u)| ((*n).to_owned(), u.iter().map(|u| (*u).to_owned()).collect())).collect()
    }

    #[test]
    fn the_table_is_read() {
        let page = "| crate | is | may use |\n|---|---|---|\n| `kernel` | words | — |\n| `store` | rows | kernel |\n";
        assert_eq!(drawn(page), arrows(&[("kernel", &[]), ("store", &["kernel"])]));
    }

    #[test]
    fn a_new_an_idle_and_a_dangling_arrow_are_told() {
        let drawn = arrows(&[("a", &["b"]), ("gone", &[])]);
        let built = arrows(&[("a", &["c"]), ("new", &[])]);
        assert_eq!(compare(&drawn, &built).len(), 4);
        assert!(compare(&drawn, &drawn).is_empty());
    }
}
