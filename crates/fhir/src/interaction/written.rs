//! What every write has in common: the document, whether it is good, and whether the caller may keep it.

use std::sync::Arc;

use fhirpath::document::Document;
use http::StatusCode;
use kernel::{Fault, Interaction, Kind};
use web::Problem;

use super::{
    answer,
    asked::Asked,
    posted::{Refusal, Said, invalid},
};
use crate::{
    Fhir,
    access::Rule,
    audit_event, consent,
    outcome::{Refused, Severity, Told},
    package::Checked,
    parameter::ResourceType,
    resource::{Author, Judge, Version, WriteFault},
    site::{Consents, Validation},
};

impl Asked {
    /// This version is the answer.
    pub(crate) fn read(&self, fhir: &Fhir, version: &Version) {
        match audit_event::is_audit_event(version.resource_type) {
            true => self.trace.listed(&fhir.registry, [version]),
            false => self.trace.read(&fhir.registry, version),
        }
    }

    pub(crate) fn author(&self) -> Author {
        let author = Author::new(Arc::clone(&self.agent), self.by.request.clone(), self.trace.kept());
        author.asking(&self.access).stamping(self.stamp.clone())
    }
}

/// Whether what would be kept is good, as far as the site asks.
///
/// # Errors
/// 422 with everything that was found; 503 where the site wants it checked with packages that are not there.
pub(crate) fn checked(fhir: &Fhir, asked: &Asked, document: &Document<'_>) -> Said<Checked> {
    let unclear = unclear(fhir, asked, document)?;
    let mut checked = validated(fhir, asked, document)?;
    checked.issues.extend(unclear);
    Ok(checked)
}

/// What of a Consent denies because it is not understood.
///
/// # Errors
/// 422: it withholds nobody's records.
fn unclear(fhir: &Fhir, asked: &Asked, document: &Document<'_>) -> Said<Vec<Told>> {
    if asked.site.policy.consent == Consents::Off {
        return Ok(Vec::new());
    }
    consent::told(document, fhir.registry.base())
        .map_err(|told| Refused { status: StatusCode::UNPROCESSABLE_ENTITY, issues: vec![told] }.into())
}

fn validated(fhir: &Fhir, asked: &Asked, document: &Document<'_>) -> Said<Checked> {
    let validation = asked.site.policy.validation;
    if validation == Validation::Off {
        return Ok(Checked::default());
    }
    let checked = match (fhir.found(&asked.site, document, &[]), validation) {
        (Ok(checked), _) => checked,
        (Err(why), Validation::Enforce) => return Err(Problem::from(why).into()),
        (Err(why), _) => {
            let told = Told::new(Severity::Warning, "incomplete", why.public());
            return Ok(Checked { issues: vec![told] });
        }
    };
    match validation == Validation::Enforce && !checked.is_valid() {
        true => Err(Refused { status: StatusCode::UNPROCESSABLE_ENTITY, issues: checked.issues }.into()),
        false => Ok(checked),
    }
}

/// The caller may keep this document under the id that it says.
///
/// # Errors
/// 403: it would be a record that the caller may not write.
pub(crate) fn permitted(
    fhir: &Fhir,
    asked: &Asked,
    of: ResourceType,
    document: &Document<'_>,
    interaction: Interaction,
) -> Said<Rule> {
    let rule = asked.rule(of, interaction)?;
    match rule.permits(document, of, &fhir.reader(&asked.site.tenant)) {
        true => Ok(rule),
        false => Err(outside().into()),
    }
}

fn outside() -> Problem {
    Problem::new(
        Kind::Forbidden,
        "the access token does not let a record like this be written: it is outside of what its scopes reach",
    )
    .with_code("insufficient_scope")
}

impl Asked {
    /// Whether a version may be kept, asked of it as it will be: the first one as a record that is created, others as updates.
    pub(crate) fn keeps(&self, fhir: &Fhir) -> Option<Judge> {
        let (access, reader) = (self.access.clone(), fhir.reader(&self.site.tenant));
        Some(Arc::new(move |version: &Version| {
            let did = if version.version == 1 { Interaction::Create } else { Interaction::Update };
            access.rule(version.resource_type.as_str(), did).opens_version(version, &reader)
        }))
    }
}

/// Why a record was not written, in FHIR's words and HTTP's status.
pub(crate) fn refused(fault: WriteFault) -> Refusal {
    match fault {
        WriteFault::Missing | WriteFault::Withheld => answer::missing().into(),
        WriteFault::Changed { .. } | WriteFault::Exists | WriteFault::NoneMeant => {
            let problem = Problem::from(fault).with_code("MSG_VERSION_AWARE_CONFLICT");
            problem.with_status(StatusCode::PRECONDITION_FAILED).into()
        }
        WriteFault::ManyMatches => {
            let problem = Problem::from(fault).with_code("UPDATE_MULTIPLE_MATCHES");
            problem.with_status(StatusCode::PRECONDITION_FAILED).into()
        }
        WriteFault::OtherId => invalid("id is not that of the record that the condition means", "id")
            .with_code("MSG_RESOURCE_ID_MISMATCH")
            .into(),
        WriteFault::Outside => outside().into(),
        fault @ WriteFault::Unconsented => Problem::from(fault).with_code("MSG_AUTH_REQUIRED").into(),
        WriteFault::Refused(refused) => refused.into(),
        other => Problem::from(other).into(),
    }
}
