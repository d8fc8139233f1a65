//! The developer portal.  contract 1, Developer portal

use askama::Template;
use auth::client::{Confidentiality, GrantType, secret::LIFETIMES_DAYS};
use kernel::Secret;

use super::connection::Connections;
use crate::{frame::Frame, label::State, moment::Moment, t};

/// The applications of one's organisation.
#[derive(Template)]
#[template(path = "developer/applications.html")]
pub(crate) struct Applications {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) but: Option<String>,
    pub(crate) organisation: String,
    pub(crate) applications: Vec<Row>,
    /// Where the list goes on.
    pub(crate) more: Option<String>,
}

/// One application in the list.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) name: String,
    pub(crate) state: State,
    /// The integrations that it may use.
    pub(crate) trusted_for: String,
    pub(crate) registered: Moment,
}

/// One application.
#[derive(Template)]
#[template(path = "developer/application.html")]
pub(crate) struct Application {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) name: String,
    pub(crate) state: State,
    /// Why an administrator sent it back, while it is the developer's turn.
    pub(crate) returned: Option<Returned>,
    pub(crate) uri: String,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) kind: String,
    pub(crate) profile: &'static str,
    pub(crate) auth_method: &'static str,
    /// Whether it proves itself with a secret.
    pub(crate) has_secret: bool,
    pub(crate) grants: Vec<String>,
    /// Each scope as it is written, and in words.
    pub(crate) scopes: Vec<(String, String)>,
    pub(crate) logo: Option<String>,
    pub(crate) registered: Moment,
    pub(crate) integrations: Vec<Trust>,
    pub(crate) secrets: Vec<SecretRow>,
    /// How long a new secret can be chosen to be good, in days and in words.
    pub(crate) lifetimes: Vec<(u32, String)>,
    pub(crate) connections: Connections,
}

/// What an administrator wants changed, or why they refused.
pub(crate) struct Returned {
    pub(crate) heading: String,
    pub(crate) note: String,
    pub(crate) at: Moment,
}

/// Whether the application is trusted with one integration.
pub(crate) struct Trust {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) state: State,
    /// What it may do, in words.
    pub(crate) may: String,
    pub(crate) is_granted: bool,
    pub(crate) may_ask: bool,
    pub(crate) ask_words: String,
}

/// One secret, without the secret.
pub(crate) struct SecretRow {
    pub(crate) id: String,
    /// How to tell it from the others.
    pub(crate) name: String,
    /// When it ends by itself.
    pub(crate) ends: Option<Moment>,
    pub(crate) made: Moment,
    pub(crate) last_use: Option<Moment>,
}

/// A new secret, shown once.
#[derive(Template)]
#[template(path = "developer/secret.html")]
pub(crate) struct NewSecret {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) secret: Secret<String>,
}

/// How long a new secret can be chosen to be good, in days and in words.
pub(crate) fn lifetimes() -> Vec<(u32, String)> {
    let words = |days: u32| t("keys-for-days").count("days", usize::try_from(days).unwrap_or(usize::MAX));
    LIFETIMES_DAYS.map(|days| (days, words(days).into())).into()
}

/// Whether an application keeps a secret, in words.
pub(crate) fn kind_in_words(kind: Confidentiality) -> String {
    let said = match kind {
        Confidentiality::Confidential => t("client-kind-confidential"),
        Confidentiality::Public => t("client-kind-public"),
    };
    said.into()
}

/// A way to a token, in words.
pub(crate) fn grant_in_words(grant: GrantType) -> String {
    let said = match grant {
        GrantType::AuthorizationCode => t("grant-authorization-code"),
        GrantType::ClientCredentials => t("grant-client-credentials"),
        GrantType::RefreshToken => t("grant-refresh-token"),
        GrantType::JwtBearer => t("grant-jwt-bearer"),
        GrantType::DeviceCode => t("grant-device-code"),
        GrantType::TokenExchange => t("grant-token-exchange"),
    };
    said.into()
}
