//! An integration is switched on and off, put away, brought back, removed.

use clap::Args;
use http::Method;

use super::show;
use crate::client::{Client, ClientFault, Output};

/// Which one, and why.
#[derive(Args)]
pub(super) struct Switch {
    /// Its id: int_…
    #[arg(value_parser = super::super::id)]
    id: String,
    /// Why; on record for ever.
    #[arg(long)]
    reason: Option<String>,
}

/// Which one goes for good.
#[derive(Args)]
pub(super) struct Purge {
    /// Its id: int_…
    #[arg(value_parser = super::super::id)]
    id: String,
    /// Why; on record for ever.
    #[arg(long)]
    reason: String,
    /// Its name once more: it cannot be brought back.
    #[arg(long, value_name = "NAME")]
    confirm: String,
}

const REASON: &str = "x-change-reason";

pub(super) async fn switch(
    of: &Switch,
    verb: &str,
    client: &Client,
    output: Output,
) -> Result<bool, ClientFault> {
    let ask = client.ask(Method::POST, &[&of.id, verb]).with_some(REASON, of.reason.as_deref())?;
    let answer = client.send(ask).await?;
    show(&answer.body, output, "")
}

pub(super) async fn archive(of: &Switch, client: &Client, output: Output) -> Result<bool, ClientFault> {
    let ask = client.ask(Method::DELETE, &[&of.id]).with_some(REASON, of.reason.as_deref())?;
    client.send(ask).await?;
    output.done(&format!("It is put away. It comes back with: hilum integrations restore {}", of.id))?;
    Ok(true)
}

pub(super) async fn purge(of: &Purge, client: &Client, output: Output) -> Result<bool, ClientFault> {
    let history = client.get(&[&of.id, "audit"], &[("limit", Some("1"))]).await?.body;
    let name = history.pointer("/changes/0/new/name").and_then(|name| name.as_str());
    if name != Some(of.confirm.as_str()) {
        return Err(ClientFault::unusable(
            "--confirm is not the name of this integration; nothing was removed".to_owned(),
        ));
    }
    let ask =
        client.ask_for(Method::DELETE, &[&of.id], &[("purge", Some("true"))]).with(REASON, &of.reason)?;
    client.send(ask).await?;
    output.done("It is gone for good. What was done to it stays in the audit trail.")?;
    Ok(true)
}
