//! What an ID token of a provider must be, and what is taken from it.  OpenID Connect Core §3.1.3.7, RFC 8485

use crypto::jose::{Expect, JoseError, Typ, verify};
use kernel::{Digest, Timestamp};
use serde_json::{Map, Value};

use super::{LEEWAY_S, Upstream, UpstreamFault, begin::NONCE_PURPOSE, discover::Keys};
use crate::{Auth, udap::identity_provider};

/// The longest subject that is taken.  OpenID Connect Core §2
const SUBJECT_BYTES_MAX: usize = 255;

/// The most that is kept of a provider's claims for a session, as JSON text.
const KEPT_BYTES_MAX: usize = 16 * 1024;

/// What a provider vouches for.
pub(super) struct Asserted {
    pub subject: String,
    /// Everything that the ID token said, and the userinfo after it.
    pub all: Map<String, Value>,
}

/// Why an ID token is not taken.
pub(super) enum Refused {
    /// Fetching the keys again may help.
    UnknownKey,
    /// Nothing helps.
    Because(String),
    /// It vouches for less than was asked.
    TooWeak,
}

impl From<Refused> for UpstreamFault {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::UnknownKey => Self::Untrusted(JoseError::UnknownKey.to_string()),
            Refused::Because(why) => Self::Untrusted(why),
            Refused::TooWeak => Self::TooWeak,
        }
    }
}

/// Signature, issuer, audience, times, nonce, authorized party, vector of trust.
pub(super) fn check(
    auth: &Auth,
    upstream: &Upstream,
    keys: &Keys,
    token: &str,
    nonce: &Digest,
    now: Timestamp,
) -> Result<Asserted, Refused> {
    let settings = &upstream.settings;
    let claims = match keys {
        Keys::Published(keys) => {
            let expect = Expect {
                issuer: &settings.issuer,
                audience: &settings.client_id,
                typ: Typ::JwtOrNone,
                algs: &[settings.id_token_alg],
                now,
                leeway_s: LEEWAY_S,
            };
            verify(token, keys, &expect).map_err(|why| match why {
                JoseError::UnknownKey => Refused::UnknownKey,
                why => Refused::Because(why.to_string()),
            })?
        }
        Keys::Certified(community) => {
            let (issuer, client_id) = (&settings.issuer, &settings.client_id);
            identity_provider::verified(auth, community, issuer, client_id, token, now)
                .map_err(Refused::Because)?
        }
    };
    let refuse = |why: &str| Err(Refused::Because(why.to_owned()));
    let said = claims.text("nonce").map(|said| auth.vault().digest(NONCE_PURPOSE, said.as_bytes()));
    if said.as_ref() != Some(nonce) {
        return refuse("the nonce is not the one that was sent");
    }
    if claims.issued_at.is_none() {
        return refuse("iat is missing");
    }
    let party = claims.text("azp");
    let is_ours = party.map_or(claims.audience.len() == 1, |party| party == settings.client_id);
    if !is_ours {
        return refuse("azp is not us");
    }
    if claims.subject.len() > SUBJECT_BYTES_MAX {
        return refuse("the subject is too long");
    }
    if !settings.vtr.is_empty() && !is_trusted_enough(&settings.vtr, claims.text("vot")) {
        return Err(Refused::TooWeak);
    }
    Ok(Asserted { subject: claims.subject, all: claims.all })
}

/// Whether a vector of trust fulfils one that was asked for: each component of it, where a higher identity proofing (`P9`)
/// fulfils a lower (`P5`).  RFC 8485 §3.1, §5
fn is_trusted_enough(asked: &[String], vot: Option<&str>) -> bool {
    let Some(vot) = vot else { return false };
    let said: Vec<&str> = vot.split('.').collect();
    let proofing = |part: &str| part.strip_prefix('P').and_then(|level| level.parse::<u8>().ok());
    let has = |wanted: &str| match proofing(wanted) {
        Some(least) => said.iter().filter_map(|part| proofing(part)).any(|level| level >= least),
        None => said.contains(&wanted),
    };
    asked.iter().any(|vector| vector.split('.').all(has))
}

