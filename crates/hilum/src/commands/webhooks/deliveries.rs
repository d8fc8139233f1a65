//! What an endpoint was told, and telling it again.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Map, Value, json};

use crate::client::{Client, ClientFault, Output};

/// What to do with deliveries.
#[derive(Args)]
pub(super) struct Deliveries {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// List them, the newest first.
    List {
        /// The endpoint's id.
        #[arg(value_parser = super::super::id)]
        endpoint: String,
        /// Only those that stand so: pending, delivered, failed.
        #[arg(long)]
        state: Option<String>,
        /// Only events of this type.
        #[arg(long, value_name = "TYPE")]
        event_type: Option<String>,
        /// From 1.
        #[arg(long)]
        page: Option<String>,
        /// 1 to 100 on a page; 20 if it is left out.
        #[arg(long)]
        size: Option<String>,
    },
    /// Show one with the log of its calls.
    Show {
        /// The endpoint's id.
        #[arg(value_parser = super::super::id)]
        endpoint: String,
        /// The event's id.
        #[arg(value_parser = super::super::id)]
        event: String,
    },
}

/// What is told again.
#[derive(Args)]
pub(super) struct Replay {
    /// The endpoint's id.
    #[arg(value_parser = super::super::id)]
    endpoint: String,
    /// The event's id, if it is one alone.
    #[arg(value_parser = super::super::id, required_unless_present = "since", conflicts_with_all = ["since", "until", "state"])]
    event: Option<String>,
    /// All that are to be told since then: 2026-01-05T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// And before then; until now if it is left out.
    #[arg(long, value_name = "TIME", requires = "since")]
    until: Option<String>,
    /// Which of them: failed, delivered or all; failed if it is left out.
    #[arg(long, requires = "since")]
    state: Option<String>,
}

const PLACE: &str = "webhooks";

pub(super) async fn act(asked: Deliveries, client: &Client, output: Output) -> Result<bool, ClientFault> {
    match asked.act {
        Act::List { endpoint, state, event_type, page, size } => {
            let query = [
                ("state", state.as_deref()),
                ("event_type", event_type.as_deref()),
                ("page", page.as_deref()),
                ("size", size.as_deref()),
            ];
            let answer = client.get(&[PLACE, &endpoint, "deliveries"], &query).await?;
            let columns = [
                ("EVENT", "/event_id"),
                ("TYPE", "/event_type"),
                ("STATE", "/state"),
                ("CALLS", "/attempts"),
                ("SINCE", "/created_at"),
                ("NEXT TRY", "/next_try_at"),
            ];
            let after = format!("Next: hilum webhooks deliveries show {endpoint} EVENT");
            output.list(&answer.body, &columns, ("Nothing was told.", &after))?;
        }
        Act::Show { endpoint, event } => {
            let mut answer = client.get(&[PLACE, &endpoint, "deliveries", &event], &[]).await?.body;
            if output.is_json() {
                output.document(&answer)?;
                return Ok(true);
            }
            let fields = [
                ("event", "/event_id"),
                ("type", "/event_type"),
                ("state", "/state"),
                ("calls", "/attempts"),
                ("next try", "/next_try_at"),
                ("ended", "/finished_at"),
                ("payload", "/payload"),
            ];
            output.thing(&answer, &fields, "")?;
            let log = json!({"items": answer.get_mut("log").map(Value::take)});
            let columns = [
                ("CALL", "/number"),
                ("WHEN", "/at"),
                ("MS", "/duration_ms"),
                ("STATUS", "/status"),
                ("WHY", "/error"),
                ("ANSWER", "/answer"),
            ];
            output.list(
                &log,
                &columns,
                ("No call was made yet.", &format!("Next: hilum webhooks replay {endpoint} {event}")),
            )?;
        }
    }
    Ok(true)
}

pub(super) async fn replay(asked: Replay, client: &Client, output: Output) -> Result<bool, ClientFault> {
    let Replay { endpoint, event, since, until, state } = asked;
    let ask = match &event {
        Some(event) => client.ask(Method::POST, &[PLACE, &endpoint, "deliveries", event, "replay"]),
        None => {
            let mut body = Map::from_iter([("since".to_owned(), json!(since))]);
            for (name, value) in [("until", until), ("state", state)] {
                if let Some(value) = value {
                    body.insert(name.to_owned(), Value::String(value));
                }
            }
            client.ask(Method::POST, &[PLACE, &endpoint, "replay"]).json(&Value::Object(body))
        }
    };
    let answer = client.send(ask).await?.body;
    let next = match answer.get("has_more").and_then(Value::as_bool) == Some(true) {
        true => "There are more: run it again.".to_owned(),
        false => format!("Next: hilum webhooks deliveries list {endpoint}"),
    };
    output.thing(&answer, &[("told again", "/replayed")], &next)?;
    Ok(true)
}
