//! Lines as they are written.

use serde_json::json;
use watch::{Line, What};

use crate::stage::{OTHER, OUR_LOGS, Reading, on_stage};

on_stage!(
    async fn lines_are_followed_and_resumed_without_a_gap(stage) {
        stage.happens(What::Created);
        stage.log.flush().await;
        let path = format!("{OUR_LOGS}?follow=true");
        let mut reading = Reading::of(stage.open("1.org_admin", &path, &[]).await);
        assert_eq!(reading.next().await, ": open");
        for what in [What::SyncBegun, What::PageStored, What::SyncCompleted] {
            stage.happens(what);
            stage.say(Line::of(OTHER, What::SyncFailed));
        }
        stage.log.flush().await;
        let (first, line) = reading.line().await;
        assert_eq!(line["details"], json!({"event": "sync.begun"}), "what was before is not told, and nothing of others");
        drop(reading);
        let mut again = Reading::of(stage.open("1.org_admin", &path, &[("last-event-id", &first)]).await);
        assert_eq!(again.next().await, ": open");
        for event in ["sync.page_stored", "sync.completed"] {
            assert_eq!(again.line().await.1["details"]["event"], event);
        }
        stage.happens(What::SyncFailed);
        stage.log.flush().await;
        assert_eq!(again.line().await.1["message"], "a sync has failed");
    }
);

on_stage!(
    async fn what_is_followed_is_narrowed(stage) {
        let path = format!("{OUR_LOGS}?follow=true&log_level=error&q=sync");
        let mut reading = Reading::of(stage.open("1.org_admin", &path, &[]).await);
        assert_eq!(reading.next().await, ": open");
        for what in [What::SyncBegun, What::CallFailed, What::SyncFailed] {
            stage.happens(what);
        }
        stage.log.flush().await;
        assert_eq!(reading.line().await.1["details"]["event"], "sync.failed");
        stage.open("1.org_admin", &path, &[("last-event-id", "x")]).await.status().is_client_error().then_some(()).unwrap();
        assert_eq!(stage.open("2.org_admin", &path, &[]).await.status(), 404);
    }
);

on_stage!(
    async fn a_client_has_only_so_many_streams(stage) {
        let path = format!("{OUR_LOGS}?follow=true");
        let mut all = Vec::new();
        for _ in 0..watch::line::follow::STREAMS_OF_CLIENT_MAX {
            all.push(stage.open("1.org_admin", &path, &[]).await);
        }
        stage.ask("1.org_admin", &path).await.refused(429, "INT006", None);
        all.pop();
        assert_eq!(stage.open("1.org_admin", &path, &[]).await.status(), 200);
    }
);
