//! A connection at work: its secret proves its client, and answers go to its redirect URI.  Contract 5, reference/sources.md §5.8
//!
//! Both are asked of the database each time: what was replaced or deleted is dead at once, on every node. A connection of a
//! consumer that is switched off is worth nothing.

use std::time::Duration;

use kernel::{ClientConnection, Digest, Id, Timestamp};
use store::{DbError, Reader, binds};

use super::{queries, secret};
use crate::{
    Auth,
    client::{AuthMethod, Client, RedirectUri, TrustedRedirect},
};

/// How exactly the last use of a connection's secret is known.
const TOUCH_EVERY: Duration = Duration::from_mins(5);

/// The connection of this client whose secret this is.
pub(crate) async fn by_secret(
    auth: &Auth,
    client: &Client,
    text: &str,
) -> Result<Option<Id<ClientConnection>>, DbError> {
    if !shows_secret(client) {
        return Ok(None);
    }
    let digest: Digest = secret::digest(auth, text);
    let found = queries::live_by_secret(&mut auth.db().read().await?, client.id, &digest).await?;
    let Some((id, last_used_at)) = found else { return Ok(None) };
    let now = auth.world().now();
    if is_due(last_used_at, now) {
        auth.db().write_lazy(queries::TOUCH, binds![id, now]);
    }
    Ok(Some(id))
}

/// The address to which an answer for this client may be sent, if `asked` is its own or one of its connections', character by
/// character (RFC 9700 §2.1; the source's loose comparison is not taken over).
pub(crate) async fn trusted_redirect(
    tx: &mut Reader,
    client: &Client,
    asked: &str,
) -> Result<Option<TrustedRedirect>, DbError> {
    if let Some(own) = client.trusted_redirect(asked) {
        return Ok(Some(own));
    }
    // What is no address is nobody's, and no database is asked about it.
    let Ok(uri) = RedirectUri::parse(asked) else { return Ok(None) };
    let is_theirs = shows_secret(client)
        && uri.is(asked)
        && queries::is_live_redirect(tx, client.id, uri.as_str()).await?;
    Ok(is_theirs.then(|| TrustedRedirect::of_connection(&uri)))
}

/// Whether a code that was sent to this address is for whom the call is proven to come from: the client itself where the address is
/// its own, and otherwise the connection whose address it is now.
pub(crate) async fn judge_redirect(
    tx: &mut Reader,
    client: &Client,
    connection: Option<Id<ClientConnection>>,
    redirect_uri: &str,
) -> Result<Result<(), &'static str>, DbError> {
    let is_right = match connection {
        None => client.trusted_redirect(redirect_uri).is_some(),
        Some(id) => queries::live_redirect(tx, client.id, id).await?.as_deref() == Some(redirect_uri),
    };
    Ok(if is_right { Ok(()) } else { Err("another_connection") })
}

/// A connection's secret is shown as the client's own would be; a client that proves itself in another way does so always.
const fn shows_secret(client: &Client) -> bool {
    matches!(client.auth_method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost)
}

fn is_due(last_used_at: Option<Timestamp>, now: Timestamp) -> bool {
    last_used_at.is_none_or(|at| now.since(at) >= TOUCH_EVERY)
}
