//! Coming in, and one's own sign-in.

use kernel::{Id, Issue, Secret, Timestamp};

use super::{DAY, HOUR, MINUTE, ago, shown};
use crate::{
    account::go_on::Onward,
    frame::{Frame, Here, Notice, Viewer},
    language::{Said, heard},
    page::{
        enter::{self, Enter},
        plain,
        security::{
            AddApp, Codes, FactorLine, LinkLine, Security, SessionLine, acr_words, add_app_form,
            how_you_sign_in, kind_words, qr_path,
        },
        way,
    },
    t,
};
use auth::{
    person::factor::{Factor, First, Kind},
    session::Acr,
};

pub(super) fn samples() -> Vec<(&'static str, String)> {
    let onward = Onward::of("/integrations/", "");
    let sign_in = |email| {
        let providers = vec![("nhs-login".to_owned(), "NHS login".to_owned())];
        Enter::around(plain::sign_in("/integrations/", email, true), &onward, true, providers)
    };
    let mut refused = sign_in("morag@example.org");
    let wrong = Issue::at("password", "The e-mail address or the password is not right.");
    refused.form = refused.form.map(|form| form.refused(vec![wrong]));
    let mut second_refused = enter::second(&onward, First::Provider, true, false);
    let wrong = Issue::at("code", "The code is not right, or was used before.");
    second_refused.form = second_refused.form.map(|form| form.refused(vec![wrong]));
    let mut refused_change = security(all());
    refused_change.frame.notice =
        Some(Notice::failed(heard("You have as many as anybody may have. Remove one first.")));
    vec![
        shown("sign-in", &sign_in("")),
        shown("sign-in-refused", &refused),
        shown("second-step", &enter::second(&onward, First::Password, true, true)),
        shown("second-step-refused", &second_refused),
        shown("security", &security(all())),
        shown("security-new", &security(Vec::new())),
        shown("security-later", &Security { may_change: false, ..security(all()) }),
        shown("add-app", &add_app()),
        shown("recovery-codes", &codes()),
        shown("factor-rename", &way::rename(viewer(), &factor())),
        shown("factor-remove", &way::remove(viewer(), &factor(), 1)),
        shown("factor-refused", &refused_change),
        shown("link", &way::link(viewer(), "nhs-login", "NHS login")),
        shown("unlink-provider", &way::unlink(viewer(), "nhs-login", "NHS login")),
    ]
}

fn frame(title: Said) -> Frame {
    Frame::inside(title, Here::Security, viewer())
}

fn viewer() -> Viewer {
    Viewer::sample_person()
}

fn factor() -> Factor {
    let since = Timestamp::from_seconds(1_795_000_000);
    Factor { id: Id::from_bytes([7; 16]), kind: Kind::App, name: "Pixel 9".to_owned(), since, used_at: None }
}

fn security(factors: Vec<FactorLine>) -> Security {
    let kinds = if factors.is_empty() { vec![] } else { vec![Kind::App, Kind::Passkey] };
    let session = |id: &str, browser: &str, with, began, seen| SessionLine {
        id: id.to_owned(),
        browser: browser.to_owned(),
        with: acr_words(with).into(),
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
        frame: frame(t("security-title")),
        how: how_you_sign_in(kinds.into_iter()),
        may_change: true,
        has_passkeys: true,
        codes_left: 9,
        links: vec![link("nhs-login", "NHS login", Some(ago(20 * DAY))), link("google", "Google", None)],
        factors,
        sessions: vec![
            session("a", "Firefox on Linux", Acr::Mfa, 3 * MINUTE, 0),
            session("b", "Safari on iPhone", Acr::Passkey, 5 * HOUR, 40 * MINUTE),
            session("c", "", Acr::Password, 8 * HOUR, 55 * MINUTE),
        ],
    }
}

fn all() -> Vec<FactorLine> {
    let line = |id: &str, kind, name: &str, since, used| FactorLine {
        id: id.to_owned(),
        kind: kind_words(kind).into(),
        name: name.to_owned(),
        since: ago(since),
        used,
    };
    vec![
        line("a", Kind::App, "Pixel 9", 90 * DAY, Some(ago(3 * MINUTE))),
        line("b", Kind::Passkey, "YubiKey", 2 * DAY, None),
    ]
}

fn add_app() -> AddApp {
    let uri = "otpauth://totp/Hilum:morag%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Hilum&algorithm=SHA1&digits=6&period=30";
    AddApp {
        frame: frame(t("app-add")),
        picture: qr_path(uri),
        uri: uri.to_owned(),
        key: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP".to_owned(),
        form: add_app_form("a", ""),
    }
}

fn codes() -> Codes {
    let codes = ["4k7q-9mzt-a2wd", "xr5n-0bvf-7hcj", "q8ge-3tys-k1pm", "w6da-zn4x-5rbh", "2cfv-jm9k-t0qe"];
    let codes = codes.iter().cycle().take(10).map(|code| Secret::new((*code).to_owned())).collect();
    Codes { frame: frame(t("codes-yours")), codes }
}
