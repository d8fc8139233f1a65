//! Misbehaviour that can be switched on, to see how a client bears it.

mod meet;
mod set;

use std::{collections::BTreeMap, str::FromStr};

use axum::{Router, routing::get};
use serde::{Deserialize, Serialize};

pub(super) use self::meet::{Lost, watched};
use super::{Person, Sandbox};

/// The longest delay, in milliseconds: ten minutes.
pub(super) const DELAY_MS_MAX: u64 = 600_000;

/// A place where the sandbox can misbehave, and that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// `/oauth2/authorize`
    Authorize,
    /// `/oauth2/token`
    Token,
    /// `/oauth2/revoke`
    Revoke,
    /// `/oauth2/introspect`
    Introspect,
    /// `/1/user/-/profile.json`
    Profile,
    /// `/1/user/-/activities/heart/…`
    Heart,
    /// `/1/user/-/activities/steps/…`
    Steps,
    /// `/1.2/user/-/sleep/…`
    Sleep,
}

impl Endpoint {
    /// Every one of them.
    pub const ALL: [Self; 8] = [
        Self::Authorize,
        Self::Token,
        Self::Revoke,
        Self::Introspect,
        Self::Profile,
        Self::Heart,
        Self::Steps,
        Self::Sleep,
    ];

    /// Its name in JSON and on the page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Token => "token",
            Self::Revoke => "revoke",
            Self::Introspect => "introspect",
            Self::Profile => "profile",
            Self::Heart => "heart",
            Self::Steps => "steps",
            Self::Sleep => "sleep",
        }
    }
}

/// What comes in place of the right answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// This status, 500 to 599; the request is not carried out.
    Status {
        /// The status.
        code: u16,
    },
    /// 429; the request is not carried out.
    TooMany {
        /// Seconds to wait, told in `Retry-After`.
        retry_after_s: u32,
        /// Whether it is told as a date rather than as seconds (RFC 9110 §10.2.3).
        #[serde(default)]
        as_date: bool,
    },
    /// The request is carried out and the connection then closed without a byte.
    Lost,
    /// The request is carried out and answered with 200 and something that is not JSON.
    Garbage,
}

/// How one endpoint misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EndpointFault {
    /// Milliseconds before anything happens.
    pub slow_ms: u64,
    /// What comes in place of the right answer, if not that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// For how many calls; until it is switched off, if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

/// All that is switched on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// By endpoint; those that are not named behave.
    pub endpoints: BTreeMap<Endpoint, EndpointFault>,
    /// Seconds that the token endpoint waits *after* the request was carried out, before it answers.
    pub stall_token_s: u64,
    /// Whether a person's calls are limited to 150 an hour for each client.
    pub rate_limit: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self { endpoints: BTreeMap::new(), stall_token_s: 0, rate_limit: true }
    }
}

/// From JSON as `POST /sandbox/faults` takes it, for faults from the start.
impl FromStr for Faults {
    type Err = String;

    fn from_str(json: &str) -> Result<Self, String> {
        let change: Change = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let Change { endpoints, stall_token_s, rate_limit, withdraw_grants_of } = change;
        if !withdraw_grants_of.is_empty() {
            return Err("withdraw_grants_of is for a sandbox that runs".to_owned());
        }
        let faults = Self { endpoints, stall_token_s, rate_limit: rate_limit.unwrap_or(true) };
        faults.check().map(|()| faults).map_err(str::to_owned)
    }
}

impl Faults {
    /// Says what cannot be had, if something cannot.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let slow = self.endpoints.values().all(|fault| fault.slow_ms <= DELAY_MS_MAX);
        let broken = |fault: &EndpointFault| match fault.answer {
            Some(Answer::Status { code }) => !(500..=599).contains(&code),
            Some(Answer::TooMany { .. } | Answer::Lost | Answer::Garbage) | None => false,
        };
        if !slow || self.stall_token_s.saturating_mul(1_000) > DELAY_MS_MAX {
            Err("a delay is at most ten minutes")
        } else if self.endpoints.values().any(broken) {
            Err("a status is 500 to 599")
        } else {
            Ok(())
        }
    }

    /// How this call at this endpoint goes.
    fn meet(&mut self, at: Endpoint) -> EndpointFault {
        let Some(fault) = self.endpoints.get_mut(&at) else { return EndpointFault::default() };
        let met = *fault;
        match &mut fault.times {
            None => {}
            Some(times) if *times > 1 => *times -= 1,
            Some(_) => drop(self.endpoints.remove(&at)),
        }
        met
    }
}

