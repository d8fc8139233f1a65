//! Packages that were read before, kept in a folder so that the next run need not read them again. A file is called by the digest of the
//! content that it was made of; what is not as it was written is read anew and written again.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use anyhow::{Context, bail};
use crypto::sha256;
use kernel::Timestamp;
use validator::{
    Package,
    package::{ContentKey, FORMAT_VERSION, Limits},
};

/// `COMPILED_FILES_MAX`: compiled packages that are kept; those that were used longest ago are removed.
pub const COMPILED_FILES_MAX: usize = 200;
/// `COMPILED_BYTES_MAX`: one compiled package; a larger one is not kept.
pub const COMPILED_BYTES_MAX: u64 = 256 << 20;

const ENDING: &str = "package";

/// Where compiled packages are kept.
#[derive(Debug, Default, Clone)]
pub struct Compiled {
    folder: Option<PathBuf>,
    /// Since the Unix epoch.
    now: Duration,
    /// What was read anew and is not kept yet.
    read: Arc<Mutex<Vec<ReadAnew>>>,
}

/// A package, and the digest of what it was read from.
type ReadAnew = (ContentKey, Arc<Package>);

/// What is kept.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// The folder for a person's caches: `$XDG_CACHE_HOME/hilum/packages`, `~/.cache/hilum/packages`.
/// <https://specifications.freedesktop.org/basedir-spec/latest/>
pub fn default_folder(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let set = |name: &str| environment.get(name).filter(|folder| Path::new(folder).is_absolute());
    let caches = match set("XDG_CACHE_HOME").or_else(|| set("LOCALAPPDATA")) {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(environment.get("HOME")?).join(".cache"),
    };
    Some(caches.join("hilum").join("packages"))
}

impl Compiled {
    /// In a folder, which is made when it is first needed; nothing is kept without one.
    pub fn new(folder: Option<PathBuf>, now: Timestamp) -> Self {
        let now = Duration::from_secs(u64::try_from(now.as_seconds()).unwrap_or_default());
        Self { folder, now, read: Arc::default() }
    }

    /// The folder.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The package at a path: a `.tgz`, or a folder that holds one unpacked.
    ///
    /// # Errors
    /// Where there is none, or it is refused.
    pub fn open(&self, path: &Path) -> anyhow::Result<Arc<Package>> {
        let open = || match path.is_dir() {
            true => {
                let files = files(path)?;
                self.kept_or(key_of_files(path, &files)?, || unpacked(&files))
            }
            false => {
                let tgz = archive(path)?;
                self.kept_or(sha256(&tgz), || Ok(Package::read(&tgz)?))
            }
        };
        open().with_context(|| path.display().to_string())
    }

    fn kept_or(
        &self,
        key: ContentKey,
        read: impl FnOnce() -> anyhow::Result<Package>,
    ) -> anyhow::Result<Arc<Package>> {
        let Some(folder) = &self.folder else { return read().map(Arc::new) };
        let kept = self.kept(&folder.join(name(&key)));
        if let Some(kept) = kept.and_then(|bytes| Package::from_bytes(bytes, &key).ok()) {
            return Ok(Arc::new(kept));
        }
        let package = Arc::new(read()?);
        self.read.lock().unwrap_or_else(PoisonError::into_inner).push((key, Arc::clone(&package)));
        Ok(package)
    }

    /// Writes what was read anew, for the next run. Nobody should wait for it: do it when everything else is told.
    pub fn keep_read(&self) {
        let read = std::mem::take(&mut *self.read.lock().unwrap_or_else(PoisonError::into_inner));
        for (folder, (key, package)) in self.folder.iter().cycle().zip(read) {
            // A folder that cannot be written makes the next run slower, and nothing else.
            let _ = self.keep(folder, &folder.join(name(&key)), &package, &key);
        }
    }

