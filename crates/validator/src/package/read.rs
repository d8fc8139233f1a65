//! A package from the bytes of its `.tgz`: its manifest, and its resources as the bytes they are, found by their heads.

use serde_json::Value;

use super::{
    Head, Kept, Limits, Manifest, PackageFault,
    fault::shown,
    gunzip::gunzip,
    lean, tar,
    texts::{Packer, Place, Texts},
};

/// A package, taken whole. The texts of its resources are kept packed, and are unpacked and parsed when asked for.
#[derive(Debug)]
pub struct Package {
    /// `package/package.json`
    pub manifest: Manifest,
    pub(super) entries: Vec<Entry>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) texts: Texts,
    pub(super) origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Archive,
    Files,
}

/// Whether resources in `package/example` are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Examples {
    /// As a validator needs it.
    Dropped,
    /// For those who show or test examples.
    Kept,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Box<str>,
    pub(super) head: Head,
    pub(super) place: Place,
    /// Of a type's definition in a compiled package, what the model asks of it.
    pub(super) outline: Option<Place>,
    pub(super) is_example: bool,
}

/// A JSON file of the package that is not taken, and why. A package with one bad file is still a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The name in the archive.
    pub name: String,
    /// What is wrong.
    pub why: String,
}

/// One resource of a package.
#[derive(Clone, Copy, Debug)]
pub struct Resource<'a> {
    /// Whose it is.
    pub package: &'a Manifest,
    /// The file's name in the archive.
    pub name: &'a str,
    /// What it is.
    pub head: &'a Head,
    texts: &'a Texts,
    place: Place,
    outline: Option<Place>,
}

impl Resource<'_> {
    /// Its JSON, unpacked for the caller.
    pub fn json(&self) -> Vec<u8> {
        self.texts.read(self.place)
    }

    /// Its JSON, or what the model asks of it where that was made before.
    pub(crate) fn outline(&self) -> Vec<u8> {
        self.texts.read(self.outline.unwrap_or(self.place))
    }

    /// The resource as a tree with what is kept of it.
    pub(crate) fn parse_kept(&self, kept: Kept) -> Result<Value, serde_json::Error> {
        lean::parse(&self.json(), kept)
    }

    /// The resource as a tree.
    ///
    /// # Errors
    /// Where the JSON is not UTF-8 or too deep: its brackets were read before, its texts were not.
    pub fn parse(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(&self.json())
    }
}

impl Package {
    /// Reads a `.tgz` within the limits that Hilum has by itself.
    ///
    /// # Errors
    /// Any [`PackageFault`]: an archive is taken whole or not at all.
    pub fn read(tgz: &[u8]) -> Result<Self, PackageFault> {
        Self::read_within(tgz, &Limits::default(), Examples::Dropped)
    }

    /// Reads a `.tgz` within the limits given.
    ///
    /// # Errors
    /// Any [`PackageFault`]: an archive is taken whole or not at all.
    pub fn read_within(tgz: &[u8], limits: &Limits, examples: Examples) -> Result<Self, PackageFault> {
        let archive = gunzip(tgz, limits)?;
        let files = tar::files(&archive, limits)?;
        let manifest = files.iter().find(|file| file.name == "package/package.json");
        let manifest = manifest.ok_or(PackageFault::NoManifest)?;
        let manifest = Manifest::read(archive.get(manifest.bytes.clone()).unwrap_or_default())?;
        let mut taking = Taking::default();
        for file in files {
            let is_example = match folder(&file.name) {
                Folder::Resources => false,
                Folder::Examples if examples == Examples::Kept => true,
                Folder::Examples | Folder::Other => continue,
            };
            taking.take(file.name, archive.get(file.bytes).unwrap_or_default(), is_example);
        }
        taking.entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(taking.package(manifest, Origin::Archive))
    }

    /// A package of resources that lie outside of any, in the order given: names, and JSON each.
    pub(super) fn of_json(
        manifest: Manifest,
        origin: Origin,
        files: impl IntoIterator<Item = (String, Result<Vec<u8>, String>)>,
    ) -> Self {
        let mut taking = Taking::default();
        for (name, json) in files {
            match json {
                Ok(json) => taking.take(name, &json, false),
                Err(why) => taking.skipped.push(Skipped { name: shown(&name), why }),
            }
        }
        taking.package(manifest, origin)
    }

    /// Whether it stands for all that it holds: files that somebody names beside packages are meant to replace what is in these.
    pub(crate) fn is_of_files(&self) -> bool {
        self.origin == Origin::Files
    }

    /// The resources in `package/`, in the order of their names.
    pub fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        self.entries.iter().filter(|entry| !entry.is_example).map(|entry| self.resource_of(entry))
    }

    /// The resources in `package/example`, where they were kept.
    pub fn examples(&self) -> impl Iterator<Item = Resource<'_>> {
        self.entries.iter().filter(|entry| entry.is_example).map(|entry| self.resource_of(entry))
    }

    /// Files that should have been resources.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// What the resources take in memory.
    pub fn size_bytes(&self) -> usize {
        self.texts.size_bytes()
    }

    pub(crate) fn entry(&self, index: usize) -> Option<Resource<'_>> {
        self.entries.get(index).map(|entry| self.resource_of(entry))
    }

    /// Index and head of every resource in `package/`.
    pub(crate) fn heads(&self) -> impl Iterator<Item = (usize, &Head)> {
        self.entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| !entry.is_example)
            .map(|(at, entry)| (at, &entry.head))
    }

    fn resource_of<'a>(&'a self, entry: &'a Entry) -> Resource<'a> {
        Resource {
            package: &self.manifest,
            name: &entry.name,
            head: &entry.head,
            texts: &self.texts,
            place: entry.place,
            outline: entry.outline,
        }
    }
}

/// Files on their way into a package.
#[derive(Default)]
struct Taking {
    entries: Vec<Entry>,
    skipped: Vec<Skipped>,
    packer: Packer,
}

impl Taking {
    fn take(&mut self, name: String, json: &[u8], is_example: bool) {
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let why = match Head::read(json) {
            Ok(None) => return,
            Ok(Some(head)) => match self.packer.push(json) {
                Some(place) => {
                    let name = name.into();
                    self.entries.push(Entry { name, head, place, outline: None, is_example });
                    return;
                }
                None => "there is no more room in the package".to_owned(),
            },
            Err(why) => why.to_string(),
        };
        self.skipped.push(Skipped { name: shown(&name), why });
    }

    fn package(self, manifest: Manifest, origin: Origin) -> Package {
        let texts = self.packer.finish().unwrap_or_default();
        Package { manifest, entries: self.entries, skipped: self.skipped, texts, origin }
    }
}

pub(super) enum Folder {
    Resources,
    Examples,
    /// Pictures, schemas, tests, other formats: nothing that is validated with.
    Other,
}

/// Resources lie in `package/` itself; its folders are named by the format, and only `example` (or `examples`) holds resources.
pub(super) fn folder(name: &str) -> Folder {
    let Some((folder, file)) = name.rsplit_once('/') else { return Folder::Other };
    // `._x` and `.index.json`: what systems and tools leave beside the files.
    if file.starts_with('.') || file == "package.json" || !file.ends_with(".json") {
        return Folder::Other;
    }
    match folder {
        "package" => Folder::Resources,
        "package/example" | "package/examples" | "example" | "examples" => Folder::Examples,
        _ => Folder::Other,
    }
}