/// What userinfo says besides, if it speaks of the same person (§5.3.2). The ID token, which is signed, keeps its word.
pub(super) fn add(asserted: &mut Asserted, more: Map<String, Value>) -> Result<(), UpstreamFault> {
    if more.get("sub").and_then(Value::as_str) != Some(asserted.subject.as_str()) {
        return Err(UpstreamFault::Untrusted("userinfo speaks of another subject".to_owned()));
    }
    for (name, value) in more {
        asserted.all.entry(name).or_insert(value);
    }
    Ok(())
}

impl Asserted {
    /// What is kept for the session: the claims that the settings name.
    pub(super) fn kept(&self, upstream: &Upstream) -> Result<Option<Vec<u8>>, UpstreamFault> {
        let named = |name: &String| Some((name.clone(), self.all.get(name)?.clone()));
        let mut kept: Map<String, Value> = upstream.settings.claims.iter().filter_map(named).collect();
        kept.insert("upstream".to_owned(), upstream.slug.clone().into());
        let text = serde_json::to_vec(&kept).map_err(|_| UpstreamFault::Unreadable("its claims"))?;
        if text.len() > KEPT_BYTES_MAX {
            return Err(UpstreamFault::Unreadable("its claims are too large"));
        }
        Ok(Some(text))
    }

    /// How the person was authenticated there, in short words (RFC 8176).
    pub(super) fn amr(&self) -> Vec<String> {
        let is_word = |word: &&str| {
            (1..=16).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        let listed = self.all.get("amr").and_then(Value::as_array);
        let words = listed.into_iter().flatten().filter_map(Value::as_str).filter(is_word);
        words.take(8).map(str::to_owned).collect()
    }

    /// An e-mail address that the provider has verified itself, and a name.
    pub(super) fn verified_email(&self) -> Option<(&str, &str)> {
        let is_verified = match self.all.get("email_verified") {
            Some(Value::Bool(is_verified)) => *is_verified,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        let email = self.all.get("email").and_then(Value::as_str).filter(|_| is_verified)?;
        let name = self.all.get("name").and_then(Value::as_str).unwrap_or(email);
        Some((email, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_of_trust_fulfils_what_was_asked() {
        let asked: Vec<String> = ["P9.Cp.Cd", "P9.Cp.Ck", "P9.Cm"].map(str::to_owned).to_vec();
        for (vot, is_enough) in [
            (Some("P9.Cp.Cd"), true),
            (Some("P9.Cd.Cp"), true),
            (Some("P9.Cp.Ck"), true),
            (Some("P9.Cm"), true),
            (Some("P5.Cp.Cd"), false),
            (Some("P0.Cp"), false),
            (Some("P9"), false),
            (Some("P9.Cp"), false),
            (Some(""), false),
            (Some("P99999.Cm"), false),
            (None, false),
        ] {
            assert_eq!(is_trusted_enough(&asked, vot), is_enough, "{vot:?}");
        }
        assert!(is_trusted_enough(&["P5.Cp".to_owned()], Some("P9.Cp.Cd")), "more than was asked");
    }

    #[test]
    fn an_address_that_nobody_has_verified_is_none() {
        let asserted = |verified: Value| Asserted {
            subject: "s".to_owned(),
            all: Map::from_iter([
                ("email".to_owned(), "a@b.example".into()),
                ("email_verified".to_owned(), verified),
            ]),
        };
        for (verified, is_taken) in [
            (Value::Bool(true), true),
            ("true".into(), true),
            (Value::Bool(false), false),
            ("yes".into(), false),
            (Value::Null, false),
            (1.into(), false),
        ] {
            assert_eq!(asserted(verified.clone()).verified_email().is_some(), is_taken, "{verified}");
        }
    }

    #[test]
    fn userinfo_speaks_of_the_same_person_and_overrides_nothing() {
        let mut asserted = Asserted {
            subject: "s".to_owned(),
            all: Map::from_iter([("email".to_owned(), Value::from("signed@b.example"))]),
        };
        let said = |sub: &str| {
            let pairs = [("sub", sub), ("email", "unsigned@b.example"), ("nhsid_useruid", "5551")];
            Map::from_iter(pairs.map(|(name, value)| (name.to_owned(), Value::from(value))))
        };
        assert!(add(&mut asserted, said("another")).is_err());
        assert!(add(&mut asserted, Map::new()).is_err());
        add(&mut asserted, said("s")).ok().unwrap();
        assert_eq!(asserted.all["email"], "signed@b.example");
        assert_eq!(asserted.all["nhsid_useruid"], "5551");
    }
}
