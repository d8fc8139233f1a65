//! Systems for electronic data capture: servers that speak as REDCap and Rave do, after their public descriptions.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Form, Router,
    extract::{Query, State as Held},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::Engine as _;
use exchange::{
    connector::{Connector, Findings, Outcome, Paced, SignIn, StepName, Way, rave::Rave, redcap::Redcap},
    run::{Counts, Extent, State},
};
use kernel::{Secret, World};
use outbound::{Outbound, SystemLookup};
use serde_json::{Value, json};
use testkit::FaultProxy;
use tokio::task::JoinSet;

use crate::{
    files::{killed, names, records, said},
    stage::{HERE, Stage, on_sync},
};

/// What a study knows: of each subject when it was last changed, and its name; none if it was removed.
type Study = Arc<Mutex<BTreeMap<String, (String, Option<String>)>>>;

fn study(subjects: usize) -> Study {
    let subject = |nth| (format!("m{nth:05}"), ("2026-01-01T00:00:00".to_owned(), Some(format!("A, {nth}"))));
    Arc::new(Mutex::new((0..subjects).map(subject).collect()))
}

fn change(study: &Study, nth: usize, at: &str, name: Option<&str>) {
    let name = name.map(|name| format!("{name}, {nth}"));
    study.lock().unwrap().insert(format!("m{nth:05}"), (at.to_owned(), name));
}

async fn serve(app: Router) -> (SocketAddr, JoinSet<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move { drop(axum::serve(listener, app).await) });
    (address, serving)
}

fn outbound(address: SocketAddr) -> Outbound {
    Outbound::new([address.to_string().parse().unwrap()].into_iter().collect(), Arc::new(SystemLookup))
        .unwrap()
}

