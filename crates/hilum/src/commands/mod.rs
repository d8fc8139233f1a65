//! What `hilum` can be told to do, one file each.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand};
use crypto::SystemEntropy;
use kernel::{SystemClock, World};

use crate::config::{self, Loaded};

mod audit;
mod check;
mod db;
mod demo;
mod init;
mod keys;
mod load;
mod migrate;
mod openapi;
mod packages;
mod sample;
mod sandbox;
mod serve;
mod validate;

/// The health integration gateway: people, applications and clinical systems connect to each other safely.
#[derive(Parser)]
#[command(name = "hilum", version, about, propagate_version = true)]
pub struct Arguments {
    /// The file with the settings that differ from the defaults.
    #[arg(long, global = true, env = "HILUM_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the root key and the database; never overwrites.
    Init,
    /// Serve until told to stop.
    Serve,
    /// Print the settings in force, secrets hidden, and what is unsafe about them.
    Check,
    /// Bring the database to this version's shape.
    Migrate,
    /// Declare an organisation, people, applications, integrations and trust from a file; may be repeated.
    Load(load::Load),
    /// Copy or back up the database.
    Db(db::Database),
    /// Print the keys that sign tokens, or let new ones follow them.
    Keys(keys::Keys),
    /// Print the latest audit events.
    Audit(audit::Audit),
    /// Check FHIR resources against packages and profiles; 0: no errors, 1: errors, 2: could not run.
    Validate(validate::Validate),
    /// List, add or verify FHIR packages.
    Packages(packages::Packages),
    /// Print the OpenAPI document.
    Openapi,
    /// Run a third-party health service with made-up data, for development and demonstration.
    Sandbox(sandbox::Sandbox),
    /// Run the sample application.
    Sample(sample::Sample),
    /// Serve with sample data beside a sandbox and a sample application, and say what to try.
    Demo(demo::Demo),
}

/// What every command may need.
pub(crate) struct Start {
    pub(crate) loaded: Loaded,
    pub(crate) world: World,
}

/// Run one command to its end.
///
/// # Errors
/// Whatever stopped it, in words for the person at the terminal.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    // Two providers are compiled in by way of dependencies; this one is used for everything.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a TLS provider is installed already"))?;
    let environment: BTreeMap<String, String> = std::env::vars().collect();
    let world = World::new(SystemClock, SystemEntropy);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    let done = match arguments.command {
        // Neither asks for settings or a database: they run wherever there are files.
        Command::Validate(asked) => {
            return Ok(validate::run(asked, &environment, world.now(), runtime.handle().clone()));
        }
        Command::Packages(asked) => {
            return Ok(packages::run(asked, &environment, world.now(), runtime.handle()));
        }
        Command::Sandbox(sandbox) => runtime.block_on(sandbox::run(sandbox, world)),
        Command::Demo(demo) => runtime.block_on(demo::run(demo, environment, world)),
        Command::Sample(sample) => runtime.block_on(sample::run(sample, world)),
        Command::Openapi => runtime.block_on(openapi::run(&world)),
        command => {
            let loaded = config::load(arguments.config.as_deref(), &environment)?;
            runtime.block_on(with_settings(command, Start { loaded, world }))
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}

async fn with_settings(command: Command, start: Start) -> anyhow::Result<()> {
    match command {
        Command::Init => init::run(start).await,
        Command::Serve => serve::run(start).await,
        Command::Check => check::run(&start),
        Command::Migrate => migrate::run(start).await,
        Command::Load(load) => load::run(load, start).await,
        Command::Db(database) => db::run(database, start).await,
        Command::Keys(asked) => keys::run(asked, start).await,
        Command::Audit(audit) => audit::run(audit, start).await,
        Command::Openapi
        | Command::Validate(_)
        | Command::Packages(_)
        | Command::Sandbox(_)
        | Command::Sample(_)
        | Command::Demo(_) => Ok(()),
    }
}

/// What a command says to the person at the terminal; logs go to standard error.
pub(crate) fn say(line: impl std::fmt::Display) -> anyhow::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{line}").context("writing to standard output")
}
