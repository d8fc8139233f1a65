//! A person signs in with e-mail address and password.  OWASP ASVS 5.0 §6.2, §6.3
//!
//! The try is counted before the password is looked at, so that many at once cannot slip past the count; and an
//! address without an account costs the same work and gives the same answer as a wrong password.

use std::net::IpAddr;

use kernel::{Actor, Id, Organisation, RequestId, Secret, Timestamp};
use vault::Sealed;

use super::{
    Email, PersonFault,
    factor::{self, First, Halfway},
    place, queries,
    throttle::{self, Guessing, Keys},
};
use crate::{
    Acting, Auth,
    session::{Acr, Browser},
};

/// Proof that somebody has just shown to be this person, with all that their account asks for. A session cannot begin
/// without it.
pub struct Proven {
    pub(crate) person: Id<kernel::Person>,
    pub(crate) organisation: Id<Organisation>,
    pub(crate) at: Timestamp,
    pub(crate) acr: Acr,
    pub(crate) amr: Vec<String>,
    pub(crate) browser: Browser,
    /// What a provider said that is kept for the session, as JSON text.
    pub(crate) claims: Option<Vec<u8>>,
}

/// What has been shown so far.
pub enum Shown {
    /// All that the account asks for.
    Enough(Proven),
    /// The first factor of an account that has a second.
    Half(Halfway),
}

impl Shown {
    /// Whose account it is.
    pub(crate) const fn person(&self) -> Id<kernel::Person> {
        match self {
            Self::Enough(proven) => proven.person,
            Self::Half(halfway) => halfway.person,
        }
    }
}

/// Why sign-in was refused: for the audit trail, never for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The address is nobody's.
    UnknownAccount,
    /// The password is not theirs.
    WrongPassword,
    /// The account is switched off.
    Disabled,
    /// Too many tries.
    Throttled,
    /// The code is not the app's, was used before, or is no recovery code that is left.
    WrongCode,
    /// The passkey is unknown, another's, or proves nothing.
    WrongPasskey,
}

impl Refusal {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownAccount => "unknown_account",
            Self::WrongPassword => "wrong_password",
            Self::Disabled => "disabled",
            Self::Throttled => "throttled",
            Self::WrongCode => "wrong_code",
            Self::WrongPasskey => "wrong_passkey",
        }
    }
}

/// An account as sign-in sees it.
#[derive(Clone)]
pub(super) struct Account {
    pub id: Id<kernel::Person>,
    pub organisation: Id<Organisation>,
    pub password: Sealed,
    pub disabled_at: Option<Timestamp>,
}

/// Check an e-mail address and a password that came from `source`.
///
/// # Errors
/// [`PersonFault::SignIn`] looks the same for every reason; [`PersonFault::Throttled`] says when to come back; the
/// others are outages and say nothing about the password.
pub async fn authenticate_password(
    auth: &Auth,
    email: &str,
    password: Secret<String>,
    source: IpAddr,
    request: Option<RequestId>,
) -> Result<Shown, PersonFault> {
    let Ok(email) = Email::parse(email) else {
        auth.config().passwords.verify_against_nobody(password).await?;
        return Err(PersonFault::SignIn(Refusal::UnknownAccount));
    };
    let keys = Keys::of(auth.vault(), &email, source);
    let account = match admit(auth, keys).await? {
        Admission::Wait(retry_after_s) => {
            // Not worth waiting for: whoever is held back could otherwise keep the database busy.
            audit::note(auth.db(), auth.world(), &refused(None, Refusal::Throttled, request));
            return Err(PersonFault::Throttled { retry_after_s });
        }
        Admission::Try(account) => account,
    };
    let is_theirs = match &account {
        Some(account) => verify(auth, account, password).await?,
        None => auth.config().passwords.verify_against_nobody(password).await?,
    };
    match judge(account.as_ref(), is_theirs) {
        Ok(account) => succeed(auth, account, keys).await,
        Err(refusal) => {
            let entry = refused(account.as_ref(), refusal, request);
            audit::record_now(auth.db(), auth.world(), &entry).await?;
            Err(PersonFault::SignIn(refusal))
        }
    }
}

