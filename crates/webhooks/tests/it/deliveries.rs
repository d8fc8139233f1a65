//! What happens is told: once, signed, in order, again, and never at the cost of others.

use std::{collections::BTreeSet, time::Duration};

use crypto::webhook::{Message, sign};
use kernel::{Secret, Timestamp};
use serde_json::{Value, json};

use crate::{receiver::Mood, stage::BASE};

fn key(secret: &Value) -> Secret<[u8; 32]> {
    let text = secret.as_str().unwrap().strip_prefix("whsec_").unwrap();
    Secret::new(crypto::b64::decode_standard(text).unwrap().try_into().unwrap())
}

on_stage!(
    async fn what_happens_is_told_signed_and_once(stage) {
        let made = stage.endpoint("/in", &json!({"headers": {"X-Key": "hunter2"}})).await;
        stage.happens(1, "connection.linked", "c-1", json!({"integration": "alpha"})).await;
        stage.happens(2, "connection.linked", "c-2", json!({})).await;
        assert_eq!(stage.told().await, 1);
        assert_eq!(stage.told().await, 0);
        let sent = stage.receiver.taken();
        assert_eq!(sent.len(), 1, "another organisation's event is not told");
        let (sent, body) = (&sent[0], sent[0].json());
        assert_eq!((sent.path.as_str(), sent.field("x-key")), ("/in", "hunter2"));
        assert_eq!(sent.field("content-type"), "application/json");
        assert_eq!((&body["type"], &body["subject"]), (&json!("connection.linked"), &json!("c-1")));
        assert_eq!((&body["data"], &body["id"]), (&json!({"integration": "alpha"}), &json!(sent.field("webhook-id"))));
        let at = Timestamp::from_seconds(sent.field("webhook-timestamp").parse().unwrap());
        assert_eq!(at, stage.world.now());
        let message = Message { id: sent.field("webhook-id"), at, body: &sent.body };
        let signatures: Vec<&str> = sent.field("webhook-signature").split(' ').collect();
        assert_eq!(signatures[0], sign(&key(&made["secret"]), &message));
        assert!(signatures[1].starts_with("v1a,") && signatures.len() == 2);
    }
);

on_stage!(
    async fn an_endpoint_that_cannot_be_read_keeps_no_other_from_being_told(stage) {
        stage.endpoint("/well", &json!({})).await;
        stage.endpoint("/broken", &json!({})).await;
        let broken = stage.db.write(async |tx: &mut store::Writer| {
            let sql = "UPDATE webhook_endpoint SET header_names = 'no JSON' WHERE url LIKE '%/broken'";
            tx.execute(sql, store::binds![]).await
        });
        let broken: Result<u64, store::DbError> = broken.await;
        assert_eq!(broken.unwrap(), 1);
        stage.happens(1, "connection.linked", "c-1", json!({})).await;
        assert_eq!(stage.told().await, 1);
        assert_eq!(stage.receiver.taken()[0].path, "/well");
    }
);

on_stage!(
    async fn only_what_is_wanted_is_told(stage) {
        stage.endpoint("/types", &json!({"event_types": ["connection.*"]})).await;
        stage.endpoint("/studies", &json!({"studies": ["019b0000-0000-7000-8000-000000000001"]})).await;
        stage.endpoint("/integrations", &json!({"integrations": ["alpha"]})).await;
        stage.happens(1, "connection.linked", "a", json!({"integration": "beta"})).await;
        stage.happens(1, "sync.done", "b", json!({"studies": ["019b0000-0000-7000-8000-000000000000", "019b0000-0000-7000-8000-000000000001"]})).await;
        stage.happens(1, "sync.done", "c", json!({"integration": "alpha"})).await;
        stage.told().await;
        let told: BTreeSet<(String, String)> = stage
            .receiver
            .taken()
            .iter()
            .map(|sent| (sent.path.clone(), sent.json()["subject"].as_str().unwrap().to_owned()))
            .collect();
        let pair = |path: &str, subject: &str| (path.to_owned(), subject.to_owned());
        assert_eq!(told, [pair("/integrations", "c"), pair("/studies", "b"), pair("/types", "a")].into());
    }
);

