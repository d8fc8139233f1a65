//! An endpoint as its page shows it, for staff and for whoever receives its calls.

use std::time::Duration;

use kernel::{EventRow, Id, Secret, Timestamp};
use serde::Deserialize;
use web::Answer;
use webhooks::{
    Desk,
    delivery::{
        health::HealthOut,
        list::{DeliveriesIn, DeliveriesOut, DeliveryOut, Standing},
        replay::{ReplayIn, Which},
        view::AttemptOut,
    },
    endpoint::{PausedBy, State, view::EndpointOut},
};

use crate::{
    answers::Answers,
    form,
    frame::Frame,
    label,
    language::heard,
    page::{
        confirm::Confirm,
        endpoint::{
            Call, Deliveries, Delivery, DeliveryRow, Endpoint, Health, Key, NewSecret, Stands, Told,
            replay_form, standing,
        },
    },
    respond::Refusal,
    state::Console,
    t,
};

/// How far back the form looks that makes deliveries again, unless somebody says otherwise.
const REPLAYED_SINCE: Duration = Duration::from_hours(24);
/// As many letters of an instant as a browser's field holds: `2026-11-22T10:00`.
const FIELD_LETTERS: usize = 16;

/// Which deliveries are shown, and what was just done.
#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    pub(crate) state: Option<String>,
    pub(crate) page: Option<i64>,
    pub(crate) done: Option<String>,
}

impl Asked {
    fn deliveries(&self) -> DeliveriesIn {
        let state = match self.state.as_deref() {
            Some("pending") => Some(Standing::Pending),
            Some("delivered") => Some(Standing::Delivered),
            Some("failed") => Some(Standing::Failed),
            _ => None,
        };
        DeliveriesIn { state, page: self.page, ..DeliveriesIn::default() }
    }
}

/// The page of an endpoint, for whoever sits at this desk; who that is, is for the caller to say.
pub(crate) async fn endpoint(
    console: &Console,
    desk: &Desk,
    (base, asked): (&str, &Asked),
) -> Answer<Endpoint> {
    let (out, health) = (desk.endpoint().await?, desk.health().await?);
    let asked = asked.deliveries();
    let found = desk.deliveries(&asked).await?;
    let told = console.webhooks().told(&out.event_types);
    Ok(Endpoint {
        frame: Frame::outside(out.name.clone()),
        back: None,
        base: base.to_owned(),
        how: how_it_does(console, &health),
        state: state_of(&health),
        stands: match out.state {
            State::Enabled => Stands::Told,
            State::Paused | State::Disabled if desk.may_enable(&out) => Stands::Waits,
            State::Paused | State::Disabled => Stands::Held,
        },
        paused_by: out.paused_by.map(|who| match who {
            PausedBy::Staff => t("hook-paused-by-staff").into(),
            PausedBy::Receiver => t("hook-paused-by-receiver").into(),
        }),
        reason: health.reason.as_deref().map(heard),
        health: figures(console, &health),
        told: told.iter().map(|one| Told::of(one.name, one.description)).collect(),
        keys: out.public_keys.iter().map(|key| key_of(console, key)).collect(),
        deliveries: deliveries(console, base, &asked, found),
        until: None,
        links: None,
        may_do: false,
        name: out.name,
        url: out.url,
    })
}

fn key_of(console: &Console, key: &webhooks::endpoint::PublicKey) -> Key {
    Key { key: key.key.clone(), until: key.until.map(|at| console.moment(at)) }
}

fn failing(health: &HealthOut) -> bool {
    health.failures_in_a_row > 0
}

/// How an endpoint stands, as a label.
fn state_of(health: &HealthOut) -> label::State {
    match health.state {
        State::Enabled if failing(health) => label::State::warn(t("hook-failing")),
        State::Enabled => label::State::good(t("hook-enabled")),
        State::Paused => label::State::quiet(t("hook-paused")),
        State::Disabled => label::State::bad(t("hook-disabled")),
    }
}

/// The same in a sentence.
fn how_it_does(console: &Console, health: &HealthOut) -> String {
    let many = |count: i64| usize::try_from(count).unwrap_or_default();
    let said = match health.state {
        State::Paused => t("hook-how-paused").count("many", many(health.pending)),
        State::Disabled => t("hook-how-disabled").count("many", many(health.pending)),
        State::Enabled => match (failing(health), health.failing_since) {
            (true, Some(since)) => {
                let since = console.moment(since).in_words();
                t("hook-how-failing").of("since", since)
            }
            (true, None) => t("hook-how-fails"),
            (false, _) if health.calls == 0 => t("hook-how-quiet"),
            (false, _) => t("hook-how-well").count("many", health.calls),
        },
    };
    said.into()
}

