//! Unlink an account, after saying what will happen.  contract 1, `DELETE /integrations/v1/{integration-id}`

use auth::SignedIn;
use axum::{extract::State, response::Response};
use broker::By;
use http::StatusCode;
use web::{Answer, Path, Problem};

use crate::{
    page::services::unlink_question,
    respond::{done, page},
    state::Console,
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
    let users: Vec<&str> = linked.used_by.iter().map(|used_by| used_by.name.as_str()).collect();
    page(&unlink_question(console.viewer(&who).await?, &linked.slug, &linked.name, &users))
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
