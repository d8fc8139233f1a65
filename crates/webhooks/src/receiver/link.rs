//! Links are made, listed and revoked by staff.

use std::time::Duration;

use audit::Subject;
use axum::{Extension, extract::State as Held, response::IntoResponse};
use http::StatusCode;
use kernel::{Id, Issue, Permission, ReceiverLink, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Writer;
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Bearer, Context, Json, Paging, Path, Query, links};

use super::{LINK_LIFE, LINK_LIFE_MAX, LINK_LIFE_MIN, LINKS_MAX, LinkRow, TOKEN_PREFIX, queries};
use crate::{
    By, WebhookFault, Webhooks,
    access::Access,
    endpoint::{self, Endpoint, NAME_CHARACTERS_MAX},
    fault::refused,
};

/// A link as staff ask for it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookReceiverLinkIn)]
pub(crate) struct LinkIn {
    /// For whom it is: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// For how long it opens, in seconds: a week where it is left out, 2592000 at the most.
    #[serde(default)]
    #[schema(minimum = 60, maximum = 2592000)]
    expires_in_s: Option<u64>,
}

/// How a link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookReceiverLinkState)]
pub enum LinkState {
    /// It opens.
    Live,
    /// Its time is over.
    Expired,
    /// Somebody has revoked it.
    Revoked,
}

/// A link to the page of an endpoint, for whoever receives its calls.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = WebhookReceiverLink)]
pub struct LinkOut {
    /// Its id, by which the audit trail names who has opened it.
    #[schema(value_type = String, format = "uuid")]
    pub id: Id<ReceiverLink>,
    /// The endpoint that it opens.
    #[schema(value_type = String, format = "uuid")]
    pub endpoint_id: Id<Endpoint>,
    /// For whom it is.
    pub name: String,
    /// How it stands.
    pub state: LinkState,
    /// The path to hand over, behind this deployment's address: shown once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// When.
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Timestamp,
    /// Until when it opens.
    #[schema(value_type = String, format = "date-time")]
    pub expires_at: Timestamp,
    /// When it was last opened.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub opened_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub revoked_at: Option<Timestamp>,
}

impl LinkOut {
    fn of(row: LinkRow, now: Timestamp) -> Self {
        let state = match row.revoked_at {
            Some(_) => LinkState::Revoked,
            None if row.expires_at <= now => LinkState::Expired,
            None => LinkState::Live,
        };
        Self {
            id: row.id,
            endpoint_id: row.endpoint,
            name: row.name,
            state,
            path: None,
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            opened_at: row.opened_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// A page of links.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookReceiverLinks)]
pub(crate) struct LinksOut {
    items: Vec<LinkOut>,
    #[serde(flatten)]
    paging: Paging,
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageIn {
    /// 1 where it is left out.
    #[param(minimum = 1, maximum = 10000)]
    page: Option<i64>,
    /// 20 where it is left out, 100 at the most.
    #[param(minimum = 1, maximum = 100)]
    size: Option<i64>,
}

/// Make a link to the page of an endpoint, for whoever receives its calls. The answer shows what opens it, once.
#[utoipa::path(post, path = "/api/v1/integrations/webhooks/{endpoint}/receiver-links", tag = "webhooks",
    operation_id = "create_webhook_receiver_link",
    params(("endpoint" = String, Path, description = "The endpoint's id")),
    request_body = LinkIn,
    responses((status = 201, description = "The link", body = LinkOut)),
    security(("bearer" = ["webhook:write"])))]
pub(crate) async fn create_link(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<Id<Endpoint>>,
    Json(document): Json<Value>,
) -> Answer<(StatusCode, Json<LinkOut>)> {
    let access = Access::of(&bearer, Permission::WebhookManage)?;
    let by = By::caller(&bearer.0, &context);
    let out = webhooks.make_link((&access, &by), id, &document).await.map_err(refused)?;
    Ok((StatusCode::CREATED, Json(out)))
}

/// The links to the page of an endpoint, newest first.
#[utoipa::path(get, path = "/api/v1/integrations/webhooks/{endpoint}/receiver-links", tag = "webhooks",
    operation_id = "list_webhook_receiver_links",
    params(("endpoint" = String, Path, description = "The endpoint's id"), PageIn),
    responses((status = 200, description = "A page of links", body = LinksOut, headers(("Link" = String)))),
    security(("bearer" = ["webhook:read"])))]
pub(crate) async fn list_links(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<Id<Endpoint>>,
    Query(asked): Query<PageIn>,
) -> Answer<impl IntoResponse> {
    let access = Access::of(&bearer, Permission::WebhookRead)?;
    let window =
        Paging::asked(asked.page, asked.size).map_err(|issues| refused(WebhookFault::Refused(issues)))?;
    let mut reader = webhooks.db.read().await?;
    access.admit(endpoint::queries::find(&mut reader, bearer.0.organisation, id).await?).map_err(refused)?;
    let paging = window.of(queries::count(&mut reader, id).await?);
    let rows = queries::of_endpoint(&mut reader, id, window.rows()).await?;
    let now = webhooks.world.now();
    let items = rows.into_iter().map(|row| LinkOut::of(row, now)).collect();
    Ok((links(&context, &paging, &[]), Json(LinksOut { items, paging })))
}

