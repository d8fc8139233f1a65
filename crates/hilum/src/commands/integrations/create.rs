//! An integration is registered.

use clap::Args;
use http::Method;
use kernel::{Integration, World};
use serde_json::{Value, json};

use super::{show, stated::Stated};
use crate::client::{Client, ClientFault, Output};

/// What it is.
#[derive(Args)]
pub(super) struct Create {
    /// Its name, the only one of its organisation.
    #[arg(long)]
    name: String,
    /// What sort of system it is: edc, sftp, api, cloud_storage, notification, webhook, fhir, hl7v2.
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,
    /// An entry of the catalogue (`hilum integrations providers`), or custom.
    #[arg(long, default_value = "custom")]
    provider: String,
    /// One key for one integration: run again with the same key, nothing is made twice. Drawn where it is left out.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    stated: Stated,
}

pub(super) async fn create(
    asked: &Create,
    client: &Client,
    output: Output,
    world: &World,
) -> Result<bool, ClientFault> {
    let mut body = asked.stated.body()?;
    body.entry("config").or_insert_with(|| json!({}));
    body.insert("name".to_owned(), json!(asked.name));
    body.insert("type".to_owned(), json!(asked.kind));
    body.insert("provider".to_owned(), json!(asked.provider));
    let key = asked.idempotency_key.clone().unwrap_or_else(|| world.new_id::<Integration>().to_string());
    let ask = client.ask(Method::POST, &[]).with("idempotency-key", &key)?.json(&Value::Object(body));
    let answer = client.send(ask).await.map_err(|fault| again(fault, &key))?;
    show(&answer.body, output, "")
}

/// Where it is not known whether it was made, the same key makes asking again safe.
fn again(fault: ClientFault, key: &str) -> ClientFault {
    match fault {
        ClientFault::Unreached(why) => ClientFault::Unreached(format!(
            "{why}\nIt is safe to run it again with --idempotency-key {key}: nothing is made twice"
        )),
        other => other,
    }
}
