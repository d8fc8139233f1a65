//! A second sample application, of the SMART kind: opened for a patient from Hilum (`/chart/launch`) or by itself (`/chart`), it
//! shows what it was told.  SMART App Launch 2.2 §2.0

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{Query, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use kernel::Secret;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{Diary, Trouble, Visit, html, sign_in::ComeBack};

const SCOPES: &str = "openid fhirUser offline_access patient/Patient.rs patient/Observation.rs";

/// What of the token answer is shown.
const SHOWN: [&str; 5] = ["patient", "encounter", "scope", "expires_in", "need_patient_banner"];

#[derive(Template)]
#[template(path = "sample/chart.html")]
struct Page {
    told: Vec<(String, String)>,
}

/// What Hilum, as the EHR, opens the application with.
#[derive(Deserialize)]
pub(super) struct Launch {
    iss: Option<String>,
    launch: Option<String>,
}

/// Opened by itself: whom it is about is asked on the way.
pub(super) async fn standalone(State(diary): State<Arc<Diary>>) -> Result<Response, Trouble> {
    leave(&diary, "launch/patient", None).await
}

/// Opened by Hilum, for a patient.
pub(super) async fn launch(
    State(diary): State<Arc<Diary>>,
    Query(asked): Query<Launch>,
) -> Result<Response, Trouble> {
    if asked.iss.as_deref() != Some(fhir(&diary).as_str()) {
        return Err(Trouble("This application works with one FHIR server, and it was another.".to_owned()));
    }
    leave(&diary, "launch", asked.launch.as_deref()).await
}

fn fhir(diary: &Diary) -> String {
    format!("{}/fhir", diary.config.hilum)
}

fn redirect_uri(diary: &Diary) -> String {
    format!("http://{}/chart/back", diary.config.listen)
}

fn client_id(diary: &Diary) -> Result<&str, Trouble> {
    let id = diary.config.chart_client_id.as_deref();
    id.ok_or_else(|| Trouble("The chart is not set up: start with --chart-client-id.".to_owned()))
}

async fn leave(diary: &Diary, more: &str, launch: Option<&str>) -> Result<Response, Trouble> {
    let found = diary.http.get(format!("{}/.well-known/smart-configuration", fhir(diary))).send().await?;
    let configuration: BTreeMap<String, Value> = found.error_for_status()?.json().await?;
    let endpoint = configuration.get("authorization_endpoint").and_then(Value::as_str).unwrap_or_default();
    let state = crypto::b64::encode(diary.world.random::<32>());
    let verifier = crypto::b64::encode(diary.world.random::<32>());
    let mut url = Url::parse(endpoint)?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", client_id(diary)?)
        .append_pair("redirect_uri", &redirect_uri(diary))
        .append_pair("scope", &format!("{SCOPES} {more}"))
        .append_pair("aud", &fhir(diary))
        .append_pair("state", &state)
        .append_pair("code_challenge", &crypto::pkce::s256_challenge(&verifier))
        .append_pair("code_challenge_method", "S256")
        .extend_pairs(launch.map(|launch| ("launch", launch)));
    let cookie = diary.remember(Visit { away: Some((state, Secret::new(verifier))), token: None });
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(url.as_str())).into_response())
}

pub(super) async fn come_back(
    State(diary): State<Arc<Diary>>,
    headers: HeaderMap,
    Query(answer): Query<ComeBack>,
) -> Result<Response, Trouble> {
    let (verifier, code) = answer.checked(&diary, &headers)?;
    diary.forget(&headers);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", &redirect_uri(&diary)),
        ("code_verifier", verifier.expose()),
        ("client_id", client_id(&diary)?),
    ];
    let answer = diary.http.post(format!("{}/oauth2/token", diary.config.hilum)).form(&form).send().await?;
    let told: BTreeMap<String, Value> = answer.error_for_status()?.json().await?;
    let shown = |name: &&str| {
        let value = told.get(*name)?;
        Some(((*name).to_owned(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    };
    Ok(html(Page { told: SHOWN.iter().filter_map(shown).collect() }.render()))
}
