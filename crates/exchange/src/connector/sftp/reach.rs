//! The way to a server: its name, a connection, its key, who we are, the file protocol.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
    time::Duration,
};

use kernel::{Timestamp, World};
use outbound::Unreached;
use russh::{
    Preferred, SshId,
    client::{self, Config, Handle},
    keys::{Algorithm, PublicKeyOrCertificate},
};
use russh_sftp::client::{Config as SftpConfig, RawSftpSession};
use tokio::{net::TcpStream, time::timeout};

use super::{Directory, HANDSHAKE_TIMEOUT, HostKey, REQUEST_TIMEOUT_S, hand::SftpHand, sign_in::sign_in};
use crate::connector::{Findings, Outcome, PullFault, StepName, look::words, way::NO_CONNECTION};

/// How we call ourselves.  RFC 4253 §4.2
const CALLED: &str = "SSH-2.0-hilum";
/// A connection on which nothing is said for so long is over.
const SILENCE_MAX: Duration = Duration::from_secs(60);

const UNSET: PullFault = PullFault::last(
    "no host key is set: compare the one that the test shows with what the server's operator says, and set it as config.host_key",
);
const OTHER_KEY: PullFault = PullFault::last("the server shows another host key than the one that is set");
const NO_SSH: PullFault = PullFault::again("no SSH connection comes about: is this an SSH server?");

/// Looks at the key of the server before anything is said of us.
pub(super) struct Guard {
    known: Option<HostKey>,
    met: Arc<OnceLock<HostKey>>,
}

impl client::Handler for Guard {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        // Certificates of hosts are not asked for.
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else { return Ok(false) };
        let met = HostKey::of(key);
        let is_known = self.known.as_ref() == Some(&met);
        // It is shown again when keys are changed later on.
        let first = self.met.get_or_init(|| met.clone());
        Ok(is_known && *first == met)
    }
}

fn config() -> Config {
    let preferred = Preferred {
        // Signatures by SHA-1 prove nothing.
        key: Cow::Owned(
            Preferred::DEFAULT
                .key
                .iter()
                .filter(|algorithm| !matches!(algorithm, Algorithm::Rsa { hash: None }))
                .cloned()
                .collect(),
        ),
        ..Preferred::DEFAULT
    };
    Config {
        client_id: SshId::Standard(Cow::Borrowed(CALLED)),
        preferred,
        inactivity_timeout: Some(SILENCE_MAX),
        ..Config::default()
    }
}

/// A connection that is encrypted to the server that is meant; or why there is none, and the key that was shown.
async fn encrypted(
    directory: &Directory,
    stream: TcpStream,
) -> Result<Handle<Guard>, (PullFault, Option<HostKey>)> {
    let met = Arc::new(OnceLock::new());
    let guard = Guard { known: directory.host_key.clone(), met: Arc::clone(&met) };
    let connected =
        timeout(HANDSHAKE_TIMEOUT, client::connect_stream(Arc::new(config()), stream, guard)).await;
    let fault = match connected {
        Ok(Ok(handle)) => return Ok(handle),
        Ok(Err(fault)) => {
            tracing::debug!(%fault, "no SSH connection");
            NO_SSH
        }
        Err(_) => PullFault::again("the server does not agree on keys in time"),
    };
    let met = met.get().cloned();
    match (&met, &directory.host_key) {
        (Some(_), None) => Err((UNSET, met)),
        (Some(shown), Some(known)) if shown != known => Err((OTHER_KEY, met)),
        _ => Err((fault, met)),
    }
}

async fn connected(directory: &Directory) -> Result<TcpStream, PullFault> {
    let door = directory.paced.outbound().look_up_host(&directory.host, directory.port).await;
    let door = door.map_err(unreached)?;
    door.connect().await.map_err(unreached)
}

const fn unreached(why: Unreached) -> PullFault {
    match why {
        Unreached::Refused(_) => PullFault::last("the source's address is not allowed here"),
        Unreached::NoAddress => PullFault::again("the host's name has no address"),
        Unreached::NoConnection => PullFault::again(NO_CONNECTION),
    }
}

