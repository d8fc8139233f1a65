//! Unlink an account, after saying what will happen.  contract 1, `DELETE /integrations/v1/{integration-id}`

use auth::SignedIn;
use axum::{extract::State, response::Response};
use broker::{By, connection::ConnectionSummary};
use http::StatusCode;
use web::{Answer, Path, Problem};

use crate::{
    form::Form,
    frame::{Frame, Here, Viewer},
    page::confirm::Confirm,
    respond::{done, page},
    state::Console,
    t,
};

/// `GET /integrations/{slug}/unlink`
pub(crate) async fn ask(
    State(console): State<Console>,
    who: SignedIn,
    Path(slug): Path<String>,
) -> Answer<Response> {
    let all = console.broker().summary_of(who.organisation, who.person).await?;
    let linked = all.into_iter().find(|one| one.slug == slug && one.can_unlink);
    let linked = linked.ok_or_else(|| Problem::of_status(StatusCode::NOT_FOUND))?;
    page(&view(console.viewer(&who).await?, &linked))
}

/// `POST /integrations/{slug}/unlink`
pub(crate) async fn unlink(
    State(console): State<Console>,
    who: SignedIn,
    Path(slug): Path<String>,
) -> Answer<Response> {
    let by = By::new(who.acting().actor, who.request.clone());
    console.broker().unlink_by_slug(who.person, &slug, &by).await?;
    done("/integrations/", "unlinked")
}

fn view(viewer: Viewer, linked: &ConnectionSummary) -> Confirm {
    let name = &linked.name;
    let users: Vec<&str> = linked.used_by.iter().map(|used_by| used_by.name.as_str()).collect();
    let lead =
        if users.is_empty() { t("unlink-nobody") } else { t("unlink-users").of("names", users.join(", ")) };
    let question: String = t("unlink-question").of("name", name).into();
    let effects = [
        t("unlink-destroy").of("name", name),
        t("unlink-tell").of("name", name),
        t("unlink-read-before"),
        t("unlink-again"),
    ];
    Confirm {
        frame: Frame::inside(question.clone(), Here::Services, viewer),
        back: ("/integrations/".to_owned(), t("services-title").into()),
        heading: question,
        lead: lead.into(),
        effects: effects.map(String::from).into(),
        form: Form::new(format!("/integrations/{}/unlink", linked.slug), t("services-unlink"))
            .or_back_to("/integrations/")
            .dangerous(),
    }
}
