//! What a token endpoint answered: tokens, a refusal, or nothing that decides.  RFC 6749 §5
//!
//! The most costly mistake here is to take a passing fault for the end of a grant, because the person would have to
//! link again. So only words that say "this grant is gone" are permanent, and everything unclear is transient.

use std::{collections::BTreeMap, fmt};

use kernel::{Scopes, Secret};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::{Envelope, OAuth2Code, TokenErrorClass};

/// The longest answer that is read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// The longest token that is kept, in bytes.
const TOKEN_BYTES_MAX: usize = 32 * 1024;
/// The longest id of an account, in bytes.
const ACCOUNT_ID_BYTES_MAX: usize = 256;
/// The longest life that is believed, in seconds: ten years.
const TTL_S_MAX: u64 = 10 * 366 * 24 * 3600;

/// What a token endpoint's answer means. There is no `Debug`: it may hold tokens.
pub enum TokenReading {
    /// Tokens were issued.
    Tokens(Box<IssuedTokens>),
    /// The provider refused.
    Refused {
        /// Its word for it.
        code: RefusalCode,
        /// Whether the grant is gone, so that the person has to link again.
        permanent: bool,
    },
    /// Nothing is decided; trying again may help.
    Transient {
        /// Why, for the operator.
        why: TransientWhy,
    },
}

/// Tokens as they were issued.
pub struct IssuedTokens {
    /// The access token.
    pub access: Secret<String>,
    /// The refresh token. None in a refresh means: go on using the one you have.
    pub refresh: Option<Secret<String>>,
    /// How the access token is presented: `Bearer` where the answer does not tell.
    pub token_type: String,
    /// Life of the access token, seconds: what the answer tells, else the provider's rule.
    pub expires_in_s: Option<u64>,
    /// Life of the refresh token, seconds: what the answer tells, else the provider's rule.
    pub refresh_expires_in_s: Option<u64>,
    /// What was granted. None means: what was asked for (RFC 6749 §5.1).
    pub scopes: Option<Scopes>,
    /// The ID token (OpenID Connect Core §3.1.3.3).
    pub id_token: Option<Secret<String>>,
    /// The provider's own id of the account.
    pub account_id: Option<String>,
    /// Other fields that the provider's file says to keep.
    pub kept: BTreeMap<String, Value>,
}

/// A provider's reason for refusing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCode {
    /// The code or refresh token is no longer good.
    InvalidGrant,
    /// The person has to take part again.
    InteractionRequired,
    /// The client did not prove itself: the integration is set up wrongly.
    InvalidClient,
    /// The client may not do this: the integration is set up wrongly.
    UnauthorizedClient,
    /// The request is malformed.
    InvalidRequest,
    /// The scopes are not available.
    InvalidScope,
    /// The grant type is not offered.
    UnsupportedGrantType,
    /// The person, or the provider, said no.
    AccessDenied,
    /// A word that we do not know.
    Other,
}

impl RefusalCode {
    /// The protocol's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidGrant => "invalid_grant",
            Self::InteractionRequired => "interaction_required",
            Self::InvalidClient => "invalid_client",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::AccessDenied => "access_denied",
            Self::Other => "other",
        }
    }

    /// Whether the fault lies in how the integration is set up, and not in the person's grant.
    pub const fn is_configuration(self) -> bool {
        matches!(
            self,
            Self::InvalidClient
                | Self::UnauthorizedClient
                | Self::InvalidRequest
                | Self::InvalidScope
                | Self::UnsupportedGrantType
        )
    }

    fn of(word: &str) -> Option<Self> {
        match word {
            "invalid_grant" | "expired_token" | "invalid_refresh_token" | "bad_verification_code" => {
                Some(Self::InvalidGrant)
            }
            "interaction_required" | "consent_required" | "login_required" => Some(Self::InteractionRequired),
            "invalid_client" => Some(Self::InvalidClient),
            "unauthorized_client" => Some(Self::UnauthorizedClient),
            "invalid_request" => Some(Self::InvalidRequest),
            "invalid_scope" => Some(Self::InvalidScope),
            "unsupported_grant_type" => Some(Self::UnsupportedGrantType),
            "access_denied" => Some(Self::AccessDenied),
            _ => None,
        }
    }
}

/// Why an answer decides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransientWhy {
    /// The provider asks to wait: 429, or its word for it.
    Throttled,
    /// The provider's own trouble: 408, 5xx, `temporarily_unavailable`.
    Unavailable(u16),
    /// Longer than is read.
    TooLong,
    /// Neither JSON nor a form: an error page, a cut-off answer.
    Unreadable(u16),
    /// A success without a usable access token.
    NoAccessToken,
    /// An envelope whose status is not known to mean anything for good.
    Envelope(i64),
}

impl fmt::Display for TransientWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Throttled => f.write_str("the token endpoint asks to wait"),
            Self::Unavailable(status) => write!(f, "the token endpoint answered {status}"),
            Self::TooLong => write!(f, "the token answer is longer than {ANSWER_BYTES_MAX} bytes"),
            Self::Unreadable(status) => write!(f, "the token answer ({status}) is neither JSON nor a form"),
            Self::NoAccessToken => f.write_str("the token answer holds no usable access token"),
            Self::Envelope(status) => write!(f, "the token answer's own status is {status}"),
        }
    }
}

