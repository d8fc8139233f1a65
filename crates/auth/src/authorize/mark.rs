//! What a request knows of its own past: that it has sent the browser to sign in, and what came of it. A seal at the end of its
//! query, believed for this very request alone.

use crypto::sha256;
use kernel::{Id, Person, Timestamp};
use url::form_urlencoded::byte_serialize;
use web::LocalPath;

use super::strength::UNMET;
use crate::Auth;

/// The parameter.
const SENT: &str = "&sent_to_sign_in=";

/// Keeps the seal of that parameter apart from every other seal.
const SENT_SEAL: &str = "authorize.sent_to_sign_in";

/// When a request has sent the browser to sign in, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub at: Timestamp,
    pub outcome: Outcome,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing that is known yet.
    Sent,
    /// The identity provider that the client had named has vouched for this person.
    Arrived(Id<Person>),
    /// The identity provider that the client had named has not signed anybody in.
    Failed(Failure),
}

/// Why nobody was signed in there, as the client is told.  UDAP Tiered OAuth §4, IG §6.2, §6.3
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The person or the provider said no, or nobody here is that person.
    AccessDenied,
    /// What the provider answers cannot be used.
    InvalidIdp,
    /// The answer belongs to no question.
    ServerError,
    /// The provider is not there for now.
    TemporarilyUnavailable,
    /// The provider vouches for less than was asked.
    TooWeak,
}

impl Failure {
    const ALL: [Self; 5] = [
        Self::AccessDenied,
        Self::InvalidIdp,
        Self::ServerError,
        Self::TemporarilyUnavailable,
        Self::TooWeak,
    ];

    const fn byte(self) -> u8 {
        match self {
            Self::AccessDenied => 1,
            Self::InvalidIdp => 2,
            Self::ServerError => 3,
            Self::TemporarilyUnavailable => 4,
            Self::TooWeak => 5,
        }
    }

    /// `error` and `error_description`.
    pub(super) const fn says(self) -> (&'static str, &'static str) {
        match self {
            Self::AccessDenied => {
                ("access_denied", "the identity provider has signed in nobody who is known here")
            }
            Self::InvalidIdp => ("invalid_idp", "what the identity provider answers cannot be used"),
            Self::ServerError => {
                ("server_error", "the answer of the identity provider belongs to no question")
            }
            Self::TemporarilyUnavailable => {
                ("temporarily_unavailable", "the identity provider cannot be used for now")
            }
            Self::TooWeak => (UNMET, "the identity provider vouches for less than was asked"),
        }
    }
}

/// What stands for an outcome, behind instant and digest.
const SENT_BYTES: &[u8] = &[];
const ARRIVED: u8 = 0;

impl Outcome {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Sent => SENT_BYTES.to_vec(),
            Self::Arrived(person) => [&[ARRIVED], person.as_bytes().as_slice()].concat(),
            Self::Failed(failure) => vec![failure.byte()],
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        match bytes {
            SENT_BYTES => Some(Self::Sent),
            [ARRIVED, person @ ..] => Some(Self::Arrived(Id::from_bytes(person.try_into().ok()?))),
            [byte] => Failure::ALL.into_iter().find(|one| one.byte() == *byte).map(Self::Failed),
            _ => None,
        }
    }
}

/// The request itself, and its mark.
pub(super) fn split<'a>(auth: &Auth, query: &'a str) -> (&'a str, Option<Mark>) {
    let Some((request, sealed)) = query.rsplit_once(SENT) else { return (query, None) };
    let opened = auth.vault().open_cookie(SENT_SEAL, sealed);
    let mark = opened.and_then(|bytes| {
        let (at, rest) = bytes.expose().split_first_chunk::<8>()?;
        let (digest, outcome) = rest.split_first_chunk::<32>()?;
        let outcome = Outcome::read(outcome).filter(|_| *digest == sha256(request.as_bytes()))?;
        Some(Mark { at: Timestamp::from_micros(i64::from_be_bytes(*at)), outcome })
    });
    (request, mark)
}

/// The request with this mark.
pub(super) fn marked(auth: &Auth, query: &str, Mark { at, outcome }: Mark) -> String {
    let bytes = [&at.as_micros().to_be_bytes()[..], &sha256(query.as_bytes()), &outcome.bytes()].concat();
    let sealed = auth.vault().seal_cookie(SENT_SEAL, &bytes);
    let sealed: String = byte_serialize(sealed.as_bytes()).collect();
    format!("{query}{SENT}{sealed}")
}

/// The way back to a request that has sent the browser away, with what came of it; none where it has not.
pub(crate) fn returning(auth: &Auth, path: &LocalPath, outcome: Outcome) -> Option<LocalPath> {
    let (path, query) = path.as_str().split_once('?')?;
    let (request, mark) = split(auth, query);
    let query = marked(auth, request, Mark { outcome, ..mark? });
    LocalPath::parse(&format!("{path}?{query}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_read_as_it_was_written_and_nothing_else_is_one() {
        let person = Id::from_bytes([5; 16]);
        let all = Failure::ALL.map(Outcome::Failed);
        for outcome in all.into_iter().chain([Outcome::Sent, Outcome::Arrived(person)]) {
            assert_eq!(Outcome::read(&outcome.bytes()), Some(outcome));
        }
        for bytes in [&[0_u8][..], &[6], &[1, 1], &[0; 16], &[0; 18]] {
            assert_eq!(Outcome::read(bytes), None, "{bytes:?}");
        }
    }
}
