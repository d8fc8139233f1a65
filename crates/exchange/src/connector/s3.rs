//! A bucket of a store that speaks as Amazon S3 does.  <https://docs.aws.amazon.com/AmazonS3/latest/API/>
//!
//! Objects are listed by `ListObjectsV2` and read in ranges, each on the condition that the object is still the one that was listed.

mod hand;
mod list;
mod sign;

use std::sync::Arc;

use kernel::{Secret, World};
use outbound::{Call, WholeAnswer};
use url::Url;

use super::{
    Findings, Outcome, PullFault, StepName, Way,
    files::{Files, Records, Rules, Shelf},
    look::words,
    reach::{encryption, first, reach},
    way::unanswered,
};
pub use hand::BucketHand;
pub use sign::Keys;

/// Objects of one answer to a list.
pub const LIST_KEYS: usize = 1_000;
/// The most bytes of one answer to a list.
pub const LIST_BYTES_MAX: usize = 8 << 20;
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

/// A bucket.
#[derive(Clone)]
pub struct Bucket(Arc<Parts>);

struct Parts {
    way: Way,
    world: World,
    /// The bucket's own address, with a slash at its end.
    base: Url,
    region: String,
    /// What the names of all objects that are looked at begin with.
    prefix: String,
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

impl Bucket {
    /// The bucket at its own address.
    pub fn new(
        (way, world): (Way, World),
        base: Url,
        (region, prefix): (String, String),
        keys: Keys,
    ) -> Self {
        Self(Arc::new(Parts { way, world, base, region, prefix, keys }))
    }

    /// Its objects as a source.
    pub fn source(self, rules: Rules, records: Records) -> Files<Self> {
        let world = self.0.world.clone();
        Files::new(self, rules, records, world)
    }

    /// A signed call for an object, or for the bucket itself.
    fn call(
        &self,
        key: &str,
        query: &[(&str, &str)],
        headers: &[(&'static str, String)],
    ) -> Result<Call, PullFault> {
        let signed = sign::signed(
            &self.0.keys,
            (&self.0.base, &self.0.region),
            (key, query, headers),
            self.0.world.now(),
        );
        signed.ok_or(PullFault::last("the source's address or the credential cannot be used"))
    }

    fn list_call(&self, continued: Option<&str>, keys: usize) -> Result<Call, PullFault> {
        let keys = keys.to_string();
        let mut query = vec![("list-type", "2"), ("encoding-type", "url"), ("max-keys", keys.as_str())];
        if !self.0.prefix.is_empty() {
            query.push(("prefix", &self.0.prefix));
        }
        query.extend(continued.map(|token| ("continuation-token", token)));
        self.call("", &query, &[])
    }
}

impl Shelf for Bucket {
    type Hand = BucketHand;

    async fn reach(&self) -> Result<BucketHand, PullFault> {
        Ok(BucketHand(self.clone()))
    }

    async fn try_reach(&self, world: &World, findings: &mut Findings) -> Option<BucketHand> {
        reach(self.0.way.outbound(), &self.0.base, (world, findings)).await?;
        let began = world.now();
        let call = match self.list_call(None, 1) {
            Ok(call) => call,
            Err(fault) => {
                findings.tell(StepName::SignIn, (world, began), (Outcome::Failed, words(&fault)));
                return None;
            }
        };
        let answer = first(&self.0.way, call, (world, findings)).await?;
        let said = encryption(&self.0.base, &answer);
        findings.tell(StepName::Tls, (world, began), said);
        if said.0 == Outcome::Failed {
            return None;
        }
        let said = match answer
            .map_err(|fault| unanswered(&fault))
            .and_then(|answer| judged(&self.0.way, &answer))
        {
            Ok(()) => (Outcome::Passed, "the store knows us, and lets us list the bucket"),
            Err(fault) => (Outcome::Failed, words(&fault)),
        };
        findings.tell(StepName::SignIn, (world, began), said);
        (said.0 == Outcome::Passed).then(|| BucketHand(self.clone()))
    }
}

/// Why an answer is none that can be used.  <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
fn judged(way: &Way, answer: &WholeAnswer) -> Result<(), PullFault> {
    // A part of an object.
    if answer.status.as_u16() == 206 {
        return Ok(());
    }
    let Err(fault) = way.told(answer.status, &answer.headers) else { return Ok(()) };
    let code = list::error_code(&answer.body).unwrap_or_default();
    Err(match code.as_str() {
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken" => {
            PullFault::last("the source does not know our credential")
        }
        "RequestTimeTooSkewed" => PullFault::last("the clock here and that of the source differ too much"),
        "NoSuchBucket" => PullFault::last("there is no such bucket"),
        "AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException" => {
            PullFault::last("the bucket is elsewhere: look at config.region and config.endpoint")
        }
        _ => fault,
    })
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