/// Read a token endpoint's answer in the provider's dialect.
pub fn read_token_answer(code: &OAuth2Code, http_status: u16, body: &[u8]) -> TokenReading {
    let transient = |why| TokenReading::Transient { why };
    match http_status {
        429 => return transient(TransientWhy::Throttled),
        408 | 425 | 500.. => return transient(TransientWhy::Unavailable(http_status)),
        _ => {}
    }
    if body.len() > ANSWER_BYTES_MAX {
        return transient(TransientWhy::TooLong);
    }
    let Some(fields) = fields_of(body) else {
        return transient(TransientWhy::Unreadable(http_status));
    };
    // An envelope with a status speaks for itself, whatever words stand beside it; without one it is a plain refusal.
    let envelope = code.response.envelope.as_ref();
    if let Some(envelope) = envelope.filter(|envelope| fields.contains_key(&envelope.status_field)) {
        return open(envelope, &fields).map_or_else(|reading| reading, |inner| read_tokens(code, inner));
    }
    match refusal(http_status, &fields) {
        Some(reading) => reading,
        None if envelope.is_some() => transient(TransientWhy::NoAccessToken),
        None => read_tokens(code, &fields),
    }
}

/// The fields of a JSON object, or of a form (RFC 6749 drafts and some providers answer so).
fn fields_of(body: &[u8]) -> Option<Map<String, Value>> {
    // serde_json refuses to go deeper than 128 levels, so a deep answer ends here too.
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        return match value {
            Value::Object(fields) => Some(fields),
            _ => None,
        };
    }
    let text = std::str::from_utf8(body).ok()?.trim();
    let form = text.split('&').any(|pair| pair.starts_with("access_token=") || pair.starts_with("error="));
    let pairs = || form_urlencoded::parse(text.as_bytes());
    form.then(|| {
        pairs().map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()
    })
}

/// A refusal in any of the shapes that are in use: `error` (RFC 6749 §5.2), Fitbit's `errors[].errorType`, Strava's
/// `errors[].code` with `resource`. Some providers send them with status 200.
fn refusal(http_status: u16, fields: &Map<String, Value>) -> Option<TokenReading> {
    let success = (200..300).contains(&http_status);
    let word = error_word(fields);
    if success && (word.is_none() || fields.contains_key("access_token")) {
        return None;
    }
    let word = word.unwrap_or_default();
    if matches!(word.as_str(), "temporarily_unavailable" | "server_error") {
        return Some(TokenReading::Transient { why: TransientWhy::Unavailable(http_status) });
    }
    if matches!(word.as_str(), "slow_down" | "too_many_requests" | "rate_limit_exceeded") {
        return Some(TokenReading::Transient { why: TransientWhy::Throttled });
    }
    let code = match RefusalCode::of(&word) {
        Some(code) => code,
        None if http_status == 401 => RefusalCode::InvalidClient,
        None => RefusalCode::Other,
    };
    let permanent = matches!(code, RefusalCode::InvalidGrant | RefusalCode::InteractionRequired);
    Some(TokenReading::Refused { code, permanent })
}

fn error_word(fields: &Map<String, Value>) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_ascii_lowercase);
    match fields.get("error") {
        Some(Value::String(word)) if !word.is_empty() => return Some(word.to_ascii_lowercase()),
        Some(Value::Object(nested)) => {
            return nested.get("code").or_else(|| nested.get("type")).and_then(text).or(Some(String::new()));
        }
        _ => {}
    }
    let first = fields.get("errors")?.as_array()?.first()?;
    if let Some(word) = first.get("errorType").and_then(text) {
        return Some(word);
    }
    let refresh = first.get("resource").and_then(Value::as_str) == Some("RefreshToken");
    match first.get("code").and_then(text) {
        Some(code) if code == "invalid" && refresh => Some(String::from("invalid_grant")),
        other => other.or(Some(String::new())),
    }
}

fn open<'f>(
    envelope: &Envelope,
    fields: &'f Map<String, Value>,
) -> Result<&'f Map<String, Value>, TokenReading> {
    let status = envelope.status(fields);
    let refused = |code, permanent| Err(TokenReading::Refused { code, permanent });
    match status {
        Some(status) if status == envelope.ok => match fields.get(&envelope.body_field) {
            Some(Value::Object(inner)) => Ok(inner),
            _ => Err(TokenReading::Transient { why: TransientWhy::NoAccessToken }),
        },
        Some(_) if envelope.says_grant_is_gone(fields) => refused(RefusalCode::InvalidGrant, true),
        Some(status) => match envelope.errors.get(&status.to_string()) {
            Some(TokenErrorClass::InvalidGrant) => refused(RefusalCode::InvalidGrant, true),
            Some(TokenErrorClass::InvalidClient) => refused(RefusalCode::InvalidClient, false),
            Some(TokenErrorClass::InvalidRequest) => refused(RefusalCode::InvalidRequest, false),
            Some(TokenErrorClass::Transient) | None => {
                Err(TokenReading::Transient { why: TransientWhy::Envelope(status) })
            }
        },
        None => Err(TokenReading::Transient { why: TransientWhy::NoAccessToken }),
    }
}

