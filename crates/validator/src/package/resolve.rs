//! From the packages that somebody asks for to all that these need. Pure: which packages there are, a [`Source`] says.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::Arc,
};

use super::{Dependency, Examples, Limits, Package, PackageFault, Version, Wanted};

/// Where packages come from: a folder, a registry, a test.
pub trait Source {
    /// The versions of a package that there are, in any order, `current` and `dev` among them.
    fn versions(&self, name: &str) -> Vec<Version>;

    /// One of them.
    ///
    /// # Errors
    /// What went wrong, for the person who reads the finding.
    fn fetch(&self, name: &str, version: &Version) -> Result<Fetched, String>;
}

/// A package as its source has it.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// The `.tgz`.
    Archive(Vec<u8>),
    /// Its files, under the names that they had in the archive.
    Unpacked(Vec<(String, Vec<u8>)>),
    /// A package that was read already.
    Read(Arc<Package>),
}

/// All packages that are needed, each behind those that it needs, and what is to be said about it.
#[derive(Debug, Default)]
pub struct Resolution {
    /// What was asked for comes last.
    pub packages: Vec<Arc<Package>>,
    /// In the order in which they were found.
    pub findings: Vec<ResolveFinding>,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// To know.
    Information,
    /// It may be wrong.
    Warning,
    /// It is wrong.
    Error,
}

/// What is to be said about a set of packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveFinding {
    /// Who asked, from the root on: `us.core#6.1.0 → us.nlm.vsac#0.10.0`.
    pub asked_by: Vec<String>,
    /// What was asked for.
    pub dependency: Dependency,
    /// What is the matter with it.
    pub found: Found,
}

/// What is the matter with a dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No source has it in a fitting version.
    Missing {
        /// The versions that there are.
        versions: Vec<Version>,
    },
    /// The source has it but does not give it.
    NotFetched(String),
    /// It is no good package.
    Refused(PackageFault),
    /// The archive holds another package than was asked for.
    OtherPackage(String),
    /// It needs itself, by way of others.
    Cycle,
    /// Several versions of it are loaded side by side.
    SideBySide(Vec<Version>),
    /// It is made for other releases of FHIR.
    OtherFhirVersion(Vec<String>),
}

impl ResolveFinding {
    /// A package that is not there is an error: what it defines cannot be checked.
    pub fn severity(&self) -> Severity {
        match self.found {
            Found::Missing { .. } | Found::NotFetched(_) | Found::Refused(_) | Found::OtherPackage(_) => {
                Severity::Error
            }
            Found::OtherFhirVersion(_) => Severity::Warning,
            Found::Cycle | Found::SideBySide(_) => Severity::Information,
        }
    }
}

impl fmt::Display for ResolveFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Dependency { name, wanted } = &self.dependency;
        match &self.found {
            Found::Missing { versions } if versions.is_empty() => write!(f, "{name}#{wanted} is not there")?,
            Found::Missing { versions } => {
                write!(f, "{name}#{wanted} is not there; there are: {}", list(versions))?;
            }
            Found::NotFetched(why) => write!(f, "{name}#{wanted} cannot be had: {why}")?,
            Found::Refused(fault) => write!(f, "{name}#{wanted} is refused: {fault}")?,
            Found::OtherPackage(id) => write!(f, "{name}#{wanted} holds another package: {id}")?,
            Found::Cycle => write!(f, "{name}#{wanted} needs itself")?,
            Found::SideBySide(versions) => {
                write!(f, "several versions of {name} are loaded: {}", list(versions))?
            }
            Found::OtherFhirVersion(versions) => {
                write!(f, "{name}#{wanted} is made for FHIR {}", versions.join(", "))?;
            }
        }
        match self.asked_by.is_empty() {
            true => Ok(()),
            false => write!(f, " (asked for by {})", self.asked_by.join(" → ")),
        }
    }
}

fn list(versions: &[Version]) -> String {
    let texts: Vec<&str> = versions.iter().map(Version::as_str).collect();
    texts.join(", ")
}

