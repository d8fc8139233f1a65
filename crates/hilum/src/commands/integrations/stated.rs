//! What a person states of an integration on the command line.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use super::super::named_file;
use crate::client::{ClientFault, json_from, secret_from};

/// The parts that a new integration and a change have in common.
#[derive(Args)]
pub(super) struct Stated {
    /// A file with the configuration as a JSON object; - for standard input.
    #[arg(long, value_name = "FILE")]
    config_file: Option<PathBuf>,
    /// A member of the configuration: base_url=https://…; what reads as JSON is JSON (port=22, resource_types=["Patient"]). May be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    members: Vec<(String, Value)>,
    /// A credential and the file that holds it: token=FILE; - for standard input. May be repeated.
    #[arg(long = "credential", value_name = "NAME=FILE", value_parser = named_file)]
    credentials: Vec<(String, PathBuf)>,
    /// How often records are fetched: manual, "every 4 hours", "daily at 08:00 UTC", or cron with a time zone.
    #[arg(long, value_name = "WORDS")]
    frequency: Option<String>,
    /// The id of a study that it belongs to. May be repeated.
    #[arg(long = "study", value_name = "ID")]
    studies: Vec<String>,
    /// Why; on record for ever.
    #[arg(long)]
    reason: Option<String>,
}

/// `NAME=VALUE`; a value that is no JSON is a text.
fn pair(text: &str) -> Result<(String, Value), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((
            name.to_owned(),
            serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned())),
        )),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

impl Stated {
    /// The members of a body that this states.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub(super) fn body(&self) -> Result<Map<String, Value>, ClientFault> {
        let mut body = Map::new();
        let mut config = match &self.config_file {
            None => Map::new(),
            Some(file) => match json_from(file)? {
                Value::Object(members) => members,
                _ => {
                    return Err(ClientFault::unusable(format!(
                        "{}: a configuration is a JSON object",
                        file.display()
                    )));
                }
            },
        };
        config.extend(self.members.iter().cloned());
        if !config.is_empty() {
            body.insert("config".to_owned(), Value::Object(config));
        }
        let mut credentials = Map::new();
        for (name, file) in &self.credentials {
            credentials.insert(name.clone(), Value::String(secret_from(file)?.expose().clone()));
        }
        if !credentials.is_empty() {
            body.insert("credentials".to_owned(), Value::Object(credentials));
        }
        if !self.studies.is_empty() {
            body.insert("study_ids".to_owned(), json!(self.studies));
        }
        for (name, value) in [("sync_frequency", &self.frequency), ("reason", &self.reason)] {
            if let Some(value) = value {
                body.insert(name.to_owned(), json!(value));
            }
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_json_where_it_reads_as_json() {
        for (text, name, value) in [
            ("port=22", "port", json!(22)),
            ("base_url=https://a.example/?x=1", "base_url", json!("https://a.example/?x=1")),
            ("resource_types=[\"Patient\"]", "resource_types", json!(["Patient"])),
            ("api_version=\"1\"", "api_version", json!("1")),
            ("gone=null", "gone", Value::Null),
            ("empty=", "empty", json!("")),
        ] {
            assert_eq!(pair(text), Ok((name.to_owned(), value)));
        }
        assert!(pair("port").is_err() && pair("=22").is_err());
        assert!(named_file("token").is_err() && named_file("token=").is_err());
    }
}
