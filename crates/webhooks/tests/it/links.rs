//! Receivers' links: made, opened, ended, and good for one endpoint alone.

use std::time::Duration;

use kernel::{EventRow, Id};
use serde_json::{Value, json};
use webhooks::{
    Desk, WebhookFault,
    delivery::{list::DeliveriesIn, replay::ReplayIn},
    endpoint::{Endpoint, PausedBy, State},
    receiver::{LINK_LIFE, LINKS_KEPT, LINKS_MAX, RECEIVER_SESSION, SESSIONS_MAX},
};

use crate::{
    receiver::Mood,
    stage::{BASE, Stage},
};

fn id_of(made: &Value) -> Id<Endpoint> {
    made["id"].as_str().unwrap().parse().unwrap()
}

fn links(endpoint: Id<Endpoint>) -> String {
    format!("{BASE}/{endpoint}/receiver-links")
}

/// A link to an endpoint, and what opens it.
async fn link(stage: &Stage, endpoint: Id<Endpoint>, document: Value) -> (Value, String) {
    let made = stage.post(&links(endpoint), &document).await.expect(201).json();
    let token = made["path"].as_str().unwrap().strip_prefix("/receivers/open/").unwrap().to_owned();
    (made, token)
}

async fn opened(stage: &Stage, token: &str) -> Option<(Id<Endpoint>, String)> {
    let opened = stage.webhooks.open_link(token, None).await.unwrap()?;
    Some((opened.endpoint, opened.value.expose().clone()))
}

async fn receiver(stage: &Stage, value: &str, endpoint: Id<Endpoint>) -> Option<Desk> {
    Some(stage.webhooks.visit(value, endpoint, None).await.unwrap()?.desk)
}

on_stage!(
    async fn a_link_shows_what_opens_it_once_and_nothing_of_that_is_kept(stage) {
        let endpoint = id_of(&stage.endpoint("/in", &json!({})).await);
        stage.clock.advance(Duration::from_secs(1));
        let (made, token) = link(&stage, endpoint, json!({"name": " Partner lab ", "expires_in_s": 3600})).await;
        assert!(token.starts_with("hlm_rl_"), "{token}");
        assert_eq!((&made["name"], &made["state"]), (&json!("Partner lab"), &json!("live")));
        let listed = stage.get(&links(endpoint)).await.expect(200);
        assert!(!listed.body.contains("hlm_rl_") && !listed.body.contains("path"), "{}", listed.body);
        assert_eq!(listed.json()["items"][0]["id"], made["id"]);
        assert_eq!(stage.acts().await, ["webhook_endpoint.created", "receiver_link.created"]);
        let mut reader = stage.db.read().await.unwrap();
        let kept = reader.all::<(Vec<u8>,)>("SELECT canonical FROM audit_event", store::binds![]).await.unwrap();
        for (entry,) in kept {
            assert!(!String::from_utf8_lossy(&entry).contains("hlm_rl_"));
        }
        for (document, field) in [
            (json!({}), "name"),
            (json!({"name": ""}), "name"),
            (json!({"name": 7}), "name"),
            (json!({"name": "Lab", "expires_in_s": 59}), "expires_in_s"),
            (json!({"name": "Lab", "expires_in_s": "x"}), "expires_in_s"),
            (json!({"name": "Lab", "scope": "all"}), "scope"),
        ] {
            stage.post(&links(endpoint), &document).await.refused(422, "INT002", Some(field));
        }
    }
);

