//! Making a root key file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use crypto::b64;
use kernel::{Secret, World};

use super::read::is_weak;
use crate::VaultError;

const HEADER: &str = "\
# Root key of a Hilum deployment. Whoever has this file and the database can read everything in it.
# Keep a copy where the backups of the database are not. Without it the database cannot be opened by anyone.
";

/// Makes a file that only its owner can read, with a new key in it. An existing file is left as it is.
pub(crate) fn create_file(path: &Path, world: &World) -> Result<(), VaultError> {
    let key = world.secret::<32>();
    if is_weak(key.expose()) {
        return Err(VaultError::WeakRootKey);
    }
    let line = Secret::new(b64::encode_standard(key.expose()));
    let file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => {
            return Err(VaultError::RootKeyExists { path: path.to_owned() });
        }
        Err(source) => return Err(VaultError::Unwritable { path: path.to_owned(), source }),
    };
    write_durably(file, path, &line).map_err(|source| {
        // Half a key is worse than none: the next attempt would refuse to overwrite it.
        let _ = fs::remove_file(path);
        VaultError::Unwritable { path: path.to_owned(), source }
    })
}

fn write_durably(mut file: File, path: &Path, line: &Secret<String>) -> io::Result<()> {
    file.write_all(HEADER.as_bytes())?;
    file.write_all(line.expose().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use kernel::{Entropy, SystemClock};

    use super::*;
    use crate::root::read;

    #[test]
    fn a_new_file_is_private_readable_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let world = World::new(SystemClock, crypto::SystemEntropy);
        create_file(&path, &world).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        let first = *read::from_file(&path).unwrap().expose();
        assert!(matches!(create_file(&path, &world), Err(VaultError::RootKeyExists { .. })));
        assert_eq!(*read::from_file(&path).unwrap().expose(), first);

        let elsewhere = folder.path().join("missing/root.key");
        assert!(matches!(create_file(&elsewhere, &world), Err(VaultError::Unwritable { .. })));
    }

    #[test]
    fn chance_that_is_none_makes_no_key() {
        struct Broken;
        impl Entropy for Broken {
            fn fill(&self, buffer: &mut [u8]) {
                buffer.fill(7);
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let broken = World::new(SystemClock, Broken);
        assert!(matches!(create_file(&path, &broken), Err(VaultError::WeakRootKey)));
        assert!(!path.exists());
    }
}