    /// The bytes of a kept file, which was used now.
    fn kept(&self, file: &Path) -> Option<Vec<u8>> {
        let opened = fs::File::open(file).ok()?;
        let length = opened.metadata().ok()?.len();
        if length > COMPILED_BYTES_MAX {
            return None;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).ok()?);
        (&opened).take(COMPILED_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        // Only for the order in which files are removed.
        let used = SystemTime::UNIX_EPOCH + self.now;
        let _ = fs::File::options().append(true).open(file).and_then(|file| file.set_modified(used));
        Some(bytes)
    }

    /// Renamed into place, so that nobody sees half of it.
    fn keep(&self, folder: &Path, file: &Path, package: &Package, key: &ContentKey) -> io::Result<()> {
        let bytes = package.to_bytes(key).filter(|bytes| bytes.len() as u64 <= COMPILED_BYTES_MAX);
        let Some(bytes) = bytes else { return Ok(()) };
        fs::create_dir_all(folder)?;
        let beside = tempfile::NamedTempFile::new_in(folder)?;
        fs::write(beside.path(), &bytes)?;
        beside.persist(file)?;
        let mut all = self.files();
        all.sort();
        let over = all.len().saturating_sub(COMPILED_FILES_MAX);
        all.iter().take(over).try_for_each(|(_, _, path)| fs::remove_file(path))
    }

    /// Time of last use, size and path of all that is kept.
    fn files(&self) -> Vec<(SystemTime, u64, PathBuf)> {
        let entries = self.folder.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        let compiled = entries.filter(|entry| entry.path().extension().is_some_and(|is| is == ENDING));
        let told = compiled.filter_map(|entry| {
            let about = entry.metadata().ok()?;
            Some((about.modified().ok()?, about.len(), entry.path()))
        });
        told.collect()
    }

    /// How much is kept.
    pub fn size(&self) -> Size {
        let files = self.files();
        Size { files: files.len(), bytes: files.iter().map(|(_, bytes, _)| bytes).sum() }
    }

    /// Removes all that is kept.
    ///
    /// # Errors
    /// Where a file cannot be removed.
    pub fn clear(&self) -> io::Result<Size> {
        let size = self.size();
        self.files().iter().try_for_each(|(_, _, path)| fs::remove_file(path))?;
        Ok(size)
    }
}

fn name(key: &ContentKey) -> String {
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}-{FORMAT_VERSION}.{ENDING}")
}

/// The bytes of a `.tgz`, no more than an archive may have and one, so that a larger one is refused for its size.
fn archive(path: &Path) -> anyhow::Result<Vec<u8>> {
    let most = Limits::default().packed_bytes_max as u64 + 1;
    let file = fs::File::open(path)?;
    let length = file.metadata()?.len().min(most);
    let mut bytes = Vec::with_capacity(usize::try_from(length)?);
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The JSON files of an unpacked package, with the names that they had in the archive.
fn files(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder.join("package"))? {
        let path = entry?.path();
        if let Some(name) = path.file_name().and_then(|name| name.to_str())
            && name.ends_with(".json")
            && path.is_file()
        {
            files.push((format!("package/{name}"), path));
        }
    }
    files.sort();
    Ok(files)
}

/// Of thousands of files the names, sizes and times of change stand for their content.
fn key_of_files(folder: &Path, files: &[(String, PathBuf)]) -> anyhow::Result<ContentKey> {
    let mut told = format!("{}\n", folder.canonicalize()?.display());
    for (name, path) in files {
        let about = path.metadata()?;
        let changed = about.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        told.push_str(&format!("{name} {} {}\n", about.len(), changed.as_nanos()));
    }
    Ok(sha256(told.as_bytes()))
}

