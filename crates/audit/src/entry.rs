//! What an entry of the trail holds.

use kernel::{Actor, EventRow, Id, IdKind, Organisation, RequestId, Timestamp};
use serde_json::Value;

use crate::{Uncanonical, canonical::Members};

/// The largest entry, as canonical bytes.
pub const ENTRY_BYTES_MAX: usize = 4096;

/// As many bytes as nearly every entry takes.
const ENTRY_BYTES_USUAL: usize = 768;

/// The version of the entry's shape; a reader of old rows goes by it.
const SHAPE: i64 = 1;

/// The thing that something was done to: its kind and an opaque id. A name or an e-mail address does not fit in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub(crate) kind: &'static str,
    pub(crate) id: Option<String>,
}

impl Subject {
    /// The longest id that is not one of our own, in bytes.
    pub const ID_BYTES_MAX: usize = 128;

    /// One of our own things.
    pub fn of<K: IdKind>(id: Id<K>) -> Self {
        Self { kind: K::NAME, id: Some(id.to_string()) }
    }

    /// A thing that goes by a text: a slug, a client id. None unless it is 1 to 128 characters of
    /// `[A-Za-z0-9._:-]`, which keeps e-mail addresses and free text out.
    pub fn known_as(kind: &'static str, id: &str) -> Option<Self> {
        let good = (1..=Self::ID_BYTES_MAX).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'));
        good.then(|| Self { kind, id: Some(id.to_owned()) })
    }

    /// A kind of thing, of which none is known: the account that a refused sign-in was aimed at.
    pub const fn unknown(kind: &'static str) -> Self {
        Self { kind, id: None }
    }

    /// What kind of thing it is.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Its id, where it is known.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// How it ended. The reasons are words of the code (`invalid_grant`), never text from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// We did not allow it.
    Refused(&'static str),
    /// We allowed it, and it did not work.
    Failed(&'static str),
}

impl Outcome {
    /// The word for it in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
        }
    }

    /// Why it was not done.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Done => None,
            Self::Refused(reason) | Self::Failed(reason) => Some(reason),
        }
    }
}

/// One entry, before it has an id and a time.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The tenant it belongs to; none for what concerns the deployment, or a request that names no tenant.
    pub organisation: Option<Id<Organisation>>,
    /// Who did it.
    pub actor: Actor,
    /// What was done, as noun and past tense: `connection.linked`.
    pub act: &'static str,
    /// To what.
    pub subject: Subject,
    /// How it ended.
    pub outcome: Outcome,
    /// The request in which it happened.
    pub request: Option<RequestId>,
    /// What else must be known: ids, counts, scopes. Never a payload, a secret, a name or health data, and no
    /// number with a fraction.
    pub details: Value,
}

/// Why an entry cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unwritable {
    /// Its details have no canonical form.
    #[error("audit entry: {0}")]
    Uncanonical(#[from] Uncanonical),
    /// It is larger than [`ENTRY_BYTES_MAX`].
    #[error("audit entry: larger than {ENTRY_BYTES_MAX} bytes")]
    Large,
}

