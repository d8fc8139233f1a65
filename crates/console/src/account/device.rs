//! A device without a browser waits: which is it, and may it?  RFC 8628 §3.3

use auth::{
    SignedIn,
    device::{self, DeviceCode, DeviceFault, UserCode},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use kernel::{Id, Scopes};
use serde::Deserialize;
use web::{Answer, Form, Path, Query, Redirect};

use super::{
    answer::{decision, verified},
    consent,
};
use crate::{
    answers::Answers,
    frame::Frame,
    page::{consent::Consent, plain},
    respond::{Refusal, page},
    state::Console,
    t,
};

/// The code, where the address holds it (`verification_uri_complete`).
#[derive(Deserialize)]
pub(crate) struct Typed {
    user_code: Option<String>,
}

/// `GET /device`: type the code in. One that came with the address is shown, to be compared with the device.
pub(crate) async fn ask(who: SignedIn, Query(typed): Query<Typed>) -> Answer<Response> {
    let code = typed.user_code.and_then(|text| text.parse::<UserCode>().ok());
    drop(who);
    page(&plain::device(&code.map(|code| code.to_string()).unwrap_or_default()))
}

/// `POST /device`
pub(crate) async fn find(
    State(console): State<Console>,
    who: SignedIn,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    drop(who);
    let text = answers.text("user_code");
    let found = match text.parse::<UserCode>() {
        Ok(code) => device::find(console.auth(), &code).await,
        Err(_) => Err(DeviceFault::Unknown),
    };
    match found {
        Ok(id) => Ok(Redirect::to_trusted(&format!("/device/{id}"))?.into_response()),
        Err(fault) => {
            let refusal = match fault {
                DeviceFault::Unknown => Refusal::at("user_code", &DeviceFault::Unknown),
                other => Refusal::of(other)?,
            };
            let mut plain = plain::device(text);
            plain.form = plain.form.map(|form| form.refused(refusal.issues()));
            refusal.page(&plain)
        }
    }
}

/// `GET /device/{id}`
pub(crate) async fn consent(
    State(console): State<Console>,
    who: SignedIn,
    Path(id): Path<Id<DeviceCode>>,
) -> Answer<Response> {
    let waiting = device::get(console.auth(), id).await?;
    let client = &waiting.client;
    let viewer = console.viewer(&who).await?;
    let title = t("consent-title").of("client", &client.name);
    page(&Consent {
        action: format!("/device/{id}"),
        person: viewer.name.clone(),
        frame: Frame { viewer: Some(viewer), ..Frame::outside(title) },
        request: id.to_string(),
        client: client.name.clone(),
        verified: verified(&console, client).await?,
        returns_to: t("device-returns").into(),
        patient: None,
        before: consent::before(&waiting.scopes, &Scopes::none()),
        groups: consent::groups(&waiting.scopes, &Scopes::none()),
    })
}

/// `POST /device/{id}`
pub(crate) async fn decide(
    State(console): State<Console>,
    who: SignedIn,
    Path(id): Path<Id<DeviceCode>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    device::decide(console.auth(), &who, id, &decision(&answers)?).await?;
    Ok(Redirect::to_page("/device/done").into_response())
}

/// `GET /device/done`
pub(crate) async fn done(who: SignedIn) -> Answer<Response> {
    drop(who);
    page(&plain::device_done())
}