/// Everything that `roots` need, from `source`, for FHIR R4. The core package is added by what the packages say of
/// their FHIR version, for few guides name it.
pub fn resolve(roots: &[Dependency], source: &impl Source, limits: &Limits) -> Resolution {
    let mut work =
        Work { source, limits, loaded: BTreeMap::new(), told: BTreeSet::new(), out: Resolution::default() };
    for root in roots {
        work.take(root, &[]);
    }
    work.add_core();
    work.tell_side_by_side();
    work.finish()
}

/// FHIR releases and their definitions. <https://hl7.org/fhir/directory.html>
const CORES: [(&str, &str, &str); 3] = [
    ("4.0", "hl7.fhir.r4.core", "4.0.1"),
    ("4.3", "hl7.fhir.r4b.core", "4.3.0"),
    ("5.0", "hl7.fhir.r5.core", "5.0.0"),
];

const FHIR_R4: &str = "4.0";

struct Work<'a, S> {
    source: &'a S,
    limits: &'a Limits,
    loaded: BTreeMap<(String, Version), Loaded>,
    told: BTreeSet<(String, String)>,
    out: Resolution,
}

struct Loaded {
    asked_by: Vec<String>,
    /// `None` for one that cannot be had: it is asked for once.
    package: Option<Arc<Package>>,
}

