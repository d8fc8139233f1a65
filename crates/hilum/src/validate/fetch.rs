//! Packages by name from registries into a folder: each is read as an archive from anywhere is before it is kept.

use std::{
    fs,
    path::Path,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, bail};
use validator::{
    Package,
    package::{Dependency, Fetched, Source, Version, Wanted},
};

use super::{packages::Folders, registry::Registries};

/// A folder of packages to which registries add what it does not have.
pub struct Fetching<'a> {
    folder: &'a Path,
    folders: &'a Folders,
    registries: &'a Registries,
    told: Mutex<Vec<String>>,
}

impl<'a> Fetching<'a> {
    /// Into that folder, which is one of the folders.
    pub fn new(folder: &'a Path, folders: &'a Folders, registries: &'a Registries) -> Self {
        Self { folder, folders, registries, told: Mutex::default() }
    }

    /// Adds the package that somebody asks for, and tells which version it is.
    ///
    /// # Errors
    /// Where no source has it, or it is refused.
    pub fn add(&self, wanted: &Dependency) -> anyhow::Result<Dependency> {
        let Dependency { name, wanted } = wanted;
        let version = match wanted {
            Wanted::Current(build) => Version::new(build),
            Wanted::Dev => bail!("{name}#dev is built on this machine and in no registry"),
            _ => {
                let listing = self.registries.listing(name)?;
                let versions = listing.versions();
                let latest = listing.latest.as_ref().filter(|_| *wanted == Wanted::Latest);
                let chosen = latest.or_else(|| wanted.choose(&versions));
                chosen.cloned().with_context(|| format!("no source has {name}#{wanted}"))?
            }
        };
        let is_build = matches!(wanted, Wanted::Current(_));
        if is_build || !self.folders.versions(name).contains(&version) {
            self.fetch_into_folder(name, &version)?;
        } else {
            self.tell(format!("{name}#{version}: is there already"));
        }
        let wanted = if is_build { wanted.clone() } else { Wanted::Exact(version) };
        Ok(Dependency { name: name.clone(), wanted })
    }

    /// What was done and what went wrong since it was asked last.
    pub fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn tell(&self, line: String) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn fetch_into_folder(&self, name: &str, version: &Version) -> anyhow::Result<Package> {
        let id = format!("{name}#{version}");
        let bytes = self.registries.archive(name, version).with_context(|| id.clone())?;
        let package = Package::read(&bytes).with_context(|| id.clone())?;
        // A build has a version of its own behind the name `current`.
        let is_other = version.is_numbered() && package.manifest.version != *version;
        if package.manifest.name != name || is_other {
            bail!("{id}: the archive holds another package: {}", package.manifest.id());
        }
        put(self.folder, &id, &bytes)?;
        self.tell(format!("{id}: {} resources", package.resources().count()));
        Ok(package)
    }
}

impl Source for Fetching<'_> {
    fn versions(&self, name: &str) -> Vec<Version> {
        let mut versions = self.folders.versions(name);
        match self.registries.listing(name) {
            Ok(listing) => versions.extend(listing.versions()),
            Err(fault) => self.tell(format!("{name}: {fault:#}")),
        }
        versions
    }

    fn fetch(&self, name: &str, version: &Version) -> Result<Fetched, String> {
        if self.folders.versions(name).contains(version) {
            return self.folders.fetch(name, version);
        }
        let package = self.fetch_into_folder(name, version);
        package.map(|package| Fetched::Read(package.into())).map_err(|fault| format!("{fault:#}"))
    }
}

/// Renamed into place, so that nobody sees half of it.
///
/// # Errors
/// Where the folder cannot be written.
pub fn put(folder: &Path, id: &str, tgz: &[u8]) -> anyhow::Result<()> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"#@/.-_+$".contains(&byte);
    let file = Path::new(&format!("{id}.tgz")).file_name().map(ToOwned::to_owned);
    let Some(file) = file.filter(|_| id.bytes().all(is_plain) && !id.contains("..")) else {
        bail!("{id} is no name of a file");
    };
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let beside = tempfile::NamedTempFile::new_in(folder).context("writing beside the packages")?;
    fs::write(beside.path(), tgz).context("writing the package")?;
    beside.persist(folder.join(file)).context("putting the package into its place")?;
    Ok(())
}
