//! Which client is calling.  RFC 6749 §2.3.1

use axum::http::{HeaderMap, header};
use url::form_urlencoded;

use super::code::TokenFault;
use crate::sandbox::{Sandbox, SandboxClient};

/// The client's id and secret as the body has them.
pub(super) struct Said<'a> {
    pub(super) client_id: Option<&'a str>,
    pub(super) client_secret: Option<&'a str>,
}

impl Sandbox {
    /// The client that proves itself by HTTP Basic or in the body, not by both; a public client by its id alone.
    pub(super) fn caller(&self, headers: &HeaderMap, said: &Said<'_>) -> Result<&SandboxClient, TokenFault> {
        let (id, secret) = match headers.get(header::AUTHORIZATION) {
            Some(_) if said.client_secret.is_some() => {
                return Err(TokenFault::InvalidRequest("two ways of client authentication at once"));
            }
            Some(value) => {
                let value = value.to_str().map_err(|_| TokenFault::InvalidClient)?;
                let (id, secret) = basic(value).ok_or(TokenFault::InvalidClient)?;
                (id, Some(secret))
            }
            None => {
                let id = said.client_id.ok_or(TokenFault::InvalidClient)?;
                (id.to_owned(), said.client_secret.map(str::to_owned))
            }
        };
        if said.client_id.is_some_and(|said| said != id) {
            return Err(TokenFault::InvalidRequest("client_id differs from the authenticated client"));
        }
        let client = self.client(&id).ok_or(TokenFault::InvalidClient)?;
        let proven = match (&client.client_secret, secret) {
            (Some(known), Some(said)) => crypto::constant_time_eq(known.expose().as_bytes(), said.as_bytes()),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if proven { Ok(client) } else { Err(TokenFault::InvalidClient) }
    }
}

/// Id and secret of a Basic header; each is form-encoded before the two are joined.
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    let decoded =
        crypto::b64::decode_standard(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decoded(id), form_decoded(secret)))
}

fn form_decoded(text: &str) -> String {
    form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_form_encoded() {
        let header = format!("Basic {}", crypto::b64::encode_standard("a%3Ab:s%20e%2Bc"));
        assert_eq!(basic(&header), Some(("a:b".to_owned(), "s e+c".to_owned())));
        assert_eq!(basic("Bearer abc"), None);
        assert_eq!(basic("Basic !"), None);
    }
}
