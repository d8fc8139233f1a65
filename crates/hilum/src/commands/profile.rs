//! `hilum profile`: which Hilum, and as whom, remembered for the commands that call it.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};

use crate::client::{
    Client, ClientFault, Credential, Output,
    profile::{Profile as Kept, Profiles, USUAL},
    secret_from,
};

/// What to do with profiles.
#[derive(Args)]
pub(super) struct Profile {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Remember an address and an API key or a token, in a file that nobody else may read.
    Set {
        /// What it is called; without it, it is the one that is used where none is named.
        #[arg(long, default_value = USUAL)]
        name: String,
        /// The address of Hilum.
        #[arg(long, value_name = "URL")]
        url: String,
        /// A file that holds an API key as <API Key Id>.<key>; - for standard input.
        #[arg(
            long,
            value_name = "FILE",
            required_unless_present = "token_file",
            conflicts_with = "token_file"
        )]
        api_key_file: Option<PathBuf>,
        /// A file that holds an access token; - for standard input.
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
    },
    /// Print names and addresses.
    List,
    /// Forget one.
    Remove {
        /// Its name.
        name: String,
    },
}

pub(super) fn run(asked: Profile, environment: &BTreeMap<String, String>) -> ExitCode {
    super::ended(done(asked, environment), Output::words())
}

fn done(asked: Profile, environment: &BTreeMap<String, String>) -> Result<bool, ClientFault> {
    let (profiles, output) = (Profiles::usual(environment)?, Output::words());
    let shown = profiles.path().display();
    match asked.act {
        Act::Set { name, url, api_key_file, token_file } => {
            let credential = || {
                Ok(match (&api_key_file, &token_file) {
                    (_, Some(file)) => Credential::Token(secret_from(file)?),
                    (file, None) => Credential::Key(secret_from(&file.clone().unwrap_or_default())?),
                })
            };
            let kept = Kept { url, credential: credential()? };
            // What could not be used later is refused now.
            let again = match &kept.credential {
                Credential::Key(key) => Credential::Key(key.clone()),
                Credential::Token(token) => Credential::Token(token.clone()),
            };
            Client::new(&kept.url, again)?;
            profiles.set(&name, &kept)?;
            output.done(&format!("Remembered in {shown}. Next: hilum integrations list"))?;
        }
        Act::List => {
            for (name, url) in profiles.list()? {
                output.done(&format!("{name}  {url}"))?;
            }
        }
        Act::Remove { name } => {
            if !profiles.remove(&name)? {
                return Err(ClientFault::unusable(format!(
                    "{shown} has no profile of this name: see `hilum profile list`"
                )));
            }
            output.done("Forgotten. The key is good until an administrator deletes it.")?;
        }
    }
    Ok(true)
}
