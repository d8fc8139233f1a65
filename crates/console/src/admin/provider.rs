//! Choose a third-party service from the catalogue.

use auth::Administrator;
use axum::{extract::State, response::Response};
use broker::provider::{Auth, Confidence, Family, Provider};
use serde::Deserialize;
use web::{Answer, Query};

use crate::{
    frame::{Frame, Here},
    page::admin::{ProviderTile, Providers},
    respond::page,
    state::Console,
    t,
};

/// What is looked for.
#[derive(Deserialize, Default)]
pub(crate) struct Sought {
    #[serde(default)]
    q: String,
    #[serde(default)]
    family: String,
}

/// `GET /admin/integrations/new`
pub(crate) async fn pick(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Query(sought): Query<Sought>,
) -> Answer<Response> {
    let all: Vec<&Provider> = console.broker().catalogue().iter().map(|provider| &**provider).collect();
    let mut found: Vec<&Provider> = all.iter().copied().filter(|provider| sought.fits(provider)).collect();
    found.sort_by_key(|provider| (!is_linked_by_people(provider), provider.name.to_lowercase()));
    let mut families: Vec<(String, String)> = all.iter().map(|provider| family(provider.family)).collect();
    families.sort();
    families.dedup();
    page(&Providers {
        frame: Frame::inside(t("int-add"), Here::Integrations, console.viewer(&who).await?),
        known: all.len(),
        found: t("int-found").count("found", found.len()).count("all", all.len()).into(),
        providers: found.iter().map(|provider| tile(provider)).collect(),
        query: sought.q,
        family: sought.family,
        families,
    })
}

impl Sought {
    fn fits(&self, provider: &Provider) -> bool {
        let text = self.q.trim().to_lowercase();
        let is_named = provider.name.to_lowercase().contains(&text) || provider.id.as_str().contains(&text);
        is_named && (self.family.is_empty() || self.family == family(provider.family).0)
    }
}

/// Whether a person links an account there in a browser; the others work by keys.
pub(super) fn is_linked_by_people(provider: &Provider) -> bool {
    matches!(provider.auth, Auth::OAuth2Code(_) | Auth::SmartDiscovery(_))
}

fn tile(provider: &Provider) -> ProviderTile {
    let (_, family) = family(provider.family);
    let note =
        if is_linked_by_people(provider) { confidence(provider.confidence) } else { t("int-by-keys").into() };
    ProviderTile {
        href: is_linked_by_people(provider).then(|| format!("/admin/integrations/new/{}", provider.id)),
        name: provider.name.clone(),
        family,
        note,
    }
}

/// How sure the catalogue is, in words.
pub(super) fn confidence(confidence: Confidence) -> String {
    let said = match confidence {
        Confidence::High => t("int-sure"),
        Confidence::Medium => t("int-rather-sure"),
        Confidence::Low => t("int-unsure"),
    };
    said.into()
}

/// The sort of service: for the address, and in words.
fn family(family: Family) -> (String, String) {
    let (word, words) = match family {
        Family::Wearable => ("wearable", t("family-wearable")),
        Family::Device => ("device", t("family-device")),
        Family::Ehr => ("ehr", t("family-ehr")),
        Family::Lab => ("lab", t("family-lab")),
        Family::Payer => ("payer", t("family-payer")),
        Family::NationalService => ("national-service", t("family-national-service")),
        Family::NationalIdentity => ("national-identity", t("family-national-identity")),
        Family::ClinicalTrial => ("clinical-trial", t("family-clinical-trial")),
        Family::Aggregator => ("aggregator", t("family-aggregator")),
        Family::Signature => ("signature", t("family-signature")),
        Family::Files => ("files", t("family-files")),
        Family::Office => ("office", t("family-office")),
        Family::Identity => ("identity", t("family-identity")),
        Family::Test => ("test", t("family-test")),
    };
    (word.to_owned(), words.into())
}
