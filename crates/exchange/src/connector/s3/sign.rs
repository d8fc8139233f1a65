//! Signature Version 4.  <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>

use http::{HeaderName, HeaderValue, header};
use kernel::{Secret, Timestamp};
use outbound::Call;
use url::Url;

use crate::connector::bucket::{Slash, encoded};

/// What a call is signed with.
#[derive(Clone)]
pub struct Keys {
    /// Which key it is.
    pub id: String,
    /// The key.
    pub secret: Secret<String>,
    /// What belongs to a key for a while.
    pub session: Option<Secret<String>>,
}

/// What is called: the object, the query, and header fields beside those of the signature, in small letters.
type Asked<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [(&'static str, String)]);

/// The SHA-256 of nothing: bodies are never sent.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A `GET` of an object of the bucket at `base`; none if the address or a value is not fit for it.
pub(super) fn signed(
    keys: &Keys,
    (base, region): (&Url, &str),
    (key, query, headers): Asked<'_>,
    now: Timestamp,
) -> Option<Call> {
    let path = format!("{}{}", base.path(), encoded(key, Slash::Kept));
    let mut query: Vec<(String, String)> = query
        .iter()
        .map(|(name, value)| (encoded(name, Slash::Encoded), encoded(value, Slash::Encoded)))
        .collect();
    query.sort_unstable();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = query.join("&");
    let host = match base.port() {
        Some(port) => format!("{}:{port}", base.host_str()?),
        None => base.host_str()?.to_owned(),
    };
    let time = compact(now);
    let mut fields: Vec<(&str, String)> = headers.to_vec();
    fields.push(("host", host));
    fields.push(("x-amz-content-sha256", EMPTY.to_owned()));
    fields.push(("x-amz-date", time.clone()));
    fields.extend(keys.session.as_ref().map(|token| ("x-amz-security-token", token.expose().clone())));
    fields.sort_unstable();
    let authorization = authorization(keys, (&path, &query, &fields), (&time, region, "s3"));

    let mut url = base.clone();
    url.set_path(&path);
    // An address that is read otherwise than it was signed is not called.
    if url.path() != path {
        return None;
    }
    url.set_query((!query.is_empty()).then_some(query.as_str()));
    let mut call = Call::get(url);
    for (name, value) in fields.iter().filter(|(name, _)| *name != "host") {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(*name == "x-amz-security-token");
        call.headers.insert(HeaderName::from_static(name), value);
    }
    let mut proof = HeaderValue::from_str(&authorization).ok()?;
    proof.set_sensitive(true);
    call.headers.insert(header::AUTHORIZATION, proof);
    call.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Some(call)
}

/// The value of `Authorization`, of a call with these fields, sorted.
fn authorization(
    keys: &Keys,
    (path, query, fields): (&str, &str, &[(&str, String)]),
    (time, region, service): (&str, &str, &str),
) -> String {
    let lines: String = fields.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let canonical = format!("GET\n{path}\n{query}\n{lines}\n{names}\n{EMPTY}");
    let date = time.get(..8).unwrap_or_default();
    let scope = format!("{date}/{region}/{service}/aws4_request");
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&crypto::sha256(canonical.as_bytes())));
    let first = Secret::new(format!("AWS4{}", keys.secret.expose()));
    let mut key = crypto::hmac_sha256_text(&first, &[date.as_bytes()]);
    for part in [region, service, "aws4_request", &to_sign] {
        key = crypto::hmac_sha256(&Secret::new(*key.as_bytes()), &[part.as_bytes()]);
    }
    let signature = hex(key.as_bytes());
    format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", keys.id)
}

/// `20260301T100000Z`
fn compact(now: Timestamp) -> String {
    let text = Timestamp::from_seconds(now.as_seconds()).to_string();
    let whole = text.split('.').next().unwrap_or_default();
    let digits: String = whole.chars().filter(|c| c.is_ascii_digit() || *c == 'T').collect();
    format!("{digits}Z")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(id: &str, secret: &str) -> Keys {
        Keys { id: id.to_owned(), secret: Secret::new(secret.to_owned()), session: None }
    }

    /// The examples of <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.
    #[test]
    fn the_examples_of_the_manual_come_out_as_they_stand_there() {
        let keys = keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let base: Url = "https://examplebucket.s3.amazonaws.com/".parse().unwrap();
        let now: Timestamp = "2013-05-24T00:00:00Z".parse().unwrap();
        for (asked, signature) in [
            (
                ("test.txt", [].as_slice(), [("range", "bytes=0-9".to_owned())].as_slice()),
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            (
                ("", [("prefix", "J"), ("max-keys", "2")].as_slice(), [].as_slice()),
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
            (
                ("", [("lifecycle", "")].as_slice(), [].as_slice()),
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            ),
        ] {
            let call = signed(&keys, (&base, "us-east-1"), asked, now).unwrap();
            let proof = call.headers["authorization"].to_str().unwrap();
            assert!(proof.ends_with(&format!("Signature={signature}")), "{asked:?}: {proof}");
            assert!(proof.contains("Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"));
        }
    }

    /// Of the test suite that AWS publishes for all its services: `get-vanilla`.
    #[test]
    fn the_test_suite_agrees() {
        let keys = keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let fields =
            [("host", "example.amazonaws.com".to_owned()), ("x-amz-date", "20150830T123600Z".to_owned())];
        let proof = authorization(&keys, ("/", "", &fields), ("20150830T123600Z", "us-east-1", "service"));
        assert_eq!(
            proof,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
    }

    #[test]
    fn names_of_objects_are_called_as_they_are_signed() {
        let keys = keys("a", "b");
        let base: Url = "http://127.0.0.1:9000/bucket/".parse().unwrap();
        let call = |key: &str| signed(&keys, (&base, "r"), (key, &[], &[]), Timestamp::from_seconds(0));
        let path = |key| call(key).unwrap().url.path().to_owned();
        assert_eq!(path("a b/ü+&?.csv"), "/bucket/a%20b/%C3%BC%2B%26%3F.csv");
        assert_eq!(path("//x"), "/bucket///x");
        assert!(call("a/../b").is_none(), "it would be another object");
    }
}
