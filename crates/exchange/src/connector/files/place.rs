//! Where among files a run is, and which ones are done with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{After, DONE_BYTES_MAX, DONE_MAX, Listed, Next, Version};
use crate::{
    connector::{Cursor, PullFault},
    format::Position,
};

/// So many bytes before a place are compared when a run goes on there.
pub(super) const TAIL_BYTES: usize = 4 * 1024;
/// Bytes of a version in JSON, about, without its tag.
const VERSION_BYTES: usize = 80;

const UNREADABLE: PullFault = PullFault::last("where the run was cannot be read");

/// In this order files are taken.
pub(super) fn order(file: &Listed) -> (i64, &str) {
    (file.version.modified_ms, &file.name)
}

/// Where a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    #[serde(flatten)]
    done: Done,
    current: Option<Current>,
    /// Files that were done with in the page before, and are to be put away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub away: Vec<String>,
}

/// What is done with: this is also what the next run begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Done {
    files: BTreeMap<String, Version>,
    /// Everything up to here was done with before.
    horizon: Option<(i64, String)>,
}

/// A file that has been begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Current {
    pub file: Listed,
    pub at: Position,
    /// Of how many bytes before, and their digest.
    tail: Option<(u64, String)>,
}

impl Current {
    pub fn new(file: Listed, at: Position, tail: &[u8]) -> Self {
        Self { file, at, tail: Some((tail.len() as u64, digest(tail))) }
    }

    fn begin(file: Listed) -> Self {
        Self { file, at: Position::default(), tail: None }
    }

    /// Whether nothing of it was read yet.
    pub const fn is_begun(&self) -> bool {
        self.tail.is_none()
    }

    pub fn tail_len(&self) -> u64 {
        self.tail.as_ref().map_or(0, |(len, _)| (*len).min(self.at.byte))
    }

    /// Whether these are the bytes that were before.
    pub fn follows(&self, tail: &[u8]) -> bool {
        self.tail.as_ref().is_none_or(|(_, known)| *known == digest(tail))
    }
}

fn digest(bytes: &[u8]) -> String {
    crypto::b64::encode(crypto::sha256(bytes))
}

impl Place {
    pub fn of(cursor: &Cursor) -> Result<Self, PullFault> {
        if let Some(place) = &cursor.place {
            return serde_json::from_value(place.clone()).map_err(|_| UNREADABLE);
        }
        let done = match &cursor.mark {
            Some(mark) => serde_json::from_value(mark.clone()).map_err(|_| UNREADABLE)?,
            None => Done::default(),
        };
        Ok(Self { done, ..Self::default() })
    }

    pub fn to_json(&self) -> Result<Value, PullFault> {
        serde_json::to_value(self).map_err(|_| PullFault::last("where the run is cannot be kept"))
    }

    pub fn mark(&self) -> Result<Value, PullFault> {
        serde_json::to_value(&self.done).map_err(|_| PullFault::last("where the run is cannot be kept"))
    }

    /// The file that comes next, if there is one: the one that was begun, or else the oldest that is not done with.
    pub fn turn_to(&mut self, wanted: &[Listed], changed: &[String]) -> Option<&Current> {
        // What has another state by now is begun anew; what is not there any more is not gone on with.
        self.current.take_if(|current| !wanted.contains(&current.file));
        if self.current.is_none() {
            let next = wanted.iter().find(|file| !self.done.has(file) && !changed.contains(&file.name));
            self.current = next.cloned().map(Current::begin);
        }
        self.current.as_ref()
    }

    /// The file is not the one that was begun.
    pub fn forget(&mut self) {
        self.current = None;
    }

    pub fn went_on(&mut self, next: Next, after: After) {
        match (next, self.current.take()) {
            (Next::At(current), _) => self.current = Some(*current),
            (Next::Done, Some(current)) => {
                if after == After::PutAway {
                    self.away.push(current.file.name.clone());
                }
                self.done.add(current.file);
            }
            (Next::Done, None) => {}
        }
    }
}

