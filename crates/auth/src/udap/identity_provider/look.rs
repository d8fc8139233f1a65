//! What an identity provider says of itself, and whether that makes it one that is trusted.  IG §2.2, §2.3, §6.2, UDAP Server Metadata §3

use std::sync::Arc;

use crypto::jose::{Algorithm, AudienceForm, Chained, ExpectAssertion, LEEWAY_S};
use http::{HeaderValue, header};
use kernel::Timestamp;
use outbound::{Call, Outbound};
use quick_cache::sync::Cache;
use serde::Deserialize;
use tokio::sync::Semaphore;
use url::Url;

use super::{
    super::{Community, SCOPE},
    ADDRESS_BYTES_MAX, ASKED_FOR, KNOWN_MAX, LOOKED_AT_ONCE_MAX, REFUSED_KEPT, TOLD_KEPT,
};
use crate::{
    Auth,
    upstream::{DOCUMENT_BYTES_MAX, Endpoint, UpstreamFault},
};

/// The longest life of signed metadata, in seconds: a year.  IG §2.3
const SIGNED_LIFE_S_MAX: u32 = 366 * 86_400;

/// What an identity provider says of itself under its certificate.
pub(crate) struct Told {
    pub authorization_endpoint: Url,
    pub token_endpoint: Endpoint,
    pub registration_endpoint: Endpoint,
    at: Timestamp,
}

/// The metadata, as far as it is judged.
#[derive(Deserialize)]
#[serde(default)]
struct Document {
    udap_versions_supported: Vec<String>,
    udap_profiles_supported: Vec<String>,
    udap_authorization_extensions_required: Vec<String>,
    udap_certifications_required: Vec<String>,
    grant_types_supported: Vec<String>,
    scopes_supported: Vec<String>,
    token_endpoint_auth_methods_supported: Vec<String>,
    token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    registration_endpoint_jwt_signing_alg_values_supported: Vec<String>,
    signed_metadata: String,
}

/// What of it is signed. It counts, whatever the plain document says (IG §2.3).
#[derive(Deserialize)]
struct Signed {
    authorization_endpoint: String,
    token_endpoint: String,
    registration_endpoint: String,
}

type Answered = Result<Arc<Told>, (String, Timestamp)>;

/// The providers that this node has asked lately, by community and address, with those that cannot be used.
pub(crate) struct Known {
    answered: Cache<(String, String), Answered>,
    asking: Semaphore,
}

impl Known {
    pub(crate) fn new() -> Self {
        Self { answered: Cache::new(KNOWN_MAX), asking: Semaphore::new(LOOKED_AT_ONCE_MAX) }
    }

    /// What the provider of this address says of itself to the community, from memory for a while.
    pub(crate) async fn of(
        &self,
        auth: &Auth,
        community: &Community,
        issuer: &str,
    ) -> Result<Arc<Told>, UpstreamFault> {
        let key = (community.uri.clone(), issuer.to_owned());
        let now = auth.world().now();
        match self.answered.get(&key) {
            Some(Ok(told)) if now.since(told.at) < TOLD_KEPT => return Ok(told),
            Some(Err((why, at))) if now.since(at) < REFUSED_KEPT => {
                return Err(UpstreamFault::Untrusted(why));
            }
            _ => {}
        }
        // Whoever can write an address makes us ask: never more than a few at a time, and nobody waits for a turn.
        let _turn = self.asking.try_acquire().map_err(|_| UpstreamFault::Unreadable("too many are asked"))?;
        let told = look(auth.outbound(), community, issuer, now).await;
        let told = told.map(Arc::new).map_err(|fault| fault.to_string());
        let answered = told.map_err(|why| (why, now));
        self.answered.insert(key, answered.clone());
        answered.map_err(|(why, _)| UpstreamFault::Untrusted(why))
    }
}

