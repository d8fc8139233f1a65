//! Nothing is lost and nothing has two numbers, whatever dies.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::task::JoinSet;

use super::{Call, EXTENSION, events, observed, patient, receiver::event, status};

on_hook!(
    async fn an_endpoint_that_fails_is_told_later_in_order(hook) {
        let north = hook.north();
        patient(&north, "p0").await.expect(201);
        let (id, _) = hook.subscribed(&north, &hook.wanted("Observation", "id-only")).await;
        hook.receiver.answer(500, None, 1);
        hook.receiver.answer(503, Some("120"), 1);
        let first = observed(&north, "p0").await;
        assert_eq!(hook.told().await.len(), 1);
        let record = north.get(&format!("/fhir/Subscription/{id}")).await.expect(200).json();
        assert_eq!((record["status"].as_str(), record["error"].as_str()), (Some("error"), Some("the endpoint answered 500")));
        assert!(hook.told().await.is_empty(), "not before its time");
        let second = observed(&north, "p0").await;
        assert!(hook.told().await.is_empty(), "more of it changes nothing");
        hook.stage.clock.advance(Duration::from_secs(6));
        assert_eq!(hook.told().await.len(), 1);
        hook.stage.clock.advance(Duration::from_secs(60));
        assert!(hook.told().await.is_empty(), "it asked for two minutes");
        hook.stage.clock.advance(Duration::from_secs(61));
        let heard = hook.told().await;
        assert_eq!(events(&heard), [(1, Some(first)), (2, Some(second))]);
        assert_eq!(status(&north, &id).await, "active");
    }
);

on_hook!(
    async fn an_endpoint_that_stays_dead_is_given_up_after_days_and_revived_by_its_owner(hook) {
        let north = hook.north();
        patient(&north, "p0").await.expect(201);
        let wanted = hook.wanted("Observation", "id-only");
        let (id, _) = hook.subscribed(&north, &wanted).await;
        hook.receiver.answer(500, None, 1_000);
        observed(&north, "p0").await;
        let mut attempts = 0;
        for _ in 0..80 {
            attempts += hook.told().await.len();
            hook.stage.clock.advance(Duration::from_hours(1));
        }
        assert!((12..30).contains(&attempts), "{attempts} attempts in three days");
        let record = north.get(&format!("/fhir/Subscription/{id}")).await.expect(200).json();
        assert_eq!(record["status"], "off");
        assert!(record["error"].as_str().unwrap().contains("three days"));
        observed(&north, "p0").await;
        assert!(hook.told().await.is_empty());
        hook.receiver.answered();
        let mut again = wanted;
        again["id"] = json!(id);
        north.put(&format!("/fhir/Subscription/{id}"), &again.to_string()).await.expect(200);
        assert_eq!(hook.told().await.len(), 1, "a handshake");
        let focus = observed(&north, "p0").await;
        let heard = hook.told().await;
        assert_eq!(events(&heard), [(2, Some(focus))], "numbers go on; what happened meanwhile was not told of");
    }
);

on_hook!(
    async fn an_endpoint_that_is_gone_ends_it_at_once_and_a_handshake_may_fail(hook) {
        let north = hook.north();
        patient(&north, "p0").await.expect(201);
        hook.receiver.answer(404, None, 1);
        let wanted = hook.wanted("Observation", "id-only").to_string();
        let made = north.post("/fhir/Subscription", &wanted).await.expect(201).json();
        let id = made["id"].as_str().unwrap();
        assert_eq!(hook.told().await.len(), 1);
        assert_eq!(status(&north, id).await, "error");
        observed(&north, "p0").await;
        hook.stage.clock.advance(Duration::from_secs(6));
        assert_eq!(hook.told().await.len(), 1);
        assert_eq!(status(&north, id).await, "active", "told from here on");
        hook.receiver.answer(410, None, 1);
        observed(&north, "p0").await;
        assert_eq!(events(&hook.told().await).len(), 1);
        assert_eq!(status(&north, id).await, "off");
    }
);

