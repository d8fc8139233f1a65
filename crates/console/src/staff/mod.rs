//! Integrations as staff look after them, each page by the roles of contract 4: what the API does not answer, no page shows.

pub(crate) mod alert;
pub(crate) mod api;
pub(crate) mod aside;
pub(crate) mod integration;
pub(crate) mod log;
pub(crate) mod metric;
mod said;
pub(crate) mod sync;
pub(crate) mod test;
pub(crate) mod webhook;

use kernel::Permission;
use serde::Deserialize;
use web::Answer;

use crate::{
    frame::{Frame, Here},
    label::State,
    page::staff::{Head, Tab},
    state::Console,
    t,
};
use api::{Staff, encoded};
use said::Integration;

/// A page of an integration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tabbed {
    Overview,
    Syncs,
    Quarantine,
    Logs,
    Metrics,
}

/// Where a list goes on, and what was just done, or refused.
#[derive(Deserialize)]
pub(crate) struct Asked {
    cursor: Option<String>,
    done: Option<String>,
    refused: Option<String>,
}

impl Asked {
    /// The part of the list at this path of the API.
    fn part(&self, path: &str) -> String {
        match &self.cursor {
            Some(cursor) => format!("{path}?cursor={}", encoded(cursor)),
            None => path.to_owned(),
        }
    }
}

/// An integration, as whoever asks may see it.
async fn found(staff: &Staff, id: &str) -> Answer<Integration> {
    staff.get(&format!("/{}", encoded(id))).await
}

/// Where the pages of an integration are.
pub(crate) fn base_of(id: &str) -> String {
    format!("/staff/integrations/{id}")
}

/// How an integration stands, by the word of the contract.
pub(crate) fn state_of(status: &str) -> State {
    match status {
        "active" => State::good(t("staff-active")),
        "inactive" => State::quiet(t("staff-inactive")),
        "error" => State::bad(t("staff-error")),
        "archived" => State::quiet(t("staff-archived")),
        _ => State::warn(t("staff-pending")),
    }
}

/// How a test went, by the word of the contract.
fn tested_of(status: &str) -> State {
    match status {
        "success" => State::good(t("staff-test-success")),
        "warning" => State::warn(t("staff-test-warning")),
        _ => State::bad(t("staff-test-error")),
    }
}

/// The same in a sentence.
fn how_it_is(console: &Console, one: &Integration) -> String {
    let said = match (one.status.as_str(), one.tested_at, one.last_sync) {
        ("active", _, Some(at)) => t("staff-how-synced").of("when", console.moment(at).in_words()),
        ("active", _, None) => t("staff-how-active"),
        ("inactive", ..) => t("staff-how-inactive"),
        ("error", ..) => t("staff-how-error"),
        ("archived", ..) => t("staff-how-archived"),
        (_, Some(_), _) => t("staff-how-tested"),
        (_, None, _) => t("staff-how-pending"),
    };
    said.into()
}

/// What is on every page of an integration. Those that whoever asks may not open are not led to.
fn head(console: &Console, staff: &Staff, one: &Integration, here: Tabbed) -> Head {
    let base = base_of(&one.id);
    let may = |permission| staff.may(permission, (one.org_id, &one.study_ids));
    let all = [
        (Tabbed::Overview, "", t("staff-overview"), true),
        (Tabbed::Syncs, "/syncs", t("staff-syncs"), true),
        (Tabbed::Quarantine, "/quarantine", t("staff-quarantine"), may(Permission::Records)),
        (Tabbed::Logs, "/logs", t("staff-logs"), may(Permission::Logs)),
        (Tabbed::Metrics, "/metrics", t("staff-metrics"), may(Permission::Logs)),
    ];
    let tab = |(tab, below, words, is_open): (Tabbed, &str, crate::language::Said, bool)| {
        is_open.then(|| Tab { href: format!("{base}{below}"), words: words.into(), is_here: tab == here })
    };
    Head {
        id: one.id.clone(),
        name: one.name.clone(),
        how: how_it_is(console, one),
        state: state_of(&one.status),
        tabs: all.into_iter().filter_map(tab).collect(),
    }
}

/// The frame of a page of an integration.
async fn frame(staff: &Staff, title: &str) -> Answer<Frame> {
    Ok(Frame::inside(title.to_owned(), Here::StaffIntegrations, staff.viewer().await?))
}
