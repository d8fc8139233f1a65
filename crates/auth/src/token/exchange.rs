//! A grant for a token.  RFC 6749 §3.2, §5

use axum::{Json, extract::State};
use kernel::Scopes;
use serde::Serialize;
use utoipa::ToSchema;
use web::Answer;

use super::{
    issue::{self, Grant},
    redeem,
};
use crate::{
    Auth, OAuthFault,
    client::{Client, Confidentiality, GrantType, authenticate::ClientCall},
    scope,
};

/// What a client posts, besides its authentication.
#[derive(ToSchema)]
#[schema(as = TokenRequest)]
#[expect(dead_code, reason = "describes the form; the handler reads it parameter by parameter")]
pub(crate) struct TokenIn {
    /// `authorization_code` or `client_credentials`.
    grant_type: String,
    /// The code, for `authorization_code`.
    code: Option<String>,
    /// The redirect URI that the code was sent to, for `authorization_code`.
    redirect_uri: Option<String>,
    /// The PKCE verifier, for `authorization_code`.
    code_verifier: Option<String>,
    /// For `client_credentials`; all that the client is registered for where it is left out.
    scope: Option<String>,
    /// The client, where it does not authenticate with `Basic`.
    client_id: Option<String>,
    /// Its secret, where it has one and does not authenticate with `Basic`.
    client_secret: Option<String>,
}

/// A token, and what it is good for.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenResponse)]
pub(crate) struct TokenOut {
    pub access_token: String,
    /// `Bearer`.
    pub token_type: &'static str,
    /// In seconds.
    pub expires_in: i64,
    /// What was granted, which may be less than was asked for.
    #[schema(value_type = String)]
    pub scope: Scopes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
}

/// Exchange a grant for an access token.
#[utoipa::path(post, path = "/oauth2/token", tag = "tokens",
    request_body(content = TokenIn, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The token", body = TokenOut)),
    security(("client_basic" = []), ()))]
pub(crate) async fn exchange(State(auth): State<Auth>, call: ClientCall) -> Answer<Json<TokenOut>> {
    let named = call.form.require("grant_type", "grant_type is missing")?;
    let grant_type = GrantType::parse(named).ok_or(OAuthFault::UnsupportedGrantType)?;
    if !call.client.may_use(grant_type) {
        return Err(OAuthFault::UnauthorizedClient("the client is not registered for this grant_type").into());
    }
    let out = match grant_type {
        GrantType::AuthorizationCode => redeem::redeem(&auth, &call).await?,
        GrantType::ClientCredentials => client_credentials(&auth, &call).await?,
    };
    Ok(Json(out))
}

/// A token for the client itself.  RFC 6749 §4.4
async fn client_credentials(auth: &Auth, call: &ClientCall) -> Result<TokenOut, OAuthFault> {
    let scopes = granted(&call.client, call.form.get("scope"), auth.scopes_known())?;
    let grant = Grant::new(auth, &call.client, None, scopes);
    let entry = call.acting().entry("token.issued", call.client.id, grant.details());
    let world = auth.world().clone();
    auth.db()
        .write(async move |tx| -> Result<(), OAuthFault> { Ok(audit::record(tx, &world, &entry).await?) })
        .await?;
    let access_token = issue::sign(auth, &call.client, &grant)?;
    Ok(TokenOut::new(access_token, &grant, None))
}

impl TokenOut {
    pub(super) fn new(access_token: String, grant: &Grant, id_token: Option<String>) -> Self {
        let expires_in = grant.expires_at.as_seconds() - grant.issued_at.as_seconds();
        Self { access_token, token_type: "Bearer", expires_in, scope: grant.scopes.clone(), id_token }
    }
}

/// What a client gets for itself: what it asks for, as far as it is registered for it and it is no person's.
fn granted(client: &Client, asked: Option<&str>, known: &Scopes) -> Result<Scopes, OAuthFault> {
    if client.confidentiality == Confidentiality::Public {
        return Err(OAuthFault::UnauthorizedClient("a public client has nothing on its own behalf"));
    }
    let own = scope::without_person(&client.scopes);
    let Some(asked) = asked else { return Ok(own) };
    let asked: Scopes = asked.parse().map_err(|_| OAuthFault::InvalidScope("scope is malformed"))?;
    let granted = scope::granted(&asked, &own, known).map_err(OAuthFault::InvalidScope)?;
    if granted.is_empty() && !asked.is_empty() {
        return Err(OAuthFault::InvalidScope("the client can have none of these on its own behalf"));
    }
    Ok(granted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{self, register::Registration};

    #[test]
    fn a_client_gets_what_it_is_registered_for_and_nothing_of_a_person() {
        let known: Scopes = format!("{} a b c", scope::built_in()).parse().unwrap();
        let client = |kind: &str| {
            let registration = Registration {
                name: "Diary".into(),
                uri: "https://app.example".into(),
                confidentiality: kind.into(),
                redirect_uris: vec!["https://app.example/cb".into()],
                grant_types: vec!["authorization_code".into()],
                scopes: "openid email a b".into(),
                ..Registration::default()
            };
            client::tests::client(&registration, &known)
        };
        let get =
            |kind: &str, asked| granted(&client(kind), asked, &known).map(|scopes| scopes.to_string()).ok();
        for (asked, scopes) in [
            (None, Some("a b")),
            (Some("a"), Some("a")),
            (Some("a c"), Some("a")),
            (Some("a openid"), Some("a")),
            (Some(" "), Some("")),
            (Some("c"), None),
            (Some("openid email"), None),
            (Some("a made-up"), None),
            (Some("a\"b"), None),
        ] {
            assert_eq!(get("confidential", asked).as_deref(), scopes, "{asked:?}");
        }
        assert_eq!(get("public", None), None);
    }
}
