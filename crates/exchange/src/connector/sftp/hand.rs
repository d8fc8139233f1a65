//! What is done in a directory: listing, reading, putting away.

use futures_util::{StreamExt, stream};
use russh::{Disconnect, client::Handle};
use russh_sftp::{
    client::{RawSftpSession, error::Error},
    protocol::{FileAttributes, OpenFlags, StatusCode},
};

use super::{CHUNK_BYTES, CHUNKS_AT_ONCE, Directory, reach::Guard};
use crate::connector::{
    Paced, PullFault,
    budget::Turn,
    files::{Hand, LISTED_MAX, Listed, Version},
};

/// Somebody who is signed in at a server.
pub struct SftpHand {
    /// Kept, since the connection ends with it.
    handle: Handle<Guard>,
    sftp: RawSftpSession,
    path: String,
    processed: Option<String>,
    paced: Paced,
    turn: Turn,
}

impl SftpHand {
    pub(super) fn new(
        (handle, sftp): (Handle<Guard>, RawSftpSession),
        directory: &Directory,
        turn: Turn,
    ) -> Self {
        let trimmed =
            |path: &str| if path == "/" { String::new() } else { path.trim_end_matches('/').to_owned() };
        Self {
            handle,
            sftp,
            path: trimmed(&directory.path),
            processed: directory.processed.as_deref().map(trimmed),
            paced: directory.paced.clone(),
            turn,
        }
    }

    async fn entries(&self, handle: &str) -> Result<Vec<Listed>, PullFault> {
        let (mut files, mut entries) = (Vec::new(), 0);
        loop {
            let names = match self.sftp.readdir(handle).await {
                Ok(names) => names.files,
                Err(Error::Status(status)) if status.status_code == StatusCode::Eof => return Ok(files),
                Err(fault) => return Err(refused(&fault, "the directory cannot be listed")),
            };
            entries += names.len();
            if entries > LISTED_MAX {
                return Err(PullFault::last("the directory holds more entries than are looked at"));
            }
            for file in names {
                let is_name =
                    !file.filename.contains(['/', '\\']) && !matches!(file.filename.as_str(), "." | "..");
                // What is no plain file is not followed: a link may lead anywhere.
                let is_plain = file.attrs.permissions.is_none_or(|_| file.attrs.is_regular());
                if !is_name || !is_plain {
                    continue;
                }
                let version = version(&file.attrs)
                    .ok_or(PullFault::last("the server does not say how long files are, and from when"))?;
                files.push(Listed { name: file.filename, version });
            }
        }
    }

    /// The bytes from there on, in parts that are asked for together.
    async fn bytes(&self, handle: &str, from: u64, bytes: usize) -> Result<Vec<u8>, PullFault> {
        let mut all: Vec<u8> = Vec::new();
        while all.len() < bytes {
            let begin = all.len();
            let parts = (begin..bytes).step_by(CHUNK_BYTES as usize).map(|at| {
                let len = u32::try_from(bytes - at).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
                async move { (len, self.sftp.read(handle, from + at as u64, len).await) }
            });
            let mut parts = Box::pin(stream::iter(parts).buffered(CHUNKS_AT_ONCE));
            while let Some((len, part)) = parts.next().await {
                match part {
                    Ok(part) if part.data.len() > len as usize => {
                        return Err(PullFault::last("the server gives more of a file than was asked for"));
                    }
                    Ok(part) if part.data.is_empty() => return Ok(all),
                    Ok(part) => {
                        all.extend_from_slice(&part.data);
                        // A server may give less: what comes is asked for anew from there.
                        if part.data.len() < len as usize {
                            break;
                        }
                    }
                    Err(Error::Status(status)) if status.status_code == StatusCode::Eof => return Ok(all),
                    Err(fault) => return Err(refused(&fault, "a file cannot be read")),
                }
            }
        }
        Ok(all)
    }
}

