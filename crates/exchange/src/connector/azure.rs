//! A container of Azure Blob Storage.  <https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-rest-api>
//!
//! Blobs are listed by `List Blobs` and read by `Get Blob`. We prove ourselves by the account's key (Shared Key), or by a shared access signature that
//! stands in the address.

mod list;
mod sign;

use http::HeaderValue;
use kernel::{Secret, Timestamp};
use outbound::{Call, WholeAnswer};
use url::Url;

use super::{
    PullFault,
    bucket::{Dialect, Objects, error_code},
};
pub use sign::Proof;

/// The version of the protocol that is spoken.
const VERSION: &str = "2021-12-02";

/// Where a container is, and how we prove ourselves there.
pub struct Azure {
    base: Url,
    proof: Proof,
}

impl Azure {
    /// A container of the account at its own address, or of the store at `endpoint`; none if that is no address.
    pub fn new(endpoint: Url, container: &str, proof: Proof) -> Option<Self> {
        let mut base = endpoint;
        if base.cannot_be_a_base() {
            return None;
        }
        let path = format!("{}/{container}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        base.set_query(None);
        Some(Self { base, proof })
    }

    /// Where the blobs of an account are, in the public cloud.
    pub fn endpoint(account: &str) -> Option<Url> {
        format!("https://{account}.blob.core.windows.net").parse().ok()
    }
}

/// The proof that an account's key is: the key as it is shown, in base64; none if it is none.
pub fn account_key(account: &str, key: &Secret<String>) -> Option<Proof> {
    let bytes = crypto::b64::decode_standard(key.expose().trim()).ok().filter(|bytes| !bytes.is_empty())?;
    Some(Proof::Key { account: account.to_owned(), key: Secret::new(bytes) })
}

/// The proof that a shared access signature is: `sv=…&sig=…`, with or without the question mark; none if it is none.
pub fn shared_access(token: &Secret<String>) -> Option<Proof> {
    let text = token.expose().trim().trim_start_matches('?');
    let is_part = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>');
    let is_signed = text.split('&').any(|part| part.strip_prefix("sig=").is_some_and(|sig| !sig.is_empty()));
    (is_signed && text.bytes().all(is_part)).then(|| Proof::Shared(Secret::new(text.to_owned())))
}

impl Dialect for Azure {
    fn base(&self) -> &Url {
        &self.base
    }

    fn list(&self, (prefix, continued, keys): (&str, Option<&str>, usize), now: Timestamp) -> Option<Call> {
        let keys = keys.to_string();
        let mut query = vec![("comp", "list"), ("maxresults", keys.as_str()), ("restype", "container")];
        if !prefix.is_empty() {
            query.push(("prefix", prefix));
        }
        query.extend(continued.map(|marker| ("marker", marker)));
        // The container itself has no slash at its end.
        sign::signed(&self.proof, &self.base, ("", &query, &[]), now)
    }

    fn object(&self, key: &str, (range, tag): (&str, &str), now: Timestamp) -> Option<Call> {
        let mut headers = vec![("x-ms-range", range.to_owned())];
        // A store without tags cannot be held to one.
        if !tag.is_empty() {
            headers.push(("if-match", quoted(tag)));
        }
        sign::signed(&self.proof, &self.base, (key, &[], &headers), now)
    }

    fn listed(&self, body: &[u8], prefix: &str) -> Option<Objects> {
        list::read(body, prefix)
    }

    fn refusal(&self, answer: &WholeAnswer) -> Option<PullFault> {
        let told = answer.headers.get("x-ms-error-code").and_then(|code| HeaderValue::to_str(code).ok());
        let code = told.map(str::to_owned).or_else(|| error_code(&answer.body))?;
        meant(&code)
    }
}

/// What an error code says that its status does not.  <https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-error-codes>
fn meant(code: &str) -> Option<PullFault> {
    Some(PullFault::last(match code {
        // Also where our clock is wrong, or a shared access signature has ended.
        "AuthenticationFailed" | "InvalidAuthenticationInfo" | "NoAuthenticationInformation" => {
            "the source does not know our credential: is it the account's, has it ended, is the clock here right?"
        }
        "ContainerNotFound" | "ContainerBeingDeleted" | "ContainerDisabled" => "there is no such bucket",
        "AccountIsDisabled" => "the account of the source is disabled",
        "BlobArchived" | "BlobBeingRehydrated" => {
            "an object is archived, and cannot be read until it is brought back"
        }
        _ => return None,
    }))
}

/// A tag as it stands in a condition: lists tell it bare.  RFC 9110 §8.8.3
fn quoted(tag: &str) -> String {
    if tag.starts_with('"') { tag.to_owned() } else { format!("\"{tag}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_below_the_address_of_its_store() {
        let base = |endpoint: Option<Url>| {
            let proof = shared_access(&Secret::new("sig=x".to_owned())).unwrap();
            Azure::new(endpoint.unwrap(), "trial-7", proof).unwrap().base.to_string()
        };
        assert_eq!(base(Azure::endpoint("northwind")), "https://northwind.blob.core.windows.net/trial-7/");
        let local = "http://127.0.0.1:10000/devstoreaccount1/?x=1".parse().ok();
        assert_eq!(base(local), "http://127.0.0.1:10000/devstoreaccount1/trial-7/");
    }

    #[test]
    fn what_proves_nothing_is_no_proof() {
        let shared = |text: &str| shared_access(&Secret::new(text.to_owned())).is_some();
        assert!(shared("?sv=2022-11-02&sr=c&sig=a%2Bb%3D") && shared("sig=x&sv=1"));
        for text in ["", "?", "sv=2022-11-02", "sig=", "sv=1&sig=a b", "sv=1&sig=a#b", "sv=1&sig=a\r\nx: y"] {
            assert!(!shared(text), "{text:?}");
        }
        let key = |text: &str| account_key("a", &Secret::new(text.to_owned())).is_some();
        assert!(key("aGVsbG8=") && key(" aGVsbG8=\n"));
        for text in ["", "=", "hello!", "a"] {
            assert!(!key(text), "{text:?}");
        }
    }

    #[test]
    fn codes_say_what_their_status_does_not() {
        for code in ["AuthenticationFailed", "ContainerNotFound", "BlobArchived"] {
            assert!(matches!(meant(code), Some(PullFault::Final { .. })), "{code}");
        }
        for code in ["ServerBusy", "AuthorizationPermissionMismatch", ""] {
            assert!(meant(code).is_none(), "{code}");
        }
        assert_eq!((quoted("0x8D"), quoted("\"0x8D\"")), ("\"0x8D\"".to_owned(), "\"0x8D\"".to_owned()));
    }
}
