//! Reading, searching, letting go.

use std::{collections::BTreeSet, time::Duration};

use kernel::{Connection, Id, Job};
use serde_json::json;
use store::binds;
use watch::{
    Line, What,
    line::{LINES_OF_A_UNIT, Numbers},
};

use crate::stage::{KEPT, OTHER, OUR_LOGS, OURS, THEIR_LOGS, THEIRS, on_stage};

on_stage!(
    async fn lines_are_told_newest_first_with_all_that_was_said(stage) {
        let connection: Id<Connection> = Id::from_bytes([7; 16]);
        stage.happens(What::Created);
        let numbers = Numbers { records_processed: Some(5), stored: Some(4), quarantined: Some(1), ..Numbers::default() };
        stage.say(Line::of(OURS, What::SyncCompleted).with(numbers).took(Duration::from_millis(1500)));
        stage.say(Line::of(OURS, What::CallFailed).because("the other side does not answer").about(connection).answered(503));
        stage.say(Line::of(OTHER, What::SyncFailed));
        stage.say(Line::of(THEIRS, What::SyncFailed));
        let page = stage.get(OUR_LOGS).await;
        assert_eq!(page["integration_id"], "int_a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1");
        assert_eq!(page["total_count"], 3);
        assert_eq!(
            page["filters"],
            json!({"start_date": null, "end_date": null, "log_level": null, "limit": 100, "q": null})
        );
        let logs = page["logs"].as_array().unwrap();
        assert_eq!(logs.len(), 3);
        assert_eq!(logs[0]["level"], "error");
        assert_eq!(logs[0]["message"], "a call has failed: the other side does not answer");
        assert_eq!(
            logs[0]["details"],
            json!({"event": "call.failed", "reason": "the other side does not answer",
                "connection_id": connection.to_string(), "status": 503})
        );
        assert_eq!(
            logs[1]["details"],
            json!({"event": "sync.completed", "duration_ms": 1500, "records_processed": 5, "stored": 4, "quarantined": 1})
        );
        assert!(logs[0]["timestamp"].as_str() > logs[1]["timestamp"].as_str(), "{page}");
        assert_eq!(logs[2]["details"], json!({"event": "integration.created"}));
    }
);

on_stage!(
    async fn a_log_is_searched_by_level_words_ids_and_time(stage) {
        let run: Id<Job> = Id::from_bytes([9; 16]);
        let began = stage.world.now();
        for _ in 0..30 {
            stage.happens(What::PageStored);
        }
        stage.say(Line::of(OURS, What::SyncPaused).because("the server does not know our credential").about(run));
        stage.say(Line::of(OURS, What::SyncFailed).because("the server does not know our credential"));
        stage.say(Line::of(OURS, What::SyncFailed).because("our own trouble").about(run));
        let names = |found: &(Vec<String>, i64)| found.0.join(" ");
        assert_eq!(names(&stage.events("limit=3").await), "sync.failed sync.failed sync.paused");
        assert_eq!(stage.events("log_level=debug&limit=5").await, (vec!["sync.page_stored".to_owned(); 5], 30));
        let found = stage.events("q=Credential").await;
        assert_eq!((names(&found).as_str(), found.1), ("sync.failed sync.paused", 2));
        let found = stage.events("q=credential%20failed&log_level=error").await;
        assert_eq!((names(&found).as_str(), found.1), ("sync.failed", 1));
        assert_eq!(stage.events("q=credential&log_level=info").await, (vec![], 0));
        assert_eq!(stage.events("q=no-such-word").await, (vec![], 0));
        let found = stage.events(&format!("q={run}")).await;
        assert_eq!((names(&found).as_str(), found.1), ("sync.failed sync.paused", 2));
        let found = stage.events(&format!("q={run}%20paused")).await;
        assert_eq!((names(&found).as_str(), found.1), ("sync.paused", 1));
        assert_eq!(stage.events("q=0909ffff-0909-0909-0909-090909090909").await, (vec![], 0));
        // The first ten seconds, with their last instant.
        let until = began + Duration::from_secs(10);
        assert_eq!(stage.events(&format!("end_date={until}")).await.1, 10);
        let found = stage.events(&format!("start_date={until}&q=stored&limit=1")).await;
        assert_eq!((found.0.len(), found.1), (1, 21));
        let day = began.to_string()[..10].to_owned();
        assert_eq!(stage.events(&format!("start_date={day}&end_date={day}&limit=1")).await.1, 33);
        assert_eq!(stage.events("start_date=1999-01-01&end_date=2001-01-01").await, (vec![], 0));
    }
);

