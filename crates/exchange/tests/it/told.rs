//! What a sync and a test tell of: lines of the integration's log, and events.

use exchange::{check::check, run::Extent};
use kernel::Actor;
use serde_json::{Value, json};
use store::binds;

use crate::stage::{HERE, INTEGRATION, STUDY, Stage, THERE, on_sync, organisation};

impl Stage {
    /// The events that were published of integrations, by name.
    async fn published(&self) -> Vec<(String, Value)> {
        let sql = "SELECT name, subject, data FROM event ORDER BY name";
        let rows: Vec<(String, String, String)> =
            self.db.read().await.unwrap().all(sql, binds![]).await.unwrap();
        let of_integrations = rows.into_iter().filter(|(_, subject, _)| subject.starts_with("int_"));
        of_integrations.map(|(name, _, data)| (name, serde_json::from_str(&data).unwrap())).collect()
    }

    /// The events and reasons of the log's lines, in order.
    async fn lines(&self) -> Vec<(String, Option<String>, Value)> {
        self.exchange.log.flush().await;
        let sql = "SELECT p.event, p.reason, l.details FROM integration_line AS l JOIN log_phrase AS p ON p.id = l.phrase \
                   WHERE l.integration_id = $1 ORDER BY l.at";
        let rows: Vec<(String, Option<String>, String)> =
            self.db.read().await.unwrap().all(sql, binds![INTEGRATION]).await.unwrap();
        rows.into_iter()
            .map(|(event, why, details)| (event, why, serde_json::from_str(&details).unwrap()))
            .collect()
    }
}

on_sync!(
    async fn a_sync_is_told_of_from_its_beginning_to_its_end(db) {
        let stage = Stage::new(db, 1).await;
        stage.patients(THERE, 0, 3).await;
        stage.put(THERE, "Observation", "odd", r#","status":7"#).await;
        let begun = stage.begin(Extent::Full).await;
        let run = stage.ended(begun).await;
        let published = stage.published().await;
        let names: Vec<&str> = published.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["sync.begun", "sync.completed"]);
        let end = &published[1].1;
        assert_eq!(end["integration_id"], "int_09090909090909090909090909090909");
        assert_eq!(end["studies"], json!([STUDY]));
        assert_eq!(end["report"]["received"], run.counts.received, "{end}");
        assert_eq!(end["job_id"], published[0].1["job_id"]);
        let lines = stage.lines().await;
        let events: Vec<&str> = lines.iter().map(|(event, ..)| event.as_str()).collect();
        assert_eq!((events.first(), events.last()), (Some(&"sync.begun"), Some(&"sync.completed")));
        let stored: i64 = lines
            .iter()
            .filter(|(event, ..)| event == "sync.page_stored")
            .map(|(.., details)| details["records_processed"].as_i64().unwrap())
            .sum();
        assert_eq!(stored, run.counts.received, "{lines:?}");
        assert!(stage.records(HERE).await.len() >= 3);
    }
);

on_sync!(
    async fn a_source_that_fails_is_told_of_with_the_reason(db) {
        let stage = Stage::new(db, 2).await;
        stage.patients(THERE, 0, 1).await;
        // Nobody is there any more.
        stage.proxy.always(Some(testkit::Trouble::Reset));
        let begun = stage.begin(Extent::Full).await;
        let run = stage.ended(begun).await;
        assert_eq!(run.state, exchange::run::State::Failed);
        let published = stage.published().await;
        let (name, data) = published.last().unwrap();
        assert_eq!((name.as_str(), data["reason"].as_str()), ("sync.failed", run.why.as_deref()));
        let lines = stage.lines().await;
        let paused = lines.iter().filter(|(event, ..)| event == "sync.paused").count();
        assert!(paused >= 2, "{lines:?}");
        let (event, why, _) = lines.last().unwrap();
        assert_eq!((event.as_str(), why.as_deref()), ("sync.failed", run.why.as_deref()));
    }
);

on_sync!(
    async fn a_test_is_told_of(db) {
        let stage = Stage::new(db, 3).await;
        stage.patients(THERE, 0, 1).await;
        let checked = check(&stage.exchange, (organisation(1), INTEGRATION), (Actor::System, None)).await.unwrap();
        let published = stage.published().await;
        let (name, data) = published.last().unwrap();
        assert_eq!((name.as_str(), &data["status"]), ("integration.tested", &json!(checked.status.as_str())));
        assert_eq!(data["message"], checked.message.as_ref());
        let lines = stage.lines().await;
        let (event, ..) = lines.last().unwrap();
        assert!(event.starts_with("test."), "{lines:?}");
    }
);
