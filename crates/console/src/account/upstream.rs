//! Signing in through an external provider, and linking the account that a person has there.
//! OpenID Connect Core 1.0 §3.1

use auth::{
    Guest, SignedIn,
    upstream::{self, Arrived, Departure, UpstreamFault},
};
use axum::{
    extract::State,
    response::{AppendHeaders, IntoResponse, Response},
};
use http::{StatusCode, header::SET_COOKIE};
use kernel::{Fault, Kind};
use web::{Answer, Form, Path, Problem, Query, Redirect};

use crate::{
    account::{
        go_on::{Onward, Visit, back, go_on},
        security, sign_in,
    },
    answers::Answers,
    frame::Notice,
    language::heard,
    page::way::{self, PAGE},
    respond::{done, page},
    state::Console,
    t,
};

/// `POST /sign-in/upstream/{slug}`: off to the provider, to sign in or (`for=link`) to link.
pub(crate) async fn depart(
    State(console): State<Console>,
    Guest(guest): Guest,
    Path(slug): Path<String>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let auth = console.auth();
    let departed = match (answers.text("for"), guest) {
        ("link", Some(who)) => upstream::depart_to_link(auth, &who, &slug, &back(PAGE)).await,
        ("link", None) => return security::sign_in_again(),
        _ => {
            let onward = Onward::of(answers.text("return_to"), answers.text("acr"));
            upstream::depart(auth, &slug, &onward.return_to, onward.least).await
        }
    };
    match departed {
        Ok(Departure { location, set_cookie }) => {
            let on = Redirect::to_trusted(&location)?;
            Ok((AppendHeaders([(SET_COOKIE, set_cookie)]), on).into_response())
        }
        Err(UpstreamFault::Factor(fault)) if fault.kind() == Kind::Forbidden => security::sign_in_again(),
        Err(fault) => Err(fault.into()),
    }
}

/// `GET /sign-in/upstream/{slug}/callback`: back from the provider.
pub(crate) async fn arrive(
    State(console): State<Console>,
    Guest(guest): Guest,
    visit: Visit,
    Path(slug): Path<String>,
    Query(answer): Query<upstream::Answer>,
) -> Answer<Response> {
    let auth = console.auth();
    let request = visit.request.clone();
    match upstream::arrive(auth, &slug, guest.as_ref(), &visit.cookies, &answer, request).await {
        Ok(Arrived::SignedIn { shown, return_to, least }) => {
            go_on(&console, &visit, shown, &Onward { return_to, least }).await
        }
        Ok(Arrived::Linked { .. }) => done(PAGE, "added"),
        Ok(Arrived::Refused { return_to }) => Ok(Redirect::to(&return_to).into_response()),
        Err(fault) => refused(&console, guest.as_ref(), fault).await,
    }
}

/// What went wrong, where the person can go on: on their own page, or on the way in.
async fn refused(console: &Console, guest: Option<&SignedIn>, fault: UpstreamFault) -> Answer<Response> {
    if !matches!(fault.kind(), Kind::Forbidden | Kind::Invalid | Kind::Conflict) {
        return Err(fault.into());
    }
    let notice = Some(Notice::failed(in_words(&fault)));
    let mut response = match guest {
        Some(who) => page(&security::view(console, who, notice).await?)?,
        None => {
            let mut view = sign_in::view(console, &Onward::of("", ""), "", None).await?;
            view.frame = view.frame.telling(notice);
            page(&view)?
        }
    };
    *response.status_mut() = Problem::from(fault).status();
    Ok(response)
}

/// Why it did not work, in the language of the page.
fn in_words(fault: &UpstreamFault) -> String {
    match fault {
        UpstreamFault::Unknown { provider } => t("fault-provider-unknown").of("provider", provider).into(),
        other => heard(&other.public()),
    }
}

/// `GET /sign-in/link/{slug}`: before the door, because the form leads elsewhere.
pub(crate) async fn ask_to_link(
    State(console): State<Console>,
    who: SignedIn,
    Path(slug): Path<String>,
) -> Answer<Response> {
    let name = name_of(&console, &who, &slug).await?;
    page(&way::link(console.viewer(&who).await?, &slug, &name))
}

/// `GET /account/security/upstream/{slug}/unlink`
pub(crate) async fn ask_to_unlink(
    State(console): State<Console>,
    who: SignedIn,
    Path(slug): Path<String>,
) -> Answer<Response> {
    let name = name_of(&console, &who, &slug).await?;
    page(&way::unlink(console.viewer(&who).await?, &slug, &name))
}

/// `POST /account/security/upstream/{slug}/unlink`
pub(crate) async fn unlink(
    State(console): State<Console>,
    who: SignedIn,
    Path(slug): Path<String>,
) -> Answer<Response> {
    match upstream::unlink(console.auth(), &who, &slug).await {
        Ok(()) => done(PAGE, "removed"),
        Err(UpstreamFault::Factor(fault)) if fault.kind() == Kind::Forbidden => security::sign_in_again(),
        Err(fault) => Err(fault.into()),
    }
}

async fn name_of(console: &Console, who: &SignedIn, slug: &str) -> Answer<String> {
    let all = upstream::links(console.auth(), who).await?;
    let found = all.into_iter().find(|one| one.slug == slug);
    found.map(|one| one.name).ok_or_else(|| Problem::of_status(StatusCode::NOT_FOUND))
}
