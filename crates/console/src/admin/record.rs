//! Which record of the health system is a person, and whose records they may open.  SMART App Launch 2.2 §3.0.3, §3.0.4

use auth::{
    Administrator, SignedIn,
    person::{self, Person, PersonFault},
    smart::{self, FhirId, FhirUser, PatientLink, Relation},
};
use axum::{extract::State, response::Response};
use kernel::Id;
use web::{Answer, Form, Path};

use super::person::view;
use crate::{
    answers::Answers,
    form::{self, Choice, Field},
    frame::{Frame, Here},
    page::{
        confirm::Confirm,
        person::{PatientRow, Records, relation_in_words},
    },
    respond::{Refusal, done, page},
    state::Console,
    t,
};

/// What was filled in and refused.
#[derive(Default)]
pub(super) struct Refused {
    /// Of the form of the person's own record.
    user: Option<(String, Refusal)>,
    /// Of the form that links a patient: id, relation, label.
    link: Option<([String; 3], Refusal)>,
}

/// `POST /admin/people/{id}/fhir-user`: nothing is none.
pub(crate) async fn declare(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(id): Path<Id<kernel::Person>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let person = person::find(console.auth(), who.organisation, id).await?.ok_or(PersonFault::NotFound)?;
    let text = answers.text("fhir_user");
    let read = if text.is_empty() { Ok(None) } else { text.parse::<FhirUser>().map(Some) };
    match read {
        Ok(None) => smart::withdraw_fhir_user(console.auth(), &who.acting(), id).await?,
        Ok(Some(user)) => smart::declare_fhir_user(console.auth(), &who.acting(), id, &user).await?,
        Err(_) => {
            let why =
                "must be Patient, Practitioner, PractitionerRole, RelatedPerson or Person, a slash and an id";
            let refused =
                Refused { user: Some((text.to_owned(), Refusal::because("fhir_user", why))), link: None };
            return again(&console, &who, &person, refused).await;
        }
    }
    done(&format!("/admin/people/{id}"), "saved")
}

/// `POST /admin/people/{id}/patients`
pub(crate) async fn link(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(id): Path<Id<kernel::Person>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let person = person::find(console.auth(), who.organisation, id).await?.ok_or(PersonFault::NotFound)?;
    let patient = answers.text("patient").parse::<FhirId>();
    let relation = Relation::parse(answers.text("relation"));
    let refusal = match (patient, relation) {
        (Err(_), _) => Refusal::because("patient", "must be 1 to 64 letters, digits, hyphens or dots"),
        (_, None) => Refusal::because("relation", "choose what they are to the patient"),
        (Ok(patient), Some(relation)) => {
            let link = PatientLink { patient, relation, label: answers.text("label").to_owned() };
            match smart::link_patient(console.auth(), &who.acting(), id, &link).await {
                Ok(()) => return done(&format!("/admin/people/{id}"), "added"),
                Err(fault) => Refusal::of(fault)?,
            }
        }
    };
    let said = ["patient", "relation", "label"].map(|field| answers.text(field).to_owned());
    again(&console, &who, &person, Refused { user: None, link: Some((said, refusal)) }).await
}

async fn again(console: &Console, who: &SignedIn, person: &Person, refused: Refused) -> Answer<Response> {
    let mut page = view(console, who, person).await?;
    page.records = records_of(console, who, person, &refused).await?;
    let refusals = refused.user.map(|(_, refusal)| refusal).or(refused.link.map(|(_, refusal)| refusal));
    match refusals {
        Some(refusal) => refusal.page(&page),
        None => crate::respond::page(&page),
    }
}

/// `GET /admin/people/{id}/patients/{patient}/unlink`
pub(crate) async fn ask(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path((id, patient)): Path<(Id<kernel::Person>, String)>,
) -> Answer<Response> {
    let person = person::find(console.auth(), who.organisation, id).await?.ok_or(PersonFault::NotFound)?;
    let all = smart::links_of(console.auth(), &who.acting(), id).await?;
    let found = all.into_iter().find(|link| link.patient.as_str() == patient);
    let label = found.ok_or(smart::SmartFault::NotLinked)?.label;
    let back = format!("/admin/people/{id}");
    let heading: String = t("person-unlink-question").of("label", label).into();
    page(&Confirm {
        frame: Frame::inside(heading.clone(), Here::People, console.viewer(&who).await?),
        heading,
        lead: t("person-unlink-lead").of("name", &person.display_name).into(),
        effects: [t("person-unlink-tokens"), t("person-unlink-again")].map(String::from).into(),
        form: form::Form::new(format!("{back}/patients/{patient}/unlink"), t("person-unlink"))
            .or_back_to(&back)
            .dangerous(),
        back: (back, person.display_name),
    })
}

/// `POST /admin/people/{id}/patients/{patient}/unlink`
pub(crate) async fn unlink(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path((id, patient)): Path<(Id<kernel::Person>, String)>,
) -> Answer<Response> {
    let patient: FhirId = patient.parse().map_err(|_| smart::SmartFault::NotLinked)?;
    smart::unlink_patient(console.auth(), &who.acting(), id, &patient).await?;
    done(&format!("/admin/people/{id}"), "removed")
}

/// The records of a person, with what was refused. Nothing where the account is switched off.
pub(super) async fn records_of(
    console: &Console,
    who: &SignedIn,
    person: &Person,
    refused: &Refused,
) -> Answer<Option<Records>> {
    if person.disabled_at.is_some() {
        return Ok(None);
    }
    let (auth, acting) = (console.auth(), who.acting());
    let patients = smart::links_of(auth, &acting, person.id).await?;
    let declared = smart::named_fhir_user(auth, &acting, person.id).await?;
    let declared = declared.map(|user| user.as_str().to_owned()).unwrap_or_default();
    let (said, user_issues) = match &refused.user {
        Some((said, refusal)) => (said.clone(), refusal.issues()),
        None => (declared, Vec::new()),
    };
    let (asked, link_issues) = match &refused.link {
        Some((asked, refusal)) => (asked.clone(), refusal.issues()),
        None => Default::default(),
    };
    let row = |link: PatientLink| PatientRow {
        id: link.patient.as_str().to_owned(),
        label: link.label,
        relation: relation_in_words(link.relation),
    };
    let page = format!("/admin/people/{}", person.id);
    Ok(Some(Records {
        user: user_form(&page, &said).refused(user_issues),
        patients: patients.into_iter().map(row).collect(),
        link: link_form(&page, &asked).refused(link_issues),
    }))
}

/// The form of the person's own record.
pub(crate) fn user_form(page: &str, said: &str) -> form::Form {
    form::Form::new(format!("{page}/fhir-user"), t("person-user-save"))
        .with(
            Field::text("fhir_user", t("person-user-field"))
                .hint(t("person-user-hint"))
                .value(said)
                .optional(),
        )
        .secondary()
}

/// The form that links a patient.
pub(crate) fn link_form(page: &str, [patient, relation, label]: &[String; 3]) -> form::Form {
    let relations = Relation::ALL
        .map(|one| Choice::new(one.as_str(), relation_in_words(one)).chosen_if(one.as_str() == relation));
    form::Form::new(format!("{page}/patients"), t("person-link"))
        .with(Field::text("patient", t("person-patient-id")).hint(t("person-patient-id-hint")).value(patient))
        .with(Field::text("label", t("person-label")).hint(t("person-label-hint")).value(label))
        .with(Field::radios("relation", t("person-relation"), relations.into()))
        .secondary()
}
