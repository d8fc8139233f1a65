//! How token, revocation and introspection endpoints say no.  RFC 6749 §5.2

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// Why a call of a client is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenFault {
    InvalidClient,
    InvalidRequest(&'static str),
    InvalidGrant(&'static str),
    InvalidScope,
    UnsupportedGrantType,
    /// The state file cannot be written, so nothing may be promised.
    Unsaved,
}

impl TokenFault {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::InvalidClient => "invalid_client",
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidGrant(_) => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::Unsaved => "server_error",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::InvalidClient => "the client is not known, or did not prove itself",
            Self::InvalidRequest(why) | Self::InvalidGrant(why) => why,
            Self::InvalidScope => "more than was granted",
            Self::UnsupportedGrantType => "authorization_code and refresh_token are supported",
            Self::Unsaved => "the state file cannot be written",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::InvalidRequest(_)
            | Self::InvalidGrant(_)
            | Self::InvalidScope
            | Self::UnsupportedGrantType => StatusCode::BAD_REQUEST,
            Self::Unsaved => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for TokenFault {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.code(), "error_description": self.description() }));
        let store = [(header::CACHE_CONTROL, "no-store")];
        match self {
            Self::InvalidClient => {
                let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"sandbox\"")];
                (self.status(), store, challenge, body).into_response()
            }
            _ => (self.status(), store, body).into_response(),
        }
    }
}
