//! `hilum sync`: records of other systems brought into a site, as staff begin, watch and mend it (docs/sync.md).

use std::{collections::BTreeMap, process::ExitCode};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::ended;
use crate::client::{Client, ClientFault, Output, Reach};

mod dead_letters;
mod follow;
mod quarantine;
mod run;

/// What to do, where and as whom.
#[derive(Args)]
pub(super) struct Sync {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Begin a sync of an integration.
    Run(run::Run),
    /// Show a sync: its state and its report.
    Status {
        /// The sync's id: sync_…
        #[arg(value_parser = super::id)]
        job: String,
        /// Watch it until it ends. 0: it is done; 1: it failed or was cancelled.
        #[arg(long)]
        follow: bool,
    },
    /// End a sync; what is stored by then stays.
    Cancel {
        /// The sync's id: sync_…
        #[arg(value_parser = super::id)]
        job: String,
    },
    /// Let a sync go on that has failed or was cancelled, from where it was.
    Retry {
        /// The sync's id: sync_…
        #[arg(value_parser = super::id)]
        job: String,
        /// Watch it until it ends. 0: it is done; 1: it failed or was cancelled.
        #[arg(long)]
        follow: bool,
    },
    /// Records that were not taken.
    Quarantine(quarantine::Quarantine),
    /// Jobs that have failed for good.
    DeadLetters(dead_letters::DeadLetters),
}

/// 0: done; 1: done, and the answer is no; the rest as `docs/command-line.md` says.
pub(super) async fn run(asked: Sync, environment: &BTreeMap<String, String>) -> ExitCode {
    let output = asked.reach.output();
    let done = async {
        let client = asked.reach.client(environment)?;
        act(asked.act, &client, output).await
    };
    ended(done.await, output)
}

async fn act(asked: Act, client: &Client, output: Output) -> Result<bool, ClientFault> {
    match asked {
        Act::Run(run) => run::run(&run, client, output).await,
        Act::Status { job, follow: true } => follow::follow(&job, client, output).await,
        Act::Status { job, follow: false } => {
            show(&client.get(&["sync-jobs", &job], &[]).await?.body, output)
        }
        Act::Cancel { job } => show(&client.post(&["sync-jobs", &job, "cancel"]).await?.body, output),
        Act::Retry { job, follow } => {
            let answer = client.post(&["sync-jobs", &job, "retry"]).await?.body;
            if follow { follow::follow(&job, client, output).await } else { show(&answer, output) }
        }
        Act::Quarantine(asked) => quarantine::act(asked, client, output).await,
        Act::DeadLetters(asked) => dead_letters::act(asked, client, output).await,
    }
}

/// A sync in words: its state, its report, and what to do next. Whether it has not gone wrong.
fn show(of: &Value, output: Output) -> Result<bool, ClientFault> {
    let fields = [
        ("job", "/job_id"),
        ("integration", "/integration_id"),
        ("status", "/status"),
        ("type", "/sync_type"),
        ("message", "/message"),
        ("received", "/report/received"),
        ("stored", "/report/stored"),
        ("unchanged", "/report/unchanged"),
        ("quarantined", "/report/quarantined"),
        ("deleted", "/report/deleted"),
        ("asked for", "/created_at"),
        ("begun", "/started_at"),
        ("ended", "/finished_at"),
    ];
    let text = |pointer: &str| of.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (job, status) = (text("/job_id"), text("/status"));
    let set_aside = of.pointer("/report/quarantined").and_then(Value::as_i64).unwrap_or_default();
    let next = match status {
        "queued" | "running" => format!("Next: hilum sync status {job} --follow"),
        "failed" | "cancelled" => format!("Next: hilum sync retry {job} lets it go on from where it was"),
        _ if set_aside > 0 => {
            format!("Next: hilum sync quarantine list {} shows what was not taken", text("/integration_id"))
        }
        _ => String::new(),
    };
    output.thing(of, &fields, &next)?;
    Ok(!matches!(status, "failed"))
}
