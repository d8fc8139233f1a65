//! Tokens in the open, for as long as it takes to use them, and where they lie sealed.

use kernel::{IdKind, Secret};
use serde::{Deserialize, Serialize, Serializer};

use crate::integration::IntegrationFault;

/// One call to a token endpoint, in the journal.
pub(crate) enum TokenCall {}
impl IdKind for TokenCall {
    const NAME: &'static str = "token_call";
}

/// A revocation at a third party.
pub(crate) enum Revocation {}
impl IdKind for Revocation {
    const NAME: &'static str = "revocation";
}

/// What has to be revoked, as it is sealed into the revocation's row.
#[derive(Deserialize, Serialize)]
pub(crate) struct Tokens {
    #[serde(serialize_with = "into_the_seal")]
    pub access: Secret<String>,
    #[serde(serialize_with = "into_the_seal_if_any")]
    pub refresh: Option<Secret<String>>,
    #[serde(serialize_with = "into_the_seal_if_any")]
    pub account_id: Option<Secret<String>>,
}

impl Tokens {
    /// The bytes that are sealed.
    pub fn plain(&self) -> Result<Secret<Vec<u8>>, IntegrationFault> {
        serde_json::to_vec(self).map(Secret::new).map_err(|_| IntegrationFault::Catalogue("tokens"))
    }
}

fn into_the_seal<S: Serializer>(secret: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

fn into_the_seal_if_any<S: Serializer>(
    secret: &Option<Secret<String>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => serializer.serialize_some(secret.expose()),
        None => serializer.serialize_none(),
    }
}

/// Where secrets lie: table, row and column are sealed into each of them, so that none can be moved to another row.
pub(crate) mod places {
    use kernel::{Connection, Digest, Id, Integration};
    use vault::Place;

    use super::{Revocation, TokenCall};

    pub fn access(id: Id<Connection>) -> Place {
        of("credential", *id.as_bytes(), "access_sealed", "access_token")
    }
    pub fn refresh(id: Id<Connection>) -> Place {
        of("credential", *id.as_bytes(), "refresh_sealed", "refresh_token")
    }
    pub fn account(id: Id<Connection>) -> Place {
        of("connection", *id.as_bytes(), "account_sealed", "account_id")
    }
    pub fn facts(id: Id<Connection>) -> Place {
        of("connection", *id.as_bytes(), "facts_sealed", "facts")
    }
    pub fn answer(id: Id<TokenCall>) -> Place {
        of("token_journal", *id.as_bytes(), "answer_sealed", "token_answer")
    }
    pub fn revocation(id: Id<Revocation>) -> Place {
        of("revocation", *id.as_bytes(), "tokens_sealed", "tokens")
    }
    pub fn client_secret(id: Id<Integration>) -> Place {
        of("integration_secret", *id.as_bytes(), "sealed", "client_secret")
    }
    pub fn private_key(id: Id<Integration>) -> Place {
        of("integration_secret", *id.as_bytes(), "sealed", "private_key")
    }
    pub fn settings(id: Id<Integration>) -> Place {
        of("integration_secret", *id.as_bytes(), "sealed", "settings")
    }
    pub fn verifier(state: &Digest) -> Place {
        of("connect_session", first_half(state), "verifier_sealed", "pkce_verifier")
    }
    pub fn nonce(state: &Digest) -> Place {
        of("connect_session", first_half(state), "nonce_sealed", "openid_nonce")
    }

    /// A session's row goes by a digest of 32 bytes; the first 16 tell rows apart just as well.
    fn first_half(state: &Digest) -> [u8; 16] {
        let mut row = [0; 16];
        row.iter_mut().zip(state.as_bytes()).for_each(|(to, from)| *to = *from);
        row
    }

    const fn of(table: &'static str, row: [u8; 16], column: &'static str, purpose: &'static str) -> Place {
        Place { table, row, column, purpose }
    }
}
