//! Renewal: once for everybody, and never the end of a connection without the third party's own word.

use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use serde_json::Value;
use store::{DbError, Writer};

use crate::{
    provider::Mood,
    stage::{Heard, Stage, call, hasty},
};

const PROXY: &str = "/integrations/v1/integration-1/proxy/1/x";
const BEARER: [(&str, &str); 1] = [("authorization", "Bearer 1.1")];

async fn expired(stage: &Stage) {
    stage.link("1.1", "integration-1").await;
    stage.clock.advance(Duration::from_secs(3601));
}

async fn use_it(stage: &Stage) -> Heard {
    stage.get(PROXY, &BEARER).await
}

async fn status(stage: &Stage) -> (String, String) {
    (
        stage.text("SELECT status FROM connection").await,
        stage.text("SELECT COALESCE(reason, '') FROM connection").await,
    )
}

on_stage!(
    async fn a_fresh_token_is_used_as_it_is(stage) {
        stage.link("1.1", "integration-1").await;
        for _ in 0..20 {
            assert_eq!(use_it(&stage).await.status, 200);
        }
        assert_eq!(stage.provider.token_calls(), 1);
        let book = stage.provider.book.lock().unwrap();
        assert!(book.api_calls.iter().all(|(_, _, headers)| headers["authorization"] == "Bearer access-canary-1"));
    }
);

on_stage!(
    async fn many_callers_of_several_processes_make_one_call(stage) {
        expired(&stage).await;
        let processes = [stage.app.clone(), stage.another().1, stage.another().1, stage.another().1];
        stage.provider.shut();
        let callers = processes.iter().flat_map(|app| (0..50).map(|_| call(app, Method::GET, PROXY, &BEARER, "")));
        let opened = async {
            stage.provider.called(2).await;
            stage.provider.open();
        };
        let (heard, ()) = tokio::join!(join_all(callers), opened);
        for heard in heard {
            assert_eq!(heard.status, 200, "{}", heard.body);
        }
        assert_eq!(stage.provider.token_calls(), 2);
        assert_eq!(stage.number("SELECT credential_version FROM connection").await, 2);
        assert_eq!(stage.number("SELECT COUNT(*) FROM credential").await, 1);
        assert_eq!(stage.number("SELECT COUNT(*) FROM token_journal WHERE answer_sealed IS NOT NULL").await, 0);
        assert_eq!(status(&stage).await, ("active".to_owned(), String::new()));
    }
);

on_stage!(
    async fn a_token_is_renewed_ahead_of_its_end_while_it_is_used(stage) {
        stage.link("1.1", "integration-1").await;
        stage.clock.advance(Duration::from_secs(3599));
        stage.provider.shut();
        // Nobody waits for the renewal.
        assert_eq!(use_it(&stage).await.status, 200);
        stage.provider.called(2).await;
        assert_eq!(use_it(&stage).await.status, 200);
        stage.provider.open();
        while stage.number("SELECT credential_version FROM connection").await < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(stage.provider.token_calls(), 2);
    }
);

on_stage!(
    async fn an_outage_over_there_does_not_end_a_connection(stage) {
        expired(&stage).await;
        stage.provider.mood(Mood::Down);
        let heard = use_it(&stage).await;
        assert_eq!(heard.status, 503, "{}", heard.body);
        assert!(heard.headers.contains_key("retry-after"));
        assert_eq!(status(&stage).await.0, "degraded");
        assert!(stage.connected("integration-1").await);
        // It is left alone for a while.
        assert_eq!(use_it(&stage).await.status, 503);
        assert_eq!(stage.provider.token_calls(), 2);
        stage.provider.mood(Mood::Good);
        stage.clock.advance(Duration::from_secs(60));
        assert_eq!(use_it(&stage).await.status, 200);
        assert_eq!(status(&stage).await.0, "active");
        assert_eq!(stage.number("SELECT COUNT(*) FROM audit_event WHERE act = 'connection.recovered'").await, 1);
    }
);

on_stage!(
    async fn the_third_partys_own_word_ends_a_connection(stage) {
        expired(&stage).await;
        stage.provider.mood(Mood::Refusing);
        let heard = use_it(&stage).await;
        assert_eq!((heard.status, heard.json()["code"].as_str()), (409, Some("needs_reconnect")), "{}", heard.body);
        assert_eq!(status(&stage).await, ("needs_reconnect".to_owned(), "invalid_grant".to_owned()));
        assert!(!stage.connected("integration-1").await);
        assert_eq!(stage.number("SELECT COUNT(*) FROM event WHERE name = 'connection.needs_reconnect'").await, 1);
        assert_eq!(stage.number("SELECT COUNT(*) FROM audit_event WHERE act = 'connection.needs_reconnect'").await, 1);
        use_it(&stage).await;
        assert_eq!(stage.provider.token_calls(), 2);
        // Linking again mends it.
        stage.provider.mood(Mood::Good);
        stage.link("1.1", "integration-1").await;
        assert_eq!(use_it(&stage).await.status, 200);
        assert_eq!(stage.number("SELECT COUNT(*) FROM connection").await, 1);
    }
);

on_stage!(
    async fn a_provider_with_a_grace_window_is_asked_twice(stage) {
        stage.link("1.1", "integration-2").await;
        stage.clock.advance(Duration::from_secs(3601));
        stage.provider.mood(Mood::Refusing);
        let heard = stage.get("/integrations/v1/integration-2/proxy/1/x", &BEARER).await;
        assert_eq!(heard.status, 409, "{}", heard.body);
        assert_eq!(stage.provider.token_calls(), 3);
        assert_eq!(status(&stage).await, ("needs_reconnect".to_owned(), "invalid_grant".to_owned()));
    }
);

