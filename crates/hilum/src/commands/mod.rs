//! What `hilum` can be told to do, one file each.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand};
use crypto::SystemEntropy;
use kernel::{SystemClock, World};

use crate::{
    client::{ClientFault, Output},
    config::{self, Loaded},
};

mod audit;
mod check;
mod db;
mod demo;
mod init;
mod integrations;
mod keys;
mod load;
mod migrate;
mod openapi;
mod packages;
mod profile;
mod sample;
mod sandbox;
mod serve;
mod sync;
mod validate;
mod webhooks;

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
    /// Register, test, switch on and look after connections to other systems, at a Hilum that serves.
    Integrations(integrations::Integrations),
    /// Begin, watch and mend syncs, at a Hilum that serves.
    Sync(sync::Sync),
    /// Say where events are sent, look after it, and hear of them here, at a Hilum that serves.
    Webhooks(webhooks::Webhooks),
    /// Remember which Hilum these commands call, and as whom.
    Profile(profile::Profile),
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
        // They call a Hilum that serves, wherever that is.
        Command::Integrations(asked) => {
            return Ok(runtime.block_on(integrations::run(asked, &environment, &world)));
        }
        Command::Sync(asked) => return Ok(runtime.block_on(sync::run(asked, &environment))),
        Command::Webhooks(asked) => return Ok(runtime.block_on(webhooks::run(asked, &environment, &world))),
        Command::Profile(asked) => return Ok(profile::run(asked, &environment)),
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
        | Command::Integrations(_)
        | Command::Sync(_)
        | Command::Webhooks(_)
        | Command::Profile(_)
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

/// The exit code of a command that calls a Hilum: 0 done, 1 done and the answer is no, the others as the fault says.
pub(crate) fn ended(done: Result<bool, ClientFault>, output: Output) -> ExitCode {
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            match &fault {
                ClientFault::Refused(refused) if output.is_json() => eprintln!("{}", refused.body),
                fault => eprintln!("hilum: {fault}"),
            }
            ExitCode::from(fault.code())
        }
    }
}

/// An id, before it becomes a piece of a path.
pub(crate) fn id(text: &str) -> Result<String, String> {
    const ID_BYTES_MAX: usize = 128;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    match (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err("is no id: letters, digits, - and _, as lists show them".to_owned()),
    }
}

/// A file in the place of a secret, by name: `token=/run/secrets/token`.
pub(crate) fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok((name.to_owned(), PathBuf::from(file)))
        }
        _ => Err("write NAME=FILE; a secret is never an argument, since others on the machine see those"
            .to_owned()),
    }
}
