//! Files somewhere else, read record by record: the same whether they lie in a directory or in a bucket.
//!
//! A file is taken once it has lain still for a while, in the order of its last change, and is done with when the unit that stores its last rows is
//! committed. Where a run is, is a file, a byte of it and what the reader knows there. So a run that was killed goes on in the middle of a file, and no
//! file is taken twice, left half, or mixed of two that had the same name: each stretch counts only if the file is still the one that was begun.

mod check;
mod declared;
mod place;
mod record;

use std::{future::Future, time::Duration};

use futures_util::future::BoxFuture;
use kernel::World;
use serde::{Deserialize, Serialize};

use super::{
    Abilities, Asked, Connector, Cursor, Deletions, Findings, Found, Name, Page, PullFault, Raw, Since,
};
use crate::format::{Chunk, Csv, Encoding, Format, Position, Rest, Shape, WINDOW_BYTES_MAX, read};
pub use declared::declared;
use place::{Current, Place};
pub use record::Records;

/// Files and folders of one place that are looked at.
pub const LISTED_MAX: usize = 20_000;
/// Records of one page.
pub const PAGE_RECORDS: usize = 500;
/// Bytes of files that are read for one page.
pub const PAGE_BYTES_MAX: usize = 8 << 20;
/// Bytes that are read of a file at first; more where a record does not end within them.
pub const WINDOW_BYTES: usize = 256 * 1024;
/// After so long a page takes no more records, and the next one goes on.
pub const PAGE_TIME: Duration = Duration::from_secs(45);
/// The longest that one page may take: its turn of the budget lasts a little longer.
pub const PAGE_TIMEOUT: Duration = Duration::from_secs(85);
/// How long a file has to have lain still, in seconds, unless the integration says otherwise.
pub const SETTLED_S: u32 = 60;
/// Files that are remembered as done with. Of older ones it is known that they came before.
pub const DONE_MAX: usize = 1_000;
/// The same in bytes.
pub const DONE_BYTES_MAX: usize = 128 * 1024;
/// Files of one page.
pub const PAGE_FILES: usize = 100;
/// The longest name of a file, in bytes.
pub const NAME_BYTES_MAX: usize = 255;

/// A file as the other side lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name below the place that is looked at.
    pub name: String,
    /// Tells it from another one of that name.
    #[serde(flatten)]
    pub version: Version,
}

/// What changes when a file does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// When it was last changed, in milliseconds since 1970.
    pub modified_ms: i64,
    /// How long it is, in bytes.
    pub size: u64,
    /// What the other side calls this state of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tag: String,
}

/// A place with files.
pub trait Shelf: Send + Sync {
    /// The way in, once it is open.
    type Hand: Hand;

    /// Go there.
    fn reach(&self) -> impl Future<Output = Result<Self::Hand, PullFault>> + Send;

    /// Go there step by step, telling of each; none if one fails.
    fn try_reach(
        &self,
        world: &World,
        findings: &mut Findings,
    ) -> impl Future<Output = Option<Self::Hand>> + Send;
}

/// Somebody at a shelf.
pub trait Hand: Send {
    /// All files that could be taken, in any order, at most [`LISTED_MAX`].
    fn list(&mut self) -> impl Future<Output = Result<Vec<Listed>, PullFault>> + Send;

    /// So many bytes of a file from there on, fewer at its end alone; none if it is not the one that was listed any more.
    fn read(
        &mut self,
        file: &Listed,
        from: u64,
        bytes: usize,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, PullFault>> + Send;

    /// Put a file where those are that are done with. One that is not there any more has been put away.
    fn put_away(&mut self, name: &str) -> impl Future<Output = Result<(), PullFault>> + Send;

    /// Say goodbye.
    fn leave(self) -> impl Future<Output = ()> + Send;
}

/// Which files are taken, and how they are read.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Names with `*` and `?`; a file belongs to the first that fits, and is of the stream of that name.
    pub patterns: Vec<glob::Pattern>,
    /// How all of them are written; by the ends of their names where it is not said.
    pub format: Option<Format>,
    /// How tables are written.
    pub csv: Csv,
    /// In which characters.
    pub encoding: Encoding,
    /// What tells records apart, where the format does not.
    pub key: Vec<String>,
    /// How long a file has to have lain still, in seconds.
    pub settled_s: u32,
    /// Whether files that are done with are put away.
    pub after: After,
}

