//! A code for a token.  RFC 6749 §4.1.3, RFC 7636 §4.5, RFC 9700 §2.1.1
//!
//! The code is spent by the first who presents it, whoever that is: a wrong verifier or another client means that it
//! has leaked. A second use revokes what the first one got.

use crypto::pkce;
use kernel::{Client, Digest, Id, Person, Scopes, Timestamp, Token};
use store::Writer;

use super::{
    exchange::TokenOut,
    id_token,
    issue::{self, Grant},
    queries,
    revocation::{self, Revoked},
};
use crate::{Auth, OAuthFault, authorize::CODE_PURPOSE, client::authenticate::ClientCall};

/// A code as its row holds it, with what became of those it depends on.
#[derive(Clone)]
pub(super) struct CodeRow {
    pub client: Id<Client>,
    pub person: Id<Person>,
    pub redirect_uri: String,
    pub scopes: Scopes,
    pub nonce: Option<String>,
    pub code_challenge: String,
    pub authenticated_at: Timestamp,
    pub expires_at: Timestamp,
    pub token: Option<Id<Token>>,
    pub token_expires_at: Option<Timestamp>,
    pub session_ended_at: Option<Timestamp>,
    pub person_disabled_at: Option<Timestamp>,
}

/// What is presented with a code.
#[derive(Clone)]
struct Attempt {
    client: Id<Client>,
    redirect_uri: String,
    code_verifier: String,
}

enum Outcome {
    Granted(Box<CodeRow>, Grant),
    Refused(&'static str),
    Replayed(Option<Revoked>),
}

/// Exchange a code.
pub(super) async fn redeem(auth: &Auth, call: &ClientCall) -> Result<TokenOut, OAuthFault> {
    let code = call.form.require("code", "code is missing")?;
    let digest = auth.vault().digest(CODE_PURPOSE, code.as_bytes());
    let attempt = Attempt {
        client: call.client.id,
        redirect_uri: call.form.require("redirect_uri", "redirect_uri is missing")?.to_owned(),
        code_verifier: call.form.require("code_verifier", "code_verifier is missing")?.to_owned(),
    };
    match spend(auth, call, digest, attempt).await? {
        Outcome::Granted(row, grant) => {
            let access_token = issue::sign(auth, &call.client, &grant)?;
            let id_token = if grant.scopes.has("openid") {
                let nonce = row.nonce.as_deref();
                Some(id_token::sign(auth, &call.client, &grant, &access_token, row.authenticated_at, nonce)?)
            } else {
                None
            };
            Ok(TokenOut::new(access_token, &grant, id_token))
        }
        Outcome::Refused(why) => Err(OAuthFault::InvalidGrant(why)),
        Outcome::Replayed(revoked) => {
            revoked.iter().for_each(|revoked| auth.heed(revoked));
            Err(OAuthFault::InvalidGrant("replayed"))
        }
    }
}

/// One unit: the code is spent, and the token or the refusal is on record.
async fn spend(
    auth: &Auth,
    call: &ClientCall,
    digest: Digest,
    attempt: Attempt,
) -> Result<Outcome, OAuthFault> {
    let (auth_in, acting, client) = (auth.clone(), call.acting(), call.client.clone());
    auth.db()
        .write(async move |tx| -> Result<Outcome, OAuthFault> {
            let (world, now) = (auth_in.world(), auth_in.world().now());
            if queries::spend_code(tx, &digest, now).await? == 0 {
                return replayed(tx, &auth_in, &acting, &digest, now).await;
            }
            let Some(row) = queries::code(tx, &digest).await? else { return Ok(Outcome::Refused("unknown")) };
            let refused = judge(&row, &attempt, now).err();
            if let Some(why) = refused {
                let entry = acting.entry("code.redeemed", client.id, serde_json::Value::Null);
                let entry = audit::Entry { outcome: audit::Outcome::Refused(why), ..entry };
                audit::record(tx, world, &entry).await?;
                return Ok(Outcome::Refused(why));
            }
            let grant = Grant::new(&auth_in, &client, Some(row.person), row.scopes.clone());
            queries::set_token_of_code(tx, &digest, grant.token, grant.expires_at).await?;
            let entry = acting.entry("token.issued", row.person, grant.details());
            audit::record(tx, world, &entry).await?;
            Ok(Outcome::Granted(Box::new(row), grant))
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
    let revoked = row.token.zip(row.token_expires_at).map(|(token, end)| Revoked::token(token, end, now));
    if let Some(revoked) = &revoked {
        revocation::record(tx, revoked).await?;
    }
    let entry = acting.entry("code.redeemed", row.client, serde_json::json!({ "token_revoked": row.token }));
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
    } else if !pkce::matches(&row.code_challenge, &attempt.code_verifier) {
        Err("wrong_verifier")
    } else if row.session_ended_at.is_some() {
        Err("signed_out")
    } else if row.person_disabled_at.is_some() {
        Err("person_disabled")
    } else {
        Ok(())
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
            authenticated_at: at(0),
            expires_at: at(60),
            token: None,
            token_expires_at: None,
            session_ended_at: None,
            person_disabled_at: None,
        };
        let attempt =
            Attempt { client: row.client, redirect_uri: row.redirect_uri.clone(), code_verifier: verifier };
        assert_eq!(judge(&row, &attempt, at(59)), Ok(()));
        assert_eq!(judge(&row, &attempt, at(60)), Err("expired"));
        for (attempt, why) in [
            (Attempt { client: Id::from_bytes([9; 16]), ..attempt.clone() }, "another_client"),
            (
                Attempt { redirect_uri: "https://app.example/cb/".into(), ..attempt.clone() },
                "another_redirect_uri",
            ),
            (Attempt { code_verifier: "b".repeat(43), ..attempt.clone() }, "wrong_verifier"),
            (Attempt { code_verifier: row.code_challenge.clone(), ..attempt.clone() }, "wrong_verifier"),
            (Attempt { code_verifier: String::new(), ..attempt.clone() }, "wrong_verifier"),
        ] {
            assert_eq!(judge(&row, &attempt, at(1)), Err(why));
        }
        let signed_out = CodeRow { session_ended_at: Some(at(1)), ..row.clone() };
        assert_eq!(judge(&signed_out, &attempt, at(1)), Err("signed_out"));
        let switched_off = CodeRow { person_disabled_at: Some(at(1)), ..row };
        assert_eq!(judge(&switched_off, &attempt, at(1)), Err("person_disabled"));
    }
}
