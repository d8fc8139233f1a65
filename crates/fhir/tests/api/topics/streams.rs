//! Events as they happen.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures_util::{StreamExt, future::join_all};
use http::Request;
use serde_json::{Value, json};
use store::{Db, DbError, StoreConfig, Writer, binds};
use testkit::engine::{POSTGRES, with_url};
use tokio::time::timeout;
use tower::ServiceExt;

use super::{EXTENSION, Hook, observed, patient, receiver::event};
use crate::stage::{NORTH, Stage, token};

/// A stream of a subscription, read piece by piece.
struct Stream {
    pieces: BodyDataStream,
    left: String,
}

impl Stream {
    async fn open(stage: &Stage, bearer: &str, id: &str, last: Option<&str>) -> Result<Self, u16> {
        let mut request = Request::get(format!("/fhir/Subscription/{id}/$events"))
            .header("authorization", format!("Bearer {bearer}"))
            .header("su-siteid", NORTH)
            .header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = stage.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        if answer.status() != 200 {
            return Err(answer.status().as_u16());
        }
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Ok(Self { pieces: answer.into_body().into_data_stream(), left: String::new() })
    }

    /// The next message or comment.
    async fn next(&mut self) -> Option<String> {
        while !self.left.contains("\n\n") {
            let piece = self.pieces.next().await?.unwrap();
            self.left.push_str(std::str::from_utf8(&piece).unwrap());
        }
        let (one, rest) = self.left.split_once("\n\n").unwrap();
        let (one, rest) = (one.to_owned(), rest.to_owned());
        self.left = rest;
        Some(one)
    }

    /// The number and the focus of the next event.
    async fn event(&mut self) -> (i64, Option<String>) {
        let mut message = self.next().await.unwrap();
        // Where it takes long, it is said that nothing has happened yet.
        while message.starts_with(':') {
            message = self.next().await.unwrap();
        }
        let (id, data) = message.split_once('\n').unwrap();
        let bundle: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        let all = bundle["entry"][0]["resource"]["parameter"].as_array().unwrap();
        let (number, focus) = event(all.iter().find(|one| one["name"] == "notification-event").unwrap());
        assert_eq!(id, format!("id: {number}"));
        (number, focus)
    }
}

fn wanted(hook: &Hook) -> String {
    let mut wanted = hook.wanted("Observation", "id-only");
    wanted["channel"]["type"] = json!("message");
    wanted["channel"]["_type"] = json!({"extension": [{"url": format!("{EXTENSION}channel-type"),
        "valueCoding": {"system": "urn:hilum:subscription-channel", "code": "sse"}}]});
    wanted["channel"].as_object_mut().unwrap().remove("endpoint");
    wanted.to_string()
}

on_hook!(
    async fn a_stream_tells_what_happens_and_goes_on_where_it_ended(hook) {
        let north = hook.north();
        patient(&north, "p0").await.expect(201);
        let made = north.post("/fhir/Subscription", &wanted(&hook)).await.expect(201).json();
        assert_eq!(made["status"], "active");
        let id = made["id"].as_str().unwrap();
        let mut stream = Stream::open(&hook.stage, &north.token, id, None).await.unwrap_or_else(|status| panic!("{status}"));
        assert_eq!(stream.next().await.unwrap(), ": open");
        let mut made = Vec::new();
        for number in 1..=3 {
            made.push(observed(&north, "p0").await);
            hook.follow().await;
            assert_eq!(stream.event().await, (number, made.last().cloned()));
        }
        drop(stream);
        made.push(observed(&north, "p0").await);
        hook.follow().await;
        let mut stream = Stream::open(&hook.stage, &north.token, id, Some("2")).await.unwrap_or_else(|status| panic!("{status}"));
        for number in [3, 4] {
            assert_eq!(stream.event().await, (number, Some(made[number as usize - 1].clone())));
        }
        assert_eq!(hook.told().await.len(), 0, "nobody is called");
        north.delete(&format!("/fhir/Subscription/{id}")).await.expect(200);
        observed(&north, "p0").await;
    }
);