/// The file protocol on an encrypted connection.
async fn files(handle: Handle<Guard>) -> Result<(Handle<Guard>, RawSftpSession), PullFault> {
    const NO_SFTP: PullFault = PullFault::last("the server does not let us use SFTP");
    let opened = timeout(HANDSHAKE_TIMEOUT, async {
        let channel = handle.channel_open_session().await.map_err(|_| NO_SFTP)?;
        channel.request_subsystem(true, "sftp").await.map_err(|_| NO_SFTP)?;
        let config = SftpConfig { request_timeout_secs: REQUEST_TIMEOUT_S, ..SftpConfig::default() };
        let sftp = RawSftpSession::new_with_config(channel.into_stream(), config);
        sftp.init().await.map_err(|_| NO_SFTP)?;
        Ok(sftp)
    });
    let sftp = opened.await.unwrap_or(Err(PullFault::again("the server does not answer in time")))?;
    Ok((handle, sftp))
}

/// All of it at once.
pub(super) async fn reach(directory: &Directory) -> Result<SftpHand, PullFault> {
    // Nobody is met without a key to know them by.
    if directory.host_key.is_none() {
        return Err(UNSET);
    }
    let turn = directory.paced.enter().await?;
    let reached = async {
        let stream = connected(directory).await?;
        let mut handle = encrypted(directory, stream).await.map_err(|(fault, _)| fault)?;
        sign_in(directory, &mut handle).await?;
        files(handle).await
    };
    match reached.await {
        Ok(session) => Ok(SftpHand::new(session, directory, turn)),
        Err(fault) => {
            directory.paced.leave(turn).await;
            Err(fault)
        }
    }
}

/// Step by step, for a test.
pub(super) async fn try_reach(
    directory: &Directory,
    world: &World,
    findings: &mut Findings,
) -> Option<SftpHand> {
    let began = world.now();
    let turn = match directory.paced.enter().await {
        Ok(turn) => turn,
        Err(fault) => {
            findings.tell(StepName::Connection, (world, began), (Outcome::Failed, words(&fault)));
            return None;
        }
    };
    match steps(directory, world, findings).await {
        Some(session) => Some(SftpHand::new(session, directory, turn)),
        None => {
            directory.paced.leave(turn).await;
            None
        }
    }
}

async fn steps(
    directory: &Directory,
    world: &World,
    findings: &mut Findings,
) -> Option<(Handle<Guard>, RawSftpSession)> {
    let mut tell = |name, began: Timestamp, said: (Outcome, &'static str)| {
        findings.tell(name, (world, began), said);
        (said.0 != Outcome::Failed).then_some(())
    };
    let began = world.now();
    let door = directory.paced.outbound().look_up_host(&directory.host, directory.port).await;
    let said = match &door {
        Ok(_) => (Outcome::Passed, "the host has an address"),
        Err(Unreached::Refused(_)) => {
            (Outcome::Failed, "the address is not one that may be called from here")
        }
        Err(_) => (Outcome::Failed, "the host's name has no address: look whether it is spelt right"),
    };
    tell(StepName::Name, began, said)?;
    let began = world.now();
    let stream = door.ok()?.connect().await;
    let said = match &stream {
        Ok(_) => (Outcome::Passed, "the host takes connections"),
        Err(_) => (
            Outcome::Failed,
            "nobody takes connections there: is the server running, does a firewall let us through?",
        ),
    };
    tell(StepName::Connection, began, said)?;
    let began = world.now();
    let handle = encrypted(directory, stream.ok()?).await;
    let said = match &handle {
        Ok(_) => (Outcome::Passed, "the server has the host key that is set"),
        Err((fault, _)) => (Outcome::Failed, words(fault)),
    };
    let goes_on = tell(StepName::HostKey, began, said);
    let mut handle = match handle {
        Ok(handle) => handle,
        Err((_, met)) => {
            findings.host_key = met.map(|met| met.to_string());
            return None;
        }
    };
    findings.host_key = directory.host_key.as_ref().map(ToString::to_string);
    goes_on?;
    let began = world.now();
    let session = match sign_in(directory, &mut handle).await {
        Ok(()) => files(handle).await,
        Err(fault) => Err(fault),
    };
    let said = match &session {
        Ok(_) => (Outcome::Passed, "the server knows us, and lets us use SFTP"),
        Err(fault) => (Outcome::Failed, words(fault)),
    };
    findings.tell(StepName::SignIn, (world, began), said);
    session.ok()
}
