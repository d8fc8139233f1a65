//! Statements about several rows.

use kernel::Id;
use store::Composed;

use crate::endpoint::Endpoint;

/// Rows of one statement: those of few sizes stay prepared.
const SIZES: [usize; 3] = [64, 8, 1];

/// The pieces of a list, of sizes that statements are prepared for.
pub(crate) fn pieces<T>(mut all: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= all.len())?;
        let (piece, rest) = all.split_at_checked(size)?;
        all = rest;
        Some(piece)
    })
}

/// `$1, $2, …`: endpoints that a statement is about.
pub(crate) fn listed(statement: &mut Composed, endpoints: &[Id<Endpoint>]) {
    for (nth, endpoint) in endpoints.iter().enumerate() {
        statement.text(if nth == 0 { "" } else { ", " }).bind(endpoint);
    }
}
