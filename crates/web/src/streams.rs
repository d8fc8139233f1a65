//! Server-sent events: the answer, and how many streams a caller has open.
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderValue, header};

/// The streams that are open, by whom they are for.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<BTreeMap<String, usize>>>);

/// A stream that is open; dropped, it is not any more.
pub struct OpenStream {
    streams: Streams,
    of: String,
}

impl Streams {
    /// One more stream; none where there are `max` already.
    pub fn open(&self, of: String, max: usize) -> Option<OpenStream> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(of.clone()).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(OpenStream { streams: self.clone(), of })
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut all = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.of);
            }
        }
    }
}

/// The answer that these pieces are, each as it comes: nobody on the way keeps or gathers them.
pub fn event_stream(pieces: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static) -> Response {
    let mut response = Response::new(Body::from_stream(pieces));
    let fields = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    response.headers_mut().extend(fields);
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_so_many_streams_and_gets_them_back() {
        let streams = Streams::default();
        let one = streams.open("a".to_owned(), 1);
        assert!(one.is_some() && streams.open("a".to_owned(), 1).is_none());
        assert!(streams.open("b".to_owned(), 1).is_some());
        drop(one);
        assert!(streams.open("a".to_owned(), 1).is_some() && streams.0.lock().unwrap().is_empty());
    }
}
