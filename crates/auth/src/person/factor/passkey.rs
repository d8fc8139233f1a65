//! Passkeys: made, and shown, alone or as the second factor.  W3C Web Authentication Level 3 §7
//!
//! A question is a row that its answer takes out, so that no answer is good twice; a sealed cookie says which row is this
//! browser's.

use http::HeaderValue;
use kernel::{Actor, Id, Organisation, RequestId, Timestamp};
use serde_json::Value;
use store::DbError;
use vault::{Place, Sealed};
use web::{Cookie, Cookies};

use super::{
    Factor, FactorFault, Halfway, Kind, QUESTION_LIFE,
    app::{NewFactor, room_for_one, strengthen},
    just_signed_in, name, place, queries,
};
use crate::{
    Auth, SignedIn,
    person::{self, Proven, Refusal},
    session::{Acr, Browser, Ended},
};

/// The cookie's name; `__Host-` comes before it over TLS.
const COOKIE_NAME: &str = "hilum-passkey";

/// Keeps digests of credential ids apart from every other digest.
const CREDENTIAL_PURPOSE: &str = "passkey.credential";

/// The constraint that keeps passkeys apart.
const CREDENTIAL_KEY: &str = "factor_credential_key";

/// How a passkey counts.  RFC 8176 §2: a key was possessed, its device has seen and verified the person
const WAYS: [&str; 3] = ["pop", "user", "mfa"];

/// A question for the browser.
pub struct Asked {
    /// The argument of `navigator.credentials`, binary values in base64url.
    pub options: Value,
    /// The `Set-Cookie` value that binds the answer to this browser.
    pub set_cookie: HeaderValue,
}

/// A passkey as sign-in sees it.
pub(super) struct Known {
    pub id: Id<kernel::Factor>,
    pub person: Id<kernel::Person>,
    pub organisation: Id<Organisation>,
    pub secret: Sealed,
    pub disabled_at: Option<Timestamp>,
}

/// Ask the browser to make a passkey.
///
/// # Errors
/// [`FactorFault::NotRecent`], [`FactorFault::NoPasskeys`], [`FactorFault::TooMany`].
pub async fn ask_to_register(auth: &Auth, signed_in: &SignedIn) -> Result<Asked, FactorFault> {
    let party = auth.relying_party().ok_or(FactorFault::NoPasskeys)?;
    let vault = auth.vault().tenant(signed_in.organisation).await?;
    let mut tx = auth.db().read().await?;
    just_signed_in(auth, &mut tx, signed_in).await?;
    room_for_one(queries::of(&mut tx, signed_in.person).await?.len())?;
    let known = queries::kept(&mut tx, signed_in.person, Kind::Passkey).await?;
    drop(tx);
    let known = known.iter().map(|known| vault.open(place(known.id, "secret"), &known.secret));
    let known = known.collect::<Result<Vec<_>, _>>()?;
    let known: Vec<&[u8]> = known.iter().map(|kept| kept.expose().as_slice()).collect();
    let account = person::find(auth, signed_in.organisation, signed_in.person).await;
    let account = account.ok().flatten().ok_or(FactorFault::NotFound)?;
    let person = *signed_in.person.as_bytes();
    let question = party.ask_to_register(person, &account.email, &account.display_name, &known)?;
    keep(auth, Some(signed_in.person), question).await
}

