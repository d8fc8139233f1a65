//! `hilum load FILE`: what a deployment should hold, declared in a file.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::{Start, say};
use crate::{load, wire::House};

/// Which file.
#[derive(Args)]
pub(super) struct Load {
    /// The declarations, TOML (docs/loading.md).
    file: PathBuf,
}

pub(super) async fn run(asked: Load, start: Start) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(&asked.file).with_context(|| asked.file.display().to_string())?;
    let declared = load::Declarations::parse(&text).with_context(|| asked.file.display().to_string())?;
    let house = House::open(&start.loaded.config, &start.world).await?;
    let report = load::declare(&house, &declared).await?;
    house.close().await;
    say(report)
}
