//! What the broker asks of others, answered by `auth`.

use auth::Auth;
use broker::{Clients, KnownClient, People, PortFault, Visitor};
use futures_util::{FutureExt, future::BoxFuture};
use http::HeaderMap;
use kernel::{Client, Id};
use web::{Cookies, LocalPath};

/// Registered client applications.
pub struct AuthClients(pub Auth);

/// People with browsers.
pub struct AuthPeople(pub Auth);

fn known(client: auth::client::Client) -> KnownClient {
    KnownClient {
        id: client.id,
        client_id: client.client_id.as_str().to_owned(),
        is_verified: client.verified_at.is_some(),
        name: client.name,
        uri: client.uri.as_str().to_owned(),
    }
}

fn unanswered<E: std::error::Error + Send + Sync + 'static>(what: &'static str) -> impl Fn(E) -> PortFault {
    move |cause| PortFault { what, cause: Box::new(cause) }
}

impl Clients for AuthClients {
    fn by_client_id<'a>(
        &'a self,
        client_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<KnownClient>, PortFault>> {
        async move {
            let found =
                auth::client::live_by_client_id(&self.0, client_id).await.map_err(unanswered("client"))?;
            Ok(found.map(known))
        }
        .boxed()
    }

    fn by_id(&self, id: Id<Client>) -> BoxFuture<'_, Result<Option<KnownClient>, PortFault>> {
        async move { Ok(auth::client::live_by_id(&self.0, id).await.map_err(unanswered("client"))?.map(known)) }.boxed()
    }
}

impl People for AuthPeople {
    fn visitor<'a>(&'a self, headers: &'a HeaderMap) -> BoxFuture<'a, Result<Option<Visitor>, PortFault>> {
        async move {
            let current = auth::session::current(&self.0, &Cookies::of(headers), None)
                .await
                .map_err(unanswered("session"))?;
            Ok(current.map(|signed_in| Visitor {
                person: signed_in.person,
                organisation: signed_in.organisation,
                session: signed_in.binding(&self.0),
            }))
        }
        .boxed()
    }

    fn sign_in(&self, return_to: &LocalPath) -> LocalPath {
        LocalPath::parse(&auth::session::sign_in_location(Some(return_to)))
            .unwrap_or_else(|_| LocalPath::root())
    }
}
