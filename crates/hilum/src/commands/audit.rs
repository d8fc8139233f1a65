//! `hilum audit`: the latest events of the record, one JSON object a line, exactly as they were recorded.

use anyhow::Context;
use auth::organisation::{Slug, by_slug};
use clap::Args;
use kernel::{Limit, Page};

use super::{Start, say};
use crate::wire::House;

/// Which events.
#[derive(Args)]
pub(super) struct Audit {
    /// The short name of an organisation; without it, events that belong to none.
    #[arg(long)]
    organisation: Option<String>,
    /// Only events of this name, for example connection.linked.
    #[arg(long)]
    act: Option<String>,
    /// How many, 1 to 100.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100))]
    last: u16,
}

pub(super) async fn run(asked: Audit, start: Start) -> anyhow::Result<()> {
    let house = House::open(&start.loaded.config, &start.world).await?;
    let organisation = match &asked.organisation {
        Some(name) => {
            let slug = Slug::parse(name).with_context(|| format!("`{name}` is not a short name"))?;
            let found = by_slug(&house.auth, &slug).await?;
            Some(found.with_context(|| format!("there is no organisation `{name}`"))?.id)
        }
        None => None,
    };
    let filter = ::audit::Filter { act: asked.act, ..::audit::Filter::default() };
    let page = Page { after: None, limit: Limit::new(asked.last).unwrap_or(Limit::DEFAULT) };
    let slice = ::audit::page(&mut house.db.read().await?, organisation, &filter, &page).await?;
    for row in slice.items {
        say(String::from_utf8_lossy(&row.canonical))?;
    }
    house.close().await;
    Ok(())
}
