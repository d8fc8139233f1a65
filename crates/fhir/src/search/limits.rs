//! What one search may cost; each stands in `docs/limits.md`.

/// Records that the caller may see and a page looks at in vain, where an index row says less than is asked: behind so many the page
/// ends, and the next one goes on. Those that the caller may not see are not counted, so that no page ends for their sake.
pub const PAGE_EXAMINED_MAX: usize = 10_000;
/// Records that the caller may see and a count looks at, where an index row says less than is asked.
pub const COUNT_EXAMINED_MAX: usize = 1_000_000;
/// Records that the caller may see and that are sorted by something else than their age or one date.
pub const SORT_MAX: usize = 1_000_000;
/// Records that hold what `_has` asks and are gathered to find those that they refer to.
pub const HAS_GATHERED_MAX: usize = 1_000;
/// Records that the includes of one page bring.
pub const INCLUDED_MAX: usize = 1_000;
/// Postings of a key from which on a count keeps their places in memory.
pub const DENSE_POSTINGS_MIN: usize = 2_048;
/// Bytes of all bitmaps that counts keep in memory, one process.
pub const DENSE_BYTES_MAX: usize = 64 << 20;
/// Versions that a bitmap is brought forward by; behind more it is made anew.
pub const DENSE_FORWARD_MAX: i64 = 50_000;
/// Rounds of `:iterate`.
pub const INCLUDE_ROUNDS_MAX: usize = 8;
/// Rows that are counted to see which list is the shortest.
pub(crate) const PROBED: usize = 256;
/// Rows that are counted where all lists are longer than that.
pub(crate) const PROBED_FAR: usize = 2_048;
/// Records over which a chain leads that are asked for as links to them.
pub(crate) const CHAIN_TARGETS_MAX: usize = 32;
/// Records of which a page walks the links to each by itself.
pub(crate) const LINKS_APART_MAX: usize = 8;
/// Records that are fetched at once.
pub(crate) const FETCHED_MAX: usize = 500;
/// Records that one page remembers of what it asked of them by chains and `_has`; when there are more, all are forgotten and asked again.
pub const REMEMBERED_MAX: usize = 10_000;
/// Levels of chains and `_has` within one another.
pub const NESTED_MAX: usize = 8;
/// Parts of a string that rows are asked for by `:contains`; the rest is asked of the record.
pub(crate) const PARTS_ASKED_MAX: usize = 6;
