//! A refresh token for a new access token.  RFC 6749 §6, RFC 9700 §4.14, FAPI 2.0 §5.3.2.1
//!
//! A grant counts generations. The newest token moves it on; the one before gives the same successor again for
//! [`RETRY_WINDOW`], because an answer may get lost on the way; anything older was copied, and ends the grant.

use std::time::Duration;

use kernel::{Scopes, Timestamp};

use super::{
    exchange::TokenOut,
    issue::{self, NewToken},
    redeem::told_of_person,
    refresh_token::RefreshToken,
    revocation::Revoked,
};
use crate::{
    Auth, OAuthFault,
    client::{Client, Confidentiality, authenticate::ClientCall},
    grant::{ABSOLUTE, GrantRow, IDLE, RETRY_WINDOW, end, is_offline, queries},
};

/// What a token that is presented means for its grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The newest: the grant moves on.
    Next,
    /// The one before, again: the same answer.
    Again,
    /// The newest of a client whose tokens are not replaced.
    Stay,
    /// Good at another time or for another: refused, nothing else happens.
    Refuse(&'static str),
    /// It was used before: it was copied, so nobody keeps anything.
    Replay,
}

enum Outcome {
    Granted(Box<(GrantRow, NewToken)>),
    Refused(&'static str),
    Replayed(Option<Revoked>),
}

/// Exchange it.
pub(super) async fn refresh(auth: &Auth, call: &ClientCall) -> Result<TokenOut, OAuthFault> {
    let text = call.form.require("refresh_token", "refresh_token is missing")?;
    let presented = RefreshToken::read(auth, text).ok_or(OAuthFault::InvalidGrant("unknown"))?;
    let asked = call.form.get("scope").map(str::parse::<Scopes>).transpose();
    let asked = asked.map_err(|_| OAuthFault::InvalidScope("scope is malformed"))?;
    let resource = call.resource(auth).await?;
    match step(auth, call, presented, asked, resource).await? {
        Outcome::Granted(granted) => {
            let (grant, token) = *granted;
            let access_token = issue::sign(auth, &call.client, &token)?;
            let id_token = told_of_person(auth, &call.client, &grant, &token, &access_token, None).await?;
            let next = RefreshToken { grant: grant.id, generation: grant.generation };
            Ok(TokenOut {
                refresh_token: Some(next.text(auth).expose().clone()),
                id_token,
                ..TokenOut::new(access_token, &token)
            })
        }
        Outcome::Refused(why) => Err(OAuthFault::InvalidGrant(why)),
        Outcome::Replayed(revoked) => {
            revoked.iter().for_each(|revoked| auth.heed(revoked));
            Err(OAuthFault::InvalidGrant("replayed"))
        }
    }
}

async fn step(
    auth: &Auth,
    call: &ClientCall,
    presented: RefreshToken,
    asked: Option<Scopes>,
    resource: Option<String>,
) -> Result<Outcome, OAuthFault> {
    let (auth_in, acting, client) = (auth.clone(), call.acting(), call.client.clone());
    let (sender, connection) = (call.confirmation()?, call.connection);
    auth.db()
        .write(async move |tx| -> Result<Outcome, OAuthFault> {
            let (world, now) = (auth_in.world(), auth_in.world().now());
            let Some(found) = queries::with_ends(tx, presented.grant).await? else {
                return Ok(Outcome::Refused("unknown"));
            };
            let step = if found.grant.details.connection == connection {
                judge(
                    &found,
                    &client,
                    presented.generation,
                    sender.as_ref(),
                    auth_in.config().session_idle,
                    now,
                )
            } else {
                Step::Refuse("another_connection")
            };
            let mut grant = found.grant;
            match step {
                Step::Refuse(why) => {
                    let entry = acting.entry("grant.refreshed", grant.id, serde_json::Value::Null);
                    let entry = audit::Entry { outcome: audit::Outcome::Refused(why), ..entry };
                    audit::record(tx, world, &entry).await?;
                    return Ok(Outcome::Refused(why));
                }
                Step::Replay => {
                    let ended =
                        end::end(tx, &auth_in, &acting, &grant, "refresh_token_replayed", now).await?;
                    return Ok(Outcome::Replayed(ended));
                }
                Step::Next => {
                    grant.expires_at = expires_at(&grant, now);
                    if queries::rotate(tx, &grant, now).await? == 0 {
                        return Ok(Outcome::Refused("raced"));
                    }
                    grant.generation = grant.generation.saturating_add(1);
                }
                Step::Stay => {
                    grant.expires_at = expires_at(&grant, now);
                    queries::touch(tx, &grant, now).await?;
                }
                Step::Again => {}
            }
            let scopes = match &asked {
                None => grant.scopes.clone(),
                Some(asked) if asked.as_far_as(&grant.scopes) == *asked => asked.clone(),
                Some(_) => return Err(OAuthFault::InvalidScope("more than was granted")),
            };
            if resource.is_some() && resource != grant.details.resource {
                return Err(OAuthFault::InvalidTarget);
            }
            let token = NewToken::of_grant(&auth_in, &client, &grant, scopes);
            let mut token = token.telling_roles(tx, &client).await?;
            token.details.confirmation.clone_from(&sender);
            audit::record(tx, world, &acting.entry("token.issued", grant.id, token.details())).await?;
            Ok(Outcome::Granted(Box::new((grant, token))))
        })
        .await
}

/// A grant that is used lives on, up to [`ABSOLUTE`].
fn expires_at(grant: &GrantRow, now: Timestamp) -> Timestamp {
    (now + IDLE).min(grant.created_at + ABSOLUTE)
}

/// Everything that can make a refresh token bad is decided here.
fn judge(
    found: &queries::Found,
    client: &Client,
    generation: u32,
    sender: Option<&super::Confirmation>,
    idle: Duration,
    now: Timestamp,
) -> Step {
    let grant = &found.grant;
    if grant.client != client.id {
        return Step::Refuse("another_client");
    }
    if grant.revoked_at.is_some() {
        return Step::Refuse("revoked");
    }
    if now >= grant.expires_at {
        return Step::Refuse("expired");
    }
    if found.person_disabled_at.is_some() {
        return Step::Refuse("person_disabled");
    }
    if !is_offline(&grant.scopes) && found.is_session_over(idle, now) {
        return Step::Refuse("signed_out");
    }
    // A confidential client proves itself with each call and may change its key (RFC 9449 §5); it may not do without one.
    let is_key_right = match (&grant.details.confirmation, client.confidentiality) {
        (None, _) => true,
        (Some(bound), Confidentiality::Public) => bound.is_met_by(sender),
        (Some(_), Confidentiality::Confidential) => sender.is_some(),
    };
    if !is_key_right {
        return Step::Refuse("another_key");
    }
    let is_retry =
        generation.checked_add(1) == Some(grant.generation) && now.since(grant.rotated_at) <= RETRY_WINDOW;
    match (generation == grant.generation, client.profile.rotates_refresh_tokens()) {
        (true, true) => Step::Next,
        (true, false) => Step::Stay,
        (false, _) if is_retry => Step::Again,
        (false, _) => Step::Replay,
    }
}

#[cfg(test)]
mod tests {
    use kernel::Id;

