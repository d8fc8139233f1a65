//! Rules, and how they are told.

use std::time::Duration;

use serde_json::{Value, json};
use store::binds;
use watch::{Line, What};

use crate::{
    sink::Sink,
    stage::{OTHER, OURS, Stage, on_stage},
};

const ALERTS: &str = "/api/v1/integrations/alerts";
const OUR_ID: &str = "int_a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
const THEIR_ID: &str = "int_b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1";

impl Stage {
    async fn rule(&self, document: Value) -> Value {
        self.call("1.org_admin", "POST", ALERTS, &[], &document).await.expect(201).json()
    }

    /// What was told of alerts, in order: the event, what it is of, and what was found.
    async fn told(&self) -> Vec<(String, Value, Value)> {
        let sql = "SELECT name, data FROM event WHERE name LIKE 'alert.%' ORDER BY at";
        let rows: Vec<(String, String)> = self.db.read().await.unwrap().all(sql, binds![]).await.unwrap();
        let read = |(name, data): (String, String)| {
            let data: Value = serde_json::from_str(&data).unwrap();
            (name, data["integration_id"].clone(), data["value"].clone())
        };
        rows.into_iter().map(read).collect()
    }

    /// A minute goes by, and rules are looked at.
    async fn minute(&self) {
        self.log.flush().await;
        self.clock.advance(Duration::from_secs(60));
        self.work().await;
    }
}

on_stage!(
    async fn rules_are_made_changed_and_deleted_on_record(stage) {
        let stated = json!({"name": "Failures", "kind": "failed_sync", "threshold": 2, "integration_id": OUR_ID});
        let made = stage.call("1.org_admin", "POST", ALERTS, &[], &stated).await.expect(201);
        let (place, tag) = (made.headers["location"].to_str().unwrap().to_owned(), made.headers["etag"].clone());
        let rule = made.json();
        assert_eq!((&rule["window_s"], &rule["enabled"], &rule["firing"]), (&json!(3600), &json!(true), &json!([])));
        assert_eq!(tag, "\"1\"");
        let listed = stage.get(ALERTS).await;
        assert_eq!((&listed["total"], &listed["items"][0]["id"]), (&json!(1), &rule["id"]));
        for (bearer, status) in [("2.org_admin", 404), ("1.viewer", 403), ("1.auditor", 200), ("2.auditor", 404)] {
            stage.call(bearer, "GET", &place, &[], &Value::Null).await.expect(status);
        }
        assert_eq!(stage.ask("2.org_admin", ALERTS).await.expect(200).json()["total"], 0);
        let patch = json!({"threshold": 3});
        stage.call("1.auditor", "PATCH", &place, &[("if-match", "*")], &patch).await.refused(403, "INT003", None);
        stage.call("1.org_admin", "PATCH", &place, &[], &patch).await.refused(428, "INT002", Some("If-Match"));
        stage.call("1.org_admin", "PATCH", &place, &[("if-match", "\"7\"")], &patch).await.refused(412, "INT004", Some("If-Match"));
        stage.call("2.org_admin", "PATCH", &place, &[("if-match", "*")], &patch).await.refused(404, "INT001", None);
        let changed = stage.call("1.org_admin", "PATCH", &place, &[("if-match", "\"1\"")], &patch).await.expect(200).json();
        assert_eq!((&changed["threshold"], &changed["version"], &changed["name"]), (&json!(3), &json!(2), &json!("Failures")));
        let whole = json!({"name": "Slow", "kind": "latency", "threshold": 500});
        let changed = stage.call("1.org_admin", "PUT", &place, &[("if-match", "\"2\"")], &whole).await.expect(200).json();
        assert_eq!((&changed["integration_id"], &changed["kind"]), (&json!(null), &json!("latency")));
        stage.call("2.org_admin", "DELETE", &place, &[], &Value::Null).await.expect(404);
        stage.call("1.org_admin", "DELETE", &place, &[], &Value::Null).await.expect(204);
        stage.call("1.org_admin", "DELETE", &place, &[], &Value::Null).await.expect(404);
        let sql = "SELECT act FROM audit_event ORDER BY at, id";
        let acts: Vec<(String,)> = stage.db.read().await.unwrap().all(sql, binds![]).await.unwrap();
        let acts: Vec<&str> = acts.iter().map(|(act,)| act.as_str()).collect();
        assert_eq!(acts, ["alert_rule.created", "alert_rule.changed", "alert_rule.changed", "alert_rule.deleted"]);
    }
);

