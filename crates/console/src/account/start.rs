//! The start page: the one that answers a person's first question.

use auth::{SignedIn, person::Role};
use web::Redirect;

/// `GET /`
pub(crate) async fn show(who: SignedIn) -> Redirect {
    let is = |role| who.roles.has(who.organisation, role);
    Redirect::to_page(match (is(Role::OrgAdmin), is(Role::Developer)) {
        (true, _) => "/admin/",
        (false, true) => "/developer/",
        (false, false) => "/integrations/",
    })
}
