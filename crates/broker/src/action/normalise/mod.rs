//! From a provider's answer to FHIR R4: a Bundle of Observations, whatever the provider calls them.
//!
//! Nothing is invented: no device, no derivation, no time zone. What an answer does not tell is left out, and an answer
//! that cannot be placed in time is refused with what is missing.

mod fitbit;
mod google_health;
mod observation;
mod time;

use std::borrow::Cow;

use jiff::tz::TimeZone;
use kernel::{Fault, Kind, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::ActionDeclaration;

/// The most Observations in one answer: two days by the minute.
pub const OBSERVATIONS_MAX: usize = 2 * 24 * 60;

/// What is made of a provider's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normaliser {
    /// Nothing: the answer is handed on as it is.
    #[default]
    AsIs,
    /// Fitbit Web API: heart rate by day and by minute.
    FitbitHeartRate,
    /// Fitbit Web API: steps by day.
    FitbitSteps,
    /// Fitbit Web API 1.2: sleep logs.
    FitbitSleep,
    /// Google Health API v4: heart rate samples.
    GoogleHeartRate,
    /// Google Health API v4: steps, rolled up by day.
    GoogleSteps,
    /// Google Health API v4: sleep sessions.
    GoogleSleep,
}

/// What the caller of an action knows and the answer does not tell.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// The base address of this deployment: identifier systems are named below it.
    pub public_url: &'a str,
    /// The provider's id.
    pub provider: &'a str,
    /// The person, by an id that means nothing outside this deployment.
    pub person: &'a str,
    /// The address of the provider's API (`meta.source`).
    pub source: &'a str,
    /// The person's time zone: from the action's input, or as the provider told it.
    pub time_zone: Option<TimeZone>,
    /// When the answer was fetched: a day that was not over then is `preliminary`.
    pub fetched_at: Timestamp,
}

/// A provider's answer cannot become FHIR.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NormaliseFault {
    /// The answer is not what the provider documents. The place, never the value.
    #[error("the provider's answer is not what it documents: {0}")]
    Shape(&'static str),
    /// The provider answers in local clock time and the zone is not known.
    #[error("the provider answers in local time and the person's time zone is not known")]
    TimeZoneUnknown,
    /// More than is handed on.
    #[error("the provider's answer holds more than {OBSERVATIONS_MAX} values")]
    TooMany,
}

impl Fault for NormaliseFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Shape(_) => Kind::Unavailable,
            Self::TimeZoneUnknown => Kind::Unsupported,
            Self::TooMany => Kind::Invalid,
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Shape(_) => "the third-party service gave an answer that cannot be understood".into(),
            Self::TimeZoneUnknown => {
                "state time_zone (an IANA name such as Europe/London): this service answers in \
                                      local clock time"
                    .into()
            }
            Self::TooMany => format!("more than {OBSERVATIONS_MAX} values: ask for fewer days").into(),
        }
    }
    fn path(&self) -> Option<Cow<'static, str>> {
        (*self == Self::TimeZoneUnknown).then_some(Cow::Borrowed("time_zone"))
    }
}

/// Make of a provider's pages what the action's output schema promises. Most actions have one page.
///
/// # Errors
/// The answer is not what the provider documents, cannot be placed in time, or is too long.
pub fn normalise(
    action: &ActionDeclaration,
    pages: &[Value],
    context: &Context<'_>,
) -> Result<Value, NormaliseFault> {
    let observations = match action.normalise {
        Normaliser::AsIs => return pages.first().cloned().ok_or(NormaliseFault::Shape("no answer")),
        Normaliser::FitbitHeartRate => fitbit::heart_rate(pages, context)?,
        Normaliser::FitbitSteps => fitbit::steps(pages, context)?,
        Normaliser::FitbitSleep => fitbit::sleep(pages, context)?,
        Normaliser::GoogleHeartRate => google_health::heart_rate(pages, context)?,
        Normaliser::GoogleSteps => google_health::steps(pages, context)?,
        Normaliser::GoogleSleep => google_health::sleep(pages, context)?,
    };
    Ok(observation::bundle(observations, context))
}

/// The time zone that an input names, if it does.
///
/// # Errors
/// The name is in no time zone database.
pub fn time_zone_of(name: &str) -> Result<TimeZone, UnknownTimeZone> {
    TimeZone::get(name).map_err(|_| UnknownTimeZone)
}

/// No time zone has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such time zone: use an IANA name such as Europe/London")]
pub struct UnknownTimeZone;

impl Fault for UnknownTimeZone {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }
    fn public(&self) -> Cow<'static, str> {
        Cow::Owned(self.to_string())
    }
    fn path(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed("time_zone"))
    }
}

#[cfg(test)]
mod tests;