fn unpacked(files: &[(String, PathBuf)]) -> anyhow::Result<Package> {
    let limits = Limits::default();
    if files.len() > limits.entries_max {
        bail!("more files than a package may have (ENTRIES_MAX)");
    }
    let (mut read, mut bytes) = (Vec::with_capacity(files.len()), 0);
    for (name, path) in files {
        let file = fs::read(path).with_context(|| name.clone())?;
        bytes += file.len();
        if bytes > limits.unpacked_bytes_max {
            bail!("more bytes than a package may have (UNPACKED_BYTES_MAX)");
        }
        read.push((name.clone(), file));
    }
    Ok(Package::unpacked(read)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_760_000_000);

    #[test]
    fn what_was_read_is_kept_and_what_is_damaged_is_read_anew() {
        let here = tempfile::tempdir().unwrap();
        let package = here.path().join("a.b#1.0.0/package");
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("package.json"), r#"{"name":"a.b","version":"1.0.0"}"#).unwrap();
        fs::write(package.join("v.json"), r#"{"resourceType":"ValueSet","url":"http://a/v"}"#).unwrap();
        let compiled = Compiled::new(Some(here.path().join("compiled")), NOW);
        let path = here.path().join("a.b#1.0.0");
        let urls = |compiled: &Compiled| -> Vec<String> {
            let opened = compiled.open(&path).unwrap();
            compiled.keep_read();
            opened.resources().map(|one| one.head.url.as_deref().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(compiled.size(), Size::default());
        assert_eq!(urls(&compiled), ["http://a/v"]);
        assert_eq!(compiled.size().files, 1);
        assert_eq!(urls(&compiled), ["http://a/v"]);
        let (_, length, file) = compiled.files().remove(0);
        let good = fs::read(&file).unwrap();
        for bad in [b"".to_vec(), b"foreign".to_vec(), good[..good.len() - 1].to_vec()] {
            fs::write(&file, bad).unwrap();
            assert_eq!(urls(&compiled), ["http://a/v"]);
            assert_eq!(fs::read(&file).unwrap(), good, "it is written again");
        }
        fs::write(package.join("v.json"), r#"{"resourceType":"ValueSet","url":"http://a/vv"}"#).unwrap();
        assert_eq!(urls(&compiled), ["http://a/vv"], "other content is another package");
        assert_eq!(compiled.size().files, 2);
        assert!(compiled.clear().unwrap().bytes > length);
        assert_eq!(compiled.size(), Size::default());
    }

    #[test]
    fn those_used_longest_ago_are_removed() {
        let here = tempfile::tempdir().unwrap();
        for number in 0..COMPILED_FILES_MAX {
            let file = fs::File::create(here.path().join(format!("{number}.{ENDING}"))).unwrap();
            let age = std::time::Duration::from_secs(number as u64);
            file.set_modified(SystemTime::UNIX_EPOCH + age).unwrap();
        }
        fs::write(here.path().join("other"), "is not ours").unwrap();
        let compiled = Compiled::new(Some(here.path().to_owned()), NOW);
        let package = Package::unpacked([(
            "package/package.json".to_owned(),
            br#"{"name":"a","version":"1"}"#.to_vec(),
        )]);
        compiled.kept_or([1; 32], || Ok(package.unwrap())).unwrap();
        assert!(!compiled.folder().unwrap().join(name(&[1; 32])).exists(), "nobody waits for it");
        compiled.keep_read();
        assert_eq!(compiled.size().files, COMPILED_FILES_MAX);
        assert!(!here.path().join(format!("0.{ENDING}")).exists() && here.path().join("other").exists());
        assert!(compiled.folder().unwrap().join(name(&[1; 32])).exists());
    }

    #[test]
    fn a_folder_that_cannot_be_written_stops_nothing() {
        let here = tempfile::tempdir().unwrap();
        fs::write(here.path().join("file"), "").unwrap();
        let compiled = Compiled::new(Some(here.path().join("file/folder")), NOW);
        let manifest = ("package/package.json".to_owned(), br#"{"name":"a","version":"1"}"#.to_vec());
        let package = compiled.kept_or([1; 32], || Ok(Package::unpacked([manifest])?)).unwrap();
        compiled.keep_read();
        assert_eq!(package.manifest.id(), "a#1");
    }

    #[test]
    fn caches_are_where_the_system_says() {
        let of = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            default_folder(&variables.collect())
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("HOME", "/h")]), Some("/h/.cache/hilum/packages".into()));
        assert_eq!(
            of(&[("HOME", "/h"), ("XDG_CACHE_HOME", "relative")]),
            Some("/h/.cache/hilum/packages".into())
        );
        assert_eq!(of(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")]), Some("/x/hilum/packages".into()));
    }
}
