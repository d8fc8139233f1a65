//! What a killed process leaves behind, at each step, and what becomes of it.

use std::time::Duration;

use kernel::{Connection, Id, IdKind};
use serde_json::json;
use store::{Writer, binds};
use vault::Place;

use crate::{
    provider::Mood,
    stage::{ORGANISATION, Stage},
};

enum Call {}
impl IdKind for Call {
    const NAME: &'static str = "call";
}

async fn connection(stage: &Stage) -> Id<Connection> {
    let row: (Id<Connection>,) =
        stage.db.read().await.unwrap().one("SELECT id FROM connection", vec![]).await.unwrap();
    row.0
}

/// A call as the journal has it after a crash: sent by another process, answered or not.
async fn left_behind(stage: &Stage, answer: Option<&[u8]>, lease: Duration) {
    let id: Id<Call> = stage.world.new_id();
    let vault = stage.vault.tenant(ORGANISATION).await.unwrap();
    let place = Place {
        table: "token_journal",
        row: *id.as_bytes(),
        column: "answer_sealed",
        purpose: "token_answer",
    };
    let sealed = answer.map(|answer| vault.seal(place, answer));
    let (connection, now) = (connection(stage).await, stage.world.now());
    let state = if sealed.is_some() { "received" } else { "sent" };
    let unit = async move |tx: &mut Writer| -> Result<(), store::DbError> {
        let sql = "INSERT INTO token_journal (id, connection_id, from_version, fence, state, sent_at, received_at, answer_sealed) \
                   VALUES ($1, $2, 1, 1, $3, $4, $5, $6)";
        tx.execute(sql, binds![id, connection, state, now, sealed.as_ref().map(|_| now), &sealed]).await?;
        let sql = "UPDATE connection SET fence = 1, lease_until = $2 WHERE id = $1";
        tx.execute(sql, binds![connection, now + lease]).await.map(|_| ())
    };
    stage.db.write(unit).await.unwrap();
}

fn packed(status: u16, body: serde_json::Value) -> Vec<u8> {
    let mut bytes = status.to_be_bytes().to_vec();
    bytes.extend(body.to_string().into_bytes());
    bytes
}

/// The third party has rotated; this is its answer.
fn rotate(stage: &Stage) -> Vec<u8> {
    stage.provider.set(|book| {
        book.refresh_live = Some("refresh-after".to_owned());
        book.access_live = ["access-after".to_owned()].into();
    });
    packed(
        200,
        json!({ "access_token": "access-after", "refresh_token": "refresh-after", "token_type": "Bearer", "expires_in": 3600 }),
    )
}

async fn is_used(stage: &Stage) {
    let heard = stage.api("1.1", "/integrations/v1/integration-1/proxy/1/x").await;
    assert_eq!(heard.status, 200, "{}", heard.body);
    let book = stage.provider.book.lock().unwrap();
    assert_eq!(book.api_calls.last().unwrap().2["authorization"], "Bearer access-after");
}

on_stage!(
    async fn an_answer_that_was_received_is_used_after_a_restart(stage) {
        stage.link("1.1", "integration-1").await;
        let answer = rotate(&stage);
        left_behind(&stage, Some(&answer), Duration::from_secs(30)).await;
        // At first it may still be in use by whoever received it.
        stage.clock.advance(Duration::from_secs(1));
        let still = stage.text("SELECT state FROM token_journal").await;
        stage.clock.advance(Duration::from_secs(2));
        assert_eq!((still.as_str(), stage.broker.recover().await.unwrap()), ("received", 1));
        assert_eq!(stage.text("SELECT state FROM token_journal").await, "applied");
        assert_eq!(stage.number("SELECT COUNT(*) FROM token_journal WHERE answer_sealed IS NOT NULL").await, 0);
        assert_eq!(stage.number("SELECT credential_version FROM connection").await, 2);
        assert_eq!(stage.provider.token_calls(), 1);
        is_used(&stage).await;
        assert_eq!(stage.broker.recover().await.unwrap(), 0);
    }
);

