//! How an integration proves itself, by its configuration and its credentials.

use exchange::connector::{
    SignIn,
    fhir::as_base,
    sign_in::{Endpoint, Grant, Tokens},
};
use http::{HeaderName, header};
use serde_json::Value;

use super::Asked;

pub(super) fn of(asked: &Asked<'_>) -> Result<SignIn, &'static str> {
    match asked.text("auth_type").unwrap_or_default() {
        "none" => Ok(SignIn::Open),
        "bearer" => Ok(SignIn::Bearer(asked.credential("token", "credentials.token is not set")?)),
        "basic" => Ok(SignIn::Basic {
            name: asked.credential("username", "credentials.username is not set")?.expose().clone(),
            password: asked.credential("password", "credentials.password is not set")?,
        }),
        "api_key" => Ok(SignIn::Header {
            name: header_name(asked)?,
            value: asked.credential("api_key", "credentials.api_key is not set")?,
        }),
        "oauth2_client_credentials" => {
            let secret = asked.credential("client_secret", "credentials.client_secret is not set")?;
            let id = asked.credential("client_id", "credentials.client_id is not set")?.expose().clone();
            let grant = match asked.text("client_auth") {
                Some("client_secret_post") => Grant::SecretPost(secret),
                _ => Grant::SecretBasic(secret),
            };
            let url = asked.text("token_url").and_then(|text| text.parse().ok());
            let url = url.ok_or("config.token_url is not set: it is where tokens are asked for")?;
            Ok(tokens(asked, Endpoint::At(url), grant, id))
        }
        "smart_backend" => {
            let key = asked.credential("private_key", "credentials.private_key is not set")?;
            let id = asked.text("client_id").ok_or("config.client_id is not set: it is who we are there")?;
            let endpoint = match asked.text("token_url") {
                Some(text) => Endpoint::At(text.parse().map_err(|_| "config.token_url is no address")?),
                None => Endpoint::Discovered(as_base(asked.base()?)),
            };
            Ok(tokens(asked, endpoint, Grant::Assertion(key), id.to_owned()))
        }
        _ => Err("config.auth_type: this way of signing in cannot be used for syncs"),
    }
}

fn tokens(asked: &Asked<'_>, endpoint: Endpoint, grant: Grant, client_id: String) -> SignIn {
    let scopes = asked.of.config.get("scopes").and_then(Value::as_array).into_iter().flatten();
    let scopes: Vec<&str> = scopes.filter_map(Value::as_str).collect();
    SignIn::Tokens(Box::new(Tokens {
        endpoint,
        grant,
        client_id,
        scope: scopes.join(" "),
        paced: asked.paced(),
        kept: asked.sources.tokens.place(asked.of.id, asked.of.version),
    }))
}

/// `X-API-Key` unless the configuration says otherwise; fields that say something else of a call are none.
fn header_name(asked: &Asked<'_>) -> Result<HeaderName, &'static str> {
    let name = asked.text("api_key_header").unwrap_or("x-api-key").parse::<HeaderName>();
    let name = name.map_err(|_| "config.api_key_header is no header field")?;
    match [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION]
        .contains(&name)
    {
        true => Err("config.api_key_header is a field that says something else"),
        false => Ok(name),
    }
}
