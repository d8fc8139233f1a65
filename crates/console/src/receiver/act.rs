//! What whoever receives an endpoint's calls does with it: a test, a pause, what was not taken once more.

use axum::{extract::State, response::Response};
use kernel::{EventRow, Id};
use web::{Answer, Form, Path};
use webhooks::{
    WebhookFault,
    endpoint::{Endpoint, State as Standing},
};

use super::{Visitor, base_of, nothing};
use crate::{
    answers::Answers,
    frame::Frame,
    respond::{Refusal, done},
    state::Console,
    webhook::view::{self, Asked, replay_of},
};

/// `POST /receivers/{id}/test`
pub(crate) async fn test(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<Id<Endpoint>>,
) -> Answer<Response> {
    let Some(visit) = visitor.at(&console, id).await? else { return nothing() };
    visit.desk.test().await?;
    done(&base_of(id), "tested")
}

/// `POST /receivers/{id}/pause`
pub(crate) async fn pause(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<Id<Endpoint>>,
) -> Answer<Response> {
    let Some(visit) = visitor.at(&console, id).await? else { return nothing() };
    visit.desk.stand(Standing::Paused).await?;
    done(&base_of(id), "paused")
}

/// `POST /receivers/{id}/resume`
pub(crate) async fn resume(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<Id<Endpoint>>,
) -> Answer<Response> {
    let Some(visit) = visitor.at(&console, id).await? else { return nothing() };
    match visit.desk.stand(Standing::Enabled).await {
        Err(WebhookFault::Held) => done(&base_of(id), "held"),
        stood => stood.map_err(Into::into).and_then(|_| done(&base_of(id), "resumed")),
    }
}

/// `POST /receivers/{id}/replay`
pub(crate) async fn replay(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<Id<Endpoint>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let Some(visit) = visitor.at(&console, id).await? else { return nothing() };
    let base = base_of(id);
    let replayed = match replay_of(&answers) {
        Ok(asked) => visit.desk.replay(asked).await.map_err(Refusal::of),
        Err(refusal) => Err(Ok(refusal)),
    };
    let refusal = match replayed {
        Ok(_) => return done(&base, "replayed"),
        Err(refusal) => refusal?,
    };
    let mut view = view::endpoint(&console, &visit.desk, (&base, &Asked::default())).await?;
    view.deliveries.replay = view.deliveries.replay.refused(refusal.issues());
    view.frame = Frame::outside(view.name.clone());
    view.until = Some(console.moment(visit.until));
    view.may_do = true;
    refusal.page(&view)
}

/// `POST /receivers/{id}/deliveries/{event}/replay`
pub(crate) async fn replay_one(
    State(console): State<Console>,
    visitor: Visitor,
    Path((id, event)): Path<(Id<Endpoint>, Id<EventRow>)>,
) -> Answer<Response> {
    let Some(visit) = visitor.at(&console, id).await? else { return nothing() };
    visit.desk.replay_one(event).await?;
    done(&base_of(id), "replayed")
}
