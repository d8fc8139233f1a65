//! Packages from folders: the cache that HL7's tools share, and folders of `.tgz` files.
//! <https://confluence.hl7.org/display/FHIR/FHIR+Package+Cache>

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, bail};
use validator::{
    Library, Package,
    package::{
        BESIDE_R4, Dependency, Fetched, Found, Limits, R4, Severity, Source, Version, Wanted, resolve,
    },
};

use super::compiled::Compiled;

/// Where packages are looked for.
#[derive(Debug, Default)]
pub struct Folders {
    folders: Vec<PathBuf>,
    compiled: Compiled,
    /// Packages that were named by their path.
    named: Vec<(String, Version, PathBuf)>,
    /// Archives that were opened to see what they are, since their names do not say it.
    opened: Mutex<HashMap<PathBuf, Option<Arc<Package>>>>,
}

/// One package that there is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// `hl7.fhir.us.core`
    pub name: String,
    /// `6.1.0`
    pub version: String,
    /// Where it lies.
    pub path: PathBuf,
}

/// The cache that HL7's tools share, for a person's home.
pub fn default_cache(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let home = environment.get("HOME").or_else(|| environment.get("USERPROFILE"))?;
    Some(Path::new(home).join(".fhir").join("packages"))
}

/// Folders that were named have to be there, or what they would say is not asked and nobody notices.
///
/// # Errors
/// The first that is none.
pub fn are_there(folders: &[PathBuf]) -> anyhow::Result<()> {
    match folders.iter().find(|folder| !folder.is_dir()) {
        Some(none) => bail!("{} is no folder", none.display()),
        None => Ok(()),
    }
}

impl Folders {
    /// In the order in which they are looked through.
    pub fn new(folders: Vec<PathBuf>, compiled: Compiled) -> Self {
        Self { folders, compiled, ..Self::default() }
    }

    /// All packages in the folders.
    pub fn list(&self) -> Vec<Listed> {
        let mut listed = Vec::new();
        for path in self.folders.iter().flat_map(|folder| entries(folder)) {
            let opened = || is_archive(&path).then(|| self.compiled.open(&path).ok()).flatten();
            if let Some((name, version)) = said(&path).or_else(|| opened().map(|package| identity(&package)))
            {
                listed.push(Listed { name, version: version.as_str().to_owned(), path });
            }
            // One at a time: a folder may hold more than the memory.
            self.compiled.keep_read();
        }
        listed.sort();
        listed
    }

    /// The archive at a path, opened once; nothing, if it is no good package.
    fn open_once(&self, path: &Path) -> Option<Arc<Package>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.entry(path.to_owned()).or_insert_with(|| self.compiled.open(path).ok()).clone()
    }

    /// All places of one package.
    fn places(&self, name: &str) -> Vec<(Version, PathBuf)> {
        let named = self.named.iter().filter(|(own, ..)| own == name);
        let mut places: Vec<_> = named.map(|(_, version, path)| (version.clone(), path.clone())).collect();
        let begins = |path: &PathBuf| {
            path.file_name().and_then(|file| file.to_str()).is_some_and(|file| file.starts_with(name))
        };
        for path in self.folders.iter().flat_map(|folder| entries(folder)).filter(begins) {
            let opened = || is_archive(&path).then(|| self.open_once(&path)).flatten();
            let opened = || opened().map(|package| identity(&package));
            if let Some((own, version)) = said(&path).or_else(opened)
                && own == name
            {
                places.push((version, path));
            }
        }
        places
    }
}

/// Name and version, where the name of a folder or file says them; whoever opens it sees whether they are right.
fn said(path: &Path) -> Option<(String, Version)> {
    let file = path.file_name()?.to_str()?;
    let id = match path.is_dir() {
        true => path.join("package/package.json").is_file().then_some(file),
        false => file.strip_suffix(".tgz"),
    };
    let (name, version) = id?.split_once('#')?;
    Some((name.to_owned(), Version::new(version)))
}

fn identity(package: &Package) -> (String, Version) {
    (package.manifest.name.clone(), package.manifest.version.clone())
}

fn is_archive(path: &Path) -> bool {
    path.to_str().is_some_and(|name| name.ends_with(".tgz") || name.ends_with(".tar.gz"))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
    let mut paths: Vec<PathBuf> = read.unwrap_or_default();
    paths.sort();
    paths
}

impl Source for Folders {
    fn versions(&self, name: &str) -> Vec<Version> {
        self.places(name).into_iter().map(|(version, _)| version).collect()
    }

