//! Take an application's access away: with one press, at once.  RFC 7009 in a person's hands

use auth::{SignedIn, grant};
use axum::{extract::State, response::Response};
use kernel::Id;
use web::{Answer, Path};

use crate::{respond::done, state::Console};

/// `POST /account/applications/{id}/revoke`: every grant of the person to the application ends with all its tokens, and the
/// application has to ask again. Pressed twice it is as good as once.
pub(crate) async fn revoke(
    State(console): State<Console>,
    who: SignedIn,
    Path(id): Path<Id<kernel::Client>>,
) -> Answer<Response> {
    grant::revoke_all_of(console.auth(), &who, id).await?;
    done("/account/applications", "revoked")
}
