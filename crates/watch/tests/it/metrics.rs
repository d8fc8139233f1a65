//! Numbers of what lines tell of.

use std::time::Duration;

use serde_json::json;
use watch::{Line, What, line::Numbers};

use crate::stage::{OUR_LOGS, OURS, on_stage};

on_stage!(
    async fn what_happens_is_counted_by_step_and_in_all(stage) {
        let path = OUR_LOGS.replace("/logs", "/metrics");
        let empty = stage.get(&path).await;
        assert_eq!((&empty["points"], &empty["totals"]["error_percent"]), (&json!([]), &json!(null)));
        let other = stage.another_log();
        for ms in 1..=50 {
            stage.log.note(Line::of(OURS, What::CallAnswered).took(Duration::from_millis(ms)));
            other.note(Line::of(OURS, What::CallAnswered).took(Duration::from_millis(50 + ms)));
        }
        other.flush().await;
        stage.log.flush().await;
        stage.clock.advance(Duration::from_hours(2));
        let numbers = Numbers { records_processed: Some(5), stored: Some(4), quarantined: Some(1), ..Numbers::default() };
        stage.say(Line::of(OURS, What::PageStored).with(numbers).took(Duration::from_millis(10)));
        stage.say(Line::of(OURS, What::RecordsQuarantined).with(numbers));
        stage.say(Line::of(OURS, What::SyncCompleted).with(numbers).took(Duration::from_secs(100)));
        stage.say(Line::of(OURS, What::CallFailed));
        stage.say(Line::of(OURS, What::CallRefused).answered(403));
        stage.say(Line::of(OURS, What::TestFailed).took(Duration::from_millis(3)));
        let told = stage.get(&path).await;
        let totals = &told["totals"];
        assert_eq!((&totals["calls"], &totals["errors"], &totals["refusals"]), (&json!(104), &json!(3), &json!(1)), "{told}");
        assert_eq!(totals["error_percent"], 2.88);
        assert_eq!(totals["records"], json!({"received": 5, "stored": 4, "unchanged": 0, "quarantined": 1, "deleted": 0}));
        assert_eq!(totals["syncs"], json!({"completed": 1, "failed": 0, "cancelled": 0}));
        assert_eq!((&totals["tests"], &totals["tests_failed"]), (&json!(1), &json!(1)));
        let p50 = totals["latency_ms"]["p50"].as_u64().unwrap();
        assert!((50..=56).contains(&p50), "{told}");
        assert!(totals["latency_ms"]["p99"].as_u64().unwrap() >= 99, "{told}");
        let points = told["points"].as_array().unwrap();
        assert_eq!(points.len(), 2, "{told}");
        assert_eq!((&points[0]["calls"], &points[1]["calls"]), (&json!(100), &json!(4)));
        let days = stage.get(&format!("{path}?window=30d")).await;
        assert_eq!((&days["step"], &days["totals"]["calls"]), (&json!("day"), &json!(104)));
        let minutes = stage.get(&format!("{path}?window=15m&step=minute")).await;
        assert_eq!(minutes["totals"]["calls"], 4);
        for (query, field) in [("window=5w", "window"), ("step=second", "step"), ("window=30d&step=minute", "step")] {
            stage.ask("1.org_admin", &format!("{path}?{query}")).await.refused(422, "INT002", Some(field));
        }
        // Numbers by the minute go after two days, those by the hour stay.
        stage.clock.advance(Duration::from_hours(72));
        stage.work().await;
        assert_eq!(stage.get(&format!("{path}?window=30d")).await["totals"]["calls"], 104);
    }
);
