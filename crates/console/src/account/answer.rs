//! What somebody answers an application that asks, and what the pages on the way say of it.

use auth::{
    authorize::{Decision, Request},
    client::Client,
    organisation,
};
use kernel::{Id, Kind, Scope};
use serde::Deserialize;
use web::{Answer, Problem};

use crate::{answers::Answers, moment::Moment, respond::Refusal, state::Console};

/// Which request waits.
#[derive(Deserialize)]
pub(crate) struct Waiting {
    pub(crate) request: Id<Request>,
}

impl Waiting {
    /// As a form says it.
    pub(crate) fn of(answers: &Answers) -> Answer<Self> {
        let unnamed = |_| Problem::new(Kind::Invalid, "request: must name a request").with_path("request");
        Ok(Self { request: answers.text("request").parse().map_err(unnamed)? })
    }
}

/// What was decided: all that is still ticked, or nothing.
pub(crate) fn decision(answers: &Answers) -> Answer<Decision> {
    let scopes = || answers.ticked("scope").iter().filter_map(|scope| scope.parse::<Scope>().ok()).collect();
    match answers.text("decision") {
        "allow" => Ok(Decision::Allow(scopes())),
        "deny" => Ok(Decision::Deny),
        _ => Err(Refusal::because("decision", "choose to allow or not to allow").into()),
    }
}

/// Who checked the application, and when.
pub(crate) async fn verified(console: &Console, client: &Client) -> Answer<Option<(String, Moment)>> {
    let Some(at) = client.verified_at else { return Ok(None) };
    let by = organisation::get(console.auth(), client.organisation).await?;
    Ok(by.map(|by| (by.name, console.moment(at))))
}
