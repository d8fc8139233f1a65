//! Sign in with e-mail address and password.  OWASP ASVS 5.0 §6.2

use auth::{person, session::Acr, upstream};
use axum::{extract::State, response::Response};
use serde::Deserialize;
use web::{Answer, ClientAddr, Form, Query};

use crate::{
    account::go_on::{Onward, Visit, go_on},
    answers::Answers,
    page::{enter::Enter, plain},
    respond::{Refusal, page},
    state::Console,
    t,
};

/// The longest hint that is shown, in characters: an e-mail address has no more (RFC 5321 §4.5.3.1.3).
const LOGIN_HINT_CHARACTERS_MAX: usize = 254;

/// Where to go afterwards, what the sign-in must be worth, and who the application thinks is there.
#[derive(Deserialize)]
pub(crate) struct Asked {
    return_to: Option<String>,
    acr: Option<String>,
    login_hint: Option<String>,
    #[serde(default)]
    anew: bool,
}

impl Asked {
    pub(crate) fn onward(&self) -> Onward {
        Onward::of(self.return_to.as_deref().unwrap_or_default(), self.acr.as_deref().unwrap_or_default())
    }

    /// What stands in the field for the e-mail address, for the person to keep or change; nothing for what is no address.
    fn login_hint(&self) -> &str {
        let hint = self.login_hint.as_deref().map(str::trim).unwrap_or_default();
        let is_short = hint.chars().count() <= LOGIN_HINT_CHARACTERS_MAX;
        let is_clean = !hint.chars().any(|c| c.is_control() || c.is_whitespace());
        if is_short && is_clean && hint.contains('@') { hint } else { "" }
    }
}

/// `GET /sign-in`: also for somebody who is signed in, because an application may ask for a fresh sign-in.
pub(crate) async fn show(State(console): State<Console>, Query(asked): Query<Asked>) -> Answer<Response> {
    let mut view = view(&console, &asked.onward(), asked.login_hint(), None).await?;
    if asked.anew && asked.onward().least <= Some(Acr::Password) {
        view.lead = t("sign-in-anew").into();
    }
    page(&view)
}

/// Why more than a password is asked for, where that is so.
fn reason(least: Option<Acr>) -> Option<String> {
    match least {
        None | Some(Acr::Password) => None,
        Some(Acr::Mfa) => Some(t("sign-in-stronger-mfa").into()),
        Some(Acr::Passkey) => Some(t("sign-in-stronger-passkey").into()),
    }
}

/// `POST /sign-in`
pub(crate) async fn enter(
    State(console): State<Console>,
    ClientAddr(source): ClientAddr,
    visit: Visit,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let onward = Onward::of(answers.text("return_to"), answers.text("acr"));
    let (email, password) = (answers.text("email"), answers.secret("password"));
    let request = visit.request.clone();
    match person::authenticate_password(console.auth(), email, password, source, request).await {
        Ok(shown) => go_on(&console, &visit, shown, &onward).await,
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            refusal.page(&view(&console, &onward, email, Some(&refusal)).await?)
        }
    }
}

/// The page, with what is wrong.
pub(crate) async fn view(
    console: &Console,
    onward: &Onward,
    email: &str,
    refusal: Option<&Refusal>,
) -> Answer<Enter> {
    let mut plain = plain::sign_in(onward.return_to.as_str(), email, console.may_register());
    plain.form = plain.form.map(|form| {
        let form = form.hiding("acr", onward.acr());
        refusal.into_iter().fold(form, |form, refusal| form.refused(refusal.issues()))
    });
    if let Some(reason) = reason(onward.least) {
        plain.lead = reason;
    }
    let providers = upstream::offered(console.auth()).await?;
    Ok(Enter::around(plain, onward, console.auth().has_passkeys(), providers))
}

#[cfg(test)]
mod tests {
    use askama::Template;

    use super::*;

    #[test]
    fn a_hint_is_shown_and_never_done() {
        let page = plain::sign_in("/", "\"><script>@x", false).render().unwrap();
        assert!(
            page.contains("script") && !page.contains("<script>@x") && !page.contains("value=\"\""),
            "{page}"
        );
    }

    #[test]
    fn who_is_asked_for_more_is_told_why() {
        assert_eq!(reason(None), None);
        assert_eq!(reason(Some(Acr::Password)), None);
        let (second, passkey) = (reason(Some(Acr::Mfa)).unwrap(), reason(Some(Acr::Passkey)).unwrap());
        assert!(second.contains("second step") && passkey.contains("passkey"), "{second} {passkey}");
    }

    #[test]
    fn a_hint_is_an_address_or_nothing() {
        let long = format!("{}@example.org", "x".repeat(LOGIN_HINT_CHARACTERS_MAX));
        for (hint, shown) in [
            (" mira@example.org ", "mira@example.org"),
            ("\"><script>@x", "\"><script>@x"),
            ("mira", ""),
            ("a b@example.org", ""),
            ("a\n@example.org", ""),
            (&long, ""),
            ("", ""),
        ] {
            let asked = Asked { return_to: None, acr: None, login_hint: Some(hint.to_owned()), anew: false };
            assert_eq!(asked.login_hint(), shown, "{hint:.40}");
        }
    }
}
