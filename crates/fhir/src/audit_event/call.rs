//! Which interaction a request is, by its method and its address.  <https://hl7.org/fhir/R4/http.html#summary>

use http::{Method, Uri};

use super::Did;
use crate::{parameter::ResourceType, resource::LogicalId};

/// A request, as far as it says itself what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub did: Did,
    /// The record that the address names: `Patient/1`.
    pub named: Option<String>,
    /// The address below the base.
    pub address: String,
}

impl Call {
    pub fn of(method: &Method, uri: &Uri) -> Self {
        let below = uri.path().strip_prefix("/fhir").unwrap_or(uri.path()).trim_matches('/');
        let parts: Vec<&str> = below.split('/').filter(|part| !part.is_empty()).collect();
        let address = match uri.query().filter(|query| !query.is_empty()) {
            Some(query) => format!("{below}?{query}"),
            None => below.to_owned(),
        };
        let named = match parts.as_slice() {
            [of, id, ..] => record(of, id),
            _ => None,
        };
        Self { did: did(method, &parts), named, address }
    }
}

fn record(of: &str, id: &str) -> Option<String> {
    let of = ResourceType::named(of)?;
    let id: LogicalId = id.parse().ok()?;
    Some(format!("{of}/{id}"))
}

fn did(method: &Method, parts: &[&str]) -> Did {
    if parts.iter().any(|part| part.starts_with('$')) {
        return Did::Operation;
    }
    match (method.as_str(), parts) {
        ("POST", []) => Did::Transaction,
        (_, ["_search"] | []) => Did::SearchOfSite,
        (_, [.., "_search"]) => Did::SearchOfType,
        (_, ["_history"]) => Did::HistoryOfSite,
        (_, [_, "_history"]) => Did::HistoryOfType,
        (_, [_, _, "_history"]) => Did::HistoryOfRecord,
        (_, [_, _, "_history", _]) => Did::Vread,
        ("POST", _) => Did::Create,
        ("PUT", _) => Did::Update,
        ("PATCH", _) => Did::Patch,
        ("DELETE", _) => Did::Delete,
        (_, [_, _]) => Did::Read,
        _ => Did::SearchOfType,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_an_interaction() {
        for (method, uri, wanted, named) in [
            ("POST", "/fhir", Did::Transaction, None),
            ("POST", "/fhir/", Did::Transaction, None),
            ("GET", "/fhir?_type=Patient", Did::SearchOfSite, None),
            ("POST", "/fhir/_search", Did::SearchOfSite, None),
            ("GET", "/fhir/_history", Did::HistoryOfSite, None),
            ("GET", "/fhir/Patient", Did::SearchOfType, None),
            ("POST", "/fhir/Patient/_search", Did::SearchOfType, None),
            ("GET", "/fhir/Patient/1/Observation", Did::SearchOfType, Some("Patient/1")),
            ("POST", "/fhir/Patient/1/Observation/_search", Did::SearchOfType, Some("Patient/1")),
            ("GET", "/fhir/Patient/_history", Did::HistoryOfType, None),
            ("POST", "/fhir/Patient", Did::Create, None),
            ("PUT", "/fhir/Patient?name=x", Did::Update, None),
            ("PATCH", "/fhir/Patient?name=x", Did::Patch, None),
            ("DELETE", "/fhir/Patient?name=x", Did::Delete, None),
            ("GET", "/fhir/Patient/1", Did::Read, Some("Patient/1")),
            ("HEAD", "/fhir/Patient/1", Did::Read, Some("Patient/1")),
            ("GET", "/fhir/Unheard/1", Did::Read, None),
            ("GET", "/fhir/Patient/a_b", Did::Read, None),
            ("PUT", "/fhir/Patient/1", Did::Update, Some("Patient/1")),
            ("PATCH", "/fhir/Patient/1", Did::Patch, Some("Patient/1")),
            ("DELETE", "/fhir/Patient/1", Did::Delete, Some("Patient/1")),
            ("GET", "/fhir/Patient/1/_history", Did::HistoryOfRecord, Some("Patient/1")),
            ("GET", "/fhir/Patient/1/_history/2", Did::Vread, Some("Patient/1")),
            ("GET", "/fhir/Patient/1/$everything", Did::Operation, Some("Patient/1")),
            ("POST", "/fhir/$import", Did::Operation, None),
        ] {
            let call = Call::of(&method.parse().unwrap(), &uri.parse().unwrap());
            assert_eq!((call.did, call.named.as_deref()), (wanted, named), "{method} {uri}");
        }
    }
}