on_stage!(
    async fn pages_follow_one_another_without_gap_or_repetition(stage) {
        for nth in 0..25 {
            stage.happens(if nth % 5 == 0 { What::SyncFailed } else { What::PageStored });
        }
        for (query, count) in [("limit=4", 25), ("limit=2&log_level=error", 5), ("limit=7&q=stored", 20)] {
            let (mut path, mut seen, mut pages) = (format!("{OUR_LOGS}?{query}"), Vec::new(), 0);
            loop {
                stage.log.flush().await;
                let heard = stage.ask("1.auditor", &path).await.expect(200);
                let page = heard.json();
                assert_eq!(page["total_count"], count, "{query}");
                let times = page["logs"].as_array().unwrap().iter().map(|line| line["timestamp"].to_string());
                seen.extend(times);
                pages += 1;
                // What is said meanwhile comes before, and moves nothing.
                if pages == 1 {
                    stage.say(Line::of(OTHER, What::SyncFailed));
                }
                let Some(link) = heard.headers.get("link") else { break };
                let link = link.to_str().unwrap().strip_prefix("<https://hilum.example").unwrap();
                path = link.strip_suffix(">; rel=\"next\"").unwrap().to_owned();
            }
            assert_eq!(seen.len(), count, "{query}");
            assert!(seen.is_sorted_by(|one, next| one > next), "{query}: {seen:?}");
        }
    }
);

on_stage!(
    async fn others_find_nothing_and_wrong_words_are_named(stage) {
        stage.happens(What::Created);
        stage.log.flush().await;
        for (bearer, status) in [
            ("1.org_admin", 200),
            ("1.analyst", 200),
            ("1.viewer", 403),
            ("2.org_admin", 404),
            ("2.system_admin", 200),
            ("1.analyst/c1c1c1c1-c1c1-c1c1-c1c1-c1c1c1c1c1c1", 200),
            ("1.analyst/c2c2c2c2-c2c2-c2c2-c2c2-c2c2c2c2c2c2", 404),
        ] {
            stage.ask(bearer, OUR_LOGS).await.expect(status);
            stage.ask(bearer, &OUR_LOGS.replace("/logs", "/metrics")).await.expect(status);
        }
        stage.ask("1.org_admin", THEIR_LOGS).await.refused(404, "INT001", None);
        for unknown in ["int_00", "int_ffffffffffffffffffffffffffffffff", "x"] {
            stage.ask("1.org_admin", &format!("/api/v1/integrations/{unknown}/logs")).await.refused(404, "INT001", None);
        }
        for (query, field) in [
            ("start_date=soon", "start_date"),
            ("end_date=2026-02-30", "end_date"),
            ("log_level=fatal", "log_level"),
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("cursor=x", "cursor"),
            ("start_date=2026-02-02&end_date=2026-02-01", "end_date"),
        ] {
            stage.ask("1.org_admin", &format!("{OUR_LOGS}?{query}")).await.refused(422, "INT002", Some(field));
        }
        for (query, field) in [("limit=x", "limit"), ("page=1", "page"), ("follow=7", "follow")] {
            stage.ask("1.org_admin", &format!("{OUR_LOGS}?{query}")).await.refused(400, "INT002", Some(field));
        }
    }
);

on_stage!(
    async fn days_that_are_old_are_let_go_whole(stage) {
        for _ in 0..3 {
            stage.happens(What::SyncFailed);
        }
        stage.log.flush().await;
        stage.clock.advance(KEPT - Duration::from_hours(24));
        stage.happens(What::SyncCompleted);
        stage.log.flush().await;
        stage.work().await;
        assert_eq!(stage.events("").await.1, 4);
        stage.clock.advance(Duration::from_hours(48));
        stage.work().await;
        let (events, total) = stage.events("").await;
        assert_eq!((events, total), (vec!["sync.completed".to_owned()], 1));
        let sql = "SELECT COUNT(*) FROM integration_line_count";
        let (days,): (i64,) = stage.db.read().await.unwrap().one(sql, binds![]).await.unwrap();
        assert_eq!(days, 1);
    }
);

on_stage!(
    async fn two_processes_write_one_log_and_nothing_is_lost(stage) {
        let other = stage.another_log();
        let many = LINES_OF_A_UNIT + 40;
        for _ in 0..many {
            stage.log.note(Line::of(OURS, What::CallAnswered).took(Duration::from_millis(3)));
            other.note(Line::of(OURS, What::CallFailed));
        }
        tokio::join!(stage.log.flush(), other.flush());
        let (events, total) = stage.events("limit=1000").await;
        assert_eq!((events.len(), total), (1_000, 2 * i64::try_from(many).unwrap()));
        assert_eq!(stage.events("log_level=error&limit=1").await.1, i64::try_from(many).unwrap());
        let page = stage.get(&format!("{OUR_LOGS}?limit=1000")).await;
        let times: BTreeSet<String> =
            page["logs"].as_array().unwrap().iter().map(|line| line["timestamp"].to_string()).collect();
        assert_eq!(times.len(), 1_000, "no two lines have one time");
        assert_eq!(stage.log.dropped() + other.dropped(), 0);
    }
);
