//! How a client comes to be verified: an administrator looks at what changed, verifies, refuses, or asks for a change; the developer
//! changes it and asks again.  Contract 1, "Developer portal"

mod ask;
mod decide;
mod history;
mod looked_at;
mod note;
mod queries;

use kernel::{Id, Person, Timestamp};

use crate::row::text_column;

pub use ask::ask_again;
pub use decide::{Decision, decide};
pub(super) use decide::{decide_in, lapse, withdraw_in};
pub use history::{Story, latest_of, story_of};
pub(super) use looked_at::keys_of;
pub use looked_at::{Change, LookedAt, changes};
pub use note::{NOTE_CHARACTERS_MAX, Note};

/// How many steps of a client's way a page shows, the newest.
pub const STEPS_SHOWN_MAX: i64 = 50;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// An administrator verified it.
    Verified,
    /// An administrator asked the developer for a change.
    ChangeAsked,
    /// An administrator refused it.
    Refused,
    /// The developer asked again.
    AskedAgain,
    /// The developer changed what was verified.
    Lapsed,
    /// An administrator took the verification back.
    Withdrawn,
}

impl Act {
    const ALL: [Self; 6] =
        [Self::Verified, Self::ChangeAsked, Self::Refused, Self::AskedAgain, Self::Lapsed, Self::Withdrawn];

    /// The word for it in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::ChangeAsked => "change_asked",
            Self::Refused => "refused",
            Self::AskedAgain => "asked_again",
            Self::Lapsed => "lapsed",
            Self::Withdrawn => "withdrawn",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == text)
    }

    /// Whether it is the developer's turn after this.
    pub const fn is_sent_back(self) -> bool {
        matches!(self, Self::ChangeAsked | Self::Refused)
    }
}

text_column!(Act, "an act of a review", Self::parse);

/// One step of a client's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happened.
    pub act: Act,
    /// What the administrator wrote to the developer.
    pub note: Option<String>,
    /// Who did it.
    pub by: Option<Id<Person>>,
    /// When.
    pub at: Timestamp,
}
