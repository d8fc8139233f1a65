//! Coming in, and one's own sign-in.

use kernel::{Issue, Secret};

use super::{DAY, HOUR, MINUTE, ago, shown};
use crate::{
    account::go_on::Onward,
    frame::{Frame, Here, Viewer},
    page::{
        enter::{self, Enter},
        plain,
        security::{
            AddApp, Codes, FactorLine, LinkLine, Security, SessionLine, add_app_form, how_you_sign_in,
            kind_words, qr_path,
        },
    },
};
use auth::person::factor::Kind;

pub(super) fn samples() -> Vec<(&'static str, String)> {
    let onward = Onward::of("/integrations/", "");
    let sign_in = |email| {
        let providers = vec![("nhs-login".to_owned(), "NHS login".to_owned())];
        Enter::around(plain::sign_in("/integrations/", email, true), &onward, true, providers)
    };
    let mut refused = sign_in("morag@example.org");
    let wrong = Issue::at("password", "The e-mail address and the password do not belong together.");
    refused.form = refused.form.map(|form| form.refused(vec![wrong]));
    let mut second_refused = enter::second(&onward, true, false);
    let wrong = Issue::at("code", "The code is not right, or was used before.");
    second_refused.form = second_refused.form.map(|form| form.refused(vec![wrong]));
    vec![
        shown("sign-in", &sign_in("")),
        shown("sign-in-refused", &refused),
        shown("second-step", &enter::second(&onward, true, true)),
        shown("second-step-refused", &second_refused),
        shown("security", &security(all())),
        shown("security-new", &security(Vec::new())),
        shown("security-later", &Security { may_change: false, ..security(all()) }),
        shown("add-app", &add_app()),
        shown("recovery-codes", &codes()),
    ]
}

fn frame(title: &str) -> Frame {
    Frame::inside(title, Here::Security, Viewer::sample_developer())
}

fn security(factors: Vec<FactorLine>) -> Security {
    let kinds = if factors.is_empty() { vec![] } else { vec![Kind::App, Kind::Passkey] };
    let session = |id: &str, browser: &str, with, began, seen| SessionLine {
        id: id.to_owned(),
        browser: browser.to_owned(),
        with,
        began: ago(began),
        seen: ago(seen),
        is_here: id == "a",
    };
    let link = |slug: &str, name: &str, since| LinkLine {
        slug: slug.to_owned(),
        name: name.to_owned(),
        since,
        used: since.map(|_| ago(5 * HOUR)),
    };
    Security {
        frame: frame("Your sign-in"),
        how: how_you_sign_in(kinds.into_iter()),
        may_change: true,
        has_passkeys: true,
        codes_left: 9,
        links: vec![link("nhs-login", "NHS login", Some(ago(20 * DAY))), link("google", "Google", None)],
        factors,
        sessions: vec![
            session("a", "Firefox on Linux", "with two factors", 3 * MINUTE, 0),
            session("b", "Safari on iPhone", "with a passkey", 5 * HOUR, 40 * MINUTE),
            session("c", "", "with one factor", 8 * HOUR, 55 * MINUTE),
        ],
    }
}

fn all() -> Vec<FactorLine> {
    let line = |id: &str, kind, name: &str, since, used| FactorLine {
        id: id.to_owned(),
        kind: kind_words(kind),
        name: name.to_owned(),
        since: ago(since),
        used,
    };
    vec![
        line("a", Kind::App, "Phone", 90 * DAY, Some(ago(3 * MINUTE))),
        line("b", Kind::Passkey, "Security key in the drawer", 2 * DAY, None),
    ]
}

fn add_app() -> AddApp {
    let uri = "otpauth://totp/Hilum:morag%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Hilum&algorithm=SHA1&digits=6&period=30";
    AddApp {
        frame: frame("Add an authenticator app"),
        picture: qr_path(uri),
        uri: uri.to_owned(),
        key: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP".to_owned(),
        form: add_app_form("a", ""),
    }
}

fn codes() -> Codes {
    let codes = ["4k7q-9mzt-a2wd", "xr5n-0bvf-7hcj", "q8ge-3tys-k1pm", "w6da-zn4x-5rbh", "2cfv-jm9k-t0qe"];
    let codes = codes.iter().cycle().take(10).map(|code| Secret::new((*code).to_owned())).collect();
    Codes { frame: frame("Your recovery codes"), codes }
}