on_stage!(
    hasty(),
    async fn a_rotation_that_never_reached_us_is_called_by_its_name(stage) {
        expired(&stage).await;
        stage.provider.mood(Mood::Mute);
        assert_eq!(use_it(&stage).await.status, 503);
        assert_eq!(status(&stage).await.0, "degraded");
        assert_eq!(stage.text("SELECT state FROM token_journal").await, "lost");
        stage.provider.mood(Mood::Good);
        stage.clock.advance(Duration::from_secs(60));
        assert_eq!(use_it(&stage).await.status, 409);
        assert_eq!(status(&stage).await, ("needs_reconnect".to_owned(), "rotation_lost".to_owned()));
    }
);

on_stage!(
    hasty(),
    async fn a_call_that_was_never_carried_out_is_made_again(stage) {
        expired(&stage).await;
        stage.provider.mood(Mood::Dead);
        assert_eq!(use_it(&stage).await.status, 503);
        stage.provider.mood(Mood::Good);
        stage.clock.advance(Duration::from_secs(60));
        assert_eq!(use_it(&stage).await.status, 200);
        assert_eq!(status(&stage).await.0, "active");
    }
);

on_stage!(
    async fn an_answer_that_cannot_be_read_is_no_end_either(stage) {
        expired(&stage).await;
        stage.provider.mood(Mood::Babbling);
        assert_eq!(use_it(&stage).await.status, 503);
        assert_eq!(stage.text("SELECT state FROM token_journal").await, "unreadable");
        stage.provider.mood(Mood::Good);
        stage.clock.advance(Duration::from_secs(60));
        assert_eq!(use_it(&stage).await.status, 409);
        assert_eq!(status(&stage).await.1, "rotation_lost");
    }
);

on_stage!(
    crate::stage::impatient(),
    async fn a_stalled_endpoint_is_not_asked_twice_while_the_first_call_is_out(stage) {
        // Callers go away after their time; the call goes on, and its answer counts.
        expired(&stage).await;
        stage.provider.shut();
        let other = stage.another().1;
        for _ in 0..3 {
            assert_eq!(use_it(&stage).await.status, 503);
            assert_eq!(call(&other, Method::GET, PROXY, &BEARER, "").await.status, 503);
        }
        assert_eq!(stage.provider.token_calls(), 2);
        stage.provider.open();
        while stage.number("SELECT MAX(credential_version) FROM connection").await < 2 {
            tokio::task::yield_now().await;
        }
        let body: Value = use_it(&stage).await.json();
        assert_eq!(body["path"], "/api/1/x");
        assert_eq!(stage.provider.token_calls(), 2);
    }
);

on_stage!(
    async fn a_token_that_is_not_accepted_is_renewed_once(stage) {
        stage.link("1.1", "integration-1").await;
        stage.provider.set(|book| book.access_live.clear());
        assert_eq!(use_it(&stage).await.status, 200);
        assert_eq!(stage.provider.token_calls(), 2);
        // What is not safe is not repeated.
        stage.provider.set(|book| book.access_live.clear());
        let path = "/integrations/v1/integration-1/proxy/1/things";
        let calls = stage.provider.book.lock().unwrap().api_calls.len();
        assert_eq!(stage.call(Method::POST, path, &BEARER, "{}").await.status, 503);
        assert_eq!(stage.provider.book.lock().unwrap().api_calls.len(), calls + 1);
    }
);

on_stage!(
    crate::stage::brief(),
    async fn a_lease_lasts_as_long_as_the_call(stage) {
        expired(&stage).await;
        stage.provider.shut();
        let waiting = use_it(&stage);
        let other = stage.another().1;
        let watching = async {
            stage.provider.called(2).await;
            // Three times over the lease would have run out, had nobody prolonged it.
            for _ in 0..6 {
                stage.clock.advance(crate::stage::brief().lease / 2);
                let now = kernel::Timestamp::as_micros(kernel::Clock::now(&stage.clock));
                let half = i64::try_from(crate::stage::brief().lease.as_micros()).unwrap() / 2;
                while stage.number("SELECT lease_until FROM connection").await - now <= half {
                    tokio::task::yield_now().await;
                }
            }
            let heard = call(&other, Method::GET, PROXY, &BEARER, "");
            let opened = async { stage.provider.open() };
            tokio::join!(heard, opened).0.status
        };
        let (waited, watched) = tokio::join!(waiting, watching);
        assert_eq!((waited.status, watched), (200, 200));
        assert_eq!(stage.provider.token_calls(), 2);
    }
);

on_stage!(
    async fn a_service_that_is_closed_for_good_is_said_to_be(stage) {
        expired(&stage).await;
        stage.provider.mood(Mood::Gone);
        assert_eq!(use_it(&stage).await.status, 409);
        assert_eq!(status(&stage).await, ("needs_reconnect".to_owned(), "provider_closed".to_owned()));
    }
);

on_stage!(
    async fn a_fresh_token_needs_no_database(stage) {
        stage.link("1.1", "integration-1").await;
        // Messages of linking are on their way; they come in the order of commits. What is in memory after the last of them stays there.
        let mut heard = stage.db.notify().subscribe("the_last");
        let told: Result<(), DbError> =
            stage.db.write(async |tx: &mut Writer| tx.publish("the_last", "").await).await;
        told.unwrap();
        heard.next().await;
        for _ in 0..20 {
            assert_eq!(use_it(&stage).await.status, 200);
        }
        stage.db.clone().close().await;
        for _ in 0..5 {
            let heard = use_it(&stage).await;
            assert_eq!(heard.status, 200, "{}", heard.body);
        }
        // The memory is trusted for a limited time only.
        stage.clock.advance(Duration::from_secs(31));
        assert_eq!(use_it(&stage).await.status, 503);
    }
);
