//! What patients and strangers see.

use std::time::Duration;

use auth::smart::{Encounter, PatientLink, Relation};
use kernel::Timestamp;

use super::{DAY, HOUR, MINUTE, ago, shown};
use crate::{
    account::consent,
    frame::{Frame, Here, Notice, Viewer},
    label::State,
    moment::Moment,
    page::{
        connected::{Application as Connected, Applications, how_things_are as how_many},
        consent::Consent,
        failure::Failure,
        launch, plain,
        services::{Application, Service, Services, how_things_are, unlink_question},
    },
    permission, t,
};

const RECORD: &str = "openid fhirUser launch/patient offline_access patient/Patient.rs patient/Condition.rs \
                      patient/MedicationRequest.cruds patient/Observation.rs?category=laboratory \
                      patient/Observation.rs?category=vital-signs";

pub(super) fn samples() -> Vec<(&'static str, String)> {
    vec![
        shown("register", &plain::register(12, "", "", Vec::new())),
        shown("sign-out", &plain::sign_out()),
        shown("signed-out", &plain::signed_out()),
        shown("device", &plain::device("WDJB-MJHT")),
        shown("device-done", &plain::device_done()),
        shown(
            "consent",
            &consent(
                true,
                "openid profile integrations:read integrations:use offline_access",
                "openid profile",
            ),
        ),
        shown("consent-unverified", &consent(false, "openid email", "")),
        shown("consent-record", &consent(true, RECORD, "")),
        shown("launch-patient", &launch::which_patient(viewer(), "Pulse Diary", "0190b6e0", &patients())),
        shown(
            "launch-encounter",
            &launch::which_encounter(viewer(), "Pulse Diary", "0190b6e0", &encounters()),
        ),
        shown("launch", &launch::open(viewer(), &launchable(), &patients())),
        shown("launch-empty", &launch::open(viewer(), &[], &[])),
        shown("connected", &connected()),
        shown(
            "connected-empty",
            &Applications { applications: Vec::new(), how: how_many(&[]), ..connected() },
        ),
        shown("services", &services(all())),
        shown("services-empty", &services(Vec::new())),
        shown("unlink", &unlink_question(viewer(), "fitbit", "Fitbit", &["Pulse Diary", "Clinic Companion"])),
        shown("failure-404", &Failure::of(404, "there is nothing here", Some("01JDA4Z7Q9-sample"))),
        shown("failure-500", &Failure::of(500, "internal error", Some("01JDA4Z7Q9-sample"))),
        shown(
            "connect-failure",
            &Failure::of(
                400,
                "the application that sent you here may not link this service",
                Some("01JDA4Z7Q9-sample"),
            ),
        ),
    ]
}

fn consent(is_verified: bool, asked: &str, allowed: &str) -> Consent {
    let patient = asked.contains("launch/patient").then(|| "Isla Sinclair, born 2019".to_owned());
    let (asked, allowed) = (asked.parse().unwrap_or_default(), allowed.parse().unwrap_or_default());
    let title = t("consent-title").of("client", "Pulse Diary");
    Consent {
        action: "/consent".to_owned(),
        frame: Frame { viewer: Some(Viewer::sample_person()), ..Frame::outside(title) },
        request: "0190b6e0-0000-7000-8000-000000000001".to_owned(),
        client: "Pulse Diary".to_owned(),
        verified: is_verified.then(|| ("Kelvin Health".to_owned(), ago(60 * DAY))),
        person: "Morag Sinclair".to_owned(),
        returns_to: "diary.example.org".to_owned(),
        patient,
        before: consent::before(&asked, &allowed),
        groups: consent::groups(&asked, &allowed),
    }
}

fn viewer() -> Viewer {
    Viewer::sample_person()
}

fn launchable() -> Vec<(String, String)> {
    vec![("opaque.chart".to_owned(), "Growth chart".to_owned())]
}

