//! Where a provider's data is and how it is asked for.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{TextTemplate, UrlTemplate};

/// Where the data is and how it is asked for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// The address that paths of actions and of the proxy are appended to.
    #[serde(default)]
    pub base_url: Option<UrlTemplate>,
    /// The FHIR API, where it is apart.
    #[serde(default)]
    pub fhir_base_url: Option<UrlTemplate>,
    /// An address seen in use, where the real one differs from customer to customer.
    #[serde(default)]
    pub example_url: Option<String>,
    /// Headers sent with every call, beside the credential.
    #[serde(default)]
    pub extra_headers: BTreeMap<String, TextTemplate>,
    /// The media type to ask for.
    #[serde(default)]
    pub accept: Option<String>,
    /// How the provider's own id of the account is learnt, if the token answer does not tell it.
    #[serde(default)]
    pub account_id: Option<AccountIdFrom>,
    /// How the person's time zone is learnt, for providers that answer in local clock time.
    #[serde(default)]
    pub time_zone: Option<TimeZoneFrom>,
    /// `graphql` where it is not REST.
    #[serde(default)]
    pub style: Option<String>,
    /// What bodies are in, where it is not JSON: `CDISC ODM XML`.
    #[serde(default)]
    pub format: Option<String>,
    /// The HTTP version it insists on.
    #[serde(default)]
    pub http: Option<String>,
    /// The answer's field that holds the next page's cursor.
    #[serde(default)]
    pub page_cursor: Option<String>,
    /// The header that tells how long to wait.
    #[serde(default)]
    pub retry_after_header: Option<String>,
    /// The header that tells the time to wait for.
    #[serde(default)]
    pub retry_at_header: Option<String>,
    /// Statuses after which asking again can help, beside the usual: `403`, `5xx`.
    #[serde(default)]
    pub retry_on: Vec<String>,
    /// What else there is to know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// How the provider's own id of the linked account is learnt after linking.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AccountIdFrom {
    /// Ask the API.
    Get {
        /// The path below the API's base address.
        path: String,
        /// Where the id stands in the answer (JSON Pointer, RFC 6901).
        pointer: String,
    },
    /// Claims of the access token, which is a JWT: the first that is there.
    AccessTokenClaims(Vec<String>),
}

/// How a person's time zone is learnt.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TimeZoneFrom {
    /// All clock times are in this zone (IANA name).
    Fixed(String),
    /// Ask the API; the answer holds an IANA name.
    Get {
        /// The path below the API's base address.
        path: String,
        /// Where the zone's name stands in the answer (JSON Pointer, RFC 6901).
        pointer: String,
    },
}

/// A call that must follow linking before data flows or can be found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostConnect {
    /// The method.
    pub method: String,
    /// The address.
    pub url: UrlTemplate,
    /// The body's media type and shape.
    #[serde(default)]
    pub body: Option<String>,
    /// Fields of the answer that later calls need.
    #[serde(default)]
    pub keep: Vec<String>,
    /// What there is to know.
    #[serde(default)]
    pub note: Option<String>,
}

/// A method and a path pattern that the proxy may be allowed to pass. `*` stands for one whole segment, `**` at the
/// end for any number of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyRule {
    /// The method, upper case.
    pub method: String,
    /// The pattern, beginning with `/`.
    pub path: String,
}