/// What follows from the account and from its password.
fn judge(account: Option<&Account>, is_theirs: bool) -> Result<&Account, Refusal> {
    match account {
        None => Err(Refusal::UnknownAccount),
        Some(_) if !is_theirs => Err(Refusal::WrongPassword),
        Some(account) if account.disabled_at.is_some() => Err(Refusal::Disabled),
        Some(account) => Ok(account),
    }
}

enum Admission {
    Wait(u64),
    Try(Option<Account>),
}

/// Count the try as a failure until it turns out otherwise, unless it must wait.
async fn admit(auth: &Auth, keys: Keys) -> Result<Admission, PersonFault> {
    let now = auth.world().now();
    auth.db()
        .write(async move |tx| -> Result<Admission, PersonFault> {
            let tallies = queries::tallies(tx, &keys).await?;
            if let Some(wait_s) = throttle::wait_s(&tallies, Guessing::Password, now) {
                return Ok(Admission::Wait(wait_s));
            }
            queries::count_try(tx, &keys, now).await?;
            Ok(Admission::Try(queries::account(tx, &keys.account).await?))
        })
        .await
}

async fn verify(auth: &Auth, account: &Account, password: Secret<String>) -> Result<bool, PersonFault> {
    let vault = auth.vault().tenant(account.organisation).await?;
    let phc = vault.open_text(place(account.id, "password"), &account.password)?;
    Ok(auth.config().passwords.verify(password, phc.expose().clone()).await?)
}

async fn succeed(auth: &Auth, account: &Account, keys: Keys) -> Result<Shown, PersonFault> {
    let now = auth.world().now();
    let person = account.id;
    let has_second = auth
        .db()
        .write(async move |tx| -> Result<bool, PersonFault> {
            queries::count_success(tx, &keys, now).await?;
            Ok(!factor::queries::kinds(tx, person).await?.is_empty())
        })
        .await?;
    let shown = Proven {
        person,
        organisation: account.organisation,
        at: now,
        acr: Acr::Password,
        amr: vec!["pwd".to_owned()],
        browser: Browser::default(),
        claims: None,
    };
    Ok(if has_second { Shown::Half(Halfway::after(First::Password, shown)) } else { Shown::Enough(shown) })
}

/// What is on record of a refusal before it is answered. Whose account was aimed at is told only where there is one.
fn refused(account: Option<&Account>, refusal: Refusal, request: Option<RequestId>) -> audit::Entry {
    audit::Entry {
        organisation: account.map(|account| account.organisation),
        actor: Actor::Anonymous,
        act: "person.signed_in",
        subject: account
            .map_or_else(|| audit::Subject::unknown("person"), |account| audit::Subject::of(account.id)),
        outcome: audit::Outcome::Refused(refusal.as_str()),
        request,
        details: serde_json::Value::Null,
    }
}

impl Proven {
    /// What it is worth.
    pub fn acr(&self) -> Acr {
        self.acr
    }

    /// The same, in a browser that can be told from others.
    #[must_use]
    pub fn in_browser(self, browser: Browser) -> Self {
        Self { browser, ..self }
    }

    /// Who acts from now on.
    pub(crate) fn acting(&self, request: Option<RequestId>) -> Acting {
        let actor = Actor::Person { person: self.person, through: None };
        Acting { actor, organisation: self.organisation, request }
    }
}

#[cfg(test)]
mod tests {
    use store::{FromValue, ValueRef};

    use super::*;

    #[test]
    fn only_the_right_password_of_a_live_account_is_proof() {
        let account = |disabled_at| Account {
            id: Id::from_bytes([1; 16]),
            organisation: Id::from_bytes([2; 16]),
            password: Sealed::from_value(ValueRef::Blob(&[])).unwrap(),
            disabled_at,
        };
        let off = Some(Timestamp::from_seconds(1));
        for (account, is_theirs, refusal) in [
            (None, false, Some(Refusal::UnknownAccount)),
            (None, true, Some(Refusal::UnknownAccount)),
            (Some(account(None)), false, Some(Refusal::WrongPassword)),
            (Some(account(off)), false, Some(Refusal::WrongPassword)),
            (Some(account(off)), true, Some(Refusal::Disabled)),
            (Some(account(None)), true, None),
        ] {
            assert_eq!(judge(account.as_ref(), is_theirs).err(), refusal);
        }
    }
}
