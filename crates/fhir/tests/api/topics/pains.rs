//! What subscribers of other servers suffer from, beside what `pains` has: subscriptions that are lost, never fire, or stop a start.
//! hapi-fhir #6002, #3234; hapi-fhir-jpaserver-starter #964.

use std::time::Duration;

use serde_json::json;
use store::{Writer, binds};

use super::{EXTENSION, events, observed, patient, status, with_filter};

// It gives up after a minute, and what happened meanwhile is gone.
on_hook!(
    async fn pain_10_what_happened_while_an_endpoint_was_down_is_told(hook) {
        let north = hook.north();
        patient(&north, "p0").await.expect(201);
        let (id, _) = hook.subscribed(&north, &hook.wanted("Observation", "id-only")).await;
        hook.receiver.answer(503, None, 1_000);
        let mut made = Vec::new();
        for _ in 0..20 {
            made.push(observed(&north, "p0").await);
            hook.told().await;
            hook.stage.clock.advance(Duration::from_mins(45));
        }
        assert_eq!(status(&north, &id).await, "error", "and not off");
        hook.receiver.answered();
        let mut heard = Vec::new();
        for _ in 0..4 {
            hook.stage.clock.advance(Duration::from_hours(2));
            heard.extend(hook.told().await);
        }
        let expected: Vec<_> = (1..).zip(made.into_iter().map(Some)).collect();
        assert_eq!(events(&heard), expected, "all of fifteen hours, once and in order");
        assert_eq!(status(&north, &id).await, "active");
    }
);

// A subscription is taken, and never fires.
on_hook!(
    async fn pain_10_what_would_never_fire_is_refused(hook) {
        let north = hook.north();
        let good = hook.wanted("Observation", "id-only");
        let with = |criteria: &str| {
            let mut wanted = good.clone();
            wanted["criteria"] = json!(criteria);
            wanted
        };
        let elsewhere = |endpoint: &str| {
            let mut wanted = good.clone();
            wanted["channel"]["endpoint"] = json!(endpoint);
            wanted
        };
        let websocket = {
            let mut wanted = good.clone();
            wanted["channel"]["type"] = json!("websocket");
            wanted
        };
        for (what, wanted) in [
            ("no such topic", hook.wanted("Nothing", "id-only")),
            ("a topic of another server", with("https://elsewhere.example/SubscriptionTopic/Observation")),
            ("no such type", with("Alien?status=final")),
            ("no such parameter", with("Observation?colour=red")),
            ("what one record cannot answer", with("Observation?subject:Patient.family=x")),
            ("a filter that the topic does not have", with_filter(good.clone(), "Observation?colour=red")),
            ("a filter of another type", with_filter(good.clone(), "Patient?family=x")),
            ("an endpoint that is not called", elsewhere("http://169.254.169.254/hook")),
            ("a channel that there is not", websocket),
        ] {
            let refused = north.post("/fhir/Subscription", &wanted.to_string()).await;
            assert!((400..500).contains(&refused.status), "{what}: {} {}", refused.status, refused.body);
            assert_eq!(refused.json()["resourceType"], "OperationOutcome", "{what}");
        }
        assert_eq!(good["channel"]["_payload"]["extension"][0]["url"], json!(format!("{EXTENSION}payload-content")));
        north.post("/fhir/Subscription", &good.to_string()).await.expect(201);
    }
);

// One bad subscription, and the server does not start.
on_hook!(
    async fn pain_10_a_bad_subscription_harms_no_other(hook) {
        let north = hook.north();
        patient(&north, "p0").await.expect(201);
        let topic = format!("/admin/fhir/sites/{}/topics/own", crate::stage::site(1));
        let admin = hook.stage.by(crate::stage::token(1, "sites:admin", "", "")).at("");
        let body = json!({"resourceType": "SubscriptionTopic", "url": "https://north.example/own", "status": "active",
            "resourceTrigger": [{"resource": "Observation", "supportedInteraction": ["create"]}]});
        let fields = [("content-type", "application/json")];
        let declared = admin.call(http::Method::PUT, &topic, &fields, &body.to_string()).await;
        assert!([200, 201].contains(&declared.status), "{}", declared.body);
        let mut own = hook.wanted("Observation", "id-only");
        own["criteria"] = json!("https://north.example/own");
        let (orphan, _) = hook.subscribed(&north, &own).await;
        hook.subscribed(&north, &hook.wanted("Observation-create", "id-only")).await;
        // What no call can do: a topic that is gone, and rows that cannot be opened.
        hook.stage
            .db
            .write(async move |tx: &mut Writer| {
                tx.execute("DELETE FROM fhir_topic", binds![]).await?;
                let damaged = b"damaged".as_slice();
                tx.execute("UPDATE fhir_subscription SET secrets = $1", binds![damaged]).await?;
                Ok::<(), store::DbError>(())
            })
            .await
            .unwrap();
        let (good, _) = hook.subscribed(&north, &hook.wanted("Observation", "id-only")).await;
        let focus = observed(&north, "p0").await;
        assert_eq!(events(&hook.told().await), [(1, Some(focus))], "whoever can be told is told");
        assert_eq!(status(&north, &good).await, "active");
        assert_ne!(status(&north, &orphan).await, "active", "and of the others it is said");
    }
);
