//! Pages: sign-in, consent, and the desk from which faults are switched. They work without JavaScript.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form, Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use kernel::Scopes;
use serde::Deserialize;

use super::{Answer, Change, Endpoint, EndpointFault, Person, SCOPES, Sandbox, lock};

/// Said when a pending request is not there any more.
pub(super) const TOO_LATE: &str =
    "This request is too old, or has been answered. Go back to the application and start again.";
/// Said when a form was sent by another site.
pub(super) const CROSS_SITE: &str = "This form was sent by another site.";

/// Only our own style sheet and our own forms.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The consent form leads to the application, wherever that is, and on from there: browsers apply `form-action` to
/// redirects, too, so it must be left out on that one page.
const POLICY_CONSENT: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "sandbox/refusal.html")]
struct RefusalPage<'a> {
    why: &'a str,
}

#[derive(Template)]
#[template(path = "sandbox/sign_in.html")]
struct SignInPage<'a> {
    request: &'a str,
    complaint: Option<&'a str>,
    people: Vec<(&'static str, &'static str)>,
}

#[derive(Template)]
#[template(path = "sandbox/consent.html")]
struct ConsentPage<'a> {
    request: &'a str,
    person: &'a str,
    client: &'a str,
    scopes: Vec<(&'static str, &'static str)>,
}

#[derive(Template)]
#[template(path = "sandbox/desk.html")]
struct DeskPage {
    issuer: String,
    people: Vec<(&'static str, usize)>,
    endpoints: Vec<&'static str>,
    counts: Vec<(&'static str, u64)>,
    faults: String,
    rate_limit: bool,
    stall_token_s: u64,
}

pub(super) fn routes() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/", get(async || Redirect::to("/sandbox/")))
        .route("/sandbox/", get(desk).post(switch))
        .route("/sandbox/style.css", get(style))
}

/// Whether a browser says that a form comes from another site.  W3C Fetch Metadata §2.3
pub(super) fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

pub(super) fn refusal(status: StatusCode, why: &str) -> Response {
    page(status, POLICY, &RefusalPage { why })
}

pub(super) fn sign_in(request: &str, complaint: Option<&str>) -> Response {
    let people = Person::ALL.iter().map(|person| (person.traits().login, person.traits().name)).collect();
    page(StatusCode::OK, POLICY, &SignInPage { request, complaint, people })
}

pub(super) fn consent(request: &str, person: Person, client: &str, asked: &Scopes) -> Response {
    let scopes =
        SCOPES.into_iter().filter(|scope| asked.has(scope)).map(|scope| (scope, in_words(scope))).collect();
    page(
        StatusCode::OK,
        POLICY_CONSENT,
        &ConsentPage { request, person: person.traits().name, client, scopes },
    )
}

fn in_words(scope: &str) -> &'static str {
    match scope {
        "activity" => "Activity: steps a day",
        "heartrate" => "Heart rate: by day and by minute",
        "profile" => "Profile: name and age",
        _ => "Sleep: nights and their stages",
    }
}