/// What `POST /sandbox/faults` takes: everything that is to be switched on from now on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    /// By endpoint; those that are not named behave.
    pub endpoints: BTreeMap<Endpoint, EndpointFault>,
    /// As in [`Faults`].
    pub stall_token_s: u64,
    /// As in [`Faults`]; as it was, if not said.
    pub rate_limit: Option<bool>,
    /// People who take back, now, everything that they have granted. They can grant anew.
    pub withdraw_grants_of: Vec<Person>,
}

pub(super) fn routes() -> Router<std::sync::Arc<Sandbox>> {
    Router::new()
        .route("/sandbox/faults", get(set::show).post(set::set))
        .route("/sandbox/counters", get(set::counters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_lasts_as_many_calls_as_it_was_given() {
        let answer = Some(Answer::Status { code: 503 });
        let fault = EndpointFault { slow_ms: 0, answer, times: Some(2) };
        let mut faults = Faults { endpoints: [(Endpoint::Token, fault)].into(), ..Faults::default() };
        let met = [(); 3].map(|()| faults.meet(Endpoint::Token).answer);
        assert_eq!(met, [answer, answer, None]);
        assert_eq!(faults.meet(Endpoint::Heart), EndpointFault::default());
    }

    #[test]
    fn a_fault_without_a_number_stays() {
        let fault = EndpointFault { answer: Some(Answer::Lost), ..EndpointFault::default() };
        let mut faults = Faults { endpoints: [(Endpoint::Sleep, fault)].into(), ..Faults::default() };
        assert!((0..100).all(|_| faults.meet(Endpoint::Sleep).answer == Some(Answer::Lost)));
    }

    #[test]
    fn only_server_errors_and_short_delays_can_be_had() {
        let with =
            |fault| Faults { endpoints: [(Endpoint::Token, fault)].into(), ..Faults::default() }.check();
        let status =
            |code| EndpointFault { answer: Some(Answer::Status { code }), ..EndpointFault::default() };
        assert!(with(status(503)).is_ok());
        assert!(with(status(200)).is_err() && with(status(404)).is_err() && with(status(600)).is_err());
        assert!(with(EndpointFault { slow_ms: DELAY_MS_MAX + 1, ..EndpointFault::default() }).is_err());
        assert!(Faults { stall_token_s: u64::MAX, ..Faults::default() }.check().is_err());
    }

    #[test]
    fn faults_are_written_in_json_as_documented() {
        let text = r#"{"endpoints":{"token":{"answer":{"kind":"too_many","retry_after_s":3,"as_date":true},"times":1},
            "heart":{"slow_ms":500}},"stall_token_s":2,"rate_limit":false,"withdraw_grants_of":["river"]}"#;
        let change: Change = serde_json::from_str(text).unwrap();
        let answer = Some(Answer::TooMany { retry_after_s: 3, as_date: true });
        assert_eq!(change.endpoints[&Endpoint::Token], EndpointFault { slow_ms: 0, answer, times: Some(1) });
        assert_eq!(change.withdraw_grants_of, [Person::River]);
        assert!(serde_json::from_str::<Change>(r#"{"endpoint":{}}"#).is_err());
        let start: Faults = r#"{"stall_token_s":2}"#.parse().unwrap();
        assert_eq!((start.stall_token_s, start.rate_limit), (2, true));
        assert!(text.parse::<Faults>().is_err() && r#"{"stall_token_s":601}"#.parse::<Faults>().is_err());
    }
}