/// Revoke a link: it opens nothing from now on, in no browser.
#[utoipa::path(delete, path = "/api/v1/integrations/webhooks/{endpoint}/receiver-links/{link}", tag = "webhooks",
    operation_id = "revoke_webhook_receiver_link",
    params(("endpoint" = String, Path, description = "The endpoint's id"), ("link" = String, Path, description = "The link's id")),
    responses((status = 204, description = "It opens nothing any more")),
    security(("bearer" = ["webhook:write"])))]
pub(crate) async fn revoke_link(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path((id, link)): Path<(Id<Endpoint>, Id<ReceiverLink>)>,
) -> Answer<StatusCode> {
    let access = Access::of(&bearer, Permission::WebhookManage)?;
    let by = By::caller(&bearer.0, &context);
    let entry = by.did("receiver_link.revoked", Subject::of(link), json!({"endpoint": id}));
    let (world, now) = (webhooks.world.clone(), webhooks.world.now());
    let revoked = webhooks.db.write(async move |tx: &mut Writer| -> Result<(), WebhookFault> {
        access.admit(endpoint::queries::find(tx, by.organisation, id).await?)?;
        queries::find(tx, id, link).await?.ok_or(WebhookFault::NoLink)?;
        // Revoked again, nothing changes, and there is nothing to put on record.
        if queries::revoke(tx, link, now).await? {
            audit::record(tx, &world, &entry).await?;
        }
        Ok(())
    });
    revoked.await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

/// For whom, and for how long.
fn read(document: &Value) -> Result<(String, Duration), WebhookFault> {
    let new: LinkIn = web::shaped(document).map_err(|issue| WebhookFault::Refused(vec![issue]))?;
    let mut issues = Vec::new();
    let name = new.name.trim();
    if !(1..=NAME_CHARACTERS_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        issues.push(Issue::at("name", "must be 1 to 100 characters"));
    }
    let life = new.expires_in_s.map_or(LINK_LIFE, Duration::from_secs);
    if !(LINK_LIFE_MIN..=LINK_LIFE_MAX).contains(&life) {
        issues.push(Issue::at("expires_in_s", "must be 60 to 2592000"));
    }
    if issues.is_empty() { Ok((name.to_owned(), life)) } else { Err(WebhookFault::Refused(issues)) }
}

impl Webhooks {
    async fn make_link(
        &self,
        (access, by): (&Access, &By),
        endpoint: Id<Endpoint>,
        document: &Value,
    ) -> Result<LinkOut, WebhookFault> {
        let (name, life) = read(document)?;
        let token = crypto::token::generate(&self.world, TOKEN_PREFIX);
        let (digest, now) = (self.token_digest(token.expose()), self.world.now());
        let row = LinkRow {
            id: self.world.new_id(),
            endpoint,
            organisation: by.organisation,
            name,
            created_by: by.actor.name(),
            created_at: now,
            expires_at: now + life,
            opened_at: None,
            revoked_at: None,
        };
        let details = json!({"endpoint": endpoint, "expires_at": row.expires_at});
        let entry = by.did("receiver_link.created", Subject::of(row.id), details);
        let (world, access, written) = (self.world.clone(), access.clone(), row.clone());
        let made = self.db.write(async move |tx: &mut Writer| -> Result<(), WebhookFault> {
            access.admit(endpoint::queries::find(tx, written.organisation, endpoint).await?)?;
            if queries::live(tx, endpoint, now).await? >= LINKS_MAX {
                return Err(WebhookFault::ManyLinks);
            }
            queries::insert(tx, &written, digest).await?;
            audit::record(tx, &world, &entry).await?;
            Ok(())
        });
        made.await?;
        let path = format!("/receivers/open/{}", token.expose());
        Ok(LinkOut { path: Some(path), ..LinkOut::of(row, now) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        for (document, fields) in [
            (json!({"name": "Lab"}), &[][..]),
            (json!({"name": "Lab", "expires_in_s": 60}), &[]),
            (json!({"name": " "}), &["name"]),
            (json!({"name": "x".repeat(101), "expires_in_s": 59}), &["name", "expires_in_s"]),
            (json!({"name": "a\nb"}), &["name"]),
            (json!({"name": "Lab", "expires_in_s": 2_592_001}), &["expires_in_s"]),
            (json!({"name": "Lab", "expires_in_s": u64::MAX}), &["expires_in_s"]),
            (json!({"name": "Lab", "expires_in_s": -1}), &["expires_in_s"]),
            (json!({"name": "Lab", "colour": "red"}), &["colour"]),
        ] {
            let found: Vec<String> = match read(&document) {
                Ok(_) => Vec::new(),
                Err(WebhookFault::Refused(issues)) => {
                    issues.into_iter().map(|issue| issue.path.into_owned()).collect()
                }
                Err(other) => panic!("{other}"),
            };
            assert_eq!(found, fields, "{document}");
        }
    }
}
