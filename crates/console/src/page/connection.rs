//! Connections of an application.  Contract 5

use askama::{Template, filters::HtmlSafe};
use kernel::Secret;

use crate::{frame::Frame, label::State, moment::Moment};

/// The connections of an application: a section of its page.
#[derive(Template)]
#[template(path = "connections.html")]
pub(crate) struct Connections {
    /// The application's page.
    pub(crate) page: String,
    pub(crate) all: Vec<Connection>,
}

impl HtmlSafe for Connections {}

/// One connection, without its secret.
pub(crate) struct Connection {
    pub(crate) id: String,
    /// Who makes use of it.
    pub(crate) consumer: String,
    /// What that is.
    pub(crate) kind: Option<String>,
    pub(crate) redirect_uri: String,
    pub(crate) state: State,
    pub(crate) made: Moment,
    pub(crate) last_use: Option<Moment>,
}

/// A connection's new secret, shown once.
#[derive(Template)]
#[template(path = "connection_secret.html")]
pub(crate) struct ConnectionSecret {
    pub(crate) frame: Frame,
    /// The application's page.
    pub(crate) back: String,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) secret: Secret<String>,
}