/// The passkey that the browser has made. Gives the session as it is from now on.
///
/// # Errors
/// [`FactorFault::NotRegistered`], [`FactorFault::NotRecent`], [`FactorFault::Name`].
pub async fn register_passkey(
    auth: &Auth,
    signed_in: &SignedIn,
    cookies: &Cookies,
    called: &str,
    answer: &str,
) -> Result<SignedIn, FactorFault> {
    let called = name(called)?.to_owned();
    let party = auth.relying_party().ok_or(FactorFault::NoPasskeys)?;
    let state = take(auth, cookies, Some(signed_in.person)).await?;
    let state = state.ok_or(FactorFault::NotRegistered("no question waits for this answer"))?;
    let credential = party.register(state.expose(), answer).map_err(|why| {
        tracing::info!(%why, "a passkey was not registered");
        FactorFault::NotRegistered("the answer proves nothing")
    })?;
    let (id, now) = (auth.world().new_id(), auth.world().now());
    let vault = auth.vault().tenant(signed_in.organisation).await?;
    let new = NewFactor {
        id,
        person: signed_in.person,
        kind: Kind::Passkey,
        name: vault.seal(place(id, "name"), called.as_bytes()),
        secret: vault.seal(place(id, "secret"), &credential.kept),
        credential: Some(auth.vault().digest(CREDENTIAL_PURPOSE, &credential.id)),
        created_at: now,
        confirmed_at: Some(now),
    };
    let details = serde_json::json!({ "kind": Kind::Passkey.as_str() });
    let entry = signed_in.acting().entry("factor.added", id, details);
    let (auth_in, signed_in) = (auth.clone(), signed_in.clone());
    let inserted = auth
        .db()
        .write(async move |tx| -> Result<(SignedIn, Ended), FactorFault> {
            just_signed_in(&auth_in, tx, &signed_in).await?;
            queries::insert(tx, &new).await?;
            let stronger = strengthen(tx, &auth_in, &signed_in, &WAYS).await?;
            audit::record(tx, auth_in.world(), &entry).await?;
            Ok(stronger)
        })
        .await;
    match inserted {
        Err(FactorFault::Store(fault)) if fault.is_unique(CREDENTIAL_KEY) => {
            Err(FactorFault::NotRegistered("it is registered already"))
        }
        Err(fault) => Err(fault),
        Ok((stronger, ended)) => {
            ended.heed(auth);
            Ok(stronger)
        }
    }
}

/// Ask the browser for any passkey of this deployment.
///
/// # Errors
/// [`FactorFault::NoPasskeys`]; the database.
pub async fn ask_for_passkey(auth: &Auth) -> Result<Asked, FactorFault> {
    let party = auth.relying_party().ok_or(FactorFault::NoPasskeys)?;
    keep(auth, None, party.ask()?).await
}

/// Check the passkey that the browser shows: of anybody, or of whom the first factor was.
///
/// # Errors
/// [`FactorFault::SignIn`] looks the same for every reason; the others are outages and say nothing about the passkey.
pub async fn prove_passkey(
    auth: &Auth,
    cookies: &Cookies,
    halfway: Option<&Halfway>,
    answer: &str,
    request: Option<RequestId>,
) -> Result<Proven, FactorFault> {
    let party = auth.relying_party().ok_or(FactorFault::NoPasskeys)?;
    let wrong = FactorFault::SignIn(Refusal::WrongPasskey);
    let Some(state) = take(auth, cookies, None).await? else { return Err(wrong) };
    let Ok((person, credential)) = party.named(answer) else { return Err(wrong) };
    let digest = auth.vault().digest(CREDENTIAL_PURPOSE, &credential);
    let known = queries::passkey(&mut auth.db().read().await?, Id::from_bytes(person), &digest).await?;
    let Some(known) = known else {
        return refuse(auth, None, Refusal::WrongPasskey, request).await;
    };
    let vault = auth.vault().tenant(known.organisation).await?;
    let kept = vault.open(place(known.id, "secret"), &known.secret)?;
    let checked = party.check(state.expose(), answer, kept.expose());
    let checked = checked.inspect_err(|why| tracing::info!(%why, "a passkey was refused"));
    let is_another = halfway.is_some_and(|half| half.person != known.person);
    let credential = match checked {
        Ok(credential) if !is_another => credential,
        _ => return refuse(auth, Some(&known), Refusal::WrongPasskey, request).await,
    };
    if known.disabled_at.is_some() {
        return refuse(auth, Some(&known), Refusal::Disabled, request).await;
    }
    let now = auth.world().now();
    let (id, before) = (known.id, known.secret.clone());
    let sealed = vault.seal(place(id, "secret"), &credential.kept);
    let updated = auth
        .db()
        .write(async move |tx| -> Result<u64, DbError> { queries::used(tx, id, &before, &sealed, now).await })
        .await?;
    if updated == 0 {
        // Shown elsewhere at this very moment: its counter is not to be trusted.
        return refuse(auth, Some(&known), Refusal::WrongPasskey, request).await;
    }
    Ok(match halfway {
        Some(halfway) => halfway.with(auth, Acr::Passkey, &WAYS),
        None => Proven {
            person: known.person,
            organisation: known.organisation,
            at: now,
            acr: Acr::Passkey,
            amr: WAYS.map(str::to_owned).to_vec(),
            browser: Browser::default(),
            claims: None,
        },
    })
}

