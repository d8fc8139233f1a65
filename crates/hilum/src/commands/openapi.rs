//! `hilum openapi`: the document that describes every endpoint.

use std::collections::BTreeMap;

use kernel::World;

use super::say;
use crate::{config, wire::House};

/// The document comes from the routes themselves, and these from an opened house: an empty one that nobody keeps.
pub(super) async fn run(world: &World) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let key = folder.path().join("root.key");
    vault::Vault::create_root_key_file(&key, world)?;
    let settings = BTreeMap::from([
        ("HILUM__STORE__URL".to_owned(), format!("sqlite:{}", folder.path().join("hilum.db").display())),
        ("HILUM__VAULT__ROOT_KEY_FILE".to_owned(), key.display().to_string()),
    ]);
    let loaded = config::load(None, &settings)?;
    let house = House::open(&loaded.config, world).await?;
    say(serde_json::to_string_pretty(&house.openapi())?)?;
    house.close().await;
    Ok(())
}
