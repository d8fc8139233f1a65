//! A connection is tested, and the tests of before are listed.

use clap::Args;
use serde_json::Value;

use crate::client::{Client, ClientFault, Output};

pub(super) async fn test(id: &str, client: &Client, output: Output) -> Result<bool, ClientFault> {
    let answer = &client.post(&[id, "test"]).await?.body;
    let status = answer["status"].as_str().unwrap_or_default();
    let is_good = matches!(status, "success" | "warning");
    if output.is_json() {
        output.document(answer)?;
        return Ok(is_good);
    }
    let steps =
        serde_json::json!({"items": answer.pointer("/details/steps").cloned().unwrap_or(Value::Null)});
    let columns = [("STEP", "/name"), ("RESULT", "/outcome"), ("MS", "/duration_ms"), ("", "/message")];
    output.list(&steps, &columns, ("No step was come to.", ""))?;
    let words = answer["message"].as_str().unwrap_or_default();
    let next = match is_good {
        true => format!("hilum integrations activate {id}"),
        false => format!("mend what is named (hilum integrations update {id} …), then test it again"),
    };
    output.done(&format!("{status}: {words}\nNext: {next}"))?;
    Ok(is_good)
}

/// Which tests.
#[derive(Args)]
pub(super) struct Tests {
    /// The integration's id: int_…
    #[arg(value_parser = super::super::id)]
    id: String,
    /// 1 to 100; 20 if it is left out.
    #[arg(long)]
    limit: Option<String>,
    /// Where the page begins: what the page before has named.
    #[arg(long)]
    cursor: Option<String>,
}

pub(super) async fn tests(asked: &Tests, client: &Client, output: Output) -> Result<bool, ClientFault> {
    let query = [("limit", asked.limit.as_deref()), ("cursor", asked.cursor.as_deref())];
    let answer = client.get(&[&asked.id, "tests"], &query).await?.body;
    let columns = [
        ("WHEN", "/tested_at"),
        ("RESULT", "/status"),
        ("MS", "/details/response_time_ms"),
        ("BY", "/tested_by"),
        ("MESSAGE", "/message"),
    ];
    output.list(&answer, &columns, ("It was not tested yet.", ""))?;
    Ok(true)
}
