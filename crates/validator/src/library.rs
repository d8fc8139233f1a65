//! All loaded packages as one: resources by canonical url, by type, by the type that they define.
//! <https://hl7.org/fhir/R4/references.html#canonical>

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock},
};

use fhirpath::{
    document::{Document, DocumentLimits},
    model::Definitions,
};

use crate::package::{Head, Kind, Package, Resource, Version, Wanted};

/// Packages and the index over them. The order is that in which the packages were given, then that of file names.
#[derive(Debug, Default, Clone)]
pub struct Library {
    packages: Vec<Arc<Package>>,
    by_url: HashMap<Box<str>, Vec<Place>>,
    by_type: BTreeMap<Box<str>, Vec<Place>>,
    /// In order, so that a model is the same each time that it is made.
    types: BTreeMap<Box<str>, Place>,
    definitions: OnceLock<Arc<Definitions>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    package: u32,
    entry: u32,
}

impl Library {
    /// Packages in the order of their dependencies, as [`crate::package::resolve`] gives them.
    pub fn new(packages: impl IntoIterator<Item = impl Into<Arc<Package>>>) -> Self {
        let mut library = Self::default();
        library.take(packages);
        library
    }

    /// This library with more packages behind its own, which both share. What was compiled of types is kept where no new
    /// package defines any.
    #[must_use]
    pub fn with(&self, packages: impl IntoIterator<Item = impl Into<Arc<Package>>>) -> Self {
        let mut library = self.clone();
        let types_before = library.types.len();
        library.take(packages);
        if library.types.len() != types_before {
            library.definitions = OnceLock::new();
        }
        library
    }

    fn take(&mut self, packages: impl IntoIterator<Item = impl Into<Arc<Package>>>) {
        for package in packages {
            let package = package.into();
            for (entry, head) in package.heads() {
                let (Ok(package), Ok(entry)) = (u32::try_from(self.packages.len()), u32::try_from(entry))
                else {
                    continue;
                };
                self.add(head, Place { package, entry });
            }
            self.packages.push(package);
        }
        self.rank();
    }

    /// The types that the packages define, for readers of XML and for FHIRPath. Made when first asked for.
    pub fn definitions(&self) -> &Arc<Definitions> {
        self.definitions.get_or_init(|| {
            let mut definitions = Definitions::new();
            for resource in self.types.values().filter_map(|place| self.at(*place)) {
                if let Ok(document) = Document::from_json(&resource.outline(), &DocumentLimits::default()) {
                    // One without a snapshot is no type of FHIR, and one that cannot be read is told where it is used.
                    let _ = definitions.add(document.root());
                }
            }
            Arc::new(definitions)
        })
    }

    fn add(&mut self, head: &Head, place: Place) {
        self.by_type.entry(head.resource_type.clone()).or_default().push(place);
        if let Some(url) = &head.url {
            self.by_url.entry(url.clone()).or_default().push(place);
        }
        if let Kind::Structure { defines, is_constraint: false, kind } = &head.kind
            && &**kind != "logical"
        {
            self.types.entry(defines.clone()).or_insert(place);
        }
    }

    /// The best of each url first.
    fn rank(&mut self) {
        let mut by_url = std::mem::take(&mut self.by_url);
        for (url, places) in by_url.iter_mut().filter(|(_, places)| places.len() > 1) {
            places.sort_by_cached_key(|place| std::cmp::Reverse(self.weight(url, *place)));
        }
        self.by_url = by_url;
    }

    /// A file that somebody names beside the packages replaces what is in these. A package stands for the urls under its own
    /// canonical: the terminology package's code systems replace the copies that R4 brings, although R4 gave those the higher
    /// version. Then the newer version, then the package that was loaded later.
    fn weight(&self, url: &str, place: Place) -> (bool, bool, Version, u32) {
        let package = self.packages.get(place.package as usize);
        let canonical = package.and_then(|package| package.manifest.canonical.as_deref());
        let is_own =
            canonical.and_then(|own| url.strip_prefix(own)).is_some_and(|rest| rest.starts_with('/'));
        let is_of_files = package.is_some_and(|package| package.is_of_files());
        let version =
            self.at(place).and_then(|resource| resource.head.version.as_deref()).unwrap_or_default();
        (is_of_files, is_own, Version::new(version), place.package)
    }

    /// The packages, in their order.
    pub fn packages(&self) -> &[Arc<Package>] {
        &self.packages
    }

    /// What the resources take in memory.
    pub fn size_bytes(&self) -> usize {
        self.packages.iter().map(|package| package.size_bytes()).sum()
    }

    /// `url`, `url|version` or `url|1.2`; a fragment is not looked at. Without a version the newest.
    pub fn canonical(&self, canonical: &str) -> Option<Resource<'_>> {
        self.canonicals(canonical).next()
    }

    /// The same among resources of one type: a url may stand for a code system here and a naming system there.
    pub fn canonical_of_type(&self, canonical: &str, resource_type: &str) -> Option<Resource<'_>> {
        self.canonicals(canonical).find(|resource| &*resource.head.resource_type == resource_type)
    }

    fn canonicals(&self, canonical: &str) -> impl Iterator<Item = Resource<'_>> {
        let canonical = canonical.split('#').next().unwrap_or_default();
        let (url, wanted) = match canonical.split_once('|') {
            Some((url, version)) => (url, Some(Wanted::new(version))),
            None => (canonical, None),
        };
        let places = self.by_url.get(url).map(Vec::as_slice).unwrap_or_default();
        let version = |place: &Place| {
            let resource = self.at(*place)?;
            resource.head.version.as_deref().map(Version::new)
        };
        let chosen = wanted.map(|wanted| {
            let versions: Vec<Version> = places.iter().filter_map(version).collect();
            wanted.choose(&versions).cloned()
        });
        let fits = move |place: &Place| match &chosen {
            None => true,
            Some(chosen) => chosen.is_some() && version(place) == *chosen,
        };
        places.iter().copied().filter(fits).filter_map(|place| self.at(place))
    }

    /// The `StructureDefinition` that defines a type of FHIR, by its name.
    pub fn type_definition(&self, name: &str) -> Option<Resource<'_>> {
        self.types.get(name).and_then(|place| self.at(*place))
    }

    /// All resources of a type.
    pub fn of_type(&self, resource_type: &str) -> impl Iterator<Item = Resource<'_>> {
        let places = self.by_type.get(resource_type).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.at(*place))
    }

    fn at(&self, place: Place) -> Option<Resource<'_>> {
        self.packages.get(place.package as usize)?.entry(place.entry as usize)
    }
}