async fn refuse(
    auth: &Auth,
    known: Option<&Known>,
    refusal: Refusal,
    request: Option<RequestId>,
) -> Result<Proven, FactorFault> {
    let entry = audit::Entry {
        organisation: known.map(|known| known.organisation),
        actor: Actor::Anonymous,
        act: "person.signed_in",
        subject: known
            .map_or_else(|| audit::Subject::unknown("person"), |known| audit::Subject::of(known.person)),
        outcome: audit::Outcome::Refused(refusal.as_str()),
        request,
        details: Value::Null,
    };
    audit::record_now(auth.db(), auth.world(), &entry).await?;
    Err(FactorFault::SignIn(Refusal::WrongPasskey))
}

/// Where the state of a question lies.
fn question_place(id: Id<kernel::Factor>) -> Place {
    Place { table: "passkey_question", row: *id.as_bytes(), column: "state", purpose: "passkey" }
}

async fn keep(
    auth: &Auth,
    person: Option<Id<kernel::Person>>,
    question: crypto::passkey::Question,
) -> Result<Asked, FactorFault> {
    let id: Id<kernel::Factor> = auth.world().new_id();
    let sealed = auth.vault().seal_system(question_place(id), &question.state);
    let expires_at = auth.world().now() + QUESTION_LIFE;
    auth.db()
        .write(async move |tx| -> Result<u64, DbError> {
            queries::ask(tx, id, person, &sealed, expires_at).await
        })
        .await?;
    let value = auth.vault().seal_cookie(COOKIE_NAME, id.as_bytes());
    let set_cookie = auth.passkey_cookie().set(&value, Some(QUESTION_LIFE)).ok_or(FactorFault::NoPasskeys)?;
    Ok(Asked { options: question.options, set_cookie })
}

/// The question that this browser was asked, once.
async fn take(
    auth: &Auth,
    cookies: &Cookies,
    person: Option<Id<kernel::Person>>,
) -> Result<Option<kernel::Secret<Vec<u8>>>, FactorFault> {
    let opened = cookies
        .get(&auth.passkey_cookie())
        .and_then(|value| auth.vault().open_cookie(COOKIE_NAME, value))
        .and_then(|bytes| <[u8; 16]>::try_from(bytes.expose().as_slice()).ok());
    let Some(id) = opened.map(Id::from_bytes) else { return Ok(None) };
    let now = auth.world().now();
    let state = auth
        .db()
        .write(async move |tx| -> Result<Option<Sealed>, DbError> {
            match person {
                Some(person) => queries::take_registration(tx, id, person, now).await,
                None => queries::take_sign_in(tx, id, now).await,
            }
        })
        .await?;
    Ok(state.map(|sealed| auth.vault().open_system(question_place(id), &sealed)).transpose()?)
}

impl Auth {
    fn passkey_cookie(&self) -> Cookie {
        Cookie::new(COOKIE_NAME, self.config().transport())
    }

    /// Whether passkeys are possible at this deployment's address.
    pub fn has_passkeys(&self) -> bool {
        self.relying_party().is_some()
    }
}

impl Factor {
    /// Whether it is a passkey.
    pub fn is_passkey(&self) -> bool {
        self.kind == Kind::Passkey
    }
}
