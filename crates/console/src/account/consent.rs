//! May this application act for me?  OpenID Connect Core 1.0 §3.1.2.4

use auth::{
    SignedIn,
    authorize::{self, Decision, Pending, Request},
    organisation,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use kernel::{Id, Kind, Scope};
use serde::Deserialize;
use web::{Answer, Form, Problem, Query, Redirect};

use crate::{
    answers::Answers,
    frame::Frame,
    page::consent::{Consent, Permission},
    respond::{Refusal, page},
    state::Console,
    words,
};

/// Without this scope there is nobody to speak of, so it cannot be left out.  OIDC Core §3.1.2.1
const INDISPENSABLE: &str = "openid";

/// Which request waits.
#[derive(Deserialize)]
pub(crate) struct Waiting {
    request: Id<Request>,
}

/// `GET /consent`
pub(crate) async fn ask(
    State(console): State<Console>,
    who: SignedIn,
    Query(waiting): Query<Waiting>,
) -> Answer<Response> {
    let pending = authorize::pending(console.auth(), &who, waiting.request).await?;
    page(&view(&console, &who, &pending).await?)
}

/// `POST /consent`: on to the application, with a code or with a refusal.
pub(crate) async fn decide(
    State(console): State<Console>,
    who: SignedIn,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let unnamed = |_| Problem::new(Kind::Invalid, "request: must name a request").with_path("request");
    let request = answers.text("request").parse().map_err(unnamed)?;
    let decision = match answers.text("decision") {
        "allow" => {
            Decision::Allow(answers.ticked("scope").iter().filter_map(|s| s.parse::<Scope>().ok()).collect())
        }
        "deny" => Decision::Deny,
        _ => return Err(Refusal::because("decision", "choose to allow or not to allow").into()),
    };
    let onward = authorize::decide(console.auth(), &who, request, &decision).await?;
    Ok(Redirect::to_trusted(&onward)?.into_response())
}

async fn view(console: &Console, who: &SignedIn, pending: &Pending) -> Answer<Consent> {
    let client = &pending.client;
    let verified = match client.verified_at {
        Some(at) => organisation::get(console.auth(), client.organisation)
            .await?
            .map(|by| (by.name, console.moment(at))),
        None => None,
    };
    let viewer = console.viewer(who).await?;
    Ok(Consent {
        person: viewer.name.clone(),
        frame: Frame { viewer: Some(viewer), ..Frame::outside(format!("Allow {}?", client.name)) },
        request: pending.id.to_string(),
        client: client.name.clone(),
        verified,
        returns_to: home(&pending.redirect_uri),
        permissions: pending.scopes.iter().map(permission).collect(),
    })
}

fn permission(scope: &Scope) -> Permission {
    Permission {
        scope: scope.to_string(),
        words: words::scope(scope.as_str()).into_owned(),
        is_dropable: scope.as_str() != INDISPENSABLE,
    }
}

/// Where the answer goes, as far as a person can judge it: the host, or an application on the device.
fn home(redirect_uri: &str) -> String {
    match redirect_uri.split_once("://") {
        Some(("https" | "http", rest)) => rest.split(['/', '?']).next().unwrap_or_default().to_owned(),
        Some((scheme, _)) => format!("an application on this device ({scheme}://)"),
        None => redirect_uri.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_sees_where_the_answer_goes() {
        assert_eq!(home("https://diary.example:8443/signed-in?x=y"), "diary.example:8443");
        assert_eq!(home("myapplication://signed-in"), "an application on this device (myapplication://)");
    }
}
