//! A third party that answers everything with 200 in an envelope, and wants its revocation signed.

use std::time::Duration;

use axum::{
    Form, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

use crate::{
    provider::Provider,
    stage::{Stage, person},
};

/// What this third party knows.
#[derive(Debug, Default)]
pub struct Desk {
    /// How many nonces were given out.
    pub nonces: u32,
    /// The one that is good.
    pub nonce: Option<String>,
    /// The timestamps that nonces were asked with.
    pub timestamps: Vec<String>,
    /// Whose grants were ended.
    pub ended: Vec<String>,
    /// How many revocations arrived, good or bad.
    pub revocations: u32,
    /// What it answers to a good revocation instead of ending the grant.
    pub instead: Option<Value>,
    /// No nonces are given out: 503.
    pub down: bool,
}

pub fn routes() -> Router<Provider> {
    Router::new().route("/v2/oauth2", post(oauth2)).route("/v2/signature", post(signature))
}

type Fields = Vec<(String, String)>;

fn field<'a>(form: &'a Fields, name: &str) -> &'a str {
    form.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).unwrap_or_default()
}

fn is_signed(form: &Fields, over: &str) -> bool {
    let key = kernel::Secret::new("our-secret".to_owned());
    let digest = crypto::hmac_sha256_text(&key, &[over.as_bytes()]);
    let hex: String = digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    field(form, "client_id") == "our-id" && field(form, "signature") == hex
}

fn fault(status: u16, words: &str) -> Value {
    json!({ "status": status, "body": {}, "error": words })
}

async fn signature(State(provider): State<Provider>, Form(form): Form<Fields>) -> Response {
    let mut book = provider.book.lock().unwrap();
    let desk = &mut book.withings;
    if desk.down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let over = format!("getnonce,our-id,{}", field(&form, "timestamp"));
    if field(&form, "action") != "getnonce" || !is_signed(&form, &over) {
        return axum::Json(fault(342, "Signature is invalid")).into_response();
    }
    desk.timestamps.push(field(&form, "timestamp").to_owned());
    desk.nonces += 1;
    let nonce = format!("nonce-{}", desk.nonces);
    desk.nonce = Some(nonce.clone());
    axum::Json(json!({ "status": 0, "body": { "nonce": nonce } })).into_response()
}

async fn oauth2(State(provider): State<Provider>, Form(form): Form<Fields>) -> axum::Json<Value> {
    let mut book = provider.book.lock().unwrap();
    axum::Json(match field(&form, "action") {
        "requesttoken" if field(&form, "client_secret") == "our-secret" => json!({ "status": 0, "body": {
            "userid": book.user, "access_token": "access-canary-w", "refresh_token": "refresh-canary-w",
            "expires_in": 10800, "token_type": "Bearer", "scope": "user.activity,user.metrics,user.info",
        } }),
        "revoke" => end(&mut book.withings, &form),
        _ => fault(503, "Invalid Params"),
    })
}

fn end(desk: &mut Desk, form: &Fields) -> Value {
    desk.revocations += 1;
    // A nonce is good once.
    let nonce = desk.nonce.take();
    let is_fresh = nonce.is_some_and(|nonce| nonce == field(form, "nonce"));
    if !is_fresh || !is_signed(form, &format!("revoke,our-id,{}", field(form, "nonce"))) {
        return fault(342, "Signature is invalid");
    }
    if let Some(instead) = desk.instead.clone() {
        return instead;
    }
    desk.ended.push(field(form, "userid").to_owned());
    json!({ "status": 0, "body": [] })
}

async fn unlinked(stage: &Stage) {
    stage.integrate("signed", "Signed", "signed", "our-secret").await;
    stage.link("1.1", "signed").await;
    let by = broker::By::system();
    assert!(stage.broker.unlink_by_slug(person(1), "signed", &by).await.unwrap());
}

