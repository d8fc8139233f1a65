//! The diary's one page: what is linked, where to link it, and what was read through it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::HeaderMap,
    response::Response,
};
use serde::Deserialize;
use url::Url;

use super::{Diary, Trouble, html};

/// One integration, as contract 1 answers it.
#[derive(Deserialize)]
pub(super) struct Integration {
    pub(super) name: String,
    pub(super) connected: bool,
    #[serde(rename = "connectUri")]
    pub(super) connect_uri: Url,
}

/// A line of the diary.
pub(super) struct Reading {
    pub(super) what: String,
    pub(super) value: String,
    pub(super) when: String,
}

pub(super) struct Card {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) connected: bool,
    pub(super) link: String,
}

#[derive(Template, Default)]
#[template(path = "sample/home.html")]
pub(super) struct Page {
    pub(super) is_signed_in: bool,
    pub(super) today: String,
    pub(super) trouble: Option<String>,
    pub(super) cards: Vec<Card>,
    pub(super) readings: Vec<Reading>,
}

impl Page {
    pub(super) fn respond(&self) -> Response {
        html(self.render())
    }
}

#[derive(Deserialize)]
pub(super) struct Back {
    error: Option<String>,
}

pub(super) async fn home(
    State(diary): State<Arc<Diary>>,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Result<Response, Trouble> {
    let mut page = page(&diary, &headers).await?;
    page.trouble = back.error.map(|error| format!("The service was not linked: {error}."));
    Ok(page.respond())
}

/// The page as it stands for this browser, without readings.
pub(super) async fn page(diary: &Diary, headers: &HeaderMap) -> Result<Page, Trouble> {
    let today = diary.world.now().to_string().chars().take("2026-01-01".len()).collect();
    let Some(token) = diary.visit(headers).token else { return Ok(Page { today, ..Page::default() }) };
    let request =
        diary.http.get(format!("{}/integrations/v1/", diary.config.hilum)).bearer_auth(token.expose());
    let answer = request.send().await?;
    if answer.status() == reqwest::StatusCode::UNAUTHORIZED {
        diary.forget(headers);
        return Ok(Page { today, ..Page::default() });
    }
    let integrations: Vec<Integration> = answer.error_for_status()?.json().await?;
    let cards = integrations.into_iter().filter_map(|integration| card(diary, integration)).collect();
    Ok(Page { is_signed_in: true, today, cards, ..Page::default() })
}

/// The id shows only inside `connectUri`, and nothing else is needed to link: `client_id` and `returnPath` bring the person back.
fn card(diary: &Diary, integration: Integration) -> Option<Card> {
    let mut link = integration.connect_uri;
    let id = link.path_segments()?.rev().nth(1)?.to_owned();
    link.query_pairs_mut().append_pair("client_id", &diary.config.client_id).append_pair("returnPath", "/");
    Some(Card { id, name: integration.name, connected: integration.connected, link: link.into() })
}
