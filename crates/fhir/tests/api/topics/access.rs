//! Nobody is told of what they may not see.

use serde_json::json;

use super::{events, observation, observed, patient, status};
use crate::stage::{NORTH_TWO, token};

/// An application for a patient.
fn of_patient(patient: &str) -> String {
    token(1, "patient/*.cruds patient/Subscription.cruds", patient, "site")
}

on_hook!(
    async fn two_patients_and_two_sites_are_told_of_their_own(hook) {
        let north = hook.north();
        for system in [north.clone(), north.clone().at(NORTH_TWO), hook.stage.south()] {
            for id in ["p0", "p1"] {
                patient(&system, id).await.expect(201);
            }
        }
        let own = hook.stage.by(of_patient("p0"));
        hook.subscribed(&own, &hook.wanted("Observation", "full-resource")).await;
        observed(&north, "p1").await;
        observed(&north.clone().at(NORTH_TWO), "p0").await;
        observed(&hook.stage.south(), "p0").await;
        assert!(hook.told().await.is_empty());
        let focus = observed(&north, "p0").await;
        assert_eq!(events(&hook.told().await), [(1, Some(focus.clone()))]);
        // A record that turns out to be another's: the change is not told of, and what was told is not shown any more.
        let path = focus.trim_start_matches("https://hilum.example").to_owned();
        let id = path.rsplit('/').next().unwrap();
        let moved = observation("p1", "final").replacen('{', &format!(r#"{{"id":"{id}","#), 1);
        north.put(&path, &moved).await.expect(200);
        assert!(hook.told().await.is_empty());
        let list = own.get("/fhir/Subscription").await.expect(200).json();
        let subscription = list["entry"][0]["resource"]["id"].as_str().unwrap();
        let page = own.get(&format!("/fhir/Subscription/{subscription}/$events?content=full-resource")).await.expect(200);
        assert!(page.body.contains("event-number") && !page.body.contains(id), "{}", page.body);
    }
);

on_hook!(
    async fn a_change_before_it_is_told_is_seen(hook) {
        let north = hook.north();
        for id in ["p0", "p1"] {
            patient(&north, id).await.expect(201);
        }
        let own = hook.stage.by(of_patient("p0"));
        hook.subscribed(&own, &hook.wanted("Observation", "full-resource")).await;
        let focus = observed(&north, "p0").await;
        hook.follow().await;
        let path = focus.trim_start_matches("https://hilum.example").to_owned();
        let id = path.rsplit('/').next().unwrap();
        let moved = observation("p1", "final").replacen('{', &format!(r#"{{"id":"{id}","#), 1);
        north.put(&path, &moved).await.expect(200);
        let heard = hook.told().await;
        assert_eq!(events(&heard), [(1, None)], "its number, and nothing of it");
        assert!(!heard[0].body.contains(id));
    }
);

on_hook!(
    async fn a_subscription_is_its_owners(hook) {
        let north = hook.north();
        patient(&north, "p0").await.expect(201);
        let own = hook.stage.by(token(1, "user/*.cruds", "", "site"));
        let wanted = hook.wanted("Observation", "id-only");
        let (id, _) = hook.subscribed(&own, &wanted).await;
        let path = format!("/fhir/Subscription/{id}");
        // The same client without the person is another owner, and so is whoever says that it is this one.
        let other = hook.stage.by(token(1, "user/*.cruds patient/*.cruds", "p0", ""));
        for path in [path.clone(), format!("{path}/$status"), format!("{path}/$events"), format!("{path}/_history")] {
            other.get(&path).await.expect(404);
        }
        assert!(other.get("/fhir/Subscription").await.expect(200).json()["entry"].as_array().is_none_or(Vec::is_empty));
        // All that stand, where none is named: to each the own ones.
        let all = "/fhir/Subscription/$status";
        let (named, own_all) = (own.get(&format!("{all}?id={id}")).await, own.get(all).await.expect(200).json());
        let of = |one: &serde_json::Value| one["entry"][0]["resource"]["parameter"].clone();
        assert_eq!((&own_all["total"], of(&own_all)), (&json!(1), of(&named.expect(200).json())));
        assert_eq!(north.get(&format!("{all}?status=active,off")).await.expect(200).json()["total"], 1);
        assert_eq!(own.get(&format!("{all}?status=off")).await.expect(200).json()["total"], 0);
        for stranger in [&other, &hook.stage.south(), &north.clone().at(NORTH_TWO)] {
            let nothing = json!({"resourceType": "Bundle", "type": "searchset", "total": 0});
            assert_eq!(stranger.get(all).await.expect(200).json(), nothing);
        }
        let mut stolen = wanted.clone();
        stolen["id"] = json!(id);
        other.put(&path, &stolen.to_string()).await.expect(404);
        other.delete(&path).await.expect(404);
        hook.stage.south().get(&path).await.expect(404);
        north.clone().at(NORTH_TWO).get(&path).await.expect(404);
        north.get(&path).await.expect(200);
        assert_eq!(status(&own, &id).await, "active");
    }
);

on_hook!(
    async fn what_is_withdrawn_is_not_told_any_more(hook) {
        let north = hook.north();
        patient(&north, "p0").await.expect(201);
        let (id, _) = hook.subscribed(&north, &hook.wanted("Observation", "id-only")).await;
        // Before it is found, and once more between that and the call.
        observed(&north, "p0").await;
        hook.follow().await;
        hook.stage.persons.switch_off(1);
        assert!(hook.told().await.is_empty());
        let record = north.get(&format!("/fhir/Subscription/{id}")).await.expect(200).json();
        assert_eq!((record["status"].as_str(), record["error"].as_str()), (Some("off"), Some("what its owner was granted is gone")));
        observed(&north, "p0").await;
        assert!(hook.told().await.is_empty());
    }
);
