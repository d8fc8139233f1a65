//! Every service: linked since when, for what, who may use it.  contract 1, `GET /integrations/`

use auth::SignedIn;
use axum::{extract::State, response::Response};
use broker::connection::{ConnectionSummary, Reason, Status};
use kernel::Scopes;
use web::{Answer, Query};

use crate::{
    frame::{Frame, Here},
    label,
    page::services::{Application, Service, Services, how_things_are},
    permission,
    respond::{Told, page},
    state::Console,
    t,
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
        frame: Frame::inside(t("services-title"), Here::Services, viewer).telling(told.notice()),
        how,
        but,
        services,
    })
}

fn service(console: &Console, one: ConnectionSummary) -> Service {
    let needs_person = one.can_unlink && !one.connected;
    let state = match (one.connected, needs_person) {
        (true, _) => label::State::good(t("service-linked")),
        (false, true) => label::State::warn(t("service-link-again")),
        (false, false) => label::State::quiet(t("service-not-linked")),
    };
    let application = |used_by: &broker::connection::UsedBy| Application {
        name: used_by.name.clone(),
        may: used_by.may.clone(),
        last_use: used_by.last_used_at.map(|at| console.moment(at)),
    };
    Service {
        purpose: purpose(one.status),
        state,
        attention: needs_person.then(|| standing(one.status)),
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
fn purpose(status: &'static str) -> String {
    if status == Status::Revoked.in_words() { t("services-purpose").into() } else { standing(status) }
}

/// How a connection stands, in the language of the page: the broker says it in English.
fn standing(status: &'static str) -> String {
    let states = [
        (Status::Degraded, t("status-degraded")),
        (Status::NeedsReconnect(Reason::InvalidGrant), t("status-not-accepted")),
        (Status::NeedsReconnect(Reason::ScopeMissing), t("status-scope-missing")),
        (Status::NeedsReconnect(Reason::RotationLost), t("status-rotation-lost")),
        (Status::NeedsReconnect(Reason::ProviderClosed), t("status-closed")),
        (Status::NeedsReconnect(Reason::ConsentEnded), t("status-consent-ended")),
        (Status::Revoking, t("status-revoking")),
    ];
    let found = states.into_iter().find(|(state, _)| state.in_words() == status);
    found.map_or_else(|| format!("{status}."), |(_, said)| said.into())
}

fn in_words(scopes: &Scopes) -> Vec<String> {
    scopes.iter().map(|scope| permission::sentence(scope.as_str())).collect()
}
