//! Pages of lists.

/// How many rows a page may hold: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    /// The largest page.
    pub const MAX: u16 = 100;
    /// The page size where the caller names none.
    pub const DEFAULT: Self = Self(20);

    /// A page of so many rows, if that is within 1 to 100.
    pub const fn new(rows: u16) -> Option<Self> {
        if rows >= 1 && rows <= Self::MAX { Some(Self(rows)) } else { None }
    }

    /// Rows as a number that a database takes.
    pub fn rows(self) -> i64 {
        i64::from(self.0)
    }
}

/// Which page of a list is asked for: the rows after a key.
#[derive(Debug, Clone)]
pub struct Page<Key> {
    /// The last key of the page before; none for the first page.
    pub after: Option<Key>,
    /// How many rows at the most.
    pub limit: Limit,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Slice<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Whether there are rows after these.
    pub has_more: bool,
}