async fn look(
    outbound: &Outbound,
    community: &Community,
    issuer: &str,
    now: Timestamp,
) -> Result<Told, UpstreamFault> {
    let address = address(issuer).ok_or(UpstreamFault::Unreadable("its address"))?;
    let mut address = address;
    let path = format!("{}/.well-known/udap", address.path().trim_end_matches('/'));
    address.set_path(&path);
    address.query_pairs_mut().append_pair("community", &community.uri);
    let mut call = Call::get(address);
    call.timeout = ASKED_FOR;
    call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let answer = outbound.read(call, DOCUMENT_BYTES_MAX).await?;
    if answer.status != http::StatusCode::OK {
        return Err(UpstreamFault::Unreadable("it tells no UDAP metadata of this community"));
    }
    let told = judge(&answer.body, community, issuer, now)?;
    // The browser is sent to the first, and nothing but an address that we may call ourselves is good enough for it.
    for address in [&told.authorization_endpoint, &told.token_endpoint.url, &told.registration_endpoint.url] {
        outbound.check(address)?;
    }
    Ok(told)
}

/// The address of a provider, character by character as its certificate has it: without user, query or fragment.
fn address(issuer: &str) -> Option<Url> {
    let url = Url::parse(issuer).ok().filter(|_| issuer.len() <= ADDRESS_BYTES_MAX)?;
    let is_plain = url.query().is_none() && url.fragment().is_none();
    (is_plain && matches!(url.scheme(), "https" | "http")).then_some(url)
}

/// Whether this is what an identity provider has to offer, signed under a certificate of the community that names it.
fn judge(
    document: &[u8],
    community: &Community,
    issuer: &str,
    now: Timestamp,
) -> Result<Told, UpstreamFault> {
    let refuse = |why: &str| UpstreamFault::Untrusted(why.to_owned());
    let document: Document =
        serde_json::from_slice(document).map_err(|_| UpstreamFault::Unreadable("its UDAP metadata"))?;
    if let Some(why) = document.lacks() {
        return Err(refuse(why));
    }
    let chained = Chained::read(&document.signed_metadata, &[Algorithm::Rs256]);
    let chained = chained.map_err(|why| refuse(&format!("signed_metadata: {why}")))?;
    let expect = ExpectAssertion {
        client: issuer,
        audiences: &[],
        audience_form: AudienceForm::TextOrList,
        jku: None,
        life_max_s: SIGNED_LIFE_S_MAX,
        now,
        leeway_s: LEEWAY_S,
    };
    let judged = chained.verify_unaddressed(&community.anchors, &expect);
    let (claims, signer) = judged.map_err(|why| refuse(&format!("signed_metadata: {why}")))?;
    if claims.issued_at.is_none() {
        return Err(refuse("signed_metadata: iat is missing"));
    }
    if !signer.uris().iter().any(|uri| uri == issuer) {
        return Err(refuse("signed_metadata: its certificate names another"));
    }
    let signed: Signed = claims.read().map_err(|_| refuse("signed_metadata: an endpoint is missing"))?;
    let unreadable = |_| UpstreamFault::Unreadable("the address of an endpoint");
    Ok(Told {
        authorization_endpoint: Url::parse(&signed.authorization_endpoint).map_err(unreadable)?,
        token_endpoint: signed.token_endpoint.try_into().map_err(unreadable)?,
        registration_endpoint: signed.registration_endpoint.try_into().map_err(unreadable)?,
        at: now,
    })
}

impl Default for Document {
    fn default() -> Self {
        let none = Vec::new;
        Self {
            udap_versions_supported: none(),
            udap_profiles_supported: none(),
            udap_authorization_extensions_required: none(),
            udap_certifications_required: none(),
            grant_types_supported: none(),
            scopes_supported: none(),
            token_endpoint_auth_methods_supported: none(),
            token_endpoint_auth_signing_alg_values_supported: none(),
            registration_endpoint_jwt_signing_alg_values_supported: none(),
            signed_metadata: String::new(),
        }
    }
}