    use super::*;
    use crate::{
        client::{self, Profile},
        grant::{Details, queries::Found},
        session::SessionSpan,
        token::Confirmation,
    };

    fn at(s: i64) -> Timestamp {
        Timestamp::from_seconds(s)
    }

    fn found(client: &Client, scopes: &str, confirmation: Option<Confirmation>) -> Found {
        Found {
            grant: GrantRow {
                id: Id::from_bytes([3; 16]),
                organisation: client.organisation,
                client: client.id,
                person: Some(Id::from_bytes([4; 16])),
                session: Some(Id::from_bytes([5; 16])),
                scopes: scopes.parse().unwrap(),
                details: Details { confirmation, ..Details::default() },
                created_at: at(0),
                used_at: at(100),
                generation: 7,
                rotated_at: at(100),
                expires_at: at(1000),
                revoked_at: None,
            },
            person_disabled_at: None,
            session: Some(SessionSpan { seen_at: at(100), ends_at: at(1000), ended_at: None }),
        }
    }

    /// As long as a session may be unused.
    const IDLE: Duration = Duration::from_secs(500);

    fn app() -> Client {
        let registration = client::register::Registration {
            name: "Diary".into(),
            uri: "https://app.example".into(),
            confidentiality: "confidential".into(),
            redirect_uris: vec!["https://app.example/cb".into()],
            grant_types: vec!["authorization_code".into(), "refresh_token".into()],
            ..client::register::Registration::default()
        };
        client::tests::client(&registration, &crate::scope::built_in())
    }