impl Done {
    fn has(&self, file: &Listed) -> bool {
        match self.files.get(&file.name) {
            Some(version) => *version == file.version,
            None => {
                let horizon = self.horizon.as_ref().map(|(modified_ms, name)| (*modified_ms, name.as_str()));
                horizon.is_some_and(|horizon| order(file) <= horizon)
            }
        }
    }

    fn add(&mut self, file: Listed) {
        self.files.insert(file.name, file.version);
        let bytes = |(name, version): (&String, &Version)| name.len() + version.tag.len() + VERSION_BYTES;
        let mut all: usize = self.files.iter().map(bytes).sum();
        while self.files.len() > DONE_MAX || all > DONE_BYTES_MAX {
            let oldest = self.files.iter().min_by_key(|(name, version)| (version.modified_ms, *name));
            let Some((name, modified_ms)) = oldest.map(|(name, version)| (name.clone(), version.modified_ms))
            else {
                return;
            };
            let version = self.files.remove(&name);
            all -= version.map_or(0, |version| name.len() + version.tag.len() + VERSION_BYTES);
            self.horizon = self.horizon.take().max(Some((modified_ms, name)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, modified_ms: i64) -> Listed {
        Listed { name: name.to_owned(), version: Version { modified_ms, size: 1, tag: String::new() } }
    }

    fn names(place: &mut Place, wanted: &[Listed]) -> Vec<String> {
        let mut names = Vec::new();
        while let Some(current) = place.turn_to(wanted, &[]) {
            names.push(current.file.name.clone());
            place.went_on(Next::Done, After::Stay);
        }
        names
    }

    #[test]
    fn a_file_is_taken_once_and_again_when_it_has_changed() {
        let mut place = Place::default();
        assert_eq!(names(&mut place, &[file("a", 1), file("b", 2)]), ["a", "b"]);
        let cursor = Cursor { mark: Some(place.mark().unwrap()), place: None };
        let mut next = Place::of(&cursor).unwrap();
        // One that comes late, with an older time than others that are done with, is taken too.
        assert_eq!(names(&mut next, &[file("late", 1), file("a", 1), file("b", 3)]), ["late", "b"]);
    }

    #[test]
    fn what_is_remembered_has_an_end_and_nothing_is_taken_twice() {
        let all: Vec<Listed> = (0..DONE_MAX as i64 * 2).map(|nth| file(&format!("f{nth:06}"), nth)).collect();
        let mut place = Place::default();
        assert_eq!(names(&mut place, &all).len(), all.len());
        assert_eq!(place.done.files.len(), DONE_MAX);
        assert_eq!(names(&mut place, &all), [""; 0]);
        assert!(place.mark().unwrap().to_string().len() < crate::connector::PLACE_BYTES_MAX / 2);
        let long: Vec<Listed> = (0..DONE_MAX as i64)
            .map(|nth| file(&"x".repeat(250).replacen("xxxxxx", &format!("{nth:06}"), 1), nth))
            .collect();
        let mut place = Place::default();
        names(&mut place, &long);
        assert!(place.done.files.len() < DONE_MAX, "by their bytes");
        assert!(place.mark().unwrap().to_string().len() < DONE_BYTES_MAX);
        assert_eq!(names(&mut place, &long), [""; 0]);
    }

    #[test]
    fn a_file_that_was_begun_is_gone_on_with_only_if_it_is_the_same() {
        let (wanted, mut at) = ([file("a", 1), file("b", 2)], Position::default());
        at.byte = 7;
        let mut place = Place::default();
        place.turn_to(&wanted, &[]);
        place.went_on(Next::At(Box::new(Current::new(file("a", 1), at.clone(), b"before"))), After::Stay);
        let back: Place = serde_json::from_value(place.to_json().unwrap()).unwrap();
        assert_eq!(back, place);
        let current = place.turn_to(&wanted, &[]).unwrap();
        assert_eq!((&current.at, current.tail_len()), (&at, 6));
        assert!(current.follows(b"before") && !current.follows(b"Before"));
        let changed = place.turn_to(&[file("a", 9), file("b", 2)], &[]).unwrap();
        assert_eq!((changed.file.name.as_str(), changed.at.byte), ("a", 0));
    }
}
