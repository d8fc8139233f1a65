//! `hilum demo`: what `./start` runs.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;
use kernel::World;

use crate::demo;

/// Where the demonstration keeps its data and listens.
#[derive(Args)]
pub(super) struct Demo {
    /// The folder for its key, database and sandbox.
    #[arg(long, default_value = "data")]
    folder: PathBuf,
    /// The first of four ports in a row: Hilum, metrics and health, sandbox, sample application.
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

pub(super) async fn run(
    asked: Demo,
    environment: BTreeMap<String, String>,
    world: World,
) -> anyhow::Result<()> {
    demo::run(&asked.folder, asked.port, environment, world).await
}
