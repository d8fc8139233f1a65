//! A client registers itself.  RFC 7591 §3

use std::sync::Arc;

use axum::{
    Json as JsonOut,
    extract::{FromRequestParts, State},
};
use http::{StatusCode, header, request::Parts};
use kernel::{Actor, RequestId, Secret};
use serde_json::Value;
use web::{Answer, Bearer, Json, Problem};

use super::{
    DYNAMIC_CLIENTS_MAX, Policy, RegistrationFault, RegistrationOut, SCOPE,
    initial::{self, Holder},
    metadata::{RegistrationIn, check_unvouched},
    queries, token,
};
use crate::{
    Acting, Auth,
    client::{self, dynamic},
    organisation,
    session::request_id,
};

/// Who asks, as the request shows it.
pub(crate) struct Initial {
    shown: Shown,
    request: Option<RequestId>,
}

/// What a request shows to be let in.
enum Shown {
    /// Nothing.
    Nothing,
    /// An access token, of a client that may register others.
    Access(Box<Bearer>),
    /// An initial access token that an administrator made.
    Initial(Secret<String>),
}

/// Who answers for the new client.
enum Voucher {
    /// Nobody.
    Nobody,
    /// A client that an administrator has verified.
    Client,
    /// The administrator who made this token.
    Token(Holder),
}

impl FromRequestParts<Auth> for Initial {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, auth: &Auth) -> Result<Self, Problem> {
        let request = request_id(parts);
        let is_anonymous = !parts.headers.contains_key(header::AUTHORIZATION);
        let may_be_anonymous = matches!(auth.config().registration, Policy::Open(_) | Policy::Closed);
        if is_anonymous && may_be_anonymous {
            return Ok(Self { shown: Shown::Nothing, request });
        }
        if let Ok(text) = token::presented(&parts.headers)
            && initial::is_one(text.expose())
        {
            return Ok(Self { shown: Shown::Initial(text), request });
        }
        let bearer = Bearer::from_request_parts(parts, auth).await?;
        Ok(Self { shown: Shown::Access(Box::new(bearer)), request })
    }
}

/// Register a client. Without a token this works only where the deployment is open for it.
#[utoipa::path(post, path = "/oauth2/register", tag = "clients", operation_id = "register_client",
    request_body(content = RegistrationIn, content_type = "application/json"),
    responses((status = 201, description = "What is registered", body = RegistrationOut)),
    security(("bearer" = ["client:register"]), ()))]
pub(crate) async fn create(
    State(auth): State<Auth>,
    initial: Initial,
    Json(body): Json<Value>,
) -> Answer<(StatusCode, JsonOut<RegistrationOut>)> {
    Ok((StatusCode::CREATED, JsonOut(register(&auth, initial, body).await?)))
}

async fn register(auth: &Auth, initial: Initial, body: Value) -> Result<RegistrationOut, RegistrationFault> {
    let (acting, voucher) = leave(auth, &initial).await?;
    let registration = RegistrationIn::read(body)?.registration()?;
    if matches!(voucher, Voucher::Nobody) {
        check_unvouched(&registration)?;
    }
    let drawn = Arc::new(dynamic::draw(auth, &acting, &registration)?);
    let (text, digest) = token::draw(auth);
    let (auth_in, drawn_in) = (auth.clone(), Arc::clone(&drawn));
    auth.db()
        .write(async move |tx| -> Result<(), RegistrationFault> {
            if queries::count(tx, acting.organisation).await? >= DYNAMIC_CLIENTS_MAX {
                return Err(RegistrationFault::TooMany);
            }
            dynamic::insert(tx, &auth_in, &acting, &drawn_in).await?;
            queries::set_token(tx, drawn_in.client.id, &digest, drawn_in.client.created_at).await?;
            match voucher {
                Voucher::Nobody | Voucher::Client => Ok(()),
                Voucher::Token(holder) => {
                    let is_spent = initial::spend(tx, &auth_in, &acting, holder, drawn_in.client.id).await?;
                    is_spent.then_some(()).ok_or(RegistrationFault::Initial("revoked, over, or spent"))
                }
            }
        })
        .await?;
    let out = RegistrationOut::of(&drawn.client, auth.issuer(), text.expose().clone());
    Ok(out.with_secret(drawn.secret.as_ref()))
}

/// On whose behalf, if at all.
async fn leave(auth: &Auth, initial: &Initial) -> Result<(Acting, Voucher), RegistrationFault> {
    let request = initial.request.clone();
    let anonymous = |organisation| Acting { actor: Actor::Anonymous, organisation, request: request.clone() };
    match (&auth.config().registration, &initial.shown) {
        (Policy::Closed, _) => Err(RegistrationFault::Closed),
        (_, Shown::Initial(text)) => {
            let holder = initial::holder(auth, text.expose()).await?;
            let holder = holder.ok_or(RegistrationFault::Initial("unknown"))?;
            Ok((anonymous(holder.organisation), Voucher::Token(holder)))
        }
        (_, Shown::Access(bearer)) => {
            let Bearer(caller) = &**bearer;
            if !caller.scopes.has(SCOPE) {
                return Err(RegistrationFault::Forbidden("the access token has no scope client:register"));
            }
            // Who could register themselves with this scope could vouch for themselves.
            let registrar =
                client::queries::of_any_organisation(&mut auth.db().read().await?, caller.client).await?;
            if registrar.is_none_or(|client| client.verified_at.is_none()) {
                return Err(RegistrationFault::Forbidden(
                    "the application of the access token is not verified",
                ));
            }
            let actor = match caller.person {
                Some(person) => Actor::Person { person, through: Some(caller.client) },
                None => Actor::Client(caller.client),
            };
            Ok((Acting { actor, organisation: caller.organisation, request }, Voucher::Client))
        }
        (Policy::Open(slug), Shown::Nothing) => {
            let organisation = organisation::by_slug(auth, slug).await?.ok_or(RegistrationFault::Closed)?;
            Ok((anonymous(organisation.id), Voucher::Nobody))
        }
        (Policy::Token, Shown::Nothing) => {
            Err(RegistrationFault::Forbidden("an initial access token is needed"))
        }
    }
}
