//! Lines as they are written, as server-sent events.  <https://html.spec.whatwg.org/multipage/server-sent-events.html>
//!
//! Times grow in the order of commits, so whoever comes back with the last one that it saw has missed nothing, whichever node it meets.

use std::{convert::Infallible, time::Duration};

use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use kernel::{Id, Integration, Issue, Kind};
use store::{DbError, Signal, Subscription};
use tokio::time::{Instant, timeout_at};
use web::{OpenStream, Problem, event_stream};

use super::{
    list::{LineOut, place, written},
    queries,
    search::Wanted,
    write::WRITTEN,
};
use crate::{
    Watch,
    door::Asking,
    fault::{WatchFault, refused},
};

/// The longest that nothing is sent: then a comment is, with the place that was reached.
pub const BEAT: Duration = Duration::from_secs(15);
/// How long a stream lasts: then the caller comes back, with a token that is good at that time.
pub const STREAM_LIFE: Duration = Duration::from_mins(10);
/// Streams of logs of one client at one node.
pub const STREAMS_OF_CLIENT_MAX: usize = 8;
/// Lines that are read at once.
pub const STREAM_ROWS: i64 = 200;

/// Everything that a stream goes on with.
struct Following {
    watch: Watch,
    integration: Id<Integration>,
    wanted: Wanted,
    last: i64,
    is_opened: bool,
    heard: Subscription,
    ends: Instant,
    _open: OpenStream,
}

pub(super) async fn follow(
    watch: &Watch,
    asking: &Asking,
    (integration, wanted): (Id<Integration>, Wanted),
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let client = asking.bearer.0.client.to_string();
    let Some(open) = watch.streams.open(client, STREAMS_OF_CLIENT_MAX) else {
        let words = format!("the client has {STREAMS_OF_CLIENT_MAX} streams already");
        return Err(Problem::new(Kind::Throttled, words).with_retry_after(BEAT.as_secs()));
    };
    let seen = seen(headers).map_err(refused)?;
    // Before the place is read: what is written in between is heard of.
    let heard = watch.log_db.notify().subscribe(WRITTEN);
    let newest = queries::last(&mut watch.log_db.read().await?, integration).await?.unwrap_or(i64::MIN);
    let following = Following {
        integration,
        wanted,
        last: seen.unwrap_or(newest).min(newest),
        is_opened: false,
        heard,
        ends: Instant::now() + STREAM_LIFE,
        watch: watch.clone(),
        _open: open,
    };
    let pieces = stream::unfold(following, |mut following| async move {
        let piece = following.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(piece)), following))
    });
    Ok(event_stream(pieces))
}

fn seen(headers: &HeaderMap) -> Result<Option<i64>, WatchFault> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let read = value.to_str().ok().and_then(|text| place(text.trim()));
    let wrong = || WatchFault::Refused(vec![Issue::at("Last-Event-ID", "must be the id of a line")]);
    read.map(Some).ok_or_else(wrong)
}

impl Following {
    /// What is sent next; nothing where the stream ends. Whoever comes back goes on where it ended.
    async fn next(&mut self) -> Option<String> {
        if !std::mem::replace(&mut self.is_opened, true) {
            return Some(": open\n\n".to_owned());
        }
        let beat = Instant::now() + BEAT;
        loop {
            if self.watch.shutdown.has_begun() || Instant::now() >= self.ends {
                return None;
            }
            let (is_more, text) = self.behind().await.ok()?;
            if !text.is_empty() {
                return Some(text);
            }
            if is_more {
                continue;
            }
            if !self.hear_until(beat).await? {
                return Some(format!(": alive\nid: {}\n\n", written(self.last)));
            }
        }
    }

    /// Wait until something was written to this log; false if it is time for a sign of life.
    async fn hear_until(&mut self, beat: Instant) -> Option<bool> {
        let own = self.integration.to_string();
        loop {
            let shutdown = self.watch.shutdown.clone();
            let heard = tokio::select! {
                () = shutdown.begun() => return None,
                heard = timeout_at(beat, self.heard.next()) => heard,
            };
            match heard {
                Ok(Some(Signal::Message(which))) if *which != *own => {}
                Ok(Some(_)) => return Some(true),
                Ok(None) => return None,
                Err(_) => return Some(false),
            }
        }
    }

    /// What was written behind the last line that was sent, and whether there may be more.
    async fn behind(&mut self) -> Result<(bool, String), DbError> {
        let mut reader = self.watch.log_db.read().await?;
        let lines = queries::behind(&mut reader, self.integration, (self.last, STREAM_ROWS)).await?;
        let mut text = String::new();
        if lines.is_empty() {
            return Ok((false, text));
        }
        let phrases = queries::phrases(&mut reader).await?;
        for line in &lines {
            self.last = line.at;
            let phrase = phrases.get(&line.phrase);
            if self.wanted.is_about(line) && phrase.is_some_and(|phrase| self.wanted.takes(phrase)) {
                let data = serde_json::to_string(&LineOut::of(line, phrase)).unwrap_or_default();
                text.push_str(&format!("id: {}\nevent: log\ndata: {data}\n\n", written(line.at)));
            }
        }
        Ok((true, text))
    }
}