/// What an answer in an envelope says where it is not about tokens.
pub(crate) enum EnvelopeReading {
    /// It was done; the fields of the body, none where there are none.
    Done(Map<String, Value>),
    /// There is no such grant.
    GrantGone,
    /// It was not done: the envelope's own status, none where there is no such envelope.
    Fault(Option<i64>),
}

/// Read an answer in the provider's envelope.
pub(crate) fn read_envelope(envelope: &Envelope, body: &[u8]) -> EnvelopeReading {
    let Some(mut fields) = fields_of(body) else { return EnvelopeReading::Fault(None) };
    let status = envelope.status(&fields);
    if status == Some(envelope.ok) {
        return match fields.remove(&envelope.body_field) {
            Some(Value::Object(inner)) => EnvelopeReading::Done(inner),
            _ => EnvelopeReading::Done(Map::new()),
        };
    }
    let class = status.and_then(|status| envelope.errors.get(&status.to_string()));
    let gone = class == Some(&TokenErrorClass::InvalidGrant) || envelope.says_grant_is_gone(&fields);
    if gone && status.is_some() { EnvelopeReading::GrantGone } else { EnvelopeReading::Fault(status) }
}

impl Envelope {
    fn status(&self, fields: &Map<String, Value>) -> Option<i64> {
        fields.get(&self.status_field).and_then(number).and_then(|n| i64::try_from(n).ok())
    }

    fn says_grant_is_gone(&self, fields: &Map<String, Value>) -> bool {
        let message = self.message_field.as_deref().and_then(|name| fields.get(name)).and_then(Value::as_str);
        message.is_some_and(|message| {
            let message = message.to_ascii_lowercase();
            self.grant_words.iter().any(|word| message.contains(&word.to_ascii_lowercase()))
        })
    }
}

fn read_tokens(code: &OAuth2Code, fields: &Map<String, Value>) -> TokenReading {
    let Some(access) = token(fields.get("access_token")) else {
        return TokenReading::Transient { why: TransientWhy::NoAccessToken };
    };
    let rules = &code.token;
    let answer = &code.response;
    let seconds = |name: &str| fields.get(name).and_then(number).map(|s| s.min(u128::from(TTL_S_MAX)) as u64);
    let scope_field = answer.scope_field.as_deref().unwrap_or("scope");
    let account = answer.account_id_field.as_deref().and_then(|name| fields.get(name));
    let kept = answer.keep.iter().filter_map(|name| Some((name.clone(), fields.get(name)?.clone())));
    let token_type = fields.get("token_type").and_then(Value::as_str).filter(|text| is_token_text(text));
    TokenReading::Tokens(Box::new(IssuedTokens {
        access,
        refresh: token(fields.get("refresh_token")),
        token_type: token_type.unwrap_or("Bearer").to_owned(),
        expires_in_s: seconds("expires_in").or(rules.access_ttl_s),
        refresh_expires_in_s: seconds("refresh_token_expires_in")
            .or_else(|| seconds("refresh_expires_in"))
            .or(rules.refresh_ttl_s),
        scopes: fields.get(scope_field).and_then(scopes),
        id_token: code.openid.then(|| token(fields.get("id_token"))).flatten(),
        account_id: account.and_then(account_id),
        kept: kept.collect(),
    }))
}

fn token(value: Option<&Value>) -> Option<Secret<String>> {
    let text = value?.as_str()?;
    is_token_text(text).then(|| Secret::new(text.to_owned()))
}

/// Visible ASCII: anything else could not be sent in a header.
fn is_token_text(text: &str) -> bool {
    !text.is_empty() && text.len() <= TOKEN_BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic())
}

/// A whole number, also as a text or a float, as several providers write it.
fn number(value: &Value) -> Option<u128> {
    match value {
        Value::Number(number) => number.as_u64().map(u128::from).or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => text.trim().parse::<f64>().ok().and_then(whole),
        _ => None,
    }
}

fn whole(float: f64) -> Option<u128> {
    (float.is_finite() && float >= 0.0).then_some(float as u128)
}

/// Scopes separated by spaces, commas or both, or in an array. A word that cannot be a scope is left out: it cannot
/// have been asked for.
fn scopes(value: &Value) -> Option<Scopes> {
    let words = |text: &str| -> Vec<String> {
        text.split([' ', ',', '+']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let all: Vec<String> = match value {
        Value::String(text) => words(text),
        Value::Array(items) => items.iter().filter_map(Value::as_str).flat_map(words).collect(),
        _ => return None,
    };
    Some(all.iter().filter_map(|word| word.parse().ok()).collect())
}

fn account_id(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let sound = !text.is_empty() && text.len() <= ACCOUNT_ID_BYTES_MAX && !text.chars().any(char::is_control);
    sound.then_some(text)
}

#[cfg(test)]
mod tests;
