//! What a person shows besides the password, or instead of it: apps that make codes, passkeys, recovery codes.
//! NIST SP 800-63B §3.1, OWASP ASVS 5.0 §6.5
//!
//! Whoever changes them has signed in within the last minutes with all that the account asks for, and every change is
//! on record.

mod app;
mod change;
mod fault;
mod halfway;
mod passkey;
mod prove;
pub(crate) mod queries;
mod recovery;

use std::time::Duration;

use kernel::{Id, Timestamp};
use store::{DbError, Reader};
use vault::Place;

pub use app::{Enrolment, begin_app, confirm_app, enrolment};
pub use change::{list, remove, rename};
pub use fault::FactorFault;
pub use halfway::{First, Halfway};
pub use passkey::{Asked, ask_for_passkey, ask_to_register, prove_passkey, register_passkey};
pub use prove::prove_code;
pub use recovery::{draw_recovery_codes, recovery_codes_left};

use crate::{Auth, SignedIn, row::text_column, session::Acr};

/// How many factors a person may have.
pub const FACTORS_MAX: usize = 20;

/// The longest name of a factor, in characters.
pub const NAME_CHARACTERS_MAX: usize = 60;

/// How long an app that was begun waits for its first code.
pub const ENROLMENT_LIFE: Duration = Duration::from_mins(10);

/// How long a question about passkeys waits for its answer.
pub const QUESTION_LIFE: Duration = Duration::from_mins(5);

/// How many recovery codes are drawn at once.
pub const RECOVERY_CODES: usize = 10;

/// What a factor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An app that makes codes.
    App,
    /// A passkey.
    Passkey,
}

impl Kind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Passkey => "passkey",
        }
    }
}

text_column!(Kind, "a kind of factor", |text| [Kind::App, Kind::Passkey]
    .into_iter()
    .find(|kind| kind.as_str() == text));

/// A factor as its person sees it.
#[derive(Clone)]
pub struct Factor {
    /// Its id.
    pub id: Id<kernel::Factor>,
    /// What it is.
    pub kind: Kind,
    /// What the person calls it.
    pub name: String,
    /// Since when it counts.
    pub since: Timestamp,
    /// When it was last shown.
    pub used_at: Option<Timestamp>,
}

/// Where a sealed column of a factor lies.
fn place(factor: Id<kernel::Factor>, column: &'static str) -> Place {
    Place { table: "factor", row: *factor.as_bytes(), column, purpose: "factor" }
}

/// What a sign-in can be worth here.
pub(crate) fn offered(auth: &Auth) -> impl Iterator<Item = Acr> {
    let has_passkeys = auth.has_passkeys();
    Acr::ALL.into_iter().filter(move |acr| *acr != Acr::Passkey || has_passkeys)
}

/// What a sign-in of this person can be worth, by the factors that they have here.
///
/// # Errors
/// The database.
pub(crate) async fn best_of(auth: &Auth, person: Id<kernel::Person>) -> Result<Acr, DbError> {
    let kinds = queries::kinds(&mut auth.db().read().await?, person).await?;
    Ok(match kinds.iter().max() {
        Some(Kind::Passkey) if auth.has_passkeys() => Acr::Passkey,
        Some(_) => Acr::Mfa,
        None => Acr::Password,
    })
}

/// Whoever changes how they sign in has just signed in, with a second factor where there is one.  OWASP ASVS 5.0 §7.5.1
async fn just_signed_in(auth: &Auth, tx: &mut Reader, signed_in: &SignedIn) -> Result<(), FactorFault> {
    let kinds = queries::kinds(tx, signed_in.person).await?;
    if is_enough(signed_in, &kinds, auth.world().now()) { Ok(()) } else { Err(FactorFault::NotRecent) }
}

fn is_enough(signed_in: &SignedIn, kinds: &[Kind], now: Timestamp) -> bool {
    signed_in.is_recent(now) && (kinds.is_empty() || signed_in.acr > Acr::Password)
}

/// Whether the person may change how they sign in now, or signs in anew first.
///
/// # Errors
/// [`FactorFault::NotRecent`]; the database.
pub async fn may_change(auth: &Auth, signed_in: &SignedIn) -> Result<(), FactorFault> {
    just_signed_in(auth, &mut auth.db().read().await?, signed_in).await
}

/// A name that a person gives to a factor.
fn name(text: &str) -> Result<&str, FactorFault> {
    let text = text.trim();
    let is_good =
        (1..=NAME_CHARACTERS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if is_good { Ok(text) } else { Err(FactorFault::Name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Roles;

    #[test]
    fn a_stolen_session_changes_no_factor() {
        let at = Timestamp::from_seconds;
        for (acr, kinds, age_s, is_allowed) in [
            (Acr::Password, &[][..], 0, true),
            (Acr::Password, &[], 299, true),
            (Acr::Password, &[], 300, false),
            (Acr::Password, &[Kind::App], 0, false),
            (Acr::Mfa, &[Kind::App], 0, true),
            (Acr::Passkey, &[Kind::App, Kind::Passkey], 299, true),
            (Acr::Passkey, &[Kind::Passkey], 300, false),
        ] {
            let signed_in = SignedIn {
                person: Id::from_bytes([1; 16]),
                organisation: Id::from_bytes([2; 16]),
                roles: Roles::default(),
                session: Id::from_bytes([3; 16]),
                authenticated_at: at(1_000),
                acr,
                amr: Vec::new(),
                request: None,
            };
            assert_eq!(
                is_enough(&signed_in, kinds, at(1_000 + age_s)),
                is_allowed,
                "{acr:?} {kinds:?} {age_s}"
            );
        }
    }

    #[test]
    fn a_name_is_a_short_line() {
        assert_eq!(name("  Phone ").ok(), Some("Phone"));
        for text in ["", "  ", "a\nb", &"x".repeat(61)] {
            assert!(name(text).is_err(), "{text:?}");
        }
    }
}
