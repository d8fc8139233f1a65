//! Why a command did not do what it was asked, what to do next, and the exit code that says which of both.

use std::fmt::Write as _;

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

/// The command line, a file or the environment is not usable: mend it.
pub const EXIT_UNUSABLE: u8 = 2;
/// Hilum has refused.
pub const EXIT_REFUSED: u8 = 3;
/// Hilum was not reached, or is broken: try again later.
pub const EXIT_UNREACHED: u8 = 4;
/// The person at the terminal has interrupted it: 128 and the number of SIGINT.
pub const EXIT_INTERRUPTED: u8 = 130;

/// Why a command ends without what it was for.
#[derive(Debug, thiserror::Error)]
pub enum ClientFault {
    /// What the person at the terminal has said cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// Hilum has refused.
    #[error("{0}")]
    Refused(Box<Refused>),
    /// There is no answer, or none that can be used.
    #[error("{0}")]
    Unreached(String),
    /// The person at the terminal has ended it.
    #[error("{0}")]
    Interrupted(String),
}

/// A refusal, as it was answered.
#[derive(Debug)]
pub struct Refused {
    /// The status.
    pub status: StatusCode,
    /// `INT001` and the others.
    pub code: String,
    /// The words.
    pub message: String,
    /// The field at fault.
    pub field: Option<String>,
    /// Further findings, as `field: words`.
    pub details: Vec<String>,
    /// The request, as the log of Hilum names it.
    pub request_id: Option<String>,
    /// After how many seconds trying again may help.
    pub retry_after_s: Option<u64>,
    /// The whole body.
    pub body: Value,
}

impl std::error::Error for Refused {}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        if let Some(field) = &self.field {
            write!(text, "{field}: ")?;
        }
        write!(text, "{} ({}", self.message, self.code)?;
        if let Some(request) = &self.request_id {
            write!(text, ", request {request}")?;
        }
        text.push(')');
        for detail in &self.details {
            write!(text, "\n  {detail}")?;
        }
        write!(text, "\nNext: {}", self.next())?;
        f.write_str(&text)
    }
}

impl Refused {
    /// What to do now.
    fn next(&self) -> String {
        let words = match self.status.as_u16() {
            401 => {
                "give an API key by --api-key-file FILE or HILUM_API_KEY (<API Key Id>.<key>), or a token by --token-file; it may have been deleted or have run out"
            }
            403 => "an administrator gives the key the scope and the role that this needs (docs/roles.md)",
            404 => {
                "look at what there is with the command's `list`; what belongs to another organisation is not shown"
            }
            409 => "look at how it stands with the command's `show` or `status`, then decide",
            412 | 428 => "somebody has changed it meanwhile: run the command again",
            413 => "send less at once",
            429 => return format!("wait {} s, then run it again", self.retry_after_s.unwrap_or(60)),
            405 | 415 => "this Hilum is of another version than this command: use the one that belongs to it",
            _ => {
                "mend what is named and run it again; `hilum integrations providers --json` says what a config takes"
            }
        };
        words.to_owned()
    }
}

impl ClientFault {
    /// What the person has said cannot be used, and what could.
    pub const fn unusable(why: String) -> Self {
        Self::Unusable(why)
    }

    /// Whatever answers there is no Hilum.
    pub fn not_hilum() -> Self {
        Self::Unreached(
            "what answers there does not speak as Hilum does: look at --url (or HILUM_URL)".to_owned(),
        )
    }

    /// The exit code.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Unusable(_) => EXIT_UNUSABLE,
            Self::Refused(_) => EXIT_REFUSED,
            Self::Unreached(_) => EXIT_UNREACHED,
            Self::Interrupted(_) => EXIT_INTERRUPTED,
        }
    }

    /// Whether the same call may be answered a little later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unusable(_) | Self::Interrupted(_) => false,
            Self::Refused(refused) => refused.status == StatusCode::TOO_MANY_REQUESTS,
            Self::Unreached(_) => true,
        }
    }

    /// After how many seconds, where the server has said so.
    pub fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Refused(refused) => refused.retry_after_s,
            Self::Unusable(_) | Self::Unreached(_) | Self::Interrupted(_) => None,
        }
    }
}

/// What an answer that is no success means.
pub(super) fn of(status: StatusCode, headers: &HeaderMap, body: Value) -> ClientFault {
    let text = |value: &Value| value.as_str().map(super::shown);
    let error = body.get("error").unwrap_or(&Value::Null);
    let request_id = text(&error["request_id"]);
    if status.is_server_error() {
        let request = request_id.map(|id| format!(" (request {id})")).unwrap_or_default();
        let words = format!(
            "Hilum could not do it now{request}: try again later; its operator finds the reason in the log"
        );
        return ClientFault::Unreached(words);
    }
    let (Some(code), Some(message)) = (text(&error["code"]), text(&error["message"])) else {
        return ClientFault::not_hilum();
    };
    let detail = |one: &Value| Some(format!("{}: {}", text(&one["field"])?, text(&one["message"])?));
    let details = error["details"].as_array().map(|all| all.iter().filter_map(detail).collect());
    let retry_after_s = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    ClientFault::Refused(Box::new(Refused {
        status,
        code,
        message,
        field: text(&error["field"]),
        details: details.unwrap_or_default(),
        request_id,
        retry_after_s,
        body,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_says_which_field_and_what_to_do() {
        let body = json!({"error": {"code": "INT002", "message": "is missing", "field": "name", "request_id": "req_1",
            "details": [{"field": "config.base_url", "message": "must be https"}]}});
        let fault = of(StatusCode::UNPROCESSABLE_ENTITY, &HeaderMap::new(), body);
        let said = fault.to_string();
        assert!(
            said.starts_with(
                "name: is missing (INT002, request req_1)\n  config.base_url: must be https\nNext: "
            ),
            "{said}"
        );
        assert_eq!(fault.code(), EXIT_REFUSED);
        for status in [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 429] {
            let body = json!({"error": {"code": "INT00X", "message": "no"}});
            let said = of(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body).to_string();
            assert!(said.contains("\nNext: "), "{status}: {said}");
        }
    }

    #[test]
    fn what_is_no_answer_of_ours_is_not_repeated() {
        let html = of(StatusCode::NOT_FOUND, &HeaderMap::new(), json!({"secret": "hunter2"}));
        assert!(html.code() == EXIT_UNREACHED && !html.to_string().contains("hunter2"));
        let broken = of(StatusCode::BAD_GATEWAY, &HeaderMap::new(), Value::Null);
        assert!(broken.may_pass() && broken.code() == EXIT_UNREACHED);
    }
}
