//! Lists that go on behind a cursor: the id of the last one that was told.

use kernel::{Id, Issue, Kind};
use web::{Place, Problem};

use super::id::{self, Prefixed};

/// As many as one answer holds at the most.
const PART_MAX: i64 = 100;
/// As many where nothing is said.
const PART: i64 = 20;

/// A part of a list: so many, older than this one.
#[derive(Debug)]
pub(super) struct Part<K: Prefixed> {
    pub before: Option<Id<K>>,
    pub limit: i64,
}

impl<K: Prefixed> Part<K> {
    /// The part that is asked for.
    ///
    /// # Errors
    /// 422 names the parameter that cannot be.
    pub fn read(cursor: Option<&str>, limit: Option<i64>) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(PART);
        if !(1..=PART_MAX).contains(&limit) {
            return Err(wrong("limit", "must be 1 to 100"));
        }
        let read = |text| id::read(text).ok_or_else(|| wrong("cursor", "must be one that a page has told"));
        Ok(Self { before: cursor.map(read).transpose()?, limit })
    }

    /// Where the next part begins, if this one is full.
    pub fn next<T>(&self, found: &[T], id_of: impl Fn(&T) -> Id<K>) -> Option<String> {
        let is_full = i64::try_from(found.len()).is_ok_and(|found| found == self.limit);
        found.last().filter(|_| is_full).map(|last| id::write(id_of(last)))
    }
}

/// A parameter that cannot be.
fn wrong(parameter: &'static str, why: &'static str) -> Problem {
    let issue = Issue::at(parameter, why);
    Problem::new(Kind::Unsupported, "a parameter is not right")
        .with_place(Place::Query)
        .with_issues(vec![issue])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::SyncRun;

    #[test]
    fn a_list_goes_on_while_its_parts_are_full() {
        let id = Id::<SyncRun>::from_bytes([0xab; 16]);
        let cursor = format!("sync_{}", "ab".repeat(16));
        let part = Part::<SyncRun>::read(Some(&cursor), Some(2)).unwrap();
        assert_eq!((part.before, part.limit), (Some(id), 2));
        assert_eq!(part.next(&[id], |id| *id), None);
        assert_eq!(part.next(&[id, id], |id| *id), Some(cursor));
        assert_eq!(Part::<SyncRun>::read(None, None).unwrap().limit, PART);
        for (cursor, limit, named) in [
            (None, Some(0), "limit"),
            (None, Some(101), "limit"),
            (Some("sync_"), None, "cursor"),
            (Some("qr_abababababababababababababababab"), None, "cursor"),
        ] {
            let problem = Part::<SyncRun>::read(cursor, limit).unwrap_err();
            assert_eq!(problem.issues().first().map(|issue| issue.path.as_ref()), Some(named));
        }
    }
}
