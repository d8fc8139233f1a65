//! Where an integration is in its life.  Contract 4, Entity

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `pending` until it was tested and switched on; `active` and `inactive` as staff say; `error` when it stopped working by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IntegrationStatus)]
pub enum Status {
    /// Registered, and never yet on.
    Pending,
    /// On.
    Active,
    /// Off.
    Inactive,
    /// It stopped working.
    Error,
    /// Put away; it can be brought back.
    Archived,
}

impl Status {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Error => "error",
            Self::Archived => "archived",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Active, Self::Inactive, Self::Error, Self::Archived]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}
