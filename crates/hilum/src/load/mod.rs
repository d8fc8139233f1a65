//! `hilum load`: an organisation, people, applications, integrations and trust, declared in a file (docs/loading.md).
//!
//! A declaration is found again by its natural key (short name, e-mail address, client id, integration id), so that loading
//! the same file twice changes nothing.

use std::{collections::BTreeMap, fmt};

use kernel::{Id, IdKind, Secret};
use serde::Deserialize;

mod api_key;
mod application;
mod declare;
mod integration;
mod person;
mod site;
mod upstream;

pub use declare::declare;

/// The most declarations of one kind in one file.
pub const DECLARATIONS_MAX: usize = 10_000;

/// What a deployment should hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declarations {
    /// Whose all of it is.
    pub organisation: OrganisationDeclared,
    /// People with accounts.
    #[serde(default, rename = "person")]
    pub people: Vec<PersonDeclared>,
    /// Encounters that can be chosen at a launch.
    #[serde(default, rename = "encounter")]
    pub encounters: Vec<EncounterDeclared>,
    /// Client applications.
    #[serde(default, rename = "client")]
    pub clients: Vec<ClientDeclared>,
    /// API keys.
    #[serde(default, rename = "api_key")]
    pub api_keys: Vec<ApiKeyDeclared>,
    /// External providers that people sign in through.
    #[serde(default, rename = "upstream")]
    pub upstreams: Vec<UpstreamDeclared>,
    /// Third-party services.
    #[serde(default, rename = "integration")]
    pub integrations: Vec<IntegrationDeclared>,
    /// What clients may do with integrations.
    #[serde(default, rename = "trust")]
    pub trusts: Vec<TrustDeclared>,
}

/// The organisation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganisationDeclared {
    /// Short name: `northwind`.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// Places, by short name and name.
    #[serde(default)]
    pub sites: BTreeMap<String, String>,
    /// Studies at all of these places, by short name and name.
    #[serde(default)]
    pub studies: BTreeMap<String, String>,
    /// The values of `SU-SiteId` that places go by, by short name (docs/fhir.md).
    #[serde(default)]
    pub codes: BTreeMap<String, String>,
    /// Whether what is written at these places is validated: `off`, `warn`, `enforce`.
    pub validation: Option<String>,
    /// Whether records may be made under ids that callers name: `allowed`, `refused`.
    pub upsert: Option<String>,
    /// Whether patients' Consents are asked: `enforce`, `off`.
    pub consent: Option<String>,
    /// Who may ask past what patients withhold, in an emergency: `Practitioner/5`, `Device/<client id>`.
    pub break_glass: Option<Vec<String>>,
    /// The packages with which it is validated at these places, as `name#version`; all that there are here where nothing is said.
    pub packages: Option<Vec<String>>,
    /// Profiles that all records of their types must conform to at these places.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// What the organisation has subscribed to; as it is, where nothing is said.
    pub subscriptions: Option<Vec<String>>,
}

/// A person with an account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonDeclared {
    /// The address to sign in with.
    pub email: String,
    /// What pages call the person.
    pub name: String,
    /// The first password.
    pub password: Secret<String>,
    /// `org_admin`, `developer`, and what else there is (docs/roles.md); `viewer:` and the short name of a study for that one alone.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The record that is the person: `Practitioner/5`.
    pub fhir_user: Option<String>,
    /// The patients whose records the person may open.
    #[serde(default)]
    pub patients: Vec<PatientDeclared>,
}

/// A patient whose record a person may open.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatientDeclared {
    /// The record's id.
    pub id: String,
    /// `self`, `proxy` or `practitioner`.
    pub relation: String,
    /// By what the person knows the patient.
    pub label: String,
}

/// An encounter of a patient.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncounterDeclared {
    /// The patient's id.
    pub patient: String,
    /// The record's id.
    pub id: String,
    /// By what people know it.
    pub label: String,
}

/// A client application.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientDeclared {
    /// `<opaque>.<suffix>`.
    pub client_id: String,
    /// What people see.
    pub name: String,
    /// Base address.
    pub uri: String,
    /// Where authorization answers may go.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// `authorization_code`, `refresh_token`, `client_credentials` and what else the metadata lists.
    pub grant_types: Vec<String>,
    /// Scopes, separated by spaces.
    pub scopes: String,
    /// The first secret; none for a public client, and for one that proves itself with a key.
    pub secret: Option<Secret<String>>,
    /// The security profile; `oauth21` where nothing is said.
    #[serde(default)]
    pub profile: String,
    /// How it proves who it is: by its secret where it has one and nothing is said.
    #[serde(default)]
    pub auth_method: String,
    /// How long its access tokens live, in seconds.
    pub token_lifetime_s: Option<u32>,
    /// Where a browser may go after sign-out.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// What else is registered, in the words of RFC 7591.
    #[serde(default)]
    pub metadata: auth::client::ClientMetadata,
    /// Whether an administrator has verified it.
    #[serde(default)]
    pub verified: bool,
    /// `MITHRIL_ADMIN`, `NHS`, `MSP`, `PHARMACY`, `MIS` or another word (docs/client-connections.md).
    pub client_type: Option<String>,
}

