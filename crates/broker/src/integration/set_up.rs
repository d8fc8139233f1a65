//! Setting up an integration: by hand, or again and again from a file.

use std::collections::BTreeMap;

use audit::{Outcome, Subject};
use kernel::{Id, Integration as IntegrationKind, Organisation, Scope, Scopes, Secret};
use serde_json::json;
use store::Writer;
use vault::{Sealed, TenantVault};

use super::{
    CHANNEL, CREDENTIAL_BYTES_MAX, IntegrationFault, IntegrationIn, NAME_CHARACTERS_MAX, SLUG_BYTES_MAX,
    queries::{self, IntegrationRow},
};
use crate::{
    Broker, By,
    credential::places,
    provider::{Auth, Provider},
};

impl Broker {
    /// Set up an integration of this organisation, or change the one that has the slug.
    ///
    /// # Errors
    /// [`IntegrationFault`]: a field is wrong, the provider is unknown, or the slug is another organisation's.
    pub async fn set_up_integration(
        &self,
        organisation: Id<Organisation>,
        new: &IntegrationIn,
        by: &By,
    ) -> Result<Id<IntegrationKind>, IntegrationFault> {
        let scopes = self.checked(new)?;
        let vault = self.vault.tenant(organisation).await?;
        let (plain, secret) = self.split(new)?;
        let proposed = IntegrationRow {
            id: self.world.new_id(),
            organisation,
            slug: new.slug.clone(),
            provider: new.provider.clone(),
            name: new.name.clone(),
            client_id: new.client_id.clone(),
            settings: plain,
            scopes,
            enabled: new.enabled,
            version: 1,
        };
        let key = new.private_key.as_ref().map(der_of).transpose()?;
        let client_secret = new.client_secret.clone();
        let (world, by) = (self.world.clone(), by.clone());
        let unit = async move |tx: &mut Writer| -> Result<Id<IntegrationKind>, IntegrationFault> {
            let id = put(tx, &proposed, world.now()).await?;
            let secrets = sealed(&vault, id, &secret, client_secret.as_ref(), key.as_ref())?;
            for (name, sealed) in secrets {
                queries::put_secret(tx, id, name, &sealed).await?;
            }
            let details = json!({ "provider": proposed.provider, "enabled": proposed.enabled });
            let entry = by.did(organisation, "integration.set_up", Subject::of(id), Outcome::Done, details);
            audit::record(tx, &world, &entry).await?;
            tx.publish(CHANNEL, &proposed.slug).await?;
            Ok(id)
        };
        let id = self.db.write(unit).await?;
        self.integrations.forget(&new.slug);
        Ok(id)
    }

    /// Let people and clients use the integration of this slug, or keep them from it.
    ///
    /// # Errors
    /// [`IntegrationFault::Unknown`] where the organisation has none.
    pub async fn enable_integration(
        &self,
        organisation: Id<Organisation>,
        slug: &str,
        enabled: Enabled,
        by: &By,
    ) -> Result<(), IntegrationFault> {
        let (world, by, name) = (self.world.clone(), by.clone(), slug.to_owned());
        let unit = async move |tx: &mut Writer| -> Result<(), IntegrationFault> {
            let row = queries::by_slug(tx, &name).await?.filter(|row| row.organisation == organisation);
            let mut row = row.ok_or(IntegrationFault::Unknown)?;
            row.enabled = enabled == Enabled::Yes;
            queries::update(tx, &row, world.now()).await?;
            let details = json!({ "enabled": row.enabled });
            let entry =
                by.did(organisation, "integration.enabled", Subject::of(row.id), Outcome::Done, details);
            audit::record(tx, &world, &entry).await?;
            tx.publish(CHANNEL, &name).await?;
            Ok(())
        };
        self.db.write(unit).await?;
        self.integrations.forget(&slug.to_owned());
        Ok(())
    }

    /// Everything that can be said without the database; the scopes to ask for.
    fn checked(&self, new: &IntegrationIn) -> Result<Scopes, IntegrationFault> {
        let field = |field, message| Err(IntegrationFault::Field { field, message });
        if !is_slug(&new.slug) {
            return field("slug", "use 1 to 64 lower-case letters, digits and single hyphens");
        }
        let named = (1..=NAME_CHARACTERS_MAX).contains(&new.name.chars().count());
        if !named || new.name.chars().any(char::is_control) {
            return field("name", "use 1 to 100 characters");
        }
        let printable = new.client_id.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if !printable || new.client_id.is_empty() || new.client_id.len() > CREDENTIAL_BYTES_MAX {
            return field("client_id", "use the identifier that the third party has given you");
        }
        if new.client_secret.as_ref().is_some_and(|secret| secret.expose().len() > CREDENTIAL_BYTES_MAX) {
            return field("client_secret", "is too long");
        }
        let provider = self.provider_of(new)?;
        match &new.scopes {
            Some(scopes) => Ok(scopes.clone()),
            None => Ok(usual_scopes(&provider)),
        }
    }

    fn provider_of(&self, new: &IntegrationIn) -> Result<Provider, IntegrationFault> {
        let known = self.catalogue.get(&new.provider);
        let provider = known.ok_or_else(|| IntegrationFault::UnknownProvider(new.provider.clone()))?;
        let environment = new.settings.get("environment").map(|name| name.expose().as_str());
        Ok(provider.in_environment(environment)?.into_owned())
    }