on_stage!(
    async fn what_is_wrong_with_a_rule_is_named_and_nothing_is_kept(stage) {
        let good = json!({"name": "Ours", "kind": "error_rate", "threshold": 10});
        for (name, value, field) in [
            ("name", json!(""), "name"),
            ("name", json!(7), "name"),
            ("kind", json!("weather"), "kind"),
            ("threshold", json!(0), "threshold"),
            ("threshold", json!("x"), "threshold"),
            ("integration_id", json!(THEIR_ID), "integration_id"),
            ("integration_id", json!("int_ffffffffffffffffffffffffffffffff"), "integration_id"),
            ("window_s", json!(1), "window_s"),
            ("email", json!(["nobody"]), "email"),
            ("unknown", json!(1), "unknown"),
        ] {
            let mut stated = good.clone();
            stated[name] = value;
            stage.call("1.org_admin", "POST", ALERTS, &[], &stated).await.refused(422, "INT002", Some(field));
        }
        // Who answers for one study makes no rules for all.
        let study = "1.study_manager/c1c1c1c1-c1c1-c1c1-c1c1-c1c1c1c1c1c1";
        stage.call(study, "POST", ALERTS, &[], &good).await.refused(403, "INT003", None);
        assert_eq!(stage.get(ALERTS).await["total"], 0);
        let mut own = good.clone();
        own["integration_id"] = json!(OUR_ID);
        stage.call(study, "POST", ALERTS, &[], &own).await.expect(201);
    }
);

on_stage!(
    async fn an_alert_is_told_once_when_it_begins_and_once_when_it_ends(stage) {
        stage.rule(json!({"name": "Failures", "kind": "failed_sync", "threshold": 2, "window_s": 600, "cooldown_s": 3600})).await;
        stage.happens(What::SyncFailed);
        stage.minute().await;
        assert_eq!(stage.told().await, []);
        stage.happens(What::SyncFailed);
        stage.say(Line::of(OTHER, What::SyncFailed));
        stage.log.flush().await;
        stage.clock.advance(Duration::from_secs(60));
        // Two nodes look at the same time.
        tokio::join!(stage.work(), stage.work());
        let fired = ("alert.firing".to_owned(), json!(OUR_ID), json!(2));
        assert_eq!(stage.told().await, std::slice::from_ref(&fired));
        let listed = stage.get(ALERTS).await;
        assert_eq!(listed["items"][0]["firing"][0]["integration_id"], OUR_ID, "{listed}");
        stage.minute().await;
        assert_eq!(stage.told().await.len(), 1);
        stage.clock.advance(Duration::from_secs(700));
        stage.minute().await;
        let resolved = ("alert.resolved".to_owned(), json!(OUR_ID), json!(0));
        assert_eq!(stage.told().await, [fired.clone(), resolved.clone()]);
        // Again at once: it is left alone for a while, then told.
        for _ in 0..2 {
            stage.happens(What::SyncFailed);
        }
        stage.minute().await;
        assert_eq!(stage.told().await.len(), 2);
        stage.clock.advance(Duration::from_secs(3600));
        for _ in 0..2 {
            stage.happens(What::SyncFailed);
        }
        stage.minute().await;
        assert_eq!(stage.told().await, [fired.clone(), resolved, fired]);
    }
);

on_stage!(
    async fn what_somebody_sees_to_is_not_told_again_until_it_is_over(stage) {
        let rule = stage
            .rule(json!({"name": "Failures", "kind": "failed_sync", "threshold": 1, "window_s": 3600, "cooldown_s": 0, "repeat_s": 600}))
            .await;
        let place = format!("{ALERTS}/{}", rule["id"].as_str().unwrap());
        let seen = format!("{place}/acknowledge");
        stage.call("1.data_manager", "POST", &seen, &[], &json!({})).await.refused(409, "INT004", None);
        stage.happens(What::SyncFailed);
        stage.minute().await;
        let firing = async || stage.told().await.iter().filter(|(name, ..)| name == "alert.firing").count();
        let again = async |after_s: u64| {
            stage.clock.advance(Duration::from_secs(after_s));
            stage.minute().await;
        };
        assert_eq!(firing().await, 1);
        // Nobody has said anything: it is told again, as often as the rule says and no more.
        again(300).await;
        assert_eq!(firing().await, 1);
        again(300).await;
        assert_eq!(firing().await, 2);
        // Who may not, what is not there, and what it does not fire for.
        for (bearer, body, status, code) in [
            ("1.auditor", json!({}), 403, "INT003"),
            ("1.viewer", json!({}), 403, "INT003"),
            ("2.org_admin", json!({}), 404, "INT001"),
            ("1.data_manager", json!({"integration_id": THEIR_ID}), 409, "INT004"),
            ("1.data_manager", json!({"integration_id": "int_ffffffffffffffffffffffffffffffff"}), 409, "INT004"),
        ] {
            stage.call(bearer, "POST", &seen, &[], &body).await.refused(status, code, None);
        }
        stage.call("1.data_manager", "POST", &seen, &[], &json!({"note": ""})).await.refused(422, "INT002", Some("note"));
        let nothing = stage.get(&place).await;
        assert_eq!(nothing["firing"][0]["acknowledged"], Value::Null);
        stage.clock.advance(Duration::from_secs(1));
        let body = json!({"integration_id": OUR_ID, "note": "canary-note: the source moves"});
        let told = stage.call("1.data_manager", "POST", &seen, &[], &body).await.expect(200).json();
        let kept = &told["firing"][0]["acknowledged"];
        assert_eq!(kept["note"], "canary-note: the source moves");
        assert!(kept["by"].is_string() && kept["at"].is_string(), "{told}");
        assert_eq!(stage.get(&place).await["firing"], told["firing"]);
        let (name, of, value) = stage.told().await.pop().unwrap();
        assert_eq!((name.as_str(), of, value), ("alert.acknowledged", json!(OUR_ID), json!(1)));
        // From now on nothing is told of it but its end.
        again(1_200).await;
        again(600).await;
        assert_eq!(firing().await, 2);
        again(3_600).await;
        assert_eq!(stage.told().await.last().unwrap().0, "alert.resolved");
        assert_eq!(stage.get(&place).await["firing"], json!([]));
        stage.call("1.data_manager", "POST", &seen, &[], &json!({})).await.refused(409, "INT004", None);
        // What begins anew is nobody's yet.
        stage.happens(What::SyncFailed);
        stage.minute().await;
        assert_eq!(firing().await, 3);
        assert_eq!(stage.get(&place).await["firing"][0]["acknowledged"], Value::Null);
        again(600).await;
        assert_eq!(firing().await, 4);
        // On record once, without what was said.
        let sql = "SELECT canonical FROM audit_event WHERE act = 'alert.acknowledged'";
        let rows: Vec<(Vec<u8>,)> = stage.db.read().await.unwrap().all(sql, binds![]).await.unwrap();
        assert!(rows.len() == 1 && rows.iter().all(|(row,)| !String::from_utf8_lossy(row).contains("canary")));
        let sql = "SELECT data FROM event WHERE name LIKE 'alert.%'";
        let rows: Vec<(String,)> = stage.db.read().await.unwrap().all(sql, binds![]).await.unwrap();
        assert!(rows.iter().all(|(row,)| !row.contains("canary")));
    }
);