on_stage!(
    async fn it_is_also_used_by_the_next_caller(stage) {
        stage.link("1.1", "integration-1").await;
        stage.clock.advance(Duration::from_secs(3601));
        let answer = rotate(&stage);
        left_behind(&stage, Some(&answer), Duration::from_secs(30)).await;
        stage.clock.advance(Duration::from_secs(3));
        is_used(&stage).await;
        assert_eq!(stage.provider.token_calls(), 1);
    }
);

on_stage!(
    async fn a_call_without_an_answer_is_waited_for_and_then_found_out_about(stage) {
        stage.link("1.1", "integration-1").await;
        left_behind(&stage, None, Duration::from_secs(30)).await;
        assert_eq!(stage.broker.recover().await.unwrap(), 0);
        stage.clock.advance(Duration::from_secs(31));
        assert_eq!(stage.broker.recover().await.unwrap(), 1);
        // The third party had not seen it: the old token was still good.
        assert_eq!(stage.provider.token_calls(), 2);
        assert_eq!(stage.text("SELECT status FROM connection").await, "active");
        assert_eq!(stage.number("SELECT credential_version FROM connection").await, 2);
        assert_eq!(stage.number("SELECT COUNT(*) FROM token_journal WHERE state = 'lost'").await, 1);
    }
);

on_stage!(
    async fn a_rotation_whose_answer_was_lost_in_a_crash_is_named(stage) {
        stage.link("1.1", "integration-1").await;
        rotate(&stage);
        left_behind(&stage, None, Duration::ZERO).await;
        stage.clock.advance(Duration::from_secs(1));
        stage.broker.recover().await.unwrap();
        assert_eq!(stage.text("SELECT status FROM connection").await, "needs_reconnect");
        assert_eq!(stage.text("SELECT reason FROM connection").await, "rotation_lost");
    }
);

on_stage!(
    async fn an_answer_that_comes_too_late_still_mends_the_connection(stage) {
        stage.link("1.1", "integration-1").await;
        let answer = rotate(&stage);
        left_behind(&stage, None, Duration::ZERO).await;
        stage.clock.advance(Duration::from_secs(1));
        stage.provider.mood(Mood::Refusing);
        stage.broker.recover().await.unwrap();
        assert_eq!(stage.text("SELECT reason FROM connection").await, "rotation_lost");
        // The process that was thought dead comes back with its answer.
        left_behind(&stage, Some(&answer), Duration::ZERO).await;
        stage.clock.advance(Duration::from_secs(3));
        assert_eq!(stage.broker.recover().await.unwrap(), 1);
        assert_eq!(stage.text("SELECT status FROM connection").await, "active");
        is_used(&stage).await;
    }
);

on_stage!(
    async fn a_refusal_that_was_received_is_carried_out_after_a_restart(stage) {
        stage.link("1.1", "integration-1").await;
        left_behind(&stage, Some(&packed(400, json!({ "error": "invalid_grant" }))), Duration::ZERO).await;
        stage.clock.advance(Duration::from_secs(3));
        stage.broker.recover().await.unwrap();
        assert_eq!(stage.text("SELECT reason FROM connection").await, "invalid_grant");
    }
);

on_stage!(
    async fn tokens_that_come_after_unlinking_are_ended_too(stage) {
        stage.link("1.1", "integration-1").await;
        let answer = rotate(&stage);
        left_behind(&stage, Some(&answer), Duration::from_secs(30)).await;
        let bearer = [("authorization", "Bearer 1.1.integrations/revoke")];
        assert_eq!(stage.call(http::Method::DELETE, "/integrations/v1/integration-1", &bearer, "").await.status, 204);
        stage.clock.advance(Duration::from_secs(3));
        let worker = stage.worker();
        while worker.run_due().await.unwrap() > 0 {}
        stage.clock.advance(Duration::from_secs(20));
        while worker.run_due().await.unwrap() > 0 {}
        let mut revoked = stage.provider.book.lock().unwrap().revoked.clone();
        revoked.sort();
        assert_eq!(revoked, ["refresh-after", "refresh-canary-1"]);
        assert_eq!(stage.text("SELECT status FROM connection").await, "revoked");
        assert_eq!(stage.number("SELECT COUNT(*) FROM token_journal WHERE answer_sealed IS NOT NULL").await, 0);
    }
);
