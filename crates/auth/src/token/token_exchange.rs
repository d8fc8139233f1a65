//! A token for another: an API that was called goes on to the next on behalf of the same person, or a client gives a weaker token
//! away.  RFC 8693
//!
//! Who may exchange a token is whom it was made for: the client that serves its audience, which then stands in the new token as the
//! actor; or the client that it was issued to, which can only narrow it. Nothing grows: not the scopes, not the time, and what ends
//! the one ends the other.

use std::sync::Arc;

use kernel::{Scopes, Timestamp};
use serde_json::{Value, json};
use web::AuthFault;

use super::{
    Confirmation, Verified,
    exchange::{TokenOut, known_resource},
    issue::{self, NewToken},
};
use crate::{
    Auth, OAuthFault,
    client::{Client, authenticate::ClientCall},
    scope,
};

/// The one kind of token that is taken and given.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// How many actors may stand behind one another.
const ACTORS_MAX: usize = 5;

/// Exchange a token.
pub(super) async fn exchange_token(auth: &Auth, call: &ClientCall) -> Result<TokenOut, OAuthFault> {
    let form = &call.form;
    check_types(form.get("subject_token_type"), form.get("requested_token_type"), form.get("actor_token"))?;
    let text = form.require("subject_token", "subject_token is missing")?;
    let subject = match auth.check_for_any(text).await {
        Ok(subject) => subject,
        Err(AuthFault::Unavailable(cause)) => return Err(OAuthFault::Unavailable(cause)),
        Err(_) => return Err(OAuthFault::InvalidRequest("subject_token is not a good access token")),
    };
    let actor = actor(&subject, &call.client, call.sender.as_ref())?;
    let asked = form.get("scope").map(str::parse::<Scopes>).transpose();
    let asked = asked.map_err(|_| OAuthFault::InvalidScope("scope is malformed"))?;
    let scopes = granted(asked, &subject.caller.scopes, &call.client.scopes)?;
    let target = form.get("resource").or_else(|| form.get("audience"));
    let resource = match target {
        Some(uri) => known_resource(auth, uri).await?,
        None => None,
    };
    let mut token = NewToken::own(auth, &call.client, scopes, call.confirmation()?);
    token.person = subject.caller.person;
    token.grant = subject.grant;
    token.key = subject.key;
    token.expires_at = token.expires_at.min(Timestamp::from_seconds(subject.expires_at_s));
    token.details.resource = resource;
    token.details.actor = actor;
    token.details.authenticated_at_s = subject.authenticated_at_s;
    token.details.acr.clone_from(&subject.acr);
    token.details.context.clone_from(&subject.context);
    let token = token.telling_roles_now(auth, &call.client).await?;
    let details = json!({ "from": subject.caller.token, "to": token.details() });
    let entry = call.acting().entry("token.exchanged", token.id, details);
    audit::record_now(auth.db(), auth.world(), &entry).await?;
    let access_token = issue::sign(auth, &call.client, &token)?;
    Ok(TokenOut { issued_token_type: Some(ACCESS_TOKEN), ..TokenOut::new(access_token, &token) })
}

/// §2.1. An actor is always the client that calls: it has proven itself.
fn check_types(
    subject: Option<&str>,
    requested: Option<&str>,
    actor: Option<&str>,
) -> Result<(), OAuthFault> {
    match (subject, requested, actor) {
        (None, _, _) => Err(OAuthFault::InvalidRequest("subject_token_type is missing")),
        (Some(ACCESS_TOKEN), None | Some(ACCESS_TOKEN), None) => Ok(()),
        (_, _, Some(_)) => {
            Err(OAuthFault::InvalidRequest("actor_token is not offered: the client is the actor"))
        }
        (_, _, None) => Err(OAuthFault::InvalidRequest("only access tokens are exchanged")),
    }
}

/// Who acts for the subject in the new token; or that this client may not have one.
fn actor(
    subject: &Arc<Verified>,
    client: &Client,
    sender: Option<&Confirmation>,
) -> Result<Option<Value>, OAuthFault> {
    let is_own = subject.caller.client == client.id;
    let is_key_right = subject.confirmation.as_ref().is_none_or(|bound| bound.is_met_by(sender));
    if is_own && is_key_right {
        return Ok(subject.actor.clone());
    }
    let is_served = client.metadata.resources.contains(&subject.audience);
    if is_own || !is_served {
        return Err(OAuthFault::InvalidRequest("subject_token was not made for this client"));
    }
    if depth(subject.actor.as_ref()) >= ACTORS_MAX {
        return Err(OAuthFault::InvalidRequest("too many actors stand behind one another"));
    }
    let mut actor = json!({ "sub": client.client_id.as_str() });
    if let (Some(members), Some(before)) = (actor.as_object_mut(), &subject.actor) {
        members.insert("act".to_owned(), before.clone());
    }
    Ok(Some(actor))
}

