//! A connection is tested, and how that went is written down.  Contract 4, `POST /{id}/test`

use std::{collections::BTreeSet, time::Duration};

use audit::{Entry, Outcome as Did, Subject};
use fhir::{Intake, NoIntake};
use kernel::{Actor, Event, Id, Integration, Organisation, RequestId, Timestamp};
use serde_json::json;
use store::{DbError, Writer};
use watch::{Line, TestStatus, What};

use crate::{
    Exchange, Source, ToTest,
    api::id,
    connector::{Findings, Outcome, StepName},
    run::RunFault,
    tested::{self, Details, Tested},
};

/// Talk to the other side of an integration, active or not. What does not work is told of, and no fault.
///
/// # Errors
/// [`RunFault::Unknown`]; [`RunFault::Changed`]: what was tested is not there any more, and the test does not count.
pub async fn check(
    exchange: &Exchange,
    (organisation, integration): (Id<Organisation>, Id<Integration>),
    (actor, request): (Actor, Option<RequestId>),
) -> Result<Tested, RunFault> {
    let at = exchange.world.now();
    let found = exchange.sources.to_test(integration).await?.ok_or(RunFault::Unknown)?;
    let ToTest { version, source } = found;
    let findings = match source {
        Ok(source) if source.organisation != organisation => return Err(RunFault::Unknown),
        Ok(source) => through(exchange, &source, at).await?,
        Err(why) => {
            let mut findings = Findings::default();
            findings.tell(StepName::Configuration, (&exchange.world, at), (Outcome::Failed, why));
            findings
        }
    };
    let (status, message) = match findings.worst() {
        None => (TestStatus::Success, "everything works"),
        Some(step) if step.outcome == Outcome::Failed => (TestStatus::Error, step.message),
        Some(step) => (TestStatus::Warning, step.message),
    };
    let took_ms = u64::try_from(exchange.world.now().since(at).as_millis()).unwrap_or(u64::MAX);
    let test = Tested {
        id: exchange.world.new_id(),
        integration,
        at,
        by: actor.name(),
        status,
        message: message.into(),
        details: Details::of(findings, took_ms),
    };
    let (own, kept) = (exchange.clone(), test.clone());
    let counts = exchange.db.write(async move |tx: &mut Writer| -> Result<bool, DbError> {
        let counts = own.sources.tested(tx, (integration, version), at, status).await?;
        if counts {
            tested::keep(tx, organisation, &kept).await?;
        }
        let outcome = match status {
            TestStatus::Error => Did::Failed("it does not work"),
            TestStatus::Success | TestStatus::Warning => Did::Done,
        };
        let entry = Entry {
            organisation: Some(organisation),
            actor,
            act: "integration.tested",
            subject: Subject::of(integration),
            outcome,
            request: request.clone(),
            details: json!({"version": version, "status": status.as_str(), "counts": counts}),
        };
        audit::record(tx, &own.world, &entry).await?;
        let (what, why) = match status {
            TestStatus::Success => (What::TestPassed, None),
            TestStatus::Warning => (What::TestWarned, Some(message)),
            TestStatus::Error => (What::TestFailed, Some(message)),
        };
        let took = Duration::from_millis(took_ms);
        own.log.note_in(tx, Line::of(integration, what).because(why).took(took));
        let event = Event {
            organisation,
            name: "integration.tested",
            subject: id::write(integration),
            data: json!({
                "integration_id": id::write(integration),
                "studies": own.sources.studies(tx, integration).await?,
                "status": status.as_str(),
                "message": message,
                "response_time_ms": took_ms,
            }),
        };
        jobs::publish(tx, &own.world, &event).await?;
        Ok(counts)
    });
    if counts.await? { Ok(test) } else { Err(RunFault::Changed) }
}

/// Whether the organisation's plan lets the site have what comes.
fn taken(intake: &Intake, types: &BTreeSet<&str>) -> (Outcome, &'static str) {
    let barred = types.iter().filter(|of| intake.subscribed(of).is_err()).count();
    match barred {
        0 => (Outcome::Passed, "the site takes records"),
        barred if barred == types.len() => {
            (Outcome::Failed, "the organisation has no subscription for any type of record that comes")
        }
        _ => (
            Outcome::Warning,
            "the organisation has no subscription for some types of records: they will wait in quarantine",
        ),
    }
}

/// The site that records come into, then the other side.
async fn through(exchange: &Exchange, source: &Source, began: Timestamp) -> Result<Findings, RunFault> {
    let mut findings = Findings::default();
    let said = match exchange.fhir.intake(source.organisation, source.site).await {
        Ok(intake) => taken(&intake, &source.connector.types()),
        Err(NoIntake::NoSite) => (Outcome::Failed, "the organisation has no such site with records"),
        Err(NoIntake::Db(fault)) => return Err(fault.into()),
    };
    findings.tell(StepName::Site, (&exchange.world, began), said);
    let other = source.connector.check(&exchange.world).await;
    findings.steps.extend(other.steps);
    Ok(Findings { steps: findings.steps, ..other })
}
