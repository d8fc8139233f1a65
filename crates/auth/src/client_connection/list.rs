//! The connections of a client.  Contract 5, `GET /api/clients/{id}/connections`

use std::collections::BTreeMap;

use axum::{
    Extension,
    extract::{FromRequestParts, State},
};
use http::{StatusCode, request::Parts};
use kernel::{Client, Id, Issue, Timestamp};
use utoipa::IntoParams;
use web::{Answer, Bearer, Context, Json, Path, Place, Problem, Query};

use super::{
    ClientConnection, ClientType, ConnectionFault, ConnectionOut, READ,
    context::admit,
    envelope::{Many, many},
    fault,
    paging::{self, Asked, Slice},
    queries,
    view::Pair,
};
use crate::{Acting, Auth};

/// A query that is read after token, scope and context were judged.
pub(crate) struct Asking(Result<BTreeMap<String, String>, Problem>);

/// The parameters of a query, each there once.
pub(super) struct Parameters(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Query::from_request_parts(parts, state).await.map(|Query(parameters)| parameters)))
    }
}

impl Asking {
    pub(super) fn read(self) -> Result<Parameters, Problem> {
        self.0.map(Parameters).map_err(|problem| problem.with_status(StatusCode::UNPROCESSABLE_ENTITY))
    }
}

impl Parameters {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn page(&self) -> Asked<'_> {
        Asked { page: self.get("page"), page_size: self.get("page_size") }
    }

    fn filter(&self) -> Result<Filter, Problem> {
        let text = |name: &str| self.get(name).filter(|text| !text.is_empty());
        let consumer = text("consumer_id").map(str::parse).transpose().map_err(|_| {
            let issue = Issue::at("consumer_id", "must be a UUID").of_rule("cast");
            fault::refused(vec![issue]).with_place(Place::Query)
        })?;
        Ok(Filter { consumer, redirect: pattern(text("redirect_uri").unwrap_or_default()) })
    }
}

/// Which connections are asked for.
pub(super) struct Filter {
    pub consumer: Option<Id<Client>>,
    /// A pattern for `LIKE … ESCAPE '\'`.
    pub redirect: String,
}

/// The pattern of everything that holds this text; in it nothing is a wildcard.
fn pattern(text: &str) -> String {
    let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// Which connections, and which page of them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query, which is read after the context was judged")]
pub(crate) struct ListIn {
    /// Only those of this consumer.
    consumer_id: Option<String>,
    /// Only those whose redirect URI holds this text, in any case.
    redirect_uri: Option<String>,
    /// 1 where it is left out or is no page; the last where there are not so many.
    page: Option<String>,
    /// 50 where it is left out or is no number; 100 at the most.
    page_size: Option<String>,
}

/// List a client's connections, without their secrets.
#[utoipa::path(get, path = "/api/clients/{id}/connections", tag = "client connections",
    operation_id = "list_client_connections",
    params(("id" = String, Path, description = "The client's id"), ListIn),
    responses((status = 200, description = "The connections", body = Many<ConnectionOut>)),
    security(("bearer" = ["connection:read"])))]
pub(crate) async fn list(
    State(auth): State<Auth>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    asking: Asking,
) -> Answer<Json<Many<ConnectionOut>>> {
    let viewer = admit(&auth, &bearer, &context, READ).await?;
    let asked = viewer.ask_about(&id)?;
    let asking = asking.read()?;
    let filter = asking.filter()?;
    let client = asked.id()?;
    let mut tx = auth.db().read().await?;
    if !queries::is_client_of(&mut tx, viewer.acting.organisation, client).await? {
        return Err(ConnectionFault::NoClient.into());
    }
    let total = queries::count_connections(&mut tx, client, &filter).await?;
    let (paging, window) = paging::place(&asking.page(), total);
    let rows: Vec<ClientConnection> = queries::connections(&mut tx, client, &filter, window).await?;
    Ok(many(&context, Slice { rows, paging }))
}

/// How many connections a page of the portal shows.
pub const SHOWN_MAX: u32 = 100;

/// A connection, and whom it is with.
pub struct Connected {
    /// The connection.
    pub connection: ClientConnection,
    /// What the consumer is called.
    pub consumer_name: String,
    /// What the consumer is.
    pub consumer_type: Option<ClientType>,
    /// Since when the consumer is switched off, and the connection with it.
    pub consumer_disabled_at: Option<Timestamp>,
}

/// The first [`SHOWN_MAX`] connections of a client of the acting organisation.
///
/// # Errors
/// [`ConnectionFault::Store`].
pub async fn list_of(
    auth: &Auth,
    acting: &Acting,
    client: Id<Client>,
) -> Result<Vec<Connected>, ConnectionFault> {
    Ok(queries::with_consumers(&mut auth.db().read().await?, acting.organisation, client, SHOWN_MAX).await?)
}

/// One connection of a client of the acting organisation.
///
/// # Errors
/// [`ConnectionFault::NotFound`].
pub async fn get(
    auth: &Auth,
    acting: &Acting,
    client: Id<Client>,
    connection: Id<kernel::ClientConnection>,
) -> Result<Connected, ConnectionFault> {
    let pair = Pair { client, connection };
    let found = queries::with_consumer(&mut auth.db().read().await?, acting.organisation, pair).await?;
    found.ok_or(ConnectionFault::NotFound)
}

impl From<ClientConnection> for ConnectionOut {
    fn from(connection: ClientConnection) -> Self {
        Self::without_secret(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_filter_is_a_wildcard() {
        for (text, expected) in
            [("", "%%"), ("Clinic.Example", "%clinic.example%"), ("50%_\\", "%50\\%\\_\\\\%")]
        {
            assert_eq!(pattern(text), expected);
        }
    }
}