/// An API key (docs/api-keys.md).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyDeclared {
    /// Letters, digits and spaces; the end of its id.
    pub name: String,
    /// Scopes, separated by spaces.
    pub scopes: String,
    /// The key itself: at least 43 characters.
    pub key: Secret<String>,
    /// What it is in the organisation: `data_manager`, or `viewer:` and the short name of a study.
    #[serde(default)]
    pub roles: Vec<String>,
    /// How long it is good from when it is made; without an end where nothing is said.
    pub lifetime_days: Option<u32>,
}

/// An external OpenID provider that people sign in through (docs/people.md).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamDeclared {
    /// The word in its addresses.
    pub slug: String,
    /// What the button says; the preset's own where nothing is said.
    #[serde(default)]
    pub name: String,
    /// `nhs-login`, `nhs-cis2`, `microsoft-entra-id`, `google`.
    pub preset: Option<String>,
    /// Our client id there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Option<Secret<String>>,
    /// The private key that signs our assertions there (PKCS#8, PEM).
    pub private_key: Option<Secret<String>>,
    /// Further settings, over those of the preset.
    #[serde(default)]
    pub settings: serde_json::Map<String, serde_json::Value>,
}

/// A third-party service as this deployment sets it up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntegrationDeclared {
    /// The slug in its addresses.
    pub id: String,
    /// What people see.
    pub name: String,
    /// Its entry in the catalogue.
    pub provider: String,
    /// Our client id there.
    pub client_id: String,
    /// Our client secret there.
    pub client_secret: Option<Secret<String>>,
    /// The private key that signs our assertions there (PKCS#8, PEM).
    pub private_key: Option<Secret<String>>,
    /// Scopes to ask for; the provider's own defaults where nothing is said.
    pub scopes: Option<String>,
    /// What the provider's templates need.
    #[serde(default)]
    pub settings: BTreeMap<String, Secret<String>>,
}

/// What a client may do with an integration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustDeclared {
    /// The client.
    pub client: String,
    /// The integration.
    pub integration: String,
    /// Names of actions.
    #[serde(default)]
    pub actions: Vec<String>,
    /// Rules such as `GET /1/user/{id}/profile.json`.
    #[serde(default)]
    pub proxy: Vec<String>,
    /// Calls a minute; the deployment's default where nothing is said.
    pub calls_per_minute: Option<u32>,
}

/// The file is not a set of declarations.
#[derive(Debug, thiserror::Error)]
pub enum LoadFault {
    /// TOML says where.
    #[error("{0}")]
    NotDeclarations(String),
    /// More than one file may hold.
    #[error("more than {DECLARATIONS_MAX} declarations of one kind")]
    TooMany,
    /// A declaration names something that is not declared and not there.
    #[error("{what} `{name}` is not declared")]
    Unknown {
        /// `client`, `integration`, `role`.
        what: &'static str,
        /// The name.
        name: String,
    },
}

impl Declarations {
    /// Read a file.
    ///
    /// # Errors
    /// The line and what was expected. No value of the file is repeated, since it holds secrets.
    pub fn parse(text: &str) -> Result<Self, LoadFault> {
        let read: Self = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map_or(0, |before| before.lines().count());
            LoadFault::NotDeclarations(format!("line {line}: {}", error.message()))
        })?;
        let lengths = [
            read.people.len(),
            read.encounters.len(),
            read.clients.len(),
            read.integrations.len(),
            read.trusts.len(),
            read.upstreams.len(),
            read.api_keys.len(),
        ];
        if lengths.into_iter().any(|length| length > DECLARATIONS_MAX) {
            Err(LoadFault::TooMany)
        } else {
            Ok(read)
        }
    }
}

/// What was declared and is there now.
#[derive(Debug, Default)]
pub struct Report {
    pub(crate) people: usize,
    pub(crate) clients: usize,
    pub(crate) integrations: usize,
    pub(crate) trusts: usize,
    /// The ids of the declared API keys, which the file cannot know.
    pub(crate) api_keys: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "In place: {} people, {} applications, {} integrations, {} grants of trust.",
            self.people, self.clients, self.integrations, self.trusts
        )?;
        self.api_keys.iter().try_for_each(|id| write!(f, "\nAPI key {id}"))
    }
}

/// The id of a declared thing: the same for the same name, whenever and wherever it is loaded.
pub(crate) fn id_of<K: IdKind>(name: &str) -> Id<K> {
    let digest = crypto::sha256(format!("hilum load\n{}\n{name}", K::NAME).as_bytes());
    let mut bytes = [0; 16];
    for (byte, from) in bytes.iter_mut().zip(digest) {
        *byte = from;
    }
    Id::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use kernel::{Client, Person};

    use super::*;

    #[test]
    fn a_declared_thing_keeps_its_id() {
        assert_eq!(id_of::<Person>("a"), id_of::<Person>("a"));
        assert_ne!(id_of::<Person>("a"), id_of::<Person>("b"));
        assert_ne!(id_of::<Person>("a"), id_of::<Client>("a").cast());
    }

    #[test]
    fn a_mistake_is_told_by_its_line_without_its_value() {
        let text = "[organisation]\nslug = \"n\"\nname = \"N\"\n[[person]]\nemail = \"a@b\"\nname = \"x\"\npassword = \"hunter2\"\nrole = [\"x\"]\n";
        let error = Declarations::parse(text).err().unwrap().to_string();
        assert!(error.contains("line") && error.contains("role") && !error.contains("hunter2"), "{error}");
    }
}
