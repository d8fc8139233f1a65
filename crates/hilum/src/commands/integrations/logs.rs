//! The log of an integration: read, or followed as it is written.

use std::time::Duration;

use clap::Args;
use http::{Method, header};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::client::{Client, ClientFault, Output, shown};

/// How long a stream may last before it is opened again; Hilum ends it after ten minutes.
const STREAM_LIFE: Duration = Duration::from_secs(15 * 60);
/// The pause before a stream that ended is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// Which lines.
#[derive(Args)]
pub(super) struct Logs {
    /// The integration's id: int_…
    #[arg(value_parser = super::super::id)]
    id: String,
    /// From this instant or day on: 2026-11-22T08:00:00Z, 2026-11-22.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Up to and with this instant or day.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only lines of this level: debug, info, warning, error.
    #[arg(long)]
    level: Option<String>,
    /// Words that the message has, or the id of a sync.
    #[arg(long, short, value_name = "TEXT")]
    query: Option<String>,
    /// 1 to 1000; 100 if it is left out.
    #[arg(long)]
    limit: Option<String>,
    /// Where the page begins: what the page before has named.
    #[arg(long)]
    cursor: Option<String>,
    /// Show lines as they are written, until Ctrl-C.
    #[arg(long, conflicts_with_all = ["cursor", "limit", "until"])]
    follow: bool,
}

pub(super) async fn logs(asked: &Logs, client: &Client, output: Output) -> Result<bool, ClientFault> {
    if asked.follow {
        tokio::select! {
            ended = follow(asked, client, output) => ended?,
            _ = tokio::signal::ctrl_c() => {}
        }
        return Ok(true);
    }
    let query = [
        ("start_date", asked.since.as_deref()),
        ("end_date", asked.until.as_deref()),
        ("log_level", asked.level.as_deref()),
        ("q", asked.query.as_deref()),
        ("limit", asked.limit.as_deref()),
        ("cursor", asked.cursor.as_deref()),
    ];
    let mut answer = client.get(&[&asked.id, "logs"], &query).await?;
    if output.is_json() {
        output.document(&answer.body)?;
        return Ok(true);
    }
    let next =
        answer.header(&header::LINK).and_then(|link| link.split("cursor=").nth(1)?.split(['&', '>']).next());
    let after = next.map(|cursor| format!("There is more: --cursor {}", shown(cursor))).unwrap_or_default();
    let lines = json!({"items": answer.body.get_mut("logs").map(Value::take)});
    let columns =
        [("WHEN", "/timestamp"), ("LEVEL", "/level"), ("WHAT", "/details/event"), ("MESSAGE", "/message")];
    output.list(&lines, &columns, ("There are no such lines.", &after))?;
    Ok(true)
}

/// Lines as they are written. A stream that ends is opened again where it ended.
async fn follow(asked: &Logs, client: &Client, output: Output) -> Result<(), ClientFault> {
    let query =
        [("follow", Some("true")), ("log_level", asked.level.as_deref()), ("q", asked.query.as_deref())];
    let mut last: Option<String> = None;
    let mut is_first = true;
    loop {
        let ask = client.ask_for(Method::GET, &[&asked.id, "logs"], &query);
        match client.stream(ask.with_some("last-event-id", last.as_deref())?, STREAM_LIFE).await {
            Ok(mut stream) => {
                is_first = false;
                while let Some(message) = stream.next().await? {
                    if message.id.is_some() {
                        last = message.id;
                    }
                    let Some(data) = message.data else { continue };
                    let line = serde_json::from_str(&data).map_err(|_| ClientFault::not_hilum())?;
                    tell(&line, output)?;
                }
            }
            Err(fault) if !fault.may_pass() || is_first => return Err(fault),
            Err(_) => eprintln!("The log is away; it is opened again where it ended."),
        }
        sleep(PAUSE).await;
    }
}

fn tell(line: &Value, output: Output) -> Result<(), ClientFault> {
    if output.is_json() {
        return output.document_line(line);
    }
    let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
    output.done(&format!("{}  {}  {}", text("timestamp"), text("level"), text("message")))
}
