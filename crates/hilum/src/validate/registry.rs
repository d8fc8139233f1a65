//! FHIR package registries over HTTP, as npm has them: `{source}/{name}` tells the versions, `{source}/{name}/{version}` is the archive.
//! <https://confluence.hl7.org/display/FHIR/NPM+Package+Specification>, <https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md>
//!
//! Nothing here is asked unless somebody names it: a registry that is inside a network may be called because the operator has named
//! it, and where it redirects to has to be public or named too.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail};
use crypto::{b64, sha1, sha512};
use http::{StatusCode, header::LOCATION};
use outbound::{Call, InternalHost, Outbound, SystemLookup};
use serde::Deserialize;
use tokio::runtime::Handle;
use url::Url;
use validator::package::{Limits, Version};

/// `LISTING_BYTES_MAX`: what a registry tells of a package, or a build server of all.
pub const LISTING_BYTES_MAX: usize = 32 << 20;
/// `REDIRECTS_MAX`: one after another.
pub const REDIRECTS_MAX: usize = 4;
/// `LISTING_TIMEOUT`, to the last byte.
pub const LISTING_TIMEOUT: Duration = Duration::from_secs(30);
/// `ARCHIVE_TIMEOUT`, to the last byte.
pub const ARCHIVE_TIMEOUT: Duration = Duration::from_secs(300);

/// The registries that somebody has named, in their order.
pub struct Registries {
    sources: Vec<Url>,
    builds: Option<Url>,
    outbound: Outbound,
    runtime: Handle,
    known: Mutex<HashMap<String, Arc<Listing>>>,
}

/// What the registries tell of a package.
#[derive(Debug, Default)]
pub struct Listing {
    /// `dist-tags.latest`
    pub latest: Option<Version>,
    offers: Vec<Offer>,
}

#[derive(Debug)]
struct Offer {
    version: Version,
    source: Url,
    dist: Dist,
}

#[derive(Deserialize)]
struct ListingIn {
    versions: BTreeMap<String, VersionIn>,
    #[serde(rename = "dist-tags", default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct VersionIn {
    #[serde(default)]
    dist: Dist,
}

/// What the archive has to be.
#[derive(Debug, Default, Deserialize)]
struct Dist {
    /// SHA-1, in hexadecimal.
    shasum: Option<String>,
    /// `sha512-` and the digest in base64, perhaps one of several. <https://www.w3.org/TR/SRI/>
    integrity: Option<String>,
}

/// One line of the build server's list.
#[derive(Deserialize)]
struct Build {
    #[serde(rename = "package-id")]
    package: Option<String>,
    /// `HL7/US-Core/branches/master/qa.json`
    repo: Option<String>,
    #[serde(rename = "dateISO8601", default)]
    date: String,
}

impl Listing {
    /// The versions that there are.
    pub fn versions(&self) -> Vec<Version> {
        self.offers.iter().map(|offer| offer.version.clone()).collect()
    }
}

impl Registries {
    /// With the addresses of registries, and of a build server for `current`.
    ///
    /// # Errors
    /// Where one is no address.
    pub fn new(sources: &[String], builds: Option<&str>, runtime: Handle) -> anyhow::Result<Self> {
        let sources = sources.iter().map(|text| address(text)).collect::<anyhow::Result<Vec<_>>>()?;
        let builds = builds.map(address).transpose()?;
        let lookup = Arc::new(SystemLookup);
        let public = Outbound::new(BTreeSet::new(), lookup.clone())?;
        // One that is public stays under the guard; another is called since somebody has named it.
        let inside = sources.iter().chain(&builds).filter(|url| public.check(url).is_err());
        let named: BTreeSet<InternalHost> = inside.map(host_of).collect::<anyhow::Result<_>>()?;
        let outbound = Outbound::new(named, lookup)?;
        Ok(Self { sources, builds, outbound, runtime, known: Mutex::default() })
    }

