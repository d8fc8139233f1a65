//! The authorization endpoint.  RFC 6749 §3.1, RFC 9700 §2.1

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use http::Uri;
use kernel::{Id, Scopes, Timestamp};
use url::form_urlencoded::byte_serialize;
use web::{Answer, LocalPath};

use super::{
    Asked, AuthorizeFault, Bound, Destination, ForSignIn, NewCode, Onward, REQUEST_LIFETIME,
    answer::answer,
    check, destination,
    mark::{self, Mark, Outcome, marked},
    next::{Known, Next, next},
    pending::{self, Request},
    push, queries,
    request::{Parameters, Refusal, invalid, refusal},
    tiered,
};
use crate::{
    Auth, Guest, SignedIn,
    client::{Client, ClientIdText, Profile},
    grant::Details,
    person::factor,
    registration::Policy,
    session::{Acr, sign_in_anew_location, sign_in_location},
    smart::context::{self, Context, Found},
    trace,
};

/// Ask for a code: answered with a redirect to the client, to the sign-in page or to the consent page; with a form for the client;
/// or with a page that says what is wrong, where it is not clear who asks.
pub(crate) async fn authorize(
    State(auth): State<Auth>,
    Guest(guest): Guest,
    OriginalUri(uri): OriginalUri,
) -> Answer<Onward> {
    let (query, mark) = mark::split(&auth, uri.query().unwrap_or_default());
    let brought = Parameters::read(query)?;
    let client = client_of(&auth, &brought.client_id()?).await?;
    trace::of_client(client.id);
    let (parameters, pushed) = match brought.reference() {
        Some(reference) => {
            let (digest, request) = push::find(&auth, client.id, reference, mark.map(|mark| mark.at)).await?;
            let text =
                std::str::from_utf8(request.expose()).map_err(|_| AuthorizeFault::UnknownRequestUri)?;
            (Parameters::read_pushed(text)?, Some(digest))
        }
        None => (brought, None),
    };
    let destination = destination(&auth, &client, &parameters).await?;
    let checked = if pushed.is_none() && client.requires_par() {
        Err(invalid("requests of this client have to be pushed (RFC 9126)"))
    } else {
        check(&auth, &client, &parameters, destination.clone()).await?
    };
    match checked {
        Ok(asked) => {
            let asked = Asked { pushed, ..asked };
            Ok(proceed(&auth, &client, guest.as_ref(), asked, &uri, query, mark).await?)
        }
        Err(refusal) => {
            trace::because(refusal.error, refusal.description);
            Ok(refused(&auth, &client, guest.as_ref(), &destination, refusal, parameters.state())?)
        }
    }
}

/// A request that cannot be granted goes back to its client with the reason. Not where the client is one that a stranger has registered
/// and nobody has signed in: whoever can write an address could send browsers anywhere with it.  RFC 9700 §4.11.2
fn refused(
    auth: &Auth,
    client: &Client,
    guest: Option<&SignedIn>,
    destination: &Destination,
    Refusal { error, description }: Refusal,
    state: Option<&str>,
) -> Result<Onward, AuthorizeFault> {
    if guest.is_none() && is_a_stranger_s(auth, client) {
        return Err(AuthorizeFault::Malformed(description));
    }
    let says = [("error", error), ("error_description", description)];
    Ok(answer(auth, destination, &says, state))
}

/// Whether nobody vouches for it: no certificate, no administrator, nobody who was let register clients.
fn is_a_stranger_s(auth: &Auth, client: &Client) -> bool {
    matches!(auth.config().registration, Policy::Open(_))
        && client.metadata.is_dynamic
        && client.verified_at.is_none()
        && client.profile != Profile::Udap
}

