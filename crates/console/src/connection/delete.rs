//! A connection is deleted, after a question.  Contract 5, `DELETE /api/clients/{id}/connections/{cid}`

use auth::client_connection::{get, remove};
use axum::{extract::State, response::Response};
use kernel::{Client, ClientConnection, Id};
use web::{Answer, Path};

use super::Side;
use crate::{
    form::Form,
    frame::Frame,
    page::confirm::Confirm,
    respond::{done, page},
    state::Console,
    t,
};

/// `GET /{developer,admin}/applications/{id}/connections/{connection}/delete`
pub(crate) async fn ask<S: Side>(
    State(console): State<Console>,
    side: S,
    Path((client, connection)): Path<(Id<Client>, Id<ClientConnection>)>,
) -> Answer<Response> {
    let who = side.who();
    let found = get(console.auth(), &who.acting(), client, connection).await?;
    let back = format!("{}/{client}", S::PAGES);
    let heading: String = t("connections-delete-question").of("name", &found.consumer_name).into();
    page(&Confirm {
        frame: Frame::inside(heading.clone(), S::HERE, console.viewer(&who).await?),
        back: (back.clone(), t("connections-application").into()),
        heading,
        lead: t("connections-delete-lead").of("uri", &found.connection.redirect_uri).into(),
        effects: [
            t("connections-delete-codes"),
            t("connections-delete-tokens"),
            t("connections-delete-again"),
        ]
        .map(String::from)
        .into(),
        form: Form::new(format!("{back}/connections/{connection}/delete"), t("connections-delete"))
            .or_back_to(&back)
            .dangerous(),
    })
}

/// `POST /{developer,admin}/applications/{id}/connections/{connection}/delete`
pub(crate) async fn delete<S: Side>(
    State(console): State<Console>,
    side: S,
    Path((client, connection)): Path<(Id<Client>, Id<ClientConnection>)>,
) -> Answer<Response> {
    remove(console.auth(), &side.who().acting(), client, connection).await?;
    done(&format!("{}/{client}", S::PAGES), "connection-deleted")
}
