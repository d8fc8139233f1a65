//! `X-Provenance`: a Provenance that comes with what it is about.  <https://hl7.org/fhir/R4/http.html#provenance>

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use kernel::{Fault, Interaction, Kind};
use serde_json::{Map, Value, json};
use web::Problem;

use super::{
    asked::{Asked, type_of},
    posted::{document, invalid},
};
use crate::{
    Fhir,
    resource::{Judge, Stamp, Version},
    site::Validation,
};

/// The header, as it is told.
const NAME: &str = "X-Provenance";

/// The Provenance that a call brings. Its targets are said by whoever keeps it.
///
/// # Errors
/// 400 for what is no Provenance, 403 for a caller who may not create one, 422 for one that is not valid.
pub(super) fn of(fhir: &Fhir, asked: &Asked, headers: &HeaderMap) -> Result<Option<Arc<Stamp>>, Problem> {
    let mut said = headers.get_all(NAME).iter();
    let text = match (said.next(), said.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().map_err(|_| invalid("X-Provenance must be ASCII", NAME))?,
        (Some(_), Some(_)) => return Err(invalid("X-Provenance is there more than once", NAME)),
    };
    // A reader of ours first: it refuses what says something twice.
    document(text).map_err(|_| invalid("X-Provenance must be a Provenance in JSON", NAME))?;
    let read: Result<Map<String, Value>, _> = serde_json::from_str(text);
    let provenance = read.map_err(|_| invalid("X-Provenance must be a Provenance in JSON", NAME))?;
    if provenance.get("resourceType").and_then(Value::as_str) != Some("Provenance") {
        return Err(invalid("X-Provenance must be a Provenance", NAME));
    }
    if provenance.contains_key("target") {
        return Err(invalid("X-Provenance has no target: it is about what is written", NAME));
    }
    let of = type_of("Provenance")?;
    let rule = asked.rule(of, Interaction::Create)?;
    valid(fhir, asked, &provenance)?;
    let reader = fhir.reader(&asked.site.tenant);
    let keep: Judge = Arc::new(move |version: &Version| rule.opens_version(version, &reader));
    Ok(Some(Arc::new(Stamp::new(provenance, Some(keep)))))
}

/// As valid as it can be before it is known what it is about.
fn valid(fhir: &Fhir, asked: &Asked, provenance: &Map<String, Value>) -> Result<(), Problem> {
    if asked.site.policy.validation != Validation::Enforce {
        return Ok(());
    }
    let mut whole = provenance.clone();
    whole.insert("target".to_owned(), json!([{"display": "what is written"}]));
    let text = Value::from(whole).to_string();
    let unread = |_| invalid("X-Provenance must be a Provenance in JSON", NAME);
    let checked = fhir.found(&asked.site, &document(&text).map_err(unread)?, &[]);
    let checked =
        checked.map_err(|why| Problem::new(why.kind(), why.public().into_owned()).with_path(NAME))?;
    match checked.is_valid() {
        true => Ok(()),
        false => Err(Problem::new(Kind::Invalid, "X-Provenance is not valid")
            .with_status(StatusCode::UNPROCESSABLE_ENTITY)
            .with_issues(checked.issues.iter().map(|told| told.within(NAME)).collect())),
    }
}
