//! A request that waits for the person's answer on the consent page.

use kernel::{Id, IdKind, Person, Scopes, Timestamp};

use super::{Asked, AuthorizeFault, ResponseMode, push, queries};
use crate::{
    Auth, SignedIn,
    client::{self, Client},
    grant::Details,
    smart::{self, context},
};

/// A request for authorization that waits for an answer.
#[derive(Debug, Clone, Copy)]
pub enum Request {}
impl IdKind for Request {
    const NAME: &'static str = "authorization_request";
}

/// What the consent page shows.
pub struct Pending {
    /// By which the answer names it.
    pub id: Id<Request>,
    /// Who asks.
    pub client: Client,
    /// What for.
    pub scopes: Scopes,
    /// What of it the person has allowed this client before.
    pub allowed_before: Scopes,
    /// Where the answer will go.
    pub redirect_uri: String,
    /// Whether the person has to choose a patient or an encounter first, on the page for that.
    pub is_open: bool,
    /// Whose record it is about: by what the person knows the patient, or the record's id.
    pub patient: Option<String>,
}

/// A request as its row holds it.
#[derive(Clone)]
pub(crate) struct RequestRow {
    pub id: Id<Request>,
    pub person: Id<Person>,
    pub client: Id<kernel::Client>,
    pub redirect_uri: String,
    pub scopes: Scopes,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub code_challenge: String,
    pub details: Details,
    pub expires_at: Timestamp,
    pub mode: ResponseMode,
}

/// The request that waits for this person's answer.
///
/// # Errors
/// [`AuthorizeFault::NotPending`] when there is none with this id for this person, or it is over.
pub async fn pending(auth: &Auth, signed_in: &SignedIn, id: Id<Request>) -> Result<Pending, AuthorizeFault> {
    let row = waiting(auth, signed_in, id).await?;
    let patient = smart::label_of(auth, signed_in, &row.details.context).await?;
    let mut tx = auth.db().read().await?;
    let client = client::queries::of_any_organisation(&mut tx, row.client).await?;
    let client = client.filter(|client| client.disabled_at.is_none()).ok_or(AuthorizeFault::UnknownClient)?;
    let allowed = queries::allowed(&mut tx, signed_in.person, row.client).await?;
    Ok(Pending {
        id,
        client,
        allowed_before: row.scopes.intersection(&allowed),
        is_open: context::missing(&row.scopes, &row.details.context).is_some(),
        patient,
        scopes: row.scopes,
        redirect_uri: row.redirect_uri,
    })
}

/// The row of a request that waits for this person's answer.
pub(crate) async fn waiting(
    auth: &Auth,
    signed_in: &SignedIn,
    id: Id<Request>,
) -> Result<RequestRow, AuthorizeFault> {
    let row = queries::request(&mut auth.db().read().await?, signed_in.person, id).await?;
    row.filter(|row| auth.world().now() < row.expires_at).ok_or(AuthorizeFault::NotPending)
}

pub(super) async fn store(
    auth: &Auth,
    client: &Client,
    signed_in: &SignedIn,
    asked: Asked,
    expires_at: Timestamp,
) -> Result<Id<Request>, AuthorizeFault> {
    let row = RequestRow {
        id: auth.world().new_id(),
        person: signed_in.person,
        client: client.id,
        redirect_uri: asked.redirect.as_str().to_owned(),
        scopes: asked.scopes,
        state: asked.state,
        nonce: asked.nonce,
        code_challenge: asked.code_challenge,
        details: asked.details,
        expires_at,
        mode: asked.redirect.mode,
    };
    let (id, pushed) = (row.id, asked.pushed);
    auth.db()
        .write(async move |tx| -> Result<(), AuthorizeFault> {
            push::spend(tx, pushed.as_ref()).await?;
            queries::insert_request(tx, &row).await?;
            Ok(())
        })
        .await?;
    Ok(id)
}
