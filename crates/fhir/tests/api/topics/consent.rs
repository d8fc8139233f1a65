//! Nobody is told of what a patient withholds, when it happens and when it is told.

use super::{events, observed, patient};
use crate::{
    consent::{consents, of_type},
    stage::NORTH_TWO,
};

on_hook!(
    async fn what_is_withheld_is_not_told_of(hook) {
        let north = hook.north();
        for system in [north.clone(), north.clone().at(NORTH_TWO)] {
            for id in ["p0", "p1"] {
                patient(&system, id).await.expect(201);
            }
        }
        consents(&north, "p0", of_type("Observation")).await;
        let (id, _) = hook.subscribed(&north, &hook.wanted("Observation", "full-resource")).await;
        observed(&north, "p0").await;
        assert!(hook.told().await.is_empty());
        let focus = observed(&north, "p1").await;
        assert_eq!(events(&hook.told().await), [(1, Some(focus.clone()))]);
        // One who consents to no more between the event and the call: its number, and nothing of it.
        let second = observed(&north, "p1").await;
        hook.follow().await;
        consents(&north, "p1", of_type("Observation")).await;
        let heard = hook.told().await;
        assert_eq!(events(&heard), [(2, None)]);
        let record = second.rsplit('/').next().unwrap();
        assert!(!heard[0].body.contains(record));
        let page = north.get(&format!("/fhir/Subscription/{id}/$events?content=full-resource")).await.expect(200);
        assert!(page.body.contains("event-number") && !page.body.contains(record), "{}", page.body);
        // At the other site nobody has said so.
        let there = north.clone().at(NORTH_TWO);
        hook.subscribed(&there, &hook.wanted("Observation", "id-only")).await;
        observed(&there, "p0").await;
        assert_eq!(events(&hook.told().await).len(), 1);
    }
);
