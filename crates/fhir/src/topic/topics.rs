//! The topics that a site has: those that are built in, and those that it declares.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use store::DbError;

use super::{
    condition::{Age, Terms, Why},
    declare::{Became, Topic, Trigger},
    queries::{self, TopicRow},
};
use crate::{
    Fhir,
    parameter::{Registry, ResourceType},
    tenant::Tenant,
};

/// The part of a built-in topic's URL behind the base.
const BUILT_IN: &str = "/SubscriptionTopic/";

/// The URLs of the built-in topics: of each type what becomes of its records, and each of the three things that can by itself.
fn built_in(base: &str) -> impl Iterator<Item = String> {
    ResourceType::all().filter(|of| of.as_str() != "Subscription").flat_map(move |of| {
        let any = format!("{base}{BUILT_IN}{of}");
        let each = Became::ALL.map(|became| format!("{any}-{}", became.as_str()));
        std::iter::once(any).chain(each)
    })
}

/// What the CapabilityStatement says of Subscription beside what it says of every type: its topics and its profile.  Subscriptions
/// R5 Backport 1.1.0 "capabilitystatement-subscriptiontopic-canonical"
pub(crate) fn tell(base: &str, told: &mut Value) {
    const GUIDE: &str = "http://hl7.org/fhir/uv/subscriptions-backport";
    let Some(members) = told.as_object_mut() else { return };
    let topic = |url: String| json!({"url": format!("{GUIDE}/StructureDefinition/capabilitystatement-subscriptiontopic-canonical"), "valueCanonical": url});
    members.insert("extension".to_owned(), built_in(base).map(topic).collect());
    let profile = format!("{GUIDE}/StructureDefinition/backport-subscription");
    members.insert("supportedProfile".to_owned(), json!([profile]));
}

/// The topics of a site.
pub(crate) struct Topics {
    base: String,
    /// What they were read with, and what is kept of subscriptions to them is.
    pub registry: Arc<Registry>,
    declared: BTreeMap<String, Arc<Topic>>,
    /// Those that cannot be read any more, with the first reason.
    unread: BTreeMap<String, String>,
}

impl Topics {
    /// Those of a site.
    pub async fn of(fhir: &Fhir, tenant: &Tenant) -> Result<Self, DbError> {
        let rows = queries::topics(&mut fhir.db.read().await?, tenant).await?;
        Ok(Self::read(fhir, (tenant, fhir.records.registry_of_one(tenant)), &rows))
    }

    /// Those that are declared by these rows. One that cannot be read any more is told to the operator and is none.
    pub fn read(fhir: &Fhir, (tenant, registry): (&Tenant, Arc<Registry>), rows: &[TopicRow]) -> Self {
        let terms = Terms { registry: &registry, now: fhir.world.now(), age: Age::Kept };
        let (mut declared, mut unread) = (BTreeMap::new(), BTreeMap::new());
        for row in rows {
            let body: Value = serde_json::from_str(&row.body).unwrap_or_default();
            match Topic::read(&body, terms) {
                Ok(topic) => {
                    declared.insert(topic.url.clone(), Arc::new(topic));
                }
                Err(issues) => {
                    let at = issues.first().map(|issue| issue.path.clone()).unwrap_or_default();
                    tracing::warn!(site = %tenant.site(), name = row.name, %at, "a declared topic cannot be read");
                    let url = body.get("url").and_then(Value::as_str).unwrap_or_default();
                    let why = issues.first().map(|issue| format!("{}: {}", issue.path, issue.message));
                    unread.insert(url.to_owned(), why.unwrap_or_default());
                }
            }
        }
        Self { base: fhir.base.clone(), registry, declared, unread }
    }

    /// The topic of this URL; a version behind it is not looked at.
    ///
    /// # Errors
    /// There is none, or it cannot be read any more.
    pub fn get(&self, url: &str) -> Result<Arc<Topic>, Why> {
        let url = url.split('|').next().unwrap_or_default();
        let found = self.declared.get(url).cloned().or_else(|| self.built_in(url).map(Arc::new));
        found.ok_or_else(|| match self.unread.get(url) {
            Some(why) => format!("is a topic that the site cannot read any more: {why}").into(),
            None => {
                "is no topic of this site; the CapabilityStatement and the site's administrators name them"
                    .into()
            }
        })
    }

    fn built_in(&self, url: &str) -> Option<Topic> {
        let name = url.strip_prefix(&self.base)?.strip_prefix(BUILT_IN)?;
        let (name, on) = match name.split_once('-') {
            None => (name, Became::ALL.into_iter().collect()),
            Some((name, word)) => {
                let became = Became::ALL.into_iter().find(|became| became.as_str() == word)?;
                (name, [became].into_iter().collect())
            }
        };
        let of = ResourceType::named(name).filter(|of| of.as_str() != "Subscription")?;
        let triggers = vec![Trigger { of, on, query: None, path: None }];
        Some(Topic { url: url.to_owned(), triggers, filters: None, shapes: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_topic_is_found_by_its_url() {
        let topics = Topics {
            base: "https://a.example/fhir".to_owned(),
            registry: Arc::default(),
            declared: BTreeMap::new(),
            unread: BTreeMap::new(),
        };
        let all: Vec<String> = built_in(&topics.base).collect();
        assert!(
            all.len() > 500 && all.iter().all(|url| topics.get(url).is_ok_and(|topic| topic.url == *url))
        );
        for unknown in [
            "Patient",
            "https://a.example/fhir/SubscriptionTopic/Subscription",
            "https://a.example/fhir/SubscriptionTopic/Patient-read",
        ] {
            assert!(topics.get(unknown).is_err(), "{unknown}");
        }
    }
}