async fn client_of(auth: &Auth, client_id: &ClientIdText) -> Result<Arc<Client>, AuthorizeFault> {
    let entry = auth.directory().find(auth.db(), client_id, auth.world().now()).await?;
    let client = entry.map(|entry| Arc::clone(&entry.client)).filter(|client| client.disabled_at.is_none());
    client.ok_or(AuthorizeFault::UnknownClient)
}

async fn proceed(
    auth: &Auth,
    client: &Client,
    guest: Option<&SignedIn>,
    asked: Asked,
    uri: &Uri,
    query: &str,
    mark: Option<Mark>,
) -> Result<Onward, AuthorizeFault> {
    let now = auth.world().now();
    let sent_at = mark.map(|mark| mark.at);
    let sent = || marked(auth, query, Mark { at: now, outcome: Outcome::Sent });
    let refuse = |asked: &Asked, error, description| {
        let says = [("error", error), ("error_description", description)];
        answer(auth, &asked.redirect, &says, asked.state.as_deref())
    };
    let asked = match context::admit(client.profile, &auth.config().fhir_base(), &asked.scopes, &asked.wish) {
        Ok(scopes) => Asked { scopes, ..asked },
        Err((error, description)) => {
            let refusal = Refusal { error, description };
            return refused(auth, client, guest, &asked.redirect, refusal, asked.state.as_deref());
        }
    };
    let who = guest.map(|signed_in| (signed_in.person, signed_in.authenticated_at));
    match tiered::next(auth, &asked, who, mark) {
        tiered::Next::Here => {}
        tiered::Next::Refuse(refusal) => {
            return refused(auth, client, guest, &asked.redirect, refusal, asked.state.as_deref());
        }
        // Nobody vouches for it, so that nobody else is troubled by it.
        tiered::Next::Away if is_a_stranger_s(auth, client) => {
            let refusal = refusal("invalid_idp", "this application cannot name an identity provider");
            return refused(auth, client, guest, &asked.redirect, refusal, asked.state.as_deref());
        }
        tiered::Next::Away => {
            return Ok(match tiered::depart(auth, client, &asked, back(uri, &sent())?).await? {
                Ok(departure) => Onward::Away(departure),
                Err(Refusal { error, description }) => refuse(&asked, error, description),
            });
        }
    }
    let known = match guest {
        Some(signed_in) => {
            let allowed = queries::allowed(&mut auth.db().read().await?, signed_in.person, client.id).await?;
            Some(Known {
                person: signed_in.person,
                authenticated_at: signed_in.authenticated_at,
                acr: signed_in.acr,
                acr_best: best_of(auth, signed_in, &asked).await?,
                allowed,
            })
        }
        None => None,
    };
    match (next(&asked, known.as_ref(), sent_at, now), guest) {
        (Next::Refuse(error), _) => {
            Ok(answer(auth, &asked.redirect, &[("error", error)], asked.state.as_deref()))
        }
        (then @ (Next::Ask | Next::Grant), Some(signed_in)) => {
            let asked = asked.saying(signed_in.acr);
            let launch = asked.wish.launch.as_deref();
            let locales = told("ui_locales", asked.for_sign_in.ui_locales.as_deref());
            match context::find(auth, signed_in, client.id, asked.scopes.clone(), launch).await? {
                Found::Refused(error, description) => Ok(refuse(&asked, error, description)),
                Found::Open(..) if asked.prompt.none => {
                    Ok(refuse(&asked, "interaction_required", "the person has to choose whom this is about"))
                }
                Found::Open(scopes, context) => {
                    let id = wait(auth, client, signed_in, asked.about(scopes, context), now).await?;
                    Ok(Onward::To(format!("/launch/patient?request={id}{locales}")))
                }
                Found::Whole(scopes, context) if then == Next::Grant => {
                    grant(auth, client, signed_in, asked.about(scopes, context)).await
                }
                Found::Whole(scopes, context) => {
                    let id = wait(auth, client, signed_in, asked.about(scopes, context), now).await?;
                    Ok(Onward::To(format!("/consent?request={id}{locales}")))
                }
            }
        }
        (Next::SignInAnew, _) => {
            let back = back(uri, &sent())?;
            Ok(Onward::To(format!("{}{}", sign_in_anew_location(&back), asked.told_at_sign_in())))
        }
        (Next::SignIn | Next::Ask | Next::Grant, _) => {
            // Whoever signs in now has done so since this request: it is not asked a second time. And what was pushed may take
            // longer than its reference is good for.
            let is_marked = asked.asks_for_new_sign_in() || asked.pushed.is_some();
            let query = if is_marked { sent() } else { query.to_owned() };
            let location = sign_in_location(Some(&back(uri, &query)?));
            Ok(Onward::To(format!("{location}{}", asked.told_at_sign_in())))
        }
    }
}

