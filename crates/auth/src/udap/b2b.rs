//! For whom and why a system asks: the B2B Authorization Extension Object.  IG §5.3.1

use crypto::b64;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    OAuthFault,
    client::{Profile, authenticate::ClientCall},
};

/// Its key among the extensions.
pub(crate) const NAME: &str = "hl7-b2b";

/// How many purposes, policies and references it may name, each.
const LIST_MAX: usize = 20;
/// The longest of its texts, in bytes.
const TEXT_BYTES_MAX: usize = 500;

/// The object. What the guide does not know is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct B2b {
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_name: Option<String>,
    organization_id: String,
    purpose_of_use: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    consent_policy: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    consent_reference: Vec<String>,
}

impl B2b {
    /// The object of an authentication token's claims, which has to be there and right.
    ///
    /// # Errors
    /// What is wrong: `invalid_grant` to the client.
    pub(crate) fn read(claims: &Map<String, Value>) -> Result<Self, &'static str> {
        let given = claims.get("extensions").and_then(|extensions| extensions.get(NAME));
        let given = given.ok_or("the extension hl7-b2b is missing")?;
        let read = Self::deserialize(given).map_err(|_| "hl7-b2b: a member is missing or of another type")?;
        let is_text =
            |text: &str| (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        let is_list = |list: &[String]| list.len() <= LIST_MAX && list.iter().all(|text| is_text(text));
        let is_uri = |text: &str| is_text(text) && url::Url::parse(text).is_ok();
        let named = [&read.subject_name, &read.subject_id, &read.subject_role, &read.organization_name];
        let rules = [
            (read.version != "1", "hl7-b2b: version has to be 1"),
            (!is_uri(&read.organization_id), "hl7-b2b: organization_id has to be a URI"),
            (
                read.purpose_of_use.is_empty() || !is_list(&read.purpose_of_use),
                "hl7-b2b: purpose_of_use has to name a purpose",
            ),
            (!named.into_iter().flatten().all(|text| is_text(text)), "hl7-b2b: a text is too long or empty"),
            (
                !is_list(&read.consent_policy) || !read.consent_policy.iter().all(|text| is_uri(text)),
                "hl7-b2b: consent_policy has to be URIs",
            ),
            (
                !is_list(&read.consent_reference) || !read.consent_reference.iter().all(|text| is_uri(text)),
                "hl7-b2b: consent_reference has to be addresses",
            ),
            (
                read.consent_policy.is_empty() && !read.consent_reference.is_empty(),
                "hl7-b2b: consent_reference goes with consent_policy only",
            ),
        ];
        rules.into_iter().find(|(is_broken, _)| *is_broken).map_or(Ok(read), |(_, why)| Err(why))
    }

    /// What tokens and the audit trail keep of it.
    pub(crate) fn kept(&self) -> Value {
        serde_json::json!({ NAME: self })
    }
}

fn has_registered_by_udap(call: &ClientCall) -> bool {
    call.client.profile == Profile::Udap && call.client.metadata.is_dynamic
}

/// Every token request of a client that registered by UDAP says so.  IG §4.1.3, §5.2.1
///
/// # Errors
/// `invalid_request`.
pub(crate) fn check_marked(call: &ClientCall) -> Result<(), OAuthFault> {
    if has_registered_by_udap(call) && call.form.get("udap") != Some("1") {
        return Err(OAuthFault::InvalidRequest("udap has to be 1"));
    }
    Ok(())
}

/// The object that goes with a request for a token of the client's own; nothing where the client did not register by UDAP. The
/// assertion has proven the client by now.
pub(crate) fn of(call: &ClientCall) -> Result<Option<B2b>, OAuthFault> {
    if !has_registered_by_udap(call) {
        return Ok(None);
    }
    let claims = call.form.get("client_assertion").and_then(|token| token.split('.').nth(1));
    let claims = claims.and_then(|text| b64::decode(text).ok());
    let claims = claims.and_then(|bytes| serde_json::from_slice::<Map<String, Value>>(&bytes).ok());
    B2b::read(&claims.unwrap_or_default()).map(Some).map_err(OAuthFault::InvalidGrant)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({ "version": "1", "organization_id": "https://acme.example/fhir/Organization/1",
            "purpose_of_use": ["urn:oid:2.16.840.1.113883.5.8#TREAT"], "subject_name": "Mira Lind" })
    }

    fn read(object: &Value) -> Result<B2b, &'static str> {
        B2b::read(json!({ "extensions": { NAME: object } }).as_object().unwrap())
    }

    #[test]
    fn what_is_right_is_kept_and_nothing_else() {
        let mut more = good();
        more["unknown"] = json!("x".repeat(10_000));
        assert_eq!(read(&more).unwrap().kept(), json!({ NAME: good() }));
    }

    #[test]
    fn what_is_missing_or_wrong_is_refused() {
        assert!(B2b::read(&Map::new()).is_err());
        assert!(B2b::read(json!({ "extensions": [] }).as_object().unwrap()).is_err());
        for (member, value) in [
            ("version", json!("2")),
            ("version", json!(1)),
            ("version", json!(null)),
            ("organization_id", json!(null)),
            ("organization_id", json!("Acme")),
            ("purpose_of_use", json!(null)),
            ("purpose_of_use", json!([])),
            ("purpose_of_use", json!("TREAT")),
            ("purpose_of_use", json!([""])),
            ("purpose_of_use", json!(vec!["TREAT"; 21])),
            ("subject_name", json!("")),
            ("subject_name", json!("x".repeat(501))),
            ("consent_policy", json!(["policy"])),
            ("consent_reference", json!(["https://acme.example/fhir/Consent/1"])),
        ] {
            let mut object = good();
            object[member] = value.clone();
            assert!(read(&object).is_err(), "{member} {value}");
        }
    }
}
