//! Where in a server a run is.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{OVERLAP, read::Bundle};
use crate::connector::{Cursor, Found, PullFault};

/// Records of one and the same time that are remembered as having come; of more than these some come again, and are unchanged.
pub const SAME_TIME_MAX: usize = 2_000;

/// Up to when all of each type is known.
type Marks = BTreeMap<String, String>;

/// Where in a server a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The type.
    pub nth: usize,
    /// From this time on.
    pub since: Option<String>,
    /// What has come of that time: `id/version`.
    seen: BTreeSet<String>,
    /// A link of the server's own, among records of that time.
    pub next: Option<String>,
    marks: Marks,
}

/// What a page comes to.
pub(super) struct After {
    /// Records that have not come before.
    pub fresh: Vec<Found>,
    /// None if that was all.
    pub next: Option<Place>,
    pub mark: Option<Value>,
}

impl Place {
    pub fn of(cursor: &Cursor, types: &[String]) -> Result<Self, PullFault> {
        let unreadable = |_| PullFault::last("where the run was cannot be read");
        if let Some(place) = &cursor.place {
            return serde_json::from_value(place.clone()).map_err(unreadable);
        }
        let marks = match &cursor.mark {
            Some(mark) => serde_json::from_value(mark.clone()).map_err(unreadable)?,
            None => Marks::new(),
        };
        Ok(Self { marks, ..Self::default() }.at(0, types))
    }

    /// At the beginning of a type.
    fn at(self, nth: usize, types: &[String]) -> Self {
        let mark = types.get(nth).and_then(|of| self.marks.get(of));
        let since = mark.map(|mark| mark.parse::<Timestamp>().map_or_else(|_| mark.clone(), before));
        Self { nth, since, marks: self.marks, ..Self::default() }
    }

    pub fn to_json(&self) -> Result<Value, PullFault> {
        serde_json::to_value(self).map_err(|_| PullFault::last("where the run is cannot be kept"))
    }

    pub fn mark(&self) -> Result<Option<Value>, PullFault> {
        let mark = serde_json::to_value(&self.marks);
        mark.map(Some).map_err(|_| PullFault::last("where the run is cannot be kept"))
    }

    /// Behind this page.
    pub fn after(mut self, bundle: &Bundle, types: &[String]) -> Result<After, PullFault> {
        let ascends = bundle.entries.is_sorted_by(|one, other| one.at <= other.at);
        if !ascends {
            return Err(PullFault::last("the source does not sort by _lastUpdated"));
        }
        let since = self.since.as_deref().and_then(|since| since.parse::<Timestamp>().ok());
        let name = |entry: &super::read::Entry| format!("{}/{}", entry.found.name.id, entry.version);
        let is_fresh = |entry: &&super::read::Entry| !self.seen.contains(&name(entry));
        let fresh = bundle.entries.iter().filter(is_fresh).map(|entry| entry.found.clone()).collect();
        if let (Some(last), Some(of)) = (bundle.entries.last(), types.get(self.nth)) {
            let known = self.marks.get(of).and_then(|mark| mark.parse::<Timestamp>().ok());
            if known.is_none_or(|known| known < last.at) {
                self.marks.insert(of.clone(), last.updated.clone());
            }
            let has_moved = since.is_none_or(|since| since < last.at);
            if has_moved {
                self.since = Some(last.updated.clone());
                self.seen.clear();
            }
            let same = bundle.entries.iter().filter(|entry| entry.at == last.at).map(name);
            let room = SAME_TIME_MAX.saturating_sub(self.seen.len());
            self.seen.extend(same.take(room));
            self.next = bundle.next.clone().filter(|_| !has_moved);
        }
        let mark = self.mark()?;
        let next = match (&bundle.next, bundle.entries.is_empty()) {
            (Some(_), false) => Some(self),
            _ => {
                let nth = self.nth + 1;
                (nth < types.len()).then(|| self.at(nth, types))
            }
        };
        Ok(After { fresh, next, mark })
    }
}

fn before(at: Timestamp) -> String {
    (at - OVERLAP).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::read::bundle, *};

    fn page(records: &[(&str, &str)], next: Option<&str>) -> Bundle {
        let entries: Vec<Value> = records
            .iter()
            .map(|(id, at)| {
                json!({"resource": {"resourceType": "Patient", "id": id, "meta": {"lastUpdated": at, "versionId": "1"}}})
            })
            .collect();
        let link: Vec<Value> = next.iter().map(|url| json!({"relation": "next", "url": url})).collect();
        let all = json!({"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entries});
        bundle(all.to_string().as_bytes()).unwrap()
    }

    fn ids(after: &After) -> Vec<&str> {
        after.fresh.iter().map(|found| found.name.id.as_str()).collect()
    }

    const ONE: &str = "2026-01-01T00:00:00.001Z";
    const TWO: &str = "2026-01-01T00:00:00.002Z";

    #[test]
    fn the_search_begins_anew_from_the_last_time_and_links_are_for_one_time_only() {
        let types = ["Patient".to_owned(), "Basic".to_owned()];
        let begin = Place::of(&Cursor::default(), &types).unwrap();
        assert_eq!((begin.nth, &begin.since), (0, &None));
        let first = begin.after(&page(&[("a", ONE), ("b", TWO)], Some("?p=2")), &types).unwrap();
        assert_eq!(ids(&first), ["a", "b"]);
        let place = first.next.unwrap();
        assert_eq!((place.since.as_deref(), &place.next), (Some(TWO), &None));
        // b comes again, and c of the same time: no time has gone by, so the link is followed.
        let second = place.after(&page(&[("b", TWO), ("c", TWO)], Some("?p=3")), &types).unwrap();
        assert_eq!(ids(&second), ["c"]);
        let place = second.next.unwrap();
        assert_eq!((place.since.as_deref(), place.next.as_deref()), (Some(TWO), Some("?p=3")));
        let third = place.after(&page(&[("b", TWO), ("d", TWO)], None), &types).unwrap();
        assert_eq!(ids(&third), ["d"]);
        let place = third.next.unwrap();
        assert_eq!((place.nth, &place.since, &place.next), (1, &None, &None));
        assert_eq!(third.mark, Some(json!({"Patient": TWO})));
        assert!(place.after(&page(&[], None), &types).unwrap().next.is_none());
    }

    #[test]
    fn an_incremental_run_begins_before_the_last_time_that_is_known() {
        let types = ["Patient".to_owned()];
        let mark = Some(json!({"Patient": "2026-01-01T00:02:00Z"}));
        let place = Place::of(&Cursor { mark, place: None }, &types).unwrap();
        assert_eq!(place.since.as_deref(), Some("2026-01-01T00:00:00.000000Z"));
        let after = place.after(&page(&[("a", ONE)], None), &types).unwrap();
        assert_eq!(after.mark, Some(json!({"Patient": "2026-01-01T00:02:00Z"})), "a mark never goes back");
    }

    #[test]
    fn a_server_that_does_not_sort_is_told_apart() {
        let types = ["Patient".to_owned()];
        let place = Place::of(&Cursor::default(), &types).unwrap();
        assert!(place.after(&page(&[("a", TWO), ("b", ONE)], None), &types).is_err());
    }
}
