//! `hilum webhooks`: what happens, told to others, as who receives it sets it up and looks after it (docs/webhooks.md).

use std::{collections::BTreeMap, process::ExitCode};

use clap::{Args, Subcommand};
use kernel::World;

use super::ended;
use crate::client::{Client, ClientFault, Output, Reach};

mod deliveries;
mod endpoints;
mod forward;
mod listen;

/// What to do, where and as whom.
#[derive(Args)]
pub(super) struct Webhooks {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Where events are sent.
    Endpoints(endpoints::Endpoints),
    /// What an endpoint was told, and what it is still to be told.
    Deliveries(deliveries::Deliveries),
    /// Tell an endpoint again: one event, those that failed, or all since some time.
    Replay(deliveries::Replay),
    /// List what can happen.
    EventTypes,
    /// Hear of events as they happen, and pass them on to an address of this machine, signed. Ctrl-C ends it and leaves nothing behind.
    Listen(listen::Listen),
}

/// 0: done; 1: done, and the answer is no; the rest as `docs/command-line.md` says.
pub(super) async fn run(asked: Webhooks, environment: &BTreeMap<String, String>, world: &World) -> ExitCode {
    let output = asked.reach.output();
    let done = async {
        let client = asked.reach.client(environment)?;
        act(asked.act, &client, output, world).await
    };
    ended(done.await, output)
}

async fn act(asked: Act, client: &Client, output: Output, world: &World) -> Result<bool, ClientFault> {
    match asked {
        Act::Endpoints(asked) => endpoints::act(asked, client, output, world).await,
        Act::Deliveries(asked) => deliveries::act(asked, client, output).await,
        Act::Replay(asked) => deliveries::replay(asked, client, output).await,
        Act::EventTypes => {
            let answer = client.get(&["webhooks", "event-types"], &[]).await?;
            output.list(
                &answer.body,
                &[("TYPE", "/name"), ("WHAT", "/description")],
                ("Nothing can happen.", ""),
            )?;
            Ok(true)
        }
        Act::Listen(asked) => listen::listen(&asked, client, output, world).await,
    }
}
