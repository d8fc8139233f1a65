//! `hilum sandbox`: a third-party health service to develop and demonstrate against (docs/sandbox.md).

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use kernel::{Secret, World};
use url::Url;

use super::say;
use crate::{
    sandbox::{self, Faults, SandboxClient, SandboxConfig},
    serve,
};

/// How it is set up. Its client's secret is read from HILUM_CLIENT_SECRET.
#[derive(Args)]
pub(super) struct Sandbox {
    /// Where it listens; loopback only, unless --beyond-loopback is given.
    #[arg(long, default_value = "127.0.0.1:8082")]
    listen: SocketAddr,
    /// Let other machines reach it. Its data is made up, but so are its passwords.
    #[arg(long)]
    beyond_loopback: bool,
    /// Its address as clients see it.
    #[arg(long)]
    base_url: Option<Url>,
    /// Where it keeps what was granted, so that a restart forgets nothing.
    #[arg(long)]
    state_file: Option<PathBuf>,
    /// The client that may ask for access.
    #[arg(long, default_value = "hilum")]
    client_id: String,
    /// That client's secret.
    #[arg(long, env = "HILUM_CLIENT_SECRET", hide_env_values = true)]
    client_secret: String,
    /// Where that client's answers may go.
    #[arg(
        long = "redirect-uri",
        default_value = "http://127.0.0.1:8080/integrations/oauth2/sandbox/callback"
    )]
    redirect_uris: Vec<String>,
    /// The life of an access token, in seconds.
    #[arg(long, default_value_t = sandbox::ACCESS_TOKEN_S)]
    access_token_s: u64,
    /// For how many seconds a used refresh token still works; 0 for strict one-time use.
    #[arg(long, default_value_t = 0)]
    refresh_grace_s: u64,
    /// How it misbehaves from the start, as JSON: what POST /sandbox/faults takes.
    #[arg(long)]
    faults: Option<Faults>,
}

pub(super) async fn run(asked: Sandbox, world: World) -> anyhow::Result<()> {
    let client = SandboxClient {
        name: "Hilum".to_owned(),
        client_id: asked.client_id,
        client_secret: Some(Secret::new(asked.client_secret)),
        redirect_uris: asked.redirect_uris,
    };
    let config = SandboxConfig {
        beyond_loopback: asked.beyond_loopback,
        base_url: asked.base_url,
        state_file: asked.state_file,
        access_token_s: asked.access_token_s,
        refresh_grace_s: asked.refresh_grace_s,
        faults: asked.faults.unwrap_or_default(),
        ..SandboxConfig::new(asked.listen, vec![client])
    };
    say(format_args!(
        "The sandbox's people and their data are made up. Its address: http://{0}/  Make it misbehave: http://{0}/sandbox/",
        asked.listen
    ))?;
    let shutdown = web::Shutdown::new();
    let tasks = web::Tasks::new();
    tasks.spawn(serve::until_told(shutdown.clone()));
    Ok(sandbox::run(config, world, shutdown.token()).await?)
}
