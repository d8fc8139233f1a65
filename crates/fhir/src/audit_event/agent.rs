//! Who stands behind an interaction, in the words of its audit events.

use std::net::IpAddr;

use kernel::{Caller, Client, Id, Person, Token};
use serde::{Deserialize, Serialize};

use crate::{consent::Who, key, tenant::Tenant};

/// Who stands behind an interaction. The deployment itself is nobody of all these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<Id<Client>>,
    /// The client as OAuth knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) person: Option<Id<Person>>,
    /// The records that the person is: `Practitioner/1`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) records: Vec<String>,
    /// The token's `jti`, never the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Id<Token>>,
    /// What for, by codes of `ActReason` or `system|code`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) purposes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<IpAddr>,
}

/// Records that stand for people.
const PEOPLE: [&str; 4] = ["Patient/", "Practitioner/", "PractitionerRole/", "RelatedPerson/"];

impl Agent {
    /// The deployment itself.
    pub fn system() -> Self {
        Self::default()
    }

    /// Who a caller is, and from where it calls.
    pub(crate) fn of(caller: &Caller, who: &Who, address: Option<IpAddr>) -> Self {
        let is_person = |record: &&String| PEOPLE.iter().any(|kind| record.starts_with(kind));
        let client_id = who.references.iter().find_map(|record| record.strip_prefix("Device/"));
        Self {
            client: Some(caller.client),
            client_id: client_id.map(str::to_owned),
            person: caller.person,
            records: who.references.iter().filter(is_person).cloned().collect(),
            token: Some(caller.token),
            purposes: who.purposes.clone(),
            address: address.filter(|address| !address.is_unspecified()),
        }
    }

    /// What is kept of it.
    pub(super) fn said(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What it says, read.
    pub(super) fn read(said: &str) -> Self {
        serde_json::from_str(said).unwrap_or_default()
    }

    /// What stands for it in rows.
    pub(super) fn key(tenant: &Tenant, said: &str) -> i64 {
        key::agent(tenant, said)
    }

    /// The patients that the person is.
    pub(super) fn patients(&self) -> impl Iterator<Item = &str> {
        self.records.iter().filter_map(|record| record.strip_prefix("Patient/"))
    }
}
