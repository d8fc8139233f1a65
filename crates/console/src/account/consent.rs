//! May this application act for me?  OpenID Connect Core 1.0 §3.1.2.4

use auth::{
    SignedIn,
    authorize::{self, Pending},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use kernel::Scopes;
use web::{Answer, Form, Query, Redirect};

use super::answer::{Waiting, decision, verified};
use crate::{
    answers::Answers,
    frame::Frame,
    language::Said,
    page::consent::{Consent, Group, Permission},
    permission::{self, Line},
    respond::page,
    state::Console,
    t,
};

/// `GET /consent`
pub(crate) async fn ask(
    State(console): State<Console>,
    who: SignedIn,
    Query(waiting): Query<Waiting>,
) -> Answer<Response> {
    let pending = authorize::pending(console.auth(), &who, waiting.request).await?;
    if pending.is_open {
        let first = format!("/launch/patient?request={}", waiting.request);
        return Ok(Redirect::to_trusted(&first)?.into_response());
    }
    page(&view(&console, &who, &pending).await?)
}

/// `POST /consent`: on to the application, with a code or with a refusal.
pub(crate) async fn decide(
    State(console): State<Console>,
    who: SignedIn,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let (waiting, decision) = (Waiting::of(&answers)?, decision(&answers)?);
    Ok(authorize::decide(console.auth(), &who, waiting.request, &decision).await?.into_response())
}

async fn view(console: &Console, who: &SignedIn, pending: &Pending) -> Answer<Consent> {
    let client = &pending.client;
    let viewer = console.viewer(who).await?;
    let title = t("consent-title").of("client", &client.name);
    Ok(Consent {
        action: "/consent".to_owned(),
        person: viewer.name.clone(),
        frame: Frame { viewer: Some(viewer), ..Frame::outside(title) },
        request: pending.id.to_string(),
        client: client.name.clone(),
        verified: verified(console, client).await?,
        returns_to: home(&pending.redirect_uri),
        patient: pending.patient.clone(),
        before: before(&pending.scopes, &pending.allowed_before),
        groups: groups(&pending.scopes, &pending.allowed_before),
    })
}

/// What the person allowed before, in a sentence.
pub(crate) fn before(asked: &Scopes, allowed: &Scopes) -> String {
    let (known, all) = (asked.intersection(allowed).iter().count(), asked.iter().count());
    let said = match known {
        0 => t("consent-before-none"),
        some if some == all => t("consent-before-all"),
        some => t("consent-before-some").count("many", some),
    };
    said.into()
}

/// Each scope as a line of its own that can be unticked, but for those without which nothing is left to allow.
pub(crate) fn groups(asked: &Scopes, allowed: &Scopes) -> Vec<Group> {
    let mut nth = 0;
    let mut permission = |line: Line| {
        nth += 1;
        Permission {
            nth,
            needed: needed(&line.scope).map(String::from),
            is_known: allowed.has(&line.scope),
            scope: line.scope,
            words: line.words,
        }
    };
    let group = |group: permission::Group| Group {
        heading: group.heading,
        permissions: group.lines.into_iter().map(&mut permission).collect(),
    };
    permission::groups(asked).into_iter().map(group).collect()
}

/// Why a scope cannot be left out: without `openid` there is nobody to speak of (OIDC Core §3.1.2.1), and without the
/// launch no patient (SMART App Launch 2.2 §2.0.10). Everything else is the person's to refuse.
fn needed(scope: &str) -> Option<Said> {
    match scope {
        "openid" => Some(t("consent-needed-sign-in")),
        "launch" | "launch/patient" => Some(t("consent-needed-launch")),
        _ => None,
    }
}

/// Where the answer goes, as far as a person can judge it: the host, or an application on the device.
fn home(redirect_uri: &str) -> String {
    match redirect_uri.split_once("://") {
        Some(("https" | "http", rest)) => rest.split(['/', '?']).next().unwrap_or_default().to_owned(),
        Some((scheme, _)) => t("consent-on-device").of("scheme", scheme).into(),
        None => redirect_uri.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_sees_where_the_answer_goes() {
        assert_eq!(home("https://diary.example:8443/signed-in?x=y"), "diary.example:8443");
        assert_eq!(home("myapplication://signed-in"), "an application on this device (myapplication://)");
    }

    #[test]
    fn everything_can_be_left_out_but_what_nothing_works_without() {
        let asked = "openid profile offline_access launch/patient patient/Observation.rs".parse().unwrap();
        let known = "openid profile".parse().unwrap();
        let lines: Vec<Permission> =
            groups(&asked, &known).into_iter().flat_map(|group| group.permissions).collect();
        let named = |is: fn(&Permission) -> bool| -> Vec<&str> {
            let mut scopes: Vec<_> =
                lines.iter().filter(|line| is(line)).map(|line| line.scope.as_str()).collect();
            scopes.sort_unstable();
            scopes
        };
        assert_eq!(named(|line| line.needed.is_some()), ["launch/patient", "openid"]);
        assert_eq!(named(|line| line.is_known), ["openid", "profile"]);
        assert_eq!(named(|_| true).len(), 5);
        let mut numbers: Vec<usize> = lines.iter().map(|line| line.nth).collect();
        numbers.dedup();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_person_reads_what_was_allowed_before() {
        let said = |asked: &str, allowed: &str| before(&asked.parse().unwrap(), &allowed.parse().unwrap());
        assert_eq!(said("a b", ""), "You have not allowed this application anything yet.");
        assert_eq!(said("a b", "b c"), "You allowed 1 of these before.");
        assert!(said("a b", "a b c").starts_with("You allowed all of this before."));
    }
}
