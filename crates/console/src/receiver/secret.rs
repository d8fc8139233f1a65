//! New keys: asked for, and shown once.

use axum::{extract::State, response::Response};
use kernel::Id;
use web::{Answer, Path};
use webhooks::endpoint::Endpoint;

use super::{Visitor, base_of, nothing};
use crate::{frame::Frame, respond::page, state::Console, t, webhook::view};

/// `GET /receivers/{id}/secret`
pub(crate) async fn ask(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<Id<Endpoint>>,
) -> Answer<Response> {
    let Some(visit) = visitor.at(&console, id).await? else { return nothing() };
    let name = visit.desk.endpoint().await?.name;
    page(&view::rotating(Frame::outside(t("hook-rotate")), &base_of(id), name))
}

/// `POST /receivers/{id}/secret`
pub(crate) async fn rotate(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<Id<Endpoint>>,
) -> Answer<Response> {
    let Some(visit) = visitor.at(&console, id).await? else { return nothing() };
    let rotated = visit.desk.rotate().await?;
    page(&view::rotated(Frame::outside(t("hook-secret-new")), &base_of(id), rotated))
}
