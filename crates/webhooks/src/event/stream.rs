//! Events as they happen, as server-sent events.  <https://html.spec.whatwg.org/multipage/server-sent-events.html>
//!
//! What is sent is read from the feed, so whoever comes back with the last id that it saw has missed nothing, whichever node it meets.

use std::{convert::Infallible, time::Duration};

use axum::{extract::State as Held, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use jobs::feed::{self, Placed};
use kernel::{Id, Issue, Kind, Organisation, Permission, Timestamp};
use serde::Deserialize;
use store::{DbError, Subscription};
use tokio::time::{Instant, timeout};
use utoipa::IntoParams;
use web::{Answer, Bearer, OpenStream, Problem, Query, event_stream};

use super::{PLACED, Wanted, body_of, is_wanted};
use crate::{WebhookFault, Webhooks, access::Access, fault::refused};

/// The longest that nothing is sent: then a comment is, with the place that was reached.
pub const BEAT: Duration = Duration::from_secs(15);
/// How long a stream lasts: then the caller comes back, with a token that is good at that time.
pub const STREAM_LIFE: Duration = Duration::from_mins(10);
/// How far back a stream can begin.
pub const HISTORY: Duration = Duration::from_hours(24 * 7);
/// Streams of one client at one node.
pub const STREAMS_OF_CLIENT_MAX: usize = 8;
/// Events that are read at once.
pub const STREAM_ROWS: i64 = 100;

/// Which events are streamed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamIn {
    /// Types of events, separated by commas, or `connection.*` for all that begin so; all where it is left out.
    event_types: Option<String>,
    /// Ids of studies, separated by commas: only events that name one of them.
    studies: Option<String>,
    /// Ids of integrations, separated by commas: only events that name one of them.
    integrations: Option<String>,
}

impl StreamIn {
    fn wanted(self) -> Wanted {
        let list = |text: Option<String>| -> Vec<String> {
            let words = text.iter().flat_map(|text| text.split(','));
            words.map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        Wanted {
            event_types: list(self.event_types),
            studies: list(self.studies),
            integrations: list(self.integrations),
        }
    }
}

/// What happens in the caller's organisation, as it happens. `Last-Event-ID` goes on where a stream has ended; one that is more than seven
/// days old is answered first by the event `reset`, and what is behind it was missed.
#[utoipa::path(get, path = "/api/v1/integrations/events", tag = "webhooks", operation_id = "stream_events",
    params(StreamIn, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen; from now on where it is left out")),
    responses((status = 200, description = "The events", body = String, content_type = "text/event-stream")),
    security(("bearer" = ["webhook:read"])))]
pub(crate) async fn stream_events(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    headers: HeaderMap,
    Query(asked): Query<StreamIn>,
) -> Answer<Response> {
    let access = Access::of(&bearer, Permission::WebhookRead)?;
    let mut wanted = asked.wanted();
    wanted.studies = access.streamed(wanted.studies).map_err(refused)?;
    let client = bearer.0.client.to_string();
    let Some(open) = webhooks.streams.open(client, STREAMS_OF_CLIENT_MAX) else {
        let words = format!("the client has {STREAMS_OF_CLIENT_MAX} streams already");
        return Err(Problem::new(Kind::Throttled, words).with_retry_after(BEAT.as_secs()));
    };
    // Before the place is read: what gets its place in between is heard of.
    let heard = webhooks.db.notify().subscribe(PLACED);
    let newest = feed::newest(&mut webhooks.db.read().await?).await?;
    let seen = seen(&headers).map_err(refused)?;
    let (last, first) = begins(seen, newest, webhooks.world.now());
    let line = Line {
        organisation: bearer.0.organisation,
        wanted,
        last,
        first: Some(first),
        heard,
        ends: Instant::now() + STREAM_LIFE,
        webhooks,
        _open: open,
    };
    let pieces = stream::unfold(line, |mut line| async move {
        let piece = line.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(piece)), line))
    });
    Ok(event_stream(pieces))
}

