//! `hilum integrations`: connections to other systems, as staff manage them (docs/integrations.md).

use std::{collections::BTreeMap, process::ExitCode};

use clap::{Args, Subcommand};
use http::Method;
use kernel::World;
use serde_json::Value;

use super::ended;
use crate::client::{Client, ClientFault, Output, Reach};

mod create;
mod list;
mod logs;
mod stated;
mod switch;
mod test;
mod update;

/// What to do, where and as whom.
#[derive(Args)]
pub(super) struct Integrations {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// List integrations.
    List(list::List),
    /// Show one.
    Show {
        /// Its id: int_…
        #[arg(value_parser = super::id)]
        id: String,
    },
    /// Register one. It is pending until it was tested and switched on.
    Create(Box<create::Create>),
    /// Change one: what is named is changed.
    Update(Box<update::Update>),
    /// Talk to the other system, step by step, to see whether it works. 0: it does; 1: it does not.
    Test {
        /// Its id: int_…
        #[arg(value_parser = super::id)]
        id: String,
    },
    /// List the last tests of one, newest first.
    Tests(test::Tests),
    /// Switch one on; it has to have been tested as it is now.
    Activate(switch::Switch),
    /// Switch one off.
    Deactivate(switch::Switch),
    /// Put one away; `restore` brings it back.
    Archive(switch::Switch),
    /// Bring one back that was put away; it is switched off then.
    Restore(switch::Switch),
    /// Remove one for good that was put away long enough ago.
    Purge(switch::Purge),
    /// Show what was done to one: who, when, why, what was before and after.
    History(list::History),
    /// Show what has happened at one, newest first, or as it happens.
    Logs(logs::Logs),
    /// Show the numbers of one: calls, errors, how long they took, records, syncs.
    Metrics {
        /// Its id: int_…
        #[arg(value_parser = super::id)]
        id: String,
        /// How far back: 90m, 24h, 30d; a day if it is left out.
        #[arg(long)]
        window: Option<String>,
    },
    /// List providers, and for programs (--json) what their configuration takes.
    Providers {
        /// Only of this type: edc, sftp, api, cloud_storage, notification, webhook, fhir, hl7v2.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
    },
}

/// 0: done; 1: done, and the answer is no; the rest as `docs/command-line.md` says.
pub(super) async fn run(
    asked: Integrations,
    environment: &BTreeMap<String, String>,
    world: &World,
) -> ExitCode {
    let output = asked.reach.output();
    let done = async {
        let client = asked.reach.client(environment)?;
        act(asked.act, &client, output, world).await
    };
    ended(done.await, output)
}

async fn act(asked: Act, client: &Client, output: Output, world: &World) -> Result<bool, ClientFault> {
    match asked {
        Act::List(list) => list::list(&list, client, output).await,
        Act::Show { id } => {
            let answer = client.get(&[&id], &[]).await?;
            show(&answer.body, output, "")
        }
        Act::Create(create) => create::create(&create, client, output, world).await,
        Act::Update(update) => update::update(&update, client, output).await,
        Act::Test { id } => test::test(&id, client, output).await,
        Act::Tests(tests) => test::tests(&tests, client, output).await,
        Act::Activate(of) => switch::switch(&of, "activate", client, output).await,
        Act::Deactivate(of) => switch::switch(&of, "deactivate", client, output).await,
        Act::Restore(of) => switch::switch(&of, "restore", client, output).await,
        Act::Archive(of) => switch::archive(&of, client, output).await,
        Act::Purge(of) => switch::purge(&of, client, output).await,
        Act::History(history) => list::history(&history, client, output).await,
        Act::Logs(logs) => logs::logs(&logs, client, output).await,
        Act::Metrics { id, window } => {
            let answer = client.get(&[&id, "metrics"], &[("window", window.as_deref())]).await?;
            let fields = [
                ("from", "/from"),
                ("to", "/to"),
                ("calls", "/totals/calls"),
                ("errors", "/totals/errors"),
                ("errors, %", "/totals/error_percent"),
                ("refusals", "/totals/refusals"),
                ("ms", "/totals/latency_ms"),
                ("records", "/totals/records"),
                ("syncs", "/totals/syncs"),
                ("tests", "/totals/tests"),
                ("messages", "/totals/messages"),
            ];
            output.thing(&answer.body, &fields, &format!("Next: hilum integrations logs {id}"))?;
            Ok(true)
        }
        Act::Providers { kind } => {
            let answer = client.get(&["providers"], &[("type", kind.as_deref())]).await?;
            let columns = [("PROVIDER", "/provider"), ("TYPE", "/type"), ("NAME", "/name")];
            let after =
                "Next: hilum integrations providers --type TYPE --json shows what a configuration takes";
            output.list(&answer.body, &columns, ("There are no providers of this type.", after))?;
            Ok(true)
        }
    }
}

/// One integration, in words.
fn show(of: &Value, output: Output, after: &str) -> Result<bool, ClientFault> {
    let fields = [
        ("id", "/id"),
        ("name", "/name"),
        ("type", "/type"),
        ("provider", "/provider"),
        ("status", "/status"),
        ("tested", "/tested_at"),
        ("test", "/test_status"),
        ("config", "/config"),
        ("credentials", "/credentials"),
        ("sync", "/sync_frequency"),
        ("last sync", "/last_sync"),
        ("next sync", "/next_sync"),
        ("studies", "/study_ids"),
        ("version", "/version"),
        ("changed", "/updated_at"),
        ("changed by", "/updated_by"),
        ("archived", "/archived_at"),
    ];
    let status = of["status"].as_str().unwrap_or_default();
    let id = of["id"].as_str().unwrap_or_default();
    let next = match (after, status, of["test_status"].as_str()) {
        ("", "pending" | "inactive", Some("success" | "warning")) => {
            format!("Next: hilum integrations activate {id}")
        }
        ("", "pending" | "inactive" | "error", _) => format!("Next: hilum integrations test {id}"),
        ("", "active", _) => format!("Next: hilum sync run {id} --follow"),
        _ => after.to_owned(),
    };
    output.thing(of, &fields, &next)?;
    Ok(true)
}

/// The version of an integration that a change is of.
async fn tag_of(client: &Client, id: &str) -> Result<String, ClientFault> {
    let answer = client.send(client.ask(Method::GET, &[id])).await?;
    answer.header(&http::header::ETAG).map(str::to_owned).ok_or_else(ClientFault::not_hilum)
}
