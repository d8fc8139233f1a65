//! A message comes in: its sender is judged, it is kept and told of in one unit, and only then answered.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{RawQuery, State as Held},
    response::Response,
    routing::post,
};
use http::{HeaderMap, StatusCode};
use kernel::{Digest, Event, Id, Kind, Secret};
use serde_json::json;
use store::{DbError, Writer};
use web::{Answer, Path, Problem};

use super::{
    Became, Message, RECEIVED, body_place,
    queries::{self, InboundRow, NewMessage},
    recipe::Doubt,
    secret_place,
};
use crate::{WebhookFault, Webhooks};

/// The largest message that is taken, in bytes.
pub const INBOUND_BYTES_MAX: usize = 256 << 10;

/// Where third parties tell us something, to be spoken as [`web::Dialect::Int`].
pub fn inbound_routes(webhooks: Webhooks) -> Router {
    Router::new().route("/webhooks/in/{address}", post(receive).get(tried)).with_state(webhooks)
}

async fn receive(
    Held(webhooks): Held<Webhooks>,
    Path(address): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer<StatusCode> {
    let digest = Digest::from_bytes(crypto::sha256(address.as_bytes()));
    let inbound = queries::at_address(&mut webhooks.db.read().await?, digest).await?;
    let inbound = inbound.ok_or_else(|| Problem::of_status(StatusCode::NOT_FOUND))?;
    let body = to_bytes(body, INBOUND_BYTES_MAX).await;
    let body = body.map_err(|_| Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE))?;
    if let Err(doubt) = webhooks.judged(&inbound, &headers, &body).await? {
        tracing::info!(inbound = %inbound.id, ?doubt, "a message that came in was refused");
        let (organisation, refused) = (inbound.organisation, Became::Refused(said(doubt)));
        webhooks.heard.hear(organisation, &inbound.integration, refused).await;
        return Err(Problem::new(Kind::Unauthenticated, said(doubt)));
    }
    let proof = headers.get(&inbound.recipe.header).map(|value| value.as_bytes().to_vec());
    let (organisation, integration) = (inbound.organisation, inbound.integration.clone());
    if let Some(kept) = webhooks.keep(inbound, proof.unwrap_or_default(), body.to_vec()).await? {
        webhooks.heard.hear(organisation, &integration, Became::Taken(kept)).await;
    }
    Ok(StatusCode::OK)
}

/// A third party tries out the address, as its recipe says. Where none is said, there is nothing to be had.
async fn tried(
    Held(webhooks): Held<Webhooks>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<Response> {
    let digest = Digest::from_bytes(crypto::sha256(address.as_bytes()));
    let inbound = queries::at_address(&mut webhooks.db.read().await?, digest).await?;
    let nothing = || Problem::of_status(StatusCode::NOT_FOUND);
    let inbound = inbound.ok_or_else(nothing)?;
    let challenge = inbound.recipe.challenge.as_ref().ok_or_else(nothing)?;
    let known = webhooks.verify_token(&inbound).await?;
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    match challenge.judge(&query, &known) {
        Some(word) => Ok(challenge.answer(word)),
        None => {
            tracing::info!(inbound = %inbound.id, "somebody who does not know its word tried out an address");
            Err(Problem::new(Kind::Forbidden, "the word that was agreed on is another one"))
        }
    }
}

const fn said(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Missing => "the signature is missing or does not read",
        Doubt::Stale => "the signed time is too far from now",
        Doubt::Wrong => "the signature is not good",
    }
}

impl Webhooks {
    /// The word by which a third party shows that the owner of the address gave it. It is made of the address's id, and kept nowhere.
    pub(super) async fn verify_token(&self, inbound: &InboundRow) -> Result<String, WebhookFault> {
        let vault = self.vault.tenant(inbound.organisation).await?;
        let digest = vault.blind("webhook_inbound.verify_token", &inbound.id.to_string());
        Ok(crypto::b64::encode(digest.as_bytes()))
    }

    async fn judged(
        &self,
        inbound: &InboundRow,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Result<(), Doubt>, WebhookFault> {
        let secret: Option<Secret<String>> = match &inbound.secret {
            None => None,
            Some(sealed) => {
                let vault = self.vault.tenant(inbound.organisation).await?;
                Some(vault.open_text(secret_place(inbound.id), sealed)?)
            }
        };
        Ok(inbound.recipe.judge(secret.as_ref(), (headers, body), self.world.now()))
    }

    /// Keep the message and tell of it; one that is there already is neither kept nor told again. Its id, where it is kept.
    async fn keep(
        &self,
        inbound: InboundRow,
        proof: Vec<u8>,
        body: Vec<u8>,
    ) -> Result<Option<Id<Message>>, WebhookFault> {
        let vault = self.vault.tenant(inbound.organisation).await?;
        let id = self.world.new_id();
        let framed = [&crypto::sha256(&proof)[..], &crypto::sha256(&body)[..]].concat();
        let message = NewMessage {
            id,
            digest: Digest::from_bytes(crypto::sha256(&framed)),
            body: vault.seal(body_place(id), &body),
        };
        let world = self.world.clone();
        let kept = self
            .db
            .write(async move |tx: &mut Writer| -> Result<bool, DbError> {
                if !queries::keep(tx, &inbound, &message, world.now()).await? {
                    return Ok(false);
                }
                let data = json!({
                    "inbound": inbound.id,
                    "integration": inbound.integration,
                    "weak": inbound.recipe.algorithm == super::Algorithm::None,
                });
                let event = Event {
                    organisation: inbound.organisation,
                    name: RECEIVED,
                    subject: message.id.to_string(),
                    data,
                };
                jobs::publish(tx, &world, &event).await?;
                Ok(true)
            })
            .await?;
        Ok(kept.then_some(id))
    }
}
