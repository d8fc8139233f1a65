//! `hilum db`: move a deployment from one database to another, or keep a copy of it.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use store::{CopiedTable, Db, Part, StoreConfig, StoreUrl};

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
    /// Copy everything into an empty database, logs and numbers of integrations too, checked by counts and digests. Stop every node first.
    Copy {
        /// The database to read: sqlite:PATH or postgres://…
        #[arg(long)]
        from: String,
        /// The empty database to fill.
        #[arg(long)]
        to: String,
    },
    /// Write a consistent copy of the SQLite database while it is in use, and beside it one of the logs and numbers of integrations.
    Backup {
        /// The file to write; must not exist, nor may the one beside it.
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

/// Where a database has its logs: a file beside that of SQLite, itself on PostgreSQL.
async fn logs(url: &str, db: &Db) -> anyhow::Result<Db> {
    match url.strip_prefix("sqlite:") {
        Some(file) => wire::open_logs(wire::log_file(Path::new(file))).await,
        None => Ok(db.clone()),
    }
}

async fn copy(from: &str, to: &str) -> anyhow::Result<()> {
    let (source, target) = (open(from).await?, open(to).await?);
    wire::migrate(&target).await?;
    let (from_logs, to_logs) = (logs(from, &source).await?, logs(to, &target).await?);
    // What a file of logs has: all that there is in it. On two servers nothing is apart.
    let of_logs = match (from.starts_with("sqlite:"), to.starts_with("sqlite:")) {
        (true, _) => Part::of(&from_logs, &[watch::LOG_MIGRATIONS]).await?,
        (false, true) => Part::of(&to_logs, &[watch::LOG_MIGRATIONS]).await?,
        (false, false) => Part::default(),
    };
    let all = Part::of(&target, &wire::MIGRATIONS).await?.but(&of_logs);
    let told = |copied: &CopiedTable| {
        tracing::info!(table = %copied.table, rows = copied.rows, "copied");
    };
    let mut tables = store::copy_part(&source, &target, Some(&all), told).await?.tables;
    if !of_logs.tables.is_empty() {
        let copied = store::copy_part(&from_logs, &to_logs, Some(&of_logs), told).await;
        tables.extend(copied.context("all is copied but the logs and numbers of integrations")?.tables);
    }
    let rows: u64 = tables.iter().map(|table| table.rows).sum();
    say(format_args!("{rows} rows in {} tables copied; counts and digests agree.", tables.len()))?;
    for (url, logs, db) in [(from, from_logs, source), (to, to_logs, target)] {
        if url.starts_with("sqlite:") {
            logs.close().await;
        }
        db.close().await;
    }
    Ok(())
}

async fn backup(to: PathBuf, start: &Start) -> anyhow::Result<()> {
    let to_logs = wire::log_file(&to);
    for file in [&to, &to_logs] {
        ensure!(!file.exists(), "{} is there already", file.display());
    }
    let db = wire::open_store(&start.loaded.config).await?;
    let log_db = wire::open_log_store(&start.loaded.config, &db).await?;
    for (db, to) in [(db, &to), (log_db, &to_logs)] {
        db.backup_to(to).await.with_context(|| format!("backing up to {}", to.display()))?;
        db.close().await;
    }
    say(format_args!(
        "Backed up to {}, logs of integrations to {}. The root key is in neither.",
        to.display(),
        to_logs.display()
    ))
}
