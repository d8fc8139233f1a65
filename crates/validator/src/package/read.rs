//! A package from the bytes of its `.tgz`: its manifest, and its resources as the bytes they are, found by their heads.

use serde_json::Value;

use super::{Head, Limits, Manifest, PackageFault, fault::shown, gunzip::gunzip, tar};

/// A package, taken whole. The bytes of its resources lie one behind another in one piece of memory and are parsed when asked for.
#[derive(Debug)]
pub struct Package {
    /// `package/package.json`
    pub manifest: Manifest,
    entries: Vec<Entry>,
    skipped: Vec<Skipped>,
    bytes: Box<[u8]>,
    origin: Origin,
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
struct Entry {
    name: Box<str>,
    head: Head,
    start: usize,
    end: usize,
    is_example: bool,
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
    /// Its JSON.
    pub bytes: &'a [u8],
}

impl Resource<'_> {
    /// The resource as a tree.
    ///
    /// # Errors
    /// Where the JSON is not UTF-8 or too deep: its brackets were read before, its texts were not.
    pub fn parse(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_slice(self.bytes)
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
        let mut archive = gunzip(tgz, limits)?;
        let files = tar::files(&archive, limits)?;
        let manifest = files.iter().find(|file| file.name == "package/package.json");
        let manifest = manifest.ok_or(PackageFault::NoManifest)?;
        let manifest = Manifest::read(archive.get(manifest.bytes.clone()).unwrap_or_default())?;
        let (mut entries, mut skipped) = (Vec::new(), Vec::new());
        let mut kept = 0;
        for file in files {
            let is_example = match folder(&file.name) {
                Folder::Resources => false,
                Folder::Examples if examples == Examples::Kept => true,
                Folder::Examples | Folder::Other => continue,
            };
            match Head::read(archive.get(file.bytes.clone()).unwrap_or_default()) {
                Ok(None) => {}
                Ok(Some(head)) => {
                    // What is kept moves to the front, so that the rest of the archive can be given back.
                    let end = kept + file.bytes.len();
                    archive.copy_within(file.bytes, kept);
                    entries.push(Entry { name: file.name.into(), head, start: kept, end, is_example });
                    kept = end;
                }
                Err(why) => skipped.push(Skipped { name: shown(&file.name), why: why.to_string() }),
            }
        }
        archive.truncate(kept);
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let bytes = archive.into_boxed_slice();
        Ok(Self { manifest, entries, skipped, bytes, origin: Origin::Archive })
    }

    /// A package of resources that lie outside of any, in the order given: names, and JSON each.
    pub(super) fn of_json(
        manifest: Manifest,
        origin: Origin,
        files: impl IntoIterator<Item = (String, Result<Vec<u8>, String>)>,
    ) -> Self {
        let (mut entries, mut skipped, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        for (name, json) in files {
            let head = json
                .and_then(|json| Head::read(&json).map(|head| (json, head)).map_err(|why| why.to_string()));
            match head {
                Ok((_, None)) => {}
                Ok((json, Some(head))) => {
                    let start = bytes.len();
                    bytes.extend_from_slice(&json);
                    let end = bytes.len();
                    entries.push(Entry { name: name.into(), head, start, end, is_example: false });
                }
                Err(why) => skipped.push(Skipped { name: shown(&name), why }),
            }
        }
        Self { manifest, entries, skipped, bytes: bytes.into_boxed_slice(), origin }
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
        self.bytes.len()
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
        let bytes = self.bytes.get(entry.start..entry.end).unwrap_or_default();
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        Resource { package: &self.manifest, name: &entry.name, head: &entry.head, bytes }
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
