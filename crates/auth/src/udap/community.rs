//! The communities of this deployment, as a folder of the operator's describes them.
//!
//! ```text
//! udap/<name>/community.toml    uri = "https://community.example/udap", organisation = "northwind"; perhaps [identity_providers]
//!             anchors.pem       the authorities that are trusted
//!             certificate.pem   this server's own certificate, and those between it and an anchor
//!             key.pem           its RSA key
//!             revoked.crl       a revocation list in DER; may be left out
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crypto::{
    jose::{Algorithm, JoseError, SigningKey},
    x509::{Anchors, Certificate},
};
use kernel::{Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{organisation::Slug, session::Acr, upstream::NewPeople};

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
    /// On what terms its identity providers sign people in here; none where they do not.
    pub identity_providers: Option<IdentityProviders>,
    key: SigningKey,
    /// What was signed last about each address of ours, until when it is told.
    signed: Mutex<BTreeMap<String, (Timestamp, String)>>,
}

/// On what terms the identity providers of a community sign people in here, as the operator has declared it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityProviders {
    /// Whom their operators ask about this server: `mailto:…`.  IG §3.1
    pub contact: String,
    /// The image by which they show this server to people: `https`.  IG §3.1
    pub logo: String,
    /// The `acr` that a sign-in there is worth here.
    #[serde(default = "password")]
    pub counts_as: String,
    /// What happens to a subject that nobody is linked to.
    #[serde(default)]
    pub new_people: NewPeople,
}

fn password() -> String {
    Acr::Password.as_str().to_owned()
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
    identity_providers: Option<IdentityProviders>,
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
        if let Some(why) = declared.identity_providers.as_ref().and_then(IdentityProviders::mistake) {
            return Err(fault(&file("community.toml"), why));
        }

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
        Ok(Self {
            uri: declared.uri,
            organisation,
            anchors,
            chain,
            identity_providers: declared.identity_providers,
            key,
            signed: Mutex::default(),
        })
    }

    /// Whether this server's certificate names this address of it.
    pub(crate) fn certifies(&self, uri: &str) -> bool {
        self.chain.first().is_some_and(|own| own.uris().iter().any(|named| named == uri))
    }

    /// Sign something under this server's certificate.  IG §7.1
    ///
    /// # Errors
    /// The key cannot sign.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<String, JoseError> {
        self.key.sign_with_chain(&self.chain, claims)
    }

    /// What was signed before about this address of ours, until then; else what is signed now. Signing takes a millisecond or two,
    /// and anybody may ask.
    pub(super) fn signed(
        &self,
        about: &str,
        now: Timestamp,
        claims: impl FnOnce() -> (Timestamp, Value),
    ) -> Result<String, JoseError> {
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, text)) = signed.get(about).filter(|(until, _)| now < *until) {
            return Ok(text.clone());
        }
        let (until, claims) = claims();
        let text = self.sign(&claims)?;
        signed.insert(about.to_owned(), (until, text.clone()));
        Ok(text)
    }
}

impl IdentityProviders {
    /// What is wrong with them.
    fn mistake(&self) -> Option<&'static str> {
        let is_email = self.contact.strip_prefix("mailto:").is_some_and(|rest| rest.contains('@'));
        // A passkey is what we have seen ourselves; nobody else's word is as good.
        let is_known = matches!(Acr::parse(&self.counts_as), Some(Acr::Password | Acr::Mfa));
        let rules = [
            (is_email, "identity_providers.contact has to be a mailto: address"),
            (self.logo.starts_with("https://"), "identity_providers.logo has to be an https address"),
            (is_known, "identity_providers.counts_as has to be urn:hilum:acr:password or urn:hilum:acr:mfa"),
        ];
        rules.into_iter().find(|(is_kept, _)| !is_kept).map(|(_, why)| why)
    }
}

fn fault(path: &Path, why: impl ToString) -> CommunityFault {
    CommunityFault { path: path.to_owned(), why: why.to_string() }
}
