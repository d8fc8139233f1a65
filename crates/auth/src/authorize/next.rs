//! What follows from a request and from who is signed in.  OpenID Connect Core §3.1.2.3, §3.1.2.4

use kernel::{Id, Person, Scopes, Timestamp};

use super::{
    Asked,
    strength::{Strength, UNMET},
};
use crate::session::Acr;

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The person signs in.
    SignIn,
    /// The person shows their password again although they are signed in.
    SignInAnew,
    /// The person is asked whether the client may.
    Ask,
    /// The client gets a code.
    Grant,
    /// The client gets this error, since the person may not be asked.
    Refuse(&'static str),
}

/// What is known of the person.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Who.
    pub person: Id<Person>,
    /// When they showed who they are.
    pub authenticated_at: Timestamp,
    /// How surely.
    pub acr: Acr,
    /// How surely they could, as far as that is known here.
    pub acr_best: Acr,
    /// What they have allowed this client before.
    pub allowed: Scopes,
}

/// `sent_at` is when this very request last sent the browser to sign in anew; a sign-in since then is new enough.
pub(super) fn next(asked: &Asked, known: Option<&Known>, sent_at: Option<Timestamp>, now: Timestamp) -> Next {
    let Some(known) = known else {
        return if asked.prompt.none { Next::Refuse("login_required") } else { Next::SignIn };
    };
    let is_new = sent_at.is_some_and(|sent| known.authenticated_at >= sent);
    let is_old = asked.age_max_s.is_some_and(|age| now.since(known.authenticated_at).as_secs() >= age);
    let is_another = asked.subject.as_ref().is_some_and(|subject| *subject != known.person.to_string());
    if is_another && (asked.prompt.none || is_new) {
        return Next::Refuse("login_required");
    }
    let is_weak = asked.strength.least().is_some_and(|least| known.acr < least);
    let is_needed = matches!(asked.strength, Strength::Needed(_));
    let is_too_weak = is_weak && is_needed;
    if !is_new && (asked.prompt.login || asked.prompt.select_account || is_old || is_another || is_too_weak) {
        return if asked.prompt.none { Next::Refuse("login_required") } else { Next::SignInAnew };
    }
    if is_too_weak {
        return Next::Refuse(UNMET);
    }
    // A wish is tried once, by whoever can fulfil it (OpenID Connect Core §3.1.2.1).
    let could = asked.strength.least().is_some_and(|least| known.acr_best >= least);
    if is_weak && could && !is_new && !asked.prompt.none {
        return Next::SignInAnew;
    }
    let is_allowed = asked.scopes.as_far_as(&known.allowed) == asked.scopes
        && !asked.redirect.may_be_posed()
        && !asked.prompt.consent;
    match (is_allowed, asked.prompt.none) {
        (true, _) => Next::Grant,
        (false, true) => Next::Refuse("consent_required"),
        (false, false) => Next::Ask,
    }
}

