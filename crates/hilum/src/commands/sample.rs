//! `hilum sample`: the sample application.

use std::net::SocketAddr;

use clap::Args;
use kernel::{Secret, World};

use crate::{
    sample::{self, SampleConfig},
    serve,
};

/// How it is set up. Its secret is read from HILUM_CLIENT_SECRET.
#[derive(Args)]
pub(super) struct Sample {
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:8083")]
    listen: SocketAddr,
    /// Hilum's public URL.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    hilum: String,
    /// Its client id at Hilum.
    #[arg(long)]
    client_id: String,
    /// Its secret at Hilum.
    #[arg(long, env = "HILUM_CLIENT_SECRET", hide_env_values = true)]
    client_secret: String,
    /// The client id of its SMART part, a growth chart.
    #[arg(long)]
    chart_client_id: Option<String>,
}

pub(super) async fn run(asked: Sample, world: World) -> anyhow::Result<()> {
    let config = SampleConfig {
        listen: asked.listen,
        hilum: asked.hilum.trim_end_matches('/').to_owned(),
        client_id: asked.client_id,
        client_secret: Secret::new(asked.client_secret),
        chart_client_id: asked.chart_client_id,
    };
    let shutdown = web::Shutdown::new();
    let stop = shutdown.clone();
    let tasks = web::Tasks::new();
    tasks.spawn(serve::until_told(stop));
    sample::run(config, world, shutdown.token()).await
}