/// What becomes of a file that is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It stays.
    Stay,
    /// It is put away.
    PutAway,
}

impl Rules {
    /// With these patterns, and else as usual.
    pub fn new(patterns: Vec<glob::Pattern>) -> Self {
        Self {
            patterns,
            format: None,
            csv: Csv::default(),
            encoding: Encoding::default(),
            key: Vec::new(),
            settled_s: SETTLED_S,
            after: After::Stay,
        }
    }

    /// The pattern that a name fits.
    fn stream(&self, name: &str) -> Option<&str> {
        self.patterns.iter().find(|pattern| pattern.matches(name)).map(glob::Pattern::as_str)
    }

    fn shape(&self, name: &str) -> Shape {
        let format = self.format.clone().unwrap_or_else(|| {
            match name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).as_deref() {
                Some("xml" | "odm") => Format::OdmXml,
                Some("json") => Format::DatasetJson,
                Some("ndjson" | "jsonl") => Format::Ndjson,
                Some("tsv") => Format::Csv(Csv { delimiter: b'\t', ..self.csv }),
                _ => Format::Csv(self.csv),
            }
        });
        Shape { format, encoding: self.encoding, key: self.key.clone() }
    }
}

/// Files of a shelf as a source.
pub struct Files<S> {
    shelf: S,
    rules: Rules,
    records: Records,
    world: World,
}

impl<S: Shelf> Files<S> {
    /// Those of this shelf.
    pub const fn new(shelf: S, rules: Rules, records: Records, world: World) -> Self {
        Self { shelf, rules, records, world }
    }

    /// What is listed, is wanted and lies still, the oldest first.
    fn wanted(&self, mut listed: Vec<Listed>) -> Vec<Listed> {
        let still = self.world.now().as_micros() / 1_000 - i64::from(self.rules.settled_s) * 1_000;
        listed.retain(|file| {
            let is_name = (1..=NAME_BYTES_MAX).contains(&file.name.len()) && !file.name.contains('\0');
            is_name && file.version.modified_ms <= still && self.rules.stream(&file.name).is_some()
        });
        listed.sort_by(|one, other| place::order(one).cmp(&place::order(other)));
        listed
    }

    async fn pulled(&self, cursor: &Cursor) -> Result<Page, PullFault> {
        let mut place = Place::of(cursor)?;
        let mut hand = self.shelf.reach().await?;
        let page = self.page(&mut hand, &mut place).await;
        hand.leave().await;
        page
    }

    async fn page(&self, hand: &mut S::Hand, place: &mut Place) -> Result<Page, PullFault> {
        // What was done with in the page before is so for good by now.
        for name in std::mem::take(&mut place.away) {
            hand.put_away(&name).await?;
        }
        let listed = self.wanted(hand.list().await?);
        let mut page = Page::default();
        let (began, mut bytes, mut stretches, mut changed) = (self.world.now(), 0, 0, Vec::new());
        // Within a page what is gone goes last: nothing may come behind it.
        while page.records.len() < PAGE_RECORDS
            && page.gone.is_empty()
            && bytes < PAGE_BYTES_MAX
            && stretches < PAGE_FILES
            && (stretches == 0 || self.world.now().since(began) < PAGE_TIME)
        {
            stretches += 1;
            let Some(current) = place.turn_to(&listed, &changed) else {
                page.mark = Some(place.mark()?);
                // Files that are put away need one step more.
                page.next = if place.away.is_empty() { None } else { Some(place.to_json()?) };
                return Ok(page);
            };
            match self.stretch(hand, current).await? {
                Stretch::Changed => {
                    changed.push(current.file.name.clone());
                    place.forget();
                }
                Stretch::Read { found, gone, next, read } => {
                    bytes += read;
                    page.begun.extend(current.is_begun().then(|| self.records.origin(&current.file.name)));
                    page.records.extend(found);
                    page.gone.extend(gone);
                    place.went_on(next, self.rules.after);
                }
            }
        }
        page.mark = Some(place.mark()?);
        page.next = Some(place.to_json()?);
        Ok(page)
    }

