//! Records of a source that does not speak FHIR, as a mapping makes resources of them.

use std::sync::Arc;

use kernel::{Id, Integration};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vault::TenantVault;

use super::{Found, Name};
use crate::mapping::{Given, Ids, Mapping};

/// A record as the source has it: kept beside what could not be taken of it, so that a mended mapping can be tried on it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raw {
    /// The stream that it came in.
    pub stream: String,
    /// The record, in JSON.
    pub record: Arc<str>,
    /// Whose account it came from, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
}

/// One account of several, and what is known of whoever it belongs to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Keeps equal keys of two accounts apart.
    pub id: String,
    /// References by name.
    pub given: Given,
}

/// Makes resources of records.
#[derive(Clone)]
pub struct Mapper {
    mapping: Arc<Mapping>,
    ids: Ids,
}

impl Mapper {
    /// By this mapping, with ids of this integration.
    pub fn new(mapping: Arc<Mapping>, vault: &TenantVault, integration: Id<Integration>) -> Self {
        Self { mapping, ids: Ids::of(vault, integration) }
    }

    /// By this mapping, with these ids.
    pub const fn with(mapping: Arc<Mapping>, ids: Ids) -> Self {
        Self { mapping, ids }
    }

    /// What records become.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// What a record of a stream becomes.
    pub fn found(&self, stream: &str, record: &Value) -> Vec<Found> {
        self.found_of(None, stream, record)
    }

    /// The same for a record of one account.
    pub fn found_of(&self, account: Option<&Account>, stream: &str, record: &Value) -> Vec<Found> {
        let raw =
            Raw { stream: stream.to_owned(), record: record.to_string().into(), account: account.cloned() };
        self.made(&raw, record)
    }

    /// What a record that was kept becomes by now.
    pub fn again(&self, raw: &Raw) -> Vec<Found> {
        let read = serde_json::from_str(&raw.record);
        read.map(|record| self.made(raw, &record)).unwrap_or_default()
    }

    /// Which resources a record has become that the source says is gone.
    pub fn gone(&self, account: Option<&Account>, stream: &str, record: &Value) -> Vec<Name> {
        let names = self.mapping.names(&self.ids_of(account), stream, record);
        names.into_iter().map(|(of, id)| Name { of, id }).collect()
    }

    fn ids_of(&self, account: Option<&Account>) -> Ids {
        account.map_or_else(|| self.ids.clone(), |account| self.ids.within(&account.id))
    }

    fn made(&self, raw: &Raw, record: &Value) -> Vec<Found> {
        let nothing = Given::new();
        let given = raw.account.as_ref().map_or(&nothing, |account| &account.given);
        let mapped = self.mapping.apply(&self.ids_of(raw.account.as_ref()), given, &raw.stream, record);
        let found = mapped.into_iter().map(|mapped| Found {
            name: Name { of: mapped.of, id: mapped.id },
            text: mapped.resource,
            raw: Some(raw.clone()),
        });
        found.collect()
    }
}
