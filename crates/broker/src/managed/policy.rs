//! Which operations need a reason, and which will need an electronic signature.  21 CFR 11.10(e), 11.200; contract 4
//!
//! The signature is declared here and asked for nowhere yet: signatures come with the verifiable log.

use serde::Serialize;
use utoipa::ToSchema;

/// What has to come with an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Demand {
    /// The operation.
    pub operation: &'static str,
    /// Whether it has to be said why, in the member `reason` or the header `X-Change-Reason`.
    pub reason: bool,
    /// Whether it has to be signed as soon as signatures can be given.
    pub signature: bool,
}

/// The policy of this deployment.
pub const POLICY: [Demand; 6] = [
    Demand { operation: "create", reason: false, signature: false },
    Demand { operation: "update_regulated", reason: true, signature: true },
    Demand { operation: "activate", reason: false, signature: true },
    Demand { operation: "archive", reason: false, signature: false },
    Demand { operation: "restore", reason: false, signature: false },
    Demand { operation: "purge", reason: true, signature: true },
];

/// The fields that decide what data flows where: a change of one has a reason.
pub const REGULATED: [&str; 3] = ["config", "credentials", "study_ids"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_undone_and_what_is_regulated_has_a_reason() {
        for demand in POLICY {
            let grave = matches!(demand.operation, "update_regulated" | "purge");
            assert_eq!(demand.reason, grave, "{}", demand.operation);
        }
    }
}