impl<S: Source> Work<'_, S> {
    /// Breadth first, so that the shortest way to a package is the one that is told.
    fn take(&mut self, root: &Dependency, asked_by: &[String]) {
        let mut queue = VecDeque::from([(root.clone(), asked_by.to_vec())]);
        while let Some((dependency, asked_by)) = queue.pop_front() {
            let Some(manifest) = self.load(&dependency, &asked_by) else { continue };
            let mut way = asked_by;
            way.push(manifest.0);
            queue.extend(manifest.1.into_iter().map(|next| (next, way.clone())));
        }
    }

    /// Name and dependencies of a package that was not loaded before.
    fn load(&mut self, dependency: &Dependency, asked_by: &[String]) -> Option<(String, Vec<Dependency>)> {
        let versions = self.source.versions(&dependency.name);
        let Some(version) = dependency.wanted.choose(&versions).cloned() else {
            let mut versions = versions;
            versions.sort();
            self.tell(dependency, asked_by, Found::Missing { versions });
            return None;
        };
        let key = (dependency.name.clone(), version);
        if let Some(loaded) = self.loaded.get(&key) {
            let id = loaded.package.as_ref().map(|package| package.manifest.id());
            if id.is_some_and(|id| asked_by.contains(&id)) {
                self.tell(dependency, asked_by, Found::Cycle);
            }
            return None;
        }
        let package = match self.open(&key) {
            Ok(package) => package,
            Err(found) => {
                self.tell(dependency, asked_by, found);
                self.loaded.insert(key, Loaded { asked_by: asked_by.to_vec(), package: None });
                return None;
            }
        };
        let fhir = &package.manifest.fhir_versions;
        if !fhir.is_empty() && !fhir.iter().any(|version| is_release(version, FHIR_R4)) {
            self.tell(dependency, asked_by, Found::OtherFhirVersion(fhir.clone()));
        }
        let next = (package.manifest.id(), package.manifest.dependencies.clone());
        let loaded = Loaded { asked_by: asked_by.to_vec(), package: Some(package) };
        self.loaded.insert(key, loaded);
        Some(next)
    }

    fn open(&self, (name, version): &(String, Version)) -> Result<Arc<Package>, Found> {
        let package = match self.source.fetch(name, version).map_err(Found::NotFetched)? {
            Fetched::Archive(tgz) => Package::read_within(&tgz, self.limits, Examples::Dropped).map(Arc::new),
            Fetched::Unpacked(files) => Package::unpacked(files).map(Arc::new),
            Fetched::Read(package) => Ok(package),
        };
        let package = package.map_err(Found::Refused)?;
        // A build has a version of its own behind the name `current`.
        let is_named = version.is_numbered();
        if package.manifest.name != *name || (is_named && package.manifest.version != *version) {
            return Err(Found::OtherPackage(package.manifest.id()));
        }
        Ok(package)
    }

    /// The release that the most packages ask for is there already, or is added.
    fn add_core(&mut self) {
        let packages = || self.loaded.values().filter_map(|loaded| loaded.package.as_ref());
        if packages().any(|package| package.manifest.is_core()) || self.loaded.is_empty() {
            return;
        }
        let serves = |release: &str| {
            packages().any(|package| package.manifest.fhir_versions.iter().any(|v| is_release(v, release)))
        };
        // Packages of before the field was asked for are R4's in all but name.
        let core = CORES.iter().find(|(release, ..)| serves(release)).or(CORES.first());
        if let Some((_, name, version)) = core {
            let wanted = Wanted::Exact(Version::new(version));
            self.take(&Dependency { name: (*name).to_owned(), wanted }, &["fhirVersions".to_owned()]);
        }
    }

    fn tell_side_by_side(&mut self) {
        let mut versions: BTreeMap<String, Vec<(Version, Vec<String>)>> = BTreeMap::new();
        for ((name, version), loaded) in &self.loaded {
            if loaded.package.is_some() {
                versions.entry(name.clone()).or_default().push((version.clone(), loaded.asked_by.clone()));
            }
        }
        for (name, mut several) in versions {
            let Some((version, asked_by)) = (several.len() > 1).then(|| several.last().cloned()).flatten()
            else {
                continue;
            };
            several.sort_by(|a, b| a.0.cmp(&b.0));
            let all = several.into_iter().map(|(version, _)| version).collect();
            let dependency = Dependency { name, wanted: Wanted::Exact(version) };
            self.tell(&dependency, &asked_by, Found::SideBySide(all));
        }
    }

    fn tell(&mut self, dependency: &Dependency, asked_by: &[String], found: Found) {
        // The same package may be missed by many: the first way to it is told.
        if self.told.insert((format!("{}#{}", dependency.name, dependency.wanted), format!("{found:?}"))) {
            let asked_by = asked_by.to_vec();
            self.out.findings.push(ResolveFinding { asked_by, dependency: dependency.clone(), found });
        }
    }

    /// Dependencies first; in a cycle, the one that was met first comes last.
    fn finish(mut self) -> Resolution {
        for key in self.order() {
            self.out.packages.extend(self.loaded.get_mut(&key).and_then(|loaded| loaded.package.take()));
        }
        self.out
    }

    fn order(&self) -> Vec<(String, Version)> {
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        for key in self.loaded.keys() {
            let mut stack = vec![(key.clone(), false)];
            while let Some((key, is_done)) = stack.pop() {
                if is_done {
                    order.push(key);
                } else if seen.insert(key.clone()) {
                    stack.push((key.clone(), true));
                    stack.extend(self.needed_by(&key).into_iter().rev().map(|next| (next, false)));
                }
            }
        }
        order
    }

    fn needed_by(&self, key: &(String, Version)) -> Vec<(String, Version)> {
        let package = self.loaded.get(key).and_then(|loaded| loaded.package.as_ref());
        let dependencies =
            package.map(|package| package.manifest.dependencies.as_slice()).unwrap_or_default();
        let loaded = |name: &str| {
            self.loaded.keys().filter(move |(n, _)| n == name).map(|(_, v)| v).cloned().collect()
        };
        let chosen = dependencies.iter().filter_map(|dependency| {
            let versions: Vec<Version> = loaded(&dependency.name);
            Some((dependency.name.clone(), dependency.wanted.choose(&versions)?.clone()))
        });
        // The definitions of FHIR come before all, whether they are named or not.
        let is_core = package.is_some_and(|package| package.manifest.is_core());
        let core = self.loaded.iter().filter(|(_, loaded)| {
            !is_core && loaded.package.as_ref().is_some_and(|package| package.manifest.is_core())
        });
        core.map(|(key, _)| key.clone()).chain(chosen).collect()
    }
}

fn is_release(version: &str, release: &str) -> bool {
    version.strip_prefix(release).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
