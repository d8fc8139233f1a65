//! `hilum audit`: the latest events of the record, one JSON object a line, exactly as they were recorded.

use clap::Args;
use kernel::Limit;

use super::{Start, say};
use crate::wire;

/// Which events.
#[derive(Args)]
pub(super) struct Audit {
    /// Only events of this name, for example connection.linked.
    #[arg(long)]
    act: Option<String>,
    /// How many, 1 to 100.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100))]
    last: u16,
}

pub(super) async fn run(asked: Audit, start: Start) -> anyhow::Result<()> {
    let db = wire::open_store(&start.loaded.config).await?;
    let filter = ::audit::Filter { act: asked.act, ..Default::default() };
    let page = kernel::Page { after: None, limit: Limit::new(asked.last).unwrap_or(Limit::DEFAULT) };
    let slice = ::audit::page(&db, &filter, &page).await?;
    for row in slice.items {
        say(String::from_utf8_lossy(&row.canonical))?;
    }
    db.close().await;
    Ok(())
}
