//! What developers see of API keys.

use kernel::Secret;

use super::{DAY, HOUR, ago, shown};
use crate::{
    frame::{Frame, Here, Viewer},
    label::State,
    page::connection::{Connection, ConnectionSecret, Connections},
    page::keys::{Key, KeyMade, Keys, how_things_are},
    permission, t,
};

const KEY_ID: &str = "k7m2qd.labreports";

fn frame() -> Frame {
    Frame::inside(t("keys-title"), Here::Keys, Viewer::sample_administrator())
}

pub(super) fn samples() -> Vec<(&'static str, String)> {
    vec![
        shown("developer-keys", &keys()),
        shown("developer-keys-empty", &Keys { keys: Vec::new(), how: how_things_are(0), ..keys() }),
        shown(
            "developer-key-made",
            &KeyMade {
                frame: frame(),
                heading: t("keys-made-heading").of("name", "Lab reports").into(),
                key_id: KEY_ID.to_owned(),
                key: Secret::new("hlm_ak_3mZ0J1cBv7d9QkWn2sXe5RtYuIoPaSdFgHjKlZxCvBnM".to_owned()),
            },
        ),
        shown(
            "connection-secret",
            &ConnectionSecret {
                frame: frame(),
                back: "/developer/".to_owned(),
                client_id: "kq3vXb7TfN2mR8sJ5hWcYw.pulsediary".to_owned(),
                redirect_uri: "https://ward.example.org/signed-in".to_owned(),
                secret: Secret::new("uXhEczJ56adsfh3Ri9SUkc4enQ0mZx1V".to_owned()),
            },
        ),
    ]
}

/// The connections of an application, on these pages.
pub(super) fn connections(pages: &str) -> Connections {
    let id = "0190b6e0-0000-7000-8000-00000000000c";
    let one = |consumer: &str, kind: Option<&str>, state, last_use: Option<u64>| Connection {
        id: id.to_owned(),
        consumer: consumer.to_owned(),
        kind: kind.map(str::to_owned),
        redirect_uri: "https://ward.example.org/signed-in".to_owned(),
        state,
        made: ago(64 * DAY),
        last_use: last_use.map(ago),
    };
    Connections {
        page: format!("{pages}/{id}"),
        all: vec![
            one("Ward system", Some("MIS"), State::good(t("connections-in-use")), Some(2 * HOUR)),
            one("Old pharmacy", None, State::bad(t("connections-off")), None),
        ],
    }
}

fn keys() -> Keys {
    let key = |name: &str, key_id: &str, scope: &str, last_use: Option<u64>, ends: Option<u64>| Key {
        id: "0190b6e0-0000-7000-8000-00000000000b".to_owned(),
        key_id: key_id.to_owned(),
        name: name.to_owned(),
        scopes: vec![(scope.to_owned(), permission::sentence(scope))],
        made: ago(64 * DAY),
        last_use: last_use.map(ago),
        is_over: ends.is_some(),
        ends: ends.map(ago),
    };
    Keys {
        frame: frame(),
        how: how_things_are(2),
        keys: vec![
            key("Lab reports", KEY_ID, "system/Observation.rs", Some(3 * HOUR), None),
            key("Old import", "k7m2qd.oldimport", "client:read", None, Some(4 * DAY)),
        ],
        may_verify: true,
    }
}
