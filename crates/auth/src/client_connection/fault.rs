//! What is refused, in the words of contract 5.

use http::{HeaderValue, StatusCode, header};
use kernel::{Issue, Kind};
use store::DbError;
use web::Problem;

/// Why a request about connections is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionFault {
    /// The client is not the caller's to see. The same whether there is such a client or not.
    #[error("the client is out of the caller's reach")]
    Context,
    /// The token is good for less than this needs.
    #[error("the access token lacks {0}")]
    Scope(&'static str),
    /// The client of the token has no type, which nothing could be decided by.
    #[error("the client has no type")]
    NoType,
    /// There is no such client.
    #[error("no such client")]
    NoClient,
    /// There is no such connection, or it is another client's.
    #[error("no such connection")]
    NotFound,
    /// Fields of the body do not fit.
    #[error("body refused")]
    Refused(Vec<Issue>),
    /// The request needs an API key, and brings none or one that nobody has. Which of these is for the operator.
    #[error("api-key: {0}")]
    ApiKey(&'static str),
    /// The API key is another client's than the connection's consumer.
    #[error("the api-key is another client's")]
    ForeignApiKey,
    /// Two callers made the same connection at once.
    #[error("the connection was made at the same time")]
    Conflict,
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// Written out because a body that does not fit is 422 here, and because of the challenges.
impl From<ConnectionFault> for Problem {
    fn from(fault: ConnectionFault) -> Self {
        let (kind, words) = match fault {
            ConnectionFault::Store(fault) => return fault.into(),
            ConnectionFault::Refused(issues) => return refused(issues),
            ConnectionFault::Scope(missing) => return lacks(missing),
            ConnectionFault::NoType => {
                return Self::new(Kind::Unauthenticated, "Access denied")
                    .with_code("invalid_token")
                    .with_header(
                        header::WWW_AUTHENTICATE,
                        HeaderValue::from_static(r#"Bearer error="invalid_token""#),
                    );
            }
            ConnectionFault::ApiKey(why) => {
                tracing::info!(why, "an api-key was refused");
                return Self::new(Kind::Unauthenticated, "Access denied").with_header(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("ApiKey header=\"api-key\""),
                );
            }
            ConnectionFault::Context | ConnectionFault::ForeignApiKey => (Kind::Forbidden, "Forbidden"),
            ConnectionFault::NoClient => (Kind::NotFound, "There is no such client."),
            ConnectionFault::NotFound => (Kind::NotFound, "There is no such connection."),
            ConnectionFault::Conflict => {
                (Kind::Conflict, "The same connection was made at the same time; send the request again.")
            }
        };
        Self::new(kind, words)
    }
}

/// 422, whatever part of the request it is about.
pub(super) fn refused(issues: Vec<Issue>) -> Problem {
    let places: Vec<&str> = issues.iter().map(|issue| issue.path.as_ref()).collect();
    Problem::new(Kind::Invalid, format!("Validation failed: {}", places.join(", ")))
        .with_status(StatusCode::UNPROCESSABLE_ENTITY)
        .with_issues(issues)
}

/// RFC 6750 §3.1
fn lacks(scope: &'static str) -> Problem {
    let challenge = HeaderValue::from_str(&format!(r#"Bearer error="insufficient_scope", scope="{scope}""#));
    Problem::new(Kind::Forbidden, format!("Invalid scopes: {scope}"))
        .with_code("insufficient_scope")
        .with_header(
            header::WWW_AUTHENTICATE,
            challenge.unwrap_or(HeaderValue::from_static(r#"Bearer error="insufficient_scope""#)),
        )
}