    #[test]
    fn a_generation_moves_on_is_repeated_shortly_and_ends_the_grant_when_it_is_old() {
        let (client, retry_until) = (app(), 100 + RETRY_WINDOW.as_secs().cast_signed());
        let found = found(&client, "openid offline_access", None);
        let fapi = Client { profile: Profile::Fapi2, ..client.clone() };
        for (client, generation, now, step) in [
            (&client, 7, at(101), Step::Next),
            (&client, 6, at(101), Step::Again),
            (&client, 6, at(retry_until), Step::Again),
            (&client, 6, at(retry_until + 1), Step::Replay),
            (&client, 5, at(101), Step::Replay),
            (&client, 8, at(101), Step::Replay),
            (&client, 7, at(1000), Step::Refuse("expired")),
            (&fapi, 7, at(101), Step::Stay),
            (&fapi, 5, at(101), Step::Replay),
        ] {
            assert_eq!(judge(&found, client, generation, None, IDLE, now), step, "{generation} {now:?}");
        }
    }

    #[test]
    fn what_ends_a_grant_from_outside_and_whose_it_is() {
        let client = app();
        let (online, offline) = (found(&client, "openid", None), found(&client, "offline_access", None));
        let refuse = |found: &Found, client: &Client| judge(found, client, 7, None, IDLE, at(101));
        let other = Client { id: Id::from_bytes([9; 16]), ..client.clone() };
        assert_eq!(refuse(&online, &other), Step::Refuse("another_client"));
        let span = SessionSpan { seen_at: at(100), ends_at: at(1000), ended_at: None };
        for (session, why) in [
            (Some(SessionSpan { ended_at: Some(at(100)), ..span }), "ended"),
            (Some(SessionSpan { ends_at: at(101), ..span }), "over"),
            (Some(SessionSpan { seen_at: at(101) - IDLE, ..span }), "idle"),
            (None, "nothing is left of it"),
        ] {
            let gone = |found: &Found| Found { session, ..found.clone() };
            assert_eq!(refuse(&gone(&online), &client), Step::Refuse("signed_out"), "{why}");
            assert_eq!(refuse(&gone(&offline), &client), Step::Next, "{why}");
        }
        let mut of_nobody = Found { session: None, ..online.clone() };
        of_nobody.grant.session = None;
        assert_eq!(refuse(&of_nobody, &client), Step::Next, "given in no session");
        let disabled = Found { person_disabled_at: Some(at(100)), ..offline.clone() };
        assert_eq!(refuse(&disabled, &client), Step::Refuse("person_disabled"));
        let mut revoked = offline;
        revoked.grant.revoked_at = Some(at(100));
        assert_eq!(refuse(&revoked, &client), Step::Refuse("revoked"));
        assert_eq!(
            judge(&revoked, &client, 1, None, IDLE, at(101)),
            Step::Refuse("revoked"),
            "an ended grant ends no second time"
        );
    }

    #[test]
    fn a_bound_grant_needs_its_key_and_a_thief_without_it_ends_nothing() {
        let (confidential, key) = (app(), |name: &str| Confirmation::dpop(name.into()));
        let public = Client { confidentiality: Confidentiality::Public, ..app() };
        let bound = found(&public, "offline_access", Some(key("a")));
        for (client, generation, sender, step) in [
            (&public, 7, Some(key("a")), Step::Next),
            (&public, 7, Some(key("b")), Step::Refuse("another_key")),
            (&public, 1, None, Step::Refuse("another_key")),
            (&confidential, 7, Some(key("b")), Step::Next),
            (&confidential, 7, None, Step::Refuse("another_key")),
        ] {
            assert_eq!(judge(&bound, client, generation, sender.as_ref(), IDLE, at(101)), step, "{sender:?}");
        }
    }
}