/// A place in the feed, and when it was reached: `<place>-<microseconds>`.
type Seen = (i64, Timestamp);

fn seen(headers: &HeaderMap) -> Result<Option<Seen>, WebhookFault> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let read = || {
        let (place, at) = value.to_str().ok()?.trim().split_once('-')?;
        Some((place.parse().ok()?, Timestamp::from_micros(at.parse().ok()?)))
    };
    let wrong = || WebhookFault::Refused(vec![Issue::at("Last-Event-ID", "must be the id of an event")]);
    read().map(Some).ok_or_else(wrong)
}

/// Behind which place a stream begins, and what is said first.
fn begins(seen: Option<Seen>, newest: i64, now: Timestamp) -> (i64, String) {
    match seen {
        None => (newest, ": open\n\n".to_owned()),
        Some((_, at)) if now.since(at) > HISTORY => (
            newest,
            "event: reset\ndata: {\"reason\":\"the id is older than the history that is kept\"}\n\n"
                .to_owned(),
        ),
        Some((place, _)) => (place.min(newest), ": open\n\n".to_owned()),
    }
}

/// Everything that a stream goes on with.
struct Line {
    webhooks: Webhooks,
    organisation: Id<Organisation>,
    wanted: Wanted,
    last: i64,
    first: Option<String>,
    heard: Subscription,
    ends: Instant,
    _open: OpenStream,
}

impl Line {
    /// What is sent next; nothing where the stream ends. Whoever comes back goes on where it ended.
    async fn next(&mut self) -> Option<String> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            if self.webhooks.shutdown.has_begun() || Instant::now() >= self.ends {
                return None;
            }
            let events = self.behind().await.ok()?;
            let is_more = !events.is_empty();
            let mut text = String::new();
            for event in events {
                self.last = event.place;
                if self.is_wanted(&event) {
                    text.push_str(&message(&event));
                }
            }
            if !text.is_empty() {
                return Some(text);
            }
            if is_more {
                continue;
            }
            let shutdown = self.webhooks.shutdown.clone();
            let heard = tokio::select! {
                () = shutdown.begun() => return None,
                heard = timeout(BEAT, self.heard.next()) => heard,
            };
            match heard {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(_) => return Some(self.beat()),
            }
        }
    }

    async fn behind(&self) -> Result<Vec<Placed>, DbError> {
        let mut reader = self.webhooks.db.read().await?;
        feed::behind(&mut reader, self.organisation, (self.last, STREAM_ROWS)).await
    }

    fn is_wanted(&self, event: &Placed) -> bool {
        let data = serde_json::from_str(&event.data).unwrap_or_default();
        is_wanted(&self.wanted, "", event, &data)
    }

    /// An id without data is remembered by the receiver and told to nobody.
    fn beat(&self) -> String {
        format!(": alive\nid: {}-{}\n\n", self.last, self.webhooks.world.now().as_micros())
    }
}

fn message(event: &Placed) -> String {
    let at = event.at.as_micros();
    format!("id: {}-{at}\nevent: {}\ndata: {}\n\n", event.place, event.name, body_of(event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_goes_on_where_it_ended_or_says_that_it_cannot() {
        let now = Timestamp::from_seconds(10_000_000);
        assert_eq!(begins(None, 7, now).0, 7);
        assert_eq!(begins(Some((3, now)), 7, now), (3, ": open\n\n".to_owned()));
        assert_eq!(begins(Some((9, now)), 7, now).0, 7, "what is not there yet is not left out");
        let (last, first) = begins(Some((3, now - HISTORY - Duration::from_secs(1))), 7, now);
        assert!(last == 7 && first.starts_with("event: reset\n"));
    }

    #[test]
    fn an_id_is_a_place_and_a_time() {
        let said = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("last-event-id", text.parse().unwrap());
            seen(&headers)
        };
        assert_eq!(said("7-1000000").ok().flatten(), Some((7, Timestamp::from_seconds(1))));
        for bad in ["7", "x-1", "7-", "", "7-1-2"] {
            assert!(said(bad).is_err(), "{bad}");
        }
    }
}
