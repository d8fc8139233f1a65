//! What whoever writes a Consent is told of it: everything that is not asked as it stands there.

use fhirpath::document::Document;

use super::read;
use crate::outcome::{Severity, Told};

/// What of a Consent is not understood, and so denies, or binds nobody.
///
/// # Errors
/// It names no patient, so it withholds nobody's records: it is not kept.
pub(crate) fn told(document: &Document<'_>, base: Option<&str>) -> Result<Vec<Told>, Told> {
    let root = document.root();
    let is_active = root.child("status").and_then(|status| status.text()).is_some_and(|it| it == "active");
    if root.resource_type().as_deref() != Some("Consent") || !is_active {
        return Ok(Vec::new());
    }
    let warning =
        |at: &'static str, why: &'static str| Told::new(Severity::Warning, "not-supported", why).at(at);
    let Some(consent) = read(document, base) else {
        let why = "only Consents of scope patient-privacy are asked: this one withholds nothing";
        return Ok(vec![warning("Consent.scope", why)]);
    };
    if root.child("patient").and_then(|patient| patient.child("reference")).is_none() {
        let words = "a Consent of scope patient-privacy names its patient by a reference";
        return Err(Told::new(Severity::Error, "required", words).at("Consent.patient"));
    }
    let mut told: Vec<Told> = consent.unclear.iter().map(|one| warning(one.at, one.why)).collect();
    if consent.patient.is_empty() {
        told.push(warning("Consent.patient", "it is no Patient of this server: nothing is withheld"));
    }
    if root.child("policy").is_some() {
        let why = "it is not read: what policyRule and provisions say is asked";
        told.push(warning("Consent.policy", why));
    }
    Ok(told)
}
