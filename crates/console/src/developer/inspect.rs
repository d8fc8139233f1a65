//! How an application keeps to the rules of its profile, and which of its requests failed.

use auth::{
    Developer, SignedIn,
    client::report::{self, Verdict, report},
    trace::{self, explain, failures_of},
};
use axum::{extract::State, response::Response};
use kernel::Id;
use web::{Answer, Path};

use super::application;
use crate::{
    frame::{Frame, Here},
    label,
    page::inspect::{Conformance, Failure, Failures, Finding, Rule},
    respond::page,
    state::Console,
    t,
};

/// `GET /developer/applications/{id}/conformance`
pub(crate) async fn conformance(
    State(console): State<Console>,
    Developer(who): Developer,
    Path(id): Path<Id<kernel::Client>>,
) -> Answer<Response> {
    let client = application(&console, &who, id).await?;
    let seen = report::seen_of(console.auth(), &who.acting(), id).await?;
    let findings = report(&client, &seen, console.now());
    page(&Conformance {
        frame: frame(&console, &who, t("keeps-title").of("name", &client.name).into()).await?,
        id: id.to_string(),
        profile: client.profile.as_str(),
        how: how_it_keeps(&findings),
        kept: findings.iter().filter(|found| found.verdict == Verdict::Kept).map(rule).collect(),
        findings: findings.iter().filter_map(finding).collect(),
        name: client.name,
    })
}

/// `GET /developer/applications/{id}/failures`
pub(crate) async fn failures(
    State(console): State<Console>,
    Developer(who): Developer,
    Path(id): Path<Id<kernel::Client>>,
) -> Answer<Response> {
    let client = application(&console, &who, id).await?;
    let failures = failures_of(console.auth(), &who.acting(), id).await?;
    page(&Failures {
        frame: frame(&console, &who, t("failures-title").of("name", &client.name).into()).await?,
        id: id.to_string(),
        how: match failures.len() {
            0 => t("failures-none").into(),
            many => t("failures-some").count("many", many).into(),
        },
        failures: failures.into_iter().map(|failure| line(&console, failure)).collect(),
        name: client.name,
    })
}

async fn frame(console: &Console, who: &SignedIn, title: String) -> Answer<Frame> {
    Ok(Frame::inside(title, Here::Developer, console.viewer(who).await?))
}

/// How the application keeps to the rules, in a sentence.
pub(crate) fn how_it_keeps(findings: &[report::Finding]) -> String {
    let of = |verdict| findings.iter().filter(|found| found.verdict == verdict).count();
    let kept = of(Verdict::Kept);
    let said = match (of(Verdict::Broken), of(Verdict::Advice)) {
        (0, 0) => t("keeps-all").count("kept", kept),
        (0, advice) => t("keeps-advice").count("advice", advice).count("kept", kept),
        (broken, advice) => {
            t("keeps-broken").count("broken", broken).count("advice", advice).count("kept", kept)
        }
    };
    said.into()
}

fn rule(found: &report::Finding) -> Rule {
    Rule { id: found.rule.id, asks: found.rule.asks, spec: found.rule.spec }
}

/// A rule that is not kept, as the page shows it.
pub(crate) fn finding(found: &report::Finding) -> Option<Finding> {
    let state = match found.verdict {
        Verdict::Broken => label::State::bad(t("keeps-state-broken")),
        Verdict::Advice => label::State::warn(t("keeps-state-advice")),
        Verdict::Kept | Verdict::NotForIt => return None,
    };
    Some(Finding { rule: rule(found), state, why: found.rule.why, mend: found.rule.mend })
}

fn line(console: &Console, failure: trace::Failure) -> Failure {
    let explanation = explain(&failure.error, &failure.why);
    Failure {
        at: console.moment(failure.at),
        endpoint: failure.endpoint,
        why: failure.why.replace('_', " "),
        error: failure.error,
        got: explanation.got,
        expected: explanation.expected,
        mend: explanation.mend,
        spec: explanation.spec,
        request: failure.request,
    }
}
