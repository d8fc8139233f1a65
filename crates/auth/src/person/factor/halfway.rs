//! Between the first factor and the second: what the browser holds meanwhile.
//!
//! A sealed cookie and no row, because it is worth nothing by itself: whatever is shown next can be shown only once.

use std::time::Duration;

use http::HeaderValue;
use kernel::{Id, Organisation, Timestamp};
use web::{Cookie, Cookies};

use super::{FactorFault, Kind, queries};
use crate::{
    Auth,
    person::Proven,
    session::{Acr, Browser},
};

/// The cookie's name; `__Host-` comes before it over TLS.
const COOKIE_NAME: &str = "hilum-halfway";

/// How long the second factor may take after the first.
pub const HALFWAY_LIFE: Duration = Duration::from_mins(5);

/// What was shown first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The password.
    Password,
    /// An account at an external provider.
    Provider,
}

impl First {
    const ALL: [Self; 2] = [Self::Password, Self::Provider];

    /// In the cookie.
    const fn byte(self) -> u8 {
        match self {
            Self::Password => 1,
            Self::Provider => 2,
        }
    }
}

/// Somebody has shown the first factor of an account that has a second.
#[derive(Clone)]
pub struct Halfway {
    pub(crate) person: Id<kernel::Person>,
    pub(crate) organisation: Id<Organisation>,
    at: Timestamp,
    first: First,
    amr: Vec<String>,
}

impl Halfway {
    pub(crate) fn after(first: First, shown: Proven) -> Self {
        Self { person: shown.person, organisation: shown.organisation, at: shown.at, first, amr: shown.amr }
    }

    /// What was shown first: the words of a provider (`amr`) would not tell.
    pub const fn first(&self) -> First {
        self.first
    }

    /// What the browser showed less than [`HALFWAY_LIFE`] ago.
    pub fn of(auth: &Auth, cookies: &Cookies) -> Option<Self> {
        let opened = auth.vault().open_cookie(COOKIE_NAME, cookies.get(&auth.halfway_cookie())?)?;
        let (person, rest) = opened.expose().split_first_chunk::<16>()?;
        let (organisation, rest) = rest.split_first_chunk::<16>()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        let (first, amr) = rest.split_first()?;
        let first = First::ALL.into_iter().find(|one| one.byte() == *first)?;
        let at = Timestamp::from_micros(i64::from_be_bytes(*at));
        let amr = std::str::from_utf8(amr).ok()?.split_whitespace().map(str::to_owned).collect();
        let is_live = auth.world().now().since(at) < HALFWAY_LIFE;
        let (person, organisation) = (Id::from_bytes(*person), Id::from_bytes(*organisation));
        is_live.then_some(Self { person, organisation, at, first, amr })
    }

    /// The `Set-Cookie` value that lets the browser go on.
    pub fn set_cookie(&self, auth: &Auth) -> Option<HeaderValue> {
        let at = self.at.as_micros().to_be_bytes();
        let amr = self.amr.join(" ");
        let first = [self.first.byte()];
        let parts: [&[u8]; 5] =
            [self.person.as_bytes(), self.organisation.as_bytes(), &at, &first, amr.as_bytes()];
        let sealed = auth.vault().seal_cookie(COOKIE_NAME, &parts.concat());
        auth.halfway_cookie().set(&sealed, Some(HALFWAY_LIFE))
    }

    /// The `Set-Cookie` value that ends it.
    pub fn clear_cookie(auth: &Auth) -> HeaderValue {
        auth.halfway_cookie().clear()
    }

    /// What can be shown next besides a recovery code.
    ///
    /// # Errors
    /// The database.
    pub async fn kinds(&self, auth: &Auth) -> Result<Vec<Kind>, FactorFault> {
        Ok(queries::kinds(&mut auth.db().read().await?, self.person).await?)
    }

    /// The whole, now that a second factor was shown in this way.
    pub(super) fn with(&self, auth: &Auth, acr: Acr, ways: &[&str]) -> Proven {
        let mut amr = self.amr.clone();
        for way in ways.iter().chain(&["mfa"]) {
            if !amr.iter().any(|there| there == way) {
                amr.push((*way).to_owned());
            }
        }
        Proven {
            person: self.person,
            organisation: self.organisation,
            at: auth.world().now(),
            acr,
            amr,
            browser: Browser::default(),
            claims: None,
        }
    }
}

impl Auth {
    fn halfway_cookie(&self) -> Cookie {
        Cookie::new(COOKIE_NAME, self.config().transport())
    }
}
