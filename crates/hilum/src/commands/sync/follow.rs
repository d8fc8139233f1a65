//! A sync is watched until it ends.

use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tokio::time::sleep;

use super::show;
use crate::client::{Client, ClientFault, Output, shown};

/// How often it is asked how far a sync is.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);
/// How often it may not be told in a row, before the watching ends; the sync goes on.
const FOLLOW_FAULTS_MAX: u32 = 60;
/// The longest pause that a server may ask for, seconds.
const PAUSE_S_MAX: u64 = 60;
/// How often the sign of life moves.
const TICK: Duration = Duration::from_millis(120);

pub(super) async fn follow(job: &str, client: &Client, output: Output) -> Result<bool, ClientFault> {
    let seen = tokio::select! {
        seen = watch(job, client) => seen?,
        _ = tokio::signal::ctrl_c() => {
            let next = format!("the sync goes on. Next: hilum sync status {job} --follow, or hilum sync cancel {job}");
            return Err(ClientFault::Interrupted(next));
        }
    };
    show(&seen, output)?;
    Ok(seen.get("status").and_then(Value::as_str) == Some("done"))
}

/// Ask until it has ended. A server that is away for a while, or starts anew, does not end the watching.
async fn watch(job: &str, client: &Client) -> Result<Value, ClientFault> {
    let told = Told::new();
    let mut faults = 0;
    loop {
        let pause = match client.get(&["sync-jobs", job], &[]).await {
            Ok(answer) => {
                faults = 0;
                told.tell(&answer.body);
                if answer.body.get("finished_at").is_some_and(Value::is_string) {
                    told.clear();
                    return Ok(answer.body);
                }
                FOLLOW_EVERY
            }
            Err(fault) if fault.may_pass() && faults < FOLLOW_FAULTS_MAX => {
                faults += 1;
                told.say("Hilum does not answer; the sync goes on there");
                fault
                    .retry_after_s()
                    .map_or(FOLLOW_EVERY * 2, |wait_s| Duration::from_secs(wait_s.min(PAUSE_S_MAX)))
            }
            Err(fault) => {
                told.clear();
                return Err(fault);
            }
        };
        sleep(pause).await;
    }
}

/// Progress on standard error: moving where that is a terminal, otherwise a line for each new state.
struct Told {
    bar: Option<ProgressBar>,
    last: std::cell::RefCell<String>,
}

impl Told {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(ProgressBar::new_spinner);
        if let Some(bar) = &bar {
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(TICK);
        }
        Self { bar, last: std::cell::RefCell::default() }
    }

    fn tell(&self, of: &Value) {
        let count =
            |name: &str| of.pointer(&format!("/report/{name}")).and_then(Value::as_i64).unwrap_or_default();
        let status = of["status"].as_str().unwrap_or_default();
        let words = format!(
            "{status}: {} received, {} stored, {} unchanged, {} quarantined, {} deleted",
            count("received"),
            count("stored"),
            count("unchanged"),
            count("quarantined"),
            count("deleted")
        );
        match &self.bar {
            Some(_) => self.say(&words),
            None => self.say(status),
        }
    }

    fn say(&self, words: &str) {
        let words = shown(words);
        match &self.bar {
            Some(bar) => bar.set_message(words),
            None if *self.last.borrow() != words => {
                eprintln!("{words}");
                *self.last.borrow_mut() = words;
            }
            None => {}
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
