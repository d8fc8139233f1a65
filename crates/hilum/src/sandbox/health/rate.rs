//! 150 calls an hour for each person and client, told in `Fitbit-Rate-Limit-*` headers.

use std::collections::BTreeMap;

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use kernel::Timestamp;

use crate::sandbox::Person;

/// Calls an hour.
const CALLS_MAX: u32 = 150;
const WINDOW_S: i64 = 3_600;

/// What was spent in the present window.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct RateWindows {
    window: i64,
    spent: BTreeMap<(Person, String), u32>,
}

/// What is left after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    /// None when the call was one too many.
    remaining: Option<u32>,
    resets_in_s: i64,
}

impl RateWindows {
    /// Count a call. Windows begin at full hours.
    pub(super) fn spend(
        &mut self,
        person: Person,
        client_id: String,
        now: Timestamp,
        limited: bool,
    ) -> Allowance {
        let seconds = now.as_seconds();
        let window = seconds.div_euclid(WINDOW_S);
        if window != self.window {
            self.window = window;
            self.spent.clear();
        }
        let spent = self.spent.entry((person, client_id)).or_default();
        *spent = spent.saturating_add(1);
        let remaining = if limited { CALLS_MAX.checked_sub(*spent) } else { Some(CALLS_MAX) };
        Allowance { remaining, resets_in_s: WINDOW_S - seconds.rem_euclid(WINDOW_S) }
    }
}

impl Allowance {
    pub(super) const fn is_spent(self) -> bool {
        self.remaining.is_none()
    }

    /// The answer with the headers that tell what is left.
    pub(super) fn told(self, mut answer: Response) -> Response {
        let too_many = answer.status() == StatusCode::TOO_MANY_REQUESTS;
        let headers = answer.headers_mut();
        tell(headers, "fitbit-rate-limit-limit", CALLS_MAX.into());
        tell(headers, "fitbit-rate-limit-remaining", self.remaining.unwrap_or(0).into());
        tell(headers, "fitbit-rate-limit-reset", self.resets_in_s);
        if too_many {
            tell(headers, header::RETRY_AFTER.as_str(), self.resets_in_s);
        }
        answer
    }
}

fn tell(headers: &mut HeaderMap, name: &'static str, number: i64) {
    headers.insert(name, HeaderValue::from(number));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_151st_call_of_an_hour_is_one_too_many() {
        let mut windows = RateWindows::default();
        let mut call =
            |seconds| windows.spend(Person::River, "app".to_owned(), Timestamp::from_seconds(seconds), true);
        for _ in 0..150 {
            assert!(!call(3_600).is_spent());
        }
        let spent = call(3_610);
        assert!(spent.is_spent());
        assert_eq!(spent.resets_in_s, 3_590);
        assert_eq!(call(7_200).remaining, Some(149));
    }

    #[test]
    fn people_and_clients_have_windows_of_their_own() {
        let mut windows = RateWindows::default();
        let mut call = |person, app: &str, limited| {
            windows.spend(person, app.to_owned(), Timestamp::from_seconds(0), limited)
        };
        assert_eq!(call(Person::River, "app", true).remaining, Some(149));
        assert_eq!(call(Person::Sky, "app", true).remaining, Some(149));
        assert_eq!(call(Person::River, "other", true).remaining, Some(149));
        assert!((0..1_000).all(|_| !call(Person::River, "app", false).is_spent()));
    }
}
