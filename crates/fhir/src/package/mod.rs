//! Packages of FHIR definitions: those that this deployment has, and what a site has switched on of them.  `docs/fhir.md` "Packages"

mod check;
mod definitions;
mod id;
mod parameters;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use kernel::{Fault, Kind};
use validator::{
    Library, Package,
    package::{BESIDE_R4, Dependency, Fetched, Limits, Source, Version, resolve},
};

use crate::parameter::Registry;

pub use definitions::{Checked, Definitions};
pub use id::{NoPackageId, PackageId};
pub use parameters::{Offered, Verdict};

/// Sets of packages that sites may have switched on at a time in one process: what is made of a set stays for good.
pub const SETS_MAX: usize = 32;

/// The packages of this deployment. What sites share is made once: each package, and all that is made of a set of them.
pub struct Packages {
    read: Box<dyn Fn() -> Vec<Arc<Package>> + Send + Sync>,
    loaded: OnceLock<Vec<Arc<Package>>>,
    sets: Mutex<HashMap<Set, Made>>,
    searched: Mutex<HashMap<Set, Arc<[Offered]>>>,
}

/// What is switched on; everything where nothing is said.
type Set = Option<Box<[PackageId]>>;
type Made = Arc<OnceLock<&'static Definitions>>;

/// A set of packages cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetFault {
    /// The deployment has no such package, or not any more.
    #[error("the package {0} is not loaded")]
    NotLoaded(PackageId),
    /// Sites have more sets of packages than [`SETS_MAX`].
    #[error("sites have more than {SETS_MAX} sets of packages")]
    TooMany,
}

impl Fault for SetFault {
    fn kind(&self) -> Kind {
        Kind::Unavailable
    }
    fn public(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::NotLoaded(id) => {
                format!("the site has switched on the package {id}, which this deployment does not have")
            }
            Self::TooMany => "too many sets of packages are in use here to validate with another".to_owned(),
        }
        .into()
    }
}

impl Packages {
    /// These packages, R4 among them, in the order of their dependencies.
    pub fn new(packages: Vec<Arc<Package>>) -> Self {
        let loaded = OnceLock::from(packages);
        Self { read: Box::new(Vec::new), loaded, sets: Mutex::default(), searched: Mutex::default() }
    }

    /// R4 alone, as this binary carries it, read when it is first asked for.
    pub fn r4() -> Self {
        let read = || Package::r4().map(Arc::new).into_iter().collect();
        Self {
            read: Box::new(read),
            loaded: OnceLock::new(),
            sets: Mutex::default(),
            searched: Mutex::default(),
        }
    }

    fn all(&self) -> &[Arc<Package>] {
        self.loaded.get_or_init(|| (self.read)())
    }

    /// What sites can switch on: all but what every site has.
    pub fn offered(&self) -> impl Iterator<Item = PackageId> {
        self.all().iter().filter(|package| !is_everybodys(package)).map(|package| PackageId::of(package))
    }

    /// What is made of what a site has switched on, with all that it needs; of all packages where nothing is said.
    ///
    /// # Errors
    /// [`SetFault`].
    pub fn of(&self, chosen: Option<&[PackageId]>) -> Result<&'static Definitions, SetFault> {
        if let Some(missing) = chosen.unwrap_or_default().iter().find(|id| self.named(id).is_none()) {
            return Err(SetFault::NotLoaded(missing.clone()));
        }
        let made = self.place(chosen)?;
        Ok(made.get_or_init(|| Definitions::new(Library::new(self.needed(chosen)))))
    }

    /// What these packages say can be searched by.
    ///
    /// # Errors
    /// [`SetFault`].
    pub fn parameters(
        &self,
        chosen: Option<&[PackageId]>,
        r4: &Registry,
    ) -> Result<Arc<[Offered]>, SetFault> {
        let is_r4 = match chosen {
            Some(chosen) => chosen.is_empty(),
            None => self.loaded.get().is_none() || self.offered().next().is_none(),
        };
        if is_r4 {
            return Ok(Arc::default());
        }
        if let Some(missing) = chosen.unwrap_or_default().iter().find(|id| self.named(id).is_none()) {
            return Err(SetFault::NotLoaded(missing.clone()));
        }
        let set: Set = chosen.map(Into::into);
        let mut searched = self.searched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = searched.get(&set) {
            return Ok(Arc::clone(known));
        }
        if searched.len() >= SETS_MAX {
            searched.clear();
        }
        let offered: Arc<[Offered]> = parameters::offered(&self.needed(chosen), r4).into();
        searched.insert(set, Arc::clone(&offered));
        Ok(offered)
    }

    fn place(&self, chosen: Option<&[PackageId]>) -> Result<Made, SetFault> {
        let set: Set = chosen.map(Into::into);
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = sets.get(&set) {
            return Ok(Arc::clone(made));
        }
        if sets.len() >= SETS_MAX {
            return Err(SetFault::TooMany);
        }
        Ok(Arc::clone(sets.entry(set).or_default()))
    }

    fn needed(&self, chosen: Option<&[PackageId]>) -> Vec<Arc<Package>> {
        let Some(chosen) = chosen else { return self.all().to_vec() };
        let everybodys = self.all().iter().filter(|package| is_everybodys(package));
        let roots: Vec<Dependency> = everybodys
            .map(|package| PackageId::of(package))
            .chain(chosen.iter().cloned())
            .map(|id| Dependency::new(id.as_str()))
            .collect();
        resolve(&roots, &Loaded(self.all()), &Limits::default()).packages
    }

    fn named(&self, id: &PackageId) -> Option<&Arc<Package>> {
        self.all().iter().find(|package| PackageId::of(package) == *id)
    }
}

/// Every site has R4, and HL7's terminology and extensions where the deployment has them.
fn is_everybodys(package: &Package) -> bool {
    package.manifest.is_core() || BESIDE_R4.contains(&&*package.manifest.name)
}

/// What is loaded, for those who look for what a package needs.
struct Loaded<'a>(&'a [Arc<Package>]);

impl Source for Loaded<'_> {
    fn versions(&self, name: &str) -> Vec<Version> {
        let own = self.0.iter().filter(|package| package.manifest.name == name);
        own.map(|package| package.manifest.version.clone()).collect()
    }

    fn fetch(&self, name: &str, version: &Version) -> Result<Fetched, String> {
        let is_wanted =
            |package: &&Arc<Package>| package.manifest.name == name && package.manifest.version == *version;
        let found = self.0.iter().find(is_wanted).cloned();
        found.map(Fetched::Read).ok_or_else(|| "it is not loaded".to_owned())
    }
}
