//! The page of an endpoint, and of one of its deliveries.

use axum::{extract::State, response::Response};
use kernel::{EventRow, Id};
use web::{Answer, Path, Query};
use webhooks::endpoint::Endpoint;

use super::{Visitor, base_of, nothing};
use crate::{
    frame::Frame,
    page::endpoint::notice,
    respond::page,
    state::Console,
    webhook::view::{self, Asked},
};

/// `GET /receivers/{id}`
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<Id<Endpoint>>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let Some(visit) = visitor.at(&console, id).await? else { return nothing() };
    let mut view = match view::endpoint(&console, &visit.desk, (&base_of(id), &asked)).await {
        // It was deleted meanwhile, and its links with it.
        Err(problem) if problem.kind() == kernel::Kind::NotFound => return nothing(),
        found => found?,
    };
    view.frame = Frame::outside(view.name.clone()).telling(notice(asked.done.as_deref()));
    view.until = Some(console.moment(visit.until));
    view.may_do = true;
    page(&view)
}

/// `GET /receivers/{id}/deliveries/{event}`
pub(crate) async fn delivery(
    State(console): State<Console>,
    visitor: Visitor,
    Path((id, event)): Path<(Id<Endpoint>, Id<EventRow>)>,
) -> Answer<Response> {
    let Some(visit) = visitor.at(&console, id).await? else { return nothing() };
    let mut view = view::delivery(&console, &visit.desk, (&base_of(id), event)).await?;
    view.frame = Frame::outside(view.row.event_type.clone());
    view.may_replay = true;
    page(&view)
}