/// The actor as columns: kind, person, client, receiver's link.
pub(crate) type ActorColumns =
    (&'static str, Option<Id<kernel::Person>>, Option<Id<kernel::Client>>, Option<Id<kernel::ReceiverLink>>);

pub(crate) const fn actor_columns(actor: Actor) -> ActorColumns {
    match actor {
        Actor::Person { person, through } => ("person", Some(person), through, None),
        Actor::Client(client) => ("client", None, Some(client), None),
        Actor::Receiver(link) => ("receiver", None, None, Some(link)),
        Actor::System => ("system", None, None, None),
        Actor::Anonymous => ("anonymous", None, None, None),
    }
}

/// The bytes that the row keeps and a verifiable log would hash: what [`canonical`](crate::canonical()) would make of the
/// whole document, whose members are known to come in this order.
pub(crate) fn bytes(entry: &Entry, id: Id<EventRow>, at: Timestamp) -> Result<Vec<u8>, Unwritable> {
    let (kind, person, client, link) = actor_columns(entry.actor);
    let mut to = String::with_capacity(ENTRY_BYTES_USUAL);
    let mut object = Members::begin(&mut to);
    object.text("act", entry.act);
    let mut actor = object.object("actor");
    actor.shown_if("client", client);
    actor.text("kind", kind);
    actor.shown_if("link", link);
    actor.shown_if("person", person);
    actor.end();
    object.shown("at", &at);
    object.value("details", &entry.details)?;
    object.shown("id", &id);
    object.shown_or_null("organisation", entry.organisation);
    let mut outcome = object.object("outcome");
    outcome.text("kind", entry.outcome.as_str());
    outcome.text_if("reason", entry.outcome.reason());
    outcome.end();
    object.text_or_null("request", entry.request.as_ref().map(RequestId::as_str));
    let mut subject = object.object("subject");
    subject.text_if("id", entry.subject.id());
    subject.text("kind", entry.subject.kind);
    subject.end();
    object.integer("v", SHAPE);
    object.end();
    if to.len() <= ENTRY_BYTES_MAX { Ok(to.into_bytes()) } else { Err(Unwritable::Large) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::canonical;

    fn entry(details: Value) -> Entry {
        Entry {
            organisation: Some(Id::from_bytes([1; 16])),
            actor: Actor::Person { person: Id::from_bytes([2; 16]), through: Some(Id::from_bytes([3; 16])) },
            act: "connection.linked",
            subject: Subject::of(Id::<kernel::Connection>::from_bytes([4; 16])),
            outcome: Outcome::Done,
            request: RequestId::parse("r-1"),
            details,
        }
    }

    #[test]
    fn an_entry_has_exactly_these_bytes() {
        let at = Timestamp::from_micros(1_700_000_000_000_001);
        let bytes = bytes(&entry(json!({ "scopes": "sleep", "again": false })), Id::from_bytes([5; 16]), at);
        assert_eq!(
            String::from_utf8(bytes.unwrap()).unwrap(),
            concat!(
                r#"{"act":"connection.linked","actor":{"client":"03030303-0303-0303-0303-030303030303","#,
                r#""kind":"person","person":"02020202-0202-0202-0202-020202020202"},"#,
                r#""at":"2023-11-14T22:13:20.000001Z","details":{"again":false,"scopes":"sleep"},"#,
                r#""id":"05050505-0505-0505-0505-050505050505","#,
                r#""organisation":"01010101-0101-0101-0101-010101010101","outcome":{"kind":"done"},"#,
                r#""request":"r-1","subject":{"id":"04040404-0404-0404-0404-040404040404","kind":"connection"},"v":1}"#,
            )
        );
    }

    #[test]
    fn the_order_that_is_written_is_the_canonical_one() {
        let at = Timestamp::from_micros(1);
        let mut bare = entry(json!({ "z": ["\u{1f600}\n", null], "a": { "b": -1 } }));
        (bare.organisation, bare.request, bare.actor) = (None, None, Actor::System);
        (bare.subject, bare.outcome) = (Subject::unknown("person"), Outcome::Refused("no_secret"));
        let mut received = entry(Value::Null);
        received.actor = Actor::Receiver(Id::from_bytes([6; 16]));
        for entry in [bare, received, entry(Value::Null)] {
            let written = bytes(&entry, Id::from_bytes([5; 16]), at).unwrap();
            let read: Value = serde_json::from_slice(&written).unwrap();
            assert_eq!(canonical(&read).unwrap(), written);
        }
    }

    #[test]
    fn an_entry_is_small_and_has_no_fractions() {
        let at = Timestamp::from_micros(0);
        let write = |details| bytes(&entry(details), Id::from_bytes([5; 16]), at).map(|_| ());
        assert_eq!(write(json!({ "weight": 71.5 })), Err(Unwritable::Uncanonical(Uncanonical::Float)));
        assert_eq!(write(json!("x".repeat(ENTRY_BYTES_MAX))), Err(Unwritable::Large));
        assert_eq!(write(Value::Null), Ok(()));
    }

    #[test]
    fn a_subject_is_never_a_person_s_name_or_address() {
        for text in ["river@example.org", "River Song", "", "a/b", "ü", &"x".repeat(129)] {
            assert_eq!(Subject::known_as("person", text), None, "{text:?}");
        }
        assert!(Subject::known_as("integration", "integration-1").is_some());
        assert_eq!(Subject::unknown("person").id(), None);
    }
}
