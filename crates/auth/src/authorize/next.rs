//! What follows from a request and from who is signed in.  OpenID Connect Core §3.1.2.3, §3.1.2.4

use kernel::{Scopes, Timestamp};

use super::Asked;

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
    /// When they showed their password.
    pub authenticated_at: Timestamp,
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
    if !is_new && (asked.prompt.login || is_old) {
        return if asked.prompt.none { Next::Refuse("login_required") } else { Next::SignInAnew };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        authorize::Prompt,
        client::{self, TrustedRedirect, register::Registration},
        scope,
    };

    fn redirect(kind: &str, uri: &str) -> TrustedRedirect {
        let registration = Registration {
            name: "Diary".into(),
            uri: "https://app.example".into(),
            confidentiality: kind.into(),
            redirect_uris: vec![uri.into()],
            grant_types: vec!["authorization_code".into()],
            ..Registration::default()
        };
        let client = client::tests::client(&registration, &scope::built_in());
        client.trusted_redirect(uri).unwrap()
    }

    #[test]
    fn what_follows() {
        const NONE: Prompt = Prompt { none: true, login: false, consent: false };
        const LOGIN: Prompt = Prompt { none: false, login: true, consent: false };
        const CONSENT: Prompt = Prompt { none: false, login: false, consent: true };
        const ANY: Prompt = Prompt { none: false, login: false, consent: false };
        let at = Timestamp::from_seconds;
        let known =
            |allowed: &str| Some(Known { authenticated_at: at(100), allowed: allowed.parse().unwrap() });
        for (prompt, age_max_s, known, sent_at, expected) in [
            (ANY, None, None, None, Next::SignIn),
            (NONE, None, None, None, Next::Refuse("login_required")),
            (ANY, None, known("openid email"), None, Next::Grant),
            (NONE, None, known("openid"), None, Next::Grant),
            (ANY, None, known("email"), None, Next::Ask),
            (NONE, None, known("email"), None, Next::Refuse("consent_required")),
            (CONSENT, None, known("openid"), None, Next::Ask),
            (LOGIN, None, known("openid"), None, Next::SignInAnew),
            (LOGIN, None, known("openid"), Some(at(101)), Next::SignInAnew),
            (LOGIN, None, known("openid"), Some(at(100)), Next::Grant),
            (ANY, Some(0), known("openid"), None, Next::SignInAnew),
            (ANY, Some(0), known("openid"), Some(at(99)), Next::Grant),
            (ANY, Some(20), known("openid"), None, Next::Grant),
            (ANY, Some(10), known("openid"), None, Next::SignInAnew),
            (ANY, Some(10), known("openid"), Some(at(99)), Next::Grant),
            (NONE, Some(10), known("openid"), None, Next::Refuse("login_required")),
        ] {
            let asked = Asked {
                redirect: redirect("confidential", "https://app.example/cb"),
                scopes: "openid".parse().unwrap(),
                state: None,
                nonce: None,
                code_challenge: String::new(),
                details: crate::grant::Details::default(),
                wish: crate::smart::context::Wish::default(),
                prompt,
                age_max_s,
            };
            let got = next(&asked, known.as_ref(), sent_at, at(110));
            assert_eq!(got, expected, "{prompt:?} {age_max_s:?} {known:?} {sent_at:?}");
            let posed = Asked { redirect: redirect("public", "myapplication://cb"), ..asked };
            let posed = next(&posed, known.as_ref(), sent_at, at(110));
            match expected {
                Next::Grant if prompt.none => assert_eq!(posed, Next::Refuse("consent_required")),
                Next::Grant => assert_eq!(posed, Next::Ask),
                other => assert_eq!(posed, other),
            }
        }
    }
}