async fn state(stage: &Stage) -> (String, i64) {
    let copies = stage.number("SELECT COUNT(*) FROM revocation WHERE tokens_sealed IS NOT NULL").await;
    (stage.text("SELECT status FROM connection").await, copies)
}

on_stage!(
    async fn a_signed_revocation_is_tried_until_the_third_party_says_that_it_is_done(stage) {
        stage.provider.set(|book| book.withings.down = true);
        unlinked(&stage).await;
        let worker = stage.worker();
        worker.run_due().await.unwrap();
        assert_eq!(stage.provider.book.lock().unwrap().withings.revocations, 0);
        assert_eq!(state(&stage).await, ("revoking".to_owned(), 1));
        // 200 is no success here: the envelope's own status counts, and an unreadable answer is none.
        let not_yet = [fault(601, "Too many requests"), json!({ "status": "soon" }), json!([])];
        for (nth, answer) in (1..).zip(not_yet) {
            stage.provider.set(|book| {
                book.withings.down = false;
                book.withings.instead = Some(answer);
            });
            stage.clock.advance(Duration::from_secs(300));
            worker.run_due().await.unwrap();
            assert_eq!(stage.provider.book.lock().unwrap().withings.revocations, nth);
            assert_eq!(state(&stage).await, ("revoking".to_owned(), 1));
        }
        stage.provider.set(|book| book.withings.instead = None);
        stage.clock.advance(Duration::from_secs(300));
        worker.run_due().await.unwrap();
        assert_eq!(state(&stage).await, ("revoked".to_owned(), 0));
        assert_eq!(stage.text("SELECT evidence FROM revocation").await, "confirmed");
        let book = stage.provider.book.lock().unwrap();
        assert_eq!(book.withings.ended, ["account-1"]);
        // Each attempt has a nonce of its own, asked for at the time of the attempt.
        assert_eq!((book.withings.nonces, book.withings.revocations), (4, 4));
        let now = stage.world.now().as_seconds().to_string();
        assert_eq!(book.withings.timestamps.last(), Some(&now));
    }
);

on_stage!(
    async fn a_grant_that_is_unknown_over_there_has_ended(stage) {
        stage.provider.set(|book| book.withings.instead = Some(fault(401, "Invalid token: no such grant")));
        unlinked(&stage).await;
        stage.worker().run_due().await.unwrap();
        assert_eq!(state(&stage).await, ("revoked".to_owned(), 0));
        assert_eq!(stage.text("SELECT evidence FROM revocation").await, "already_ended");
    }
);

on_stage!(
    async fn a_signature_that_is_not_accepted_is_no_end(stage) {
        unlinked(&stage).await;
        // The secret over there is another one than the one here.
        stage.integrate("signed", "Signed", "signed", "an-old-secret").await;
        stage.worker().run_due().await.unwrap();
        let (status, copies) = state(&stage).await;
        assert_eq!((status.as_str(), copies), ("revoking", 1));
        assert_eq!(stage.provider.book.lock().unwrap().withings.nonces, 0);
    }
);

on_stage!(
    async fn without_the_accounts_id_nothing_is_sent_and_that_is_said(stage) {
        stage.integrate("signed", "Signed", "signed", "our-secret").await;
        stage.link("1.1", "signed").await;
        let unit = async move |tx: &mut store::Writer| -> Result<u64, store::DbError> {
            tx.execute("UPDATE connection SET account_sealed = NULL", vec![]).await
        };
        stage.db.write(unit).await.unwrap();
        stage.broker.unlink_by_slug(person(1), "signed", &broker::By::system()).await.unwrap();
        stage.worker().run_due().await.unwrap();
        assert_eq!(state(&stage).await, ("revoked".to_owned(), 0));
        assert_eq!(stage.text("SELECT evidence FROM revocation").await, "not_possible");
        assert_eq!(stage.provider.book.lock().unwrap().withings.nonces, 0);
    }
);
