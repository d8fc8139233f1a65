//! Signing in on a device without a browser: it shows a short code, and the person types it in elsewhere.  RFC 8628

pub(crate) mod begin;
mod decide;
pub(crate) mod poll;
mod queries;
mod user_code;

use std::{borrow::Cow, time::Duration};

use kernel::{Client, Fault, Id, IdKind, Kind, Person, Scopes, Session, Timestamp};
use store::DbError;

pub use decide::{Waiting, decide, find, get};
pub use user_code::UserCode;

use crate::{grant::Details, row::text_column};

/// The page where people type the code in.
pub(crate) const PAGE: &str = "/device";
/// How long both codes are good.
const LIFETIME: Duration = Duration::from_mins(10);
/// How long a device waits between two questions, and by how much longer after one that came too soon, in seconds (§3.5).
const INTERVAL_S: u32 = 5;
/// The longest that it is made to wait, in seconds.
const INTERVAL_S_MAX: u32 = 60;
/// Keeps digests of device codes apart from every other digest.
const PURPOSE: &str = "device_code";
/// What a device code begins with.
const PREFIX: &str = "hlm_dc_";

/// A sign-in that goes on at another device.
#[derive(Debug, Clone, Copy)]
pub enum DeviceCode {}
impl IdKind for DeviceCode {
    const NAME: &'static str = "device_code";
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nobody has answered.
    Pending,
    /// The person has allowed it; the device has not asked since.
    Allowed,
    /// The person has refused it.
    Denied,
    /// The device has its tokens.
    Redeemed,
}

impl Standing {
    const ALL: [Self; 4] = [Self::Pending, Self::Allowed, Self::Denied, Self::Redeemed];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Redeemed => "redeemed",
        }
    }
}
text_column!(Standing, "how far a device code is", |text| {
    Standing::ALL.into_iter().find(|standing| standing.as_str() == text)
});

/// A device code as its row holds it.
#[derive(Debug, Clone)]
struct DeviceRow {
    id: Id<DeviceCode>,
    client: Id<Client>,
    scopes: Scopes,
    details: Details,
    interval_s: u32,
    polled_at: Option<Timestamp>,
    expires_at: Timestamp,
    standing: Standing,
    person: Option<Id<Person>>,
    session: Option<Id<Session>>,
}

/// What can go wrong on the person's side.
#[derive(Debug, thiserror::Error)]
pub enum DeviceFault {
    /// There is no such code, it is over, or it was answered.
    #[error("no such user code is waiting")]
    Unknown,
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl Fault for DeviceFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::Store(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Unknown => {
                "No device is waiting with this code. Codes are good for ten minutes: look at your device again.".into()
            }
            Self::Store(fault) => fault.public(),
        }
    }
    fn path(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Unknown => Some("user_code".into()),
            Self::Store(_) => None,
        }
    }
    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Unknown => None,
            Self::Store(fault) => fault.retry_after_s(),
        }
    }
}