impl Asked {
    /// Whether somebody who signs in now is not to be asked for it again.
    pub(super) const fn asks_for_new_sign_in(&self) -> bool {
        self.prompt.login
            || self.prompt.select_account
            || self.age_max_s.is_some()
            || self.subject.is_some()
            || !matches!(self.strength, Strength::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        authorize::{Destination, ForSignIn, Prompt, ResponseMode},
        client::{self, register::Registration},
        scope,
    };

    fn redirect(kind: &str, uri: &str) -> Destination {
        let registration = Registration {
            name: "Diary".into(),
            uri: "https://app.example".into(),
            confidentiality: kind.into(),
            redirect_uris: vec![uri.into()],
            grant_types: vec!["authorization_code".into()],
            ..Registration::default()
        };
        let client = client::tests::client(&registration, &scope::built_in());
        Destination { redirect: client.trusted_redirect(uri).unwrap(), mode: ResponseMode::Query }
    }

    fn asked() -> Asked {
        Asked {
            redirect: redirect("confidential", "https://app.example/cb"),
            scopes: "openid".parse().unwrap(),
            state: None,
            nonce: None,
            code_challenge: String::new(),
            details: crate::grant::Details::default(),
            wish: crate::smart::context::Wish::default(),
            prompt: Prompt::default(),
            age_max_s: None,
            strength: Strength::Any,
            subject: None,
            for_sign_in: ForSignIn::default(),
            idp: None,
            pushed: None,
        }
    }

    #[test]
    fn what_follows_from_how_surely_somebody_is_known() {
        use Strength::{Any, Needed, Wished};
        const NONE: Prompt = Prompt { none: true, login: false, consent: false, select_account: false };
        const ANY: Prompt = Prompt { none: false, ..NONE };
        let at = Timestamp::from_seconds;
        let unmet = Next::Refuse(UNMET);
        for (strength, prompt, acr, acr_best, sent_at, expected) in [
            (Any, ANY, Acr::Password, Acr::Passkey, None, Next::Grant),
            (Wished(Acr::Mfa), ANY, Acr::Mfa, Acr::Mfa, None, Next::Grant),
            (Wished(Acr::Mfa), ANY, Acr::Password, Acr::Password, None, Next::Grant),
            (Wished(Acr::Mfa), ANY, Acr::Password, Acr::Passkey, None, Next::SignInAnew),
            (Wished(Acr::Mfa), ANY, Acr::Password, Acr::Passkey, Some(at(101)), Next::SignInAnew),
            (Wished(Acr::Mfa), ANY, Acr::Password, Acr::Passkey, Some(at(100)), Next::Grant),
            (Wished(Acr::Mfa), NONE, Acr::Password, Acr::Passkey, None, Next::Grant),
            (Needed(vec![Acr::Mfa]), ANY, Acr::Passkey, Acr::Passkey, None, Next::Grant),
            (Needed(vec![Acr::Mfa]), ANY, Acr::Password, Acr::Password, None, Next::SignInAnew),
            (Needed(vec![Acr::Mfa]), ANY, Acr::Password, Acr::Password, Some(at(100)), unmet),
            (Needed(vec![Acr::Mfa]), NONE, Acr::Password, Acr::Passkey, None, Next::Refuse("login_required")),
        ] {
            let asked = Asked { strength: strength.clone(), prompt, ..asked() };
            let known = Known {
                person: Id::from_bytes([5; 16]),
                authenticated_at: at(100),
                acr,
                acr_best,
                allowed: "openid".parse().unwrap(),
            };
            let got = next(&asked, Some(&known), sent_at, at(110));
            assert_eq!(got, expected, "{strength:?} {prompt:?} {acr:?} {acr_best:?} {sent_at:?}");
            let nobody = if prompt.none { Next::Refuse("login_required") } else { Next::SignIn };
            assert_eq!(next(&asked, None, None, at(110)), nobody);
        }
    }

    #[test]
    fn what_follows() {
        const NONE: Prompt = Prompt { none: true, login: false, consent: false, select_account: false };
        const LOGIN: Prompt = Prompt { none: false, login: true, consent: false, select_account: false };
        const CONSENT: Prompt = Prompt { none: false, login: false, consent: true, select_account: false };
        const ANY: Prompt = Prompt { none: false, login: false, consent: false, select_account: false };
        const SELECT: Prompt = Prompt { select_account: true, ..ANY };
        let at = Timestamp::from_seconds;
        let known = |allowed: &str| {
            Some(Known {
                person: Id::from_bytes([5; 16]),
                authenticated_at: at(100),
                acr: Acr::Password,
                acr_best: Acr::Password,
                allowed: allowed.parse().unwrap(),
            })
        };
        for (prompt, age_max_s, known, sent_at, expected) in [
            (ANY, None, None, None, Next::SignIn),
            (NONE, None, None, None, Next::Refuse("login_required")),
            (ANY, None, known("openid email"), None, Next::Grant),
            (NONE, None, known("openid"), None, Next::Grant),
            (ANY, None, known("email"), None, Next::Ask),
            (NONE, None, known("email"), None, Next::Refuse("consent_required")),
            (CONSENT, None, known("openid"), None, Next::Ask),
            (LOGIN, None, known("openid"), None, Next::SignInAnew),
            (SELECT, None, known("openid"), None, Next::SignInAnew),
            (SELECT, None, known("openid"), Some(at(100)), Next::Grant),
            (LOGIN, None, known("openid"), Some(at(101)), Next::SignInAnew),
            (LOGIN, None, known("openid"), Some(at(100)), Next::Grant),
            (ANY, Some(0), known("openid"), None, Next::SignInAnew),
            (ANY, Some(0), known("openid"), Some(at(99)), Next::Grant),
            (ANY, Some(20), known("openid"), None, Next::Grant),
            (ANY, Some(10), known("openid"), None, Next::SignInAnew),
            (ANY, Some(10), known("openid"), Some(at(99)), Next::Grant),
            (NONE, Some(10), known("openid"), None, Next::Refuse("login_required")),
        ] {
            let asked = Asked { prompt, age_max_s, ..asked() };
            let got = next(&asked, known.as_ref(), sent_at, at(110));
            assert_eq!(got, expected, "{prompt:?} {age_max_s:?} {known:?} {sent_at:?}");
            let posed_asked = Asked { redirect: redirect("public", "myapplication://cb"), ..asked };
            let posed = next(&posed_asked, known.as_ref(), sent_at, at(110));
            match expected {
                Next::Grant if prompt.none => assert_eq!(posed, Next::Refuse("consent_required")),
                Next::Grant => assert_eq!(posed, Next::Ask),
                other => assert_eq!(posed, other),
            }
            let theirs =
                Asked { subject: Some(Id::<Person>::from_bytes([5; 16]).to_string()), ..posed_asked.clone() };
            assert_eq!(
                next(&theirs, known.as_ref(), sent_at, at(110)),
                posed,
                "the hint is of whoever is signed in"
            );
            let another = Asked { subject: Some("somebody".into()), ..posed_asked };
            let another = next(&another, known.as_ref(), sent_at, at(110));
            match (known.is_some(), prompt.none) {
                (false, false) => assert_eq!(another, Next::SignIn),
                (true, false) if sent_at.is_none_or(|sent| sent > at(100)) => {
                    assert_eq!(another, Next::SignInAnew);
                }
                _ => assert_eq!(another, Next::Refuse("login_required"), "{prompt:?} {sent_at:?}"),
            }
        }
    }
}
