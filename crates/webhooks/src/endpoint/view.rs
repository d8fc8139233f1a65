//! One endpoint, as its owner sees it.

use std::collections::BTreeMap;

use axum::extract::State as Held;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use kernel::{Id, Organisation, Permission, Secret, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Answer, Bearer, Json, Path};

use super::{Endpoint, EndpointRow, Order, PausedBy, PublicKey, State, queries, settings::MASK};
use crate::{WebhookFault, Webhooks, access::Access, fault::refused};

/// An endpoint.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub struct EndpointOut {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: Id<Endpoint>,
    /// What people call it.
    pub name: String,
    /// Where events are sent.
    pub url: String,
    /// Types of events; all where the list is empty.
    pub event_types: Vec<String>,
    /// Only events that name one of these studies.
    pub studies: Vec<String>,
    /// Only events that name one of these integrations.
    pub integrations: Vec<String>,
    /// Which events wait for others.
    pub order: Order,
    /// How long a call may take, in seconds.
    pub timeout_s: u16,
    /// Header fields that are sent with each call, without their values.
    pub headers: BTreeMap<String, String>,
    /// How it stands.
    pub state: State,
    /// Who has paused it: what staff have paused, only they enable again.
    pub paused_by: Option<PausedBy>,
    /// Why it is disabled.
    pub reason: Option<String>,
    /// The keys that signatures beginning with `v1a` are verified with, the newest first.
    pub public_keys: Vec<PublicKey>,
    /// The secret that signatures beginning with `v1` are verified with: shown once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = "date-time")]
    pub updated_at: Timestamp,
    /// Its version, which is also its `ETag`.
    pub version: i64,
}

impl EndpointOut {
    /// What its owner may see at any time.
    pub(crate) fn of(row: &EndpointRow, now: Timestamp) -> Self {
        let signs = |key: &&PublicKey| key.until.is_none_or(|until| now < until);
        Self {
            id: row.id,
            name: row.name.clone(),
            url: row.url.to_string(),
            event_types: row.wanted.event_types.clone(),
            studies: row.wanted.studies.clone(),
            integrations: row.wanted.integrations.clone(),
            order: row.order,
            timeout_s: row.timeout_s,
            headers: row.header_names.iter().map(|name| (name.clone(), MASK.to_owned())).collect(),
            state: row.state,
            paused_by: row.paused_by,
            reason: row.reason.clone(),
            public_keys: row.public_keys.iter().filter(signs).cloned().collect(),
            secret: None,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }

    /// With the secret, at the moment at which it is made.
    pub(super) fn with_secret(mut self, secret: Option<Secret<String>>) -> Self {
        self.secret = secret.map(|secret| secret.expose().clone());
        self
    }

    /// The answer, with its `ETag`.
    pub(super) fn tagged(self) -> Tagged {
        let mut headers = HeaderMap::new();
        headers.extend(tag(self.version).map(|value| (header::ETAG, value)));
        (headers, Json(self))
    }
}

/// An endpoint with its `ETag`.
pub(super) type Tagged = (HeaderMap, Json<EndpointOut>);

pub(super) fn tag(version: i64) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("\"{version}\"")).ok()
}

/// One endpoint.
#[utoipa::path(get, path = "/api/v1/integrations/webhooks/{endpoint}", tag = "webhooks", operation_id = "get_webhook_endpoint",
    params(("endpoint" = String, Path, description = "The endpoint's id")),
    responses((status = 200, description = "The endpoint", body = EndpointOut, headers(("ETag" = String)))),
    security(("bearer" = ["webhook:read"])))]
pub(crate) async fn get_endpoint(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Path(id): Path<Id<Endpoint>>,
) -> Answer<Tagged> {
    let access = Access::of(&bearer, Permission::WebhookRead)?;
    Ok(webhooks.endpoint(&access, (bearer.0.organisation, id)).await.map_err(refused)?.tagged())
}

impl Webhooks {
    pub(crate) async fn endpoint(
        &self,
        access: &Access,
        (organisation, id): (Id<Organisation>, Id<Endpoint>),
    ) -> Result<EndpointOut, WebhookFault> {
        let row = queries::find(&mut self.db.read().await?, organisation, id).await?;
        Ok(EndpointOut::of(&access.admit(row)?, self.world.now()))
    }
}

/// The version that the caller says it changes.
///
/// # Errors
/// [`WebhookFault::Unconditional`] where it says none.
pub(super) fn expected(headers: &HeaderMap) -> Result<Expected, WebhookFault> {
    const IF_MATCH: HeaderName = header::IF_MATCH;
    let Some(value) = headers.get(IF_MATCH) else { return Err(WebhookFault::Unconditional) };
    let text = value.to_str().unwrap_or_default();
    if text.trim() == "*" {
        return Ok(Expected::Any);
    }
    let versions = text.split(',').filter_map(|tag| {
        let tag = tag.trim().strip_prefix('"')?.strip_suffix('"')?;
        tag.parse::<i64>().ok()
    });
    Ok(Expected::OneOf(versions.collect()))
}

/// Which version is changed.  RFC 9110 §13.1.1
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    Any,
    OneOf(Vec<i64>),
}

impl Expected {
    pub(super) fn is(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_the_version_that_it_changes() {
        let said = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, HeaderValue::from_static(text));
            expected(&headers).unwrap()
        };
        assert!(expected(&HeaderMap::new()).is_err());
        assert!(said("*").is(7) && said("\"7\"").is(7) && said("\"6\", \"7\"").is(7));
        for other in ["\"6\"", "7", "W/\"7\"", "", "\"x\""] {
            assert!(!said(other).is(7), "{other}");
        }
    }
}
