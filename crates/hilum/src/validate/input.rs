//! Resources from files, folders and NDJSON, a batch at a time, so that memory does not grow with their number.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use validator::Format;

/// `BATCH_BYTES_MAX`: a batch is full when it has more; one resource alone may.
pub const BATCH_BYTES_MAX: usize = 8 << 20;
/// `BATCH_RESOURCES_MAX`: resources of one batch.
pub const BATCH_RESOURCES_MAX: usize = 4096;
/// `RESOURCE_BYTES_MAX`: one file or one line of NDJSON; a longer one is not read.
pub const RESOURCE_BYTES_MAX: u64 = 64 << 20;

/// One resource to check.
#[derive(Debug)]
pub struct Input {
    /// The file.
    pub file: String,
    /// Its line in the file, from 1, where the file has many resources.
    pub line: Option<u32>,
    /// The text.
    pub bytes: Vec<u8>,
    /// How it is written.
    pub format: Format,
}

/// What could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {why}")]
pub struct Unread {
    /// The file.
    pub file: String,
    /// Why.
    pub why: String,
}

/// The resources of files and folders, in order.
pub struct Inputs {
    /// The next one last.
    open: Vec<PathBuf>,
    lines: Option<Lines>,
}

struct Lines {
    file: String,
    reader: BufReader<File>,
    line: u32,
    is_left: bool,
}

impl Inputs {
    /// Folders are walked through, by the names of their files.
    pub fn new(paths: &[PathBuf]) -> Self {
        Self { open: paths.iter().rev().cloned().collect(), lines: None }
    }

    /// The next resources, no more than a batch; none, when all are done.
    pub fn batch(&mut self) -> Vec<Result<Input, Unread>> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH_BYTES_MAX && batch.len() < BATCH_RESOURCES_MAX {
            let Some(next) = self.next() else { break };
            bytes += next.as_ref().map_or(0, |input| input.bytes.len());
            batch.push(next);
        }
        batch
    }

    fn next(&mut self) -> Option<Result<Input, Unread>> {
        loop {
            if let Some(lines) = &mut self.lines {
                match lines.next() {
                    Some(next) => return Some(next),
                    None => self.lines = None,
                }
            }
            let path = self.open.pop()?;
            let file = path.display().to_string();
            let unread = |why: std::io::Error| Unread { file: file.clone(), why: why.to_string() };
            if path.is_dir() {
                match std::fs::read_dir(&path) {
                    Ok(entries) => self.walk(entries.flatten().map(|entry| entry.path())),
                    Err(why) => return Some(Err(unread(why))),
                }
            } else if has_ending(&path, &["ndjson", "jsonl"]) {
                match File::open(&path) {
                    Ok(opened) => {
                        self.lines =
                            Some(Lines { file, reader: BufReader::new(opened), line: 0, is_left: false })
                    }
                    Err(why) => return Some(Err(unread(why))),
                }
            } else {
                return Some(read(&path).map_err(unread));
            }
        }
    }

    /// What looks like a resource, and folders in it.
    fn walk(&mut self, entries: impl Iterator<Item = PathBuf>) {
        let fits = |path: &PathBuf| path.is_dir() || has_ending(path, &["json", "xml", "ndjson", "jsonl"]);
        let mut paths: Vec<PathBuf> = entries.filter(fits).collect();
        paths.sort_by(|one, other| other.cmp(one));
        self.open.extend(paths);
    }
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| endings.contains(&ending))
}

fn read(path: &Path) -> std::io::Result<Input> {
    let mut bytes = Vec::new();
    File::open(path)?.take(RESOURCE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > RESOURCE_BYTES_MAX {
        return Err(too_long());
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let format = match text.trim_ascii_start().first() {
        Some(b'<') => Format::Xml,
        Some(b'{') => Format::Json,
        _ if has_ending(path, &["xml"]) => Format::Xml,
        _ => Format::Json,
    };
    Ok(Input { file: path.display().to_string(), line: None, bytes, format })
}

fn too_long() -> std::io::Error {
    std::io::Error::other("over RESOURCE_BYTES_MAX")
}

impl Lines {
    /// The next line that is not empty.
    fn next(&mut self) -> Option<Result<Input, Unread>> {
        while !self.is_left {
            let mut bytes = Vec::new();
            self.line += 1;
            let read = (&mut self.reader).take(RESOURCE_BYTES_MAX + 1).read_until(b'\n', &mut bytes);
            let unread = |why: std::io::Error| Unread {
                file: format!("{}:{}", self.file, self.line),
                why: why.to_string(),
            };
            match read {
                Ok(0) => return None,
                Ok(count) if count as u64 > RESOURCE_BYTES_MAX => {
                    let fault = unread(too_long());
                    // The rest of such a line is no resource either: the file is left.
                    self.is_left = true;
                    return Some(Err(fault));
                }
                Ok(_) if bytes.trim_ascii().is_empty() => {}
                Ok(_) => {
                    let (file, line) = (self.file.clone(), Some(self.line));
                    return Some(Ok(Input { file, line, bytes, format: Format::Json }));
                }
                Err(why) => {
                    let fault = unread(why);
                    self.is_left = true;
                    return Some(Err(fault));
                }
            }
        }
        None
    }
}
