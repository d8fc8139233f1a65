//! Which table comes first: one that is referred to before those that refer to it.

use crate::{DbError, FromRow, Row};

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) child: String,
    pub(super) parent: String,
    /// The constraint's name; empty on SQLite, which has none.
    pub(super) name: String,
}

impl FromRow for Reference {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { child: row.get("child")?, parent: row.get("parent")?, name: row.get("name")? })
    }
}

impl Reference {
    pub(super) fn alter(&self, how: &str) -> String {
        format!("ALTER TABLE \"{}\" ALTER CONSTRAINT \"{}\" {how}", self.child, self.name)
    }
}

pub(super) struct Plan<'a> {
    pub(super) tables: Vec<String>,
    /// The references that this order cannot satisfy row by row.
    pub(super) unordered: Vec<&'a Reference>,
}

/// Take whatever has no open reference left; in a circle, take the first by name and leave its references to the end.
pub(super) fn plan<'a>(names: Vec<&str>, references: &'a [Reference]) -> Plan<'a> {
    let mut left = names;
    let mut tables: Vec<String> = Vec::new();
    while let Some(first) = left.first().copied() {
        let is_open = |child: &str| {
            references
                .iter()
                .any(|r| r.child == child && r.parent != child && left.contains(&r.parent.as_str()))
        };
        let next = left.iter().copied().find(|name| !is_open(name)).unwrap_or(first);
        left.retain(|name| *name != next);
        tables.push(String::from(next));
    }
    let place = |name: &str| tables.iter().position(|table| table == name);
    let unordered = references.iter().filter(|r| place(&r.parent) >= place(&r.child)).collect();
    Plan { tables, unordered }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refers(child: &str, parent: &str) -> Reference {
        Reference { child: child.into(), parent: parent.into(), name: format!("{child}_{parent}_fkey") }
    }

    #[test]
    fn parents_come_first() {
        let references = [refers("a", "b"), refers("b", "c")];
        let plan = plan(vec!["a", "b", "c", "d"], &references);
        assert_eq!(plan.tables, ["c", "b", "a", "d"]);
        assert!(plan.unordered.is_empty());
    }

    #[test]
    fn circles_and_loops_are_left_to_the_end() {
        let references = [refers("a", "b"), refers("b", "a"), refers("c", "c"), refers("c", "a")];
        let plan = plan(vec!["a", "b", "c"], &references);
        assert_eq!(plan.tables, ["a", "b", "c"]);
        assert_eq!(plan.unordered, [&references[0], &references[2]]);
    }
}
