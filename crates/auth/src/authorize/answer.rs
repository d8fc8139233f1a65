//! How an answer goes to the client.  OAuth 2.0 Multiple Response Type Encoding Practices §2.1, OAuth 2.0 Form Post Response Mode §2

use axum::response::{AppendHeaders, IntoResponse, Response};
use http::header::SET_COOKIE;
use url::form_urlencoded::Serializer;
use web::Redirect;

use super::form_post::{self, Handover};
use crate::{Auth, client::TrustedRedirect, row::text_column, upstream::Departure};

/// Where in its address or message an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ResponseMode {
    /// In the query of the redirect URI: what a code goes by where nothing else is asked for.
    #[default]
    Query,
    /// In its fragment, which no server sees.
    Fragment,
    /// In a form that the browser posts: in no address at all.
    FormPost,
}

impl ResponseMode {
    pub(crate) const ALL: [Self; 3] = [Self::Query, Self::Fragment, Self::FormPost];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}
text_column!(ResponseMode, "a response mode", ResponseMode::parse);

/// Where an answer goes, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    pub redirect: TrustedRedirect,
    pub mode: ResponseMode,
}

impl Destination {
    pub(super) fn as_str(&self) -> &str {
        self.redirect.as_str()
    }

    pub(super) const fn may_be_posed(&self) -> bool {
        self.redirect.may_be_posed()
    }
}

/// Where the browser goes on. It may hold a code.
pub enum Onward {
    /// To an address: a page here, or the client with its answer.
    To(String),
    /// To the client, with its answer in a form.
    Post {
        /// The redirect URI.
        action: String,
        /// The answer.
        fields: Vec<(String, String)>,
        /// What the page says.
        says: fn() -> Handover,
    },
    /// To the identity provider that the client has named.
    Away(Departure),
}

impl Onward {
    /// The address, without what is posted there.
    pub fn address(&self) -> &str {
        match self {
            Self::To(address)
            | Self::Post { action: address, .. }
            | Self::Away(Departure { location: address, .. }) => address,
        }
    }
}

impl IntoResponse for Onward {
    fn into_response(self) -> Response {
        match self {
            Self::To(address) => Redirect::to_trusted(&address).into_response(),
            Self::Away(Departure { location, set_cookie }) => {
                let on = Redirect::to_trusted(&location).into_response();
                (AppendHeaders([(SET_COOKIE, set_cookie)]), on).into_response()
            }
            Self::Post { action, fields, says } => form_post::page(&action, &fields, &says()),
        }
    }
}

/// An answer: what it says, the client's state, and who says it (RFC 9207).
pub(super) fn answer(auth: &Auth, to: &Destination, says: &[(&str, &str)], state: Option<&str>) -> Onward {
    let state = state.map(|state| ("state", state));
    sent(to, says.iter().copied().chain(state).chain([("iss", auth.issuer())]), auth.config().handover)
}

fn sent<'a>(
    to: &Destination,
    says: impl Iterator<Item = (&'a str, &'a str)>,
    handover: fn() -> Handover,
) -> Onward {
    match to.mode {
        ResponseMode::Query => Onward::To(to.redirect.with(says)),
        ResponseMode::Fragment => {
            let said = Serializer::new(String::new()).extend_pairs(says).finish();
            Onward::To(format!("{}#{said}", to.as_str()))
        }
        ResponseMode::FormPost => Onward::Post {
            action: to.as_str().to_owned(),
            fields: says.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            says: handover,
        },
    }
}