fn depth(actor: Option<&Value>) -> usize {
    std::iter::successors(actor, |actor| actor.get("act")).count()
}

/// What both the token and the client's registration allow.
fn granted(asked: Option<Scopes>, held: &Scopes, registered: &Scopes) -> Result<Scopes, OAuthFault> {
    let most = held.as_far_as(registered);
    let granted = match asked {
        None => most,
        Some(asked) if asked.as_far_as(held) != asked => {
            return Err(OAuthFault::InvalidScope("more than subject_token is good for"));
        }
        Some(asked) => asked.as_far_as(&most),
    };
    scope::restrict_too_much(&granted).map_err(OAuthFault::InvalidScope)?;
    Ok(granted)
}

#[cfg(test)]
mod tests {
    use kernel::{Caller, Id};

    use super::*;
    use crate::client::{self, register::Registration};

    fn api() -> Client {
        let registration = Registration {
            name: "API".into(),
            uri: "https://api.example".into(),
            confidentiality: "confidential".into(),
            grant_types: vec!["client_credentials".into()],
            ..Registration::default()
        };
        let mut client = client::tests::client(&registration, &scope::built_in());
        client.metadata.resources = vec!["https://api.example/v1".into()];
        client
    }

    fn token(client: Id<kernel::Client>, audience: &str, actor: Option<Value>) -> Arc<Verified> {
        Arc::new(Verified {
            caller: Caller {
                organisation: Id::from_bytes([8; 16]),
                client,
                person: Some(Id::from_bytes([3; 16])),
                scopes: Scopes::none(),
                grants: kernel::Grants::none(),
                token: Id::from_bytes([1; 16]),
            },
            client_id: "opaque.app".parse().unwrap(),
            subject: "p".into(),
            audience: audience.into(),
            issued_at_s: 0,
            expires_at_s: 1,
            grant: None,
            key: None,
            confirmation: None,
            authenticated_at_s: None,
            acr: None,
            actor,
            context: serde_json::Map::new(),
            status: None,
            told: std::sync::OnceLock::new(),
        })
    }

    #[test]
    fn only_whom_a_token_was_made_for_exchanges_it() {
        let (api, app) = (api(), Id::from_bytes([9; 16]));
        let made_for_it = token(app, "https://api.example/v1", None);
        assert_eq!(actor(&made_for_it, &api, None).unwrap().unwrap(), json!({ "sub": "opaque.diary" }));
        assert!(actor(&token(app, "https://other.example/", None), &api, None).is_err());
        assert!(actor(&token(app, "https://api.example", None), &api, None).is_err());
        let own = token(api.id, "https://other.example/", Some(json!({ "sub": "x" })));
        assert_eq!(
            actor(&own, &api, None).unwrap().unwrap(),
            json!({ "sub": "x" }),
            "narrowed, not passed on"
        );
        let bound = Verified { confirmation: Some(Confirmation::dpop("a".into())), ..(*own).clone() };
        assert!(actor(&Arc::new(bound), &api, None).is_err(), "a stolen bound token is no use");
    }

    #[test]
    fn actors_stand_behind_one_another_up_to_a_limit() {
        let api = api();
        let mut chain = None;
        for nth in 0..ACTORS_MAX {
            let subject = token(Id::from_bytes([9; 16]), "https://api.example/v1", chain);
            chain = actor(&subject, &api, None).unwrap();
            assert_eq!(depth(chain.as_ref()), nth + 1);
        }
        assert!(actor(&token(Id::from_bytes([9; 16]), "https://api.example/v1", chain), &api, None).is_err());
    }

    #[test]
    fn nothing_grows() {
        let scopes = |text: &str| text.parse::<Scopes>().unwrap();
        let (held, registered) = (scopes("openid a patient/*.rs"), scopes("a b patient/Observation.cruds"));
        let granted = |asked: Option<&str>| {
            super::granted(asked.map(scopes), &held, &registered).map(|scopes| scopes.to_string()).ok()
        };
        assert_eq!(granted(None).as_deref(), Some("a patient/Observation.rs"));
        assert_eq!(granted(Some("a")).as_deref(), Some("a"));
        assert_eq!(granted(Some("a b")), None);
        assert_eq!(granted(Some("patient/Observation.c")), None);
    }

    #[test]
    fn one_kind_of_token_is_taken_and_given() {
        assert!(check_types(Some(ACCESS_TOKEN), None, None).is_ok());
        assert!(check_types(Some(ACCESS_TOKEN), Some(ACCESS_TOKEN), None).is_ok());
        assert!(check_types(None, None, None).is_err());
        assert!(check_types(Some("urn:ietf:params:oauth:token-type:jwt"), None, None).is_err());
        let refresh = "urn:ietf:params:oauth:token-type:refresh_token";
        assert!(check_types(Some(ACCESS_TOKEN), Some(refresh), None).is_err());
        assert!(check_types(Some(ACCESS_TOKEN), None, Some("x")).is_err());
    }
}
