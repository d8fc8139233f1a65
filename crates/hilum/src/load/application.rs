//! Declared client applications.

use anyhow::Context;
use auth::{
    Acting,
    client::{self, ClientIdText, Confidentiality, register::Registration},
    client_connection::{ClientType, set_client_type},
};

use super::ClientDeclared;
use crate::wire::House;

pub(super) async fn declare(house: &House, acting: &Acting, declared: &ClientDeclared) -> anyhow::Result<()> {
    let is_public = declared.secret.is_none() && matches!(declared.auth_method.as_str(), "" | "none");
    let confidentiality = if is_public { Confidentiality::Public } else { Confidentiality::Confidential };
    let registration = Registration {
        name: declared.name.clone(),
        uri: declared.uri.clone(),
        confidentiality: confidentiality.as_str().to_owned(),
        redirect_uris: declared.redirect_uris.clone(),
        grant_types: declared.grant_types.clone(),
        scopes: declared.scopes.clone(),
        profile: declared.profile.clone(),
        auth_method: declared.auth_method.clone(),
        post_logout_redirect_uris: declared.post_logout_redirect_uris.clone(),
        token_lifetime_s: declared.token_lifetime_s,
        metadata: declared.metadata.clone(),
        ..Registration::default()
    };
    let name = || format!("client `{}`", declared.client_id);
    let id: ClientIdText = declared.client_id.parse().with_context(name)?;
    let client = client::ensure(&house.auth, acting, &id, declared.secret.clone(), &registration)
        .await
        .with_context(name)?;
    let kind =
        declared.client_type.as_deref().map(str::parse::<ClientType>).transpose().with_context(name)?;
    if kind.is_some() {
        set_client_type(&house.auth, acting, client.id, kind).await.with_context(name)?;
    }
    if declared.verified && client.verified_at.is_none() {
        client::verify(&house.auth, acting, client.id).await.with_context(name)?;
    }
    Ok(())
}