    /// The next records of a file.
    async fn stretch(&self, hand: &mut S::Hand, current: &Current) -> Result<Stretch, PullFault> {
        let (file, at) = (&current.file, &current.at);
        let shape = self.rules.shape(&file.name);
        let stream = self.rules.stream(&file.name).unwrap_or_default();
        // The bytes before are looked at again: they show that it is the file that was begun.
        let before = current.tail_len();
        let mut window = WINDOW_BYTES;
        loop {
            let Some(held) =
                hand.read(file, at.byte - before, window + usize::try_from(before).unwrap_or(0)).await?
            else {
                return Ok(Stretch::Changed);
            };
            let Some((tail, fresh)) = held.split_at_checked(usize::try_from(before).unwrap_or(usize::MAX))
            else {
                return Ok(Stretch::Changed);
            };
            if !current.follows(tail) {
                return Ok(Stretch::Changed);
            }
            let is_end = at.byte + fresh.len() as u64 >= file.version.size;
            let rest = if is_end { Rest::Nothing } else { Rest::More };
            if !is_end && fresh.len() < window {
                return Err(PullFault::again("the source gave less of a file than it has"));
            }
            let chunk = match read(&shape, at, fresh, rest) {
                Ok(chunk) => chunk,
                Err(fault) => {
                    let found = vec![self.records.unreadable((stream, &file.name), at, fault)];
                    return Ok(Stretch::Read { found, gone: Vec::new(), next: Next::Done, read: held.len() });
                }
            };
            if chunk.next.as_ref() == Some(at) && window < WINDOW_BYTES_MAX {
                window = (window * 4).min(WINDOW_BYTES_MAX);
                continue;
            }
            let read = held.len();
            return Ok(self.taken((stream, file), (at, &held, before), chunk, read));
        }
    }

    /// What a chunk brings, and where the file goes on.
    fn taken(
        &self,
        (stream, file): (&str, &Listed),
        (at, held, before): (&Position, &[u8], u64),
        chunk: Chunk,
        read: usize,
    ) -> Stretch {
        let (found, gone) = self.records.of((stream, &file.name), &chunk.rows);
        let next = match chunk.next {
            None => Next::Done,
            Some(next) => {
                let upto = usize::try_from(next.byte - (at.byte - before)).unwrap_or(usize::MAX);
                let tail = held.get(..upto).unwrap_or(held);
                let tail = tail.get(tail.len().saturating_sub(place::TAIL_BYTES)..).unwrap_or(tail);
                Next::At(Box::new(Current::new(file.clone(), next, tail)))
            }
        };
        Stretch::Read { found, gone, next, read }
    }
}

/// What a stretch of a file comes to.
enum Stretch {
    /// It is not the file that was begun.
    Changed,
    Read {
        found: Vec<Found>,
        gone: Vec<Name>,
        next: Next,
        read: usize,
    },
}

/// Where a file goes on.
enum Next {
    Done,
    At(Box<Current>),
}

impl<S: Shelf> Connector for Files<S> {
    fn abilities(&self) -> Abilities {
        // That a file is gone says nothing of what it held.
        Abilities { since: Since::Told, deletions: Deletions::Unknown }
    }

    fn types(&self) -> std::collections::BTreeSet<&str> {
        self.records.types()
    }

    fn check<'a>(&'a self, world: &'a World) -> BoxFuture<'a, Findings> {
        Box::pin(check::check(self, world))
    }

    fn pull<'a>(&'a self, cursor: &'a Cursor) -> BoxFuture<'a, Result<Page, PullFault>> {
        Box::pin(async move {
            let pulled = tokio::time::timeout(PAGE_TIMEOUT, self.pulled(cursor)).await;
            pulled.unwrap_or(Err(PullFault::again("the source is too slow")))
        })
    }

    fn ask<'a>(&'a self, _: &'a Name) -> BoxFuture<'a, Result<Asked, PullFault>> {
        Box::pin(async { Err(PullFault::last("a file cannot be asked for one record")) })
    }

    fn again(&self, raw: &Raw) -> Vec<Found> {
        self.records.again(raw)
    }
}
