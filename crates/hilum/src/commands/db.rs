//! `hilum db`: move a deployment from one database to another, or keep a copy of it.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use store::{Db, StoreConfig, StoreUrl};

use super::{Start, say};
use crate::wire;

/// What to do with the database.
#[derive(Args)]
pub(super) struct Database {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Copy everything into an empty database, checked by counts and digests. Stop every node first.
    Copy {
        /// The database to read: sqlite:PATH or postgres://…
        #[arg(long)]
        from: String,
        /// The empty database to fill.
        #[arg(long)]
        to: String,
    },
    /// Write a consistent copy of the SQLite database while it is in use.
    Backup {
        /// The file to write; must not exist.
        #[arg(long)]
        to: PathBuf,
    },
}

pub(super) async fn run(database: Database, start: Start) -> anyhow::Result<()> {
    match database.act {
        Act::Copy { from, to } => copy(&from, &to).await,
        Act::Backup { to } => backup(to, &start).await,
    }
}

async fn open(url: &str) -> anyhow::Result<Db> {
    let config = StoreConfig::new(StoreUrl::parse(url)?);
    Db::open(&config).await.with_context(|| format!("opening {}", config.url))
}

async fn copy(from: &str, to: &str) -> anyhow::Result<()> {
    let (source, target) = (open(from).await?, open(to).await?);
    wire::migrate(&target).await?;
    let report = store::copy(&source, &target, |copied| {
        tracing::info!(table = %copied.table, rows = copied.rows, "copied");
    })
    .await?;
    let rows: u64 = report.tables.iter().map(|table| table.rows).sum();
    say(format_args!("{rows} rows in {} tables copied; counts and digests agree.", report.tables.len()))?;
    source.close().await;
    target.close().await;
    Ok(())
}

async fn backup(to: PathBuf, start: &Start) -> anyhow::Result<()> {
    ensure!(!to.exists(), "{} is there already", to.display());
    let db = wire::open_store(&start.loaded.config).await?;
    db.backup_to(&to).await.with_context(|| format!("backing up to {}", to.display()))?;
    db.close().await;
    say(format_args!("Backed up to {}. The root key is not in it.", to.display()))
}
