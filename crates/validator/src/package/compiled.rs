//! A package that was read before, as bytes: its texts packed, its heads beside them, and of types what the model asks. Whoever keeps
//! the bytes says by a digest of what content they were made of.
//!
//! `HILUMPKG`, version (u32), content (32 bytes), sum of all that follows (u64), length of the index (u32), index, blocks. Numbers are
//! little-endian, texts have their length in front.

use std::borrow::Cow;

use super::{
    Dependency, Head, Kind, Manifest, Package, Skipped, Version, Wanted,
    outline::outline,
    read::{Entry, Origin},
    texts::{Block, Packer, Place, Texts},
};

/// The version of the form; bytes of another are refused.
pub const FORMAT_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"HILUMPKG";
/// Where what the sum is of begins.
const HEADER_BYTES: usize = 8 + 4 + 32 + 8;

/// A digest of what a package was read from.
pub type ContentKey = [u8; 32];

/// Why bytes are not taken for a compiled package: it is then read anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompiledFault {
    /// No compiled package at all.
    #[error("not a compiled package")]
    Foreign,
    /// Made by another version.
    #[error("compiled by another version")]
    OtherVersion,
    /// Made of other content.
    #[error("compiled of other content")]
    OtherContent,
    /// Not as it was written.
    #[error("the compiled package is damaged")]
    Damaged,
}

impl Package {
    /// The package as bytes, made of the content of that digest. `None`, where it is too large for the form.
    pub fn to_bytes(&self, content: &ContentKey) -> Option<Vec<u8>> {
        let compiled = self.with_outlines()?;
        let mut index = Vec::new();
        compiled.write(&mut index)?;
        let packed = compiled.texts.packed();
        let mut body = Vec::with_capacity(4 + index.len() + packed.len());
        number(&mut body, index.len())?;
        body.extend_from_slice(&index);
        body.extend_from_slice(packed);
        let version = FORMAT_VERSION.to_le_bytes();
        Some([&MAGIC[..], &version, content, &sum(&body).to_le_bytes(), &body].concat())
    }

    /// A package from bytes that were made of the content of that digest.
    ///
    /// # Errors
    /// Where they are anything else.
    pub fn from_bytes(
        bytes: impl Into<Cow<'static, [u8]>>,
        content: &ContentKey,
    ) -> Result<Self, CompiledFault> {
        let bytes = bytes.into();
        let mut header = Reader(bytes.get(..HEADER_BYTES).ok_or(CompiledFault::Foreign)?);
        if header.take(8) != Some(&MAGIC) {
            return Err(CompiledFault::Foreign);
        }
        if header.u32() != Some(FORMAT_VERSION) {
            return Err(CompiledFault::OtherVersion);
        }
        if header.take(32) != Some(content) {
            return Err(CompiledFault::OtherContent);
        }
        let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
        let said = header.take(8).and_then(|bytes| bytes.first_chunk::<8>());
        if said.copied().map(u64::from_le_bytes) != Some(sum(body)) {
            return Err(CompiledFault::Damaged);
        }
        Self::read_compiled(bytes).ok_or(CompiledFault::Damaged)
    }

    fn read_compiled(bytes: Cow<'static, [u8]>) -> Option<Self> {
        let body = bytes.get(HEADER_BYTES..)?;
        let mut reader = Reader(body);
        let index_bytes = reader.length()?;
        let mut index = Reader(reader.take(index_bytes)?);
        let manifest = index.manifest()?;
        let origin = if index.u8()? == 0 { Origin::Archive } else { Origin::Files };
        let entries = index.list(Reader::entry)?;
        let skipped = index.list(|index| Some(Skipped { name: index.text()?, why: index.text()? }))?;
        let blocks = index.list(|index| Some(Block { end: index.u32()?, unpacked: index.u32()? }))?;
        let texts = Texts::of_blocks(blocks, bytes, HEADER_BYTES + 4 + index_bytes)?;
        Some(Self { manifest, entries, skipped, texts, origin })
    }

    /// The same package, its texts packed anew with the outlines of types in front, which are all read at once.
    fn with_outlines(&self) -> Option<Self> {
        let mut packer = Packer::default();
        let outlines: Vec<Option<Place>> = self
            .entries
            .iter()
            .map(|entry| match &entry.head.kind {
                Kind::Structure { is_constraint: false, kind, .. } if &**kind != "logical" => {
                    packer.push(&outline(&self.texts.read(entry.place))?)
                }
                _ => None,
            })
            .collect();
        let mut entries = Vec::with_capacity(self.entries.len());
        for (entry, outline) in self.entries.iter().zip(outlines) {
            entries.push(Entry {
                name: entry.name.clone(),
                head: entry.head.clone(),
                place: packer.push(&self.texts.read(entry.place))?,
                outline,
                is_example: entry.is_example,
            });
        }
        let texts = packer.finish()?;
        let (manifest, skipped) = (self.manifest.clone(), self.skipped.clone());
        Some(Self { manifest, entries, skipped, texts, origin: self.origin })
    }

