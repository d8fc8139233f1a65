//! A connection's secret is drawn anew.  Contract 5, "Refresh secret"

use axum::{Extension, extract::State};
use http::{HeaderMap, StatusCode};
use kernel::{Client, Digest, Id};
use serde_json::{Value, json};
use web::{Answer, Bearer, Context, Json, Path};

use super::{
    ClientConnection, ConnectionFault, ConnectionOut, REFRESH_SECRET,
    context::admit,
    envelope::{One, one},
    queries,
    secret::{self, NewSecret},
    view::Pair,
};
use crate::{Acting, Auth};

/// The header that the consumer proves itself with.
const API_KEY: &str = "api-key";

/// Draw a new secret for a connection; the one before it is dead at once.
#[utoipa::path(patch, path = "/api/clients/{id}/connections/{cid}/actions/refresh_secret",
    tag = "client connections",
    operation_id = "refresh_client_connection_secret",
    params(("id" = String, Path, description = "The client's id"),
        ("cid" = String, Path, description = "The connection's id"),
        ("api-key" = Option<String>, Header,
            description = "A secret of the connection's consumer; not needed where the client is its own consumer")),
    responses((status = 200, description = "The connection with its new secret", body = One<ConnectionOut>)),
    security(("bearer" = ["connection:refresh_secret"])))]
pub(crate) async fn refresh_secret(
    State(auth): State<Auth>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path((id, cid)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer<(StatusCode, Json<One<ConnectionOut>>)> {
    let viewer = admit(&auth, &bearer, &context, REFRESH_SECRET).await?;
    let pair = Pair::of(viewer.ask_about(&id)?.id()?, &cid)?;
    let leave = Leave::ByKey(presented(&headers).map(|text| secret::digest(&auth, text)));
    let drawn = NewSecret::draw(&auth);
    let refreshed = refresh(&auth, &viewer.acting, pair, leave, &drawn).await;
    if let Err(fault @ (ConnectionFault::ApiKey(_) | ConnectionFault::ForeignApiKey)) = &refreshed {
        note_refusal(&auth, &viewer.acting, pair, fault);
    }
    Ok(one(&context, StatusCode::OK, ConnectionOut::with_secret(refreshed?, &drawn)))
}

/// The key, if there is exactly one.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(API_KEY).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().filter(|text| !text.is_empty()),
        _ => None,
    }
}

/// Draw a new secret for a connection of this client of the acting organisation, on the word of somebody who answers for both
/// clients; the one before it is dead at once.
///
/// # Errors
/// [`ConnectionFault::NotFound`].
pub async fn draw_secret(
    auth: &Auth,
    acting: &Acting,
    client: Id<Client>,
    connection: Id<kernel::ClientConnection>,
) -> Result<(ClientConnection, NewSecret), ConnectionFault> {
    let drawn = NewSecret::draw(auth);
    let pair = Pair { client, connection };
    Ok((refresh(auth, acting, pair, Leave::OfOrganisation, &drawn).await?, drawn))
}

/// On whose word a secret is drawn.
#[derive(Clone, Copy)]
enum Leave {
    /// A caller of the contract's API, with this key or none.
    ByKey(Option<Digest>),
    /// The organisation of both clients, in the portal.
    OfOrganisation,
}

async fn refresh(
    auth: &Auth,
    acting: &Acting,
    pair: Pair,
    leave: Leave,
    drawn: &NewSecret,
) -> Result<ClientConnection, ConnectionFault> {
    let (world, acting, now, digest) =
        (auth.world().clone(), acting.clone(), auth.world().now(), drawn.digest);
    auth.db()
        .write(async move |tx| -> Result<ClientConnection, ConnectionFault> {
            let before = queries::connection(tx, acting.organisation, pair).await?;
            let before = before.ok_or(ConnectionFault::NotFound)?;
            if let Leave::ByKey(key) = &leave {
                let of_key = match key {
                    Some(key) => Some(queries::by_secret(tx, key).await?.map(|found| found.client)),
                    None => None,
                };
                judge(&before, of_key)?;
            }
            let after = ClientConnection { updated_at: now, ..before };
            queries::set_secret(tx, &after, &digest).await?;
            let entry = acting.entry("client_connection.secret_refreshed", after.id, Value::Null);
            audit::record(tx, &world, &entry).await?;
            Ok(after)
        })
        .await
}

/// Who may refresh this secret. `key` is nothing without a key, and otherwise the client of the connection whose
/// secret it is, if it is one.
fn judge(connection: &ClientConnection, key: Option<Option<Id<Client>>>) -> Result<(), ConnectionFault> {
    match key {
        _ if connection.consumer == connection.client => Ok(()),
        None => Err(ConnectionFault::ApiKey("the header is not set")),
        Some(None) => Err(ConnectionFault::ApiKey("nobody's secret")),
        Some(Some(client)) if client == connection.consumer => Ok(()),
        Some(Some(_)) => Err(ConnectionFault::ForeignApiKey),
    }
}

fn note_refusal(auth: &Auth, acting: &Acting, pair: Pair, fault: &ConnectionFault) {
    let why = match fault {
        ConnectionFault::ForeignApiKey => "foreign_api_key",
        _ => "no_api_key",
    };
    let entry = audit::Entry {
        outcome: audit::Outcome::Refused(why),
        ..acting.entry(
            "client_connection.secret_refreshed",
            pair.connection,
            json!({ "client": pair.client }),
        )
    };
    audit::note(auth.db(), auth.world(), &entry);
}

#[cfg(test)]
mod tests {
    use kernel::Timestamp;

    use super::*;

    #[test]
    fn the_consumer_proves_itself_unless_it_is_the_client() {
        let (client, consumer, other) =
            (Id::from_bytes([1; 16]), Id::from_bytes([2; 16]), Id::from_bytes([3; 16]));
        let connection = |consumer| ClientConnection {
            id: Id::from_bytes([9; 16]),
            organisation: Id::from_bytes([8; 16]),
            client,
            consumer,
            redirect_uri: "https://clinic.example/cb".into(),
            inserted_at: Timestamp::from_seconds(1),
            updated_at: Timestamp::from_seconds(1),
            last_used_at: None,
        };
        for (consumer, key, expected) in [
            (client, None, Ok(())),
            (client, Some(None), Ok(())),
            (client, Some(Some(other)), Ok(())),
            (consumer, None, Err("missing")),
            (consumer, Some(None), Err("missing")),
            (consumer, Some(Some(client)), Err("foreign")),
            (consumer, Some(Some(other)), Err("foreign")),
            (consumer, Some(Some(consumer)), Ok(())),
        ] {
            let judged = judge(&connection(consumer), key).map_err(|fault| match fault {
                ConnectionFault::ApiKey(_) => "missing",
                ConnectionFault::ForeignApiKey => "foreign",
                other => panic!("{other}"),
            });
            assert_eq!(judged, expected, "{consumer} {key:?}");
        }
    }

    #[test]
    fn two_keys_are_none() {
        let headers = |values: &[&'static str]| -> HeaderMap {
            values
                .iter()
                .map(|value| (API_KEY.parse().unwrap(), http::HeaderValue::from_static(value)))
                .collect()
        };
        assert_eq!(presented(&headers(&["a"])), Some("a"));
        assert_eq!(presented(&headers(&[])), None);
        assert_eq!(presented(&headers(&[""])), None);
        assert_eq!(presented(&headers(&["a", "b"])), None);
    }
}
