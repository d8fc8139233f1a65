//! Where events are sent.

use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use http::{Method, header};
use kernel::{Integration, World};
use serde_json::{Map, Value, json};

use crate::client::{Client, ClientFault, Output, secret_from};

/// What to do with endpoints.
#[derive(Args)]
pub(super) struct Endpoints {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// List them.
    List {
        /// Only those that stand so: enabled, paused, disabled.
        #[arg(long)]
        state: Option<String>,
        /// Whose name or address has this in it.
        #[arg(long, short, value_name = "TEXT")]
        query: Option<String>,
        /// From 1.
        #[arg(long)]
        page: Option<String>,
        /// 1 to 100 on a page; 20 if it is left out.
        #[arg(long)]
        size: Option<String>,
    },
    /// Show one.
    Show {
        /// Its id.
        #[arg(value_parser = super::super::id)]
        id: String,
    },
    /// Make one. Its secret is shown once, or written to a file.
    Create {
        /// What people call it.
        #[arg(long)]
        name: String,
        /// Where events are sent.
        #[arg(long, value_name = "URL")]
        to: String,
        /// One key for one endpoint: run again with the same key, nothing is made twice. Drawn where it is left out.
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
        #[command(flatten)]
        stated: Stated,
        #[command(flatten)]
        kept: Kept,
    },
    /// Change one: what is named is changed.
    Update {
        /// Its id.
        #[arg(value_parser = super::super::id)]
        id: String,
        /// A new name.
        #[arg(long)]
        name: Option<String>,
        /// Where events are sent from now on.
        #[arg(long, value_name = "URL")]
        to: Option<String>,
        #[command(flatten)]
        stated: Stated,
    },
    /// Delete one, and whatever it was still to be told.
    Delete {
        /// Its id.
        #[arg(value_parser = super::super::id)]
        id: String,
    },
    /// Draw new keys; those of before sign beside them for a while.
    RotateSecret {
        /// Its id.
        #[arg(value_parser = super::super::id)]
        id: String,
        /// For how many seconds the keys of before go on signing; 0 if somebody has stolen them. A day if it is left out.
        #[arg(long)]
        overlap_s: Option<String>,
        #[command(flatten)]
        kept: Kept,
    },
    /// Tell one an event that is only a test.
    Test {
        /// Its id.
        #[arg(value_parser = super::super::id)]
        id: String,
    },
    /// Show how one does. 0: it is told; 1: it is disabled, or calls fail.
    Health {
        /// Its id.
        #[arg(value_parser = super::super::id)]
        id: String,
    },
}

/// What new ones and changes have in common.
#[derive(Args)]
struct Stated {
    /// A type of events, or connection.* for all that begin so; all if it is left out. May be repeated.
    #[arg(long = "event-type", value_name = "TYPE")]
    event_types: Vec<String>,
    /// The id of a study: only events that name it. May be repeated.
    #[arg(long = "study", value_name = "ID")]
    studies: Vec<String>,
    /// The id of an integration: only events that name it. May be repeated.
    #[arg(long = "integration", value_name = "ID")]
    integrations: Vec<String>,
    /// subject: an event waits for those before it about the same subject; none: it does not.
    #[arg(long)]
    order: Option<String>,
    /// How long a call may take, in seconds: 1 to 20.
    #[arg(long)]
    timeout_s: Option<u64>,
    /// A header field that goes with each call, and the file that holds its value. May be repeated.
    #[arg(long = "header", value_name = "NAME=FILE", value_parser = super::super::named_file)]
    headers: Vec<(String, PathBuf)>,
    /// enabled, or paused: then events wait.
    #[arg(long)]
    state: Option<String>,
}

/// Where a secret goes that is shown once.
#[derive(Args)]
struct Kept {
    /// A new file for the secret, that nobody else may read; without it, the secret is printed.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl Stated {
    fn body(&self) -> Result<Map<String, Value>, ClientFault> {
        let mut body = Map::new();
        for (name, list) in [
            ("event_types", &self.event_types),
            ("studies", &self.studies),
            ("integrations", &self.integrations),
        ] {
            if !list.is_empty() {
                body.insert(name.to_owned(), json!(list));
            }
        }
        for (name, text) in [("order", &self.order), ("state", &self.state)] {
            if let Some(text) = text {
                body.insert(name.to_owned(), json!(text));
            }
        }
        if let Some(timeout_s) = self.timeout_s {
            body.insert("timeout_s".to_owned(), json!(timeout_s));
        }
        let mut headers = Map::new();
        for (name, file) in &self.headers {
            headers.insert(name.clone(), Value::String(secret_from(file)?.expose().clone()));
        }
        if !headers.is_empty() {
            body.insert("headers".to_owned(), Value::Object(headers));
        }
        Ok(body)
    }
}

const PLACE: &str = "webhooks";