impl Hand for SftpHand {
    async fn list(&mut self) -> Result<Vec<Listed>, PullFault> {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        let opened = self.sftp.opendir(path).await;
        let handle = opened.map_err(|fault| refused(&fault, "the directory cannot be opened"))?.handle;
        let listed = self.entries(&handle).await;
        let _ = self.sftp.close(handle).await;
        listed
    }

    async fn read(&mut self, file: &Listed, from: u64, bytes: usize) -> Result<Option<Vec<u8>>, PullFault> {
        let path = format!("{}/{}", self.path, file.name);
        let opened = self.sftp.open(path, OpenFlags::READ, FileAttributes::empty()).await;
        let handle = match opened {
            Ok(handle) => handle.handle,
            Err(Error::Status(status)) if status.status_code == StatusCode::NoSuchFile => return Ok(None),
            Err(fault) => return Err(refused(&fault, "a file cannot be opened")),
        };
        let read = self.bytes(&handle, from, bytes).await;
        // Looked at afterwards: if it is as it was listed now, it was so while it was read.
        let now = self.sftp.fstat(handle.as_str()).await;
        let _ = self.sftp.close(handle).await;
        let now = now.map_err(|fault| refused(&fault, "a file cannot be looked at"))?;
        match version(&now.attrs) == Some(file.version.clone()) {
            true => read.map(Some),
            false => Ok(None),
        }
    }

    async fn put_away(&mut self, name: &str) -> Result<(), PullFault> {
        let Some(processed) = &self.processed else { return Ok(()) };
        let (from, to) = (format!("{}/{name}", self.path), format!("{processed}/{name}"));
        if self.is_missing(&from).await? {
            return Ok(());
        }
        match self.sftp.rename(from.as_str(), to.as_str()).await {
            Ok(_) => Ok(()),
            // A file of that name was put away before: both are kept.
            Err(Error::Status(status)) if status.status_code == StatusCode::Failure => {
                for nth in 2..=NAMESAKES_MAX {
                    let other = format!("{to}.{nth}");
                    if self.is_missing(&other).await? {
                        let moved = self.sftp.rename(from.as_str(), other.as_str()).await;
                        return moved.map(|_| ()).map_err(|fault| refused(&fault, NOT_MOVED));
                    }
                }
                Err(PullFault::last(NOT_MOVED))
            }
            Err(fault) => Err(refused(&fault, NOT_MOVED)),
        }
    }

    async fn leave(self) {
        let _ = self.sftp.close_session();
        let _ = self.handle.disconnect(Disconnect::ByApplication, "", "").await;
        self.paced.leave(self.turn).await;
    }
}

/// Files of one name that are put away.
const NAMESAKES_MAX: usize = 100;
const NOT_MOVED: &str = "a file cannot be moved to config.processed_directory";

impl SftpHand {
    async fn is_missing(&self, path: &str) -> Result<bool, PullFault> {
        match self.sftp.lstat(path).await {
            Ok(_) => Ok(false),
            Err(Error::Status(status)) if status.status_code == StatusCode::NoSuchFile => Ok(true),
            Err(fault) => Err(refused(&fault, "a file cannot be looked at")),
        }
    }
}

fn version(attributes: &FileAttributes) -> Option<Version> {
    let modified_ms = i64::from(attributes.mtime?) * 1_000;
    Some(Version { modified_ms, size: attributes.size?, tag: String::new() })
}

/// Why something was not done. What the server says in words is not repeated.
const fn refused(fault: &Error, why: &'static str) -> PullFault {
    match fault {
        Error::Status(status) => match status.status_code {
            StatusCode::ConnectionLost | StatusCode::NoConnection => {
                PullFault::again("the connection to the source broke off")
            }
            _ => PullFault::last(why),
        },
        Error::Timeout => PullFault::again("the source does not answer in time"),
        _ => PullFault::again("the connection to the source broke off"),
    }
}
