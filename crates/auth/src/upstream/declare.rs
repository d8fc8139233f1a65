//! An administrator, or a file, sets a provider up.

use crypto::jose::SigningKey;
use kernel::{Id, Issue, Organisation, Secret, Timestamp};
use serde_json::{Map, Value};
use vault::Sealed;

use super::{ClientAuth, NAME_CHARACTERS_MAX, Settings, Upstream, UpstreamFault, place, preset, queries};
use crate::{Acting, Auth};

/// A provider as it is declared.
pub struct NewUpstream {
    /// The word in its addresses.
    pub slug: String,
    /// What the button says; the preset's own where it is empty.
    pub name: String,
    /// What is known of it beforehand: `nhs-login`, `nhs-cis2`, `microsoft-entra-id`, `google`.
    pub preset: Option<String>,
    /// [`Settings`] by name, over those of the preset; and `tenant`.
    pub settings: Map<String, Value>,
    /// Our secret there. None leaves the one that is there.
    pub client_secret: Option<Secret<String>>,
    /// The key that signs our assertions there (PKCS#8, PEM). None leaves the one that is there.
    pub private_key: Option<Secret<String>>,
}

/// A provider as its row will hold it.
#[derive(Clone)]
pub(super) struct Row {
    pub id: Id<kernel::Upstream>,
    pub organisation: Id<Organisation>,
    pub slug: String,
    pub name: String,
    pub settings: Settings,
    pub secret: Option<Sealed>,
    pub now: Timestamp,
}

/// Set a provider up for the acting person's organisation, or bring it in line.
///
/// # Errors
/// [`UpstreamFault::Refused`] names every setting at fault; [`UpstreamFault::SlugTaken`], [`UpstreamFault::UnknownPreset`].
pub async fn declare(
    auth: &Auth,
    acting: &Acting,
    new: NewUpstream,
) -> Result<Id<kernel::Upstream>, UpstreamFault> {
    let (name, settings) = read(&new)?;
    let there = queries::by_slug(&mut auth.db().read().await?, &new.slug).await?;
    let is_ours = |there: &Upstream| there.organisation == acting.organisation && there.community.is_none();
    if there.as_ref().is_some_and(|there| !is_ours(there)) {
        return Err(UpstreamFault::SlugTaken);
    }
    let id = there.as_ref().map_or_else(|| auth.world().new_id(), |there| there.id);
    let secret = seal(auth, acting, id, &new, &settings, there.as_ref()).await?;
    let row = Row {
        id,
        organisation: acting.organisation,
        slug: new.slug,
        name,
        settings,
        secret,
        now: auth.world().now(),
    };
    let entry = acting.entry("upstream.set_up", id, serde_json::json!({ "issuer": row.settings.issuer }));
    let world = auth.world().clone();
    let written = auth
        .db()
        .write(async move |tx| -> Result<(), UpstreamFault> {
            queries::put(tx, &row).await?;
            audit::record(tx, &world, &entry).await?;
            Ok(())
        })
        .await;
    match written {
        Err(UpstreamFault::Store(fault)) if fault.is_unique("upstream_slug_key") => {
            Err(UpstreamFault::SlugTaken)
        }
        other => other.map(|()| id),
    }
}

/// Let nobody sign in through a provider any more.
///
/// # Errors
/// [`UpstreamFault::NotFound`].
pub async fn disable(auth: &Auth, acting: &Acting, slug: &str) -> Result<(), UpstreamFault> {
    let there = queries::by_slug(&mut auth.db().read().await?, slug).await?;
    let there =
        there.filter(|there| there.organisation == acting.organisation).ok_or(UpstreamFault::NotFound)?;
    let entry = acting.entry("upstream.disabled", there.id, Value::Null);
    let (world, now) = (auth.world().clone(), auth.world().now());
    auth.db()
        .write(async move |tx| -> Result<(), UpstreamFault> {
            queries::disable(tx, there.id, now).await?;
            audit::record(tx, &world, &entry).await?;
            Ok(())
        })
        .await
}

fn read(new: &NewUpstream) -> Result<(String, Settings), UpstreamFault> {
    let mut whole = preset::over_preset(new.preset.as_deref(), new.settings.clone())?;
    let known = whole.remove("name").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
    let name = if new.name.trim().is_empty() { known } else { new.name.trim().to_owned() };
    let settings: Settings = serde_json::from_value(Value::Object(whole))
        .map_err(|why| UpstreamFault::Refused(vec![Issue::at("settings", why.to_string())]))?;
    let mut issues = settings.issues();
    let is_slug = (1..=40).contains(&new.slug.len())
        && new.slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_slug {
        issues.push(Issue::at("slug", "must be 1 to 40 of a-z, 0-9 and hyphens"));
    }
    if name.is_empty() || name.chars().count() > NAME_CHARACTERS_MAX || name.chars().any(char::is_control) {
        issues.push(Issue::at("name", "must be 1 to 60 characters"));
    }
    if issues.is_empty() { Ok((name, settings)) } else { Err(UpstreamFault::Refused(issues)) }
}

async fn seal(
    auth: &Auth,
    acting: &Acting,
    id: Id<kernel::Upstream>,
    new: &NewUpstream,
    settings: &Settings,
    there: Option<&Upstream>,
) -> Result<Option<Sealed>, UpstreamFault> {
    let missing = |field, what: &'static str| UpstreamFault::Refused(vec![Issue::at(field, what)]);
    let is_same_way = there.is_some_and(|there| {
        (there.settings.client_auth == ClientAuth::PrivateKeyJwt)
            == (settings.client_auth == ClientAuth::PrivateKeyJwt)
    });
    let kept = there.and_then(|there| there.secret.clone()).filter(|_| is_same_way);
    let vault = auth.vault().tenant(acting.organisation).await?;
    if settings.client_auth == ClientAuth::PrivateKeyJwt {
        let Some(pem) = &new.private_key else {
            return kept
                .map(Some)
                .ok_or_else(|| missing("private_key", "must be stated with private_key_jwt"));
        };
        let wrong =
            || missing("private_key", "must be a PKCS#8 key for assertion_alg: -----BEGIN PRIVATE KEY-----");
        let der = der_of(pem).ok_or_else(wrong)?;
        let algorithm = settings.assertion_alg.ok_or_else(wrong)?;
        SigningKey::from_pkcs8(algorithm, &der).map_err(|_| wrong())?;
        return Ok(Some(vault.seal(place(id), der.expose())));
    }
    match &new.client_secret {
        Some(secret) => Ok(Some(vault.seal(place(id), secret.expose().as_bytes()))),
        None => kept.map(Some).ok_or_else(|| missing("client_secret", "must be stated")),
    }
}

/// The key inside a PEM text (RFC 7468 §10).
fn der_of(pem: &Secret<String>) -> Option<Secret<Vec<u8>>> {
    let text = pem.expose().trim();
    let inner =
        text.strip_prefix("-----BEGIN PRIVATE KEY-----")?.strip_suffix("-----END PRIVATE KEY-----")?;
    let base64 = Secret::new(inner.split_ascii_whitespace().collect::<String>());
    crypto::b64::decode_standard(base64.expose()).ok().map(Secret::new)
}
