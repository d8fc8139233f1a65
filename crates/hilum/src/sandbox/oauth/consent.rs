//! The consent page: the person may allow all, some or nothing.  RFC 6749 §4.1.2, RFC 9207

use std::sync::Arc;

use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use kernel::Scopes;
use serde::Deserialize;

use super::{
    authorize::Back,
    desk::{CODE, Code, Pending},
};
use crate::sandbox::{Person, SCOPES, Sandbox, lock, page};

#[derive(Deserialize)]
pub(super) struct Step {
    request: String,
}

/// What the form says. Boxes that are not ticked are not sent.
#[derive(Deserialize)]
pub(super) struct Decision {
    request: String,
    decision: String,
    activity: Option<String>,
    heartrate: Option<String>,
    profile: Option<String>,
    sleep: Option<String>,
}

/// `GET /oauth2/consent`: may this application see this?
pub(super) async fn ask(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Query(step): Query<Step>,
) -> Response {
    let Some(pending) = sandbox.pending(&step.request) else {
        return page::refusal(StatusCode::BAD_REQUEST, page::TOO_LATE);
    };
    match (sandbox.signed_in(&headers), sandbox.client(&pending.client_id)) {
        (Some(person), Some(client)) => page::consent(&step.request, person, &client.name, &pending.scopes),
        _ => Redirect::to(&format!("/sign-in?request={}", step.request)).into_response(),
    }
}

/// `POST /oauth2/consent`: back to the application with a code, or with `access_denied`.
pub(super) async fn decide(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Form(decision): Form<Decision>,
) -> Response {
    if page::is_cross_site(&headers) {
        return page::refusal(StatusCode::FORBIDDEN, page::CROSS_SITE);
    }
    let Some(person) = sandbox.signed_in(&headers) else {
        return page::refusal(
            StatusCode::FORBIDDEN,
            "Nobody is signed in here. Go back to the application and start again.",
        );
    };
    let Some(pending) = lock(&sandbox.desk).pending.take(&decision.request, sandbox.world.now()) else {
        return page::refusal(StatusCode::BAD_REQUEST, page::TOO_LATE);
    };
    answer(&sandbox, person, pending, &decision)
}

fn answer(sandbox: &Sandbox, person: Person, pending: Pending, decision: &Decision) -> Response {
    let back = Back { redirect_uri: pending.redirect_uri.clone(), state: pending.state.clone() };
    let scopes = decision.granted(&pending.scopes);
    if scopes.is_empty() {
        return back
            .answer(sandbox, &[("error", "access_denied"), ("error_description", "the person said no")]);
    }
    let code = Code { request: Pending { scopes, ..pending }, person, grant: None };
    let code = lock(&sandbox.desk).codes.put(&sandbox.world, code, CODE);
    back.answer(sandbox, &[("code", &code)])
}

impl Decision {
    /// What was asked for and ticked; nothing, if not everything was plainly allowed.
    fn granted(&self, asked: &Scopes) -> Scopes {
        if self.decision != "allow" {
            return Scopes::none();
        }
        let boxes = [&self.activity, &self.heartrate, &self.profile, &self.sleep];
        let ticked = SCOPES.into_iter().zip(boxes).filter(|(_, tick)| tick.is_some());
        let ticked: Scopes = ticked.filter_map(|(scope, _)| scope.parse().ok()).collect();
        asked.intersection(&ticked)
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};

    use super::*;
    use crate::sandbox::visit::Visit;

    #[test]
    fn only_what_was_asked_for_and_ticked_is_granted() {
        let asked: Scopes = "heartrate sleep".parse().unwrap();
        let tick = || Some("on".to_owned());
        let mut decision = Decision {
            request: String::new(),
            decision: "allow".to_owned(),
            activity: tick(),
            heartrate: tick(),
            profile: None,
            sleep: None,
        };
        assert_eq!(decision.granted(&asked).to_string(), "heartrate");
        for no in ["deny", "", "Allow"] {
            decision.decision = no.to_owned();
            assert!(decision.granted(&asked).is_empty(), "{no:?}");
        }
    }

    #[tokio::test]
    async fn the_page_names_the_application_and_what_it_asks_for() {
        let (mut visit, _) = Visit::begin();
        let request = visit.authorize(&[]).await.parameters()["request"].clone();
        visit.sign_in("river", &request).await;
        let page = visit.get(&format!("/oauth2/consent?request={request}")).await;
        assert!(page.text.contains("&#60;app&#62;") && page.text.contains("River Sample"), "{}", page.text);
        assert!(page.text.contains("name=\"sleep\"") && !page.text.contains("name=\"activity\""));
        assert!(page.text.contains("made up"));
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
    }

    #[tokio::test]
    async fn a_refusal_is_told_to_the_application() {
        let (mut visit, _) = Visit::begin();
        let back = visit.consent("sky", &[], &[]).await.parameters();
        assert_eq!((back["error"].as_str(), back["state"].as_str()), ("access_denied", "xyz"));
        assert_eq!(back["iss"], "http://127.0.0.1:8090");
        assert!(!back.contains_key("code"));
    }

    #[tokio::test]
    async fn a_request_is_answered_once_and_not_too_late() {
        let (mut visit, hand) = Visit::begin();
        let request = visit.authorize(&[]).await.parameters()["request"].clone();
        visit.sign_in("river", &request).await;
        let fields = [("request", request.as_str()), ("decision", "allow"), ("sleep", "on")];
        assert_eq!(visit.post("/oauth2/consent", None, &fields).await.status, StatusCode::SEE_OTHER);
        assert_eq!(visit.post("/oauth2/consent", None, &fields).await.status, StatusCode::BAD_REQUEST);
        let request = visit.authorize(&[]).await.parameters()["request"].clone();
        hand.forward(600);
        let fields = [("request", request.as_str()), ("decision", "allow"), ("sleep", "on")];
        assert_eq!(visit.post("/oauth2/consent", None, &fields).await.status, StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn neither_a_stranger_nor_another_site_can_consent() {
        let (visit, _) = Visit::begin();
        let request = visit.authorize(&[]).await.parameters()["request"].clone();
        let fields = [("request", request.as_str()), ("decision", "allow"), ("sleep", "on")];
        assert_eq!(visit.post("/oauth2/consent", None, &fields).await.status, StatusCode::FORBIDDEN);
        let form = Request::post("/oauth2/consent")
            .header("sec-fetch-site", "cross-site")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("request={request}&decision=allow&sleep=on")));
        assert_eq!(visit.send(form.unwrap()).await.status, StatusCode::FORBIDDEN);
    }
}