impl Asked {
    /// The same, for these scopes and in this context.
    fn about(self, scopes: Scopes, context: Context) -> Self {
        Self { scopes, details: Details { context, ..self.details }, ..self }
    }

    /// The same, with what is said of a sign-in of this worth where certain words were asked for.
    fn saying(self, acr: Acr) -> Self {
        let acr = self.strength.said_of(acr).map(|said| said.as_str().to_owned());
        Self { details: Details { acr, ..self.details }, ..self }
    }

    fn told_at_sign_in(&self) -> String {
        let ForSignIn { login_hint, ui_locales } = &self.for_sign_in;
        told("acr", self.strength.least().map(Acr::as_str))
            + &told("login_hint", login_hint.as_deref())
            + &told("ui_locales", ui_locales.as_deref())
    }
}

/// How surely the person could be known, where the request asks for more than the session is worth.
async fn best_of(auth: &Auth, signed_in: &SignedIn, asked: &Asked) -> Result<Acr, AuthorizeFault> {
    let is_enough = asked.strength.least().is_none_or(|least| signed_in.acr >= least);
    Ok(if is_enough { signed_in.acr } else { factor::best_of(auth, signed_in.person).await? })
}

async fn wait(
    auth: &Auth,
    client: &Client,
    signed_in: &SignedIn,
    asked: Asked,
    now: Timestamp,
) -> Result<Id<Request>, AuthorizeFault> {
    pending::store(auth, client, signed_in, asked, now + REQUEST_LIFETIME).await
}

/// A parameter more for a page of ours.
fn told(name: &str, value: Option<&str>) -> String {
    let encoded = |value: &str| byte_serialize(value.as_bytes()).collect::<String>();
    value.map(|value| format!("&{name}={}", encoded(value))).unwrap_or_default()
}

fn back(uri: &Uri, query: &str) -> Result<LocalPath, AuthorizeFault> {
    LocalPath::parse(&format!("{}?{query}", uri.path()))
        .map_err(|_| AuthorizeFault::Malformed("it holds characters that no address may hold"))
}

/// A code without a question: the person has allowed this client as much before.
async fn grant(
    auth: &Auth,
    client: &Client,
    signed_in: &SignedIn,
    asked: Asked,
) -> Result<Onward, AuthorizeFault> {
    let Asked { redirect, scopes, state, nonce, code_challenge, details, pushed, .. } = asked;
    let bound = Bound { redirect_uri: redirect.as_str().to_owned(), scopes, nonce, code_challenge, details };
    let (code, text) = NewCode::draw(auth, client.id, signed_in, bound);
    let entry =
        signed_in.acting().entry("code.issued", client.id, serde_json::json!({ "scopes": code.scopes }));
    let world = auth.world().clone();
    auth.db()
        .write(async move |tx| -> Result<(), AuthorizeFault> {
            push::spend(tx, pushed.as_ref()).await?;
            queries::insert_code(tx, &code).await?;
            Ok(audit::record(tx, &world, &entry).await?)
        })
        .await?;
    Ok(answer(auth, &redirect, &[("code", text.expose())], state.as_deref()))
}