    fn fetch(&self, name: &str, version: &Version) -> Result<Fetched, String> {
        let place = self.places(name).into_iter().find(|(own, _)| own == version);
        let (_, path) = place.ok_or_else(|| "it is not there any more".to_owned())?;
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner).get(&path).cloned().flatten();
        let package = opened.map_or_else(|| self.compiled.open(&path), Ok);
        package.map(Fetched::Read).map_err(|fault| format!("{fault:#}"))
    }
}

/// Folders, and R4 as this binary carries it where they have none.
struct OrBuiltIn<'a>(&'a Folders);

impl OrBuiltIn<'_> {
    fn has_own(&self, name: &str) -> bool {
        name != R4.0 || !self.0.versions(name).is_empty()
    }
}

impl Source for OrBuiltIn<'_> {
    fn versions(&self, name: &str) -> Vec<Version> {
        match self.has_own(name) {
            true => self.0.versions(name),
            false => vec![Version::new(R4.1)],
        }
    }

    fn fetch(&self, name: &str, version: &Version) -> Result<Fetched, String> {
        match self.has_own(name) {
            true => self.0.fetch(name, version),
            false => Package::r4()
                .map(|package| Fetched::Read(Arc::new(package)))
                .map_err(|fault| fault.to_string()),
        }
    }
}

/// What was loaded, and what is to be said about it.
pub struct Loaded {
    /// The packages.
    pub library: Library,
    /// For the person at the terminal.
    pub notes: Vec<String>,
}

/// Everything that `guides` name and need: packages by name, archives and folders by path, definitions in single files.
///
/// # Errors
/// Where a guide that was asked for cannot be had.
pub fn load(guides: &[String], mut folders: Folders) -> anyhow::Result<Loaded> {
    let (mut roots, mut definitions) = (Vec::new(), Vec::new());
    for guide in guides {
        let path = Path::new(guide);
        if !path.exists() {
            roots.push(Dependency::new(guide));
        } else if is_package(path) {
            let package = folders.compiled.open(path)?;
            let (name, version) = identity(&package);
            let opened = folders.opened.get_mut().unwrap_or_else(PoisonError::into_inner);
            opened.insert(path.to_owned(), Some(package));
            roots.push(Dependency { name: name.clone(), wanted: Wanted::Exact(version.clone()) });
            folders.named.push((name, version, path.to_owned()));
        } else {
            definitions.extend(files(path)?);
        }
    }
    let asked: Vec<String> = roots.iter().map(|root| root.name.clone()).collect();
    let beside = BESIDE_R4.into_iter().filter(|name| !folders.versions(name).is_empty());
    roots.extend(beside.map(Dependency::new));
    if asked.is_empty() {
        roots.push(Dependency::new(&format!("{}#{}", R4.0, R4.1)));
    }
    let resolution = resolve(&roots, &OrBuiltIn(&folders), &Limits::default());
    let notes: Vec<String> = resolution.findings.iter().map(ToString::to_string).collect();
    for finding in resolution.findings.iter().filter(|finding| finding.severity() == Severity::Error) {
        if finding.asked_by.is_empty() && !matches!(finding.found, Found::SideBySide(_)) {
            bail!("{finding}");
        }
    }
    if !resolution.packages.iter().any(|package| package.manifest.is_core()) {
        bail!("the definitions of FHIR (hl7.fhir.r4.core) are not there: {}", notes.join("; "));
    }
    let mut library = Library::new(resolution.packages);
    if !definitions.is_empty() {
        let files = Package::of_files("files", definitions, library.definitions().as_ref());
        let skipped: Vec<String> =
            files.skipped().iter().map(|skipped| format!("{}: {}", skipped.name, skipped.why)).collect();
        library = library.with([files]);
        return Ok(Loaded { library, notes: notes.into_iter().chain(skipped).collect() });
    }
    Ok(Loaded { library, notes })
}

fn is_package(path: &Path) -> bool {
    match path.is_dir() {
        true => path.join("package/package.json").is_file(),
        false => is_archive(path),
    }
}

/// Definitions that lie in a file, or in the files of a folder.
fn files(path: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let paths = if path.is_dir() { entries(path) } else { vec![path.to_owned()] };
    let fits = |path: &&PathBuf| {
        path.is_file() && path.extension().is_some_and(|kind| kind == "json" || kind == "xml")
    };
    let read = |path: &PathBuf| {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        Ok((path.display().to_string(), bytes))
    };
    paths.iter().filter(fits).map(read).collect()
}