    /// The settings that may be shown, and those that may not; all of them checked.
    fn split(&self, new: &IntegrationIn) -> Result<(Shown, Hidden), IntegrationFault> {
        let provider = self.provider_of(new)?;
        let stated = new.settings.iter().map(|(name, value)| (name.clone(), value.clone()));
        provider.settings(stated)?;
        let is_secret =
            |name: &str| provider.settings.iter().any(|setting| setting.secret && setting.name == name);
        let (mut shown, mut hidden) = (Shown::new(), Hidden::new());
        for (name, value) in &new.settings {
            if is_secret(name) {
                hidden.insert(name.clone(), value.clone());
            } else {
                shown.insert(name.clone(), value.expose().clone());
            }
        }
        Ok((shown, hidden))
    }
}

type Shown = BTreeMap<String, String>;
type Hidden = BTreeMap<String, Secret<String>>;

/// Whether people and clients can use an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enabled {
    /// They can.
    Yes,
    /// They cannot; what is linked stays linked.
    No,
}

/// Insert, or change what has the slug.
async fn put(
    tx: &mut Writer,
    proposed: &IntegrationRow,
    now: kernel::Timestamp,
) -> Result<Id<IntegrationKind>, IntegrationFault> {
    match queries::by_slug(tx, &proposed.slug).await? {
        None => {
            queries::insert(tx, proposed, now).await?;
            Ok(proposed.id)
        }
        Some(there) if there.organisation != proposed.organisation => Err(IntegrationFault::SlugTaken),
        Some(there) => {
            let changed = IntegrationRow {
                id: there.id,
                organisation: there.organisation,
                slug: there.slug,
                provider: proposed.provider.clone(),
                name: proposed.name.clone(),
                client_id: proposed.client_id.clone(),
                settings: proposed.settings.clone(),
                scopes: proposed.scopes.clone(),
                enabled: proposed.enabled,
                version: there.version,
            };
            queries::update(tx, &changed, now).await?;
            Ok(there.id)
        }
    }
}

fn sealed(
    vault: &TenantVault,
    id: Id<IntegrationKind>,
    settings: &Hidden,
    client_secret: Option<&Secret<String>>,
    key: Option<&Secret<Vec<u8>>>,
) -> Result<Vec<(&'static str, Sealed)>, IntegrationFault> {
    let mut all = Vec::new();
    if !settings.is_empty() {
        let shown: BTreeMap<&str, &str> =
            settings.iter().map(|(name, value)| (name.as_str(), value.expose().as_str())).collect();
        let text = serde_json::to_vec(&shown).map_err(|_| IntegrationFault::Catalogue("settings"))?;
        all.push(("settings", vault.seal(places::settings(id), Secret::new(text).expose())));
    }
    if let Some(secret) = client_secret {
        all.push(("client_secret", vault.seal(places::client_secret(id), secret.expose().as_bytes())));
    }
    if let Some(key) = key {
        all.push(("private_key", vault.seal(places::private_key(id), key.expose())));
    }
    Ok(all)
}

/// The key inside a PEM text (RFC 7468 §10).
fn der_of(pem: &Secret<String>) -> Result<Secret<Vec<u8>>, IntegrationFault> {
    let wrong = IntegrationFault::Field {
        field: "private_key",
        message: "state a PKCS#8 key: -----BEGIN PRIVATE KEY-----",
    };
    let inner = pem
        .expose()
        .trim()
        .strip_prefix("-----BEGIN PRIVATE KEY-----")
        .and_then(|rest| rest.strip_suffix("-----END PRIVATE KEY-----"));
    let Some(inner) = inner else { return Err(wrong) };
    let base64 = Secret::new(inner.split_ascii_whitespace().collect::<String>());
    crypto::b64::decode_standard(base64.expose()).map(Secret::new).map_err(|_| wrong)
}

fn usual_scopes(provider: &Provider) -> Scopes {
    let usual: &[String] = match &provider.auth {
        Auth::OAuth2Code(code) => &code.default_scopes,
        Auth::SmartDiscovery(smart) => &smart.default_scopes,
        Auth::ClientCredentials(own) => &own.default_scopes,
        _ => &[],
    };
    usual.iter().filter_map(|scope| scope.parse::<Scope>().ok()).collect()
}

fn is_slug(text: &str) -> bool {
    let word =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= SLUG_BYTES_MAX && text.split('-').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_fit_for_an_address() {
        for good in ["integration-1", "fitbit", "a"] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "-", "a-", "a--b", "A", "a_b", "a/b", "ä", &"a".repeat(65)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }

    #[test]
    fn a_key_is_taken_out_of_its_pem() {
        let pem = |text: &str| der_of(&Secret::new(text.to_owned())).map(|der| der.expose().clone());
        let good = "-----BEGIN PRIVATE KEY-----\nAQID\nBAU=\n-----END PRIVATE KEY-----\n";
        assert_eq!(pem(good).unwrap(), [1, 2, 3, 4, 5]);
        for bad in ["", "AQID", "-----BEGIN RSA PRIVATE KEY-----\nAQID\n-----END RSA PRIVATE KEY-----"] {
            assert!(pem(bad).is_err());
        }
    }
}
