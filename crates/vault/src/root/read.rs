//! Reading a root key, and refusing a bad one.

use std::{
    fs::File,
    io::Read as _,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use crypto::b64;
use kernel::Secret;

use crate::VaultError;

/// The longest root key file, in bytes.
const FILE_BYTES_MAX: u64 = 4096;
/// Thirty-two random bytes have about thirty distinct values; fewer than sixteen come about once in 10^16.
const DISTINCT_BYTES_MIN: usize = 16;
/// Permission bits that nobody but the owner may have, and no execution.
const MODE_REFUSED: u32 = 0o177;
const ROOT_USER: u32 = 0;

pub(super) fn from_file(path: &Path) -> Result<Secret<[u8; 32]>, VaultError> {
    let unreadable = |source| VaultError::Unreadable { path: path.to_owned(), source };
    // The questions go to the open file, so that it cannot be exchanged between question and reading.
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    check_access(path, metadata.permissions().mode() & 0o7777, metadata.uid())?;
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return Err(VaultError::MalformedRootKey);
    }
    let text = std::io::read_to_string(file.take(FILE_BYTES_MAX)).map_err(unreadable)?;
    from_text(Secret::new(text).expose())
}

pub(super) fn from_text(text: &str) -> Result<Secret<[u8; 32]>, VaultError> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (Some(line), None) = (lines.next(), lines.next()) else { return Err(VaultError::MalformedRootKey) };
    let bytes = Secret::new(b64::decode_standard(line).map_err(|_| VaultError::MalformedRootKey)?);
    let key = Secret::new(bytes.expose().as_slice().try_into().map_err(|_| VaultError::MalformedRootKey)?);
    if is_weak(key.expose()) { Err(VaultError::WeakRootKey) } else { Ok(key) }
}

fn check_access(path: &Path, mode: u32, owner: u32) -> Result<(), VaultError> {
    if mode & MODE_REFUSED != 0 {
        return Err(VaultError::Exposed { path: path.to_owned(), mode });
    }
    if owner != ROOT_USER && owner != rustix::process::geteuid().as_raw() {
        return Err(VaultError::ForeignOwner { path: path.to_owned(), owner });
    }
    Ok(())
}

/// Whether somebody typed or counted these bytes: too few values, all of them letters and signs, or equal steps.
pub(super) fn is_weak(key: &[u8; 32]) -> bool {
    let distinct = key.iter().collect::<std::collections::BTreeSet<_>>().len();
    let typed = key.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let mut steps = key.iter().zip(key.iter().skip(1)).map(|(one, next)| next.wrapping_sub(*one));
    let first = steps.next();
    let counted = steps.all(|step| Some(step) == first);
    distinct < DISTINCT_BYTES_MIN || typed || counted
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const GOOD: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44,
        0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];

    fn read(text: &str) -> Result<[u8; 32], String> {
        from_text(text).map(|key| *key.expose()).map_err(|fault| format!("{fault:?}"))
    }

    #[test]
    fn one_line_of_base64_is_a_key() {
        let line = b64::encode_standard(GOOD);
        assert_eq!(read(&line), Ok(GOOD));
        assert_eq!(read(&format!("# root key\n\n  {line}\r\n")), Ok(GOOD));
        let short = b64::encode_standard(&GOOD[..31]);
        let long = b64::encode_standard([&GOOD[..], &[1]].concat());
        for text in [
            "",
            "# only a comment",
            "junk!",
            &short,
            &long,
            &format!("{line}\n{line}"),
            &format!("key={line}"),
        ] {
            assert_eq!(read(text), Err("MalformedRootKey".to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_not_random_is_refused() {
        let few: [u8; 32] = std::array::from_fn(|at| (at % 15) as u8 * 17);
        let counted: [u8; 32] = std::array::from_fn(|at| (at as u8).wrapping_mul(37));
        for weak in [
            [0; 32],
            [0xff; 32],
            few,
            std::array::from_fn(|at| at as u8),
            *b"correct horse battery staple 123",
        ] {
            assert_eq!(read(&b64::encode_standard(weak)), Err("WeakRootKey".to_owned()), "{weak:02x?}");
        }
        assert!(is_weak(&counted));
        assert!(!is_weak(&GOOD));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_command_that_helps() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        fs::write(&path, b64::encode_standard(GOOD)).unwrap();
        for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o660, 0o666, 0o700, 0o444] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let fault = from_file(&path).err().unwrap();
            assert!(matches!(fault, VaultError::Exposed { .. }), "{mode:o}: {fault:?}");
            assert!(fault.to_string().ends_with(&format!("run: chmod 600 '{}'", path.display())), "{fault}");
        }
        for mode in [0o600, 0o400] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(from_file(&path).unwrap().expose(), &GOOD, "{mode:o}");
        }
    }

    #[test]
    fn a_file_of_somebody_else_is_refused() {
        let us = rustix::process::geteuid().as_raw();
        let path = Path::new("/root.key");
        assert!(check_access(path, 0o600, us).is_ok());
        assert!(check_access(path, 0o600, ROOT_USER).is_ok());
        assert!(matches!(check_access(path, 0o600, us + 1), Err(VaultError::ForeignOwner { .. })));
    }

    #[test]
    fn what_is_no_file_of_ours_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o600)).unwrap();
        assert!(from_file(folder.path()).is_err());
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(matches!(from_file(&folder.path().join("none")), Err(VaultError::Unreadable { .. })));
        let path = folder.path().join("big");
        fs::write(&path, " ".repeat(5000)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(from_file(&path), Err(VaultError::MalformedRootKey)));
    }
}