fn figures(console: &Console, health: &HealthOut) -> Health {
    let percent = |rate: f64| format!("{:.0}", (rate * 100.0).floor());
    Health {
        pending: health.pending,
        calls: health.calls,
        taken: health.success_rate.map(|rate| t("hook-taken").of("percent", percent(rate)).into()),
        p95_ms: health.p95_ms,
        failed: health.last_failure.as_ref().map(|failure| {
            let why = why_of(failure.status, failure.error.as_deref()).unwrap_or_default();
            (console.moment(failure.at), why)
        }),
    }
}

/// Why a call failed: the status says it where there is one.
fn why_of(status: Option<u16>, error: Option<&str>) -> Option<String> {
    let error = error?;
    match status {
        Some(status) => Some(t("hook-answered").of("status", status).into()),
        None => Some(heard(error)),
    }
}

fn row(console: &Console, one: &DeliveryOut) -> DeliveryRow {
    DeliveryRow {
        id: one.event_id.to_string(),
        event_type: one.event_type.clone(),
        state: standing(&one.state),
        attempts: one.attempts,
        created: console.moment(one.created_at),
        next: one.next_try_at.map(|at| console.moment(at)),
    }
}

fn deliveries(console: &Console, base: &str, asked: &DeliveriesIn, found: DeliveriesOut) -> Deliveries {
    let filter = asked.state.map(Standing::as_str).unwrap_or_default();
    let paging = found.paging;
    let at = |page: i64| format!("{base}?state={filter}&page={page}#deliveries");
    let since = (console.now() - REPLAYED_SINCE).to_string();
    Deliveries {
        filter: filter.to_owned(),
        total: usize::try_from(paging.total).unwrap_or_default(),
        rows: found.items.iter().map(|one| row(console, one)).collect(),
        newer: (paging.page > 1).then(|| at(paging.page - 1)),
        older: (paging.page < paging.pages.min(web::PAGE_MAX)).then(|| at(paging.page + 1)),
        replay: replay_form(base, since.get(..FIELD_LETTERS).unwrap_or_default()),
    }
}

/// The page of one delivery; whether it may be made again is for the caller to say.
pub(crate) async fn delivery(
    console: &Console,
    desk: &Desk,
    (base, event): (&str, Id<EventRow>),
) -> Answer<Delivery> {
    let name = desk.endpoint().await?.name;
    let found = desk.delivery(event).await?;
    Ok(Delivery {
        frame: Frame::outside(name.clone()),
        back: (base.to_owned(), name),
        row: row(console, &found.delivery),
        payload: serde_json::to_string_pretty(&found.payload).unwrap_or_default(),
        calls: found.log.iter().map(|call| call_of(console, call)).collect(),
        may_replay: false,
    })
}

fn call_of(console: &Console, call: &AttemptOut) -> Call {
    Call {
        number: call.number,
        at: console.moment(call.at),
        took_ms: call.duration_ms,
        status: call.status,
        error: why_of(None, call.error.as_deref().filter(|_| call.status.is_none())),
        answer: call.answer.clone(),
    }
}

/// Which deliveries are made again, as the form says it.
pub(crate) fn replay_of(answers: &Answers) -> Result<ReplayIn, Refusal> {
    let since: Option<Timestamp> = match answers.text("since") {
        text if text.len() == FIELD_LETTERS => format!("{text}:00Z").parse().ok(),
        text => format!("{text}Z").parse().ok(),
    };
    let since = since.ok_or_else(|| Refusal::because("since", "must be a day and a time"))?;
    let state = if answers.text("which") == "all" { Which::All } else { Which::Failed };
    Ok(ReplayIn { since, until: None, state })
}

/// The question before new keys are drawn.
pub(crate) fn rotating(frame: Frame, base: &str, name: String) -> Confirm {
    Confirm {
        frame,
        heading: t("hook-rotate-question").of("name", &name).into(),
        back: (base.to_owned(), name),
        lead: t("hook-rotate-lead").into(),
        effects: [t("hook-rotate-once"), t("hook-rotate-overlap"), t("hook-rotate-public")]
            .map(String::from)
            .into(),
        form: form::Form::new(format!("{base}/secret"), t("hook-rotate")).or_back_to(base),
    }
}

/// The keys that were drawn.
pub(crate) fn rotated(frame: Frame, base: &str, out: EndpointOut) -> NewSecret {
    NewSecret {
        frame,
        heading: t("hook-secret-heading").of("name", &out.name).into(),
        back: base.to_owned(),
        secret: Secret::new(out.secret.unwrap_or_default()),
        public_key: out.public_keys.first().map(|key| key.key.clone()).unwrap_or_default(),
    }
}
