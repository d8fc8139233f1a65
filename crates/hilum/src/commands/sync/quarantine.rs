//! Records that were not taken: seen, mended, let in, let go of.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use crate::client::{Client, ClientFault, Output, json_from};

/// What to do with them.
#[derive(Args)]
pub(super) struct Quarantine {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// List them: type, id and a code; nothing of what they say.
    List {
        /// The integration's id: int_…
        #[arg(value_parser = super::super::id)]
        integration: String,
        /// Where the page begins: what the page before has named.
        #[arg(long)]
        cursor: Option<String>,
        /// 1 to 100; 20 if it is left out.
        #[arg(long)]
        limit: Option<String>,
    },
    /// Show one with the reason. It may be health data; that you have seen it is put on record.
    Show(Of),
    /// Let one in again, as it is or mended. 0: it was taken; 1: it goes on waiting.
    Replay {
        #[command(flatten)]
        of: Of,
        /// A file with the record as it was mended, JSON; - for standard input.
        #[arg(long = "record", value_name = "FILE")]
        mended: Option<PathBuf>,
    },
    /// Let go of one.
    Discard(Of),
}

/// Which record.
#[derive(Args)]
struct Of {
    /// The integration's id: int_…
    #[arg(value_parser = super::super::id)]
    integration: String,
    /// The record's id: qr_…
    #[arg(value_parser = super::super::id)]
    record: String,
}

pub(super) async fn act(asked: Quarantine, client: &Client, output: Output) -> Result<bool, ClientFault> {
    match asked.act {
        Act::List { integration, cursor, limit } => {
            let query = [("cursor", cursor.as_deref()), ("limit", limit.as_deref())];
            let answer = client.get(&[&integration, "quarantine"], &query).await?;
            let columns = [
                ("ID", "/id"),
                ("TYPE", "/resource_type"),
                ("RECORD", "/resource_id"),
                ("WHY", "/code"),
                ("SINCE", "/created_at"),
            ];
            let after = format!("Next: hilum sync quarantine show {integration} ID");
            output.list(&answer.body, &columns, ("Every record was taken.", &after))?;
            Ok(true)
        }
        Act::Show(of) => {
            let answer = client.get(&[&of.integration, "quarantine", &of.record], &[]).await?;
            let next = format!(
                "Next: hilum sync quarantine replay {} {} --record FILE, or discard",
                of.integration, of.record
            );
            output.thing(&answer.body, &[("id", "/id"), ("why", "/reason"), ("record", "/record")], &next)?;
            Ok(true)
        }
        Act::Replay { of, mended } => {
            let body = match mended {
                Some(file) => json!({"record": json_from(&file)?}),
                None => json!({}),
            };
            let ask =
                client.ask(Method::POST, &[&of.integration, "quarantine", &of.record, "replay"]).json(&body);
            let answer = client.send(ask).await?.body;
            let is_taken = answer.get("status").and_then(Value::as_str) != Some("quarantined");
            let next = if is_taken { "" } else { "Next: mend what is named, and give it with --record FILE" };
            output.thing(&answer, &[("id", "/id"), ("status", "/status"), ("why", "/reason")], next)?;
            Ok(is_taken)
        }
        Act::Discard(of) => {
            client.send(client.ask(Method::DELETE, &[&of.integration, "quarantine", &of.record])).await?;
            output.done("It is gone. If the source sends it again, it is judged again.")?;
            Ok(true)
        }
    }
}
