//! Providers that people sign in through, for administrators.

use askama::Template;
use auth::upstream::ClientAuth;

use crate::{frame::Frame, label::State, moment::Moment, t};

/// The providers of one's organisation.
#[derive(Template)]
#[template(path = "admin/upstreams.html")]
pub(crate) struct Upstreams {
    pub(crate) frame: Frame,
    pub(crate) how: String,
    pub(crate) but: Option<String>,
    pub(crate) providers: Vec<UpstreamRow>,
}

/// One provider in the list.
pub(crate) struct UpstreamRow {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) issuer: String,
    pub(crate) state: State,
    pub(crate) people: i64,
    pub(crate) used: Option<Moment>,
    /// When, and why.
    pub(crate) failed: Option<(Moment, String)>,
}

/// Which one to set up: id, name and issuer.
#[derive(Template)]
#[template(path = "admin/upstream_presets.html")]
pub(crate) struct Presets {
    pub(crate) frame: Frame,
    pub(crate) presets: Vec<(String, String, String)>,
}

/// One provider.
#[derive(Template)]
#[template(path = "admin/upstream.html")]
pub(crate) struct Upstream {
    pub(crate) frame: Frame,
    pub(crate) row: UpstreamRow,
    pub(crate) client_id: String,
    pub(crate) callback: String,
    pub(crate) client_auth: String,
    pub(crate) scopes: String,
    pub(crate) counts_as: String,
    pub(crate) new_people: String,
    pub(crate) since: Moment,
    pub(crate) is_on: bool,
}

/// How we prove ourselves there, in words.
pub(crate) fn client_auth_in_words(how: ClientAuth) -> String {
    let said = match how {
        ClientAuth::ClientSecretBasic => t("upstream-secret-basic"),
        ClientAuth::ClientSecretPost => t("upstream-secret-post"),
        ClientAuth::PrivateKeyJwt => t("upstream-key"),
    };
    said.into()
}
