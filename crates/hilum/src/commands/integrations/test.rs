//! A connection is tested.

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
