//! Search parameters in a scope: what a record has to match.  SMART App Launch 2.2 §3.0.2.3

use std::{collections::BTreeSet, fmt};

use url::form_urlencoded;

/// Parameters that say how to answer and not which records: as a restriction they would restrict nothing.  FHIR R4 §3.1.1.5
const NO_CRITERIA: [&str; 21] = [
    "_sort",
    "_count",
    "_total",
    "_include",
    "_revinclude",
    "_summary",
    "_elements",
    "_contained",
    "_containedType",
    "_format",
    "_pretty",
    "_score",
    "_maxresults",
    "_graph",
    "_page",
    "_offset",
    "_since",
    "_query",
    "_type",
    "page",
    "count",
];

/// What a record has to match, all of it. Nothing at all matches every record.
///
/// Written as a query it is what a search takes; a parameter that the search does not know must match nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Criteria(BTreeSet<Criterion>);

/// One parameter, of whose values a record has to match one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Criterion {
    name: Box<str>,
    values: BTreeSet<Box<str>>,
}

impl Criteria {
    pub(super) const fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Whether every record matches.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Each parameter's name with the values of which one has to match.
    pub fn iter(&self) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
        self.0.iter().map(|one| (&*one.name, one.values.iter().map(|value| &**value)))
    }

    /// At least one parameter, each with a name and a value.
    pub(super) fn parse(query: &str) -> Option<Self> {
        let read = query.split('&').map(|pair| {
            let (name, value) = form_urlencoded::parse(pair.as_bytes()).next()?;
            Criterion::read(&name, &value)
        });
        read.collect::<Option<Vec<_>>>().map(|all| Self::of(all.into_iter()))
    }

    fn of(all: impl Iterator<Item = Criterion>) -> Self {
        let mut kept = BTreeSet::new();
        for one in all {
            if !kept.iter().any(|other: &Criterion| other.implies(&one)) {
                kept.retain(|other| !one.implies(other));
                kept.insert(one);
            }
        }
        Self(kept)
    }

    /// Whether every record that matches `other` matches this.
    pub(super) fn is_wider_than(&self, other: &Self) -> bool {
        self.0.iter().all(|mine| other.0.iter().any(|theirs| theirs.implies(mine)))
    }

    /// What both ask for.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self::of(self.0.iter().chain(&other.0).cloned())
    }
}

impl Criterion {
    fn read(name: &str, value: &str) -> Option<Self> {
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':');
        let base = name.split([':', '.']).next().unwrap_or_default();
        // A replacement character stands for bytes that are no text: two different ones would look the same.
        let is_text = !value.is_empty() && !value.contains(|c: char| c.is_control() || c == '\u{fffd}');
        if base.is_empty() || !name.bytes().all(is_name) || NO_CRITERIA.contains(&base) || !is_text {
            return None;
        }
        // A list means "one of these" only where no modifier changes that, and no comma is escaped (FHIR R4 §3.1.1.4.1).
        let is_list = !name.contains(':') && !value.contains('\\');
        let values: BTreeSet<Box<str>> =
            if is_list { value.split(',').map(Box::from).collect() } else { BTreeSet::from([value.into()]) };
        (!values.contains("")).then(|| Self { name: name.into(), values })
    }

    /// Whether what matches this matches `other` too.
    fn implies(&self, other: &Self) -> bool {
        self.name == other.name && self.values.is_subset(&other.values)
    }
}

impl fmt::Display for Criteria {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, one) in self.0.iter().enumerate() {
            write!(f, "{}{}=", if nth > 0 { "&" } else { "" }, one.name)?;
            for (nth, value) in one.values.iter().enumerate() {
                f.write_str(if nth > 0 { "," } else { "" })?;
                value.bytes().try_for_each(|byte| match byte {
                    b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'|' | b'$' | b'@' | b',' => {
                        write!(f, "{}", char::from(byte))
                    }
                    _ if byte.is_ascii_alphanumeric() => write!(f, "{}", char::from(byte)),
                    _ => write!(f, "%{byte:02X}"),
                })?;
            }
        }
        Ok(())
    }
}
