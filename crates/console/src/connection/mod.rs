//! Connections of an application (contract 5), for its developers and for administrators: the same on both sides.

pub(crate) mod delete;
pub(crate) mod refresh;

use auth::{
    Administrator, Developer, SignedIn,
    client_connection::{Connected, list_of},
};
use axum::extract::FromRequestParts;
use kernel::{Client, Id};
use web::Answer;

use crate::{
    frame::Here,
    label::State,
    page::connection::{Connection, Connections},
    state::Console,
    t,
};

/// On whose pages.
pub(crate) trait Side: FromRequestParts<Console> + Send + 'static {
    /// Where the pages of applications begin.
    const PAGES: &'static str;
    /// Where they are in the navigation.
    const HERE: Here;
    /// Who looks.
    fn who(self) -> SignedIn;
}

impl Side for Developer {
    const PAGES: &'static str = "/developer/applications";
    const HERE: Here = Here::Developer;
    fn who(self) -> SignedIn {
        self.0
    }
}

impl Side for Administrator {
    const PAGES: &'static str = "/admin/applications";
    const HERE: Here = Here::Applications;
    fn who(self) -> SignedIn {
        self.0
    }
}

/// The connections of an application, as its page shows them.
pub(crate) async fn connections_of<S: Side>(
    console: &Console,
    who: &SignedIn,
    client: Id<Client>,
) -> Answer<Connections> {
    let all = list_of(console.auth(), &who.acting(), client).await?;
    Ok(Connections {
        page: format!("{}/{client}", S::PAGES),
        all: all.into_iter().map(|one| row(console, one)).collect(),
    })
}

fn row(console: &Console, one: Connected) -> Connection {
    Connection {
        id: one.connection.id.to_string(),
        state: standing(&one),
        consumer: one.consumer_name,
        kind: one.consumer_type.map(|kind| kind.to_string()),
        redirect_uri: one.connection.redirect_uri,
        made: console.moment(one.connection.inserted_at),
        last_use: one.connection.last_used_at.map(|at| console.moment(at)),
    }
}

fn standing(one: &Connected) -> State {
    match (one.consumer_disabled_at, one.connection.last_used_at) {
        (Some(_), _) => State::bad(t("connections-off")),
        (None, Some(_)) => State::good(t("connections-in-use")),
        (None, None) => State::quiet(t("connections-unused")),
    }
}
