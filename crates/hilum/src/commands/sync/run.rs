//! A sync is begun.

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use super::follow::follow;
use crate::client::{Client, ClientFault, Output};

/// Of what, and how much.
#[derive(Args)]
pub(super) struct Run {
    /// The integration's id: int_…
    #[arg(value_parser = super::super::id)]
    integration: String,
    /// Everything, and what is gone at the source is deleted; otherwise what has changed since the sync before.
    #[arg(long)]
    full: bool,
    /// Watch it until it ends. 0: it is done; 1: it failed or was cancelled.
    #[arg(long)]
    follow: bool,
}

pub(super) async fn run(asked: &Run, client: &Client, output: Output) -> Result<bool, ClientFault> {
    let sync_type = if asked.full { "full" } else { "incremental" };
    let ask = client.ask(Method::POST, &[&asked.integration, "sync"]).json(&json!({"sync_type": sync_type}));
    let begun = client.send(ask).await?.body;
    let job = begun.get("job_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    if asked.follow {
        return follow(&job, client, output).await;
    }
    let fields = [
        ("job", "/job_id"),
        ("status", "/status"),
        ("type", "/sync_type"),
        ("minutes, about", "/estimated_duration_minutes"),
    ];
    output.thing(&begun, &fields, &format!("Next: hilum sync status {job} --follow"))?;
    Ok(true)
}
