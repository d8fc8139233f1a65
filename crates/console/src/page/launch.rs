//! Whom a launch is about, and which application it opens.  SMART App Launch 2.2 §3.0.3.2, §2.0.6

use auth::smart::{Encounter, PatientLink, Relation};
use kernel::Issue;

use super::plain::Plain;
use crate::{
    form::{Choice, Field, Form},
    frame::{Frame, Here, Viewer},
    t,
};

/// Which of the person's patients?
pub(crate) fn which_patient(viewer: Viewer, client: &str, request: &str, patients: &[PatientLink]) -> Plain {
    let form = Form::new("/launch/patient", t("launch-go-on"))
        .hiding("request", request)
        .with(Field::radios("choice", t("launch-patient"), patients.iter().map(patient).collect()));
    Plain {
        frame: Frame { viewer: Some(viewer), ..Frame::outside(t("launch-patient-title")) },
        heading: t("launch-patient-title").into(),
        lead: t("launch-patient-lead").of("client", client).into(),
        form: Some(form),
        otherwise: None,
    }
}

/// Which of the patient's encounters?
pub(crate) fn which_encounter(
    viewer: Viewer,
    client: &str,
    request: &str,
    encounters: &[Encounter],
) -> Plain {
    let choice = |one: &Encounter| Choice::new(one.encounter.as_str(), one.label.clone());
    let form = Form::new("/launch/patient", t("launch-go-on"))
        .hiding("request", request)
        .with(Field::radios("choice", t("launch-encounter"), encounters.iter().map(choice).collect()));
    Plain {
        frame: Frame { viewer: Some(viewer), ..Frame::outside(t("launch-encounter-title")) },
        heading: t("launch-encounter-title").into(),
        lead: t("launch-encounter-lead").of("client", client).into(),
        form: Some(form),
        otherwise: None,
    }
}

/// Which application, for which patient? Applications by id and name.
pub(crate) fn open(viewer: Viewer, applications: &[(String, String)], patients: &[PatientLink]) -> Plain {
    let is_complete = !applications.is_empty() && !patients.is_empty();
    let choices = applications.iter().map(|(id, name)| Choice::new(id.clone(), name.clone())).collect();
    let form = Form::new("/launch", t("launch-open-act"))
        .with(Field::radios("patient", t("launch-patient"), patients.iter().map(patient).collect()))
        .with(Field::radios("application", t("launch-application"), choices));
    Plain {
        frame: Frame::inside(t("launch-open-title"), Here::Launch, viewer),
        heading: t("launch-open-title").into(),
        lead: if is_complete { t("launch-open-lead").into() } else { t("launch-open-empty").into() },
        form: is_complete.then_some(form),
        otherwise: None,
    }
}

fn patient(link: &PatientLink) -> Choice {
    let relation = match link.relation {
        Relation::Themself => t("launch-self"),
        Relation::Proxy => t("launch-proxy"),
        Relation::Practitioner => t("launch-practitioner"),
    };
    Choice::new(link.patient.as_str(), link.label.clone()).hint(relation)
}

impl Plain {
    /// The page again, with what is wrong.
    pub(crate) fn refused(mut self, issues: Vec<Issue>) -> Self {
        self.form = self.form.map(|form| form.refused(issues));
        self
    }
}