on_stage!(
    async fn an_opened_link_sees_to_its_endpoint_and_its_acts_name_it(stage) {
        let endpoint = id_of(&stage.endpoint("/in", &json!({})).await);
        let (made, token) = link(&stage, endpoint, json!({"name": "Lab"})).await;
        let (of, value) = opened(&stage, &token).await.unwrap();
        assert_eq!(of, endpoint);
        assert_ne!(value, token);
        let lab = receiver(&stage, &value, endpoint).await.unwrap();
        assert_eq!(lab.endpoint().await.unwrap().name, "Ours");
        // What fails is seen with its status and the start of its answer, and made again.
        stage.receiver.then(Mood::Asks(500, "0", "the disk is full"));
        let event = lab.test().await.unwrap();
        stage.told().await;
        assert_eq!(lab.health().await.unwrap().calls, 1);
        let seen = lab.delivery(event).await.unwrap();
        assert_eq!((seen.delivery.event_type.as_str(), seen.log[0].status), ("webhook.test", Some(500)));
        assert_eq!(seen.log[0].answer.as_deref(), Some("the disk is full"));
        lab.replay_one(event).await.unwrap();
        stage.told().await;
        let deliveries = lab.deliveries(&DeliveriesIn::default()).await.unwrap();
        assert_eq!((deliveries.items.len(), deliveries.items[0].state.as_str()), (1, "delivered"));
        let since = stage.world.now() - Duration::from_secs(60);
        let again = ReplayIn { since, until: None, state: Default::default() };
        assert_eq!(lab.replay(again).await.unwrap().replayed, 0, "none has failed for good");
        // Paused it waits; then it goes on.
        assert_eq!(lab.stand(State::Paused).await.unwrap().state, State::Paused);
        lab.test().await.unwrap();
        assert_eq!(stage.told().await, 0);
        lab.stand(State::Enabled).await.unwrap();
        assert_eq!(stage.told().await, 1);
        let rotated = lab.rotate().await.unwrap();
        assert!(rotated.secret.unwrap().starts_with("whsec_"));
        assert_eq!(rotated.public_keys.len(), 2);
        let theirs = "SELECT COUNT(*) FROM audit_event WHERE actor = 'receiver' AND person_id IS NULL";
        let acts = stage.count(theirs).await;
        assert_eq!(acts, 8, "opened, tested twice, replayed twice, paused, went on, drew keys");
        let mut reader = stage.db.read().await.unwrap();
        let link_id: Id<kernel::ReceiverLink> = made["id"].as_str().unwrap().parse().unwrap();
        let (of_link,): (i64,) = reader
            .one("SELECT COUNT(*) FROM audit_event WHERE link_id = $1", store::binds![link_id])
            .await
            .unwrap();
        assert_eq!(of_link, acts);
    }
);

on_stage!(
    async fn what_staff_have_paused_only_staff_enable_again(stage) {
        let made = stage.endpoint("/in", &json!({})).await;
        let endpoint = id_of(&made);
        assert_eq!(made["paused_by"], Value::Null);
        let (_, token) = link(&stage, endpoint, json!({"name": "Lab"})).await;
        let (_, value) = opened(&stage, &token).await.unwrap();
        let lab = receiver(&stage, &value, endpoint).await.unwrap();
        // Their own pause they end themselves.
        let own = lab.stand(State::Paused).await.unwrap();
        assert_eq!(own.paused_by, Some(PausedBy::Receiver));
        assert!(lab.may_enable(&own));
        assert_eq!(stage.patch(&made["id"], &json!({"name": "Theirs"})).await.json()["paused_by"], "receiver");
        assert_eq!(lab.stand(State::Enabled).await.unwrap().paused_by, None);
        // That of staff they do not, whatever they do before.
        assert_eq!(stage.patch(&made["id"], &json!({"state": "paused"})).await.json()["paused_by"], "staff");
        let acts = stage.acts().await.len();
        for _ in 0..2 {
            let held = lab.stand(State::Enabled).await.unwrap_err();
            assert!(matches!(held, WebhookFault::Held), "{held}");
            assert_eq!(stage.acts().await.len(), acts, "nothing has changed");
        }
        let still = lab.stand(State::Paused).await.unwrap();
        assert_eq!((still.state, still.paused_by), (State::Paused, Some(PausedBy::Staff)));
        assert!(!lab.may_enable(&still));
        assert!(matches!(lab.stand(State::Enabled).await, Err(WebhookFault::Held)));
        lab.test().await.unwrap();
        assert_eq!(stage.told().await, 0, "it waits");
        assert_eq!(stage.patch(&made["id"], &json!({"state": "enabled"})).await.json()["state"], "enabled");
        assert_eq!(stage.told().await, 1);
        // A pause of theirs that staff make their own is the staff's.
        lab.stand(State::Paused).await.unwrap();
        assert_eq!(stage.patch(&made["id"], &json!({"state": "paused"})).await.json()["paused_by"], "staff");
        assert!(matches!(lab.stand(State::Enabled).await, Err(WebhookFault::Held)));
        stage.patch(&made["id"], &json!({"state": "enabled"})).await.expect(200);
        // What was disabled because calls failed, they may have told again.
        stage.receiver.then(Mood::Says(410));
        lab.test().await.unwrap();
        stage.told().await;
        let disabled = lab.endpoint().await.unwrap();
        assert_eq!((disabled.state, disabled.paused_by), (State::Disabled, None));
        assert!(lab.may_enable(&disabled));
        assert_eq!(lab.stand(State::Enabled).await.unwrap().state, State::Enabled);
        // One that was made paused is paused by staff.
        let other = stage.endpoint("/other", &json!({"state": "paused"})).await;
        assert_eq!(other["paused_by"], "staff");
    }
);

