//! An integration is changed, in the parts that are named.

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use super::{show, stated::Stated, tag_of};
use crate::client::{Client, ClientFault, Output};

/// What changes.
#[derive(Args)]
pub(super) struct Update {
    /// Its id: int_…
    #[arg(value_parser = super::super::id)]
    id: String,
    /// A new name.
    #[arg(long)]
    name: Option<String>,
    /// A credential that is taken away. May be repeated.
    #[arg(long = "clear-credential", value_name = "NAME")]
    cleared: Vec<String>,
    /// Take all studies away.
    #[arg(long, conflicts_with = "studies")]
    no_studies: bool,
    /// The version that is changed, as its ETag says; the newest where it is left out.
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
    #[command(flatten)]
    stated: Stated,
}

pub(super) async fn update(asked: &Update, client: &Client, output: Output) -> Result<bool, ClientFault> {
    let mut patch = asked.stated.body()?;
    if let Some(name) = &asked.name {
        patch.insert("name".to_owned(), json!(name));
    }
    if asked.no_studies {
        patch.insert("study_ids".to_owned(), Value::Null);
    }
    if !asked.cleared.is_empty() {
        let credentials = patch.entry("credentials").or_insert_with(|| json!({}));
        for name in &asked.cleared {
            if let Some(members) = credentials.as_object_mut() {
                members.insert(name.clone(), Value::Null);
            }
        }
    }
    if patch.keys().all(|name| name == "reason") {
        return Err(ClientFault::unusable(
            "nothing is to be changed: see `hilum integrations update --help`".to_owned(),
        ));
    }
    let tag = match &asked.if_match {
        Some(tag) => tag.clone(),
        None => tag_of(client, &asked.id).await?,
    };
    let ask =
        client.ask(Method::PATCH, &[&asked.id]).with("if-match", &tag)?.merge_patch(&Value::Object(patch));
    let answer = client.send(ask).await?;
    show(&answer.body, output, "")
}
