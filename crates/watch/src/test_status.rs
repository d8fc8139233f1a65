//! How a test of an integration went: said by whoever talks to the other side, asked before it is switched on.  Contract 4, `/{id}/test`

use serde::Serialize;
use utoipa::ToSchema;

/// How a test went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IntegrationTestStatus)]
pub enum TestStatus {
    /// Everything works.
    Success,
    /// It works, and something should be looked at.
    Warning,
    /// It does not work.
    Error,
}

impl TestStatus {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Success, Self::Warning, Self::Error].into_iter().find(|status| status.as_str() == text)
    }

    /// Whether it may be switched on.
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Success | Self::Warning)
    }
}
