//! Events are heard as they happen, told in a line each, and passed on. Nothing is made for it at Hilum: the stream alone is read.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use http::Method;
use kernel::{Timestamp, World};
use serde_json::{Value, json};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};

use super::forward::Forward;
use crate::client::{Client, ClientFault, Message, Output};

/// How long a stream may last before it is opened again; Hilum ends it after ten minutes.
const STREAM_LIFE: Duration = Duration::from_secs(15 * 60);
/// The pause before a stream that ended is opened again; it doubles.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest pause, after many tries.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Which events, and where they go.
#[derive(Args)]
pub(super) struct Listen {
    /// An address of this machine that gets each event as an endpoint would, signed; without it, events are only told.
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// A file with the secret that signs (whsec_…); without it one is drawn and told.
    #[arg(long, value_name = "FILE", requires = "to")]
    secret_file: Option<PathBuf>,
    /// A type of events, or connection.* for all that begin so. May be repeated.
    #[arg(long = "event-type", value_name = "TYPE")]
    event_types: Vec<String>,
    /// The id of a study: only events that name it. May be repeated.
    #[arg(long = "study", value_name = "ID")]
    studies: Vec<String>,
    /// The id of an integration: only events that name it. May be repeated.
    #[arg(long = "integration", value_name = "ID")]
    integrations: Vec<String>,
    /// Go on behind this event of an earlier stream, as it was told.
    #[arg(long, value_name = "ID")]
    since: Option<String>,
}

/// What was heard.
struct Heard<'a> {
    output: Output,
    world: &'a World,
    forward: Option<&'a Forward>,
    last: Option<String>,
    passed: u64,
    failed: u64,
}

pub(super) async fn listen(
    asked: &Listen,
    client: &Client,
    output: Output,
    world: &World,
) -> Result<bool, ClientFault> {
    let forward = match &asked.to {
        Some(address) => Some(Forward::to(address, asked.secret_file.as_deref(), world)?),
        None => None,
    };
    if let (Some(forward), None) = (&forward, &asked.secret_file) {
        eprintln!("Verify with {}", forward.secret().expose());
    }
    let told = |_| ClientFault::unusable("signals cannot be heard here".to_owned());
    let mut interrupt = signal(SignalKind::interrupt()).map_err(told)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(told)?;
    let mut heard =
        Heard { output, world, forward: forward.as_ref(), last: asked.since.clone(), passed: 0, failed: 0 };
    tokio::select! {
        ended = heard.all(asked, client) => ended?,
        () = told_to_stop(&mut interrupt, &mut terminate) => {}
    }
    eprintln!(
        "{} events heard, {} of them not taken. Nothing is left behind at Hilum.",
        heard.passed + heard.failed,
        heard.failed
    );
    Ok(true)
}

async fn told_to_stop(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

impl Heard<'_> {
    /// Hear events until that is refused. A stream that ends is opened again where it ended.
    async fn all(&mut self, asked: &Listen, client: &Client) -> Result<(), ClientFault> {
        let list = |names: &[String]| (!names.is_empty()).then(|| names.join(","));
        let (types, studies, integrations) =
            (list(&asked.event_types), list(&asked.studies), list(&asked.integrations));
        let query = [
            ("event_types", types.as_deref()),
            ("studies", studies.as_deref()),
            ("integrations", integrations.as_deref()),
        ];
        let mut pause = PAUSE;
        let mut is_first = true;
        loop {
            let ask = client
                .ask_for(Method::GET, &["events"], &query)
                .with_some("last-event-id", self.last.as_deref())?;
            match client.stream(ask, STREAM_LIFE).await {
                Ok(mut stream) => {
                    if std::mem::take(&mut is_first) {
                        eprintln!("Listening. Ctrl-C ends it.");
                    }
                    while let Some(message) = stream.next().await? {
                        pause = PAUSE;
                        self.take(message).await?;
                    }
                }
                Err(fault) if !fault.may_pass() || is_first => return Err(fault),
                Err(fault) => {
                    eprintln!("The stream is away; it is opened again where it ended.");
                    pause = fault.retry_after_s().map_or(pause, Duration::from_secs).min(PAUSE_MAX);
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn take(&mut self, message: Message) -> Result<(), ClientFault> {
        if message.id.is_some() {
            self.last.clone_from(&message.id);
        }
        let Some(data) = message.data else { return Ok(()) };
        if message.event == "reset" {
            eprintln!(
                "What happened before is kept no longer: look at it where it happened. Listening from now on."
            );
            self.last = None;
            return Ok(());
        }
        let body: Value = serde_json::from_str(&data).map_err(|_| ClientFault::not_hilum())?;
        let id = body.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let began = self.world.now();
        let became = match self.forward {
            Some(forward) => Some(forward.pass(&id, &data, self.world).await),
            None => None,
        };
        let is_taken = became.as_ref().is_none_or(|became| matches!(became, Ok(200..300)));
        if is_taken {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
        self.tell(&body, became, began)
    }

    fn tell(
        &self,
        body: &Value,
        became: Option<Result<u16, &str>>,
        began: Timestamp,
    ) -> Result<(), ClientFault> {
        let took_ms = u64::try_from(self.world.now().since(began).as_millis()).unwrap_or(u64::MAX);
        if self.output.is_json() {
            let forwarded = became.map(|became| match became {
                Ok(status) => json!({"status": status, "duration_ms": took_ms}),
                Err(why) => json!({"error": why, "duration_ms": took_ms}),
            });
            let told = json!({"event": body, "stream_id": self.last, "forwarded": forwarded});
            return self.output.document_line(&told);
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let became = match became {
            None => String::new(),
            Some(Ok(status)) => format!("  → {status} in {took_ms} ms"),
            Some(Err(why)) => format!("  → not taken: {why}"),
        };
        self.output.done(&format!("{}  {}  {}{became}", text("timestamp"), text("type"), text("id")))
    }
}
