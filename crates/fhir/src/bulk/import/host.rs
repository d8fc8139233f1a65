//! Where files may be fetched from: what the way out lets be called at all, and of that, where a site's administrators have named hosts,
//! these alone.

use kernel::{BulkJob, Fault, Id};
use store::DbError;
use url::Url;
use vault::Place;

use super::queries;
use crate::Fhir;

/// The hosts of a site.
pub(super) struct Hosts(Option<Vec<String>>);

impl Hosts {
    pub async fn of(fhir: &Fhir, tenant: i64) -> Result<Self, DbError> {
        Ok(Self(queries::hosts(&mut fhir.db.read().await?, tenant).await?))
    }

    /// Whether a file may be fetched from there; in words why not.
    pub fn check(&self, fhir: &Fhir, url: &Url) -> Result<(), String> {
        fhir.outbound.check(url).map_err(|fault| fault.public().into_owned())?;
        match &self.0 {
            Some(hosts) if !hosts.contains(&of(url)) => {
                Err("this site's imports do not fetch from that host".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// The host of an address, with its port where it is not the usual one.
fn of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A host as an administrator writes it: `bulk.example.org`, `10.0.0.7:8080`.
pub(super) fn parsed(text: &str) -> Option<String> {
    let url = Url::parse(&format!("https://{text}/")).ok()?;
    let is_plain = !text.contains(['/', '@', '?', '#', '\\', '*']) && url.path() == "/";
    is_plain.then(|| of(&url))
}

/// Where the address of a file is sealed.
pub(in crate::bulk) fn place(id: Id<BulkJob>, number: i64) -> Place {
    let digest = crypto::sha256(format!("{id}/{number}").as_bytes());
    let mut row = [0; 16];
    row.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    Place { table: "fhir_bulk_source", row, column: "url", purpose: "import" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_its_name_and_port() {
        for (text, expected) in [
            ("Bulk.Example.org", Some("bulk.example.org")),
            ("bulk.example.org:443", Some("bulk.example.org")),
            ("127.0.0.1:8080", Some("127.0.0.1:8080")),
            ("[::1]:8080", Some("[::1]:8080")),
            ("https://a.example", None),
            ("a.example/x", None),
            ("*.example.org", None),
            ("a@b.example", None),
            ("", None),
        ] {
            assert_eq!(parsed(text).as_deref(), expected, "{text}");
        }
        assert_eq!(of(&Url::parse("http://127.0.0.1:8080/x?y").unwrap()), "127.0.0.1:8080");
    }
}
