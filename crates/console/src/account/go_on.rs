//! After something was shown: on to where the person wanted to go, or to the second factor.

use std::convert::Infallible;

use auth::{
    person::{
        Shown,
        factor::{self, Halfway},
    },
    session::{self, Acr, Browser},
};
use axum::{
    extract::FromRequestParts,
    response::{AppendHeaders, IntoResponse, Response},
};
use http::{header::SET_COOKIE, request::Parts};
use kernel::{Kind, RequestId};
use url::form_urlencoded::Serializer;
use web::{Answer, Cookies, LocalPath, Problem, Redirect};

use crate::state::Console;

/// What judges by itself what a sign-in was worth, and tells the application.
const JUDGES_ITSELF: &str = "/oauth2/authorize?";

/// Where a person who was asked for more than they can show finds out what to do.
const MORE_NEEDED: &str = "/account/security?done=more-needed";

/// What the browser says of itself with each request.
pub(crate) struct Visit {
    pub(crate) cookies: Cookies,
    pub(crate) browser: Browser,
    pub(crate) request: Option<RequestId>,
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            cookies: Cookies::of(&parts.headers),
            browser: Browser::of(&parts.headers),
            request: parts.extensions.get().cloned(),
        })
    }
}

/// Where a sign-in leads, and what it must be worth.
pub(crate) struct Onward {
    pub(crate) return_to: LocalPath,
    /// The least that was asked for.  RFC 9470 §4
    pub(crate) least: Option<Acr>,
}

impl Onward {
    /// As an address or a form says it.
    pub(crate) fn of(return_to: &str, acr_values: &str) -> Self {
        Self { return_to: back(return_to), least: session::asked_for(acr_values) }
    }

    /// The word that goes along.
    pub(crate) fn acr(&self) -> &'static str {
        self.least.map_or("", Acr::as_str)
    }

    /// Whether a sign-in of this worth goes on to where the person wanted to go.
    fn is_enough(&self, acr: Acr) -> bool {
        self.least.is_none_or(|least| acr >= least) || self.return_to.as_str().starts_with(JUDGES_ITSELF)
    }

    fn second(&self) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("return_to", self.return_to.as_str());
        if let Some(least) = self.least {
            query.append_pair("acr", least.as_str());
        }
        format!("/sign-in/second?{}", query.finish())
    }
}

/// A place on this site, or the start page: never anywhere else.
pub(crate) fn back(text: &str) -> LocalPath {
    LocalPath::parse(text).unwrap_or_else(|_| LocalPath::root())
}

/// Begin a session, or ask for the second factor first.
pub(crate) async fn go_on(
    console: &Console,
    visit: &Visit,
    shown: Shown,
    onward: &Onward,
) -> Answer<Response> {
    let auth = console.auth();
    let proven = match shown {
        Shown::Enough(proven) => proven.in_browser(visit.browser),
        Shown::Half(halfway) => {
            let cookie =
                halfway.set_cookie(auth).ok_or_else(|| Problem::new(Kind::Internal, Problem::INTERNAL))?;
            let second = Redirect::to_trusted(&onward.second())?;
            return Ok((AppendHeaders([(SET_COOKIE, cookie)]), second).into_response());
        }
    };
    let is_enough = onward.is_enough(proven.acr());
    let change = session::begin(auth, proven, &visit.cookies, visit.request.clone()).await?;
    let halfway = Halfway::of(auth, &visit.cookies).map(|_| Halfway::clear_cookie(auth));
    let cookies = [Some(change.set_cookie), halfway].into_iter().flatten().map(|cookie| (SET_COOKIE, cookie));
    let cookies = AppendHeaders(cookies);
    let on = if is_enough { Redirect::to(&onward.return_to) } else { Redirect::to_page(MORE_NEEDED) };
    Ok((cookies, on).into_response())
}

/// Whether the second factor can be a code of an app.
pub(crate) fn has_app(kinds: &[factor::Kind]) -> bool {
    kinds.contains(&factor::Kind::App)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_leads_nowhere_else() {
        assert_eq!(back("/oauth2/authorize?a=b").as_str(), "/oauth2/authorize?a=b");
        for text in ["", "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
            assert_eq!(back(text).as_str(), "/", "{text}");
        }
    }

    #[test]
    fn who_cannot_show_enough_is_told_so_unless_the_application_is() {
        const MFA: &str = "urn:hilum:acr:mfa";
        for (return_to, acr_values, acr, is_enough) in [
            ("/integrations/", "", Acr::Password, true),
            ("/integrations/", MFA, Acr::Password, false),
            ("/integrations/", MFA, Acr::Passkey, true),
            ("/oauth2/authorize?client_id=a.b", MFA, Acr::Password, true),
            ("/oauth2/authorizer", MFA, Acr::Password, false),
        ] {
            assert_eq!(Onward::of(return_to, acr_values).is_enough(acr), is_enough, "{return_to} {acr:?}");
        }
    }

    #[test]
    fn the_way_to_the_second_factor_carries_what_was_asked() {
        let onward = Onward::of("/a?b=c&d", "urn:hilum:acr:mfa urn:hilum:acr:passkey");
        assert_eq!(onward.second(), "/sign-in/second?return_to=%2Fa%3Fb%3Dc%26d&acr=urn%3Ahilum%3Aacr%3Amfa");
        assert_eq!(Onward::of("", "gold").second(), "/sign-in/second?return_to=%2F");
    }
}
