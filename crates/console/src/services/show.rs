//! Every service: linked since when, for what, who may use it.  contract 1, `GET /integrations/`

use auth::SignedIn;
use axum::{extract::State, response::Response};
use broker::connection::ConnectionSummary;
use kernel::Scopes;
use web::{Answer, Query};

use crate::{
    frame::{Frame, Here},
    label,
    page::services::{Application, Service, Services, how_things_are},
    respond::{Told, page},
    state::Console,
    words,
};

/// `GET /integrations/`
pub(crate) async fn show(
    State(console): State<Console>,
    who: SignedIn,
    Query(told): Query<Told>,
) -> Answer<Response> {
    let viewer = console.viewer(&who).await?;
    let summary = console.broker().summary_of(who.organisation, who.person).await?;
    let mut services: Vec<Service> = summary.into_iter().map(|one| service(&console, one)).collect();
    services.sort_by_key(|service| (service.attention.is_none(), service.linked.is_none()));
    if let Some(first) = services.iter_mut().find(|service| service.attention.is_some() && service.may_link) {
        first.is_first_to_do = true;
    }
    let (how, but) = how_things_are(&services);
    page(&Services {
        organisation: viewer.organisation.clone(),
        frame: Frame::inside("Your services", Here::Services, viewer).telling(told.notice()),
        how,
        but,
        services,
    })
}

fn service(console: &Console, one: ConnectionSummary) -> Service {
    let needs_person = one.can_unlink && !one.connected;
    let state = match (one.connected, needs_person) {
        (true, _) => label::State::good("Linked"),
        (false, true) => label::State::warn("Link again"),
        (false, false) => label::State::quiet("Not linked"),
    };
    let application = |used_by: &broker::connection::UsedBy| Application {
        name: used_by.name.clone(),
        may: used_by.may.clone(),
        last_use: used_by.last_used_at.map(|at| console.moment(at)),
    };
    Service {
        purpose: purpose(one.status),
        state,
        attention: needs_person.then(|| format!("{}.", one.status)),
        linked: one.linked_at.map(|at| console.moment(at)),
        ends: one.consent_expires_at.map(|at| console.moment(at)),
        last_use: one.last_used_at.map(|at| console.moment(at)),
        granted: in_words(&one.scopes_granted),
        withheld: in_words(&one.scopes_missing),
        applications: one.used_by.iter().map(application).collect(),
        may_link: one.can_link && !one.connected,
        is_first_to_do: false,
        slug: one.slug,
        name: one.name,
    }
}

/// What there is to say of a service that is not linked.
fn purpose(status: &str) -> String {
    match status {
        "Not linked" => {
            "Link your account there, and applications that your organisation trusts can use it for you."
                .to_owned()
        }
        other => format!("{other}."),
    }
}

fn in_words(scopes: &Scopes) -> Vec<String> {
    scopes.iter().map(|scope| words::scope(scope.as_str()).into_owned()).collect()
}