fn page(status: StatusCode, policy: &'static str, template: &impl Template) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    match template.render() {
        Ok(text) => (status, headers, Html(text)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../templates/sandbox/style.css"))
        .into_response()
}

/// `GET /sandbox/`: what is switched on, what was called, who lives here.
async fn desk(State(sandbox): State<Arc<Sandbox>>) -> Response {
    let linked =
        |person: Person| sandbox.book.read(|grants| grants.in_force().filter(|g| g.person == person).count());
    let faults = lock(&sandbox.faults).clone();
    let view = DeskPage {
        issuer: sandbox.issuer().to_owned(),
        people: Person::ALL.into_iter().map(|person| (person.traits().login, linked(person))).collect(),
        endpoints: Endpoint::ALL.map(Endpoint::as_str).to_vec(),
        counts: lock(&sandbox.counts).lines(),
        rate_limit: faults.rate_limit,
        stall_token_s: faults.stall_token_s,
        faults: serde_json::to_string_pretty(&faults).unwrap_or_default(),
    };
    page(StatusCode::OK, POLICY, &view)
}

/// What the desk's forms say: what to do, and the fields of that form.
#[derive(Deserialize)]
struct Switch {
    #[serde(rename = "do")]
    act: Act,
    at: Option<Endpoint>,
    answer: Option<Named>,
    slow_ms: Option<u64>,
    times: Option<String>,
    stall_token_s: Option<u64>,
    rate_limit: Option<String>,
    person: Option<Person>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    Fault,
    Token,
    Withdraw,
    Behave,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Named {
    Right,
    Status500,
    Status503,
    TooMany,
    TooManyDate,
    Lost,
    Garbage,
}

/// `POST /sandbox/`: one form of the desk.
async fn switch(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Form(switch): Form<Switch>,
) -> Response {
    if is_cross_site(&headers) {
        return refusal(StatusCode::FORBIDDEN, CROSS_SITE);
    }
    let change = switch.over(&sandbox);
    match sandbox.misbehave(change).await {
        Ok(_) => Redirect::to("/sandbox/").into_response(),
        Err(why) => refusal(StatusCode::BAD_REQUEST, why),
    }
}

impl Switch {
    /// What is switched on now, and this.
    fn over(self, sandbox: &Sandbox) -> Change {
        let now = lock(&sandbox.faults).clone();
        let mut change = Change {
            endpoints: now.endpoints,
            stall_token_s: now.stall_token_s,
            rate_limit: Some(now.rate_limit),
            withdraw_grants_of: Vec::new(),
        };
        match self.act {
            Act::Fault => {
                let times = self.times.and_then(|times| times.trim().parse().ok());
                let answer = self.answer.and_then(Named::meant);
                let fault = EndpointFault { slow_ms: self.slow_ms.unwrap_or(0), answer, times };
                change.endpoints.extend(self.at.map(|at| (at, fault)));
            }
            Act::Token => {
                change.stall_token_s = self.stall_token_s.unwrap_or(0);
                change.rate_limit = Some(self.rate_limit.is_some());
            }
            Act::Withdraw => change.withdraw_grants_of.extend(self.person),
            Act::Behave => change = Change { rate_limit: change.rate_limit, ..Change::default() },
        }
        change
    }
}

impl Named {
    const fn meant(self) -> Option<Answer> {
        match self {
            Self::Right => None,
            Self::Status500 => Some(Answer::Status { code: 500 }),
            Self::Status503 => Some(Answer::Status { code: 503 }),
            Self::TooMany => Some(Answer::TooMany { retry_after_s: 5, as_date: false }),
            Self::TooManyDate => Some(Answer::TooMany { retry_after_s: 5, as_date: true }),
            Self::Lost => Some(Answer::Lost),
            Self::Garbage => Some(Answer::Garbage),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sandbox::visit::Visit;

    #[tokio::test]
    async fn every_page_says_that_it_is_a_sandbox_and_runs_no_script() {
        let (visit, _) = Visit::begin();
        let request = visit.authorize(&[]).await.parameters()["request"].clone();
        for uri in
            [format!("/sign-in?request={request}"), "/sign-in?request=x".to_owned(), "/sandbox/".to_owned()]
        {
            let page = visit.get(&uri).await;
            assert!(page.text.contains("made up") && page.text.contains("lang=\"en\""), "{uri}");
            assert!(!page.text.contains("<script") && !page.text.contains("style=\""), "{uri}");
            assert!(page.header("content-security-policy").contains("form-action 'self'"), "{uri}");
        }
        assert_eq!(visit.get("/").await.header("location"), "/sandbox/");
        assert!(visit.get("/sandbox/style.css").await.header("content-type").starts_with("text/css"));
    }

    #[tokio::test]
    async fn the_desk_switches_one_thing_and_leaves_the_others() {
        let (visit, _) = Visit::begin();
        let fault =
            |at| [("do", "fault"), ("at", at), ("answer", "status503"), ("slow_ms", "0"), ("times", "3")];
        visit.post("/sandbox/", None, &fault("token")).await;
        visit.post("/sandbox/", None, &fault("heart")).await;
        visit.post("/sandbox/", None, &[("do", "token"), ("stall_token_s", "2")]).await;
        let set = visit.get("/sandbox/faults").await.json();
        assert_eq!(set["endpoints"]["token"]["times"], 3);
        assert_eq!(set["endpoints"]["heart"]["answer"]["code"], 503);
        assert_eq!((set["stall_token_s"].as_u64(), set["rate_limit"].as_bool()), (Some(2), Some(false)));
        visit.post("/sandbox/", None, &[("do", "withdraw"), ("person", "sky")]).await;
        visit.post("/sandbox/", None, &[("do", "behave")]).await;
        assert_eq!(visit.get("/sandbox/faults").await.json()["endpoints"], serde_json::json!({}));
    }

    #[tokio::test]
    async fn what_a_form_says_cannot_write_into_the_page() {
        let (visit, _) = Visit::begin();
        let fields = [("request", "\"><script>"), ("person", "nobody"), ("password", "x")];
        let page = visit.post("/sign-in", None, &fields).await;
        assert!(
            page.text.contains("Choose one of the people") && !page.text.contains("<script>"),
            "{}",
            page.text
        );
    }
}
