//! An app that makes codes: it counts from its first code on.  RFC 6238; NIST SP 800-63B §3.1.4

use crypto::totp;
use kernel::{Id, Secret, Timestamp};
use store::{DbError, Writer};
use vault::{Sealed, TenantVault};

use super::{ENROLMENT_LIFE, FACTORS_MAX, FactorFault, Kind, just_signed_in, name, place, queries};
use crate::{
    Auth, SignedIn,
    session::{Ended, Ending, end_in, queries as sessions},
};

/// What an unconfirmed app is called.
const UNNAMED: &str = "Authenticator app";

/// An app that waits for its first code.
pub struct Enrolment {
    /// The factor that it will be.
    pub id: Id<kernel::Factor>,
    /// The key as it is typed into an app: Base32.
    pub key: Secret<String>,
}

/// A factor as its row will hold it.
#[derive(Clone)]
pub(super) struct NewFactor {
    pub id: Id<kernel::Factor>,
    pub person: Id<kernel::Person>,
    pub kind: Kind,
    pub name: Sealed,
    pub secret: Sealed,
    pub credential: Option<kernel::Digest>,
    pub created_at: Timestamp,
    pub confirmed_at: Option<Timestamp>,
}

/// Draw a key for a new app. One that was begun before and not confirmed is forgotten.
///
/// # Errors
/// [`FactorFault::NotRecent`], [`FactorFault::TooMany`].
pub async fn begin_app(auth: &Auth, signed_in: &SignedIn) -> Result<Id<kernel::Factor>, FactorFault> {
    let (id, key) = (auth.world().new_id(), auth.world().secret::<{ totp::KEY_BYTES }>());
    let vault = auth.vault().tenant(signed_in.organisation).await?;
    let new = NewFactor {
        id,
        person: signed_in.person,
        kind: Kind::App,
        name: vault.seal(place(id, "name"), UNNAMED.as_bytes()),
        secret: vault.seal(place(id, "secret"), key.expose()),
        credential: None,
        created_at: auth.world().now(),
        confirmed_at: None,
    };
    let (auth_in, signed_in) = (auth.clone(), signed_in.clone());
    auth.db()
        .write(async move |tx| -> Result<(), FactorFault> {
            just_signed_in(&auth_in, tx, &signed_in).await?;
            queries::forget_unconfirmed(tx, signed_in.person).await?;
            room_for_one(queries::of(tx, signed_in.person).await?.len())?;
            queries::insert(tx, &new).await?;
            Ok(())
        })
        .await?;
    Ok(id)
}

/// The app that waits for its first code, to be shown to its person until then.
///
/// # Errors
/// [`FactorFault::NotFound`] when there is none, or it has waited too long.
pub async fn enrolment(
    auth: &Auth,
    signed_in: &SignedIn,
    id: Id<kernel::Factor>,
) -> Result<Enrolment, FactorFault> {
    let since = auth.world().now() - ENROLMENT_LIFE;
    let row = queries::unconfirmed(&mut auth.db().read().await?, signed_in.person, id, since).await?;
    let row = row.ok_or(FactorFault::NotFound)?;
    let vault = auth.vault().tenant(signed_in.organisation).await?;
    let key = key_of(&vault, row.id, &row.secret)?;
    Ok(Enrolment { id, key: Secret::new(totp::base32(key.expose())) })
}

/// The app's first code: from now on the account asks for one. Sessions elsewhere, which were begun without, end; this
/// one has shown two factors now, and is given back so.
///
/// # Errors
/// [`FactorFault::FirstCode`], [`FactorFault::NotFound`], [`FactorFault::NotRecent`], [`FactorFault::Name`].
pub async fn confirm_app(
    auth: &Auth,
    signed_in: &SignedIn,
    id: Id<kernel::Factor>,
    called: &str,
    code: &str,
) -> Result<SignedIn, FactorFault> {
    let now = auth.world().now();
    let vault = auth.vault().tenant(signed_in.organisation).await?;
    let sealed = vault.seal(place(id, "name"), name(called)?.as_bytes());
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let entry =
        signed_in.acting().entry("factor.added", id, serde_json::json!({ "kind": Kind::App.as_str() }));
    let (auth_in, signed_in) = (auth.clone(), signed_in.clone());
    let (stronger, ended) = auth
        .db()
        .write(async move |tx| -> Result<(SignedIn, Ended), FactorFault> {
            just_signed_in(&auth_in, tx, &signed_in).await?;
            let row = queries::unconfirmed(tx, signed_in.person, id, now - ENROLMENT_LIFE).await?;
            let row = row.ok_or(FactorFault::NotFound)?;
            let step = totp::step_of(&key_of(&vault, row.id, &row.secret)?, &code, now);
            let step = step.and_then(|step| i64::try_from(step).ok()).ok_or(FactorFault::FirstCode)?;
            if queries::confirm(tx, id, &sealed, step, now).await? == 0 {
                return Err(FactorFault::NotFound);
            }
            let stronger = strengthen(tx, &auth_in, &signed_in, &["otp"]).await?;
            audit::record(tx, auth_in.world(), &entry).await?;
            Ok(stronger)
        })
        .await?;
    ended.heed(auth);
    Ok(stronger)
}

/// The session in which a factor was added has shown it. Those elsewhere have not, and end.
pub(super) async fn strengthen(
    tx: &mut Writer,
    auth: &Auth,
    signed_in: &SignedIn,
    ways: &[&str],
) -> Result<(SignedIn, Ended), DbError> {
    let stronger = signed_in.strengthened(ways);
    sessions::strengthen(tx, stronger.session, stronger.acr, &stronger.amr.join(" ")).await?;
    let others = Ending::AllBut(signed_in.person, signed_in.session);
    let ended = end_in(tx, auth, &signed_in.acting(), others).await?;
    Ok((stronger, ended))
}

pub(super) fn room_for_one(there: usize) -> Result<(), FactorFault> {
    if there < FACTORS_MAX { Ok(()) } else { Err(FactorFault::TooMany) }
}

pub(super) fn key_of(
    vault: &TenantVault,
    id: Id<kernel::Factor>,
    sealed: &Sealed,
) -> Result<Secret<[u8; totp::KEY_BYTES]>, FactorFault> {
    let bytes = vault.open(place(id, "secret"), sealed)?;
    bytes.expose().as_slice().try_into().map(Secret::new).map_err(|_| FactorFault::NotFound)
}
