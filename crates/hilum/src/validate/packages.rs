//! Packages from folders: the cache that HL7's tools share, and folders of `.tgz` files.
//! <https://confluence.hl7.org/display/FHIR/FHIR+Package+Cache>

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, bail};
use validator::{
    Library, Package,
    package::{Dependency, Fetched, Found, Limits, Severity, Source, Version, Wanted, resolve},
};

/// Where packages are looked for.
#[derive(Debug, Default)]
pub struct Folders {
    folders: Vec<PathBuf>,
    /// Packages that were named by their path.
    named: Vec<(String, Version, PathBuf)>,
    /// What is in archives whose names do not say it.
    opened: Mutex<HashMap<PathBuf, Option<(String, Version)>>>,
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

/// What HL7's validator loads beside the definitions of FHIR, if it is there.
const BESIDE: [&str; 2] = ["hl7.terminology.r4", "hl7.fhir.uv.extensions.r4"];

impl Folders {
    /// In the order in which they are looked through.
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self { folders, ..Self::default() }
    }

    /// All packages in the folders.
    pub fn list(&self) -> Vec<Listed> {
        let mut listed = Vec::new();
        for path in self.folders.iter().flat_map(|folder| entries(folder)) {
            if let Some((name, version)) = self.identity(&path) {
                listed.push(Listed { name, version: version.as_str().to_owned(), path });
            }
        }
        listed.sort();
        listed
    }

    /// Name and version of what lies at a path; nothing, if that is no package.
    fn identity(&self, path: &Path) -> Option<(String, Version)> {
        let name = path.file_name()?.to_str()?;
        if path.is_dir() {
            let (name, version) = name.split_once('#')?;
            path.join("package/package.json").is_file().then(|| (name.to_owned(), Version::new(version)))
        } else if name.ends_with(".tgz") || name.ends_with(".tar.gz") {
            let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            let open = || {
                let package = Package::read(&fs::read(path).ok()?).ok()?;
                Some((package.manifest.name, package.manifest.version))
            };
            opened.entry(path.to_owned()).or_insert_with(open).clone()
        } else {
            None
        }
    }

    /// All places of one package.
    fn places(&self, name: &str) -> Vec<(Version, PathBuf)> {
        let named = self.named.iter().filter(|(own, ..)| own == name);
        let mut places: Vec<_> = named.map(|(_, version, path)| (version.clone(), path.clone())).collect();
        let begins = |path: &PathBuf| {
            path.file_name().and_then(|file| file.to_str()).is_some_and(|file| file.starts_with(name))
        };
        for path in self.folders.iter().flat_map(|folder| entries(folder)).filter(begins) {
            if let Some((own, version)) = self.identity(&path)
                && own == name
            {
                places.push((version, path));
            }
        }
        places
    }
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
        fetch(&path).map_err(|fault| format!("{fault:#}"))
    }
}

/// A package at a path: a `.tgz`, or a folder that holds one unpacked.
///
/// # Errors
/// Where it cannot be read.
pub fn fetch(path: &Path) -> anyhow::Result<Fetched> {
    if !path.is_dir() {
        return Ok(Fetched::Archive(fs::read(path).with_context(|| path.display().to_string())?));
    }
    let limits = Limits::default();
    let mut files = Vec::new();
    let mut bytes = 0;
    for file in entries(&path.join("package")).into_iter().filter(|file| file.is_file()) {
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else { continue };
        if !name.ends_with(".json") {
            continue;
        }
        let read = fs::read(&file).with_context(|| file.display().to_string())?;
        bytes += read.len();
        if bytes > limits.unpacked_bytes_max || files.len() > limits.entries_max {
            bail!("{} holds more than a package may", path.display());
        }
        files.push((format!("package/{name}"), read));
    }
    Ok(Fetched::Unpacked(files))
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
/// Where a guide that was asked for, or the definitions of FHIR, cannot be had.
pub fn load(guides: &[String], mut folders: Folders) -> anyhow::Result<Loaded> {
    let (mut roots, mut definitions) = (Vec::new(), Vec::new());
    for guide in guides {
        let path = Path::new(guide);
        if !path.exists() {
            roots.push(Dependency::new(guide));
        } else if is_package(path) {
            let (name, version) = open(path)?;
            roots.push(Dependency { name: name.clone(), wanted: Wanted::Exact(version.clone()) });
            folders.named.push((name, version, path.to_owned()));
        } else {
            definitions.extend(files(path)?);
        }
    }
    let asked: Vec<String> = roots.iter().map(|root| root.name.clone()).collect();
    let beside = BESIDE.into_iter().filter(|name| !folders.versions(name).is_empty());
    roots.extend(beside.map(Dependency::new));
    if asked.is_empty() {
        roots.push(Dependency::new("hl7.fhir.r4.core#4.0.1"));
    }
    let resolution = resolve(&roots, &folders, &Limits::default());
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
        false => path.to_str().is_some_and(|name| name.ends_with(".tgz") || name.ends_with(".tar.gz")),
    }
}

fn open(path: &Path) -> anyhow::Result<(String, Version)> {
    let package = match fetch(path)? {
        Fetched::Archive(tgz) => Package::read(&tgz),
        Fetched::Unpacked(files) => Package::unpacked(files),
    };
    let package = package.with_context(|| path.display().to_string())?;
    Ok((package.manifest.name, package.manifest.version))
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
