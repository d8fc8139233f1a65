//! Unlink an account, after saying what will happen.  contract 1, `DELETE /integrations/v1/{integration-id}`

use auth::SignedIn;
use axum::{extract::State, response::Response};
use broker::{By, connection::ConnectionSummary};
use http::StatusCode;
use web::{Answer, Path, Problem};

use crate::{
    form::Form,
    frame::{Frame, Here, Viewer},
    page::confirm::Confirm,
    respond::{done, page},
    state::Console,
};

/// `GET /integrations/{slug}/unlink`
pub(crate) async fn ask(
    State(console): State<Console>,
    who: SignedIn,
    Path(slug): Path<String>,
) -> Answer<Response> {
    let all = console.broker().summary_of(who.organisation, who.person).await?;
    let linked = all.into_iter().find(|one| one.slug == slug && one.can_unlink);
    let linked = linked.ok_or_else(|| Problem::of_status(StatusCode::NOT_FOUND))?;
    page(&view(console.viewer(&who).await?, &linked))
}

/// `POST /integrations/{slug}/unlink`
pub(crate) async fn unlink(
    State(console): State<Console>,
    who: SignedIn,
    Path(slug): Path<String>,
) -> Answer<Response> {
    let by = By::new(who.acting().actor, who.request.clone());
    console.broker().unlink_by_slug(who.person, &slug, &by).await?;
    done("/integrations/", "unlinked")
}

fn view(viewer: Viewer, linked: &ConnectionSummary) -> Confirm {
    let name = &linked.name;
    let users: Vec<&str> = linked.used_by.iter().map(|used_by| used_by.name.as_str()).collect();
    let lead = match users.as_slice() {
        [] => "No application uses it now.".to_owned(),
        [one] => format!("{one} can no longer use it for you."),
        many => format!("{} can no longer use it for you.", many.join(", ")),
    };
    Confirm {
        frame: Frame::inside(format!("Unlink {name}"), Here::Services, viewer),
        back: ("/integrations/".to_owned(), "Your services".to_owned()),
        heading: format!("Unlink {name}?"),
        lead,
        effects: vec![
            format!(
                "We destroy the key to your {name} account at once. Nobody can use it from here any more."
            ),
            format!("We tell {name} to end the access. If it does not answer, we keep trying."),
            "What applications have read before stays with them. Ask them to delete it.".to_owned(),
            "You can link it again at any time.".to_owned(),
        ],
        form: Form::new(format!("/integrations/{}/unlink", linked.slug), "Unlink")
            .or_back_to("/integrations/")
            .dangerous(),
    }
}
