//! A browser comes back from a provider.  OpenID Connect Core §3.1.2.5, RFC 9207 §2.4, RFC 9700 §4.4, §4.7

use kernel::{Actor, Digest, RequestId, Secret};
use serde::Deserialize;
use web::{Cookies, LocalPath};

use super::{
    Upstream, UpstreamFault,
    begin::{Attempt, BROWSER_PURPOSE, COOKIE_NAME, STATE_PURPOSE, live, verifier_place},
    link, queries,
    redeem::redeem,
};
use crate::{
    Auth, SignedIn,
    authorize::{self, Failure, Outcome},
    person::Shown,
    session::Acr,
};

/// What the provider sends along.
#[derive(Deserialize)]
pub struct Answer {
    code: Option<Secret<String>>,
    state: Option<Secret<String>>,
    iss: Option<String>,
    error: Option<String>,
}

/// What came of it.
pub enum Arrived {
    /// Somebody who is known here has shown who they are.
    SignedIn {
        /// What has been shown so far.
        shown: Shown,
        /// Where they wanted to go.
        return_to: LocalPath,
        /// What the sign-in must be worth.
        least: Option<Acr>,
    },
    /// The person who was signed in has linked the account that they have there.
    Linked {
        /// Where they wanted to go.
        return_to: LocalPath,
    },
    /// Nobody is signed in, and the client that had named the provider is told why.
    Refused {
        /// The client's request, which tells it.
        return_to: LocalPath,
    },
}

/// Take the answer of a provider, once.
///
/// # Errors
/// [`UpstreamFault::NotAsked`] for an answer that this browser has no question for; the others say what is wrong.
pub async fn arrive(
    auth: &Auth,
    slug: &str,
    guest: Option<&SignedIn>,
    cookies: &Cookies,
    answer: &Answer,
    request: Option<RequestId>,
) -> Result<Arrived, UpstreamFault> {
    let attempt = match take(auth, cookies, answer).await {
        Err(UpstreamFault::NotAsked) => strayed(auth, cookies).await?,
        taken => taken?,
    };
    let outcome = settle(auth, slug, guest, &attempt, answer, request).await;
    match outcome {
        Err(fault) if attempt.client.is_some() => told_the_client(auth, &attempt, fault),
        other => other,
    }
}

async fn settle(
    auth: &Auth,
    slug: &str,
    guest: Option<&SignedIn>,
    attempt: &Attempt,
    answer: &Answer,
    request: Option<RequestId>,
) -> Result<Arrived, UpstreamFault> {
    let upstream = live(auth, slug).await?;
    let is_answer_s = answer
        .state
        .as_ref()
        .is_some_and(|state| auth.vault().digest(STATE_PURPOSE, state.expose().as_bytes()) == attempt.state);
    if attempt.upstream != upstream.id || !is_answer_s {
        return Err(UpstreamFault::NotAsked);
    }
    let outcome = proceed(auth, &upstream, guest, attempt, answer, request.clone()).await;
    if let Err(fault) = &outcome {
        refused(auth, &upstream, fault, request).await?;
    }
    outcome
}

/// An answer whose state fits no question of this browser: if a client has sent the browser away, it is told (UDAP Tiered OAuth §4.1),
/// and the question is over.
async fn strayed(auth: &Auth, cookies: &Cookies) -> Result<Attempt, UpstreamFault> {
    let browser = browser(auth, cookies)?;
    let now = auth.world().now();
    let taken = auth
        .db()
        .write(async move |tx| -> Result<Option<Attempt>, UpstreamFault> {
            Ok(queries::take_of_browser(tx, &browser, now).await?)
        })
        .await?;
    taken.ok_or(UpstreamFault::NotAsked)
}

/// What went wrong is for the client that has named the provider: the browser goes back to its request, which says so.
fn told_the_client(auth: &Auth, attempt: &Attempt, fault: UpstreamFault) -> Result<Arrived, UpstreamFault> {
    let Some(failure) = failure(&fault) else { return Err(fault) };
    let back = LocalPath::parse(&attempt.return_to).ok();
    match back.and_then(|back| authorize::returning(auth, &back, Outcome::Failed(failure))) {
        Some(return_to) => Ok(Arrived::Refused { return_to }),
        None => Err(fault),
    }
}

/// What a client is told; none where this deployment itself is out of order.
fn failure(fault: &UpstreamFault) -> Option<Failure> {
    match fault {
        UpstreamFault::Denied(error) => Some(match error.as_str() {
            "server_error" => Failure::ServerError,
            "temporarily_unavailable" => Failure::TemporarilyUnavailable,
            "unauthorized_client" | "invalid_client" | "invalid_scope" => Failure::InvalidIdp,
            _ => Failure::AccessDenied,
        }),
        UpstreamFault::Unknown { .. } | UpstreamFault::LinkedOtherwise | UpstreamFault::Disabled => {
            Some(Failure::AccessDenied)
        }
        UpstreamFault::Untrusted(_)
        | UpstreamFault::Unreadable(_)
        | UpstreamFault::Outbound(_)
        | UpstreamFault::NotFound => Some(Failure::InvalidIdp),
        UpstreamFault::NotAsked => Some(Failure::ServerError),
        UpstreamFault::TooWeak => Some(Failure::TooWeak),
        _ => None,
    }
}

