//! Views as answers: a page, a page with what is wrong, a redirect that tells what was done.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use kernel::{Fault, Issue, Kind};
use serde::Deserialize;
use web::{Answer, Problem, Redirect};

use crate::{frame::Notice, label::Tone, language::Said, t};

/// A page.
pub(crate) fn page(view: &impl Template) -> Answer<Response> {
    match view.render() {
        Ok(html) => Ok(Html(html).into_response()),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            Err(Problem::new(Kind::Internal, Problem::INTERNAL))
        }
    }
}

/// What is wrong with an answer to a form, so that the form can say it.
pub(crate) struct Refusal {
    problem: Problem,
    status: StatusCode,
}

impl Refusal {
    /// A problem that whoever filled in the form can put right. Any other goes on as it is.
    pub(crate) fn of(problem: impl Into<Problem>) -> Answer<Self> {
        let problem = problem.into();
        let status = match problem.kind() {
            // Not 401: that would ask for an HTTP authentication scheme, which pages do not have.
            Kind::Invalid | Kind::Unauthenticated => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::Conflict | Kind::Throttled => problem.status(),
            _ => return Err(problem),
        };
        Ok(Self { problem, status })
    }

    /// One finding of the page's own.
    pub(crate) fn because(field: &'static str, message: &'static str) -> Self {
        let problem = Problem::new(Kind::Invalid, message).with_issues(vec![Issue::at(field, message)]);
        Self { problem, status: StatusCode::UNPROCESSABLE_ENTITY }
    }

    /// A fault of the domain that whoever filled in this field can put right.
    pub(crate) fn at(field: &'static str, fault: &impl Fault) -> Self {
        let message = fault.public();
        let problem =
            Problem::new(Kind::Invalid, message.clone()).with_issues(vec![Issue::at(field, message)]);
        Self { problem, status: StatusCode::UNPROCESSABLE_ENTITY }
    }

    /// The findings, each at its field.
    pub(crate) fn issues(&self) -> Vec<Issue> {
        let problem = &self.problem;
        if problem.issues().is_empty() {
            vec![Issue::at(problem.path().unwrap_or_default().to_owned(), problem.message().to_owned())]
        } else {
            problem.issues().to_vec()
        }
    }

    /// The page with the form again.
    pub(crate) fn page(&self, view: &impl Template) -> Answer<Response> {
        let mut response = page(view)?;
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.problem.headers().clone());
        Ok(response)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        refusal.problem
    }
}

/// What was just done, from one page to the next: a word in the query, so that a reload tells it again and nothing
/// else can be put into the page's mouth.
#[derive(Deserialize)]
pub(crate) struct Told {
    done: Option<String>,
    error: Option<String>,
}

impl Told {
    /// The notice for it.
    pub(crate) fn notice(&self) -> Option<Notice> {
        if let Some(error) = &self.error {
            return Some(Notice::failed(not_linked(error)));
        }
        let text: String = match self.done.as_deref()? {
            "unlinked" => t("told-unlinked").into(),
            "revoked" => t("told-revoked").into(),
            "added" => t("told-added").into(),
            "saved" => t("told-saved").into(),
            "removed" => t("told-removed").into(),
            "signed-out" => t("told-signed-out").into(),
            "more-needed" => return Some(Notice { tone: Tone::Warn, text: t("told-more-needed").into() }),
            "connection-deleted" => t("connections-told-deleted").into(),
            "key-deleted" => t("keys-told-deleted").into(),
            "token-revoked" => t("tokens-told-revoked").into(),
            "upstream-disabled" => t("upstream-told-disabled").into(),
            "upstream-enabled" => t("upstream-told-enabled").into(),
            "sent-back" => t("review-told-sent-back").into(),
            "asked-again" => t("review-told-asked-again").into(),
            other => of_work(other)?.into(),
        };
        Some(Notice::done(text))
    }
}

/// What developers and administrators have done.
fn of_work(word: &str) -> Option<Said> {
    Some(match word {
        "asked" => t("told-asked"),
        "granted" => t("told-granted"),
        "withdrawn" => t("told-withdrawn"),
        "verified" => t("told-verified"),
        "ended" => t("told-ended"),
        "enabled" => t("told-enabled"),
        "disabled" => t("told-disabled"),
        _ => return None,
    })
}

/// Why a service was not linked, by the code that the connect flow brings back.  RFC 6749 §4.1.2.1
fn not_linked(code: &str) -> String {
    let said = match code {
        "access_denied" => t("told-access-denied"),
        "invalid_scope" => t("told-invalid-scope"),
        "temporarily_unavailable" => t("told-unavailable"),
        _ => t("told-not-linked"),
    };
    said.into()
}

/// On to a page of ours, telling there what was done.
pub(crate) fn done(page: &str, word: &'static str) -> Answer<Response> {
    Ok(Redirect::to_trusted(&format!("{page}?done={word}"))?.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_words_are_told() {
        let told =
            |done: &str| Told { done: Some(done.to_owned()), error: None }.notice().map(|notice| notice.text);
        assert_eq!(told("saved").as_deref(), Some("Saved."));
        assert_eq!(told("<b>your account is closed, call us</b>"), None);
        let failed = Told { done: None, error: Some("made_up".to_owned()) }.notice().unwrap();
        assert!(failed.text.starts_with("It was not linked"));
    }

    #[test]
    fn only_what_a_person_can_put_right_is_told_in_the_form() {
        let refusal = |kind| Refusal::of(Problem::new(kind, "because"));
        assert_eq!(refusal(Kind::Unauthenticated).ok().unwrap().status.as_u16(), 422);
        assert_eq!(refusal(Kind::Conflict).ok().unwrap().status.as_u16(), 409);
        assert_eq!(refusal(Kind::Invalid).ok().unwrap().issues()[0].message, "because");
        for kind in [Kind::Internal, Kind::Unavailable, Kind::NotFound, Kind::Forbidden] {
            assert!(refusal(kind).is_err());
        }
    }
}
