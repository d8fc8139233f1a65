//! The ways in which a provider lets an account be linked.

mod code;
mod key;
mod revoke;
mod smart;
mod token;

use serde::Deserialize;

pub use code::{ClientAuthKind, ClientAuthentication, OAuth2Code, Pkce};
pub use key::{
    AggregatorKey, ApiKey, Basic, ClientCredentials, DeviceSdk, OAuth1a, RequestSignature, SessionLogin,
};
pub use revoke::{Revoke, RevokeClientAuth, RevokeHow, RevokeToken};
pub use smart::{ClientType, Smart};
pub use token::{Envelope, Rotation, TokenAnswer, TokenErrorClass, TokenRules};

/// How an account is linked. In a file: the table `[auth.<kind>]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// Authorization code grant (RFC 6749 §4.1).
    #[serde(rename = "oauth2_code")]
    OAuth2Code(Box<OAuth2Code>),
    /// The same, with the addresses found by SMART discovery for each tenant (SMART App Launch 2 §Conformance).
    SmartDiscovery(Box<Smart>),
    /// Client credentials grant (RFC 6749 §4.4): the organisation's own access, no person takes part.
    ClientCredentials(Box<ClientCredentials>),
    /// A key that the person or the organisation has been given.
    ApiKey(ApiKey),
    /// User name and password with every request (RFC 7617).
    Basic(Basic),
    /// User name and password once, a session afterwards.
    SessionLogin(SessionLogin),
    /// OAuth 1.0a (RFC 5849).
    #[serde(rename = "oauth1a")]
    OAuth1a(OAuth1a),
    /// Every request is signed with a key of ours.
    RequestSignature(RequestSignature),
    /// There is no server API: a phone application pushes.
    DeviceSdk(DeviceSdk),
    /// The key of a service that gathers from many others.
    AggregatorKey(AggregatorKey),
}