    /// What the first registry that has the package tells of it.
    ///
    /// # Errors
    /// Where none has it, or one does not answer.
    pub fn listing(&self, name: &str) -> anyhow::Result<Arc<Listing>> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(Arc::clone(known));
        }
        let mut listing = Listing::default();
        for source in &self.sources {
            let Some(read) = self.get(below(source, &[name])?, LISTING_TIMEOUT, LISTING_BYTES_MAX)? else {
                continue;
            };
            let read: ListingIn =
                serde_json::from_slice(&read).with_context(|| format!("what {source} tells of {name}"))?;
            listing.latest = read.tags.get("latest").map(|version| Version::new(version));
            let offer = |(version, about): (String, VersionIn)| Offer {
                version: Version::new(&version),
                source: source.clone(),
                dist: about.dist,
            };
            listing.offers = read.versions.into_iter().map(offer).collect();
            break;
        }
        let listing = Arc::new(listing);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), Arc::clone(&listing));
        Ok(listing)
    }

    /// The archive of a version, its digest being what the registry says.
    ///
    /// # Errors
    /// Where it cannot be had, or is another.
    pub fn archive(&self, name: &str, version: &Version) -> anyhow::Result<Vec<u8>> {
        if version.as_str().starts_with("current") {
            return self.build(name, version);
        }
        let listing = self.listing(name)?;
        let offer = listing.offers.iter().find(|offer| offer.version == *version);
        let offer = offer.with_context(|| format!("no source has {name}#{version}"))?;
        let url = below(&offer.source, &[name, version.as_str()])?;
        let most = Limits::default().packed_bytes_max;
        let bytes = self.get(url, ARCHIVE_TIMEOUT, most)?.context("it is listed, and is not there")?;
        offer.dist.check(&bytes)?;
        Ok(bytes)
    }

    /// `current` and `current$branch`: what the build server made last. It tells no digest.
    fn build(&self, name: &str, version: &Version) -> anyhow::Result<Vec<u8>> {
        let server = self.builds.as_ref().context("say --build-server URL for builds that are current")?;
        let list = self.get(below(server, &["ig", "qas.json"])?, LISTING_TIMEOUT, LISTING_BYTES_MAX)?;
        let builds: Vec<Build> = serde_json::from_slice(&list.context("the build server has no list")?)
            .context("the build server's list")?;
        let own = builds.iter().filter(|build| build.package.as_deref() == Some(name));
        let last = own.filter(|build| build.repo.is_some()).max_by(|a, b| a.date.cmp(&b.date));
        let repository = last.and_then(|build| build.repo.as_deref()).unwrap_or_default();
        let [Some(owner), Some(repository)] = [0, 1].map(|at| repository.split('/').nth(at)) else {
            bail!("the build server has no build of {name}");
        };
        let most = Limits::default().packed_bytes_max;
        let branches: &[&str] = match version.as_str().strip_prefix("current$") {
            Some(branch) => &[branch],
            None => &["", "main", "master"],
        };
        for branch in branches {
            let mut way = vec!["ig", owner, repository];
            if !branch.is_empty() {
                way.extend(["branches", branch]);
            }
            way.push("package.tgz");
            if let Some(bytes) = self.get(below(server, &way)?, ARCHIVE_TIMEOUT, most)? {
                return Ok(bytes);
            }
        }
        bail!("the build server has no build of {name}#{version}")
    }

    /// A body; nothing, where there is nothing of that name. Redirects are gone after one by one, each under the guard.
    fn get(&self, mut url: Url, timeout: Duration, bytes_max: usize) -> anyhow::Result<Option<Vec<u8>>> {
        for _ in 0..=REDIRECTS_MAX {
            let call = Call { timeout, ..Call::get(url.clone()) };
            let told = || host_and_path(&url);
            let answer = self.runtime.block_on(self.outbound.send(call)).with_context(told)?;
            match answer.status {
                StatusCode::OK => {
                    let whole = self.runtime.block_on(answer.read(bytes_max)).with_context(told)?;
                    return Ok(Some(whole.body.into()));
                }
                StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
                status if status.is_redirection() => {
                    let next = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok());
                    url = url.join(next.with_context(told)?).with_context(told)?;
                }
                status => bail!("{} answers {status}", told()),
            }
        }
        bail!("more than {REDIRECTS_MAX} redirects (REDIRECTS_MAX), the last to {}", host_and_path(&url))
    }
}

