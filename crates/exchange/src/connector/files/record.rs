//! Rows of files as resources, or with the reason why not.

use std::sync::Arc;

use kernel::{Digest, Id, Integration};
use vault::TenantVault;

use crate::{
    connector::{Found, Mapper, Name, Raw},
    format::{Position, Row, Unreadable, What},
    mapping::Unmapped,
};

/// Characters of a row that cannot be read that are kept with the reason.
const KEPT_CHARACTERS_MAX: usize = 64 * 1024;

/// Makes resources of rows.
#[derive(Clone)]
pub struct Records {
    mapper: Mapper,
    /// Makes ids of what has none.
    blind: Arc<dyn Fn(&str) -> Digest + Send + Sync>,
}

impl Records {
    /// By this mapping, for this integration.
    pub fn new(mapper: Mapper, vault: &TenantVault, integration: Id<Integration>) -> Self {
        let vault = vault.clone();
        let blind = move |text: &str| vault.blind("exchange.row_id", &format!("{integration}\0{text}"));
        Self::with(mapper, blind)
    }

    /// By this mapping, with names of rows by this digest.
    pub fn with(mapper: Mapper, blind: impl Fn(&str) -> Digest + Send + Sync + 'static) -> Self {
        Self { mapper, blind: Arc::new(blind) }
    }

    /// What rows of a file become, and what of them is gone. A row belongs to the stream that it names, or to that of the file.
    pub fn of(&self, (stream, file): (&str, &str), rows: &[Row]) -> (Vec<Found>, Vec<Name>) {
        let (mut found, mut gone): (Vec<Found>, Vec<Name>) = (Vec::new(), Vec::new());
        for row in rows {
            let stream =
                row.stream.as_deref().filter(|named| self.mapper.mapping().has(named)).unwrap_or(stream);
            let place = format!("{file}, {}", row.place);
            match &row.what {
                What::Record(record) => {
                    let mapped = self.mapper.found(stream, record).into_iter();
                    let mapped: Vec<Found> = mapped.map(|one| placed(one, &place)).collect();
                    // Something that was taken away and is there again is there.
                    gone.retain(|gone| !mapped.iter().any(|one| one.name == *gone));
                    found.extend(mapped);
                }
                What::Removed(record) => {
                    let names = self.mapper.gone(None, stream, record);
                    found.retain(|one| !names.contains(&one.name));
                    gone.extend(names);
                }
                What::Unreadable { why, text } => {
                    let name = self.name("Row", file, (&place, &row.key));
                    found.push(refused(name, (stream, text), format!("{place}: {why}")));
                }
            }
        }
        (found, gone)
    }

    /// A file of which nothing more can be read.
    pub fn unreadable(&self, (stream, file): (&str, &str), at: &Position, why: Unreadable) -> Found {
        let words = format!("{file}, from byte {} on: {why}", at.byte);
        refused(self.name("File", file, ("", "")), (stream, ""), words)
    }

    /// The types that rows become.
    pub fn types(&self) -> std::collections::BTreeSet<&str> {
        self.mapper.mapping().types()
    }

    /// What a record that was kept becomes by now.
    pub fn again(&self, raw: &Raw) -> Vec<Found> {
        self.mapper.again(raw)
    }

    /// What names of what cannot be read in a file begin with.
    pub fn origin(&self, file: &str) -> String {
        format!("{}.", self.digits(&format!("Origin\0{file}")))
    }

    /// Names of files may say who is in them: they are in no name of a record.
    fn name(&self, of: &str, file: &str, (place, key): (&str, &str)) -> Name {
        let id = self.origin(file) + &self.digits(&format!("{of}\0{place}\0{key}"));
        Name { of: of.to_owned(), id }
    }

    fn digits(&self, text: &str) -> String {
        let digest = (self.blind)(text);
        digest.as_bytes().iter().take(20).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What cannot be read, as it stands there.
fn refused(name: Name, (stream, text): (&str, &str), words: String) -> Found {
    let record: String = text.chars().take(KEPT_CHARACTERS_MAX).collect();
    Found {
        name,
        text: Err(Unmapped { code: "structure", words }),
        raw: Some(Raw { stream: stream.to_owned(), record: record.into(), account: None }),
    }
}

/// With where it stands, where it was not taken.
fn placed(found: Found, place: &str) -> Found {
    let text = found.text.map_err(|why| Unmapped { words: format!("{place}: {}", why.words), ..why });
    Found { text, ..found }
}
