//! Whether tokens are still good, for APIs elsewhere that check them by themselves: a list with one bit for each token.
//! IETF OAuth Token Status List (draft-ietf-oauth-status-list)
//!
//! Every access token names a list and its place in it. Nothing is stored for a token that is good. When one token ends its bit is set
//! with it; when everything of a grant, client, person or key ends, a job finds the tokens in the audit trail, where each was
//! recorded before it left, and sets theirs.

mod assign;
pub(crate) mod mark;
mod queries;
pub(crate) mod serve;

use std::time::Duration;

use kernel::{Id, IdKind};
use serde::{Deserialize, Serialize};

pub(crate) use assign::Lists;
pub(crate) use queries::mark_one;

/// How many tokens one list holds: 2²⁰ bits are 128 KiB before they are compressed.
pub const LIST_TOKENS_MAX: u32 = 1 << 20;

/// For how long one list is filled.
const FILLED: Duration = Duration::from_hours(24);

/// A status list.
#[derive(Debug, Clone, Copy)]
pub enum StatusList {}
impl IdKind for StatusList {
    const NAME: &'static str = "status_list";
}

/// A token's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub list: Id<StatusList>,
    pub position: u32,
}

/// The `status` claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StatusClaim {
    status_list: StatusListClaim,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct StatusListClaim {
    idx: u32,
    uri: String,
}

impl StatusClaim {
    pub(crate) fn of(place: Place, issuer: &str) -> Self {
        let uri = format!("{issuer}/status/{}", place.list);
        Self { status_list: StatusListClaim { idx: place.position, uri } }
    }

    /// The place that the claim names, if the list is one of this issuer.
    pub(crate) fn place(&self, issuer: &str) -> Option<Place> {
        let list = self.status_list.uri.strip_prefix(issuer)?.strip_prefix("/status/")?.parse().ok()?;
        Some(Place { list, position: self.status_list.idx })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_names_its_place() {
        let place = Place { list: Id::from_bytes([1; 16]), position: 7 };
        let claim = StatusClaim::of(place, "https://a.example/oauth2");
        let written = serde_json::to_string(&claim).unwrap();
        assert!(written.starts_with(r#"{"status_list":{"idx":7,"uri":"https://a.example/oauth2/status/"#));
        assert_eq!(claim.place("https://a.example/oauth2"), Some(place));
        assert_eq!(claim.place("https://b.example/oauth2"), None);
    }
}
