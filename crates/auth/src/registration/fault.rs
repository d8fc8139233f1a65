//! What is refused, in the words of RFC 7591 §3.2.2 and RFC 7592 §2.

use http::{HeaderValue, StatusCode, header};
use kernel::{Issue, Kind};
use store::DbError;
use web::Problem;

use super::DYNAMIC_CLIENTS_MAX;
use crate::{client::ClientFault, organisation::OrganisationFault};

/// A refusal of the registration endpoints.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistrationFault {
    /// Nobody may register clients here.
    #[error("dynamic registration is closed")]
    Closed,
    /// There is no token, or it does not let its client register others.
    #[error("registration without leave: {0}")]
    Forbidden(&'static str),
    /// The organisation has as many clients that registered themselves as it may.
    #[error("{DYNAMIC_CLIENTS_MAX} clients have registered themselves")]
    TooMany,
    /// The initial access token is unknown, revoked, over, or spent. Which of these is for the operator.
    #[error("initial access token: {0}")]
    Initial(&'static str),
    /// There is no token.
    #[error("no registration access token")]
    NoToken,
    /// There is no such client, it is switched off, or the token is not its own. Which of these is for the operator.
    #[error("registration access token: {0}")]
    NotTheirs(&'static str),
    /// What is asked for cannot be registered.
    #[error("{code}: {path}: {words}")]
    Refused { code: &'static str, path: String, words: String },
    /// The registration.
    #[error(transparent)]
    Client(#[from] ClientFault),
    /// The organisation.
    #[error(transparent)]
    Organisation(#[from] OrganisationFault),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl RegistrationFault {
    pub(crate) fn metadata(path: &str, words: &str) -> Self {
        Self::Refused { code: "invalid_client_metadata", path: path.into(), words: words.into() }
    }

    pub(crate) fn redirect(words: &str) -> Self {
        Self::Refused { code: "invalid_redirect_uri", path: "redirect_uris".into(), words: words.into() }
    }
}

/// Written out because refusals carry challenges, and because the first finding decides about the code.
impl From<RegistrationFault> for Problem {
    fn from(fault: RegistrationFault) -> Self {
        let challenge = |code: &'static str| HeaderValue::from_static(code);
        match fault {
            RegistrationFault::Closed => {
                Self::new(Kind::Forbidden, "clients are registered by administrators here")
            }
            RegistrationFault::TooMany => Self::new(
                Kind::Forbidden,
                "as many clients have registered themselves as may; end one that is not needed any more",
            ),
            RegistrationFault::Forbidden(why) => {
                Self::new(Kind::Forbidden, why).with_code("insufficient_scope").with_header(
                    header::WWW_AUTHENTICATE,
                    challenge(r#"Bearer error="insufficient_scope", scope="client:register""#),
                )
            }
            RegistrationFault::Initial(why) => {
                tracing::info!(why, "an initial access token was refused");
                Self::new(Kind::Unauthenticated, "the initial access token is not good, or not any more")
                    .with_code("invalid_token")
                    .with_header(header::WWW_AUTHENTICATE, challenge(r#"Bearer error="invalid_token""#))
            }
            // RFC 6750 §3.1: who shows nothing is told nothing but how to.
            RegistrationFault::NoToken => not_theirs(challenge("Bearer")),
            RegistrationFault::NotTheirs(why) => {
                tracing::info!(why, "a registration access token was refused");
                not_theirs(challenge(r#"Bearer error="invalid_token""#))
            }
            RegistrationFault::Refused { code, path, words } => refused(code, &path, &words),
            RegistrationFault::Client(ClientFault::Refused(issues)) => first(&issues),
            RegistrationFault::Client(fault) => fault.into(),
            RegistrationFault::Organisation(fault) => fault.into(),
            RegistrationFault::Store(fault) => fault.into(),
        }
    }
}

fn not_theirs(challenge: HeaderValue) -> Problem {
    Problem::new(Kind::Unauthenticated, "the registration access token is not good for this client")
        .with_code("invalid_token")
        .with_header(header::WWW_AUTHENTICATE, challenge)
}

fn refused(code: &'static str, path: &str, words: &str) -> Problem {
    Problem::new(Kind::Invalid, format!("{path}: {words}"))
        .with_code(code)
        .with_status(StatusCode::BAD_REQUEST)
}

fn first(issues: &[Issue]) -> Problem {
    let of_redirects = issues.iter().find(|issue| issue.path == "redirect_uris");
    let Some(issue) = of_redirects.or(issues.first()) else {
        return refused("invalid_client_metadata", "", "the registration is not complete");
    };
    let code = match issue.path.as_ref() {
        "redirect_uris" => "invalid_redirect_uri",
        _ => "invalid_client_metadata",
    };
    // The words of the portal's form, in those of the protocol.
    let path = match issue.path.as_ref() {
        "name" => "client_name",
        "uri" => "client_uri",
        "auth_method" => "token_endpoint_auth_method",
        "scopes" => "scope",
        "profile" => "hilum_profile",
        "resources" => "hilum_resources",
        other => other,
    };
    refused(code, path, &issue.message)
}
