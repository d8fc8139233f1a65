//! What a subscription may ask for, and what becomes of it.

use http::Method;
use serde_json::{Value, json};

use super::{Call, EXTENSION, events, observation, observed, patient, status, with_filter};
use crate::stage::{BASE, site, token};

on_hook!(
    async fn a_subscription_is_shaken_hands_with_and_told(hook) {
        let north = hook.north();
        let mut wanted = hook.wanted("Observation", "id-only");
        wanted["channel"]["header"] = json!(["Authorization: Bearer secret-of-theirs"]);
        let made = north.post("/fhir/Subscription", &wanted.to_string()).await.expect(201);
        assert_eq!(made.json()["status"], "requested");
        let (id, key) = (made.json()["id"].as_str().unwrap().to_owned(), made.header("webhook-secret").to_owned());
        assert!(!made.body.contains("secret-of-theirs") && made.body.contains("authorization: ***"), "{}", made.body);
        // What was there before is not told of.
        patient(&north, "p0").await.expect(201);
        observed(&north, "p0").await;
        let heard = hook.told().await;
        assert_eq!(heard.iter().map(Call::kind).collect::<Vec<_>>(), ["handshake"]);
        assert!(heard[0].is_signed(&key));
        assert_eq!(heard[0].headers["authorization"], "Bearer secret-of-theirs");
        assert_eq!(heard[0].headers["content-type"], "application/fhir+json");
        assert_eq!(status(&north, &id).await, "active");
        let focus = observed(&north, "p0").await;
        let heard = hook.told().await;
        assert_eq!(heard.iter().map(Call::kind).collect::<Vec<_>>(), ["event-notification"]);
        assert_eq!(events(&heard), [(1, Some(focus.clone()))]);
        assert!(heard[0].is_signed(&key) && !heard[0].body.contains("\"resourceType\":\"Observation\""));
        assert_eq!(heard[0].parameter("topic")[0]["valueCanonical"], wanted["criteria"]);
        let stands = north.get(&format!("/fhir/Subscription/{id}/$status")).await.expect(200).json();
        let stands = stands["entry"][0]["resource"]["parameter"].to_string();
        assert!(stands.contains("query-status") && stands.contains(r#""valueString":"1""#), "{stands}");
        let page = north.get(&format!("/fhir/Subscription/{id}/$events?eventsSinceNumber=1&content=full-resource")).await;
        let page = page.expect(200).json();
        assert_eq!(page["entry"][1]["fullUrl"], json!(focus));
        assert_eq!(page["entry"][1]["resource"]["resourceType"], "Observation");
        let asked = r#"{"resourceType":"Parameters","parameter":[{"name":"eventsSinceNumber","valueString":"2"}]}"#;
        let page = north.post(&format!("/fhir/Subscription/{id}/$events"), asked).await.expect(200).json();
        assert!(!page.to_string().contains("notification-event"));
        north.get(&format!("/fhir/Subscription/{id}/$get-ws-binding-token")).await.expect(404);
        // The history shows no secret either, and the record is gone for good when it is deleted.
        let history = north.get(&format!("/fhir/Subscription/{id}/_history")).await.expect(200);
        assert!(!history.body.contains("secret-of-theirs"));
        north.delete(&format!("/fhir/Subscription/{id}")).await.expect(200);
        observed(&north, "p0").await;
        assert!(hook.told().await.is_empty());
    }
);

on_hook!(
    async fn how_much_is_told_and_of_what(hook) {
        let north = hook.north();
        for id in ["p0", "p1"] {
            patient(&north, id).await.expect(201);
        }
        let whole = with_filter(hook.wanted("Observation-create", "full-resource"), "Observation?patient=Patient/p0");
        hook.subscribed(&north, &whole).await;
        observed(&north, "p1").await;
        let focus = observed(&north, "p0").await;
        let path = focus.trim_start_matches("https://hilum.example").to_owned();
        let id = path.rsplit('/').next().unwrap();
        let changed = observation("p0", "amended").replacen('{', &format!(r#"{{"id":"{id}","#), 1);
        north.put(&path, &changed).await.expect(200);
        let heard = hook.told().await;
        assert_eq!(events(&heard), [(1, Some(focus))], "created, of p0, and nothing else");
        let told = &heard[0].json()["entry"][1];
        assert_eq!((told["resource"]["status"].as_str(), told["request"]["method"].as_str()), (Some("final"), Some("POST")));
        let empty = hook.wanted("Observation-delete", "empty");
        hook.subscribed(&north, &empty).await;
        north.delete(&path).await.expect(200);
        let heard = hook.told().await;
        assert_eq!(events(&heard), [(1, None)], "that something was deleted, and not what");
        assert!(heard[0].parameter("topic").is_empty());
        assert!(!heard[0].body.contains(id));
    }
);

on_hook!(
    async fn what_does_not_fit_is_refused_and_named(hook) {
        let north = hook.north();
        let good = || hook.wanted("Observation", "id-only");
        for (pointer, value, at) in [
            ("/criteria", json!("http://example.org/unknown"), "Subscription.criteria"),
            ("/criteria", json!("Observation?colour=red"), "Subscription.criteria"),
            ("/criteria", json!("Observation?subject:Patient.name=x"), "Subscription.criteria"),
            ("/criteria", json!("Subscription?status=off"), "Subscription.criteria"),
            ("/status", json!("maybe"), "Subscription.status"),
            ("/channel/type", json!("websocket"), "Subscription.channel.type"),
            ("/channel/type", json!("email"), "Subscription.channel.type"),
            ("/channel/endpoint", json!("http://10.0.0.1/"), "Subscription.channel.endpoint"),
            ("/channel/endpoint", json!("http://127.0.0.1:1/"), "Subscription.channel.endpoint"),
            ("/channel/endpoint", json!("ftp://a.example/"), "Subscription.channel.endpoint"),
            ("/channel/payload", json!("text/plain"), "Subscription.channel.payload"),
            ("/channel/_payload/extension/0/valueCode", json!("all"), "Subscription.channel.payload.extension"),
        ] {
            let mut wanted = good();
            *wanted.pointer_mut(pointer).unwrap() = value;
            let refused = north.post("/fhir/Subscription", &wanted.to_string()).await.expect(422).json();
            assert_eq!(refused["issue"][0]["expression"], json!([at]), "{pointer}: {refused}");
        }
        let filtered = with_filter(good(), "Encounter?patient=Patient/1");
        let refused = north.post("/fhir/Subscription", &filtered.to_string()).await.expect(422);
        refused.tells("value", "Subscription.criteria.extension[0].valueString");
        let mut headed = good();
        headed["channel"]["header"] = json!(["Host: elsewhere"]);
        north.post("/fhir/Subscription", &headed.to_string()).await.expect(422).tells("value", "channel.header[0]");
        let reader = hook.stage.by(token(1, "system/Subscription.cruds system/Patient.rs", "", ""));
        reader.post("/fhir/Subscription", &good().to_string()).await.expect(403).tells("forbidden", "Observation");
        for (method, url) in [("POST", "Subscription"), ("PUT", "Subscription/s1")] {
            let mut one = good();
            one["id"] = json!("s1");
            let bundle = json!({"resourceType": "Bundle", "type": "transaction",
                "entry": [{"resource": one, "request": {"method": method, "url": url}}]});
            let refused = north.post("/fhir", &bundle.to_string()).await.expect(400);
            assert!(refused.body.contains("by a call of its own"), "{}", refused.body);
        }
        assert!(hook.told().await.is_empty());
    }
);

on_hook!(
    async fn subscriptions_of_r4_without_topics_are_told_by_the_same_engine(hook) {
        let north = hook.north();
        patient(&north, "p0").await.expect(201);
        let mut wanted = json!({"resourceType": "Subscription", "status": "requested", "reason": "x",
            "criteria": "Observation?status=final", "channel": {"type": "rest-hook", "endpoint": hook.receiver.url()}});
        let made = north.post("/fhir/Subscription", &wanted.to_string()).await.expect(201).json();
        assert_eq!(made["status"], "active");
        wanted["channel"]["payload"] = json!("application/fhir+json");
        north.post("/fhir/Subscription", &wanted.to_string()).await.expect(201);
        north.post("/fhir/Observation", &observation("p0", "preliminary")).await.expect(201);
        assert!(hook.told().await.is_empty());
        let focus = observed(&north, "p0").await;
        let mut heard = hook.told().await;
        heard.sort_by_key(|call| call.body.len());
        assert_eq!(heard.len(), 2);
        assert_eq!((heard[0].method.as_str(), heard[0].body.as_str()), ("POST", ""));
        let id = focus.rsplit('/').next().unwrap();
        assert_eq!((&heard[1].method, heard[1].path.as_str()), (&Method::PUT, format!("/hook/Observation/{id}").as_str()));
        assert_eq!(heard[1].json()["status"], "final");
    }
);

fn admission() -> Value {
    json!({
        "resourceType": "SubscriptionTopic", "url": "http://example.org/topic/admission", "status": "active",
        "resourceTrigger": [{"resource": "Encounter", "supportedInteraction": ["create", "update"],
            "queryCriteria": {"previous": "status:not=in-progress", "resultForCreate": "test-passes",
                "current": "status=in-progress", "requireBoth": true},
            "fhirPathCriteria": "%current.subject.exists()"}],
        "canFilterBy": [{"resource": "Encounter", "filterParameter": "patient"}],
        "notificationShape": [{"resource": "Encounter", "include": ["Encounter:patient"]}],
    })
}

on_hook!(
    async fn a_site_declares_topics_of_its_own(hook) {
        let north = hook.north();
        let admin = hook.stage.by(token(1, "sites:admin", "", "")).at("");
        let path = format!("/admin/fhir/sites/{}/topics", site(1));
        let json = [("content-type", "application/json")];
        let put = async |name: &str, topic: &Value| {
            admin.call(Method::PUT, &format!("{path}/{name}"), &json, &topic.to_string()).await
        };
        put("admission", &admission()).await.expect(200);
        put("other", &admission()).await.expect(409);
        let mut bad = admission();
        bad["resourceTrigger"][0]["queryCriteria"]["current"] = json!("statu=x");
        bad["url"] = json!("http://example.org/topic/bad");
        let refused = put("bad", &bad).await.expect(400);
        assert!(refused.body.contains("resourceTrigger[0].queryCriteria.current"), "{}", refused.body);
        bad = admission();
        bad["url"] = json!(format!("{BASE}/SubscriptionTopic/Patient"));
        put("built-in", &bad).await.expect(400);
        assert_eq!(admin.get(&path).await.expect(200).json().as_array().unwrap().len(), 1);
        let other = hook.stage.by(token(2, "sites:admin", "", "")).at("");
        other.get(&path).await.expect(404);

        patient(&north, "p0").await.expect(201);
        let mut wanted = hook.wanted("x", "full-resource");
        wanted["criteria"] = json!("http://example.org/topic/admission");
        let refused = with_filter(wanted.clone(), "Encounter?status=planned").to_string();
        north.post("/fhir/Subscription", &refused).await.expect(422).tells("value", "cannot be filtered by status");
        let south = hook.stage.south();
        south.post("/fhir/Subscription", &wanted.to_string()).await.expect(422);
        let wanted = with_filter(wanted, "Encounter?patient=Patient/p0");
        let (id, _) = hook.subscribed(&north, &wanted).await;
        let encounter = |status: &str| {
            json!({"resourceType": "Encounter", "id": "e1", "status": status, "class": {"code": "IMP"},
                "subject": {"reference": "Patient/p0"}}).to_string()
        };
        for status in ["planned", "in-progress", "in-progress", "finished"] {
            north.put("/fhir/Encounter/e1", &encounter(status)).await;
        }
        let heard = hook.told().await;
        assert_eq!(events(&heard), [(1, Some(format!("{BASE}/Encounter/e1")))]);
        let told = heard[0].json();
        assert_eq!(told["entry"][1]["resource"]["status"], "in-progress");
        assert_eq!(told["entry"][2]["resource"]["resourceType"], "Patient", "the topic's shape has it go along");
        admin.delete(&format!("{path}/admission")).await.expect(204);
        north.put("/fhir/Encounter/e2", &encounter("planned").replace("e1", "e2")).await.expect(201);
        assert!(hook.told().await.is_empty());
        let gone = north.get(&format!("/fhir/Subscription/{id}")).await.expect(200).json();
        assert_eq!(gone["status"], "off");
        assert!(gone["error"].as_str().unwrap().contains("topic"));
    }
);

on_hook!(
    async fn topics_are_listed_where_clients_look(hook) {
        let statement = hook.north().get("/fhir/metadata").await.expect(200).json();
        let all = statement["rest"][0]["resource"].as_array().unwrap();
        let of = all.iter().find(|one| one["type"] == "Subscription").unwrap();
        let listed: Vec<&str> = of["extension"].as_array().unwrap().iter().map(|one| one["valueCanonical"].as_str().unwrap()).collect();
        assert!(listed.contains(&format!("{BASE}/SubscriptionTopic/Observation-create").as_str()));
        let operations = of["operation"].to_string();
        assert!(operations.contains("backport-subscription-status") && operations.contains("backport-subscription-events"));
        assert_eq!(EXTENSION.matches("backport").count(), 2);
    }
);
