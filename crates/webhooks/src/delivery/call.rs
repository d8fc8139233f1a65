//! One call of an endpoint.

use std::time::Duration;

use bytes::Bytes;
use crypto::webhook::Message;
use http::{HeaderValue, Method, StatusCode, header};
use jobs::feed::Placed;
use kernel::{Fault, Timestamp};
use outbound::Call;
use tokio::time::Instant;

use crate::{
    Webhooks,
    endpoint::{EndpointRow, Secrets},
    event::body_of,
};

/// What is kept of an endpoint's answer, in bytes.
pub const ANSWER_BYTES_MAX: usize = 512;
/// What is read of it, so that the connection can be used again.
const READ_BYTES_MAX: usize = 16 << 10;

/// An event that is due, and how often it was tried.
pub(super) struct Due {
    pub event: Placed,
    pub tries: u32,
    pub attempts: u32,
}

/// What became of a call.
pub(super) struct Called {
    pub due: Due,
    pub at: Timestamp,
    pub took: Duration,
    pub status: Option<StatusCode>,
    pub answer: Bytes,
    pub came: Came,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Came {
    /// It was taken.
    Taken,
    /// The endpoint says that it is gone for good.
    Gone,
    /// It was not taken, and why; the endpoint may have asked for a pause.
    Failed { why: String, asked: Option<Duration> },
}

pub(super) async fn call(
    webhooks: &Webhooks,
    (endpoint, secrets): (&EndpointRow, &Secrets),
    due: Due,
    longest: Duration,
) -> Called {
    let at = webhooks.world.now();
    let body = Bytes::from(body_of(&due.event));
    let id = due.event.id.to_string();
    let mut headers = secrets.headers(&Message { id: &id, at, body: &body });
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let call = Call { method: Method::POST, url: endpoint.url.clone(), headers, body, timeout: longest };
    let began = Instant::now();
    let (status, answer, came) = match webhooks.outbound.send(call).await {
        Ok(answer) => {
            let status = answer.status;
            let asked = outbound::retry_after(&answer.headers, webhooks.world.now());
            let said = answer.read(READ_BYTES_MAX).await.map(|whole| whole.body).unwrap_or_default();
            (Some(status), said.slice(..said.len().min(ANSWER_BYTES_MAX)), judged(status, asked))
        }
        Err(fault) => (None, Bytes::new(), Came::Failed { why: fault.public().into_owned(), asked: None }),
    };
    Called { due, at, took: began.elapsed(), status, answer, came }
}

fn judged(status: StatusCode, asked: Option<Duration>) -> Came {
    match status {
        status if status.is_success() => Came::Taken,
        StatusCode::GONE => Came::Gone,
        // RFC 9110 §10.2.3: of others it says when a redirect may be followed, and we follow none.
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Came::Failed { why: format!("the endpoint answered {}", status.as_u16()), asked }
        }
        _ => Came::Failed { why: format!("the endpoint answered {}", status.as_u16()), asked: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_hundreds_are_taken_and_only_410_is_the_end() {
        let pause = Some(Duration::from_secs(60));
        let of = |status: u16| judged(StatusCode::from_u16(status).unwrap(), pause);
        let failed =
            |status: u16, asked| Came::Failed { why: format!("the endpoint answered {status}"), asked };
        assert_eq!((of(200), of(202), of(204)), (Came::Taken, Came::Taken, Came::Taken));
        assert_eq!(of(410), Came::Gone);
        assert_eq!((of(429), of(503)), (failed(429, pause), failed(503, pause)));
        for status in [301, 302, 400, 404, 500, 502] {
            assert_eq!(of(status), failed(status, None));
        }
    }
}
