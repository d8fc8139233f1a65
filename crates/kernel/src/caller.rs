//! Who acts.

use std::{fmt, sync::Arc};

use crate::{Client, Grants, Id, Organisation, Permission, Person, ReceiverLink, Scopes, Study, Token};

/// The id of one request: the caller's own `x-request-id` where it is well formed, else ours.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The longest id that is taken over from a caller, in bytes.
    pub const BYTES_MAX: usize = 64;

    /// The caller's own id, if it is 1 to 64 characters of `[A-Za-z0-9_#-]`.
    pub fn parse(text: &str) -> Option<Self> {
        let good = (1..=Self::BYTES_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'#'));
        good.then(|| Self(text.into()))
    }

    /// `<uuid>#<counter>`: the process that answers, and how many requests it has numbered so far.
    pub fn numbered(process: [u8; 16], count: u64) -> Self {
        Self(format!("{}#{count}", uuid::Builder::from_random_bytes(process).into_uuid()).into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who does something, as the audit trail records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person, through a client application where one is between.
    Person {
        /// The person.
        person: Id<Person>,
        /// The application that acts for the person.
        through: Option<Id<Client>>,
    },
    /// A client application on its own behalf.
    Client(Id<Client>),
    /// Whoever has opened the link to the page of a webhook endpoint: nobody with an account.
    Receiver(Id<ReceiverLink>),
    /// Hilum itself: a job, a schedule, a command of the operator.
    System,
    /// Nobody who is known: a browser that has not signed in.
    Anonymous,
}

impl Actor {
    /// What records of an API call whoever acted: the id of the person, of a client that acted for itself, of a
    /// receiver's link, or `system`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Person { person, .. } => person.to_string(),
            Self::Client(client) => client.to_string(),
            Self::Receiver(link) => link.to_string(),
            Self::System | Self::Anonymous => "system".to_owned(),
        }
    }
}

/// The client of whoever uses our own pages: none is between them and what they do.
pub const OWN_PAGES: Id<Client> = Id::from_bytes([0; 16]);

/// A request's proven caller: what a good access token says, or the session of a person on our own pages.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The tenant of the client, or of the person on our own pages.
    pub organisation: Id<Organisation>,
    /// The client that the token was issued to, or [`OWN_PAGES`].
    pub client: Id<Client>,
    /// The person who granted it; none for `client_credentials`.
    pub person: Option<Id<Person>>,
    /// What was granted.
    pub scopes: Scopes,
    /// What the caller is in the organisation.
    pub grants: Grants,
    /// The token's id (`jti`).
    pub token: Id<Token>,
}

impl Caller {
    /// The caller as the audit trail records it.
    pub fn actor(&self) -> Actor {
        match self.person {
            Some(person) => {
                Actor::Person { person, through: Some(self.client).filter(|client| *client != OWN_PAGES) }
            }
            None => Actor::Client(self.client),
        }
    }

    /// Whether the caller's roles let it do this to a thing of `owner` that belongs to these studies. The scope that the client needs
    /// besides ([`Permission::scope`]) is asked at the door.
    pub fn may(&self, permission: Permission, owner: Id<Organisation>, studies: &[Id<Study>]) -> bool {
        self.grants.allow(self.organisation, permission, owner, studies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_cannot_smuggle_a_line_into_a_log() {
        assert!(RequestId::parse("a-B_9").is_some());
        let numbered = RequestId::numbered([0xff; 16], u64::MAX);
        assert_eq!(numbered.as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff#18446744073709551615");
        assert_eq!(RequestId::parse(numbered.as_str()), Some(numbered));
        for text in ["", "a b", "a\nb", "ü", &"x".repeat(65)] {
            assert!(RequestId::parse(text).is_none(), "{text:?}");
        }
    }
}
