//! `hilum migrate`: the database in this version's shape.

use super::{Start, say};
use crate::wire;

pub(super) async fn run(start: Start) -> anyhow::Result<()> {
    let db = wire::open_store(&start.loaded.config).await?;
    let applied = wire::migrate(&db).await?;
    for name in &applied {
        say(name)?;
    }
    say(format_args!("{} applied; the database is up to date.", applied.len()))?;
    db.close().await;
    Ok(())
}
