//! Lists: of integrations, and of what was done to one.

use clap::Args;
use serde_json::{Value, json};

use crate::client::{Client, ClientFault, Output};

/// Which integrations, and which page of them.
#[derive(Args)]
pub(super) struct List {
    /// Only of this type.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only in this state: pending, active, inactive, error, archived. Archived ones are listed only so.
    #[arg(long)]
    status: Option<String>,
    /// Only of this provider.
    #[arg(long)]
    provider: Option<String>,
    /// Only of the study of this id.
    #[arg(long, value_name = "ID")]
    study: Option<String>,
    /// Whose name or provider has this in it.
    #[arg(long, short, value_name = "TEXT")]
    query: Option<String>,
    /// name, created_at, updated_at or status; with - before it the other way round.
    #[arg(long, allow_hyphen_values = true)]
    sort: Option<String>,
    /// From 1.
    #[arg(long)]
    page: Option<String>,
    /// 1 to 100 on a page; 20 if it is left out.
    #[arg(long)]
    size: Option<String>,
}

pub(super) async fn list(asked: &List, client: &Client, output: Output) -> Result<bool, ClientFault> {
    let query = [
        ("type", asked.kind.as_deref()),
        ("status", asked.status.as_deref()),
        ("provider", asked.provider.as_deref()),
        ("study_id", asked.study.as_deref()),
        ("q", asked.query.as_deref()),
        ("sort", asked.sort.as_deref()),
        ("page", asked.page.as_deref()),
        ("size", asked.size.as_deref()),
    ];
    let answer = client.get(&[], &query).await?;
    let columns = [
        ("ID", "/id"),
        ("NAME", "/name"),
        ("TYPE", "/type"),
        ("PROVIDER", "/provider"),
        ("STATUS", "/status"),
        ("LAST SYNC", "/last_sync"),
    ];
    let empty = "There are none. Next: hilum integrations create --name NAME --type TYPE --set …";
    output.list(&answer.body, &columns, (empty, ""))?;
    Ok(true)
}

/// Which changes.
#[derive(Args)]
pub(super) struct History {
    /// The integration's id: int_…
    #[arg(value_parser = super::super::id)]
    id: String,
    /// Changes before this version.
    #[arg(long, value_name = "VERSION")]
    before: Option<String>,
    /// 1 to 100; 20 if it is left out.
    #[arg(long)]
    limit: Option<String>,
}

pub(super) async fn history(asked: &History, client: &Client, output: Output) -> Result<bool, ClientFault> {
    let query = [("before", asked.before.as_deref()), ("limit", asked.limit.as_deref())];
    let mut answer = client.get(&[&asked.id, "audit"], &query).await?;
    let columns = [
        ("VERSION", "/version"),
        ("WHEN", "/timestamp"),
        ("WHAT", "/act"),
        ("WHO", "/user"),
        ("WHY", "/reason"),
    ];
    let has_more = answer.body.get("has_more").and_then(Value::as_bool) == Some(true);
    if output.is_json() {
        output.document(&answer.body)?;
        return Ok(true);
    }
    let changes = answer.body.get_mut("changes").map(Value::take).unwrap_or_default();
    let last = changes.as_array().and_then(|changes| changes.last()?.get("version")?.as_i64());
    let oldest = last.unwrap_or_default();
    let after = if has_more { format!("There is more: --before {oldest}") } else { String::new() };
    output.list(&json!({"items": changes}), &columns, ("Nothing is on record before that.", &after))?;
    Ok(true)
}