async fn proceed(
    auth: &Auth,
    upstream: &Upstream,
    guest: Option<&SignedIn>,
    attempt: &Attempt,
    answer: &Answer,
    request: Option<RequestId>,
) -> Result<Arrived, UpstreamFault> {
    check_issuer(auth, upstream, answer).await?;
    if let Some(error) = &answer.error {
        return Err(UpstreamFault::Denied(error.chars().filter(char::is_ascii_graphic).take(64).collect()));
    }
    let code = answer.code.as_ref().ok_or_else(|| UpstreamFault::Untrusted("no code".to_owned()))?;
    let verifier = auth.vault().open_system(verifier_place(&attempt.state), &attempt.verifier)?;
    let verifier = String::from_utf8(verifier.expose().clone()).map(Secret::new);
    let verifier = verifier.map_err(|_| UpstreamFault::NotAsked)?;
    let asserted = redeem(auth, upstream, code, &verifier, &attempt.nonce).await?;
    let return_to = LocalPath::parse(&attempt.return_to).unwrap_or_else(|_| LocalPath::root());
    match attempt.person {
        Some(person) => {
            // The session may have ended, or changed hands, while the browser was away.
            let signed_in = guest.filter(|guest| guest.person == person).ok_or(UpstreamFault::NotAsked)?;
            link::link(auth, upstream, signed_in, &asserted).await?;
            Ok(Arrived::Linked { return_to })
        }
        None => {
            let shown = link::whose(auth, upstream, &asserted, request).await?;
            let arrived = Outcome::Arrived(shown.person());
            let return_to = match attempt.client {
                Some(_) => authorize::returning(auth, &return_to, arrived).unwrap_or(return_to),
                None => return_to,
            };
            Ok(Arrived::SignedIn { shown, return_to, least: attempt.acr })
        }
    }
}

/// The question that this browser asked: taken out of the table, whatever comes of it.
async fn take(auth: &Auth, cookies: &Cookies, answer: &Answer) -> Result<Attempt, UpstreamFault> {
    let browser = browser(auth, cookies)?;
    let state = answer.state.as_ref().ok_or(UpstreamFault::NotAsked)?;
    let state: Digest = auth.vault().digest(STATE_PURPOSE, state.expose().as_bytes());
    let now = auth.world().now();
    let taken = auth
        .db()
        .write(async move |tx| -> Result<Option<Attempt>, UpstreamFault> {
            Ok(queries::take(tx, &state, &browser, now).await?)
        })
        .await?;
    taken.ok_or(UpstreamFault::NotAsked)
}

fn browser(auth: &Auth, cookies: &Cookies) -> Result<Digest, UpstreamFault> {
    let sealed = cookies.get(&auth.upstream_cookie()).ok_or(UpstreamFault::NotAsked)?;
    let opened = auth.vault().open_cookie(COOKIE_NAME, sealed).ok_or(UpstreamFault::NotAsked)?;
    Ok(auth.vault().digest(BROWSER_PURPOSE, opened.expose()))
}

/// RFC 9207 §2.4: a provider that says it names itself must.
async fn check_issuer(auth: &Auth, upstream: &Upstream, answer: &Answer) -> Result<(), UpstreamFault> {
    let must = auth.discoveries().of(auth, upstream).await?.names_itself;
    match &answer.iss {
        Some(iss) if *iss == upstream.settings.issuer => Ok(()),
        None if !must => Ok(()),
        _ => Err(UpstreamFault::Untrusted("the answer names another issuer, or none".to_owned())),
    }
}

/// What is on record of a refusal before it is answered.
async fn refused(
    auth: &Auth,
    upstream: &Upstream,
    fault: &UpstreamFault,
    request: Option<RequestId>,
) -> Result<(), UpstreamFault> {
    let why = match fault {
        UpstreamFault::Denied(_) => "denied_there",
        UpstreamFault::Untrusted(_) => "untrusted_answer",
        UpstreamFault::TooWeak => "too_weak",
        UpstreamFault::Unknown { .. } => "unknown_subject",
        UpstreamFault::LinkedOtherwise => "linked_otherwise",
        UpstreamFault::Disabled => "disabled",
        UpstreamFault::Unreadable(_) | UpstreamFault::Outbound(_) => "unreadable",
        _ => return Ok(()),
    };
    tracing::info!(upstream = upstream.slug, %fault, "a sign-in through a provider was refused");
    let entry = audit::Entry {
        organisation: Some(upstream.organisation),
        actor: Actor::Anonymous,
        act: "person.signed_in",
        subject: audit::Subject::of(upstream.id),
        outcome: audit::Outcome::Refused(why),
        request,
        details: serde_json::Value::Null,
    };
    Ok(audit::record_now(auth.db(), auth.world(), &entry).await?)
}
