//! What is wrong with a structure, found while its snapshot is made.

use std::fmt;

/// Something wrong with a structure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFinding {
    /// `url|version` of the structure whose snapshot is being made; empty where somebody asked for what is not there.
    pub structure: Box<str>,
    /// The element.
    pub path: Box<str>,
    /// What is wrong.
    pub found: SnapshotFound,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotFound {
    /// No loaded package has this structure or type.
    Missing(Box<str>),
    /// It is built on itself.
    Cycle(Box<str>),
    /// Its JSON cannot be read.
    Unreadable(String),
    /// A limit, by its name.
    OverLimit(&'static str),
    /// An element without a path, or with one that is none.
    BadPath,
    /// The base has no such element.
    NotInBase,
    /// The element comes twice.
    Twice,
    /// Children of an element of several types, or of none.
    NoOneType,
    /// What a content reference points at is not there.
    NoTarget(Box<str>),
    /// Slices of an element whose slicing nobody defined.
    NotSliced,
    /// `min` below that of the base, or `max` above it.
    Widened(&'static str),
}

impl fmt::Display for SnapshotFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.structure.is_empty() {
            write!(f, "{}: ", self.structure)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        match &self.found {
            SnapshotFound::Missing(url) => write!(f, "{url} is in none of the loaded packages"),
            SnapshotFound::Cycle(url) => write!(f, "{url} is built on itself"),
            SnapshotFound::Unreadable(why) => write!(f, "cannot be read: {why}"),
            SnapshotFound::OverLimit(limit) => write!(f, "over {limit}"),
            SnapshotFound::BadPath => f.write_str("the element has no path, or one outside of its structure"),
            SnapshotFound::NotInBase => f.write_str("the base has no such element"),
            SnapshotFound::Twice => f.write_str("the element is there twice"),
            SnapshotFound::NoOneType => {
                f.write_str("children are given, but the element has not exactly one type")
            }
            SnapshotFound::NoTarget(id) => write!(f, "the content reference {id} leads nowhere"),
            SnapshotFound::NotSliced => f.write_str("slices are given, but no slicing"),
            SnapshotFound::Widened(what) => write!(f, "{what} is wider than in the base"),
        }
    }
}