impl Dist {
    fn check(&self, bytes: &[u8]) -> anyhow::Result<()> {
        let strong = |part: &str| {
            part.strip_prefix("sha512-").map(|digest| digest == b64::encode_standard(sha512(bytes)))
        };
        let weak = |digest: &String| {
            let own: String = sha1(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            digest.eq_ignore_ascii_case(&own)
        };
        let by_integrity = self.integrity.iter().flat_map(|all| all.split_ascii_whitespace());
        let answers: Vec<bool> =
            by_integrity.filter_map(strong).chain(self.shasum.iter().map(weak)).collect();
        match answers[..] {
            [] => bail!("the source tells no digest of it"),
            _ if answers.iter().all(|is_good| *is_good) => Ok(()),
            _ => bail!("its digest is not the one that the source tells"),
        }
    }
}

fn address(text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text).with_context(|| format!("{text} is no address"))?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
        bail!("{text} is no address of a registry");
    }
    Ok(url)
}

fn host_of(url: &Url) -> anyhow::Result<InternalHost> {
    let host = url.host_str().zip(url.port_or_known_default());
    let (host, port) = host.with_context(|| format!("{url} has no host"))?;
    Ok(format!("{host}:{port}").parse()?)
}

/// An address below another; names cannot lead elsewhere.
fn below(source: &Url, parts: &[&str]) -> anyhow::Result<Url> {
    let mut url = source.clone();
    let is_plain = |part: &&str| !part.is_empty() && !matches!(*part, "." | "..") && part.len() <= 256;
    if !parts.iter().all(is_plain) {
        bail!("{} is no name of a package", parts.join("/"));
    }
    match url.path_segments_mut() {
        Ok(mut segments) => segments.pop_if_empty().extend(parts),
        Err(()) => bail!("{source} is no address of a registry"),
    };
    Ok(url)
}

/// Without a query, which may hold what nobody should read.
fn host_and_path(url: &Url) -> String {
    format!("{}{}", url.host_str().unwrap_or_default(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_the_one_that_is_told() {
        let dist = |shasum: Option<&str>, integrity: Option<&str>| Dist {
            shasum: shasum.map(Into::into),
            integrity: integrity.map(Into::into),
        };
        let (sha1, other) =
            ("a9993e364706816aba3e25717850c26c9cd0d89d", "a9993e364706816aba3e25717850c26c9cd0d89e");
        let sha512 =
            "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";
        for (good, dist) in [
            (true, dist(Some(sha1), None)),
            (true, dist(Some(&sha1.to_uppercase()), Some(sha512))),
            (true, dist(None, Some(&format!("sha256-x {sha512}")))),
            (false, dist(Some(other), Some(sha512))),
            (false, dist(Some(sha1), Some("sha512-AAAA"))),
            (false, dist(None, Some("sha256-x"))),
            (false, dist(None, None)),
        ] {
            assert_eq!(dist.check(b"abc").is_ok(), good, "{dist:?}");
        }
    }

    #[test]
    fn names_lead_nowhere_else() {
        let source = Url::parse("https://r.example/fhir/").unwrap();
        let below = |parts: &[&str]| below(&source, parts).map(|url| url.to_string()).ok();
        assert_eq!(below(&["a.b", "1.0"]).as_deref(), Some("https://r.example/fhir/a.b/1.0"));
        assert_eq!(below(&["@a/b"]).as_deref(), Some("https://r.example/fhir/@a%2Fb"));
        assert_eq!(below(&["../../x?y#z"]).as_deref(), Some("https://r.example/fhir/..%2F..%2Fx%3Fy%23z"));
        assert_eq!(below(&[".."]), None);
        assert_eq!(below(&[""]), None);
    }
}
