//! What one search may cost; each stands in `docs/limits.md`.

/// Records that a page looks at where an index row cannot tell: behind so many the page ends, and the next one goes on.
pub const PAGE_EXAMINED_MAX: usize = 10_000;
/// Records that a count looks at where an index row cannot tell.
pub const COUNT_EXAMINED_MAX: usize = 10_000;
/// Records that are sorted by something else than their age.
pub const SORT_MAX: usize = 10_000;
/// Records that the includes of one page bring.
pub const INCLUDED_MAX: usize = 1_000;
/// Rounds of `:iterate`.
pub const INCLUDE_ROUNDS_MAX: usize = 8;
/// Rows that are counted to see which list is the shortest.
pub(crate) const PROBED: usize = 256;
/// Records that are fetched at once.
pub(crate) const FETCHED_MAX: usize = 500;
/// Levels of chains and `_has` within one another.
pub const NESTED_MAX: usize = 8;
