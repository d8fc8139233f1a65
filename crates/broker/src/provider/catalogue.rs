//! All providers: those that are compiled in, and those of the operator.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use rust_embed::RustEmbed;
use serde::Deserialize;

use super::{
    FileFault, Provider, ProviderId,
    read::{parse_provider, read_provider},
};

/// The most providers that are read from an operator's folder.
pub const FOLDER_FILES_MAX: usize = 500;

/// The files that name sources are not providers.
const SOURCES: &str = "sources.toml";

/// `<id>.toml`, `sources.toml`, and `schemas/<name>.json`, which files refer to.
#[derive(RustEmbed)]
#[folder = "providers/"]
pub(super) struct BuiltIn;

/// Every provider that this deployment knows. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalogue {
    providers: Arc<BTreeMap<ProviderId, Arc<Provider>>>,
    sources: Arc<BTreeMap<String, Source>>,
}

/// A place that facts of the catalogue were taken from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What it is.
    pub what: String,
    /// The version that was read.
    #[serde(default)]
    pub at: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sources {
    sources: BTreeMap<String, Source>,
}

/// The catalogue could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueFault {
    /// A file is wrong.
    #[error("{0}")]
    File(#[from] FileFault),
    /// The folder or a file in it cannot be read.
    #[error("{path}: {cause}")]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// There are more files than are read.
    #[error("{0}: more than {FOLDER_FILES_MAX} provider files")]
    TooMany(PathBuf),
}

impl Catalogue {
    /// The providers that are compiled in. They are parsed at the first call and shared from then on.
    ///
    /// # Errors
    /// A compiled-in file is wrong; the tests of this crate keep that from being released.
    pub fn built_in() -> Result<Self, CatalogueFault> {
        static PARSED: OnceLock<Result<Catalogue, FileFault>> = OnceLock::new();
        Ok(PARSED.get_or_init(parse_built_in).clone()?)
    }

    /// This catalogue with the files `<id>.toml` of a folder added; a file with the id of a built-in replaces it whole.
    /// Other files, and the folder's own folders, are left alone. Blocks: call it while starting.
    ///
    /// # Errors
    /// The first file (by name) that cannot be read or is wrong.
    pub fn with_folder(&self, folder: &Path) -> Result<Self, CatalogueFault> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |cause| CatalogueFault::Unreadable { path, cause }
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
            let path = entry.map_err(unreadable(folder))?.path();
            let provider_file = path.extension().is_some_and(|extension| extension == "toml")
                && path.file_name().is_some_and(|name| name != SOURCES);
            if provider_file {
                files.push(path);
            }
            if files.len() > FOLDER_FILES_MAX {
                return Err(CatalogueFault::TooMany(folder.to_owned()));
            }
        }
        files.sort();
        let mut providers = BTreeMap::clone(&self.providers);
        for path in files {
            let text = std::fs::read_to_string(&path).map_err(unreadable(&path))?;
            let provider = read_provider(path, &text)?;
            providers.insert(provider.id.clone(), Arc::new(provider));
        }
        Ok(Self { providers: Arc::new(providers), sources: Arc::clone(&self.sources) })
    }

    /// The provider of this id.
    pub fn get(&self, id: &str) -> Option<&Arc<Provider>> {
        self.providers.get(id)
    }

    /// All providers, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.values()
    }

    /// The source of this key.
    pub fn source(&self, key: &str) -> Option<&Source> {
        self.sources.get(key)
    }
}

fn parse_built_in() -> Result<Catalogue, FileFault> {
    let mut providers = BTreeMap::new();
    let mut sources = BTreeMap::new();
    for name in BuiltIn::iter().filter(|name| name.ends_with(".toml")) {
        let fault = |message: String| FileFault {
            file: PathBuf::from(&*name),
            line: None,
            field: String::new(),
            message,
        };
        let file = BuiltIn::get(&name).ok_or_else(|| fault(String::from("is gone")))?;
        let text = std::str::from_utf8(&file.data).map_err(|error| fault(error.to_string()))?;
        if name == SOURCES {
            let named: Sources = toml::from_str(text).map_err(|error| fault(error.to_string()))?;
            sources = named.sources;
        } else {
            let provider = parse_provider(Path::new(&*name), text)?;
            providers.insert(provider.id.clone(), Arc::new(provider));
        }
    }
    Ok(Catalogue { providers: Arc::new(providers), sources: Arc::new(sources) })
}

#[cfg(test)]
mod tests;
