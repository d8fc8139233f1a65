//! `hilum init`: a root key and an empty, migrated database. What is there already stays as it is.

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt, path::Path};

use anyhow::Context;

use super::{Start, say};
use crate::wire;

pub(super) async fn run(start: Start) -> anyhow::Result<()> {
    let config = &start.loaded.config;
    let file = &config.vault.root_key_file;
    if config.vault.root_key.is_some() {
        say("The root key comes from the settings; no file is made.")?;
    } else if file.exists() {
        say(format_args!("{} is there already and stays as it is.", file.display()))?;
    } else {
        make_folder_of(file)?;
        vault::Vault::create_root_key_file(file, &start.world)
            .with_context(|| format!("making the root key {}", file.display()))?;
        say(format_args!(
            "Made the root key {}. Keep a copy of it apart from the database: without it nothing can be read.",
            file.display()
        ))?;
    }
    let db = wire::open_store(config).await?;
    let applied = wire::migrate(&db).await?;
    say(format_args!(
        "The database {} is ready ({} migrations applied now).",
        wire::store_url(config)?,
        applied.len()
    ))?;
    wire::open_vault(config, &db, &start.world).await?;
    db.close().await;
    say("Next: `hilum check`, then `hilum serve`.")
}

/// The folder is ours alone: what is in it is a key, and beside it often a database.
fn make_folder_of(file: &Path) -> anyhow::Result<()> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
    else {
        return Ok(());
    };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(|| folder.display().to_string())
}
