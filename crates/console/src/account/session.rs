//! Ending one's own sessions.  OWASP ASVS 5.0 §7.4, §7.5

use auth::{SignedIn, session};
use axum::{extract::State, response::Response};
use kernel::{Id, Session};
use web::{Answer, Path};

use crate::{page::way::PAGE, respond::done, state::Console};

/// `POST /account/security/sessions/{id}/end`
pub(crate) async fn end(
    State(console): State<Console>,
    who: SignedIn,
    Path(id): Path<Id<Session>>,
) -> Answer<Response> {
    session::end_one(console.auth(), &who, id).await?;
    done(PAGE, "signed-out")
}

/// `POST /account/security/sessions/end-others`
pub(crate) async fn end_others(State(console): State<Console>, who: SignedIn) -> Answer<Response> {
    session::end_others(console.auth(), &who).await?;
    done(PAGE, "signed-out")
}
