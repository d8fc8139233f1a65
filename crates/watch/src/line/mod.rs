//! Lines of an integration's log.
//!
//! What can be said is [`What`]; besides there are a reason, which is a text of this program, the id of one thing, and numbers. Nothing else
//! fits into a [`Line`], so neither a credential nor a record can come into a log.

pub mod follow;
pub mod list;
mod queries;
mod queue;
mod retire;
mod search;
mod write;

use std::time::Duration;

use kernel::{Id, IdKind, Integration};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use queue::keep_writing;
pub use queue::{CAUGHT_UP_IN, LINES_WAITING_MAX, Log};
pub use retire::{RETIRE_EVERY, Retire};
pub use write::LINES_OF_A_UNIT;
pub(crate) use write::Placed;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LogLevel)]
pub enum Level {
    /// For whoever looks closely: single calls and pages.
    Debug,
    /// As it should be.
    Info,
    /// Somebody should look at it.
    Warning,
    /// It does not work.
    Error,
}

impl Level {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let all = [Self::Debug, Self::Info, Self::Warning, Self::Error];
        all.into_iter().find(|level| level.as_str() == text)
    }
}

macro_rules! what {
    ($($(#[$doc:meta])* $what:ident = $word:literal, $level:ident, $message:literal;)*) => {
        /// What has happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum What {
            $($(#[$doc])* $what,)*
        }

        impl What {
            /// All of it.
            pub const ALL: &[Self] = &[$(Self::$what),*];

            /// The word for it, how much it matters, and what a line says.
            pub const fn said(self) -> (&'static str, Level, &'static str) {
                match self {
                    $(Self::$what => ($word, Level::$level, $message),)*
                }
            }
        }
    };
}

what! {
    /// A test found nothing wrong.
    TestPassed = "test.passed", Info, "the connection was tested and works";
    /// A test found something to look at.
    TestWarned = "test.warned", Warning, "the connection was tested and works, but something should be looked at";
    /// A test found that it does not work.
    TestFailed = "test.failed", Error, "the connection was tested and does not work";
    /// A sync was asked for.
    SyncBegun = "sync.begun", Info, "a sync was begun";
    /// A sync that had ended goes on.
    SyncRetried = "sync.retried", Info, "a sync goes on where it had ended";
    /// A step of a sync was stored.
    PageStored = "sync.page_stored", Debug, "a page of a sync was stored";
    /// Records were not taken.
    RecordsQuarantined = "sync.quarantined", Warning, "records of a sync were set aside";
    /// The other side could not be read, and will be asked again.
    SyncPaused = "sync.paused", Warning, "the other side could not be read and will be asked again";
    /// All that the other side had has come.
    SyncCompleted = "sync.completed", Info, "a sync has come to its end";
    /// A sync goes no further.
    SyncFailed = "sync.failed", Error, "a sync has failed";
    /// Somebody has ended a sync.
    SyncCancelled = "sync.cancelled", Warning, "a sync was cancelled";
    /// A record that was set aside came in after all.
    RecordReplayed = "quarantine.replayed", Info, "a record that was set aside was taken";
    /// A record that was set aside was let go.
    RecordDiscarded = "quarantine.discarded", Warning, "a record that was set aside was let go";
    /// It was registered.
    Created = "integration.created", Info, "the integration was registered";
    /// It was changed.
    Updated = "integration.updated", Info, "the integration was changed";
    /// It was switched on.
    Activated = "integration.activated", Info, "the integration was switched on";
    /// It was switched off.
    Deactivated = "integration.deactivated", Warning, "the integration was switched off";
    /// It was put away.
    Archived = "integration.archived", Warning, "the integration was archived";
    /// It was brought back.
    Restored = "integration.restored", Info, "the integration was brought back";
    /// A call was passed on and answered.
    CallAnswered = "call.answered", Debug, "a call was passed on and answered";
    /// The other side did not let a call in.
    CallRefused = "call.refused", Warning, "the other side refused a call";
    /// A call was not answered, or with a fault of the other side.
    CallFailed = "call.failed", Error, "a call has failed";
    /// A call that is not allowed was not passed on.
    CallDenied = "call.denied", Warning, "a call was not passed on because it is not allowed";
    /// An action was run.
    ActionDone = "action.done", Debug, "an action was run";
    /// An action was not allowed, or its input was wrong.
    ActionRefused = "action.refused", Warning, "an action was refused";
    /// An action has failed.
    ActionFailed = "action.failed", Error, "an action has failed";
    /// A connection has new tokens.
    TokensRenewed = "tokens.renewed", Debug, "the tokens of a connection were renewed";
    /// Tokens could not be renewed now.
    RenewalFailed = "tokens.renewal_failed", Warning, "the tokens of a connection could not be renewed and will be again later";
    /// A person has to link again.
    ReconnectNeeded = "tokens.reconnect_needed", Error, "a person has to link their account again";
    /// The other side has told us something.
    MessageTaken = "message.taken", Info, "a message of the other side was taken";
    /// Somebody has told us something who is not proven to be the other side.
    MessageRefused = "message.refused", Warning, "a message was refused because its sender is not proven";
}

/// One thing that a line is about besides its integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subject {
    pub kind: &'static str,
    pub id: [u8; 16],
}

/// The numbers of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = LogNumbers)]
pub struct Numbers {
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Records that came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records_processed: Option<i64>,
    /// Of these, written as a next version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored: Option<i64>,
    /// As they were already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<i64>,
    /// Set aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<i64>,
    /// Deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<i64>,
    /// The status that the other side answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Seconds until it is asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
    /// The version that the integration has since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

/// A line, before it has a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub(crate) integration: Id<Integration>,
    pub(crate) what: What,
    pub(crate) why: Option<&'static str>,
    pub(crate) about: Option<Subject>,
    pub(crate) numbers: Numbers,
}

impl Line {
    /// This has happened.
    pub fn of(integration: Id<Integration>, what: What) -> Self {
        Self { integration, what, why: None, about: None, numbers: Numbers::default() }
    }

    /// For this reason: a text of the program.
    #[must_use]
    pub fn because(self, why: impl Into<Option<&'static str>>) -> Self {
        Self { why: why.into(), ..self }
    }

    /// To this thing of the integration.
    #[must_use]
    pub fn about<K: IdKind>(self, id: Id<K>) -> Self {
        Self { about: Some(Subject { kind: K::NAME, id: *id.as_bytes() }), ..self }
    }

    /// It took so long.
    #[must_use]
    pub fn took(mut self, time: Duration) -> Self {
        self.numbers.duration_ms = Some(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// With these numbers; how long it took stays where it was said.
    #[must_use]
    pub fn with(mut self, numbers: Numbers) -> Self {
        let duration_ms = numbers.duration_ms.or(self.numbers.duration_ms);
        self.numbers = Numbers { duration_ms, ..numbers };
        self
    }

    /// With the status that the other side answered with.
    #[must_use]
    pub fn answered(mut self, status: u16) -> Self {
        self.numbers.status = Some(status);
        self
    }
}

/// A text that lines say, as its row holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phrase {
    pub id: i64,
    pub event: String,
    pub level: String,
    pub message: String,
    pub reason: Option<String>,
}

impl Phrase {
    fn of(line: &Line) -> Self {
        let (event, level, message) = line.what.said();
        Self {
            id: phrase_id(line),
            event: event.to_owned(),
            level: level.as_str().to_owned(),
            message: message.to_owned(),
            reason: line.why.map(str::to_owned),
        }
    }

    /// What a reader is told.
    pub fn told(&self) -> String {
        match &self.reason {
            Some(reason) => format!("{}: {reason}", self.message),
            None => self.message.clone(),
        }
    }
}

/// The same on every node: FNV-1a over what is said.  <https://datatracker.ietf.org/doc/draft-eastlake-fnv/>
fn phrase_id(line: &Line) -> i64 {
    let (event, level, message) = line.what.said();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in [event, level.as_str(), message, line.why.unwrap_or_default()] {
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    i64::from_ne_bytes(hash.to_ne_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_happening_says_something_of_its_own() {
        let one = Id::from_bytes([1; 16]);
        let lines = What::ALL.iter().flat_map(|what| {
            [
                Line::of(one, *what),
                Line::of(one, *what).because("it is so"),
                Line::of(one, *what).because("it is not"),
            ]
        });
        let ids: BTreeSet<i64> = lines.map(|line| phrase_id(&line)).collect();
        assert_eq!(ids.len(), 3 * What::ALL.len());
        let words: BTreeSet<_> = What::ALL.iter().map(|what| what.said().0).collect();
        assert_eq!(words.len(), What::ALL.len());
    }

    #[test]
    fn numbers_that_are_not_there_are_not_said() {
        let line = Line::of(Id::from_bytes([1; 16]), What::CallAnswered)
            .took(Duration::from_millis(7))
            .answered(204);
        assert_eq!(serde_json::to_string(&line.numbers).unwrap(), r#"{"duration_ms":7,"status":204}"#);
        let more = line.with(Numbers { stored: Some(1), ..Numbers::default() });
        assert_eq!(more.numbers.duration_ms, Some(7));
    }
}
