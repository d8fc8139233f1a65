//! A code for a token.  RFC 6749 §4.1.3, RFC 7636 §4.5, RFC 9700 §2.1.1
//!
//! The code is spent by the first who presents it, whoever that is: a wrong verifier or another client means that it
//! has leaked. A second use revokes what the first one got.

use std::sync::Arc;

use crypto::pkce;
use kernel::{Client, ClientConnection, Digest, Id, Person, Scopes, Session, Timestamp};
use store::Writer;

use super::{
    Confirmation,
    exchange::TokenOut,
    id_token,
    issue::{self, NewToken},
    queries,
    refresh_token::RefreshToken,
    revocation::Revoked,
};
use crate::{
    Auth, OAuthFault,
    authorize::CODE_PURPOSE,
    client::{self, GrantType, authenticate::ClientCall},
    client_connection::prove,
    grant::{self, Details, Grant, GrantRow},
};

/// A code as its row holds it, with what became of those it depends on.
#[derive(Clone)]
pub(super) struct CodeRow {
    pub client: Id<Client>,
    pub person: Id<Person>,
    pub session: Id<Session>,
    pub redirect_uri: String,
    pub scopes: Scopes,
    pub nonce: Option<String>,
    pub code_challenge: String,
    pub details: Details,
    pub expires_at: Timestamp,
    pub grant: Option<Id<Grant>>,
    pub session_ended_at: Option<Timestamp>,
    pub person_disabled_at: Option<Timestamp>,
}

/// What is presented with a code.
#[derive(Clone)]
struct Attempt {
    client: Id<Client>,
    redirect_uri: String,
    code_verifier: Option<String>,
    sender: Option<Confirmation>,
    connection: Option<Id<ClientConnection>>,
}

