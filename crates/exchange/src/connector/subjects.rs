//! Studies of a system for electronic data capture, read subject by subject: the same for all of them.
//!
//! The subjects are listed anew for each page, and those behind the last one are read: a list that changes between two pages loses nobody. An incremental
//! run asks for what has changed since the run before began, and a while longer.

use std::future::Future;

use futures_util::future::BoxFuture;
use kernel::{Issue, World};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Abilities, Asked, Connector, Cursor, Deletions, Findings, Found, Name, Page, PullFault, Raw, Since,
    files::Records,
};
use crate::{format::Row, mapping::Mapping};

/// Subjects of a study that are listed.
pub const SUBJECTS_MAX: usize = 100_000;
/// The most bytes of one answer.
pub const ANSWER_BYTES_MAX: usize = 32 << 20;

const UNREADABLE: PullFault = PullFault::last("where the run was cannot be read");

/// Who there is, and when that was so by the other side's own clock.
pub struct Listed {
    /// Subjects.
    pub subjects: Vec<String>,
    /// The time.
    pub at: String,
}

/// A system with studies.
pub trait Trial: Send + Sync {
    /// Names of the studies that are read, as the system calls them.
    fn studies(&self) -> &[String];

    /// Subjects that are read for one page.
    fn at_once(&self) -> usize;

    /// The subjects of a study, all of them or those of which something has changed since.
    fn subjects(
        &self,
        study: &str,
        since: Option<&str>,
    ) -> impl Future<Output = Result<Listed, PullFault>> + Send;

    /// What is known of these subjects, or has changed since.
    fn rows(
        &self,
        study: &str,
        subjects: &[String],
        since: Option<&str>,
    ) -> impl Future<Output = Result<Vec<Row>, PullFault>> + Send;

    /// From when on to ask, if all up to there is known.
    fn overlapping(&self, known: &str) -> Result<String, PullFault>;

    /// Whether it could be pulled from.
    fn check(&self, world: &World, records: &Records) -> impl Future<Output = Findings> + Send;
}

/// A system for electronic data capture as a source.
pub struct Subjects<T> {
    trial: T,
    records: Records,
}

/// Where a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The study.
    nth: usize,
    /// The last subject that is done with.
    after: Option<String>,
    /// What is asked for, from the mark of the runs before.
    since: Option<String>,
    /// When the run began, by the other side's clock.
    began: Option<String>,
}

impl Place {
    fn of<T: Trial>(cursor: &Cursor, trial: &T) -> Result<Self, PullFault> {
        if let Some(place) = &cursor.place {
            return serde_json::from_value(place.clone()).map_err(|_| UNREADABLE);
        }
        let known: Option<String> =
            cursor.mark.clone().map(serde_json::from_value).transpose().map_err(|_| UNREADABLE)?;
        let since = known.map(|known| trial.overlapping(&known)).transpose()?;
        Ok(Self { since, ..Self::default() })
    }
}

impl<T: Trial> Subjects<T> {
    /// What this system has.
    pub const fn new(trial: T, records: Records) -> Self {
        Self { trial, records }
    }

    async fn pulled(&self, cursor: &Cursor) -> Result<Page, PullFault> {
        let mut place = Place::of(cursor, &self.trial)?;
        let Some(study) = self.trial.studies().get(place.nth) else {
            let mark = place.began.map(Value::from);
            return Ok(Page { mark, ..Page::default() });
        };
        let Listed { mut subjects, at } = self.trial.subjects(study, place.since.as_deref()).await?;
        if subjects.len() > SUBJECTS_MAX {
            return Err(PullFault::last("a study has more subjects than are listed"));
        }
        subjects.sort_unstable();
        subjects.dedup();
        place.began.get_or_insert(at);
        let behind = match &place.after {
            Some(after) => subjects.partition_point(|subject| subject <= after),
            None => 0,
        };
        let turn: Vec<String> = subjects.into_iter().skip(behind).take(self.trial.at_once().max(1)).collect();
        let (found, gone) = match turn.is_empty() {
            true => (Vec::new(), Vec::new()),
            false => {
                let rows = self.trial.rows(study, &turn, place.since.as_deref()).await?;
                self.records.of(("records", study), &rows)
            }
        };
        match turn.last() {
            Some(last) => place.after = Some(last.clone()),
            None => (place.nth, place.after) = (place.nth + 1, None),
        }
        let is_end = place.nth >= self.trial.studies().len();
        Ok(Page {
            records: found,
            gone,
            begun: Vec::new(),
            mark: is_end.then(|| place.began.clone().map(Value::from)).flatten(),
            next: match is_end {
                true => None,
                false => {
                    let place = serde_json::to_value(&place);
                    Some(place.map_err(|_| PullFault::last("where the run is cannot be kept"))?)
                }
            },
        })
    }
}

impl<T: Trial> Connector for Subjects<T> {
    fn abilities(&self) -> Abilities {
        Abilities { since: Since::Told, deletions: Deletions::Unknown }
    }

    fn types(&self) -> std::collections::BTreeSet<&str> {
        self.records.types()
    }

    fn check<'a>(&'a self, world: &'a World) -> BoxFuture<'a, Findings> {
        Box::pin(self.trial.check(world, &self.records))
    }

    fn pull<'a>(&'a self, cursor: &'a Cursor) -> BoxFuture<'a, Result<Page, PullFault>> {
        Box::pin(self.pulled(cursor))
    }

    fn ask<'a>(&'a self, _: &'a Name) -> BoxFuture<'a, Result<Asked, PullFault>> {
        Box::pin(async { Err(PullFault::last("the source cannot be asked for one record")) })
    }

    fn again(&self, raw: &Raw) -> Vec<Found> {
        self.records.again(raw)
    }
}

/// What became of a sample, in words.
pub(super) fn sampled(rows: &[Row], records: &Records, study: &str) -> (super::Outcome, &'static str) {
    use super::Outcome::{Failed, Passed, Warning};
    let (found, _) = records.of(("records", study), rows);
    match (rows.is_empty(), found.iter().any(|one| one.text.is_ok())) {
        (true, _) => (Warning, "there is no record to be read yet"),
        (false, true) => (Passed, "a subject's records can be read, and are mapped"),
        (false, false) => (Failed, "the mapping makes nothing of a subject's records"),
    }
}

/// What records become; none where it is not said yet.
///
/// # Errors
/// What the schema of the configuration cannot tell, each finding at its field.
pub fn mapping(config: &Map<String, Value>) -> Result<Option<Mapping>, Vec<Issue>> {
    let Some(stated) = config.get("mapping") else { return Ok(None) };
    let at = |issue: Issue| Issue::at(format!("mapping.{}", issue.path), issue.message);
    let mapping = Mapping::read(stated).map_err(|found| found.into_iter().map(at).collect::<Vec<_>>())?;
    match config.contains_key("site_id") {
        true => Ok(Some(mapping)),
        false => Err(vec![Issue::at("site_id", "is missing: it says where records come into")]),
    }
}
