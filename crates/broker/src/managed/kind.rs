//! What sorts of systems there are, which providers, how one proves oneself there, and what has to be configured.  Contract 4, Entity

use std::sync::OnceLock;

use kernel::Issue;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::provider::{Catalogue, Family, Schema};

/// The provider that is in no catalogue.
pub const CUSTOM: &str = "custom";

/// The contract's `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IntegrationType)]
pub enum Kind {
    /// Electronic data capture of clinical studies.
    Edc,
    /// Files by SSH.
    Sftp,
    /// A REST API.
    Api,
    /// Objects in a bucket.
    CloudStorage,
    /// Messages to people.
    Notification,
    /// Events to a system.
    Webhook,
    /// A FHIR R4 server.
    Fhir,
    /// HL7 v2 by MLLP.
    Hl7v2,
}

/// A provider that is no file of the catalogue: those that contract 4 names.
const NAMED: [(&str, &str, Kind); 12] = [
    ("medidata", "Medidata Rave", Kind::Edc),
    ("veeva", "Veeva Vault CDMS", Kind::Edc),
    ("redcap", "REDCap", Kind::Edc),
    ("castor", "Castor EDC", Kind::Edc),
    ("openclinica", "OpenClinica", Kind::Edc),
    ("oracle_clinical", "Oracle Clinical", Kind::Edc),
    ("aws_s3", "Amazon S3 and what speaks like it", Kind::CloudStorage),
    ("azure_blob", "Azure Blob Storage", Kind::CloudStorage),
    ("sendgrid", "SendGrid", Kind::Notification),
    ("smtp", "SMTP", Kind::Notification),
    ("fitbit", "Fitbit", Kind::Api),
    ("openssh", "OpenSSH", Kind::Sftp),
];

/// A way to prove oneself, and what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuthMethod {
    /// The word for it.
    pub name: &'static str,
    /// The credentials that it needs.
    pub credentials: &'static [&'static str],
}

const NONE: AuthMethod = AuthMethod { name: "none", credentials: &[] };
const BASIC: AuthMethod = AuthMethod { name: "basic", credentials: &["username", "password"] };
const API_KEY: AuthMethod = AuthMethod { name: "api_key", credentials: &["api_key"] };
const BEARER: AuthMethod = AuthMethod { name: "bearer", credentials: &["token"] };
const OAUTH: AuthMethod =
    AuthMethod { name: "oauth2_client_credentials", credentials: &["client_id", "client_secret"] };
const SMART: AuthMethod = AuthMethod { name: "smart_backend", credentials: &["private_key"] };
/// In each person's name who has linked an account.
const LINKED: AuthMethod = AuthMethod { name: "linked_accounts", credentials: &[] };
const PASSWORD: AuthMethod = AuthMethod { name: "password", credentials: &["password"] };
const KEY: AuthMethod = AuthMethod { name: "private_key", credentials: &["private_key", "passphrase"] };
const ACCESS_KEY: AuthMethod =
    AuthMethod { name: "access_key", credentials: &["access_key_id", "secret_access_key", "session_token"] };
const ACCOUNT_KEY: AuthMethod = AuthMethod { name: "account_key", credentials: &["account_key"] };
const SHARED_ACCESS: AuthMethod = AuthMethod { name: "shared_access_signature", credentials: &["sas_token"] };
const SIGNING: AuthMethod = AuthMethod { name: "signing_secret", credentials: &["signing_secret"] };

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Edc,
        Self::Sftp,
        Self::Api,
        Self::CloudStorage,
        Self::Notification,
        Self::Webhook,
        Self::Fhir,
        Self::Hl7v2,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edc => "edc",
            Self::Sftp => "sftp",
            Self::Api => "api",
            Self::CloudStorage => "cloud_storage",
            Self::Notification => "notification",
            Self::Webhook => "webhook",
            Self::Fhir => "fhir",
            Self::Hl7v2 => "hl7v2",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// How one proves oneself at systems of this kind.
    pub const fn auth_methods(self) -> &'static [AuthMethod] {
        match self {
            Self::Edc => &[BASIC, API_KEY, OAUTH],
            Self::Sftp => &[PASSWORD, KEY],
            Self::Api => &[NONE, BASIC, API_KEY, BEARER, OAUTH, LINKED],
            Self::CloudStorage => &[ACCESS_KEY, ACCOUNT_KEY, SHARED_ACCESS],
            Self::Notification => &[API_KEY, BASIC],
            Self::Webhook => &[SIGNING],
            Self::Fhir => &[NONE, BASIC, BEARER, OAUTH, SMART],
            Self::Hl7v2 => &[NONE],
        }
    }

    /// What can be done with it.
    pub const fn capabilities(self) -> &'static [&'static str] {
        match self {
            Self::Edc | Self::Sftp | Self::Api | Self::CloudStorage | Self::Fhir => {
                &["test", "sync_full", "sync_incremental", "logs"]
            }
            Self::Notification => &["test", "notify", "logs"],
            Self::Webhook => &["test", "deliver", "logs"],
            Self::Hl7v2 => &["test", "receive", "logs"],
        }
    }

    /// Whether a system of this kind goes by that credential.
    pub fn takes(self, credential: &str) -> bool {
        self.auth_methods().iter().any(|method| method.credentials.contains(&credential))
    }

    /// The JSON Schema of its configuration.
    pub fn schema(self) -> Option<&'static Schema> {
        static READ: OnceLock<Vec<(Kind, Schema)>> = OnceLock::new();
        let all = READ
            .get_or_init(|| Self::ALL.into_iter().filter_map(|kind| Some((kind, kind.read()?))).collect());
        all.iter().find(|(kind, _)| *kind == self).map(|(_, schema)| schema)
    }

    fn read(self) -> Option<Schema> {
        let text = match self {
            Self::Edc => include_str!("../../managed/edc.json"),
            Self::Sftp => include_str!("../../managed/sftp.json"),
            Self::Api => include_str!("../../managed/api.json"),
            Self::CloudStorage => include_str!("../../managed/cloud_storage.json"),
            Self::Notification => include_str!("../../managed/notification.json"),
            Self::Webhook => include_str!("../../managed/webhook.json"),
            Self::Fhir => include_str!("../../managed/fhir.json"),
            Self::Hl7v2 => include_str!("../../managed/hl7v2.json"),
        };
        serde_json::from_str::<Value>(text).ok().map(Schema::from)
    }

    /// What is wrong with a configuration, each finding at its field: `config.base_url`. A kind without a schema accepts nothing.
    pub fn issues(self, config: &Map<String, Value>) -> Vec<Issue> {
        let Some(schema) = self.schema() else {
            return vec![Issue::at("type", "cannot be configured here")];
        };
        let at = |issue: Issue| {
            let path =
                if issue.path.is_empty() { "config".to_owned() } else { format!("config.{}", issue.path) };
            Issue::at(path, issue.message)
        };
        schema.issues(&Value::Object(config.clone())).into_iter().map(at).collect()
    }
}

