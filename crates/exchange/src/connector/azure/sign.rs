//! Shared Key and shared access signatures.  <https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-with-shared-key>

use http::{HeaderName, HeaderValue, header};
use kernel::{Secret, Timestamp};
use outbound::Call;
use url::Url;

use super::VERSION;
use crate::connector::bucket::{Slash, encoded};

/// How we prove ourselves.
pub enum Proof {
    /// By a key of the account, which signs each call.
    Key {
        /// Which account.
        account: String,
        /// The key, as bytes.
        key: Secret<Vec<u8>>,
    },
    /// By a shared access signature, which goes with each call as part of the address.
    Shared(Secret<String>),
}

/// What is called: the blob, none for the container, the query in small letters, and header fields beside those of every call, in small letters.
type Asked<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [(&'static str, String)]);

/// A `GET` of a blob of the container at `base`; none if the address or a value is not fit for it.
pub(super) fn signed(
    proof: &Proof,
    base: &Url,
    (key, query, headers): Asked<'_>,
    now: Timestamp,
) -> Option<Call> {
    let path = match key {
        "" => base.path().trim_end_matches('/').to_owned(),
        key => format!("{}{}", base.path(), encoded(key, Slash::Kept)),
    };
    let mut fields = vec![("x-ms-date", date(now)?), ("x-ms-version", VERSION.to_owned())];
    fields.extend(headers.iter().cloned());
    fields.sort_unstable();
    let mut parts: Vec<String> =
        query.iter().map(|(name, value)| format!("{name}={}", encoded(value, Slash::Encoded))).collect();
    if let Proof::Shared(token) = proof {
        parts.push(token.expose().clone());
    }
    let mut url = base.clone();
    url.set_path(&path);
    // An address that is read otherwise than it was signed is not called.
    if url.path() != path {
        return None;
    }
    let parts = parts.join("&");
    url.set_query((!parts.is_empty()).then_some(parts.as_str()));
    let mut call = Call::get(url);
    for (name, value) in &fields {
        call.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).ok()?);
    }
    call.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Proof::Key { account, key } = proof {
        let text = to_sign(account, &path, query, &fields);
        let signature = crypto::hmac_sha256_bytes(key, &[text.as_bytes()]);
        let signature = crypto::b64::encode_standard(signature.as_bytes());
        let mut value = HeaderValue::from_str(&format!("SharedKey {account}:{signature}")).ok()?;
        value.set_sensitive(true);
        call.headers.insert(header::AUTHORIZATION, value);
    }
    Some(call)
}

/// What a `GET` with these fields, sorted, is signed over: our own fields, the path as it is sent, and the query as it is meant.
fn to_sign(account: &str, path: &str, query: &[(&str, &str)], fields: &[(&'static str, String)]) -> String {
    let condition = fields.iter().find(|(name, _)| *name == "if-match").map_or("", |(_, value)| value);
    let own: String = fields
        .iter()
        .filter(|(name, _)| name.starts_with("x-ms-"))
        .map(|(name, value)| format!("{name}:{}\n", value.trim()))
        .collect();
    let mut query = query.to_vec();
    query.sort_unstable();
    let query: String = query.iter().map(|(name, value)| format!("\n{name}:{value}")).collect();
    // The empty lines are fields that are never sent: of content, of dates, of other conditions, and `Range`.
    format!("GET\n\n\n\n\n\n\n\n{condition}\n\n\n\n{own}/{account}{path}{query}")
}

/// `Fri, 26 Jun 2015 23:39:12 GMT`
fn date(now: Timestamp) -> Option<String> {
    let now = jiff::Timestamp::from_second(now.as_seconds()).ok()?;
    Some(now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Proof {
        Proof::Key { account: "myaccount".to_owned(), key: Secret::new(b"a key".to_vec()) }
    }

    /// The example of the manual.
    #[test]
    fn what_is_signed_is_as_the_manual_says() {
        let now: Timestamp = "2015-06-26T23:39:12Z".parse().unwrap();
        let fields = [("x-ms-date", date(now).unwrap()), ("x-ms-version", "2015-02-21".to_owned())];
        let query = [("restype", "container"), ("comp", "list"), ("timeout", "20")];
        assert_eq!(
            to_sign("myaccount", "/mycontainer", &query, &fields),
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n\
             /myaccount/mycontainer\ncomp:list\nrestype:container\ntimeout:20"
        );
        let fields = [("if-match", "\"0x8D\"".to_owned()), ("x-ms-range", "bytes=0-9".to_owned())];
        assert_eq!(
            to_sign("a", "/c/b%20b", &[], &fields),
            "GET\n\n\n\n\n\n\n\n\"0x8D\"\n\n\n\nx-ms-range:bytes=0-9\n/a/c/b%20b"
        );
    }

    #[test]
    fn calls_carry_their_proof_where_it_belongs() {
        let base: Url = "https://myaccount.blob.core.windows.net/trial/".parse().unwrap();
        let now = Timestamp::from_seconds(0);
        let query = [("comp", "list"), ("prefix", "in/ü&x=1")];
        let call = signed(&key(), &base, ("", &query, &[]), now).unwrap();
        assert_eq!(call.url.path(), "/trial");
        assert_eq!(call.url.query(), Some("comp=list&prefix=in%2F%C3%BC%26x%3D1"));
        let proof = &call.headers["authorization"];
        assert!(proof.is_sensitive() && proof.to_str().unwrap().starts_with("SharedKey myaccount:"));
        let shared = Proof::Shared(Secret::new("sv=1&sig=a%2Bb".to_owned()));
        let call = signed(&shared, &base, ("a b/ü+&?.csv", &[], &[]), now).unwrap();
        assert_eq!(call.url.path(), "/trial/a%20b/%C3%BC%2B%26%3F.csv");
        assert_eq!(call.url.query(), Some("sv=1&sig=a%2Bb"));
        assert!(!call.headers.contains_key("authorization"));
        assert!(signed(&key(), &base, ("a/../b", &[], &[]), now).is_none(), "it would be another blob");
    }
}
