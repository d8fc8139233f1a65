//! What is set about a provider.

use crypto::jose::Algorithm;
use kernel::Issue;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::session::Acr;

/// How we authenticate there.  OpenID Connect Core §9
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// The secret in the `Authorization` header.
    ClientSecretBasic,
    /// The secret in the form.
    ClientSecretPost,
    /// An assertion signed with our key.
    PrivateKeyJwt,
}

/// What happens to a subject that nobody is linked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewPeople {
    /// They sign in here first, and link.
    #[default]
    Never,
    /// They get an account, if the provider tells a verified e-mail address that no account has.
    Create,
}

/// What is set about a provider; nothing of it is secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The provider, character by character as its metadata and ID tokens name it.
    pub issuer: String,
    /// Our client id there.
    pub client_id: String,
    /// How we authenticate there.
    pub client_auth: ClientAuth,
    /// What our assertions are signed with.
    #[serde(default)]
    pub assertion_alg: Option<Algorithm>,
    /// What the provider calls our key.
    #[serde(default)]
    pub key_id: Option<String>,
    /// The one algorithm of its ID tokens that is taken.
    pub id_token_alg: Algorithm,
    /// Scopes to ask for, `openid` among them.
    pub scopes: String,
    /// `acr_values` to ask for, as the provider knows them.
    #[serde(default)]
    pub acr_values: Option<String>,
    /// Vectors of trust to ask for, any of which must come back.  RFC 8485 §4
    #[serde(default)]
    pub vtr: Vec<String>,
    /// Claims of the ID token or userinfo that are kept for the session.
    #[serde(default)]
    pub claims: Vec<String>,
    /// The `acr` that a sign-in there is worth here.
    pub counts_as: String,
    /// What happens to a subject that nobody is linked to.
    #[serde(default)]
    pub new_people: NewPeople,
}

impl Settings {
    /// What a sign-in there is worth here.
    pub fn acr(&self) -> Acr {
        Acr::parse(&self.counts_as).unwrap_or(Acr::Password)
    }

    /// What is wrong with them.
    pub(super) fn issues(&self) -> Vec<Issue> {
        let mut issues = Vec::new();
        let mut say = |is_wrong, field: &'static str, what: &'static str| {
            if is_wrong {
                issues.push(Issue::at(field, what));
            }
        };
        let issuer = Url::parse(&self.issuer);
        let is_address = issuer.is_ok_and(|url| url.query().is_none() && url.fragment().is_none());
        say(
            !is_address,
            "issuer",
            "must be an address without query or fragment, as the provider's metadata has it",
        );
        say(self.issuer.contains(['{', '}']), "issuer", "fill in the part in braces");
        say(self.client_id.trim().is_empty(), "client_id", "must not be empty");
        say(!self.scopes.split(' ').any(|scope| scope == "openid"), "scopes", "must hold `openid`");
        let signs = self.client_auth == ClientAuth::PrivateKeyJwt;
        say(signs && self.assertion_alg.is_none(), "assertion_alg", "must be stated with private_key_jwt");
        let is_known = matches!(Acr::parse(&self.counts_as), Some(Acr::Password | Acr::Mfa));
        // A passkey is what we have seen ourselves; nobody else's word is as good.
        say(!is_known, "counts_as", "must be urn:hilum:acr:password or urn:hilum:acr:mfa");
        issues
    }
}