/// An entry of the catalogue as staff see it.
pub struct Entry<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub kind: Kind,
}

/// All providers of a kind or of all kinds: those that the contract names, those of the catalogue's files, and `custom` for each kind.
pub fn entries(catalogue: &Catalogue) -> Vec<Entry<'_>> {
    let named = NAMED.iter().map(|(id, name, kind)| Entry { id, name, kind: *kind });
    let files =
        catalogue.iter().filter(|provider| !NAMED.iter().any(|(id, _, _)| *id == provider.id.as_str()));
    let files = files.filter_map(|provider| {
        Some(Entry { id: provider.id.as_str(), name: &provider.name, kind: of_family(provider.family)? })
    });
    let custom = Kind::ALL.into_iter().map(|kind| Entry { id: CUSTOM, name: "Custom", kind });
    named.chain(files).chain(custom).collect()
}

/// Whether there is such a provider of this kind.
pub fn is_known(catalogue: &Catalogue, kind: Kind, provider: &str) -> bool {
    entries(catalogue).iter().any(|entry| entry.kind == kind && entry.id == provider)
}

const fn of_family(family: Family) -> Option<Kind> {
    match family {
        Family::ClinicalTrial => Some(Kind::Edc),
        Family::Ehr | Family::Payer | Family::NationalService | Family::Lab => Some(Kind::Fhir),
        Family::Wearable | Family::Device | Family::Aggregator | Family::Office => Some(Kind::Api),
        Family::Files => Some(Kind::CloudStorage),
        Family::NationalIdentity | Family::Signature | Family::Identity | Family::Test => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(kind: Kind, config: Value) -> Vec<String> {
        let Value::Object(config) = config else { panic!("{config}") };
        let mut paths: Vec<String> =
            kind.issues(&config).into_iter().map(|issue| issue.path.into_owned()).collect();
        paths.sort();
        paths
    }

    #[test]
    fn every_kind_has_a_schema_that_names_the_field_at_fault() {
        for kind in Kind::ALL {
            kind.schema().unwrap().check().unwrap();
            assert_eq!(
                found(kind, json!({ "made_up": 1 })).iter().filter(|path| *path == "config.made_up").count(),
                1,
                "{kind:?}"
            );
        }
        let edc = |config| found(Kind::Edc, config);
        assert!(edc(json!({ "base_url": "https://edc.example/api" })).is_empty());
        assert_eq!(edc(json!({})), ["config.base_url"]);
        assert_eq!(edc(json!({ "base_url": 7 })), ["config.base_url"]);
        assert_eq!(edc(json!({ "base_url": "ftp://x" })), ["config.base_url"]);
        assert_eq!(
            edc(json!({ "base_url": "https://user@edc.example" })),
            ["config.base_url"],
            "no secret in an address"
        );
        let mapping = json!({ "base_url": "https://edc.example", "study_mappings": [{ "study_id": "x" }] });
        assert_eq!(edc(mapping), ["config.study_mappings.0.external_id", "config.study_mappings.0.study_id"]);
        assert_eq!(
            found(
                Kind::Sftp,
                json!({ "host": "h", "username": "u", "directory": "/", "file_patterns": ["*"], "port": 0 })
            ),
            ["config.port"]
        );
        assert!(found(Kind::Hl7v2, json!({ "host": "h", "port": 2575 })).is_empty());
    }
}
