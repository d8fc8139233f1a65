//! `hilum serve`: the deployment, until SIGTERM or SIGINT.

use anyhow::Context;
use web::logging::{self, Log};

use super::Start;
use crate::{
    config::{Config, LogFormat},
    serve,
    wire::House,
};

pub(super) async fn run(start: Start) -> anyhow::Result<()> {
    let Start { loaded, world } = start;
    let config = loaded.config;
    let _log = start_log(&config)?;
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let house = House::open(&config, &world).await?;
    serve::serve(&config, house).await
}

fn start_log(config: &Config) -> anyhow::Result<Log> {
    let format = match config.log.format {
        LogFormat::Json => logging::Format::Json,
        LogFormat::Text => logging::Format::Text,
    };
    logging::init(format, &config.log.filter).context("log.filter")
}
