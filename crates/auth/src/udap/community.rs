//! The communities of this deployment, as a folder of the operator's describes them.
//!
//! ```text
//! udap/<name>/community.toml    uri = "https://community.example/udap", organisation = "northwind"
//!             anchors.pem       the authorities that are trusted
//!             certificate.pem   this server's own certificate, and those between it and an anchor
//!             key.pem           its RSA key
//!             revoked.crl       a revocation list in DER; may be left out
//! ```

use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crypto::{
    jose::{Algorithm, SigningKey},
    x509::{Anchors, Certificate},
};
use kernel::{Secret, Timestamp};
use serde::Deserialize;

use crate::organisation::Slug;

/// A circle of trust.
pub(crate) struct Community {
    /// By what it is called (`community`).
    pub uri: String,
    /// To whom clients belong that register through it.
    pub organisation: Slug,
    /// Whom it trusts.
    pub anchors: Anchors,
    /// What this server shows it, its own certificate first.
    pub chain: Vec<Certificate>,
    key: SigningKey,
    signed: Mutex<Option<(Timestamp, String)>>,
}

/// All communities; the first, by the names of their folders, is the one that is meant where none is named.
#[derive(Default)]
pub struct Communities(Vec<Community>);

/// The folder is not as it has to be.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct CommunityFault {
    path: PathBuf,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    uri: String,
    organisation: String,
}

impl Communities {
    /// Reads every community of the folder. `base` is this deployment's base URL, which its certificates have to name.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn load(folder: &Path, base: &str) -> Result<Self, CommunityFault> {
        let entries = fs::read_dir(folder).map_err(|why| fault(folder, why))?;
        let mut folders = BTreeSet::new();
        for entry in entries {
            let path = entry.map_err(|why| fault(folder, why))?.path();
            if path.is_dir() {
                folders.insert(path);
            }
        }
        let all =
            folders.iter().map(|folder| Community::load(folder, base)).collect::<Result<Vec<_>, _>>()?;
        let uris: BTreeSet<_> = all.iter().map(|community| community.uri.as_str()).collect();
        if uris.len() < all.len() {
            return Err(fault(folder, "two communities have one uri"));
        }
        Ok(Self(all))
    }

    /// The community of this URI; the first where none is named.
    pub(crate) fn find(&self, uri: Option<&str>) -> Option<&Community> {
        match uri {
            None => self.0.first(),
            Some(uri) => self.0.iter().find(|community| community.uri == uri),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Community> {
        self.0.iter()
    }

    /// Whether this deployment belongs to none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Communities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|community| &community.uri)).finish()
    }
}

impl Community {
    fn load(folder: &Path, base: &str) -> Result<Self, CommunityFault> {
        let file = |name: &str| folder.join(name);
        let read = |name: &str| fs::read(file(name)).map_err(|why| fault(&file(name), why));
        let declared = String::from_utf8(read("community.toml")?).map_err(|why| fault(folder, why))?;
        let declared: Declared =
            toml::from_str(&declared).map_err(|why| fault(&file("community.toml"), why.message()))?;
        let organisation = Slug::parse(&declared.organisation)
            .ok_or_else(|| fault(&file("community.toml"), "organisation is not a short name"))?;

        let anchors = Certificate::all_from_pem(&read("anchors.pem")?)
            .and_then(|anchors| Anchors::new(&anchors))
            .map_err(|why| fault(&file("anchors.pem"), why))?;
        let list = file("revoked.crl");
        let anchors = if list.exists() {
            anchors.with_revocation_list(&read("revoked.crl")?).map_err(|why| fault(&list, why))?
        } else {
            anchors
        };
        let chain = Certificate::all_from_pem(&read("certificate.pem")?)
            .map_err(|why| fault(&file("certificate.pem"), why))?;
        // IG §2.3: signed with RS256.
        let key = SigningKey::from_pem(Algorithm::Rs256, &Secret::new(read("key.pem")?))
            .map_err(|why| fault(&file("key.pem"), why))?;
        let own = chain.first();
        if !own.is_some_and(|own| own.uris().iter().any(|uri| uri == base)) {
            return Err(fault(
                &file("certificate.pem"),
                format!("does not name {base} as a URI (subjectAltName)"),
            ));
        }
        let certified = own.and_then(Certificate::public_key).and_then(crypto::jose::Jwk::thumbprint);
        if certified != key.public_jwk().thumbprint() {
            return Err(fault(&file("key.pem"), "is not the key of the certificate"));
        }
        Ok(Self { uri: declared.uri, organisation, anchors, chain, key, signed: Mutex::new(None) })
    }

    /// What was signed before, until then; else what is signed now. Signing takes a millisecond or two, and anybody may ask.
    pub(super) fn signed(
        &self,
        now: Timestamp,
        sign: impl FnOnce(&SigningKey, &[Certificate]) -> Option<(Timestamp, String)>,
    ) -> Option<String> {
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        match &*signed {
            Some((until, text)) if now < *until => Some(text.clone()),
            _ => {
                let (until, text) = sign(&self.key, &self.chain)?;
                *signed = Some((until, text.clone()));
                Some(text)
            }
        }
    }
}

fn fault(path: &Path, why: impl ToString) -> CommunityFault {
    CommunityFault { path: path.to_owned(), why: why.to_string() }
}