on_hook!(
    async fn streams_are_counted_and_end_with_the_token(hook) {
        let north = hook.north();
        patient(&north, "p0").await.expect(201);
        let made = north.post("/fhir/Subscription", &wanted(&hook)).await.expect(201).json();
        let id = made["id"].as_str().unwrap();
        let mut open = Vec::new();
        for _ in 0..fhir::topic::STREAMS_OF_OWNER_MAX {
            open.push(Stream::open(&hook.stage, &north.token, id, None).await.unwrap_or_else(|status| panic!("{status}")));
        }
        assert_eq!(Stream::open(&hook.stage, &north.token, id, None).await.err(), Some(429));
        open.pop();
        let last = Stream::open(&hook.stage, &north.token, id, None).await;
        open.push(last.unwrap_or_else(|status| panic!("{status}")));
        let other = token(1, "user/*.cruds", "", "site");
        assert_eq!(Stream::open(&hook.stage, &other, id, None).await.err(), Some(404));
        assert_eq!(Stream::open(&hook.stage, &north.token, id, Some("x")).await.err(), Some(400));
        let mut stream = open.pop().unwrap();
        assert_eq!(stream.next().await.unwrap(), ": open");
        observed(&north, "p0").await;
        hook.follow().await;
        hook.stage.persons.expire();
        assert_eq!(stream.next().await, None, "no event without a good token");
    }
);

on_hook!(
    async fn what_is_written_here_is_followed_at_once(hook) {
        let north = hook.north();
        patient(&north, "p0").await.expect(201);
        let made = north.post("/fhir/Subscription", &wanted(&hook)).await.expect(201).json();
        let id = made["id"].as_str().unwrap();
        let mut stream = Stream::open(&hook.stage, &north.token, id, None).await.unwrap_or_else(|status| panic!("{status}"));
        assert_eq!(stream.next().await.unwrap(), ": open");
        // Each is written when the one before was told: by the clock alone they would take a second each.
        let all = async {
            for number in 1..=24 {
                let focus = observed(&north, "p0").await;
                assert_eq!(stream.event().await, (number, Some(focus)));
            }
        };
        timeout(Duration::from_secs(12), all).await.unwrap();
    }
);

/// What a stream tells until it has told this many.
async fn told(stream: &mut Stream, from: i64, to: i64) -> Vec<String> {
    let mut all = Vec::new();
    for number in from..=to {
        let (told, focus) = stream.event().await;
        assert_eq!(told, number);
        all.extend(focus);
    }
    all
}

#[test]
fn two_nodes_tell_each_event_once_and_in_order_and_one_goes_on_for_the_other() {
    with_url(POSTGRES, async |url| {
        let config = StoreConfig { connections_max: 8, ..StoreConfig::new(url) };
        let (one, other) = (Db::open(&config).await.unwrap(), Db::open(&config).await.unwrap());
        one.migrate(&[audit::MIGRATIONS, vault::MIGRATIONS, jobs::MIGRATIONS, fhir::MIGRATIONS])
            .await
            .unwrap();
        let hook = Hook::new(one.clone()).await;
        let beside = hook.stage.beside(other.clone()).await;
        timeout(Duration::from_secs(120), between(&hook, &beside, &other)).await.unwrap();
        one.close().await;
    });
}

