//! Jobs that have failed for good: seen, and run again.

use clap::{Args, Subcommand};

use crate::client::{Client, ClientFault, Output};

/// What to do with them.
#[derive(Args)]
pub(super) struct DeadLetters {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// List them, the newest first.
    List {
        /// Where the page begins: what the page before has named.
        #[arg(long)]
        cursor: Option<String>,
        /// 1 to 100; 20 if it is left out.
        #[arg(long)]
        limit: Option<String>,
    },
    /// Let one run again, with all its attempts before it.
    Replay {
        /// The job's id: job_…
        #[arg(value_parser = super::super::id)]
        job: String,
    },
}

pub(super) async fn act(asked: DeadLetters, client: &Client, output: Output) -> Result<bool, ClientFault> {
    match asked.act {
        Act::List { cursor, limit } => {
            let query = [("cursor", cursor.as_deref()), ("limit", limit.as_deref())];
            let answer = client.get(&["dead-letters"], &query).await?;
            let columns = [
                ("ID", "/id"),
                ("WHAT", "/name"),
                ("ATTEMPTS", "/attempts"),
                ("ENDED", "/finished_at"),
                ("WHY", "/last_error"),
            ];
            output.list(
                &answer.body,
                &columns,
                ("No job has failed for good.", "Next: hilum sync dead-letters replay ID"),
            )?;
        }
        Act::Replay { job } => {
            let answer = client.post(&["dead-letters", &job, "replay"]).await?;
            let fields = [("id", "/id"), ("what", "/name"), ("status", "/status"), ("replays", "/replays")];
            output.thing(
                &answer.body,
                &fields,
                "Next: hilum sync dead-letters list shows whether it has failed again",
            )?;
        }
    }
    Ok(true)
}
