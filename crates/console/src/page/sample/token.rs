//! What administrators see of initial access tokens.

use kernel::Secret;

use super::{DAY, HOUR, ago, shown};
use crate::{
    frame::{Frame, Here, Viewer},
    label::State,
    page::token::{Token, TokenMade, Tokens, how_things_are},
    t,
};

fn frame() -> Frame {
    Frame::inside(t("tokens-title"), Here::Applications, Viewer::sample_administrator())
}

pub(super) fn samples() -> Vec<(&'static str, String)> {
    vec![
        shown("admin-tokens", &tokens()),
        shown("admin-tokens-empty", &Tokens { tokens: Vec::new(), how: how_things_are(0), ..tokens() }),
        shown(
            "admin-token-made",
            &TokenMade {
                frame: frame(),
                heading: t("tokens-made-heading").of("name", "Riverside Lab").into(),
                token: Secret::new("hlm_ia_3mZ0J1cBv7d9QkWn2sXe5RtYuIoPaSdFgHjKlZxCvBnM".to_owned()),
                address: "https://kelvin.example.org/oauth2/register".to_owned(),
            },
        ),
    ]
}

fn tokens() -> Tokens {
    let token = |name: &str, state, left, last_use: Option<u64>, ends| Token {
        id: super::admin::ID.to_owned(),
        name: name.to_owned(),
        is_live: left > 0,
        state,
        left,
        made_by: Some("Ailsa Grant".to_owned()),
        made: ago(2 * DAY),
        last_use: last_use.map(ago),
        ends,
    };
    Tokens {
        frame: frame(),
        how: how_things_are(1),
        tokens: vec![
            token("Riverside Lab", State::good(t("tokens-good")), 4, Some(3 * HOUR), super::ahead(5 * DAY)),
            token("Old import", State::quiet(t("tokens-spent")), 0, Some(30 * DAY), ago(20 * DAY)),
        ],
    }
}
