//! The pages: sign-in, a person's services, the developer portal, administration. Server-rendered, complete without
//! JavaScript.
//!
//! A page is a view (`page/`), a template (`templates/`) and a handler under the name of what it does
//! (`account/`, `services/`, `developer/`, `admin/`). [`ROUTES`] lists every address.

mod account;
mod admin;
mod answers;
mod asset;
mod connected;
mod connection;
mod developer;
mod form;
mod frame;
mod label;
mod language;
mod launch;
mod moment;
mod page;
mod permission;
mod receiver;
mod respond;
mod route;
mod services;
mod staff;
mod state;
mod webhook;
mod words;

use askama::Template;
use auth::authorize::Handover;
use web::ErrorView;

pub use language::{LanguageFault, Languages, in_language};
#[cfg(any(test, feature = "samples"))]
pub use page::sample::samples;
pub use route::{ROUTES, entrance, routes};
pub use state::{Config, Console, Parts, SelfRegistration};

pub(crate) use language::t;

/// What the page says that posts an answer to an application: for [`auth::Config::handover`].
pub fn handover() -> Handover {
    let spoken = language::spoken();
    Handover {
        lang: spoken.book().lang().to_owned(),
        dir: spoken.book().dir(),
        title: t("handover-title").into(),
        act: t("handover-act").into(),
        sheet: Some(asset::url("hilum.css")),
    }
}

/// The page that a browser shows in place of what it asked for: for [`web::Dialect::Page`].
pub fn error_page(view: &ErrorView<'_>) -> String {
    let reference = view.request_id.map(kernel::RequestId::as_str);
    let page = page::failure::Failure::of(view.status.as_u16(), view.message, reference);
    page.render().unwrap_or_else(|error| {
        tracing::error!(%error, "the error page cannot be rendered");
        view.title.to_owned()
    })
}
