//! A browser's request that comes as a form instead of a query.  OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2
//!
//! It goes on as a query. A form that another site posts comes without our cookie (`SameSite=Lax`), so nothing can be
//! decided about it here; and it holds nothing that the same request would not hold in an address.

use axum::{body::Bytes, extract::OriginalUri};
use kernel::Kind;
use web::{Answer, Problem, Redirect};

/// Answer a posted form with the address at which the same is asked by `GET`.
pub(crate) async fn go_on_as_query(OriginalUri(uri): OriginalUri, body: Bytes) -> Answer<Redirect> {
    let is_form = |text: &&str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    match std::str::from_utf8(&body).ok().filter(is_form) {
        Some(query) => Redirect::to_trusted(&format!("{}?{query}", uri.path())),
        None => Err(Problem::new(Kind::Invalid, "The application sent a form that cannot be read.")),
    }
}
