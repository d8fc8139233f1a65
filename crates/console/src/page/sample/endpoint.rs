//! What staff and receivers see of a webhook endpoint.

use kernel::Secret;

use super::{DAY, HOUR, MINUTE, admin::ID, ago, ahead, shown};
use crate::{
    frame::Frame,
    label::State,
    page::endpoint::{
        Call, Deliveries, Delivery, DeliveryRow, Endpoint, Health, Key, NewSecret, Stands, Told, left,
        no_link, notice, replay_form, standing,
    },
    t,
    webhook::view::rotating,
};

const KEY: &str = "whpk_hxlCeSiuVGjvcSYu3CtdJv9eYJDeA7jUB4mOvV+o6yI=";

pub(super) fn samples() -> Vec<(&'static str, String)> {
    let base = base();
    let quiet = Endpoint {
        deliveries: Deliveries { rows: Vec::new(), newer: None, older: None, ..deliveries() },
        how: t("hook-how-quiet").into(),
        reason: None,
        ..endpoint(State::good(t("hook-enabled")))
    };
    let paused = Endpoint {
        stands: Stands::Waits,
        paused_by: Some(t("hook-paused-by-receiver").into()),
        how: t("hook-how-paused").count("many", 3).into(),
        frame: frame().telling(notice(Some("paused"))),
        ..endpoint(State::quiet(t("hook-paused")))
    };
    let held = Endpoint {
        stands: Stands::Held,
        paused_by: Some(t("hook-paused-by-staff").into()),
        how: t("hook-how-paused").count("many", 3).into(),
        frame: frame().telling(notice(Some("held"))),
        ..endpoint(State::quiet(t("hook-paused")))
    };
    vec![
        shown("receiver", &endpoint(State::warn(t("hook-failing")))),
        shown("receiver-empty", &quiet),
        shown("receiver-paused", &paused),
        shown("receiver-held", &held),
        shown("receiver-delivery", &delivery()),
        shown("receiver-rotate", &rotating(frame(), &base, "Riverside Lab".to_owned())),
        shown("receiver-secret", &secret()),
        shown("receiver-none", &no_link()),
        shown("receiver-left", &left()),
    ]
}

fn base() -> String {
    format!("/receivers/{ID}")
}

fn frame() -> Frame {
    Frame::outside("Riverside Lab")
}

pub(super) fn endpoint(state: State) -> Endpoint {
    let types = ["connection.linked", "connection.revoked", "sync.completed", "webhook.test"];
    Endpoint {
        frame: frame(),
        back: None,
        base: base(),
        name: "Riverside Lab".to_owned(),
        how: t("hook-how-failing").of("since", ago(2 * HOUR).in_words()).into(),
        state,
        stands: Stands::Told,
        url: "https://hooks.riverside.example.org/in".to_owned(),
        paused_by: None,
        reason: None,
        health: Health {
            pending: 3,
            calls: 412,
            taken: Some(t("hook-taken").of("percent", 98).into()),
            p95_ms: Some(184),
            failed: Some((ago(4 * MINUTE), t("hook-answered").of("status", 503).into())),
        },
        told: types.map(|name| Told::of(name, "")).into(),
        keys: vec![
            Key { key: KEY.to_owned(), until: None },
            Key { key: KEY.replace('h', "k"), until: Some(ahead(9 * HOUR)) },
        ],
        deliveries: deliveries(),
        until: Some(ahead(11 * HOUR)),
        links: None,
        may_do: true,
    }
}

fn row(event_type: &str, state: &str, age: u64) -> DeliveryRow {
    DeliveryRow {
        id: ID.to_owned(),
        event_type: event_type.to_owned(),
        state: standing(state),
        attempts: if state == "delivered" { 1 } else { 4 },
        created: ago(age),
        next: (state == "pending").then(|| ahead(26 * MINUTE)),
    }
}

fn deliveries() -> Deliveries {
    let base = base();
    Deliveries {
        filter: String::new(),
        total: 412,
        rows: vec![
            row("sync.completed", "pending", 4 * MINUTE),
            row("connection.linked", "pending", 31 * MINUTE),
            row("connection.linked", "delivered", 3 * HOUR),
            row("sync.completed", "delivered", 5 * HOUR),
            row("connection.revoked", "failed", 4 * DAY),
        ],
        newer: Some(format!("{base}?state=&page=1#deliveries")),
        older: Some(format!("{base}?state=&page=3#deliveries")),
        replay: replay_form(&base, "2026-11-19T10:00"),
    }
}

fn delivery() -> Delivery {
    let call = |number, status: Option<u16>, answer: Option<&str>, error: Option<String>| Call {
        number,
        at: ago(4 * MINUTE),
        took_ms: 184,
        status,
        error,
        answer: answer.map(str::to_owned),
    };
    Delivery {
        frame: frame(),
        back: (base(), "Riverside Lab".to_owned()),
        row: row("connection.linked", "pending", 31 * MINUTE),
        payload: format!("{{\n  \"id\": \"{ID}\",\n  \"type\": \"connection.linked\"\n}}"),
        calls: vec![
            call(2, Some(503), Some("{\"error\": \"maintenance\"}"), None),
            call(1, None, None, Some(t("fault-hook-silent").into())),
        ],
        may_replay: true,
    }
}

fn secret() -> NewSecret {
    NewSecret {
        frame: frame(),
        heading: t("hook-secret-heading").of("name", "Riverside Lab").into(),
        back: base(),
        secret: Secret::new("whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".to_owned()),
        public_key: KEY.to_owned(),
    }
}