async fn between(hook: &Hook, beside: &Stage, other: &Db) {
    const ALL: i64 = 20;
    let (north, south) = (hook.north(), beside.north());
    patient(&north, "p0").await.expect(201);
    let made = south.post("/fhir/Subscription", &wanted(hook)).await.expect(201).json();
    let id = made["id"].as_str().unwrap();
    let open = async |stage: &Stage, last| {
        Stream::open(stage, &north.token, id, last).await.unwrap_or_else(|status| panic!("{status}"))
    };
    let (mut here, mut there) = (open(&hook.stage, None).await, open(beside, None).await);
    for stream in [&mut here, &mut there] {
        assert_eq!(stream.next().await.unwrap(), ": open");
    }
    // Both write and both follow, at once.
    let writing = join_all((0..ALL).map(|nth| observed(if nth % 2 == 0 { &north } else { &south }, "p0")));
    let (mut written, heard, heard_there) =
        tokio::join!(writing, told(&mut here, 1, ALL), told(&mut there, 1, ALL));
    assert_eq!(heard, heard_there);
    let mut focuses = heard;
    focuses.sort();
    written.sort();
    assert_eq!(focuses, written);
    // One dies with what it has written behind it; whoever listened there goes on here.
    let last = observed(&south, "p0").await;
    other.clone().close().await;
    while there.next().await.is_some() {}
    let more = observed(&north, "p0").await;
    let mut again = open(&hook.stage, Some("20")).await;
    assert_eq!(told(&mut again, ALL + 1, ALL + 2).await, [last.clone(), more.clone()]);
    assert_eq!(told(&mut here, ALL + 1, ALL + 2).await, [last, more]);
}

/// The same rows once more, under ids of which there is no record.
async fn many_more(hook: &Hook, rows: i64) {
    let sql = "INSERT INTO fhir_subscription (tenant, id, version, generation, state, channel, owner, secrets, since, events,
            delivered, epoch, failures, failing_since, reason, heartbeat_s, sent_at, ends_at)
        SELECT tenant, $1, version, generation, state, channel, owner, secrets, since, events, delivered, epoch, failures,
            failing_since, reason, heartbeat_s, sent_at, ends_at FROM fhir_subscription ORDER BY tenant, id LIMIT 1";
    let written = hook.stage.db.write(async move |tx: &mut Writer| {
        for nth in 0..rows {
            tx.execute(sql, binds![format!("more-{nth}").into_bytes()]).await?;
        }
        Ok::<_, DbError>(())
    });
    written.await.unwrap();
}

on_hook!(
    async fn all_of_very_many_are_told_and_there_is_an_end_to_them(hook) {
        let north = hook.north();
        patient(&north, "p0").await.expect(201);
        let wanted = wanted(&hook);
        let mut all = Vec::new();
        for _ in 0..fhir::topic::TOLD_ROWS + 3 {
            let made = north.post("/fhir/Subscription", &wanted).await.expect(201).json();
            all.push(made["id"].as_str().unwrap().to_owned());
        }
        observed(&north, "p0").await;
        hook.follow().await;
        for id in &all {
            let status = north.get(&format!("/fhir/Subscription/{id}/$status")).await.expect(200);
            let count = r#"{"name":"events-since-subscription-start","valueString":"1"}"#;
            assert!(status.body.contains(count), "{}", status.body);
        }
        many_more(&hook, fhir::topic::SUBSCRIPTIONS_OF_OWNER_MAX - fhir::topic::TOLD_ROWS - 3).await;
        north.post("/fhir/Subscription", &wanted).await.expect(409).tells("conflict", "500 subscriptions of their owner");
        let other = hook.stage.by(token(1, "user/*.cruds", "", "site"));
        other.post("/fhir/Subscription", &wanted).await.expect(201);
        // One that is off makes room for another.
        let mut off: Value = serde_json::from_str(&wanted).unwrap();
        (off["id"], off["status"]) = (json!(all[0]), json!("off"));
        north.put(&format!("/fhir/Subscription/{}", all[0]), &off.to_string()).await.expect(200);
        north.post("/fhir/Subscription", &wanted).await.expect(201);
        off["status"] = json!("requested");
        north.put(&format!("/fhir/Subscription/{}", all[0]), &off.to_string()).await.expect(409);
    }
);
