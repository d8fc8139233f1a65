//! Who we are: by a key, a password, or both.  RFC 4252, RFC 4256

use std::sync::Arc;

use kernel::Secret;
use russh::{
    MethodKind,
    client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Interactive},
    keys::{HashAlg, PrivateKeyWithHashAlg, decode_secret_key},
};
use tokio::time::timeout;

use super::{Directory, HANDSHAKE_TIMEOUT, Proof, reach::Guard};
use crate::connector::PullFault;

/// Questions that a server may ask one after the other.
const QUESTIONS_MAX: usize = 3;

const UNKNOWN: PullFault = PullFault::last("the server does not know our credential");
const BROKEN: PullFault = PullFault::again("the connection to the source broke off");

/// Say who we are.
pub(super) async fn sign_in(directory: &Directory, handle: &mut Handle<Guard>) -> Result<(), PullFault> {
    let signed = timeout(HANDSHAKE_TIMEOUT, by_all(directory, handle)).await;
    signed.unwrap_or(Err(PullFault::again("the server does not answer in time")))
}

async fn by_all(directory: &Directory, handle: &mut Handle<Guard>) -> Result<(), PullFault> {
    let Proof { password, private_key, .. } = &directory.proof;
    let mut told = None;
    if private_key.is_some() {
        match by_key(directory, handle).await? {
            AuthResult::Success => return Ok(()),
            AuthResult::Failure { remaining_methods, partial_success } => {
                told = Some((remaining_methods, partial_success));
            }
        }
    }
    let Some(password) = password else {
        return match told {
            Some((_, true)) => Err(PullFault::last("the server wants a password beside the key")),
            Some(_) => Err(UNKNOWN),
            None => Err(PullFault::last("no credential is set")),
        };
    };
    let plain = handle.authenticate_password(directory.username.as_str(), password.expose().as_str()).await;
    match plain.map_err(|_| BROKEN)? {
        AuthResult::Success => Ok(()),
        AuthResult::Failure { remaining_methods, .. }
            if remaining_methods.contains(&MethodKind::KeyboardInteractive) =>
        {
            by_question(directory, handle, password).await
        }
        AuthResult::Failure { .. } => Err(UNKNOWN),
    }
}

async fn by_key(directory: &Directory, handle: &mut Handle<Guard>) -> Result<AuthResult, PullFault> {
    const UNREADABLE: PullFault =
        PullFault::last("credentials.private_key cannot be read: is its passphrase set, and right?");
    let Proof { private_key: Some(text), passphrase, .. } = &directory.proof else { return Err(UNREADABLE) };
    // Opening a key takes long on purpose: it must not hold others up.
    let (text, passphrase) = (text.clone(), passphrase.clone());
    let opened = tokio::task::spawn_blocking(move || {
        decode_secret_key(text.expose(), passphrase.as_ref().map(|word| word.expose().as_str()))
    });
    let key = opened.await.map_err(|_| UNREADABLE)?.map_err(|_| UNREADABLE)?;
    let hash = match key.algorithm().is_rsa() {
        // A server that does not say what it takes takes SHA-256; SHA-1 is not offered.  RFC 8332 §3.3
        true => {
            let said = handle.best_supported_rsa_hash().await.map_err(|_| BROKEN)?;
            Some(said.flatten().unwrap_or(HashAlg::Sha256))
        }
        false => None,
    };
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
    handle.authenticate_publickey(directory.username.as_str(), key).await.map_err(|_| BROKEN)
}

/// Servers that ask for the password with a question of their own.
async fn by_question(
    directory: &Directory,
    handle: &mut Handle<Guard>,
    password: &Secret<String>,
) -> Result<(), PullFault> {
    let asked = handle.authenticate_keyboard_interactive_start(directory.username.as_str(), None).await;
    let mut asked = asked.map_err(|_| BROKEN)?;
    for _ in 0..QUESTIONS_MAX {
        match asked {
            Interactive::Success => return Ok(()),
            Interactive::Failure { .. } => return Err(UNKNOWN),
            Interactive::InfoRequest { prompts, .. } => {
                // Whatever is to be shown while it is typed is no password.
                if prompts.len() > 1 || prompts.iter().any(|prompt| prompt.echo) {
                    return Err(PullFault::last("the server asks for more than a password"));
                }
                let answers = prompts.iter().map(|_| password.expose().clone()).collect();
                let next = handle.authenticate_keyboard_interactive_respond(answers).await;
                asked = next.map_err(|_| BROKEN)?;
            }
        }
    }
    Err(UNKNOWN)
}
