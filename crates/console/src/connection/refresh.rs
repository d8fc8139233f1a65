//! A connection's secret is drawn anew, after a question: the one before it is dead at once. It is shown in the answer to the form,
//! and never again.  Contract 5, "Refresh secret"

use auth::client_connection::{draw_secret, get};
use axum::{extract::State, response::Response};
use kernel::{Client, ClientConnection, Id};
use web::{Answer, Path};

use super::Side;
use crate::{
    form::Form,
    frame::Frame,
    page::{confirm::Confirm, connection::ConnectionSecret},
    respond::page,
    state::Console,
    t,
};

/// `GET /{developer,admin}/applications/{id}/connections/{connection}/secret`
pub(crate) async fn ask<S: Side>(
    State(console): State<Console>,
    side: S,
    Path((client, connection)): Path<(Id<Client>, Id<ClientConnection>)>,
) -> Answer<Response> {
    let who = side.who();
    let found = get(console.auth(), &who.acting(), client, connection).await?;
    let back = format!("{}/{client}", S::PAGES);
    let heading: String = t("connections-refresh-question").of("name", &found.consumer_name).into();
    page(&Confirm {
        frame: Frame::inside(heading.clone(), S::HERE, console.viewer(&who).await?),
        back: (back.clone(), t("connections-application").into()),
        heading,
        lead: t("connections-refresh-lead").into(),
        effects: [t("connections-refresh-dead"), t("connections-refresh-once")].map(String::from).into(),
        form: Form::new(format!("{back}/connections/{connection}/secret"), t("connections-refresh"))
            .or_back_to(&back)
            .dangerous(),
    })
}

/// `POST /{developer,admin}/applications/{id}/connections/{connection}/secret`
pub(crate) async fn refresh<S: Side>(
    State(console): State<Console>,
    side: S,
    Path((client, connection)): Path<(Id<Client>, Id<ClientConnection>)>,
) -> Answer<Response> {
    let who = side.who();
    let owner = auth::client::get(console.auth(), &who.acting(), client).await?;
    let (connection, drawn) = draw_secret(console.auth(), &who.acting(), client, connection).await?;
    page(&ConnectionSecret {
        frame: Frame::inside(t("connections-drawn"), S::HERE, console.viewer(&who).await?),
        back: format!("{}/{client}", S::PAGES),
        client_id: owner.client_id.to_string(),
        redirect_uri: connection.redirect_uri,
        secret: drawn.text,
    })
}
