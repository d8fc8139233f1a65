//! Which lists have every record that holds a condition.

use crate::{query::Comparison, search::condition::Condition};

/// What all have to hold.
pub(super) fn conjuncts(condition: &Condition) -> &[Condition] {
    match condition {
        Condition::All(all) => all,
        Condition::Any => &[],
        one => std::slice::from_ref(one),
    }
}

/// The lists that together have every record that holds a condition, if there are such.
pub(super) fn drivers(condition: &Condition) -> Option<Vec<&Condition>> {
    match condition {
        Condition::Posting { .. }
        | Condition::Postings { .. }
        | Condition::Link { .. }
        | Condition::Text { .. }
        | Condition::Term { .. }
        | Condition::Parts { .. }
        | Condition::Present { .. }
        | Condition::Ids { .. }
        | Condition::Chain { .. } => Some(vec![condition]),
        Condition::Date { comparison, .. } => matches!(
            comparison,
            Comparison::Equal | Comparison::Less | Comparison::StartsAfter | Comparison::EndsBefore
        )
        .then(|| vec![condition]),
        Condition::Number { comparison, .. } => {
            (*comparison != Comparison::NotEqual).then(|| vec![condition])
        }
        Condition::AnyOf(any) => {
            let lists: Option<Vec<Vec<&Condition>>> = any.iter().map(drivers).collect();
            lists.map(|lists| lists.into_iter().flatten().collect())
        }
        Condition::All(all) => {
            let ranked = all.iter().filter_map(|one| Some((rank(one)?, drivers(one)?)));
            ranked.min_by_key(|(rank, _)| *rank).map(|(_, drivers)| drivers)
        }
        Condition::Any
        | Condition::None
        | Condition::Updated { .. }
        | Condition::Has { .. }
        | Condition::Permitted(_)
        | Condition::Not(_) => None,
    }
}

/// Whether whatever stands in a list holds the condition that it drives for: it is the condition, or one of its alternatives.
pub(super) fn is_told_by(condition: &Condition, driver: &Condition) -> bool {
    let is_driver = |one: &Condition| std::ptr::eq(one, driver);
    is_driver(condition) || matches!(condition, Condition::AnyOf(any) if any.iter().any(is_driver))
}

/// The rank of what leads to one record.
pub(super) const LEADS_TO_ONE: u8 = 1;

/// Which lists are short as a rule, where they are not counted.
pub(super) fn rank(condition: &Condition) -> Option<u8> {
    match condition {
        Condition::Ids { .. } => Some(0),
        Condition::Link { targets, .. } if targets.len() == 1 => Some(LEADS_TO_ONE),
        Condition::Text { .. } => Some(2),
        Condition::Link { .. } => Some(3),
        Condition::Posting { .. } | Condition::Postings { .. } => Some(4),
        Condition::Parts { .. } => Some(4),
        Condition::Chain { .. } | Condition::Term { .. } => Some(5),
        Condition::AnyOf(_) | Condition::All(_) => drivers(condition).map(|_| 6),
        Condition::Number { .. } | Condition::Date { .. } => drivers(condition).map(|_| 7),
        Condition::Present { .. } => Some(8),
        _ => None,
    }
}
