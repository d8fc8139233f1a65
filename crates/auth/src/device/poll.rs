//! The device asks whether the person has answered.  RFC 8628 §3.4, §3.5

use std::{sync::Arc, time::Duration};

use kernel::{Client, Id, Timestamp};
use store::{DbError, Writer};

use super::{DeviceRow, INTERVAL_S, INTERVAL_S_MAX, PURPOSE, Standing, queries};
use crate::{
    Auth, OAuthFault,
    client::authenticate::ClientCall,
    grant::{self, GrantRow},
    session,
    token::{
        exchange::TokenOut,
        issue::NewToken,
        redeem::{self, Opened},
    },
};

/// What the device is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Its tokens.
    Granted,
    /// To ask again later.
    Pending,
    /// To ask again later, and less often.
    SlowDown,
    /// That it is over, in the protocol's word.
    Over(&'static str),
}

enum Outcome {
    Granted(Box<Opened>),
    Told(&'static str),
}

/// Exchange a device code.
pub(crate) async fn poll(auth: &Auth, call: &ClientCall) -> Result<TokenOut, OAuthFault> {
    let text = call.form.require("device_code", "device_code is missing")?;
    let digest = auth.vault().digest(PURPOSE, text.as_bytes());
    let sender = call.confirmation()?;
    let (auth_in, acting, client) = (auth.clone(), call.acting(), Arc::clone(&call.client));
    let outcome = auth
        .db()
        .write(async move |tx| -> Result<Outcome, OAuthFault> {
            let now = auth_in.world().now();
            let Some(row) = queries::by_digest(tx, &digest).await? else {
                return Ok(Outcome::Told("invalid_grant"));
            };
            match judge(&row, client.id, now) {
                Told::Over(error) => Ok(Outcome::Told(error)),
                Told::Pending => {
                    queries::polled(tx, row.id, row.interval_s, now).await?;
                    Ok(Outcome::Told("authorization_pending"))
                }
                Told::SlowDown => {
                    let interval_s = row.interval_s.saturating_add(INTERVAL_S).min(INTERVAL_S_MAX);
                    queries::polled(tx, row.id, interval_s, now).await?;
                    Ok(Outcome::Told("slow_down"))
                }
                // What was allowed before it ended counts no more, as with an authorization code.
                Told::Granted if !still_stands(tx, &auth_in, &row).await? => {
                    let entry = acting.entry("device.redeemed", row.id, serde_json::Value::Null);
                    let entry = audit::Entry { outcome: audit::Outcome::Refused("signed_out"), ..entry };
                    audit::record(tx, auth_in.world(), &entry).await?;
                    Ok(Outcome::Told("access_denied"))
                }
                Told::Granted => {
                    let is_bound = row.details.confirmation.as_ref();
                    if is_bound.is_some_and(|key| !key.is_met_by(sender.as_ref())) {
                        return Ok(Outcome::Told("invalid_grant"));
                    }
                    queries::redeem(tx, row.id).await?;
                    let mut grant = GrantRow::open(&auth_in, &client, row.person, row.session, row.scopes);
                    grant.details = grant::Details { confirmation: sender.clone(), ..row.details };
                    grant::queries::insert(tx, &grant).await?;
                    let token = NewToken::of_grant(&auth_in, &client, &grant, grant.scopes.clone());
                    let token = token.telling_roles(tx, &client).await?;
                    let entry = acting.entry("token.issued", grant.id, token.details());
                    audit::record(tx, auth_in.world(), &entry).await?;
                    Ok(Outcome::Granted(Box::new(Opened { nonce: None, grant, token })))
                }
            }
        })
        .await?;
    match outcome {
        Outcome::Granted(opened) => redeem::answer(auth, &call.client, *opened).await,
        Outcome::Told(error) => Err(OAuthFault::Device(error)),
    }
}

/// Whether the session in which the person allowed it goes on.
async fn still_stands(tx: &mut Writer, auth: &Auth, row: &DeviceRow) -> Result<bool, DbError> {
    match row.session {
        Some(session) => session::lasts(tx, auth, session).await,
        None => Ok(false),
    }
}

/// Everything that a device may be told is decided here.
fn judge(row: &DeviceRow, client: Id<Client>, now: Timestamp) -> Told {
    if row.client != client {
        return Told::Over("invalid_grant");
    }
    let interval = Duration::from_secs(u64::from(row.interval_s));
    match row.standing {
        Standing::Redeemed => Told::Over("invalid_grant"),
        Standing::Denied => Told::Over("access_denied"),
        Standing::Allowed | Standing::Pending if now >= row.expires_at => Told::Over("expired_token"),
        Standing::Allowed => Told::Granted,
        Standing::Pending if row.polled_at.is_some_and(|at| now.since(at) < interval) => Told::SlowDown,
        Standing::Pending => Told::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_is_told() {
        let at = Timestamp::from_seconds;
        let row = DeviceRow {
            id: Id::from_bytes([1; 16]),
            client: Id::from_bytes([2; 16]),
            scopes: kernel::Scopes::none(),
            details: grant::Details::default(),
            interval_s: 5,
            polled_at: None,
            expires_at: at(600),
            standing: Standing::Pending,
            person: None,
            session: None,
        };
        for (standing, polled_at, now, told) in [
            (Standing::Pending, None, 0, Told::Pending),
            (Standing::Pending, Some(0), 4, Told::SlowDown),
            (Standing::Pending, Some(0), 5, Told::Pending),
            (Standing::Pending, None, 600, Told::Over("expired_token")),
            (Standing::Allowed, Some(0), 1, Told::Granted),
            (Standing::Allowed, None, 600, Told::Over("expired_token")),
            (Standing::Denied, None, 1, Told::Over("access_denied")),
            (Standing::Redeemed, None, 1, Told::Over("invalid_grant")),
        ] {
            let row = DeviceRow { standing, polled_at: polled_at.map(at), ..row.clone() };
            assert_eq!(judge(&row, row.client, at(now)), told, "{standing:?} {now}");
            assert_eq!(judge(&row, Id::from_bytes([9; 16]), at(now)), Told::Over("invalid_grant"));
        }
    }
}