on_stage!(
    async fn every_kind_of_rule_is_looked_at(stage) {
        for (kind, threshold) in [("error_rate", 50), ("latency", 900), ("refusals", 2), ("queue_depth", 1)] {
            stage.rule(json!({"name": kind, "kind": kind, "threshold": threshold, "group_by": "rule"})).await;
        }
        stage.rule(json!({"name": "silence", "kind": "no_data", "window_s": 7200})).await;
        stage.minute().await;
        assert_eq!(stage.told().await, []);
        for _ in 0..3 {
            stage.say(Line::of(OURS, What::CallFailed).took(Duration::from_secs(1)));
            stage.say(Line::of(OTHER, What::CallRefused).took(Duration::from_secs(1)));
        }
        stage.minute().await;
        let mut found: Vec<i64> = stage.told().await.into_iter().map(|(_, _, value)| value.as_i64().unwrap()).collect();
        found.sort_unstable();
        // Refusals, the error rate, and how long calls took.
        assert_eq!((found.len(), found[0], found[1]), (3, 3, 100), "{found:?}");
        assert!(found[2] >= 1_000, "{found:?}");
        // The one that is active has brought nothing since the stage was set.
        stage.clock.advance(Duration::from_secs(7_200));
        stage.minute().await;
        let told = stage.told().await;
        let silent: Vec<&Value> =
            told.iter().filter(|(name, id, _)| name == "alert.firing" && !id.is_null()).map(|(_, id, _)| id).collect();
        assert_eq!(silent, [&json!(OUR_ID)], "{told:?}");
    }
);

on_stage!(
    async fn an_alert_is_mailed_however_often_the_server_says_later(stage) {
        let sink = Sink::start(2).await;
        let stage = stage.mailing(sink.port);
        stage.rule(json!({"name": "Failures", "kind": "failed_sync", "threshold": 1, "integration_id": OUR_ID, "window_s": 604_800,
            "email": ["data@trial.example", "ops@trial.example"]})).await;
        stage.happens(What::SyncFailed);
        stage.minute().await;
        for _ in 0..4 {
            stage.clock.advance(Duration::from_secs(3_600));
            stage.work().await;
        }
        let mails = sink.mails();
        let first = mails.first().unwrap();
        assert_eq!(first.to, ["<data@trial.example>", "<ops@trial.example>"]);
        assert!(first.text.contains("<alerts@trial.example>"), "{}", first.text);
        assert!(first.text.contains("1 syncs failed; the rule says 1."), "{}", first.text);
        assert!(first.text.contains("Message-ID: <"), "{}", first.text);
        assert_eq!(mails.len(), 1, "{mails:?}");
        let sql = "SELECT payload FROM job WHERE name = 'watch.mail'";
        let rows: Vec<(String,)> = stage.db.read().await.unwrap().all(sql, binds![]).await.unwrap();
        assert!(rows.len() == 1 && rows.iter().all(|(text,)| !text.contains("trial.example")), "{rows:?}");
    }
);