on_hook!(
    async fn heartbeats_batches_and_an_end(hook) {
        let north = hook.north();
        patient(&north, "p0").await.expect(201);
        let mut wanted = hook.wanted("Observation", "id-only");
        wanted["channel"]["extension"] = json!([
            {"url": format!("{EXTENSION}heartbeat-period"), "valueUnsignedInt": 60},
            {"url": format!("{EXTENSION}max-count"), "valuePositiveInt": 3},
        ]);
        wanted["end"] = json!("2026-01-05T10:00:00Z");
        let (id, _) = hook.subscribed(&north, &wanted).await;
        for _ in 0..7 {
            observed(&north, "p0").await;
        }
        let heard = hook.told().await;
        assert_eq!(heard.iter().map(|call| call.events().len()).collect::<Vec<_>>(), [3, 3, 1]);
        hook.stage.clock.advance(Duration::from_secs(61));
        let heard = hook.told().await;
        assert_eq!(heard.iter().map(Call::kind).collect::<Vec<_>>(), ["heartbeat"]);
        assert_eq!(heard[0].parameter("events-since-subscription-start")[0]["valueString"], "7");
        hook.stage.clock.advance(Duration::from_hours(3));
        hook.told().await;
        assert_eq!(status(&north, &id).await, "off");
    }
);

on_hook!(
    async fn numbers_have_no_gaps_whoever_writes_and_follows_at_once(hook) {
        let north = hook.north();
        patient(&north, "p0").await.expect(201);
        let (id, _) = hook.subscribed(&north, &hook.wanted("Observation", "id-only")).await;
        let writing = join_all((0..24).map(|_| observed(&north, "p0")));
        let follow = async || {
            for _ in 0..8 {
                hook.stage.fhir.follow().await.unwrap();
            }
        };
        let (mut made, ..) = tokio::join!(writing, follow(), follow());
        let mut told = events(&hook.told().await);
        // What was told in between was heard before.
        told.sort();
        let page = north.get(&format!("/fhir/Subscription/{id}/$events")).await.expect(200).json();
        let page: Vec<_> = page["entry"][0]["resource"]["parameter"].as_array().unwrap().iter()
            .filter(|one| one["name"] == "notification-event").map(event).collect();
        assert_eq!(page.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (1..=24).collect::<Vec<i64>>());
        assert_eq!(told, page);
        let mut focuses: Vec<String> = page.into_iter().filter_map(|(_, focus)| focus).collect();
        focuses.sort();
        made.sort();
        assert_eq!(focuses, made, "each of them once");
    }
);

on_hook!(
    async fn nothing_is_lost_where_a_node_dies_between_two_steps(hook) {
        let north = hook.north();
        patient(&north, "p0").await.expect(201);
        hook.subscribed(&north, &hook.wanted("Observation", "id-only")).await;
        let mut made = Vec::new();
        let mut heard = Vec::new();
        for nth in 0..12_u64 {
            made.push(observed(&north, "p0").await);
            // It dies somewhere: while it follows, or while it tells.
            let (fhir, worker) = (hook.stage.fhir.clone(), hook.stage.worker());
            let mut dying = JoinSet::new();
            dying.spawn(async move {
                fhir.follow().await.unwrap();
                worker.run_due().await.unwrap();
            });
            for _ in 0..nth * 3 {
                tokio::task::yield_now().await;
            }
            dying.shutdown().await;
            heard.extend(hook.receiver.heard());
        }
        // What died held its job for half a minute.
        for _ in 0..4 {
            hook.stage.clock.advance(Duration::from_secs(40));
            heard.extend(hook.told().await);
        }
        let mut told = events(&heard);
        told.sort();
        told.dedup();
        let numbers: Vec<i64> = told.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (1..=12).collect::<Vec<i64>>(), "each number means one event, also where it is told twice");
        assert_eq!(told.into_iter().filter_map(|(_, focus)| focus).collect::<Vec<_>>(), made);
    }
);
