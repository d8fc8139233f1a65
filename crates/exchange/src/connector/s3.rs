//! A bucket of a store that speaks as Amazon S3 does.  <https://docs.aws.amazon.com/AmazonS3/latest/API/>
//!
//! Objects are listed by `ListObjectsV2` and read by `GetObject`.

mod list;
mod sign;

use kernel::{Secret, Timestamp};
use outbound::{Call, WholeAnswer};
use url::Url;

use super::{
    PullFault,
    bucket::{Dialect, Objects, error_code},
};
pub use sign::Keys;

/// The region where nothing else is said.
pub const REGION: &str = "us-east-1";

/// How a bucket is named in an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As the first part of the path.
    Path,
    /// As the first label of the host.
    Host,
}

/// Where a bucket is, and what its calls are signed with.
pub struct S3 {
    base: Url,
    region: String,
    keys: Keys,
}

/// What a bucket is to be called by.
pub struct Address<'a> {
    /// The store's address.
    pub endpoint: Url,
    /// The bucket.
    pub bucket: &'a str,
    /// How it is named.
    pub style: Style,
}

impl Address<'_> {
    /// Where the bucket is; none if that is no address.
    pub fn base(self) -> Option<Url> {
        let mut base = self.endpoint;
        let path = base.path().trim_end_matches('/').to_owned();
        match self.style {
            Style::Path => base.set_path(&format!("{path}/{}/", self.bucket)),
            Style::Host => {
                let host = format!("{}.{}", self.bucket, base.host_str()?);
                base.set_host(Some(&host)).ok()?;
                base.set_path(&format!("{path}/"));
            }
        }
        Some(base)
    }
}

impl S3 {
    /// The bucket at its own address.
    pub const fn new(base: Url, region: String, keys: Keys) -> Self {
        Self { base, region, keys }
    }
}

impl Dialect for S3 {
    fn base(&self) -> &Url {
        &self.base
    }

    fn list(&self, (prefix, continued, keys): (&str, Option<&str>, usize), now: Timestamp) -> Option<Call> {
        let keys = keys.to_string();
        let mut query = vec![("list-type", "2"), ("encoding-type", "url"), ("max-keys", keys.as_str())];
        if !prefix.is_empty() {
            query.push(("prefix", prefix));
        }
        query.extend(continued.map(|token| ("continuation-token", token)));
        sign::signed(&self.keys, (&self.base, &self.region), ("", &query, &[]), now)
    }

    fn object(&self, key: &str, (range, tag): (&str, &str), now: Timestamp) -> Option<Call> {
        let mut headers = vec![("range", range.to_owned())];
        // A store without tags cannot be held to one.
        if !tag.is_empty() {
            headers.push(("if-match", tag.to_owned()));
        }
        sign::signed(&self.keys, (&self.base, &self.region), (key, &[], &headers), now)
    }

    fn listed(&self, body: &[u8], prefix: &str) -> Option<Objects> {
        list::read(body, prefix)
    }

    fn refusal(&self, answer: &WholeAnswer) -> Option<PullFault> {
        meant(&error_code(&answer.body)?)
    }
}

/// What an error code says that its status does not.  <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
fn meant(code: &str) -> Option<PullFault> {
    Some(PullFault::last(match code {
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken" => {
            "the source does not know our credential"
        }
        "RequestTimeTooSkewed" => "the clock here and that of the source differ too much",
        "NoSuchBucket" => "there is no such bucket",
        "AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException" => {
            "the bucket is elsewhere: look at config.region and config.endpoint"
        }
        _ => return None,
    }))
}

/// What a bucket is opened with.
pub fn keys(id: &str, secret: Secret<String>, session: Option<Secret<String>>) -> Keys {
    Keys { id: id.to_owned(), secret, session }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_named_in_the_path_or_in_the_host() {
        let base = |endpoint: &str, style| {
            let endpoint = endpoint.parse().unwrap();
            Address { endpoint, bucket: "trial-7", style }.base().unwrap().to_string()
        };
        assert_eq!(base("http://127.0.0.1:9000", Style::Path), "http://127.0.0.1:9000/trial-7/");
        assert_eq!(
            base("https://s3.example.org/store/", Style::Path),
            "https://s3.example.org/store/trial-7/"
        );
        assert_eq!(
            base("https://s3.eu-west-2.amazonaws.com", Style::Host),
            "https://trial-7.s3.eu-west-2.amazonaws.com/"
        );
    }
}
