//! Declared providers that people sign in through.

use anyhow::Context;
use auth::{Acting, upstream::NewUpstream};

use super::UpstreamDeclared;
use crate::wire::House;

pub(super) async fn declare(
    house: &House,
    acting: &Acting,
    declared: &UpstreamDeclared,
) -> anyhow::Result<()> {
    let mut settings = declared.settings.clone();
    settings.insert("client_id".to_owned(), declared.client_id.clone().into());
    let new = NewUpstream {
        slug: declared.slug.clone(),
        name: declared.name.clone(),
        preset: declared.preset.clone(),
        settings,
        client_secret: declared.client_secret.clone(),
        private_key: declared.private_key.clone(),
    };
    let name = || format!("upstream `{}`", declared.slug);
    match auth::upstream::declare(&house.auth, acting, new).await {
        Ok(_) => Ok(()),
        Err(fault) => {
            let issues: Vec<String> = kernel::Fault::issues(&fault)
                .iter()
                .map(|issue| format!("{}: {}", issue.path, issue.message))
                .collect();
            Err(anyhow::Error::from(fault).context(issues.join("; "))).with_context(name)
        }
    }
}