on_stage!(
    async fn a_link_opens_one_endpoint_and_no_other(stage) {
        let endpoint = id_of(&stage.endpoint("/in", &json!({})).await);
        let other = id_of(&stage.endpoint("/other", &json!({})).await);
        let (_, token) = link(&stage, endpoint, json!({"name": "Lab"})).await;
        let (_, value) = opened(&stage, &token).await.unwrap();
        assert!(receiver(&stage, &value, other).await.is_none());
        assert!(receiver(&stage, &token, endpoint).await.is_none(), "the token is no session");
        let lab = receiver(&stage, &value, endpoint).await.unwrap();
        // An event of the other one is not this one's to see or to make again.
        stage.happens(1, "connection.linked", "c", json!({})).await;
        let theirs = stage.post(&format!("{BASE}/{other}/test"), &Value::Null).await.expect(202).json();
        stage.told().await;
        let theirs: Id<EventRow> = theirs["event_id"].as_str().unwrap().parse().unwrap();
        assert!(matches!(lab.delivery(theirs).await, Err(WebhookFault::NoDelivery)));
        assert!(matches!(lab.replay_one(theirs).await, Err(WebhookFault::NoDelivery)));
        assert!(opened(&stage, "hlm_rl_nothing").await.is_none());
        assert!(opened(&stage, &"x".repeat(4_000)).await.is_none());
    }
);

on_stage!(
    async fn expiry_and_revocation_are_felt_at_once(stage) {
        let endpoint = id_of(&stage.endpoint("/in", &json!({})).await);
        let (made, token) = link(&stage, endpoint, json!({"name": "Lab"})).await;
        let (_, value) = opened(&stage, &token).await.unwrap();
        assert!(receiver(&stage, &value, endpoint).await.is_some());
        let path = format!("{}/{}", links(endpoint), made["id"].as_str().unwrap());
        stage.call("1", "DELETE", &path, &[], &Value::Null).await.expect(204);
        assert!(receiver(&stage, &value, endpoint).await.is_none());
        assert!(opened(&stage, &token).await.is_none());
        stage.call("1", "DELETE", &path, &[], &Value::Null).await.expect(204);
        let revoked = stage.acts().await.iter().filter(|act| *act == "receiver_link.revoked").count();
        assert_eq!(revoked, 1, "what is revoked already is not revoked");
        assert_eq!(stage.get(&links(endpoint)).await.json()["items"][0]["state"], "revoked");
        // A session ends by itself, a link too, and the session with it.
        let (_, token) = link(&stage, endpoint, json!({"name": "Lab"})).await;
        let (_, value) = opened(&stage, &token).await.unwrap();
        stage.clock.advance(RECEIVER_SESSION);
        assert!(receiver(&stage, &value, endpoint).await.is_none());
        stage.clock.advance(LINK_LIFE - RECEIVER_SESSION - Duration::from_secs(1));
        let (_, value) = opened(&stage, &token).await.unwrap();
        assert!(receiver(&stage, &value, endpoint).await.is_some());
        stage.clock.advance(Duration::from_secs(1));
        assert!(receiver(&stage, &value, endpoint).await.is_none());
        assert!(opened(&stage, &token).await.is_none());
        assert_eq!(stage.get(&links(endpoint)).await.json()["items"][0]["state"], "expired");
        // With the endpoint goes what opened it.
        let (_, token) = link(&stage, endpoint, json!({"name": "Lab"})).await;
        let (_, value) = opened(&stage, &token).await.unwrap();
        stage.call("1", "DELETE", &format!("{BASE}/{endpoint}"), &[], &Value::Null).await.expect(204);
        assert!(receiver(&stage, &value, endpoint).await.is_none());
        assert_eq!(stage.count("SELECT COUNT(*) FROM webhook_receiver_link").await, 0);
        assert_eq!(stage.count("SELECT COUNT(*) FROM webhook_receiver_session").await, 0);
    }
);

