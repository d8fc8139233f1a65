//! How a client proves who it is at the token endpoint.  RFC 7591 §2, RFC 8705 §2, OpenID Connect Core §9

use serde::{Deserialize, Serialize};

use crate::row::text_column;

/// A registered way to authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// Its secret, in the `Authorization` header; in the form too, as old clients do one or the other.
    ClientSecretBasic,
    /// Its secret, in the form; in the header too.
    ClientSecretPost,
    /// An assertion with an HMAC of its secret.
    ClientSecretJwt,
    /// An assertion signed with a key of its registered set.
    PrivateKeyJwt,
    /// A TLS certificate whose chain is trusted and whose subject is registered.
    TlsClientAuth,
    /// A TLS certificate whose key is in its registered set.
    SelfSignedTlsClientAuth,
    /// Nothing: a public client is named, not proven.
    None,
}

impl AuthMethod {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::ClientSecretJwt,
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
        Self::None,
    ];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
            Self::None => "none",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }

    /// Whether the client has a secret that it shows or signs with.
    pub const fn has_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost | Self::ClientSecretJwt)
    }

    /// Whether the client has registered keys.
    pub const fn has_keys(self) -> bool {
        matches!(self, Self::PrivateKeyJwt | Self::SelfSignedTlsClientAuth)
    }
}

text_column!(AuthMethod, "a way to authenticate", AuthMethod::parse);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_registry() {
        for method in AuthMethod::ALL {
            assert_eq!(AuthMethod::parse(method.as_str()), Some(method));
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
        }
        assert_eq!(AuthMethod::parse("client_secret"), None);
    }
}