fn patients() -> Vec<PatientLink> {
    let link = |id: &str, relation, label: &str| {
        Some(PatientLink { patient: id.parse().ok()?, relation, label: label.to_owned() })
    };
    let all = [
        link("morag", Relation::Themself, "Morag Sinclair"),
        link("isla", Relation::Proxy, "Isla Sinclair, born 2019"),
        link("ewan", Relation::Practitioner, "Ewan Baird"),
    ];
    all.into_iter().flatten().collect()
}

fn encounters() -> Vec<Encounter> {
    let visit =
        |id: &str, label: &str| Some(Encounter { encounter: id.parse().ok()?, label: label.to_owned() });
    let all = [visit("enc-2", "Outpatient visit, 3 November"), visit("enc-1", "Admission, 12 October")];
    all.into_iter().flatten().collect()
}

fn connected() -> Applications {
    let application = |name: &str, home: &str, is_verified, scopes: &[&str], used: Option<u64>| Connected {
        id: name.to_lowercase().replace(' ', "-"),
        name: name.to_owned(),
        home: home.to_owned(),
        is_verified,
        may: sentences(scopes),
        since: used.map(|_| ago(34 * DAY)),
        used: used.map(ago),
        ends: used.map(|_| {
            Moment::new(
                Timestamp::from_seconds(1_795_176_000) + Duration::from_secs(30 * DAY),
                Timestamp::from_seconds(1_795_176_000),
            )
        }),
    };
    let record = ["openid", "patient/Observation.rs", "patient/MedicationRequest.cruds", "offline_access"];
    let applications = vec![
        application("Pulse Diary", "diary.example.org", true, &record, Some(12 * MINUTE)),
        application("Clinic Companion", "companion.example.org", false, &["openid", "profile"], None),
    ];
    Applications {
        frame: Frame::inside(t("connected-title"), Here::Connected, Viewer::sample_person()),
        how: how_many(&applications),
        applications,
    }
}

fn services(services: Vec<Service>) -> Services {
    let (how, but) = how_things_are(&services);
    let notice = (!services.is_empty()).then(|| Notice::done(t("told-unlinked")));
    Services {
        frame: Frame::inside(t("services-title"), Here::Services, Viewer::sample_person()).telling(notice),
        how,
        but,
        organisation: "Kelvin Health".to_owned(),
        services,
    }
}

fn all() -> Vec<Service> {
    let diary = |last_use| Application {
        name: "Pulse Diary".to_owned(),
        may: sentences(&["heartrate", "sleep"]),
        last_use,
    };
    let clinic = || Application { name: "Clinic Companion".to_owned(), may: Vec::new(), last_use: None };
    let blank = || Service {
        slug: "fitbit".to_owned(),
        name: "Fitbit".to_owned(),
        state: State::good(t("service-linked")),
        attention: None,
        purpose: String::new(),
        linked: Some(ago(34 * DAY)),
        ends: None,
        last_use: Some(ago(12 * MINUTE)),
        granted: sentences(&["heartrate", "activity"]),
        withheld: sentences(&["sleep"]),
        applications: vec![diary(Some(ago(12 * MINUTE))), clinic()],
        may_link: false,
        is_first_to_do: false,
    };
    let expired = Service {
        slug: "withings".to_owned(),
        name: "Withings".to_owned(),
        state: State::warn(t("service-link-again")),
        attention: Some(t("status-not-accepted").into()),
        linked: Some(ago(90 * DAY)),
        last_use: Some(ago(3 * HOUR)),
        granted: sentences(&["weight"]),
        withheld: Vec::new(),
        applications: vec![diary(Some(ago(3 * HOUR)))],
        may_link: true,
        is_first_to_do: true,
        ..blank()
    };
    let unlinked = Service {
        slug: "riverside-hospital".to_owned(),
        name: "Riverside Hospital portal".to_owned(),
        state: State::quiet(t("service-not-linked")),
        purpose: t("services-purpose").into(),
        linked: None,
        last_use: None,
        may_link: true,
        ..blank()
    };
    vec![expired, blank(), unlinked]
}

fn sentences(scopes: &[&str]) -> Vec<String> {
    scopes.iter().map(|scope| permission::sentence(scope)).collect()
}
