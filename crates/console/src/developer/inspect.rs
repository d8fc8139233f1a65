//! How an application keeps to the rules of its profile, and which of its requests failed.

use auth::{
    Developer, SignedIn,
    client::{
        self, Client,
        report::{self, Verdict, report},
    },
    trace::{self, explain, failures_of},
};
use axum::{extract::State, response::Response};
use kernel::Id;
use web::{Answer, Path};

use crate::{
    frame::{Frame, Here},
    label,
    page::inspect::{Conformance, Failure, Failures, Finding, Rule},
    respond::page,
    state::Console,
    words::count,
};

/// `GET /developer/applications/{id}/conformance`
pub(crate) async fn conformance(
    State(console): State<Console>,
    Developer(who): Developer,
    Path(id): Path<Id<kernel::Client>>,
) -> Answer<Response> {
    let client = client::get(console.auth(), &who.acting(), id).await?;
    let seen = report::seen_of(console.auth(), &who.acting(), id).await?;
    let findings = report(&client, &seen, console.now());
    page(&Conformance {
        frame: frame(&console, &who, format!("How {} keeps to its profile", client.name)).await?,
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
    let client: Client = client::get(console.auth(), &who.acting(), id).await?;
    let failures = failures_of(console.auth(), &who.acting(), id).await?;
    page(&Failures {
        frame: frame(&console, &who, format!("Failed requests of {}", client.name)).await?,
        id: id.to_string(),
        how: match failures.len() {
            0 => "No request has failed lately.".to_owned(),
            many => format!("{} in the last 30 days.", count(many, "request failed", "requests failed")),
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
    let kept = count(of(Verdict::Kept), "rule is kept", "rules are kept");
    match (of(Verdict::Broken), of(Verdict::Advice)) {
        (0, 0) => format!("It keeps every rule that is for it: {kept}."),
        (0, advice) => format!("No rule is broken; {advice} could be kept better, and {kept}."),
        (broken, advice) => format!(
            "{}, {advice} could be kept better, and {kept}.",
            count(broken, "rule is broken", "rules are broken")
        ),
    }
}

fn rule(found: &report::Finding) -> Rule {
    Rule { id: found.rule.id, asks: found.rule.asks, spec: found.rule.spec }
}

/// A rule that is not kept, as the page shows it.
pub(crate) fn finding(found: &report::Finding) -> Option<Finding> {
    let state = match found.verdict {
        Verdict::Broken => label::State::bad("Broken"),
        Verdict::Advice => label::State::warn("Could be better"),
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