enum Outcome {
    Granted(Box<Opened>),
    Refused(&'static str),
    Replayed(Option<Revoked>),
}

/// A grant that has just begun, with its first token.
pub(crate) struct Opened {
    pub nonce: Option<String>,
    pub grant: GrantRow,
    pub token: NewToken,
}

/// Exchange a code.
pub(super) async fn redeem(auth: &Auth, call: &ClientCall) -> Result<TokenOut, OAuthFault> {
    let code = call.form.require("code", "code is missing")?;
    let digest = auth.vault().digest(CODE_PURPOSE, code.as_bytes());
    let attempt = Attempt {
        client: call.client.id,
        redirect_uri: call.form.require("redirect_uri", "redirect_uri is missing")?.to_owned(),
        code_verifier: call.form.get("code_verifier").map(str::to_owned),
        sender: call.confirmation()?,
        connection: call.connection,
    };
    let resource = call.resource(auth).await?;
    match spend(auth, call, digest, attempt, resource).await? {
        Outcome::Granted(opened) => answer(auth, &call.client, *opened).await,
        Outcome::Refused(why) => Err(OAuthFault::InvalidGrant(why)),
        Outcome::Replayed(revoked) => {
            revoked.iter().for_each(|revoked| auth.heed(revoked));
            Err(OAuthFault::InvalidGrant("replayed"))
        }
    }
}

/// The tokens that a new grant begins with.
pub(crate) async fn answer(
    auth: &Auth,
    client: &client::Client,
    opened: Opened,
) -> Result<TokenOut, OAuthFault> {
    let Opened { nonce, grant, token } = opened;
    let access_token = issue::sign(auth, client, &token)?;
    let id_token = told_of_person(auth, client, &grant, &token, &access_token, nonce.as_deref()).await?;
    let refresh_token = gives_refresh_token(client, &grant.scopes)
        .then(|| RefreshToken { grant: grant.id, generation: grant.generation }.text(auth).expose().clone());
    Ok(TokenOut { refresh_token, id_token, ..TokenOut::new(access_token, &token) })
}

/// An ID token where the grant is a sign-in.
pub(super) async fn told_of_person(
    auth: &Auth,
    client: &client::Client,
    grant: &GrantRow,
    token: &NewToken,
    access_token: &str,
    nonce: Option<&str>,
) -> Result<Option<String>, OAuthFault> {
    if !token.scopes.has("openid") || token.person.is_none() {
        return Ok(None);
    }
    id_token::sign(auth, client, grant, token, access_token, nonce).await.map(Some)
}

/// Whether a refresh token goes with the first access token: to clients that are registered for it, and where the person signs in to
/// one (OpenID Connect Core §11), only if they asked for access that lasts.
pub(crate) fn gives_refresh_token(client: &client::Client, scopes: &Scopes) -> bool {
    let is_asked = scopes.has("offline_access") || scopes.has("online_access") || !scopes.has("openid");
    client.may_use(GrantType::RefreshToken) && is_asked
}

/// One unit: the code is spent, and the token or the refusal is on record.
async fn spend(
    auth: &Auth,
    call: &ClientCall,
    digest: Digest,
    attempt: Attempt,
    resource: Option<String>,
) -> Result<Outcome, OAuthFault> {
    let (auth_in, acting, client) = (auth.clone(), call.acting(), Arc::clone(&call.client));
    auth.db()
        .write(async move |tx| -> Result<Outcome, OAuthFault> {
            let (world, now) = (auth_in.world(), auth_in.world().now());
            if queries::spend_code(tx, &digest, now).await? == 0 {
                return replayed(tx, &auth_in, &acting, &digest, now).await;
            }
            let Some(row) = queries::code(tx, &digest).await? else { return Ok(Outcome::Refused("unknown")) };
            let is_theirs = prove::judge_redirect(tx, &client, attempt.connection, &row.redirect_uri).await?;
            if let Err(why) = judge(&row, &attempt, now).and(is_theirs) {
                let entry = acting.entry("code.redeemed", client.id, serde_json::Value::Null);
                let entry = audit::Entry { outcome: audit::Outcome::Refused(why), ..entry };
                audit::record(tx, world, &entry).await?;
                return Ok(Outcome::Refused(why));
            }
            let mut details = row.details;
            if resource.is_some() && resource != details.resource {
                return Err(OAuthFault::InvalidTarget);
            }
            details.confirmation = attempt.sender.clone();
            details.connection = attempt.connection;
            let mut grant =
                GrantRow::open(&auth_in, &client, Some(row.person), Some(row.session), row.scopes);
            grant.details = details;
            grant::queries::insert(tx, &grant).await?;
            queries::set_grant_of_code(tx, &digest, grant.id).await?;
            let token = NewToken::of_grant(&auth_in, &client, &grant, grant.scopes.clone());
            let token = token.telling_roles(tx, &client).await?;
            audit::record(tx, world, &acting.entry("token.issued", grant.id, token.details())).await?;
            Ok(Outcome::Granted(Box::new(Opened { nonce: row.nonce, grant, token })))
        })
        .await
}

/// Nothing was spent: there is no such code, or it was spent before, and then what came of it is dead.
async fn replayed(
    tx: &mut Writer,
    auth: &Auth,
    acting: &crate::Acting,
    digest: &Digest,
    now: Timestamp,
) -> Result<Outcome, OAuthFault> {
    let Some(row) = queries::code(tx, digest).await? else { return Ok(Outcome::Refused("unknown")) };
    let found = match row.grant {
        Some(id) => grant::queries::with_ends(tx, id).await?,
        None => None,
    };
    let revoked = match found {
        Some(found) => grant::end::end(tx, auth, acting, &found.grant, "code_replayed", now).await?,
        None => None,
    };
    let entry = acting.entry("code.redeemed", row.client, serde_json::json!({ "grant_revoked": row.grant }));
    let entry = audit::Entry { outcome: audit::Outcome::Refused("replayed"), ..entry };
    audit::record(tx, auth.world(), &entry).await?;
    Ok(Outcome::Replayed(revoked))
}

/// Everything that can make a code bad, other than being spent, is decided here.
fn judge(row: &CodeRow, attempt: &Attempt, now: Timestamp) -> Result<(), &'static str> {
    if row.client != attempt.client {
        Err("another_client")
    } else if now >= row.expires_at {
        Err("expired")
    } else if row.redirect_uri != attempt.redirect_uri {
        Err("another_redirect_uri")
    } else if !is_verified(&row.code_challenge, attempt.code_verifier.as_deref()) {
        Err("wrong_verifier")
    } else if row.details.confirmation.as_ref().is_some_and(|key| !key.is_met_by(attempt.sender.as_ref())) {
        Err("another_key")
    } else if row.session_ended_at.is_some() {
        Err("signed_out")
    } else if row.person_disabled_at.is_some() {
        Err("person_disabled")
    } else {
        Ok(())
    }
}

