//! The tar layer: every entry is judged before any is used, so that an archive is taken whole or not at all.
//! Our own reader over the unpacked bytes: what it does not know is refused, not skipped.

use std::{collections::HashMap, ops::Range};

use super::{
    Limits, PackageFault,
    fault::shown,
    header::{BLOCK_BYTES, EntryKind, Header},
    name,
};

/// A file: its name and where its bytes are in the archive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) bytes: Range<usize>,
}

pub(super) fn files(archive: &[u8], limits: &Limits) -> Result<Vec<File>, PackageFault> {
    let mut walk = Walk { archive, limits, at: 0, entry: 0, next: Next::default(), seen: HashMap::new() };
    let mut files = Vec::new();
    while let Some(found) = walk.entry()? {
        files.extend(found);
    }
    Ok(files)
}

/// What an extended header says of the entry after it.
#[derive(Default)]
struct Next {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

struct Walk<'a> {
    archive: &'a [u8],
    limits: &'a Limits,
    at: usize,
    entry: usize,
    next: Next,
    /// Lower-case name → the name as it stood, for files and the folders that they are in.
    seen: HashMap<String, Seen>,
}

struct Seen {
    name: String,
    kind: EntryKind,
}

impl Walk<'_> {
    /// One entry; `None` at the end, `Some(None)` for what is no file.
    fn entry(&mut self) -> Result<Option<Option<File>>, PackageFault> {
        if self.at == self.archive.len() {
            return Ok(None);
        }
        self.entry += 1;
        if self.entry > self.limits.entries_max {
            return Err(PackageFault::OverLimit { limit: "ENTRIES_MAX", max: self.limits.entries_max });
        }
        let header = Header::at(self.archive, self.at).ok_or(PackageFault::Truncated)?;
        self.at += BLOCK_BYTES;
        if header.is_zero() {
            return self.end();
        }
        if !header.has_good_sum() {
            return Err(self.bad("the check sum is wrong"));
        }
        let kind = header.kind();
        match kind {
            EntryKind::Pax => self.pax(header)?,
            EntryKind::PaxGlobal => self.pax_global(header)?,
            EntryKind::LongName => self.long_name(header)?,
            EntryKind::Link(kind) => return Err(PackageFault::Link { name: self.shown_name(header), kind }),
            EntryKind::Other(kind) => {
                return Err(PackageFault::NotAFile { name: self.shown_name(header), kind });
            }
            EntryKind::File | EntryKind::Folder => return self.named(header, kind).map(Some),
        }
        Ok(Some(None))
    }

    /// Two blocks of zeros end the archive; what fills its last record is zeros too.
    fn end(&mut self) -> Result<Option<Option<File>>, PackageFault> {
        let rest = self.archive.get(self.at..).unwrap_or_default();
        match rest.iter().rposition(|byte| *byte != 0) {
            None => Ok(None),
            Some(last) => Err(PackageFault::TrailingBytes(last + 1)),
        }
    }

    fn named(&mut self, header: Header<'_>, kind: EntryKind) -> Result<Option<File>, PackageFault> {
        let next = std::mem::take(&mut self.next);
        let raw = next.name.unwrap_or_else(|| header.name());
        let name = name::plain(&raw, self.limits)?;
        // Before ustar, a folder was a file whose name ends in a slash.
        let is_folder = kind == EntryKind::Folder || raw.ends_with(b"/");
        let kind = if is_folder { EntryKind::Folder } else { EntryKind::File };
        let bytes = self.content(next.size.or_else(|| header.size()))?;
        self.see(&name, kind)?;
        Ok((!is_folder).then_some(File { name, bytes }))
    }

    /// A folder may come again, a file never, and nothing is both.
    fn see(&mut self, name: &str, kind: EntryKind) -> Result<(), PackageFault> {
        let key = name.to_lowercase();
        if let Some(seen) = self.seen.get(&key)
            && (kind == EntryKind::File || seen.kind == EntryKind::File)
        {
            return Err(PackageFault::Duplicate { name: shown(name), first: shown(&seen.name) });
        }
        self.seen.insert(key, Seen { name: name.to_owned(), kind });
        let Some((folder, _)) = name.rsplit_once('/') else { return Ok(()) };
        if self.seen.get(&folder.to_lowercase()).is_some_and(|seen| seen.kind == EntryKind::Folder) {
            return Ok(());
        }
        self.see(folder, EntryKind::Folder)
    }

    /// Where the entry's bytes are; the walk goes on behind them.
    fn content(&mut self, size: Option<u64>) -> Result<Range<usize>, PackageFault> {
        let size =
            size.and_then(|size| usize::try_from(size).ok()).ok_or(self.bad("the size is no number"))?;
        if size > self.limits.file_bytes_max {
            return Err(PackageFault::OverLimit { limit: "FILE_BYTES_MAX", max: self.limits.file_bytes_max });
        }
        let start = self.at;
        let padded = size.div_ceil(BLOCK_BYTES).saturating_mul(BLOCK_BYTES);
        self.at = start.saturating_add(padded);
        if self.at > self.archive.len() {
            return Err(PackageFault::Truncated);
        }
        Ok(start..start + size)
    }

    fn extension(&mut self, header: Header<'_>) -> Result<&[u8], PackageFault> {
        let range = self.content(header.size())?;
        Ok(self.archive.get(range).unwrap_or_default())
    }

    fn long_name(&mut self, header: Header<'_>) -> Result<(), PackageFault> {
        let name = self.extension(header)?;
        let name = name.strip_suffix(b"\0").unwrap_or(name).to_vec();
        self.once(|next| next.name.replace(name).is_some())
    }

    fn pax(&mut self, header: Header<'_>) -> Result<(), PackageFault> {
        let records = records(self.extension(header)?).ok_or(self.bad("the pax records cannot be read"))?;
        for (key, value) in records {
            match key.as_str() {
                "path" => self.once(|next| next.name.replace(value).is_some())?,
                "size" => {
                    let size = std::str::from_utf8(&value).ok().and_then(|size| size.parse().ok());
                    let size: u64 = size.ok_or(self.bad("the size is no number"))?;
                    self.once(|next| next.size.replace(size).is_some())?;
                }
                _ if key.starts_with("GNU.sparse") => return Err(self.bad("sparse files are refused")),
                // Times, owners, check sums: nothing that a package means.
                _ => {}
            }
        }
        Ok(())
    }

    fn pax_global(&mut self, header: Header<'_>) -> Result<(), PackageFault> {
        let records = records(self.extension(header)?).ok_or(self.bad("the pax records cannot be read"))?;
        match records.iter().any(|(key, _)| matches!(key.as_str(), "path" | "size" | "linkpath")) {
            true => Err(self.bad("one name or size for all entries")),
            false => Ok(()),
        }
    }

    /// Two names for one entry are refused: readers differ on which one holds.
    fn once(&mut self, twice: impl FnOnce(&mut Next) -> bool) -> Result<(), PackageFault> {
        if twice(&mut self.next) { Err(self.bad("its name or size is said twice")) } else { Ok(()) }
    }

    fn shown_name(&self, header: Header<'_>) -> String {
        let raw = self.next.name.clone().unwrap_or_else(|| header.name());
        shown(&String::from_utf8_lossy(&raw))
    }

    fn bad(&self, why: &'static str) -> PackageFault {
        PackageFault::BadHeader { entry: self.entry, why }
    }
}

/// `"%d %s=%s\n"`, the number being the length of the whole record.
fn records(mut rest: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut records = Vec::new();
    while !rest.is_empty() {
        let space = rest.iter().position(|byte| *byte == b' ')?;
        let digits = std::str::from_utf8(rest.get(..space)?).ok()?;
        let length: usize = digits.parse().ok()?;
        let (record, behind) = rest.split_at_checked(length)?;
        let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        let key = std::str::from_utf8(record.get(..equals)?).ok()?;
        records.push((key.to_owned(), record.get(equals + 1..)?.to_vec()));
        rest = behind;
    }
    Some(records)
}
