//! Where in an API a run is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan::{OVERLAP_S, Plan, Stream};
use crate::connector::{Cursor, PullFault};

/// Up to when all changes of each stream are known, in microseconds.
pub(in crate::connector) type Marks = BTreeMap<String, i64>;

/// Where in an API a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::connector) struct Place {
    /// The stream.
    pub nth: usize,
    pub at: At,
    /// Changes since then are asked for, in microseconds.
    pub since: Option<i64>,
    /// The latest change that has come in this stream.
    pub high: Option<i64>,
    pub marks: Marks,
    /// Pages of this stream that have come.
    pub pages: u32,
    /// Of the answer before.
    pub answer: Option<u64>,
}

/// Which page is next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::connector) enum At {
    #[default]
    Begin,
    /// The page or offset of this number.
    Number(u64),
    Cursor(String),
    Url(String),
}

impl Place {
    pub fn of(cursor: &Cursor, plan: &Plan) -> Result<Self, PullFault> {
        let unreadable = |_| PullFault::last("where the run was cannot be read");
        if let Some(place) = &cursor.place {
            return serde_json::from_value(place.clone()).map_err(unreadable);
        }
        let marks = match &cursor.mark {
            Some(mark) => serde_json::from_value(mark.clone()).map_err(unreadable)?,
            None => Marks::new(),
        };
        Ok(Self { marks, ..Self::default() }.begin(0, plan))
    }

    /// At the beginning of a stream.
    pub fn begin(self, nth: usize, plan: &Plan) -> Self {
        let since = plan.streams.get(nth).and_then(|stream| {
            let overlap = i64::from(stream.incremental.as_ref()?.overlap_s.unwrap_or(OVERLAP_S));
            Some(self.marks.get(&stream.name)?.saturating_sub(overlap * 1_000_000))
        });
        Self { nth, since, marks: self.marks, ..Self::default() }
    }

    /// Behind a stream: all its changes are known.
    pub(super) fn through(mut self, stream: &Stream, plan: &Plan) -> Self {
        let known = self.marks.get(&stream.name).copied();
        if let Some(high) = self.high.max(known) {
            self.marks.insert(stream.name.clone(), high);
        }
        let nth = self.nth + 1;
        self.begin(nth, plan)
    }

    pub fn to_json(&self) -> Result<Value, PullFault> {
        serde_json::to_value(self).map_err(|_| PullFault::last("where the run is cannot be kept"))
    }

    pub fn mark(&self) -> Result<Value, PullFault> {
        serde_json::to_value(&self.marks).map_err(|_| PullFault::last("where the run is cannot be kept"))
    }
}