/// A code without a challenge goes with no verifier: a stripped challenge is noticed (RFC 9700 §4.8.2).
fn is_verified(challenge: &str, verifier: Option<&str>) -> bool {
    match verifier {
        None => challenge.is_empty(),
        Some(verifier) => !challenge.is_empty() && pkce::matches(challenge, verifier),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_for_whom_and_what_it_was_made() {
        let at = Timestamp::from_seconds;
        let verifier = "a".repeat(43);
        let row = CodeRow {
            client: Id::from_bytes([1; 16]),
            person: Id::from_bytes([2; 16]),
            redirect_uri: "https://app.example/cb".into(),
            scopes: Scopes::none(),
            nonce: None,
            code_challenge: pkce::s256_challenge(&verifier),
            session: Id::from_bytes([3; 16]),
            details: Details::default(),
            expires_at: at(60),
            grant: None,
            session_ended_at: None,
            person_disabled_at: None,
        };
        let attempt = Attempt {
            client: row.client,
            redirect_uri: row.redirect_uri.clone(),
            code_verifier: Some(verifier),
            sender: None,
            connection: None,
        };
        assert_eq!(judge(&row, &attempt, at(59)), Ok(()));
        assert_eq!(judge(&row, &attempt, at(60)), Err("expired"));
        for (attempt, why) in [
            (Attempt { client: Id::from_bytes([9; 16]), ..attempt.clone() }, "another_client"),
            (
                Attempt { redirect_uri: "https://app.example/cb/".into(), ..attempt.clone() },
                "another_redirect_uri",
            ),
            (Attempt { code_verifier: Some("b".repeat(43)), ..attempt.clone() }, "wrong_verifier"),
            (
                Attempt { code_verifier: Some(row.code_challenge.clone()), ..attempt.clone() },
                "wrong_verifier",
            ),
            (Attempt { code_verifier: Some(String::new()), ..attempt.clone() }, "wrong_verifier"),
            (Attempt { code_verifier: None, ..attempt.clone() }, "wrong_verifier"),
        ] {
            assert_eq!(judge(&row, &attempt, at(1)), Err(why));
        }
        let plain = CodeRow { code_challenge: String::new(), ..row.clone() };
        let without = Attempt { code_verifier: None, ..attempt.clone() };
        assert_eq!(judge(&plain, &without, at(1)), Ok(()), "asked for without PKCE");
        assert_eq!(judge(&plain, &attempt, at(1)), Err("wrong_verifier"), "its challenge was stripped");
        let key = |thumbprint: &str| Some(Confirmation::dpop(thumbprint.into()));
        let bound = Details { confirmation: key("a"), ..Details::default() };
        let bound = CodeRow { details: bound, ..row.clone() };
        assert_eq!(judge(&bound, &Attempt { sender: key("a"), ..attempt.clone() }, at(1)), Ok(()));
        assert_eq!(
            judge(&bound, &Attempt { sender: key("b"), ..attempt.clone() }, at(1)),
            Err("another_key")
        );
        assert_eq!(judge(&bound, &attempt, at(1)), Err("another_key"));
        let signed_out = CodeRow { session_ended_at: Some(at(1)), ..row.clone() };
        assert_eq!(judge(&signed_out, &attempt, at(1)), Err("signed_out"));
        let switched_off = CodeRow { person_disabled_at: Some(at(1)), ..row };
        assert_eq!(judge(&switched_off, &attempt, at(1)), Err("person_disabled"));
    }
}
