//! The applications of one's organisation, and how each stands.

use std::collections::{BTreeMap, BTreeSet};

use auth::{
    Developer, SignedIn, api_key,
    client::{
        self, Client,
        list::LIST_ROWS_MAX,
        review::{self, Act},
    },
};
use axum::{extract::State, response::Response};
use broker::trust;
use kernel::{Id, Integration};
use serde::Deserialize;
use web::{Answer, Query};

use crate::{
    frame::{Frame, Here},
    label,
    page::developer::{Applications, Row},
    respond::page,
    state::Console,
    t,
};

/// What happened last to each application that is not verified.
pub(crate) type Latest = BTreeMap<Id<kernel::Client>, Act>;

/// From where the list goes on.
#[derive(Deserialize)]
pub(crate) struct After {
    after: Option<Id<kernel::Client>>,
}

/// `GET /developer/`
pub(crate) async fn list(
    State(console): State<Console>,
    Developer(who): Developer,
    Query(after): Query<After>,
) -> Answer<Response> {
    let clients = client::list_of(console.auth(), &who.acting(), after.after).await?;
    let next = more("/developer/", &clients);
    let clients = without_keys(&console, &who, clients).await?;
    let latest = review::latest_of(console.auth(), &who.acting()).await?;
    let integrations = console.broker().integrations_all().await?;
    let own = integrations.iter().filter(|one| one.organisation == who.organisation);
    let names = own.map(|one| (one.id, one.name.clone())).collect();
    let mut applications = Vec::new();
    for client in &clients {
        applications.push(row(&console, client, &names, latest.get(&client.id).copied()).await?);
    }
    let viewer = console.viewer(&who).await?;
    let (how, but) = how_things_are(&clients, &latest);
    page(&Applications {
        organisation: viewer.organisation.clone(),
        frame: Frame::inside(t("menu-own-applications"), Here::Developer, viewer),
        how,
        but,
        applications,
        more: next,
    })
}

/// The applications among these: API keys are clients too, and have a page of their own.
async fn without_keys(console: &Console, who: &SignedIn, clients: Vec<Client>) -> Answer<Vec<Client>> {
    let keys: BTreeSet<_> = api_key::ids_of(console.auth(), &who.acting()).await?.into_iter().collect();
    Ok(clients.into_iter().filter(|client| !keys.contains(&client.id)).collect())
}

/// Where the list goes on, if it may.
pub(crate) fn more(page: &str, clients: &[Client]) -> Option<String> {
    let is_full = i64::try_from(clients.len()).is_ok_and(|rows| rows >= LIST_ROWS_MAX);
    clients.last().filter(|_| is_full).map(|last| format!("{page}?after={}", last.id))
}

/// How an application stands, in one word, by what happened to it last.
pub(crate) fn standing(client: &Client, last: Option<Act>) -> label::State {
    match (client.disabled_at, client.verified_at, last) {
        (Some(_), _, _) => label::State::bad(t("state-off")),
        (None, Some(_), _) => label::State::good(t("state-verified")),
        (None, None, Some(Act::Refused)) => label::State::bad(t("state-refused")),
        (None, None, Some(Act::ChangeAsked)) => label::State::warn(t("state-change-asked")),
        (None, None, _) => label::State::warn(t("state-waits")),
    }
}

/// Whether an application waits for an administrator.
pub(crate) fn waits(client: &Client, last: Option<Act>) -> bool {
    client.disabled_at.is_none() && client.verified_at.is_none() && !last.is_some_and(Act::is_sent_back)
}

/// How the applications stand, and what waits.
pub(crate) fn how_things_are(clients: &[Client], latest: &Latest) -> (String, Option<String>) {
    let waiting = clients.iter().filter(|client| waits(client, latest.get(&client.id).copied())).count();
    let verified = clients.iter().filter(|client| client.verified_at.is_some()).count();
    let how = match (verified, clients.len()) {
        (_, 0) => t("apps-none"),
        (all, many) if all == many => t("apps-all-verified").count("many", many),
        (some, many) => t("apps-some-verified").count("verified", some).count("many", many),
    };
    let but = (waiting > 0).then(|| t("apps-waiting").count("many", waiting).into());
    (how.into(), but)
}

async fn row(
    console: &Console,
    client: &Client,
    names: &BTreeMap<Id<Integration>, String>,
    last: Option<Act>,
) -> Answer<Row> {
    let trusts = console.broker().trusts_of_client(client.id).await?;
    let granted = trusts.iter().filter(|trust| trust.state == trust::State::Granted);
    let granted: Vec<&str> =
        granted.filter_map(|trust| names.get(&trust.integration)).map(String::as_str).collect();
    Ok(Row {
        id: client.id.to_string(),
        client_id: client.client_id.to_string(),
        name: client.name.clone(),
        state: standing(client, last),
        trusted_for: if granted.is_empty() { t("apps-nothing-yet").into() } else { granted.join(", ") },
        registered: console.moment(client.created_at),
    })
}
