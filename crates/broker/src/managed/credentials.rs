//! What proves us at the other side: written, never read again but by what talks to it.  Contract 4, Entity

use std::collections::BTreeMap;

use crypto::b64;
use kernel::{Id, Integration, Issue, Secret};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::{DbError, Reader, Writer};
use vault::{Place, Sealed, TenantVault, Vault};
use web::Problem;

use super::{Kind, Managed, keys, queries};
use crate::Broker;

/// The longest credential, in bytes.
pub const CREDENTIAL_BYTES_MAX: usize = 16 * 1024;
/// Keeps digests of credentials apart from every other digest.
const PURPOSE: &str = "integration.credential";
/// How much of a digest a fingerprint shows, in bytes.
const FINGERPRINT_BYTES: usize = 9;

/// Credentials by name. There is no `Debug` and no `Serialize`.
#[derive(Clone, Default)]
pub struct Credentials(BTreeMap<String, Secret<String>>);

impl Credentials {
    /// One of them.
    pub fn get(&self, name: &str) -> Option<&Secret<String>> {
        self.0.get(name)
    }
}

/// What a body says of credentials: a text sets one, `null` takes one away.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Stated(Map<String, Value>);

impl Stated {
    /// What is wrong with it, for a system of this kind. No finding repeats a value.
    pub fn issues(&self, kind: Kind) -> Vec<Issue> {
        let judge = |(name, value): (&String, &Value)| {
            let at = |message: &'static str| Some(Issue::at(format!("credentials.{}", shown(name)), message));
            match value {
                _ if !kind.takes(name) => {
                    at("is no credential of this type; see /api/v1/integrations/providers")
                }
                Value::Null => None,
                Value::String(text)
                    if kind == Kind::Fhir && name == keys::PRIVATE_KEY && keys::read(text).is_none() =>
                {
                    at("must be a private key in PEM for ES384 or RS384")
                }
                Value::String(text) if (1..=CREDENTIAL_BYTES_MAX).contains(&text.len()) => None,
                Value::String(_) => at("must have 1 to 16384 bytes"),
                _ => at("must be a text, or null to take it away"),
            }
        };
        self.0.iter().filter_map(judge).collect()
    }

    /// The same with a new key, where an integration that is set up so proves itself by one and would have none.
    pub fn with_key(
        mut self,
        (kind, config): (Kind, &Map<String, Value>),
        before: &BTreeMap<String, String>,
    ) -> Result<Self, Problem> {
        let has_key = match self.0.get(keys::PRIVATE_KEY) {
            Some(stated) => !stated.is_null(),
            None => before.contains_key(keys::PRIVATE_KEY),
        };
        if !has_key && keys::proves_by_key(kind, config) {
            self.0.insert(keys::PRIVATE_KEY.to_owned(), Value::from(keys::made()?));
        }
        Ok(self)
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which credentials there are after this, by fingerprint.
    pub fn applied(&self, vault: &Vault, before: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut after = before.clone();
        for (name, value) in &self.0 {
            match value {
                Value::String(text) => after.insert(name.clone(), fingerprint(vault, text)),
                _ => after.remove(name),
            };
        }
        after
    }

    /// Write them.
    pub async fn write(
        &self,
        tx: &mut Writer,
        vault: &TenantVault,
        id: Id<Integration>,
    ) -> Result<(), Problem> {
        for (name, value) in &self.0 {
            match value {
                Value::String(text) => {
                    let bound = Secret::new(format!("{name}\0{text}"));
                    let sealed = vault.seal(place(id), bound.expose().as_bytes());
                    queries::put_credential(tx, id, &row_name(name), &sealed).await?;
                }
                _ => queries::drop_credential(tx, id, &row_name(name)).await?,
            }
        }
        Ok(())
    }
}

impl Broker {
    /// An integration, whosever it is and whatever its state, with the credentials that belong to it as it is: for what talks to the other side.
    /// Both are read as of one moment, so that no new credential is sent to where the one before belonged.
    ///
    /// # Errors
    /// The database or the vault does not answer, or a row was moved to where it does not belong.
    pub async fn managed_with_credentials(
        &self,
        id: Id<Integration>,
    ) -> Result<Option<(Managed, Credentials)>, Problem> {
        let read = async move |tx: &mut Reader| -> Result<_, DbError> {
            let Some(found) = queries::by_id(tx, id).await? else { return Ok(None) };
            Ok(Some((found, queries::credentials(tx, id).await?)))
        };
        let Some((found, rows)) = self.db.snapshot(read).await? else { return Ok(None) };
        let vault = self.vault.tenant(found.organisation).await?;
        let open = |(name, sealed): (String, Sealed)| {
            let text = vault.open_text(place(id), &sealed).ok()?;
            let (bound, value) = text.expose().split_once('\0')?;
            (row_name(bound) == name).then(|| (bound.to_owned(), Secret::new(value.to_owned())))
        };
        let opened: Option<BTreeMap<_, _>> = rows.into_iter().map(open).collect();
        let opened = opened.ok_or_else(|| {
            tracing::error!(integration = %id, "a sealed credential is not where it belongs");
            Problem::new(kernel::Kind::Internal, Problem::INTERNAL)
        })?;
        Ok(Some((found, Credentials(opened))))
    }
}

/// Tells whether two credentials are the same, and nothing else about them.
fn fingerprint(vault: &Vault, text: &str) -> String {
    let digest = vault.digest(PURPOSE, text.as_bytes());
    b64::encode(digest.as_bytes().get(..FINGERPRINT_BYTES).unwrap_or_default())
}

fn row_name(name: &str) -> String {
    format!("credential.{name}")
}

fn place(id: Id<Integration>) -> Place {
    Place { table: "integration_secret", row: *id.as_bytes(), column: "sealed", purpose: "credential" }
}

/// A name as it may be repeated.
fn shown(name: &str) -> String {
    const CHARACTERS_MAX: usize = 64;
    name.chars().filter(|c| !c.is_control()).take(CHARACTERS_MAX).collect()
}
