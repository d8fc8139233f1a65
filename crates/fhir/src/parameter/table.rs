//! R4's parameters and compartments as text. Made by `cargo xtask definitions`; see `definitions/README.md`.

use std::{collections::HashMap, sync::LazyLock};

use super::{Compartment, ParameterId, ParameterKind, ResourceType};

const CODES: &str = include_str!("../../definitions/parameters.tsv");
const PARAMETERS: &str = include_str!("../../definitions/search-parameters.tsv");
const COMPARTMENTS: &str = include_str!("../../definitions/compartments.tsv");

/// A parameter as the table has it.
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) code: &'static str,
    pub(super) kind: ParameterKind,
    pub(super) bases: &'static str,
    pub(super) targets: &'static str,
    pub(super) expression: &'static str,
    pub(super) components: &'static str,
}

static NUMBERS: LazyLock<HashMap<&'static str, ParameterId>> = LazyLock::new(|| {
    let lines = CODES.lines().filter_map(|line| line.split_once('\t'));
    lines.filter_map(|(number, code)| Some((code, ParameterId(number.parse().ok()?)))).collect()
});

/// The number of one of R4's codes.
pub(super) fn number(code: &str) -> Option<ParameterId> {
    NUMBERS.get(code).copied()
}

/// Those that have an expression: the others (`_text`, `_content`, `_query`) select nothing in a record.
pub(super) fn rows() -> impl Iterator<Item = Row> {
    PARAMETERS.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_default();
        let (id, code, kind) = (next(), next(), ParameterKind::named(next())?);
        let (bases, targets, expression, components) = (next(), next(), next(), next());
        (!expression.is_empty()).then_some(Row { id, code, kind, bases, targets, expression, components })
    })
}

/// Compartment, type of its records, and the codes of the parameters by which they are in it.
pub(super) fn compartments() -> impl Iterator<Item = (Compartment, ResourceType, &'static str)> {
    COMPARTMENTS.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let compartment = Compartment::named(fields.next()?)?;
        Some((compartment, ResourceType::named(fields.next()?)?, fields.next()?))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_line_is_read() {
        assert_eq!(rows().count(), PARAMETERS.lines().count() - 3);
        assert_eq!(compartments().count(), COMPARTMENTS.lines().count());
        assert_eq!(NUMBERS.len(), CODES.lines().count());
        assert_eq!(NUMBERS.values().collect::<HashSet<_>>().len(), NUMBERS.len());
        for row in rows() {
            assert!(number(row.code).is_some_and(|number| number.0 < ParameterId::ADDED_MIN), "{}", row.id);
        }
    }

    /// They stand in the keys of what was stored: one that moves would find other records.
    #[test]
    fn numbers_stay() {
        let numbers = ["_content", "_id", "_lastUpdated", "code", "family", "patient", "subject", "version"]
            .map(|code| number(code).map(|number| number.0));
        assert_eq!(numbers, [1, 2, 3, 73, 172, 274, 396, 442].map(Some));
        // Of all of R4's: what is added later stands behind them.
        let r4 = NUMBERS.iter().filter(|(_, number)| number.0 <= 448);
        let sum: u32 =
            r4.map(|(code, number)| u32::from(number.0) * code.bytes().map(u32::from).sum::<u32>()).sum();
        assert_eq!(sum, 109_883_278);
        assert_eq!(number("_id"), Some(ParameterId::ID));
        assert_eq!(number("_lastUpdated"), Some(ParameterId::LAST_UPDATED));
    }
}
