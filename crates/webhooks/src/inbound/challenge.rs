//! How senders try out an address before they tell anything: a GET with a word that both sides know, and one that is to be repeated.
//! <https://developers.strava.com/docs/webhooks>, <https://cloud.ouraring.com/v2/docs#tag/Webhook-Subscription-Routes>, W3C WebSub §5.3

use axum::response::{IntoResponse, Response};
use crypto::constant_time_eq;
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The longest word that is repeated, in bytes.
pub const CHALLENGE_BYTES_MAX: usize = 256;
/// The longest name of a parameter, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// What is asked, and what is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InboundChallenge)]
pub struct Challenge {
    /// The parameter that holds the word that both sides know: `hub.verify_token`.
    #[schema(min_length = 1, max_length = 64)]
    pub token: String,
    /// The parameter that holds the word to be repeated: `hub.challenge`.
    #[schema(min_length = 1, max_length = 64)]
    pub parameter: String,
    /// The member of a JSON object that repeats it; plain text where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 64)]
    pub member: Option<String>,
}

impl Challenge {
    /// What the catalogue says in words; none where it is another sort.
    pub(super) fn in_words(words: &str) -> Option<Self> {
        let (token, parameter) = match words {
            "GET verification_token + challenge; echo {challenge}" => ("verification_token", "challenge"),
            "GET hub.mode, hub.verify_token, hub.challenge; echo {hub.challenge}" => {
                ("hub.verify_token", "hub.challenge")
            }
            _ => return None,
        };
        let owned = str::to_owned;
        Some(Self { token: owned(token), parameter: owned(parameter), member: Some(owned(parameter)) })
    }

    /// What is wrong with it.
    pub(super) fn fault(&self) -> Option<(&'static str, &'static str)> {
        let is_name = |text: &str| {
            (1..=NAME_BYTES_MAX).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        };
        [
            ("recipe.challenge.token", Some(&self.token)),
            ("recipe.challenge.parameter", Some(&self.parameter)),
            ("recipe.challenge.member", self.member.as_ref()),
        ]
        .into_iter()
        .find(|(_, name)| name.is_some_and(|name| !is_name(name)))
        .map(|(field, _)| (field, "must be 1 to 64 letters, digits, dots, hyphens or underscores"))
    }

    /// The word to be repeated, if whoever asks knows the other one. Each stands there once.
    pub(super) fn judge(&self, query: &[(String, String)], known: &str) -> Option<String> {
        let one = |name: &str| {
            let mut found = query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
            found.next().filter(|_| found.next().is_none())
        };
        let is_known = constant_time_eq(one(&self.token)?.as_bytes(), known.as_bytes());
        let word = one(&self.parameter).filter(|_| is_known)?;
        let is_plain = (1..=CHALLENGE_BYTES_MAX).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_graphic());
        is_plain.then(|| word.to_owned())
    }

    /// The answer that repeats it.
    pub(super) fn answer(&self, word: String) -> Response {
        let plain = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
        match &self.member {
            None => (StatusCode::OK, plain, word).into_response(),
            Some(member) => {
                let body = Map::from_iter([(member.clone(), Value::String(word))]);
                (StatusCode::OK, plain, axum::Json(body)).into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn who_knows_the_word_is_answered_with_theirs() {
        let strava =
            Challenge::in_words("GET hub.mode, hub.verify_token, hub.challenge; echo {hub.challenge}")
                .unwrap();
        assert_eq!(strava.fault(), None);
        let mode = ("hub.mode", "subscribe");
        let good = asked(&[
            mode,
            ("hub.verify_token", "known"),
            ("hub.challenge", "15f7d1a91c1f40f8a748fd134752feb3"),
        ]);
        assert_eq!(strava.judge(&good, "known").as_deref(), Some("15f7d1a91c1f40f8a748fd134752feb3"));
        assert_eq!(strava.judge(&good, "other"), None);
        let long = "x".repeat(CHALLENGE_BYTES_MAX + 1);
        for wrong in [
            asked(&[mode, ("hub.challenge", "a")]),
            asked(&[mode, ("hub.verify_token", "known")]),
            asked(&[("hub.verify_token", "known"), ("hub.verify_token", "known"), ("hub.challenge", "a")]),
            asked(&[("hub.verify_token", "known"), ("hub.challenge", "a"), ("hub.challenge", "b")]),
            asked(&[("hub.verify_token", "known"), ("hub.challenge", "<script>\u{e9}")]),
            asked(&[("hub.verify_token", "known"), ("hub.challenge", "")]),
            asked(&[("hub.verify_token", "known"), ("hub.challenge", &long)]),
        ] {
            assert_eq!(strava.judge(&wrong, "known"), None, "{wrong:?}");
        }
        assert_eq!(Challenge::in_words("something else"), None);
        let odd = Challenge { token: "a b".to_owned(), ..strava };
        assert_eq!(odd.fault().map(|(field, _)| field), Some("recipe.challenge.token"));
    }
}
