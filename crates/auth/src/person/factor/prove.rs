//! The second factor, typed in: the code of an app, or a recovery code.  NIST SP 800-63B §3.1.2, §3.1.5
//!
//! The try is counted and the code is taken in one transaction, so that many at once neither slip past the count nor use
//! one code twice.

use std::net::IpAddr;

use crypto::totp;
use kernel::{Actor, Digest, RequestId, Secret, Timestamp};
use store::Writer;
use vault::TenantVault;

use super::{FactorFault, Halfway, Kind, app, queries, recovery};
use crate::{
    Auth,
    person::{
        Proven, Refusal, queries as people,
        throttle::{self, Guessing, Keys},
    },
    session::Acr,
};

/// What was typed in, by its shape.
enum Typed {
    App(String),
    Recovery(Digest),
}

enum Outcome {
    Wait(u64),
    Refused(Refusal),
    Good,
}

/// Check a code that came from `source`, of somebody whose first factor was right.
///
/// # Errors
/// [`FactorFault::SignIn`], [`FactorFault::Throttled`]; the others are outages and say nothing about the code.
pub async fn prove_code(
    auth: &Auth,
    halfway: &Halfway,
    typed: &Secret<String>,
    source: IpAddr,
    request: Option<RequestId>,
) -> Result<Proven, FactorFault> {
    let keys = Keys::of_code(auth.vault(), halfway.person, source);
    let vault = auth.vault().tenant(halfway.organisation).await?;
    let typed = read(auth, typed.expose());
    let (world, now, half) = (auth.world().clone(), auth.world().now(), halfway.clone());
    let proven = halfway.with(auth, Acr::Mfa, &["otp"]);
    let used = proven.acting(request.clone()).entry(
        "person.recovery_code_used",
        half.person,
        serde_json::Value::Null,
    );
    let outcome = auth
        .db()
        .write(async move |tx| -> Result<Outcome, FactorFault> {
            let guessing = match &typed {
                Typed::App(_) => Guessing::Code,
                Typed::Recovery(_) => Guessing::RecoveryCode,
            };
            if let Some(wait_s) = throttle::wait_s(&people::tallies(tx, &keys).await?, guessing, now) {
                return Ok(Outcome::Wait(wait_s));
            }
            people::count_try(tx, &keys, now).await?;
            if people::is_disabled(tx, half.person).await? {
                return Ok(Outcome::Refused(Refusal::Disabled));
            }
            let is_good = match &typed {
                Typed::App(code) => take_code(tx, &vault, &half, code, now).await?,
                Typed::Recovery(digest) => {
                    queries::use_recovery_code(tx, half.person, digest, now).await? > 0
                }
            };
            if !is_good {
                return Ok(Outcome::Refused(Refusal::WrongCode));
            }
            people::count_success(tx, &keys, now).await?;
            if matches!(typed, Typed::Recovery(_)) {
                audit::record(tx, &world, &used).await?;
            }
            Ok(Outcome::Good)
        })
        .await?;
    match outcome {
        Outcome::Good => Ok(proven),
        Outcome::Wait(retry_after_s) => {
            audit::note(auth.db(), auth.world(), &refused(halfway, Refusal::Throttled, request));
            Err(FactorFault::Throttled { retry_after_s })
        }
        Outcome::Refused(refusal) => {
            audit::record_now(auth.db(), auth.world(), &refused(halfway, refusal, request)).await?;
            Err(FactorFault::SignIn(refusal))
        }
    }
}

/// Digits are an app's, anything else is taken for a recovery code. White space and hyphens are for reading.
fn read(auth: &Auth, typed: &str) -> Typed {
    let typed: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    if typed.len() == totp::DIGITS && typed.bytes().all(|byte| byte.is_ascii_digit()) {
        Typed::App(typed)
    } else {
        Typed::Recovery(recovery::digest(auth, &typed))
    }
}

/// Whether the code is one of the person's apps', of a step that none was taken of.  RFC 6238 §5.2
async fn take_code(
    tx: &mut Writer,
    vault: &TenantVault,
    halfway: &Halfway,
    code: &str,
    now: Timestamp,
) -> Result<bool, FactorFault> {
    for app in queries::kept(tx, halfway.person, Kind::App).await? {
        let step = totp::step_of(&app::key_of(vault, app.id, &app.secret)?, code, now);
        if let Some(step) = step
            && queries::take_step(tx, app.id, i64::try_from(step).unwrap_or(i64::MAX), now).await? > 0
        {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn refused(halfway: &Halfway, refusal: Refusal, request: Option<RequestId>) -> audit::Entry {
    audit::Entry {
        organisation: Some(halfway.organisation),
        actor: Actor::Anonymous,
        act: "person.signed_in",
        subject: audit::Subject::of(halfway.person),
        outcome: audit::Outcome::Refused(refusal.as_str()),
        request,
        details: serde_json::Value::Null,
    }
}
