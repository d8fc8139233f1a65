//! Declared API keys.

use anyhow::Context;
use auth::{
    Acting,
    api_key::{self, NewKey},
};

use super::ApiKeyDeclared;
use crate::wire::House;

/// Gives the API Key Id.
pub(super) async fn declare(
    house: &House,
    acting: &Acting,
    declared: &ApiKeyDeclared,
) -> anyhow::Result<String> {
    let new = NewKey {
        name: declared.name.clone(),
        scopes: declared.scopes.clone(),
        roles: declared.roles.clone(),
        lifetime_days: declared.lifetime_days,
    };
    let key = api_key::ensure(&house.auth, acting, &new, declared.key.clone()).await;
    Ok(key.with_context(|| format!("API key `{}`", declared.name))?.key_id.to_string())
}
