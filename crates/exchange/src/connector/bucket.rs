//! A bucket of objects, in whatever it is spoken to: listed page by page, and read in ranges, each on the condition that the object is still the one
//! that was listed.

mod encode;
mod hand;
mod xml;

use std::sync::Arc;

use kernel::{Timestamp, World};
use outbound::{Call, WholeAnswer};
use url::Url;

use super::{
    Findings, Outcome, PullFault, StepName, Way,
    files::{Files, Listed, Records, Rules, Shelf, Version},
    look::words,
    reach::{encryption, first, reach},
    way::unanswered,
};
pub(super) use encode::{Slash, encoded};
pub use hand::BucketHand;
pub(super) use xml::{Part, error_code, texts};

/// Objects of one answer to a list.
pub const LIST_KEYS: usize = 1_000;
/// Answers to one list: some of them hold fewer objects than they may.
pub const LIST_PAGES_MAX: usize = 200;
/// The most bytes of one answer to a list.
pub const LIST_BYTES_MAX: usize = 8 << 20;
/// The most bytes of an answer that is no object, where fewer of one were asked for.
pub const REFUSAL_BYTES_MAX: usize = 64 << 10;

/// How a store is spoken to.
pub trait Dialect: Send + Sync + 'static {
    /// The bucket's own address, with a slash at its end.
    fn base(&self) -> &Url;

    /// A call that lists so many objects whose names begin with the prefix, behind `continued`; none if it cannot be made.
    fn list(&self, asked: (&str, Option<&str>, usize), now: Timestamp) -> Option<Call>;

    /// A call for a range of an object, as long as it has this tag (none where that is empty); none if it cannot be made.
    fn object(&self, key: &str, range_and_tag: (&str, &str), now: Timestamp) -> Option<Call>;

    /// What a list holds of names that begin with the prefix; none if it is no list.
    fn listed(&self, body: &[u8], prefix: &str) -> Option<Objects>;

    /// What the code of an answer says that is none that can be used.
    fn refusal(&self, answer: &WholeAnswer) -> Option<PullFault>;
}

/// A page of a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Objects {
    /// Objects, by their names behind the prefix.
    pub files: Vec<Listed>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// What a list says of an object.
#[derive(Default)]
pub(super) struct Object {
    pub name: String,
    pub modified: Option<Timestamp>,
    pub size: Option<u64>,
    pub tag: String,
}

impl Objects {
    /// Those whose names begin with the prefix, without it; none where it is not said of one when it was changed or how large it is.
    pub(super) fn below(prefix: &str, all: Vec<Object>, next: Option<String>) -> Option<Self> {
        let mut files = Vec::new();
        for Object { name, modified, size, tag } in all {
            // What ends with a slash stands for a folder.
            let name = name.strip_prefix(prefix).filter(|name| !name.is_empty() && !name.ends_with('/'));
            let Some(name) = name else { continue };
            let version = Version { modified_ms: modified?.as_micros() / 1_000, size: size?, tag };
            files.push(Listed { name: name.to_owned(), version });
        }
        Some(Self { files, next })
    }
}

/// A bucket.
pub struct Bucket<D>(Arc<Parts<D>>);

impl<D> Clone for Bucket<D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Parts<D> {
    way: Way,
    world: World,
    /// What the names of all objects that are looked at begin with.
    prefix: String,
    dialect: D,
}

impl<D: Dialect> Bucket<D> {
    /// The bucket that is spoken to so.
    pub fn new((way, world): (Way, World), dialect: D, prefix: String) -> Self {
        Self(Arc::new(Parts { way, world, prefix, dialect }))
    }

    /// Its objects as a source.
    pub fn source(self, rules: Rules, records: Records) -> Files<Self> {
        let world = self.0.world.clone();
        Files::new(self, rules, records, world)
    }

    fn list_call(&self, continued: Option<&str>, keys: usize) -> Result<Call, PullFault> {
        let call = self.0.dialect.list((&self.0.prefix, continued, keys), self.0.world.now());
        call.ok_or(UNFIT)
    }

    /// Why an answer is none that can be used.
    fn judged(&self, answer: &WholeAnswer) -> Result<(), PullFault> {
        // A part of an object.
        if answer.status.as_u16() == 206 {
            return Ok(());
        }
        let Err(fault) = self.0.way.told(answer.status, &answer.headers) else { return Ok(()) };
        Err(self.0.dialect.refusal(answer).unwrap_or(fault))
    }
}

const UNFIT: PullFault = PullFault::last("the source's address or the credential cannot be used");

impl<D: Dialect> Shelf for Bucket<D> {
    type Hand = BucketHand<D>;

    async fn reach(&self) -> Result<BucketHand<D>, PullFault> {
        Ok(BucketHand(self.clone()))
    }

    async fn try_reach(&self, world: &World, findings: &mut Findings) -> Option<BucketHand<D>> {
        let base = self.0.dialect.base();
        reach(self.0.way.outbound(), base, (world, findings)).await?;
        let began = world.now();
        let call = match self.list_call(None, 1) {
            Ok(call) => call,
            Err(fault) => {
                findings.tell(StepName::SignIn, (world, began), (Outcome::Failed, words(&fault)));
                return None;
            }
        };
        let answer = first(&self.0.way, call, (world, findings)).await?;
        let said = encryption(base, &answer);
        findings.tell(StepName::Tls, (world, began), said);
        if said.0 == Outcome::Failed {
            return None;
        }
        let said = match answer.map_err(|fault| unanswered(&fault)).and_then(|answer| self.judged(&answer)) {
            Ok(()) => (Outcome::Passed, "the store knows us, and lets us list the bucket"),
            Err(fault) => (Outcome::Failed, words(&fault)),
        };
        findings.tell(StepName::SignIn, (world, began), said);
        (said.0 == Outcome::Passed).then(|| BucketHand(self.clone()))
    }
}
