//! What the person lets the client know of them.  OpenID Connect Core §5.3

use axum::{Json, extract::State};
use kernel::{Caller, Scopes};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Answer, Bearer};

use crate::{
    Auth, OAuthFault,
    person::{self, Person},
};

/// Claims about the person, as far as the token's scopes go.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserInfo {
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
}

/// Claims about the person.
#[utoipa::path(get, path = "/oauth2/userinfo", tag = "people", operation_id = "get_userinfo",
    responses((status = 200, description = "The claims", body = UserInfo)), security(("bearer" = ["openid"])))]
pub(crate) async fn get_userinfo(State(auth): State<Auth>, bearer: Bearer) -> Answer<Json<UserInfo>> {
    bearer.require("openid")?;
    Ok(Json(claims(&auth, &bearer.0).await?))
}

/// The same, for clients that post.
#[utoipa::path(post, path = "/oauth2/userinfo", tag = "people", operation_id = "post_userinfo",
    responses((status = 200, description = "The claims", body = UserInfo)), security(("bearer" = ["openid"])))]
pub(crate) async fn post_userinfo(State(auth): State<Auth>, bearer: Bearer) -> Answer<Json<UserInfo>> {
    bearer.require("openid")?;
    Ok(Json(claims(&auth, &bearer.0).await?))
}

async fn claims(auth: &Auth, caller: &Caller) -> Result<UserInfo, OAuthFault> {
    let id = caller.person.ok_or(OAuthFault::NoPerson)?;
    let person = person::find_anywhere(auth, id).await?.ok_or(OAuthFault::NoPerson)?;
    Ok(told(&person, &caller.scopes))
}

/// §5.4
fn told(person: &Person, scopes: &Scopes) -> UserInfo {
    let (profile, email) = (scopes.has("profile"), scopes.has("email"));
    UserInfo {
        sub: person.id.to_string(),
        name: profile.then(|| person.display_name.clone()),
        updated_at: profile.then(|| person.updated_at.as_seconds()),
        email: email.then(|| person.email.clone()),
        // Nobody has looked whether mail arrives there.
        email_verified: email.then_some(false),
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Id, Timestamp};

    use super::*;

    #[test]
    fn each_scope_tells_its_own_claims() {
        let person = Person {
            id: Id::from_bytes([1; 16]),
            organisation: Id::from_bytes([2; 16]),
            email: "mira@example.org".into(),
            display_name: "Mira".into(),
            created_at: Timestamp::from_seconds(1),
            updated_at: Timestamp::from_seconds(2),
            disabled_at: None,
        };
        let keys = |scopes: &str| {
            let told = serde_json::to_value(told(&person, &scopes.parse().unwrap())).unwrap();
            told.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(keys("openid"), "sub");
        assert_eq!(keys("openid profile"), "name sub updated_at");
        assert_eq!(keys("openid email"), "email email_verified sub");
    }
}
