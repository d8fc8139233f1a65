//! Why a record was not written.

use std::borrow::Cow;

use kernel::{Fault, Kind};
use store::DbError;

use super::{BodyFault, DraftFault};
use crate::{outcome::Refused, search::SearchFault};

/// Why a record was not written. Nothing of the unit is kept.
#[derive(Debug, thiserror::Error)]
pub enum WriteFault {
    /// There is no such record, or it was deleted.
    #[error("there is no such record")]
    Missing,
    /// The caller's [`Judge`](super::Judge) refuses what is stored.
    #[error("the stored record is not the caller's")]
    Withheld,
    /// It is not the version that the caller knows: `If-Match`.
    #[error("the record has version {current}, not the one that was named")]
    Changed {
        /// The newest version.
        current: u32,
    },
    /// There is one already: `If-None-Match: *`.
    #[error("the record exists")]
    Exists,
    /// A condition that has to mean one record means several.
    #[error("the condition matches more than one record")]
    ManyMatches,
    /// A condition that means no record, where one of a version was named: `If-Match`.  RFC 9110 §13.1.1
    #[error("the condition means no record, so none has the version that was named")]
    NoneMeant,
    /// The document has another id than the record that a condition means.
    #[error("the resource has another id than the record that is meant")]
    OtherId,
    /// The condition means no record, and another one has the id that the caller chose.
    #[error("the condition means no record, and another one has this id")]
    Taken,
    /// What would be kept is not the caller's to keep.
    #[error("the record would not be one that the caller may write")]
    Outside,
    /// A patient whom it would be about consents to no more being kept by this caller.
    #[error("a patient whom the record would be about does not consent to its being kept by this caller")]
    Unconsented,
    /// What would be made of the stored record is refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The document is no record.
    #[error(transparent)]
    Draft(#[from] DraftFault),
    /// What the condition asks cannot be answered.
    #[error(transparent)]
    Search(#[from] SearchFault),
    /// A stored body is damaged.
    #[error(transparent)]
    Body(#[from] BodyFault),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl Fault for WriteFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Missing | Self::Withheld => Kind::NotFound,
            Self::Changed { .. } | Self::Exists | Self::ManyMatches | Self::NoneMeant | Self::Taken => {
                Kind::Conflict
            }
            Self::OtherId | Self::Refused(_) | Self::Draft(_) => Kind::Invalid,
            Self::Outside | Self::Unconsented => Kind::Forbidden,
            Self::Search(fault) => fault.kind(),
            Self::Body(_) => Kind::Internal,
            Self::Store(fault) => fault.kind(),
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Missing | Self::Withheld => Cow::Borrowed("there is no such record"),
            Self::Changed { .. }
            | Self::Exists
            | Self::ManyMatches
            | Self::NoneMeant
            | Self::OtherId
            | Self::Taken
            | Self::Outside
            | Self::Unconsented
            | Self::Refused(_)
            | Self::Draft(_) => Cow::Owned(self.to_string()),
            Self::Search(fault) => fault.public(),
            Self::Body(_) => Cow::Borrowed("internal error"),
            Self::Store(fault) => fault.public(),
        }
    }

    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Store(fault) => fault.retry_after_s(),
            Self::Search(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}
