//! The person says whom a launch is about: a patient whom they are linked to, and an encounter of that patient.
//! SMART App Launch 2.2 §3.0.3.2

use kernel::Id;
use serde_json::Value;

use super::{
    Encounter, FhirId, PatientLink, SmartFault,
    context::{self, Context, Missing, patient_in},
    encounters_of, patients_of, queries,
};
use crate::{
    Auth, SignedIn,
    authorize::{self, AuthorizeFault, Request},
    grant::Details,
};

/// What the person is asked.
#[derive(Debug, Clone)]
pub enum Question {
    /// Which patient?
    Patient(Vec<PatientLink>),
    /// Which encounter?
    Encounter(Vec<Encounter>),
    /// Nothing any more: on to consent.
    Nothing,
}

/// What the person is asked about a request that waits.
///
/// # Errors
/// [`AuthorizeFault::NotPending`].
pub async fn question(auth: &Auth, who: &SignedIn, id: Id<Request>) -> Result<Question, AuthorizeFault> {
    let row = authorize::waiting(auth, who, id).await?;
    let context = &row.details.context;
    Ok(match (context::missing(&row.scopes, context), patient_in(context)) {
        (Some(Missing::Patient), _) => Question::Patient(patients_of(auth, who).await?),
        (Some(Missing::Encounter), Some(patient)) => {
            Question::Encounter(encounters_of(auth, who.organisation, &patient).await?)
        }
        (Some(Missing::Encounter) | None, _) => Question::Nothing,
    })
}

/// Take the person's choice; what they are asked next. Only a patient whom they are linked to can be chosen, whatever is sent.
///
/// # Errors
/// [`AuthorizeFault::NotPending`]; [`SmartFault::NotLinked`] and [`SmartFault::Refused`] for what is no choice of theirs.
pub async fn answer(
    auth: &Auth,
    who: &SignedIn,
    id: Id<Request>,
    choice: &str,
) -> Result<Question, AuthorizeFault> {
    let row = authorize::waiting(auth, who, id).await?;
    let choice: FhirId = choice.parse().map_err(|_| SmartFault::at("choice", "choose one"))?;
    let mut context = row.details.context.clone();
    let chosen = match context::missing(&row.scopes, &context) {
        None => return Ok(Question::Nothing),
        Some(Missing::Patient) => {
            context.insert("patient".to_owned(), choice.as_str().into());
            Some(choice)
        }
        Some(Missing::Encounter) => {
            let patient = patient_in(&context).ok_or(AuthorizeFault::NotChosen)?;
            let all = encounters_of(auth, who.organisation, &patient).await?;
            if !all.iter().any(|one| one.encounter == choice) {
                return Err(SmartFault::at("choice", "choose one of these").into());
            }
            context.insert("encounter".to_owned(), choice.as_str().into());
            None
        }
    };
    let (scopes, context) = context::with_encounter(auth, who, row.scopes, context).await?;
    let details = Details { context, ..row.details };
    let (person, world, acting) = (who.person, auth.world().clone(), who.acting());
    auth.db()
        .write(async move |tx| -> Result<(), AuthorizeFault> {
            if let Some(patient) = &chosen
                && queries::link(tx, person, patient).await?.is_none()
            {
                return Err(SmartFault::NotLinked.into());
            }
            if authorize::set_context(tx, person, id, &scopes, &details).await? == 0 {
                return Err(AuthorizeFault::NotPending);
            }
            Ok(audit::record(tx, &world, &acting.entry("launch.chosen", id, Value::Null)).await?)
        })
        .await?;
    question(auth, who, id).await
}

/// By what the person knows the patient in a context; the record's id where they are not linked.
pub(crate) async fn label_of(
    auth: &Auth,
    who: &SignedIn,
    context: &Context,
) -> Result<Option<String>, SmartFault> {
    let Some(patient) = patient_in(context) else { return Ok(None) };
    let links = patients_of(auth, who).await?;
    let known = links.into_iter().find(|link| link.patient == patient).map(|link| link.label);
    Ok(Some(known.unwrap_or_else(|| patient.as_str().to_owned())))
}