on_stage!(
    async fn who_changes_what_is_wanted_is_told_that_from_then_on(stage) {
        let made = stage.endpoint("/in", &json!({"event_types": ["connection.*", "sync.done"]})).await;
        let names = async || {
            for (name, subject) in [("connection.linked", "a"), ("connection.revoked", "b"), ("sync.done", "c")] {
                stage.happens(1, name, subject, json!({})).await;
            }
            stage.told().await;
            let sent = stage.receiver.taken();
            sent.iter().map(|sent| sent.json()["type"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
        };
        assert_eq!(names().await.len(), 3);
        stage.patch(&made["id"], &json!({"event_types": ["connection.revoked"]})).await.expect(200);
        assert_eq!(names().await, ["connection.revoked".to_owned()].into());
        stage.patch(&made["id"], &json!({"event_types": []})).await.expect(200);
        assert_eq!(names().await.len(), 3);
        let path = format!("{BASE}/{}", made["id"].as_str().unwrap());
        stage.call("1", "DELETE", &path, &[], &Value::Null).await.expect(204);
        assert_eq!(stage.count("SELECT COUNT(*) FROM webhook_endpoint_type").await, 0);
    }
);

on_stage!(
    async fn a_delivery_is_tried_ten_times_over_three_days_and_then_given_up(stage) {
        stage.endpoint("/in", &json!({})).await;
        stage.receiver.always(Mood::Says(500));
        stage.happens(1, "sync.done", "a", json!({})).await;
        let begin = stage.world.now();
        let mut times = Vec::new();
        for _ in 0..2_000 {
            if stage.told().await > 0 {
                times.push(stage.world.now());
            }
            if stage.count("SELECT COUNT(*) FROM webhook_delivery WHERE state = 'failed'").await == 1 {
                break;
            }
            stage.clock.advance(Duration::from_mins(5));
        }
        let lasted = times.last().unwrap().since(begin);
        assert_eq!(times.len(), 10);
        assert!(lasted > Duration::from_hours(55) && lasted < Duration::from_hours(80), "{lasted:?}");
        // The endpoint is told of it, too, as of anything else.
        stage.receiver.taken();
        stage.receiver.always(Mood::Says(200));
        stage.clock.advance(Duration::from_hours(1));
        stage.told().await;
        let types: Vec<Value> = stage.receiver.taken().iter().map(|sent| sent.json()["type"].clone()).collect();
        assert_eq!(types, [json!("webhook.delivery_failed")]);
        assert_eq!(stage.count("SELECT COUNT(*) FROM webhook_attempt").await, 11);
    }
);

on_stage!(
    async fn an_endpoint_may_ask_for_a_pause(stage) {
        stage.endpoint("/in", &json!({})).await;
        stage.receiver.then(Mood::Asks(429, "3600", "slow down"));
        stage.happens(1, "sync.done", "a", json!({})).await;
        assert_eq!(stage.told().await, 1);
        stage.clock.advance(Duration::from_secs(3_599));
        assert_eq!(stage.told().await, 0);
        stage.clock.advance(Duration::from_secs(1));
        assert_eq!(stage.told().await, 1);
        let ids: BTreeSet<String> =
            stage.receiver.taken().iter().map(|sent| sent.field("webhook-id").to_owned()).collect();
        assert_eq!(ids.len(), 1, "the id is the same each time");
        // What it says is kept, and nobody reads it in the database.
        assert_eq!(stage.count("SELECT COUNT(*) FROM webhook_attempt WHERE answer IS NOT NULL").await, 1);
    }
);

on_stage!(
    async fn who_is_gone_is_not_called_any_more_and_loses_nothing(stage) {
        let made = stage.endpoint("/in", &json!({})).await;
        stage.endpoint("/notices", &json!({"event_types": ["webhook.*"]})).await;
        stage.receiver.then(Mood::Says(410));
        stage.happens(1, "sync.done", "a", json!({})).await;
        stage.told().await;
        let path = format!("{BASE}/{}", made["id"].as_str().unwrap());
        let seen = stage.get(&path).await.json();
        assert_eq!((&seen["state"], &seen["version"]), (&json!("disabled"), &json!(2)));
        assert!(seen["reason"].as_str().unwrap().contains("410"));
        assert!(stage.acts().await.contains(&"webhook_endpoint.disabled".to_owned()));
        stage.receiver.taken();
        stage.happens(1, "sync.done", "b", json!({})).await;
        stage.clock.advance(Duration::from_hours(1));
        stage.told().await;
        let sent = stage.receiver.taken();
        assert_eq!(sent.len(), 1);
        assert_eq!((sent[0].path.as_str(), &sent[0].json()["type"]), ("/notices", &json!("webhook.endpoint_disabled")));
        // A change of something else leaves it as it is; enabled again, it is told everything.
        stage.patch(&made["id"], &json!({"name": "B"})).await.expect(200);
        assert_eq!(stage.told().await, 0);
        stage.patch(&made["id"], &json!({"state": "enabled"})).await.expect(200);
        stage.told().await;
        // It keeps no order: three calls are made at once.
        let mut subjects: Vec<String> =
            stage.receiver.taken().iter().map(|sent| sent.json()["type"].as_str().unwrap().to_owned()).collect();
        subjects.sort_unstable();
        assert_eq!(subjects, ["sync.done", "sync.done", "webhook.endpoint_disabled"]);
    }
);

on_stage!(
    async fn a_paused_endpoint_keeps_its_queue(stage) {
        let made = stage.endpoint("/in", &json!({"state": "paused"})).await;
        for subject in ["a", "b"] {
            stage.happens(1, "sync.done", subject, json!({})).await;
        }
        assert_eq!(stage.told().await, 0);
        stage.patch(&made["id"], &json!({"state": "enabled"})).await.expect(200);
        assert_eq!(stage.told().await, 2);
        stage.patch(&made["id"], &json!({"state": "paused"})).await.expect(200);
        stage.happens(1, "sync.done", "c", json!({})).await;
        assert_eq!(stage.told().await, 0);
    }
);

on_stage!(
    async fn events_about_one_subject_wait_for_one_another_where_that_is_asked_for(stage) {
        stage.endpoint("/in", &json!({"order": "subject"})).await;
        for (subject, n) in [("a", 1), ("a", 2), ("b", 3), ("a", 4)] {
            stage.happens(1, "sync.done", subject, json!({"n": n})).await;
        }
        stage.receiver.then(Mood::Says(500));
        stage.told().await;
        stage.clock.advance(Duration::from_secs(6));
        stage.told().await;
        let numbers: Vec<i64> =
            stage.receiver.taken().iter().map(|sent| sent.json()["data"]["n"].as_i64().unwrap()).collect();
        assert_eq!(numbers.iter().filter(|n| **n == 1).count(), 2, "{numbers:?}");
        let of_a: Vec<i64> = numbers.iter().copied().filter(|n| *n != 3).collect();
        assert_eq!(of_a, [1, 1, 2, 4]);
    }
);

on_stage!(
    async fn a_call_that_nobody_came_back_from_is_made_again_by_another_node(stage) {
        stage.endpoint("/in", &json!({})).await;
        stage.happens(1, "sync.done", "a", json!({})).await;
        stage.webhooks.follow().await.unwrap();
        stage.receiver.then(Mood::Silent);
        {
            // A node that dies while it waits for the answer.
            let node = stage.another();
            let mut dying = Box::pin(async move { node.deliver_due().await });
            tokio::select! {
                made = &mut dying => panic!("nobody has answered: {made:?}"),
                () = stage.receiver.until(1) => {}
            }
        }
        assert_eq!(stage.receiver.taken().len(), 1);
        assert_eq!(stage.told().await, 0, "the lease of the dead node still holds");
        stage.clock.advance(webhooks::delivery::LEASE);
        assert_eq!(stage.told().await, 1);
        assert_eq!(stage.count("SELECT COUNT(*) FROM webhook_delivery WHERE state = 'delivered'").await, 1);
    }
);

on_stage!(
    async fn two_nodes_that_follow_and_deliver_at_once_tell_each_event_once(stage) {
        for path in ["/a", "/b", "/c"] {
            stage.endpoint(path, &json!({})).await;
        }
        for n in 0..40 {
            stage.happens(1, "sync.done", &format!("s-{n}"), json!({})).await;
        }
        let other = stage.another();
        let both = async |node: &webhooks::Webhooks| {
            node.follow().await.unwrap();
            node.deliver_due().await.unwrap()
        };
        let (one, two) = tokio::join!(both(&stage.webhooks), both(&other));
        let more = stage.told().await;
        assert_eq!(one + two + more, 120);
        let sent = stage.receiver.taken();
        let each: BTreeSet<(String, String)> =
            sent.iter().map(|sent| (sent.path.clone(), sent.field("webhook-id").to_owned())).collect();
        assert_eq!((sent.len(), each.len()), (120, 120));
        let places = "SELECT COUNT(*) FROM event WHERE place IS NULL OR place < 1 OR place > 40";
        assert_eq!(stage.count(places).await, 0);
    }
);

on_stage!(
    async fn dead_endpoints_cost_live_ones_nothing(stage) {
        for n in 0..40 {
            stage.endpoint(&format!("/dead/{n}"), &json!({})).await;
        }
        stage.endpoint("/live", &json!({})).await;
        stage.webhooks.begin();
        for n in 0..100 {
            stage.happens(1, "sync.done", &format!("s-{n}"), json!({})).await;
        }
        tokio::time::timeout(Duration::from_secs(60), stage.receiver.until(100)).await.unwrap();
        let sent = stage.receiver.taken();
        let live = sent.iter().filter(|sent| sent.path == "/live").count();
        let dead = sent.len() - live;
        assert_eq!(live, 100);
        // The clock of the schedule stands still: each of the dead is called a few times and then left alone.
        assert!(dead <= 40 * 4, "{dead}");
        stage.shutdown.begin();
    }
);

/// Wait until there are so many.
async fn until(stage: &crate::stage::Stage, sql: &'static str, count: i64) {
    let all = async {
        while stage.count(sql).await < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.unwrap();
}

on_stage!(
    async fn who_has_failed_is_called_again_beside_the_others_and_then_among_them(stage) {
        stage.endpoint("/in", &json!({})).await;
        for _ in 0..webhooks::delivery::PROBED_AFTER {
            stage.receiver.then(Mood::Says(500));
        }
        for n in 0..5 {
            stage.happens(1, "sync.done", &format!("s-{n}"), json!({})).await;
        }
        stage.webhooks.begin();
        until(&stage, "SELECT COUNT(*) FROM webhook_attempt WHERE status = 500", 3).await;
        until(&stage, "SELECT COUNT(*) FROM webhook_lane WHERE is_suspect = 1", 1).await;
        stage.clock.advance(webhooks::delivery::PROBE_MAX * 2);
        until(&stage, "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'delivered'", 5).await;
        let lanes = "SELECT COUNT(*) FROM webhook_lane WHERE is_suspect = 0 AND failures = 0";
        until(&stage, lanes, 1).await;
        stage.shutdown.begin();
    }
);

on_stage!(
    async fn who_has_failed_once_keeps_no_place_of_the_others_and_is_still_told_what_happens(stage) {
        stage.endpoint("/in", &json!({})).await;
        stage.receiver.then(Mood::Says(500));
        stage.happens(1, "sync.done", "a", json!({})).await;
        assert_eq!(stage.told().await, 1);
        let apart = "SELECT COUNT(*) FROM webhook_lane WHERE is_suspect = 1";
        assert_eq!(stage.count(apart).await, 1);
        stage.happens(1, "sync.done", "b", json!({})).await;
        assert_eq!(stage.told().await, 1);
        assert_eq!(stage.count(apart).await, 0);
    }
);

on_stage!(
    async fn deliveries_are_listed_with_the_log_of_their_calls_and_made_again(stage) {
        let made = stage.endpoint("/in", &json!({})).await;
        let path = format!("{BASE}/{}", made["id"].as_str().unwrap());
        stage.receiver.then(Mood::Asks(500, "1", "it is broken here"));
        for subject in ["a", "b"] {
            stage.happens(1, "sync.done", subject, json!({})).await;
        }
        stage.told().await;
        stage.clock.advance(Duration::from_secs(10));
        stage.told().await;
        let page = stage.get(&format!("{path}/deliveries?state=delivered")).await.expect(200).json();
        assert_eq!((&page["total"], &page["size"]), (&json!(2), &json!(20)));
        let first = page["items"].as_array().unwrap().iter().find(|one| one["attempts"] == 2).unwrap();
        let one = format!("{path}/deliveries/{}", first["event_id"].as_str().unwrap());
        let seen = stage.get(&one).await.expect(200).json();
        assert_eq!((&seen["payload"]["subject"], &seen["log"][1]["status"]), (&json!("a"), &json!(500)));
        assert_eq!(seen["log"][1]["answer"], "it is broken here");
        assert_eq!(seen["log"][1]["error"], "the endpoint answered 500");
        assert_eq!((&seen["log"][0]["status"], &seen["log"][0]["error"]), (&json!(200), &Value::Null));
        stage.receiver.taken();
        stage.post(&format!("{one}/replay"), &Value::Null).await.expect(202);
        assert_eq!(stage.told().await, 1);
        let sent = stage.receiver.taken();
        assert_eq!(sent[0].field("webhook-id"), first["event_id"].as_str().unwrap(), "the id is the event's");
        let replay = format!("{path}/replay");
        let since = json!({"since": "2026-01-01T00:00:00Z"});
        assert_eq!(stage.post(&replay, &since).await.expect(202).json()["replayed"], 0);
        let all = json!({"since": "2026-01-01T00:00:00Z", "state": "all"});
        assert_eq!(stage.post(&replay, &all).await.expect(202).json()["replayed"], 2);
        assert_eq!(stage.told().await, 2);
        stage.post(&replay, &json!({"since": "yesterday"})).await.refused(422, "INT002", Some("since"));
        let backwards = json!({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"});
        stage.post(&replay, &backwards).await.refused(422, "INT002", Some("until"));
        let health = stage.get(&format!("{path}/health")).await.expect(200).json();
        assert_eq!((&health["calls"], &health["pending"], &health["failures_in_a_row"]), (&json!(6), &json!(0), &json!(0)));
        assert_eq!(health["last_failure"]["status"], 500);
        assert!((health["success_rate"].as_f64().unwrap() - 5.0 / 6.0).abs() < 1e-9);
    }
);

on_stage!(
    async fn a_test_is_told_to_one_endpoint_and_to_no_other(stage) {
        let made = stage.endpoint("/in", &json!({"event_types": ["sync.done"]})).await;
        stage.endpoint("/other", &json!({})).await;
        let path = format!("{BASE}/{}", made["id"].as_str().unwrap());
        let event = stage.post(&format!("{path}/test"), &Value::Null).await.expect(202).json();
        assert_eq!(stage.told().await, 1);
        let sent = stage.receiver.taken();
        assert_eq!((sent[0].path.as_str(), &sent[0].json()["type"]), ("/in", &json!("webhook.test")));
        let one = format!("{path}/deliveries/{}", event["event_id"].as_str().unwrap());
        assert_eq!(stage.get(&one).await.expect(200).json()["state"], "delivered");
    }
);

on_stage!(
    async fn both_keys_sign_while_they_overlap(stage) {
        let made = stage.endpoint("/in", &json!({})).await;
        let path = format!("{BASE}/{}", made["id"].as_str().unwrap());
        let rotated = stage.post(&format!("{path}/rotate-secret?overlap_s=60"), &Value::Null).await;
        let rotated = rotated.expect(200).json();
        assert_ne!(made["secret"], rotated["secret"]);
        assert_eq!(rotated["public_keys"].as_array().unwrap().len(), 2);
        for (after, keys) in [(0, vec![&made["secret"], &rotated["secret"]]), (60, vec![&rotated["secret"]])] {
            stage.clock.advance(Duration::from_secs(after));
            stage.happens(1, "sync.done", "a", json!({})).await;
            stage.told().await;
            let sent = stage.receiver.taken().remove(0);
            let at = Timestamp::from_seconds(sent.field("webhook-timestamp").parse().unwrap());
            let message = Message { id: sent.field("webhook-id"), at, body: &sent.body };
            let signatures: Vec<&str> = sent.field("webhook-signature").split(' ').collect();
            assert_eq!(signatures.len(), keys.len() * 2);
            for secret in keys {
                assert!(signatures.contains(&sign(&key(secret), &message).as_str()));
            }
        }
        stage.post(&format!("{path}/rotate-secret?overlap_s=604801"), &Value::Null).await.refused(422, "INT002", Some("overlap_s"));
    }
);

on_stage!(
    async fn an_endpoint_that_takes_nothing_for_days_is_disabled_and_keeps_its_queue(stage) {
        let made = stage.endpoint("/in", &json!({})).await;
        stage.receiver.always(Mood::Says(500));
        for day in 0..7 {
            stage.happens(1, "sync.done", &format!("day-{day}"), json!({})).await;
            for _ in 0..4 {
                stage.told().await;
                stage.clock.advance(Duration::from_hours(6));
            }
        }
        let path = format!("{BASE}/{}", made["id"].as_str().unwrap());
        let seen = stage.get(&path).await.json();
        assert_eq!(seen["state"], "disabled");
        assert!(seen["reason"].as_str().unwrap().contains("five days"), "{seen}");
        assert!(stage.count("SELECT COUNT(*) FROM webhook_delivery WHERE state = 'pending'").await > 0);
        let notices = "SELECT COUNT(*) FROM event WHERE name = 'webhook.endpoint_disabled'";
        assert_eq!(stage.count(notices).await, 1);
    }
);
