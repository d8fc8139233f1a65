//! Bodies on the clock: a request's must keep coming, an answer's keeps its connection busy.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{BoxError, body::Body as AnswerBody};
use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{ServeLimits, phase::Answering};

/// The client takes too long over its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request body comes too slowly")]
pub(crate) struct SlowBody;

/// A request body that fails with [`SlowBody`] when it stops, or comes slower than the least rate.
pub(super) struct Paced<B> {
    body: B,
    idle: Duration,
    rate_min: u32,
    received: u64,
    started: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl<B> Paced<B> {
    pub(super) fn new(body: B, limits: &ServeLimits) -> Self {
        let rate_min = limits.body_rate_min.max(1);
        Self {
            body,
            idle: limits.body_idle,
            rate_min,
            received: 0,
            started: None,
            timer: None,
            is_waiting: false,
        }
    }

    /// The next piece must come within `idle`, and all of it no slower than the rate after a head start of `idle`.
    fn deadline(&self, now: Instant) -> Instant {
        let earned = Duration::from_secs(self.received / u64::from(self.rate_min));
        let started = self.started.unwrap_or(now);
        (now + self.idle).min(started + self.idle + earned)
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_waiting {
            let now = Instant::now();
            self.started.get_or_insert(now);
            let deadline = self.deadline(now);
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(deadline),
                None => self.timer = Some(Box::pin(sleep_until(deadline))),
            }
            self.is_waiting = true;
        }
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Paced<B>
where
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.is_waiting = false;
                let length =
                    frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref().map(Bytes::remaining));
                self.received =
                    self.received.saturating_add(length.and_then(|it| it.try_into().ok()).unwrap_or(0));
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                ready!(self.wait(cx));
                Poll::Ready(Some(Err(SlowBody.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body; the connection counts as busy until it is dropped.
pub(super) struct Answer {
    pub(super) body: AnswerBody,
    pub(super) _answering: Answering,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::{BodyExt, Full, StreamBody};

    use super::*;

    #[test]
    fn a_body_must_keep_coming() {
        let limits = ServeLimits::default();
        let (idle_s, rate) = (limits.body_idle.as_secs(), u64::from(limits.body_rate_min));
        let start = Instant::now();
        // Received so much, waiting since so long after the start: the deadline in seconds after the start.
        let table = [
            (0, 0, idle_s),
            (rate, 1, idle_s + 1),
            (10 * rate, 29, idle_s + 10),
            (600 * rate, 600, 600 + idle_s),
            (9000 * rate, 1, 1 + idle_s),
        ];
        for (received, now_s, deadline_s) in table {
            let mut body = Paced::new(Full::new(Bytes::new()), &limits);
            (body.started, body.received) = (Some(start), received);
            let deadline = body.deadline(start + Duration::from_secs(now_s)).duration_since(start);
            assert_eq!(deadline, Duration::from_secs(deadline_s), "{received} bytes, {now_s} s");
        }
    }

    #[tokio::test]
    async fn a_body_that_stops_has_failed() {
        let first = stream::iter([Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from_static(b"x")))]);
        let stuck = StreamBody::new(futures_util::StreamExt::chain(first, stream::pending()));
        let limits = ServeLimits { body_idle: Duration::from_millis(20), ..ServeLimits::default() };
        let mut body = Paced::new(stuck, &limits);
        assert!(body.frame().await.unwrap().is_ok());
        assert!(body.frame().await.unwrap().unwrap_err().is::<SlowBody>());
        assert_eq!(body.received, 1);
    }
}