pub(super) async fn act(
    asked: Endpoints,
    client: &Client,
    output: Output,
    world: &World,
) -> Result<bool, ClientFault> {
    match asked.act {
        Act::List { state, query, page, size } => {
            let query = [
                ("state", state.as_deref()),
                ("q", query.as_deref()),
                ("page", page.as_deref()),
                ("size", size.as_deref()),
            ];
            let answer = client.get(&[PLACE], &query).await?;
            let columns = [
                ("ID", "/id"),
                ("NAME", "/name"),
                ("STATE", "/state"),
                ("ADDRESS", "/url"),
                ("EVENTS", "/event_types"),
            ];
            let empty = "There are none. Next: hilum webhooks endpoints create --name NAME --to URL";
            output.list(&answer.body, &columns, (empty, ""))?;
        }
        Act::Show { id } => show(&client.get(&[PLACE, &id], &[]).await?.body, output)?,
        Act::Create { name, to, idempotency_key, stated, kept } => {
            let mut body = stated.body()?;
            body.insert("name".to_owned(), json!(name));
            body.insert("url".to_owned(), json!(to));
            let key = idempotency_key.unwrap_or_else(|| world.new_id::<Integration>().to_string());
            kept.check()?;
            let ask =
                client.ask(Method::POST, &[PLACE]).with("idempotency-key", &key)?.json(&Value::Object(body));
            kept.tell(client.send(ask).await?.body, output)?;
        }
        Act::Update { id, name, to, stated } => {
            let mut patch = stated.body()?;
            for (name, value) in [("name", name), ("url", to)] {
                if let Some(value) = value {
                    patch.insert(name.to_owned(), Value::String(value));
                }
            }
            if patch.is_empty() {
                return Err(ClientFault::unusable(
                    "nothing is to be changed: see `hilum webhooks endpoints update --help`".to_owned(),
                ));
            }
            let there = client.get(&[PLACE, &id], &[]).await?;
            let tag = there.header(&header::ETAG).ok_or_else(ClientFault::not_hilum)?;
            let ask = client
                .ask(Method::PATCH, &[PLACE, &id])
                .with("if-match", tag)?
                .merge_patch(&Value::Object(patch));
            show(&client.send(ask).await?.body, output)?;
        }
        Act::Delete { id } => {
            client.send(client.ask(Method::DELETE, &[PLACE, &id])).await?;
            output.done("It is deleted, and told nothing more.")?;
        }
        Act::RotateSecret { id, overlap_s, kept } => {
            kept.check()?;
            let query = [("overlap_s", overlap_s.as_deref())];
            let ask = client.ask_for(Method::POST, &[PLACE, &id, "rotate-secret"], &query);
            kept.tell(client.send(ask).await?.body, output)?;
        }
        Act::Test { id } => {
            let answer = client.post(&[PLACE, &id, "test"]).await?.body;
            let event = answer.get("event_id").and_then(Value::as_str).unwrap_or_default();
            output.thing(
                &answer,
                &[("event", "/event_id")],
                &format!("Next: hilum webhooks deliveries show {id} {event}"),
            )?;
        }
        Act::Health { id } => return health(&id, client, output).await,
    }
    Ok(true)
}

async fn health(id: &str, client: &Client, output: Output) -> Result<bool, ClientFault> {
    let answer = &client.get(&[PLACE, id, "health"], &[]).await?.body;
    let is_good =
        answer["state"] != "disabled" && answer["failures_in_a_row"].as_i64().unwrap_or_default() == 0;
    let fields = [
        ("state", "/state"),
        ("reason", "/reason"),
        ("waiting", "/pending"),
        ("calls of a day", "/calls"),
        ("taken", "/success_rate"),
        ("95% within ms", "/p95_ms"),
        ("failed in a row", "/failures_in_a_row"),
        ("failing since", "/failing_since"),
        ("last failure", "/last_failure"),
    ];
    let next = match (is_good, answer["state"] == "disabled") {
        (true, _) => String::new(),
        (false, true) => {
            format!("Next: mend the receiver, then hilum webhooks endpoints update {id} --state enabled")
        }
        (false, false) => format!("Next: hilum webhooks deliveries list {id} --state pending"),
    };
    output.thing(answer, &fields, &next)?;
    Ok(is_good)
}

fn show(of: &Value, output: Output) -> Result<(), ClientFault> {
    let fields = [
        ("id", "/id"),
        ("name", "/name"),
        ("address", "/url"),
        ("state", "/state"),
        ("reason", "/reason"),
        ("events", "/event_types"),
        ("studies", "/studies"),
        ("integrations", "/integrations"),
        ("order", "/order"),
        ("seconds", "/timeout_s"),
        ("headers", "/headers"),
        ("public key", "/public_keys/0/key"),
        ("secret", "/secret"),
        ("version", "/version"),
    ];
    let id = of["id"].as_str().unwrap_or_default();
    output.thing(of, &fields, &format!("Next: hilum webhooks endpoints test {id}"))
}

impl Kept {
    /// Before anything is made: a secret that could not be kept would be lost.
    fn check(&self) -> Result<(), ClientFault> {
        match &self.secret_file {
            Some(file) if file.exists() => Err(ClientFault::unusable(format!(
                "{}: is there already, and is not overwritten: name another file",
                file.display()
            ))),
            _ => Ok(()),
        }
    }

    fn tell(&self, mut made: Value, output: Output) -> Result<(), ClientFault> {
        let Some(file) = &self.secret_file else { return show(&made, output) };
        if let Some(Value::String(secret)) = made.as_object_mut().and_then(|members| members.remove("secret"))
        {
            write_new(file, &secret).map_err(|fault| {
                let shown = file.display();
                ClientFault::unusable(format!("{shown}: {fault}; the endpoint is made: draw new keys with `rotate-secret` and another file"))
            })?;
        }
        show(&made, output)?;
        output.done(&format!("Its secret is in {}.", file.display()))
    }
}

fn write_new(file: &Path, secret: &str) -> std::io::Result<()> {
    let mut new = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    writeln!(new, "{secret}")
}
