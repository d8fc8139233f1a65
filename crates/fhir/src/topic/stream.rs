//! Events as they happen: `$events` as server-sent events.  <https://html.spec.whatwg.org/multipage/server-sent-events.html>
//!
//! What is sent is read from the database, each time on a view of its own; that something has happened is told between nodes as a hint.
//! The caller's token, site and subscription are asked for anew before anything is sent.

use std::{convert::Infallible, time::Duration};

use axum::{extract::Request, middleware::Next, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, header};
use kernel::{Interaction, Kind};
use tokio::time::timeout;
use web::{OpenStream, Problem, event_stream};

use super::{
    HAPPENED,
    events::{EVENTS_ROWS_MAX, content_of, seen},
    follow::is_told,
    notification::{Notice, Standing},
    of_subscription,
    queries::{self, SubscriptionRow},
    status::topic_of,
    wanted::Content,
};
use crate::{
    Fhir,
    access::{Access, owner_of},
    interaction::{
        asked::{Asked, token},
        posted::{Said, invalid},
        read::newest,
    },
    resource::Version,
};

/// The longest that nothing is sent: then a comment is, and the caller is asked for anew.
pub const BEAT: Duration = Duration::from_secs(15);
/// Streams of one caller at one node.
pub const STREAMS_OF_OWNER_MAX: usize = 8;

/// A stream is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Streamed;

/// See whether a stream is asked for: the manners of resources, which come next, know none.
pub(crate) async fn accept(mut request: Request, next: Next) -> Response {
    let asks = |value: &HeaderValue| {
        value.to_str().is_ok_and(|text| {
            text.split(',').any(|one| one.split(';').next().unwrap_or_default().trim() == "text/event-stream")
        })
    };
    if request.headers().get_all(header::ACCEPT).iter().any(asks) {
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/fhir+json"));
        request.extensions_mut().insert(Streamed);
    }
    next.run(request).await
}

/// Everything that a stream goes on with.
struct Line {
    fhir: Fhir,
    asked: Asked,
    token: String,
    row: SubscriptionRow,
    topic: Option<String>,
    content: Content,
    last: i64,
    heard: store::Subscription,
    /// What was heard, or enough time, since it was looked the last time.
    wake: Wake,
    _open: OpenStream,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wake {
    /// The line was opened.
    Opened,
    /// Something may have happened.
    Told,
    /// Nothing has for a while.
    Quiet,
}

/// Open a stream of what happens behind this number; where none is said, from now on.
pub(super) fn open(
    fhir: &Fhir,
    asked: Asked,
    (version, row): (Version, SubscriptionRow),
    headers: &HeaderMap,
    (from, content): (Option<i64>, Option<Content>),
) -> Said<Response> {
    let last = match headers.get("last-event-id") {
        None => from,
        Some(value) => {
            let number = value.to_str().ok().and_then(|text| text.trim().parse::<i64>().ok());
            Some(number.ok_or_else(|| invalid("must be the number of an event", "Last-Event-ID"))?)
        }
    };
    let of = format!("{} {}", asked.site.code, owner_of(&asked.standing));
    let Some(open) = fhir.streams.open(of, STREAMS_OF_OWNER_MAX) else {
        let words = format!("the caller has {STREAMS_OF_OWNER_MAX} streams already");
        return Err(Problem::new(Kind::Throttled, words).with_retry_after(BEAT.as_secs()).into());
    };
    let line = Line {
        token: token(headers).to_owned(),
        topic: topic_of(&version),
        content: content.unwrap_or_else(|| content_of(&version)),
        last: last.unwrap_or(row.events),
        heard: fhir.db.notify().subscribe(HAPPENED),
        fhir: fhir.clone(),
        wake: Wake::Opened,
        asked,
        row,
        _open: open,
    };
    let pieces = stream::unfold(Some(line), |line| async move {
        let mut line = line?;
        let piece = line.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(piece)), Some(line)))
    });
    Ok(event_stream(pieces))
}

impl Line {
    /// What is sent next; nothing where the stream ends.
    async fn next(&mut self) -> Option<String> {
        loop {
            if self.fhir.shutdown.has_begun() || !self.stands().await {
                return None;
            }
            let before = self.last;
            let text = self.events().await?;
            let wake = std::mem::replace(&mut self.wake, Wake::Told);
            match (text.is_empty() && self.last == before, wake) {
                (false, _) => return Some(text),
                (true, Wake::Opened) => return Some(": open\n\n".to_owned()),
                (true, Wake::Quiet) if !is_told(self.row.state) => return None,
                (true, Wake::Quiet) => return Some(": alive\n\n".to_owned()),
                (true, Wake::Told) => self.wait().await?,
            }
        }
    }

    /// Wait until this subscription is told of, or for a while.
    async fn wait(&mut self) -> Option<()> {
        let own = format!("{} {}", self.asked.site.tenant.number(), self.row.id);
        let shutdown = self.fhir.shutdown.clone();
        let heard = &mut self.heard;
        let listening = async {
            loop {
                match heard.next().await {
                    Some(store::Signal::Message(of)) if *of != *own => {}
                    other => return other.map(|_| ()),
                }
            }
        };
        tokio::select! {
            () = shutdown.begun() => None,
            heard = timeout(BEAT, listening) => match heard {
                Ok(told) => told,
                Err(_) => {
                    self.wake = Wake::Quiet;
                    Some(())
                }
            }
        }
    }

    /// Whether the token is good, the site the caller's, and the subscription there for the caller. What cannot be told is not so.
    async fn stands(&mut self) -> bool {
        let fhir = &self.fhir;
        let Ok(context) = fhir.people.context(&self.asked.caller, &self.token).await else { return false };
        let code = &self.asked.site.code;
        let Ok(Some(site)) = fhir.shelf.get(&fhir.db, code, fhir.world.now()).await else { return false };
        if site.organisation() != self.asked.caller.organisation {
            return false;
        }
        let scopes = &self.asked.caller.scopes;
        let access = Access::new(site.plan.clone(), scopes, context.patient.as_deref(), context.sight);
        let access = access.bound_by(site.policy.consent, &context.who);
        self.asked.access = access.owning(&self.asked.standing);
        self.asked.site = site;
        self.is_there().await.unwrap_or(false)
    }

    async fn is_there(&mut self) -> Result<bool, Problem> {
        let Some(of) = of_subscription() else { return Ok(false) };
        let rule = self.asked.rule(of, Interaction::Read)?;
        let version = newest(&self.fhir, &self.asked, (of, &self.row.id), &rule).await?;
        let tenant = self.asked.site.tenant.number();
        let row = queries::subscription(&mut self.fhir.db.read().await?, tenant, &self.row.id).await?;
        match (version.filter(|version| !version.is_deletion()), row) {
            (Some(_), Some(row)) => {
                self.row = row;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The events behind the last one, each as a message under its number.
    async fn events(&mut self) -> Option<String> {
        let span = (self.last + 1, self.last.saturating_add(EVENTS_ROWS_MAX));
        let told = seen(&self.fhir, &self.asked, &self.row, span).await.ok()?;
        let mut out = String::new();
        for one in told {
            let standing = Standing {
                base: &self.fhir.base,
                id: &self.row.id,
                topic: self.topic.as_deref(),
                status: self.row.state.as_str(),
                events: one.event.number,
                error: None,
            };
            self.last = one.event.number;
            let bundle = standing.bundle(&self.fhir.world, Notice::Events, &[one], self.content);
            out.push_str(&format!("id: {}\ndata: {bundle}\n\n", self.last));
        }
        Some(out)
    }
}
