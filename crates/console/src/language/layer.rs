//! Choosing a request's language, and keeping the choice.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    response::{AppendHeaders, IntoResponse, Response},
    routing::Route,
};
use http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;
use tower::{Service, layer::layer_fn, service_fn};
use web::{Answer, Cookies, Form, LocalPath, Redirect, SharedRoute};

use super::{
    Languages, SPOKEN, Spoken, best,
    choose::{Since, Wishes, asked_for, in_order, spaced},
};
use crate::state::Console;

/// How long a browser keeps the language that was chosen in it.
const CHOICE_KEPT: Duration = Duration::from_hours(24 * 365);

/// How long the language that an application asked for holds on the pages that follow: as long as its request waits.
const ASKED_KEPT: Duration = Duration::from_mins(10);

/// In the cookie of what was asked for: the person has chosen since.
const CHOSEN_SINCE: &str = "-";

/// What is said in English only.
const ENGLISH: [&str; 2] = ["/docs", "/assets"];

/// Let what these routes say to people be said in their language, refusals and what is not there included.
pub fn in_language(console: &Console, routes: Router) -> Router {
    let console = console.clone();
    routes.layer(layer_fn(move |route: Route| {
        let (console, route) = (console.clone(), SharedRoute::new(route));
        service_fn(move |request: Request| speak(console.clone(), route.lend(), request))
    }))
}

async fn speak(console: Console, mut route: Route, request: Request) -> Result<Response, Infallible> {
    if !is_for_people(&request) {
        return route.call(request).await;
    }
    let asked = asked_for(request.uri().query().unwrap_or_default());
    let cookies = Cookies::of(request.headers());
    let asked_before = cookies.get(&console.cookie(ASKED));
    let wishes = Wishes {
        asked: asked.as_deref(),
        asked_before: asked_before.filter(|text| *text != CHOSEN_SINCE),
        has_chosen_since: if asked_before == Some(CHOSEN_SINCE) { Since::Chosen } else { Since::Not },
        chosen: cookies.get(&console.cookie(CHOSEN)),
        accepts: accept_language(request.headers()),
    };
    let languages = console.languages();
    let nth = in_order(&wishes).iter().find_map(|wish| best(languages, wish)).unwrap_or(0);
    let to_keep = asked.as_deref().filter(|_| wishes.has_chosen_since == Since::Not);
    let to_keep = to_keep.and_then(|asked| keep_asked(&console, asked));
    let spoken = Spoken::new(languages.clone(), nth, here(&request));
    let lang = HeaderValue::from_str(spoken.book().lang());
    let mut response = SPOKEN.scope(spoken, route.call(request)).await?;
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if let (true, Ok(lang)) = (is_page, lang) {
        response.headers_mut().insert(header::CONTENT_LANGUAGE, lang);
    }
    if let Some(cookie) = to_keep {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Browsers ask for HTML when they go somewhere; machines that call an API pay nothing for languages.
fn is_for_people(request: &Request) -> bool {
    let wants_html = |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains("text/html"));
    let path = request.uri().path();
    request.headers().get(header::ACCEPT).is_some_and(wants_html)
        && !ENGLISH.iter().any(|prefix| path.starts_with(prefix))
}

/// The page, where asking for it again shows the same: what a form was answered with cannot be asked for again.
fn here(request: &Request) -> Option<String> {
    let asked = request.uri().path_and_query().filter(|_| request.method() == Method::GET)?.as_str();
    LocalPath::parse(asked).is_ok().then(|| asked.to_owned())
}

fn accept_language(headers: &HeaderMap) -> &str {
    headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The cookie in which what an application asked for is kept, unless nothing of it is spoken here.
fn keep_asked(console: &Console, asked: &str) -> Option<HeaderValue> {
    let languages: &Languages = console.languages();
    let book = languages.book(best(languages, &spaced(asked))?);
    console.cookie(ASKED).set(book.lang(), Some(ASKED_KEPT))
}

const CHOSEN: &str = "language";
const ASKED: &str = "language_asked";

/// A choice in the footer of a page.
#[derive(Deserialize)]
pub(crate) struct Asked {
    language: String,
    return_to: Option<String>,
}

/// `POST /language`: back to the page, in the language that was chosen there.
pub(crate) async fn change(State(console): State<Console>, Form(asked): Form<Asked>) -> Answer<Response> {
    let back = asked.return_to.and_then(|text| LocalPath::parse(&text).ok()).unwrap_or_else(LocalPath::root);
    let languages = console.languages();
    let Some(nth) = best(languages, &spaced(&asked.language)) else {
        return Ok(Redirect::to(&back).into_response());
    };
    let kept = [
        console.cookie(CHOSEN).set(languages.book(nth).lang(), Some(CHOICE_KEPT)),
        console.cookie(ASKED).set(CHOSEN_SINCE, Some(ASKED_KEPT)),
    ];
    let cookies: Vec<_> = kept.into_iter().flatten().map(|cookie| (header::SET_COOKIE, cookie)).collect();
    Ok((AppendHeaders(cookies), Redirect::to(&back)).into_response())
}
