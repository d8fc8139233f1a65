//! How a grant is ended at the provider.  RFC 7009, and what others do instead

use serde::Deserialize;

use crate::provider::UrlTemplate;

/// How a grant is ended at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// The method.
    pub method: String,
    /// The address; `{account_id}` stands for the provider's id of the account.
    pub url: UrlTemplate,
    /// The way to say what to revoke.
    pub how: RevokeHow,
    /// Statuses that mean "already revoked", beside 2xx.
    #[serde(default)]
    pub already_revoked: Vec<u16>,
    /// What else there is to know.
    #[serde(default)]
    pub note: Option<String>,
}

/// The way to say what to revoke.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RevokeHow {
    /// The form of RFC 7009 §2.1.
    Rfc7009 {
        /// Which token is sent.
        token: RevokeToken,
        /// How the client proves itself there.
        client_auth: RevokeClientAuth,
    },
    /// A request with the access token as Bearer and nothing else (the method is in [`Revoke::method`]).
    Bearer,
    /// The access token as a parameter of the query.
    QueryToken {
        /// The parameter's name.
        parameter: String,
    },
    /// Withings: a nonce is asked for, then `action=revoke` is sent with the account's id. Both requests are signed with
    /// the client secret: HMAC-SHA-256, hexadecimal. Both answers come in the envelope of the token answer.
    WithingsSignature {
        /// The address that hands out nonces.
        nonce_url: UrlTemplate,
    },
}

impl Revoke {
    /// Every address that is called.
    pub(in crate::provider) fn addresses(&self) -> impl Iterator<Item = &UrlTemplate> {
        let nonce_url = match &self.how {
            RevokeHow::WithingsSignature { nonce_url } => Some(nonce_url),
            RevokeHow::Rfc7009 { .. } | RevokeHow::Bearer | RevokeHow::QueryToken { .. } => None,
        };
        std::iter::once(&self.url).chain(nonce_url)
    }
}

/// Which tokens a revocation names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokeToken {
    /// The access token.
    AccessToken,
    /// The refresh token (the access token where there is none).
    RefreshToken,
    /// Both, one after the other, the refresh token first.
    Both,
}

/// How the client proves itself at the revocation endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokeClientAuth {
    /// As at the token endpoint.
    AsToken,
    /// HTTP Basic.
    Basic,
    /// In the form.
    Body,
    /// Not at all.
    None,
}
