//! Typed ids: an `Id<Person>` is never taken for an `Id<Client>`.

use std::{cmp::Ordering, fmt, hash, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::Timestamp;

/// What an id is an id of.
pub trait IdKind: Send + Sync + 'static {
    /// The word that the glossary, logs and errors use for this kind.
    const NAME: &'static str;
}

/// The id of one `K`: a UUID version 7 (RFC 9562 §5.7), so that rows are inserted in order of time.
pub struct Id<K: IdKind>(Uuid, PhantomData<fn() -> K>);

impl<K: IdKind> Id<K> {
    /// An id for a thing that begins now. `random` must come from the deployment's entropy.
    pub fn at(now: Timestamp, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now.as_micros() / 1_000).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid(), PhantomData)
    }

    /// The sixteen bytes that the database keeps.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id whose sixteen bytes these are.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes), PhantomData)
    }

    /// The same bytes as an id of another kind: for the few columns that point at rows of several tables.
    pub const fn cast<L: IdKind>(self) -> Id<L> {
        Id(self.0, PhantomData)
    }
}

/// The text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a {0} id: expected a hyphenated UUID")]
pub struct MalformedId(pub &'static str);

impl<K: IdKind> FromStr for Id<K> {
    type Err = MalformedId;
    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let hyphenated = text.len() == 36;
        match Uuid::try_parse(text) {
            Ok(uuid) if hyphenated => Ok(Self(uuid, PhantomData)),
            Ok(_) | Err(_) => Err(MalformedId(K::NAME)),
        }
    }
}

impl<K: IdKind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<K: IdKind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", K::NAME, self.0)
    }
}
impl<K: IdKind> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K: IdKind> Copy for Id<K> {}
impl<K: IdKind> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K: IdKind> Eq for Id<K> {}
impl<K: IdKind> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K: IdKind> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K: IdKind> hash::Hash for Id<K> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K: IdKind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
impl<'de, K: IdKind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub enum $kind {}
        impl IdKind for $kind {
            const NAME: &'static str = $name;
        }
    )*};
}

kinds! {
    /// A health organisation: the tenant that people, clients, sites, studies and keys belong to.
    Organisation = "organisation";
    /// A place of an organisation where care or research happens.
    Site = "site";
    /// A clinical study of an organisation.
    Study = "study";
    /// A person with an account.
    Person = "person";
    /// A client application.
    Client = "client";
    /// One of a client's secrets.
    ClientSecret = "client_secret";
    /// Redirect URI and secret of one client for another (contract 5).
    ClientConnection = "client_connection";
    /// A key that stands for an organisation at the token endpoint.
    ApiKey = "api_key";
    /// What lets a client register itself, made by an administrator.
    InitialAccessToken = "initial_access_token";
    /// A second factor or passkey of a person.
    Factor = "factor";
    /// An external OpenID provider that people sign in through.
    Upstream = "upstream";
    /// What opens the page of a webhook endpoint to whoever receives its calls.
    ReceiverLink = "receiver_link";
    /// A person's signed-in browser.
    Session = "session";
    /// An issued token.
    Token = "token";
    /// A signing or sealing key.
    Key = "key";
    /// A third-party service as this deployment has set it up.
    Integration = "integration";
    /// What a client may do with an integration.
    Trust = "trust";
    /// A person's linked account at an integration.
    Connection = "connection";
    /// A piece of work that happens later.
    Job = "job";
    /// An export or import of records in bulk.
    BulkJob = "bulk_job";
    /// A row of the audit trail, or a published event.
    EventRow = "event";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let early = Id::<Person>::at(Timestamp::from_micros(1_000_000), [0xff; 10]);
        let late = Id::<Person>::at(Timestamp::from_micros(2_000_000), [0; 10]);
        assert!(early < late);
        assert_eq!(late.to_string().parse::<Id<Person>>(), Ok(late));
    }

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        for text in ["", "x", "0190b6e0000070008000000000000000", "{0190b6e0-0000-7000-8000-000000000000}"] {
            assert_eq!(text.parse::<Id<Person>>(), Err(MalformedId("person")), "{text}");
        }
    }
}