    fn write(&self, out: &mut Vec<u8>) -> Option<()> {
        write_manifest(&self.manifest, out)?;
        out.push(u8::from(self.origin == Origin::Files));
        number(out, self.entries.len())?;
        self.entries.iter().try_for_each(|entry| write_entry(entry, out))?;
        number(out, self.skipped.len())?;
        for Skipped { name, why } in &self.skipped {
            text(out, name)?;
            text(out, why)?;
        }
        number(out, self.texts.blocks().len())?;
        for Block { end, unpacked } in self.texts.blocks() {
            out.extend(end.to_le_bytes());
            out.extend(unpacked.to_le_bytes());
        }
        Some(())
    }
}

/// It guards against disks and half-written files; whoever may write here may write what they like.
fn sum(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(FACTOR).rotate_left(29);
    let (words, rest) = bytes.as_chunks::<8>();
    let sum = words.iter().fold(bytes.len() as u64, |sum, word| mix(sum, u64::from_le_bytes(*word)));
    rest.iter().fold(sum, |sum, byte| mix(sum, u64::from(*byte)))
}

fn number(out: &mut Vec<u8>, number: usize) -> Option<()> {
    out.extend(u32::try_from(number).ok()?.to_le_bytes());
    Some(())
}

fn text(out: &mut Vec<u8>, text: &str) -> Option<()> {
    number(out, text.len())?;
    out.extend_from_slice(text.as_bytes());
    Some(())
}

fn maybe(out: &mut Vec<u8>, of: Option<&str>) -> Option<()> {
    out.push(u8::from(of.is_some()));
    of.map_or(Some(()), |of| text(out, of))
}

fn write_place(place: Place, out: &mut Vec<u8>) {
    for number in [place.block, place.start, place.end] {
        out.extend(number.to_le_bytes());
    }
}

fn write_entry(entry: &Entry, out: &mut Vec<u8>) -> Option<()> {
    text(out, &entry.name)?;
    text(out, &entry.head.resource_type)?;
    for of in [&entry.head.id, &entry.head.url, &entry.head.version] {
        maybe(out, of.as_deref())?;
    }
    match &entry.head.kind {
        Kind::Other => out.push(0),
        Kind::Supplement(of) => {
            out.push(1);
            text(out, of)?;
        }
        Kind::Structure { kind, defines, is_constraint } => {
            out.push(2 + u8::from(*is_constraint));
            text(out, kind)?;
            text(out, defines)?;
        }
    }
    write_place(entry.place, out);
    out.push(u8::from(entry.is_example) | u8::from(entry.outline.is_some()) << 1);
    if let Some(outline) = entry.outline {
        write_place(outline, out);
    }
    Some(())
}

fn write_manifest(manifest: &Manifest, out: &mut Vec<u8>) -> Option<()> {
    text(out, &manifest.name)?;
    text(out, manifest.version.as_str())?;
    maybe(out, manifest.canonical.as_deref())?;
    number(out, manifest.fhir_versions.len())?;
    manifest.fhir_versions.iter().try_for_each(|version| text(out, version))?;
    number(out, manifest.dependencies.len())?;
    for Dependency { name, wanted } in &manifest.dependencies {
        text(out, name)?;
        text(out, &wanted.to_string())?;
    }
    Some(())
}

/// What is left to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.first_chunk().copied().map(u32::from_le_bytes)
    }

    fn length(&mut self) -> Option<usize> {
        self.u32().and_then(|length| usize::try_from(length).ok())
    }

    fn str(&mut self) -> Option<&'a str> {
        let length = self.length()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    fn text<T: From<&'a str>>(&mut self) -> Option<T> {
        self.str().map(T::from)
    }

    fn maybe<T: From<&'a str>>(&mut self) -> Option<Option<T>> {
        match self.u8()? {
            0 => Some(None),
            _ => self.text().map(Some),
        }
    }

    /// A list may not announce more than bytes are left: every item has at least one.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.length().filter(|count| *count <= self.0.len())?;
        (0..count).map(|_| item(self)).collect()
    }

    fn place(&mut self) -> Option<Place> {
        Some(Place { block: self.u32()?, start: self.u32()?, end: self.u32()? })
    }

    fn entry(&mut self) -> Option<Entry> {
        let (name, resource_type) = (self.text()?, self.text()?);
        let (id, url, version) = (self.maybe()?, self.maybe()?, self.maybe()?);
        let kind = match self.u8()? {
            0 => Kind::Other,
            1 => Kind::Supplement(self.text()?),
            kind @ (2 | 3) => {
                Kind::Structure { kind: self.text()?, defines: self.text()?, is_constraint: kind == 3 }
            }
            _ => return None,
        };
        let head = Head { resource_type, id, url, version, kind };
        let place = self.place()?;
        let flags = self.u8()?;
        let outline = if flags & 2 == 0 { None } else { Some(self.place()?) };
        Some(Entry { name, head, place, outline, is_example: flags & 1 != 0 })
    }

    fn manifest(&mut self) -> Option<Manifest> {
        Some(Manifest {
            name: self.text()?,
            version: Version::new(self.str()?),
            canonical: self.maybe()?,
            fhir_versions: self.list(Self::text)?,
            dependencies: self.list(|reader| {
                Some(Dependency { name: reader.text()?, wanted: Wanted::new(reader.str()?) })
            })?,
        })
    }
}
