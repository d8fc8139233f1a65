//! `hilum keys`: the keys that sign tokens, and new ones before their time.

use auth::keys;
use clap::{Args, Subcommand};

use super::{Start, say};
use crate::wire::House;

/// What to do with the keys.
#[derive(Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Print every key: algorithm, state, since when (seconds since 1970), name.
    List,
    /// Publish a new key of every algorithm now. Each signs as soon as everybody can have it, and the old one is kept as long
    /// as a token of it may be alive. Nodes that run hear of it.
    Rotate,
}

pub(super) async fn run(asked: Keys, start: Start) -> anyhow::Result<()> {
    let house = House::open(&start.loaded.config, &start.world).await?;
    match asked.act {
        Act::List => {
            for key in keys::list(&house.auth).await? {
                let (algorithm, state) = (key.algorithm.as_str(), key.state.as_str());
                let (since, kid) = (key.since.as_seconds(), key.kid.as_deref().unwrap_or("-"));
                say(format_args!("{algorithm:<6} {state:<9} {since:>12} {kid}"))?;
            }
        }
        Act::Rotate => {
            let made = keys::rotate(&house.auth).await?;
            let minutes = keys::PUBLISHED_BEFORE.as_secs() / 60;
            say(format_args!("{made} published; a serving node lets them sign after {minutes} minutes."))?;
        }
    }
    house.close().await;
    Ok(())
}
