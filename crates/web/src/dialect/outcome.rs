//! How FHIR says what a refusal is about: the code of the issue, and the one of its details.
//! <https://hl7.org/fhir/R4/valueset-issue-type.html>, <https://hl7.org/fhir/R4/codesystem-operation-outcome.html>, contract 3 "errors"

use http::StatusCode;
use kernel::Kind;

/// Where the codes of `details.coding` are defined.
pub const OUTCOME_SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/operation-outcome";

/// The code of the issue, and that of its details. Contract 3 wants one in every refusal; where HL7's list has none that says
/// it, the nearest is told: a limit of this deployment is an operation that is "not allowed due to local configuration".
pub fn outcome_words(
    status: StatusCode,
    kind: Kind,
    named: Option<&'static str>,
) -> (&'static str, &'static str) {
    let named = named.filter(|code| code.starts_with("MSG_") || code.contains("_MULTIPLE"));
    let (code, usual) = match (status.as_u16(), kind) {
        (406 | 415, _) => ("not-supported", "MSG_UNKNOWN_CONTENT"),
        (405 | 501, _) => ("not-supported", "MSG_UNKNOWN_OPERATION"),
        (408, _) => ("timeout", "MSG_CANT_PARSE_CONTENT"),
        (412, _) if named.is_some_and(|code| code.contains("_MULTIPLE")) => {
            ("multiple-matches", "SEARCH_MULTIPLE")
        }
        (409 | 412, _) => ("conflict", "MSG_VERSION_AWARE_CONFLICT"),
        (413 | 414 | 431, _) => ("too-long", "MSG_OP_NOT_ALLOWED"),
        (_, Kind::Invalid) => ("invalid", "MSG_PARAM_INVALID"),
        (_, Kind::Unauthenticated) => ("login", "MSG_AUTH_REQUIRED"),
        (_, Kind::Forbidden) => ("forbidden", "MSG_OP_NOT_ALLOWED"),
        (_, Kind::NotFound) => ("not-found", "MSG_NO_EXIST"),
        (_, Kind::Gone) => ("deleted", "MSG_DELETED"),
        (_, Kind::Conflict) => ("conflict", "MSG_VERSION_AWARE_CONFLICT"),
        (_, Kind::Unsupported) => ("not-supported", "MSG_UNKNOWN_CONTENT"),
        (_, Kind::Throttled) => ("throttled", "MSG_OP_NOT_ALLOWED"),
        (_, Kind::Unavailable) => ("transient", "MSG_NO_MODULE"),
        (_, Kind::Internal) => ("exception", "MSG_NO_MODULE"),
    };
    (code, named.unwrap_or(usual))
}
