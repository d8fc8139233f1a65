//! Events as they happen: from now on, from where one has stopped, and of nobody else.

use std::time::Duration;

use axum::{body::BodyDataStream, http::Response};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;

const EVENTS: &str = "/api/v1/integrations/events";

/// A stream that is read message by message.
struct Reading {
    body: BodyDataStream,
    text: String,
}

impl Reading {
    fn of(answer: Response<axum::body::Body>) -> Self {
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { body: answer.into_body().into_data_stream(), text: String::new() }
    }

    /// The next message, as it stands there.
    async fn next(&mut self) -> String {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let (message, rest) = (message.to_owned(), rest.to_owned());
                self.text = rest;
                return message;
            }
            let piece = timeout(Duration::from_secs(60), self.body.next()).await.unwrap();
            self.text.push_str(std::str::from_utf8(&piece.unwrap().unwrap()).unwrap());
        }
    }

    /// The next event: its id and what is said of it.
    async fn event(&mut self) -> (String, Value) {
        let message = self.next().await;
        let line = |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        (line("id: "), serde_json::from_str(&line("data: ")).unwrap())
    }
}

on_stage!(
    async fn what_happens_is_streamed_and_resumed_without_a_gap(stage) {
        let mut reading = Reading::of(stage.open("1", EVENTS, &[]).await);
        assert_eq!(reading.next().await, ": open");
        for n in 0..3 {
            stage.happens(1, "sync.done", &format!("s-{n}"), json!({})).await;
            stage.happens(2, "sync.done", "theirs", json!({})).await;
        }
        stage.webhooks.follow().await.unwrap();
        let (first, event) = reading.event().await;
        assert_eq!(event["subject"], "s-0");
        drop(reading);
        let mut again = Reading::of(stage.open("1", EVENTS, &[("last-event-id", &first)]).await);
        assert_eq!(again.next().await, ": open");
        for subject in ["s-1", "s-2"] {
            assert_eq!(again.event().await.1["subject"], subject);
        }
        stage.happens(1, "connection.linked", "c", json!({})).await;
        stage.webhooks.follow().await.unwrap();
        assert_eq!(again.event().await.1["type"], "connection.linked");
    }
);

on_stage!(
    async fn a_stream_is_narrowed_and_says_when_an_id_is_too_old(stage) {
        let path = format!("{EVENTS}?event_types=connection.*&integrations=alpha,beta");
        let mut reading = Reading::of(stage.open("1", &path, &[]).await);
        assert_eq!(reading.next().await, ": open");
        stage.happens(1, "sync.done", "a", json!({"integration": "alpha"})).await;
        stage.happens(1, "connection.linked", "b", json!({"integration": "gamma"})).await;
        stage.happens(1, "connection.linked", "c", json!({"integration": "beta"})).await;
        stage.webhooks.follow().await.unwrap();
        let (id, event) = reading.event().await;
        assert_eq!(event["subject"], "c");
        stage.clock.advance(Duration::from_hours(24 * 8));
        let mut late = Reading::of(stage.open("1", EVENTS, &[("last-event-id", &id)]).await);
        assert!(late.next().await.starts_with("event: reset\n"));
        stage.call("1", "GET", EVENTS, &[("last-event-id", "x")], &Value::Null).await.refused(422, "INT002", Some("Last-Event-ID"));
        stage.call("1.openid", "GET", EVENTS, &[], &Value::Null).await.expect(403);
    }
);

on_stage!(
    async fn a_client_has_only_so_many_streams(stage) {
        let mut all = Vec::new();
        for _ in 0..webhooks::event::stream::STREAMS_OF_CLIENT_MAX {
            all.push(stage.open("1", EVENTS, &[]).await);
        }
        stage.call("1", "GET", EVENTS, &[], &Value::Null).await.refused(429, "INT006", None);
        assert_eq!(stage.open("2", EVENTS, &[]).await.status(), 200);
        all.pop();
        assert_eq!(stage.open("1", EVENTS, &[]).await.status(), 200);
    }
);

on_stage!(
    async fn a_stream_is_of_the_caller_s_studies_alone(stage) {
        const HEART: &str = "019b0000-0000-7000-8000-000000000001";
        const LUNG: &str = "019b0000-0000-7000-8000-000000000002";
        let bearer = format!("1.webhook/read.data_manager/{HEART}");
        let mut reading = Reading::of(stage.open(&bearer, EVENTS, &[]).await);
        assert_eq!(reading.next().await, ": open");
        stage.happens(1, "sync.done", "none", json!({})).await;
        stage.happens(1, "sync.done", "lung", json!({"study": LUNG})).await;
        stage.happens(1, "sync.done", "heart", json!({"study": HEART})).await;
        stage.webhooks.follow().await.unwrap();
        assert_eq!(reading.event().await.1["subject"], "heart");
        let other = format!("{EVENTS}?studies={LUNG}");
        stage.call(&bearer, "GET", &other, &[], &Value::Null).await.refused(403, "INT003", None);
    }
);