impl Document {
    /// What it lacks to sign people in here, or wants that we do not have.
    fn lacks(&self) -> Option<&'static str> {
        let has = |list: &[String], word: &str| list.iter().any(|one| one == word);
        let profiles = &self.udap_profiles_supported;
        let rules = [
            (has(&self.udap_versions_supported, "1"), "it offers no version 1 of UDAP"),
            (
                ["udap_dcr", "udap_authn", "udap_to"].iter().all(|word| has(profiles, word)),
                "it offers not all of udap_dcr, udap_authn and udap_to",
            ),
            (
                ["openid", SCOPE].iter().all(|word| has(&self.scopes_supported, word)),
                "it offers not both of the scopes openid and udap",
            ),
            (has(&self.grant_types_supported, "authorization_code"), "it offers no authorization_code"),
            (
                has(&self.token_endpoint_auth_methods_supported, "private_key_jwt"),
                "it offers no private_key_jwt",
            ),
            (
                has(&self.token_endpoint_auth_signing_alg_values_supported, "RS256")
                    && has(&self.registration_endpoint_jwt_signing_alg_values_supported, "RS256"),
                "it takes no RS256",
            ),
            (
                self.udap_authorization_extensions_required.is_empty()
                    && self.udap_certifications_required.is_empty(),
                "it wants extensions or certifications that this server does not send",
            ),
        ];
        rules.into_iter().find(|(is_kept, _)| !is_kept).map(|(_, why)| why)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document() -> Value {
        json!({
            "udap_versions_supported": ["1"],
            "udap_profiles_supported": ["udap_dcr", "udap_authn", "udap_to"],
            "scopes_supported": ["openid", "udap", "email"],
            "grant_types_supported": ["authorization_code"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES384"],
            "registration_endpoint_jwt_signing_alg_values_supported": ["RS256"],
            "signed_metadata": "",
        })
    }

    fn lacks(document: Value) -> Option<&'static str> {
        serde_json::from_value::<Document>(document).unwrap().lacks()
    }

    #[test]
    fn a_provider_has_to_offer_all_of_what_is_needed() {
        assert_eq!(lacks(document()), None);
        assert_eq!(lacks(json!({})), Some("it offers no version 1 of UDAP"));
        for (member, value) in [
            ("udap_versions_supported", json!(["2"])),
            ("udap_profiles_supported", json!(["udap_dcr", "udap_authn", "udap_authz"])),
            ("udap_profiles_supported", json!(["udap_to", "udap_authn"])),
            ("udap_authorization_extensions_required", json!(["hl7-b2b"])),
            ("udap_certifications_required", json!(["https://community.example/certified"])),
            ("grant_types_supported", json!(["client_credentials"])),
            ("scopes_supported", json!(["openid"])),
            ("scopes_supported", json!(["udap"])),
            ("token_endpoint_auth_methods_supported", json!(["client_secret_basic"])),
            ("token_endpoint_auth_signing_alg_values_supported", json!(["ES256"])),
            ("registration_endpoint_jwt_signing_alg_values_supported", json!([])),
        ] {
            let mut document = document();
            document[member] = value.clone();
            assert!(lacks(document).is_some(), "{member} {value}");
        }
    }

    #[test]
    fn an_address_is_taken_as_it_is_written() {
        for (text, is_taken) in [
            ("https://idp.example", true),
            ("https://idp.example/base/path", true),
            ("https://idp.example/?x=y", false),
            ("https://idp.example/#x", false),
            ("ftp://idp.example/", false),
            ("javascript:alert(1)", false),
            ("idp.example", false),
            ("", false),
        ] {
            assert_eq!(address(text).is_some(), is_taken, "{text}");
        }
        let long = format!("https://idp.example/{}", "x".repeat(ADDRESS_BYTES_MAX));
        assert!(address(&long).is_none());
    }
}
