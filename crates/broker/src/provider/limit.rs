//! How much may be asked of a provider.

use serde::Deserialize;

/// A number of calls in a time: `limit + per_user × linked people` in any `window_s` seconds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Who shares it.
    pub scope: BudgetScope,
    /// How many calls.
    pub limit: u32,
    /// How many more for each linked person.
    #[serde(default)]
    pub per_user: u32,
    /// In how many seconds.
    pub window_s: u32,
    /// Whether the count begins anew at a fixed time.
    #[serde(default)]
    pub window: BudgetWindow,
    /// The tier of the provider's plans it belongs to; none is the one everybody starts with.
    #[serde(default)]
    pub tier: Option<String>,
    /// The header that tells when the window ends.
    #[serde(default)]
    pub reset_header: Option<String>,
}

/// Who shares a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetScope {
    /// All calls made with our client id.
    App,
    /// All calls for a person, whoever makes them.
    User,
    /// Our calls for a person.
    UserPerApp,
    /// Calls to one endpoint.
    Endpoint,
    /// Calls to one device.
    Device,
}

/// How a budget's time runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetWindow {
    /// Any stretch of that length, or not known.
    #[default]
    Rolling,
    /// Begins at whole multiples of its length (the top of the hour).
    Fixed,
}