on_stage!(
    async fn whoever_leaves_is_out_and_old_browsers_give_way(stage) {
        let endpoint = id_of(&stage.endpoint("/in", &json!({})).await);
        let (_, token) = link(&stage, endpoint, json!({"name": "Lab"})).await;
        let (_, first) = opened(&stage, &token).await.unwrap();
        for _ in 0..SESSIONS_MAX {
            stage.clock.advance(Duration::from_secs(1));
            opened(&stage, &token).await.unwrap();
        }
        assert!(receiver(&stage, &first, endpoint).await.is_none(), "the oldest gives way");
        let (_, last) = opened(&stage, &token).await.unwrap();
        assert!(receiver(&stage, &last, endpoint).await.is_some());
        stage.webhooks.close_link(&last, None).await.unwrap();
        assert!(receiver(&stage, &last, endpoint).await.is_none());
        // That is on record under the link, once: whoever has left already leaves nothing.
        for value in [last.as_str(), "hlm_rs_nothing", &"x".repeat(4_000)] {
            stage.webhooks.close_link(value, None).await.unwrap();
        }
        let closed = "SELECT COUNT(*) FROM audit_event WHERE act = 'receiver_link.closed' AND actor = 'receiver' AND link_id IS NOT NULL";
        assert_eq!(stage.count(closed).await, 1);
        // What has ended long ago is let go.
        stage.clock.advance(LINK_LIFE + LINKS_KEPT);
        jobs::Job::run(webhooks::delivery::sweep::Sweep {}, &stage.webhooks, 1).await.unwrap();
        assert_eq!(stage.count("SELECT COUNT(*) FROM webhook_receiver_link").await, 0);
        assert_eq!(stage.count("SELECT COUNT(*) FROM webhook_receiver_session").await, 0);
    }
);

on_stage!(
    async fn links_are_made_by_who_may_manage_the_endpoint(stage) {
        let endpoint = id_of(&stage.endpoint("/in", &json!({})).await);
        let (made, _) = link(&stage, endpoint, json!({"name": "Lab"})).await;
        let one = format!("{}/{}", links(endpoint), made["id"].as_str().unwrap());
        let nowhere = format!("{}/00000000-0000-7000-8000-000000000000", links(endpoint));
        let name = json!({"name": "Lab"});
        for (bearer, method, path, body, status) in [
            ("", "POST", &links(endpoint), &name, 401),
            ("1.webhook/read", "POST", &links(endpoint), &name, 403),
            ("1.webhook/write.auditor", "POST", &links(endpoint), &name, 403),
            ("1.webhook/read.auditor", "GET", &links(endpoint), &Value::Null, 200),
            ("1.webhook/read.viewer", "GET", &links(endpoint), &Value::Null, 403),
            ("2", "POST", &links(endpoint), &name, 404),
            ("2", "GET", &links(endpoint), &Value::Null, 404),
            ("2", "DELETE", &one, &Value::Null, 404),
            ("1.webhook/write.auditor", "DELETE", &one, &Value::Null, 403),
            ("1", "DELETE", &nowhere, &Value::Null, 404),
        ] {
            let heard = stage.call(bearer, method, path, &[], body).await;
            assert_eq!(heard.status, status, "{bearer} {method} {path}: {}", heard.body);
        }
        for _ in 1..LINKS_MAX {
            link(&stage, endpoint, json!({"name": "Lab"})).await;
        }
        stage.post(&links(endpoint), &name).await.refused(409, "INT004", None);
        stage.call("1", "DELETE", &one, &[], &Value::Null).await.expect(204);
        stage.post(&links(endpoint), &name).await.expect(201);
        let page = stage.get(&format!("{}?size=2&page=2", links(endpoint))).await.expect(200).json();
        assert_eq!((page["items"].as_array().unwrap().len(), &page["total"]), (2, &json!(LINKS_MAX + 1)));
    }
);
