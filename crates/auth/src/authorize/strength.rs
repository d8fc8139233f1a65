//! How surely a client wants the person to be known.  OpenID Connect Core §3.1.2.1 (`acr_values`), §5.5.1.1, RFC 9470 §4
//!
//! Of the `claims` parameter only `acr` and `sub` of the ID token are read: the rest is what scopes are for.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::request::{Refusal, invalid, refusal};
use crate::session::{self, Acr};

/// The person cannot be known as surely as the client needs.  OpenID Connect Core Error Code
/// `unmet_authentication_requirements` 1.0 §2
pub(super) const UNMET: &str = "unmet_authentication_requirements";

/// How surely the person has to be known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Strength {
    /// As it comes.
    #[default]
    Any,
    /// At least so, where the person can: `acr_values`, or a voluntary claim.
    Wished(Acr),
    /// So that one of these can be said of it: an essential claim. At least one; words that are not known here are left out.
    Needed(Vec<Acr>),
}

impl Strength {
    /// The least that would do.
    pub(super) fn least(&self) -> Option<Acr> {
        match self {
            Self::Any => None,
            Self::Wished(least) => Some(*least),
            Self::Needed(values) => values.iter().min().copied(),
        }
    }

    /// Which of the words that were asked for is said of a sign-in of this worth: the strongest that is true.
    pub(super) fn said_of(&self, acr: Acr) -> Option<Acr> {
        match self {
            Self::Any | Self::Wished(_) => None,
            Self::Needed(values) => values.iter().filter(|value| **value <= acr).max().copied(),
        }
    }
}

/// What a request says of the ID token.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    pub strength: Strength,
    /// Who has to be signed in.
    pub subject: Option<String>,
}

/// §5.5.1
#[derive(Deserialize, Default)]
#[serde(default)]
struct Claim {
    essential: bool,
    value: Option<String>,
    values: Vec<String>,
}

impl Claim {
    fn values(&self) -> Vec<&str> {
        self.value.iter().chain(&self.values).map(String::as_str).collect()
    }
}

impl Wanted {
    /// What `acr_values` and `claims` ask for together; what is essential goes before what is not.
    pub(super) fn read(acr_values: Option<&str>, claims: Option<&str>) -> Result<Self, Refusal> {
        const MALFORMED: Refusal = invalid("claims is not the JSON that OpenID Connect Core §5.5 describes");
        let wished = acr_values.and_then(session::asked_for).map_or(Strength::Any, Strength::Wished);
        let Some(text) = claims else { return Ok(Self { strength: wished, subject: None }) };
        let claims: Map<String, Value> = serde_json::from_str(text).map_err(|_| MALFORMED)?;
        let members = match claims.get("id_token") {
            None | Some(Value::Null) => &Map::new(),
            Some(Value::Object(members)) => members,
            Some(_) => return Err(MALFORMED),
        };
        let claim = |name: &str| -> Result<Option<Claim>, Refusal> {
            match members.get(name) {
                None | Some(Value::Null) => Ok(None),
                Some(value @ Value::Object(_)) => Claim::deserialize(value).map(Some).map_err(|_| MALFORMED),
                Some(_) => Err(MALFORMED),
            }
        };
        let strength = match claim("acr")? {
            Some(acr) if acr.values().is_empty() => wished,
            Some(acr) if acr.essential => {
                let known: Vec<Acr> = acr.values().into_iter().filter_map(Acr::parse).collect();
                if known.is_empty() {
                    return Err(refusal(UNMET, "no sign-in here is worth what is essential"));
                }
                Strength::Needed(known)
            }
            Some(acr) => match session::asked_for(&acr.values().join(" ")) {
                Some(least) => Strength::Wished(least),
                None => wished,
            },
            None => wished,
        };
        Ok(Self { strength, subject: claim("sub")?.and_then(|sub| sub.value) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MFA: &str = "urn:hilum:acr:mfa";
    const PASSKEY: &str = "urn:hilum:acr:passkey";

    #[test]
    fn what_is_asked_of_a_sign_in() {
        use Strength::{Any, Needed, Wished};
        let acr = |claim: &str| format!(r#"{{"id_token":{{"acr":{claim}}}}}"#);
        for (acr_values, claims, expected) in [
            (None, None, Any),
            (Some(MFA), None, Wished(Acr::Mfa)),
            (Some("gold"), None, Any),
            (None, Some("{}".to_owned()), Any),
            (None, Some(r#"{"userinfo":{"name":{"essential":true}},"id_token":null}"#.to_owned()), Any),
            (Some(MFA), Some(acr("null")), Wished(Acr::Mfa)),
            (Some(MFA), Some(acr(r#"{"essential":true}"#)), Wished(Acr::Mfa)),
            (None, Some(acr(&format!(r#"{{"value":"{PASSKEY}"}}"#))), Wished(Acr::Passkey)),
            (None, Some(acr(&format!(r#"{{"values":["gold","{PASSKEY}","{MFA}"]}}"#))), Wished(Acr::Mfa)),
            (Some(MFA), Some(acr(r#"{"values":["gold"]}"#)), Wished(Acr::Mfa)),
            (None, Some(acr(&format!(r#"{{"essential":true,"value":"{MFA}"}}"#))), Needed(vec![Acr::Mfa])),
        ] {
            let wanted = Wanted::read(acr_values, claims.as_deref()).unwrap();
            assert_eq!(wanted, Wanted { strength: expected, subject: None }, "{acr_values:?} {claims:?}");
        }
        let beyond = Wanted::read(Some(MFA), Some(&acr(r#"{"essential":true,"values":["gold"]}"#)));
        assert_eq!(beyond.unwrap_err().error, UNMET);
        let sub = Wanted::read(None, Some(r#"{"id_token":{"sub":{"value":"x"}}}"#)).unwrap();
        assert_eq!(sub.subject.as_deref(), Some("x"));
        for malformed in [
            "",
            "x",
            "[]",
            "7",
            r#"{"id_token":[]}"#,
            &acr("7"),
            &acr(r#"{"essential":"yes"}"#),
            &acr(r#"{"values":"x"}"#),
        ] {
            assert_eq!(
                Wanted::read(None, Some(malformed)).unwrap_err().error,
                "invalid_request",
                "{malformed}"
            );
        }
    }

    #[test]
    fn what_is_said_is_one_of_the_words_and_true() {
        let needed = Strength::Needed(vec![Acr::Mfa]);
        assert_eq!((needed.said_of(Acr::Passkey), needed.said_of(Acr::Password)), (Some(Acr::Mfa), None));
        let either = Strength::Needed(vec![Acr::Mfa, Acr::Passkey]);
        assert_eq!((either.said_of(Acr::Passkey), either.least()), (Some(Acr::Passkey), Some(Acr::Mfa)));
        assert_eq!(Strength::Wished(Acr::Mfa).said_of(Acr::Passkey), None);
    }
}