async fn redcap_api(Held(study): Held<Study>, Form(form): Form<BTreeMap<String, String>>) -> Response {
    let said = |name: &str| form.get(name).map(String::as_str);
    if said("token") != Some("canary-token") {
        return (StatusCode::FORBIDDEN, r#"{"error":"You do not have permissions to use the API"}"#)
            .into_response();
    }
    let answer = match said("content") {
        Some("version") => return "14.5.2".into_response(),
        Some("project") => json!({"project_id": 7, "project_title": "T", "is_longitudinal": 0}),
        Some("metadata") => json!([{"field_name": "record_id"}, {"field_name": "name"}]),
        Some("record") => {
            let wanted: Vec<&String> = form
                .iter()
                .filter(|(name, _)| name.starts_with("records["))
                .map(|(_, value)| value)
                .collect();
            let since = said("dateRangeBegin").unwrap_or_default().replace(' ', "T");
            let rows = study.lock().unwrap();
            let rows = rows.iter().filter(|(id, _)| wanted.is_empty() || wanted.contains(id));
            let rows = rows.filter(|(_, (changed, _))| *changed > since);
            let rows = rows.filter_map(|(id, (_, name))| Some((id, name.as_ref()?)));
            match said("fields[0]") {
                Some(_) => rows.map(|(id, _)| json!({"record_id": id})).collect(),
                None => rows
                    .map(|(id, name)| json!({"record_id": id, "redcap_repeat_instrument": "", "name": name}))
                    .collect::<Value>(),
            }
        }
        _ => return StatusCode::BAD_REQUEST.into_response(),
    };
    answer.to_string().into_response()
}

fn redcap(address: SocketAddr, token: &str, world: &World) -> Arc<dyn Connector> {
    let url = format!("http://{address}/api/").parse().unwrap();
    let project = Redcap::new(
        (Way::new(Paced::new(outbound(address), world.clone()), SignIn::Open), world.clone()),
        url,
        Secret::new(token.to_owned()),
    )
    .by(50);
    let rule = json!([{"target": "Patient", "key": "/record_id",
        "set": {"identifier[0].value": "/record_id", "name[0].family": "/name"}}]);
    Arc::new(project.source(records(&json!({"streams": {"records": rule}}))))
}

on_sync!(
    async fn a_project_comes_whole_and_then_what_changed(db) {
        let study = study(230);
        let app = Router::new().route("/api/", post(redcap_api)).with_state(Arc::clone(&study));
        let (address, _serving) = serve(app).await;
        let proxy = FaultProxy::open(address, 7, 0).await;
        let address = proxy.address;
        let stage = Stage::sourced(db, move |world| redcap(address, "canary-token", world)).await;
        proxy.trouble(25);
        let run = stage.begin(Extent::Full).await;
        let run = killed(&stage, run, 7).await;
        proxy.trouble(0);
        assert_eq!((run.state, run.why.as_deref()), (State::Done, None), "{:?}", run.counts);
        assert_eq!(names(&stage).await, said(&[(0..230, "A")]));
        let versions: i64 = stage.records(HERE).await.values().map(|(_, version)| version).sum();
        assert_eq!(versions, run.counts.stored);
        let now = stage.clock_now().to_string();
        change(&study, 3, &now, Some("B"));
        change(&study, 500, &now, Some("B"));
        let next = stage.begin(Extent::Incremental).await;
        let next = stage.ended(next).await;
        assert_eq!(next.counts, Counts { received: 2, stored: 2, ..Counts::default() });
        let all = [(0..3, "A"), (3..4, "B"), (4..230, "A"), (500..501, "B")];
        assert_eq!(names(&stage).await, said(&all));
    }
);

fn step(findings: &Findings, name: StepName) -> (Outcome, &'static str) {
    let step = findings.steps.iter().find(|step| step.name == name).unwrap();
    (step.outcome, step.message)
}

#[tokio::test]
async fn a_test_of_a_project_says_where_it_ends() {
    let app = Router::new().route("/api/", post(redcap_api)).with_state(study(2));
    let (address, _serving) = serve(app).await;
    let (world, _) = testkit::world();
    let good = redcap(address, "canary-token", &world).check(&world).await;
    assert!(good.steps.iter().all(|step| step.outcome != Outcome::Failed), "{good:?}");
    assert_eq!(good.api_version.as_deref(), Some("14.5.2"));
    assert_eq!(step(&good, StepName::SampleRead).0, Outcome::Passed);
    let wrong = redcap(address, "wrong", &world).check(&world).await;
    assert_eq!(
        step(&wrong, StepName::SignIn),
        (Outcome::Failed, "the source does not know our token, or does not let it export")
    );
    assert!(!format!("{wrong:?}{good:?}").contains("canary"), "no token in what is found");
}

/// A Rave with one study.
fn rave_services(study: &Study) -> Router {
    async fn answer(
        Held(study): Held<Study>,
        headers: HeaderMap,
        uri: Uri,
        Query(query): Query<BTreeMap<String, String>>,
    ) -> Response {
        let path: Vec<String> = uri.path().split('/').skip(2).map(|part| part.replace("%20", " ")).collect();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if path == ["version"] {
            return "1.21.0".into_response();
        }
        let proof = base64::engine::general_purpose::STANDARD.encode("reader:canary-word");
        if headers.get("authorization").is_none_or(|value| *value != *format!("Basic {proof}")) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let odm = |inner: String| {
            format!(
                r#"<?xml version="1.0" encoding="utf-8"?><ODM FileType="Snapshot" CreationDateTime="2026-02-01T00:00:00.000-00:00" ODMVersion="1.3">{inner}</ODM>"#
            )
        };
        let (study, since) = (study.lock().unwrap(), query.get("start").cloned().unwrap_or_default());
        match path.as_slice() {
            ["studies"] => odm(String::new()).into_response(),
            ["studies", "Trial(Prod)", "subjects"] => {
                let one = |id: &String| {
                    format!(
                        r#"<ClinicalData StudyOID="Trial(Prod)"><SubjectData SubjectKey="{id}"/></ClinicalData>"#
                    )
                };
                odm(study.keys().map(one).collect()).into_response()
            }
            ["studies", "Trial(Prod)", "subjects", id, "datasets", "regular"] => {
                let Some((changed, name)) = study.get(*id) else {
                    return StatusCode::NOT_FOUND.into_response();
                };
                let group = match name {
                    _ if *changed <= since => String::new(),
                    Some(name) => format!(
                        r#"<ItemGroupData ItemGroupOID="DM"><ItemData ItemOID="NAME" Value="{name}"/></ItemGroupData>"#
                    ),
                    None => r#"<ItemGroupData ItemGroupOID="DM" TransactionType="Remove"/>"#.to_owned(),
                };
                odm(format!(r#"<ClinicalData StudyOID="Trial(Prod)" MetaDataVersionOID="1"><SubjectData SubjectKey="{id}">{group}</SubjectData></ClinicalData>"#)).into_response()
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }
    Router::new().fallback(get(answer)).with_state(Arc::clone(study))
}

fn rave(address: SocketAddr, word: &str, world: &World) -> Arc<dyn Connector> {
    let base = format!("http://{address}").parse().unwrap();
    let sign_in = SignIn::Basic { name: "reader".to_owned(), password: Secret::new(word.to_owned()) };
    let rave = Rave::new(
        (Way::new(Paced::new(outbound(address), world.clone()), sign_in), world.clone()),
        base,
        vec!["Trial(Prod)".to_owned()],
    );
    let rule = json!([{"target": "Patient", "key": ["/StudyOID", "/SubjectKey"],
        "set": {"identifier[0].value": "/SubjectKey", "name[0].family": "/items/NAME"}}]);
    Arc::new(rave.source(records(&json!({"streams": {"DM": rule}}))))
}

on_sync!(
    async fn clinical_data_come_whole_and_then_what_changed_and_what_is_gone(db) {
        let study = study(23);
        let (address, _serving) = serve(rave_services(&study)).await;
        let proxy = FaultProxy::open(address, 9, 0).await;
        let address = proxy.address;
        let stage = Stage::sourced(db, move |world| rave(address, "canary-word", world)).await;
        proxy.trouble(20);
        let run = stage.begin(Extent::Full).await;
        let run = killed(&stage, run, 9).await;
        proxy.trouble(0);
        assert_eq!((run.state, run.why.as_deref()), (State::Done, None), "{:?}", run.counts);
        assert_eq!(names(&stage).await, said(&[(0..23, "A")]));
        change(&study, 3, "2026-02-02T00:00:00", Some("B"));
        change(&study, 4, "2026-02-02T00:00:00", None);
        let next = stage.begin(Extent::Incremental).await;
        let next = stage.ended(next).await;
        assert_eq!(next.counts, Counts { received: 2, stored: 1, deleted: 1, ..Counts::default() });
        assert_eq!(names(&stage).await, said(&[(0..3, "A"), (3..4, "B"), (5..23, "A")]));
    }
);

#[tokio::test]
async fn a_test_of_a_study_says_where_it_ends() {
    let (address, _serving) = serve(rave_services(&study(2))).await;
    let (world, _) = testkit::world();
    let good = rave(address, "canary-word", &world).check(&world).await;
    assert!(good.steps.iter().all(|step| step.outcome != Outcome::Failed), "{good:?}");
    assert_eq!(good.api_version.as_deref(), Some("1.21.0"));
    assert_eq!(step(&good, StepName::SampleRead).0, Outcome::Passed);
    let wrong = rave(address, "wrong", &world).check(&world).await;
    assert_eq!(step(&wrong, StepName::SignIn), (Outcome::Failed, "the source does not know our credential"));
}
