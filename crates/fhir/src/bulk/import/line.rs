//! One line: a record on its way in, or why it is none.

use fhirpath::document::Document;
use kernel::{Fault, Interaction};
use serde_json::Value;

use crate::{
    Fhir,
    bulk::held::Standing,
    consent,
    interaction::posted,
    outcome::{self, Severity, Told},
    parameter::ResourceType,
    resource::{Draft, Judge, LogicalId, Ready},
    site::{Consents, Upsert, Validation},
    topic,
};

/// A record that may be written.
pub(crate) struct Sent {
    pub of: ResourceType,
    pub id: LogicalId,
    pub ready: Ready,
    /// Whether it has to be there already.
    pub has_to_be_there: bool,
    /// Asked of what is stored.
    pub judge: Option<Judge>,
}

fn refused(code: &'static str, words: impl Into<String>) -> Vec<Told> {
    vec![Told::new(Severity::Error, code, words).with_message("MSG_PARAM_INVALID")]
}

/// Read a line, of a file that has records of one type alone where one is said.
///
/// # Errors
/// What is to be said of it.
pub(crate) fn read(
    fhir: &Fhir,
    standing: &Standing,
    line: &str,
    only: Option<ResourceType>,
) -> Result<Sent, Vec<Told>> {
    let unreadable = |fault: &dyn std::fmt::Display| refused("structure", fault.to_string());
    let document = Document::from_json(line.as_bytes(), &posted::limits())
        .map_err(|_| refused("structure", "the line is no JSON object that can be read"))?;
    let named = document.root().resource_type().and_then(|name| ResourceType::named(&name));
    let of = named.ok_or_else(|| refused("structure", "resourceType must be a type of FHIR R4"))?;
    if let Some(only) = only.filter(|only| *only != of) {
        return Err(refused("invalid", format!("the file is said to have records of type {only}")));
    }
    if topic::is_subscription(of) {
        return Err(refused("not-supported", topic::ALONE));
    }
    let said = document.root().child("id").and_then(|id| id.text().map(|text| text.into_owned()));
    let id = match &said {
        Some(id) => id.parse().map_err(|fault: crate::resource::MalformedLogicalId| unreadable(&fault))?,
        None => fhir.records.new_id(),
    };
    let interaction = if said.is_some() { Interaction::Update } else { Interaction::Create };
    let draft = Draft::new(&document, id.clone()).map_err(|fault| unreadable(&fault))?;
    standing.access.subscribed(of.as_str()).map_err(|missing| {
        vec![
            Told::new(Severity::Error, "forbidden", missing.missing(of))
                .with_message("MSG_RESOURCE_NOT_ALLOWED"),
        ]
    })?;
    let rule = standing.access.rule(of.as_str(), interaction);
    let kept = Document::from_json(draft.text().as_bytes(), &posted::limits())
        .map_err(|_| refused("structure", "the line cannot be read"))?;
    if !rule.permits(&kept, of, &fhir.reader(&standing.site.tenant)) {
        return Err(refused("forbidden", format!("records of type {of} like this may not be written")));
    }
    consented(fhir, standing, &document)?;
    valid(fhir, standing, &document)?;
    let may_create = standing.access.rule(of.as_str(), Interaction::Create).is_everything();
    let names_ids = standing.site.policy.upsert == Upsert::Allowed && may_create && rule.is_everything();
    Ok(Sent {
        of,
        id,
        ready: draft.ready(&standing.site.tenant, &fhir.records),
        has_to_be_there: said.is_some() && !names_ids,
        judge: said.is_some().then(|| rule.judge(of, &fhir.reader(&standing.site.tenant))).flatten(),
    })
}

/// A Consent withholds somebody's records.
fn consented(fhir: &Fhir, standing: &Standing, document: &Document<'_>) -> Result<(), Vec<Told>> {
    match standing.site.policy.consent {
        Consents::Off => Ok(()),
        Consents::Enforce => {
            consent::told(document, fhir.registry.base()).map(drop).map_err(|told| vec![told])
        }
    }
}

fn valid(fhir: &Fhir, standing: &Standing, document: &Document<'_>) -> Result<(), Vec<Told>> {
    if standing.site.policy.validation != Validation::Enforce {
        return Ok(());
    }
    let checked = fhir.found(&standing.site, document, &[]);
    let checked = checked.map_err(|why| refused("not-supported", why.public()))?;
    if checked.is_valid() { Ok(()) } else { Err(checked.issues) }
}

/// What is said of a line, as a line.
pub(super) fn told(number: i64, issues: &[Told]) -> String {
    let mut outcome = outcome::resource(issues);
    let url = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line";
    if let Some(issues) = outcome.get_mut("issue").and_then(Value::as_array_mut) {
        for issue in issues.iter_mut().filter_map(Value::as_object_mut) {
            let extension = serde_json::json!([{"url": url, "valueInteger": number}]);
            issue.insert("extension".to_owned(), extension);
            let words = issue.get("diagnostics").and_then(Value::as_str).unwrap_or_default();
            let words = format!("line {number}: {words}");
            issue.insert("diagnostics".to_owned(), words.into());
        }
    }
    outcome.to_string()
}
