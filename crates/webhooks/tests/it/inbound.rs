//! What others tell us: proven by a recipe, kept once, told of, and seen by few.

use serde_json::{Value, json};

use crate::stage::Stage;

const BASE: &str = "/api/v1/integrations/inbound-webhooks";

fn signature(secret: &str, text: &str) -> String {
    let mac = crypto::hmac_sha256_text(&kernel::Secret::new(secret.to_owned()), &[text.as_bytes()]);
    mac.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Stage {
    /// What a third party tells under a signature over time and body.
    async fn tells(&self, path: &str, (at, signature): (i64, &str), body: &Value) -> u16 {
        let at = at.to_string();
        let headers = [("x-oura-timestamp", at.as_str()), ("x-oura-signature", signature)];
        self.call("", "POST", path, &headers, body).await.status
    }
}

on_stage!(
    async fn what_is_proven_is_kept_once_and_told_of(stage) {
        let document = json!({"name": "Rings", "integration": "oura", "provider": "oura", "secret": "s3cret-of-theirs"});
        let heard = stage.post(BASE, &document).await.expect(201);
        let made = heard.json();
        assert!(!heard.body.contains("s3cret-of-theirs"));
        assert_eq!(made["weak"], false);
        let path = made["path"].as_str().unwrap();
        let (now, body) = (stage.world.now().as_seconds(), json!({"event": "sleep"}));
        let good = signature("s3cret-of-theirs", &format!("{now}{body}"));
        for _ in 0..2 {
            assert_eq!(stage.tells(path, (now, &good), &body).await, 200);
        }
        assert_eq!(stage.count("SELECT COUNT(*) FROM webhook_message").await, 1, "what is sent twice is kept once");
        assert_eq!(stage.count("SELECT COUNT(*) FROM event WHERE name = 'inbound.received'").await, 1);
        for (at, signature, body) in [
            (now, "00", &body),
            (now, good.as_str(), &json!({"event": "sleeps"})),
            (now - 301, signature("s3cret-of-theirs", &format!("{}{body}", now - 301)).as_str(), &body),
        ] {
            assert_eq!(stage.tells(path, (at, signature), body).await, 401);
        }
        assert_eq!(stage.tells("/webhooks/in/hlm_in_nobody", (now, &good), &body).await, 404);
        assert_eq!(stage.count("SELECT COUNT(*) FROM webhook_message").await, 1);
        // Whoever listens is told that it came; what it says is seen by who may see records, and that is put on record.
        stage.endpoint("/in", &json!({"event_types": ["inbound.received"]})).await;
        assert_eq!(stage.told().await, 1);
        let told = stage.receiver.taken()[0].json();
        assert_eq!(told["data"]["integration"], "oura");
        let message = format!("/api/v1/integrations/inbound-messages/{}", told["subject"].as_str().unwrap());
        stage.get(&message).await.expect(403);
        let seen = stage.call("1.integration/records", "GET", &message, &[], &Value::Null).await.expect(200).json();
        let shown = crypto::b64::decode_standard(seen["body"].as_str().unwrap()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&shown).unwrap(), body);
        stage.call("2.integration/records", "GET", &message, &[], &Value::Null).await.expect(404);
        assert!(stage.acts().await.contains(&"webhook_message.viewed".to_owned()));
        let sealed = "SELECT COUNT(*) FROM webhook_inbound WHERE recipe LIKE '%s3cret%' OR name LIKE '%s3cret%'";
        assert_eq!(stage.count(sealed).await, 0);
    }
);

on_stage!(
    async fn an_address_is_tried_out_by_who_was_given_its_word(stage) {
        let challenge = json!({"token": "hub.verify_token", "parameter": "hub.challenge", "member": "hub.challenge"});
        let document = |challenge: Value| json!({"name": "Runs", "integration": "strava", "recipe": {"algorithm": "none", "challenge": challenge}});
        let made = stage.post(BASE, &document(challenge.clone())).await.expect(201).json();
        assert_eq!(made["recipe"]["challenge"], challenge);
        let (path, word) = (made["path"].as_str().unwrap(), made["verify_token"].as_str().unwrap());
        assert!(word.len() >= 43);
        assert_eq!(stage.get(BASE).await.expect(200).json()["items"][0]["verify_token"], word, "it can be read again");
        let tried = async |path: &str, word: &str| {
            let address = format!("{path}?hub.mode=subscribe&hub.verify_token={word}&hub.challenge=15f7d1a9");
            stage.call("", "GET", &address, &[], &Value::Null).await
        };
        assert_eq!(tried(path, word).await.expect(200).json(), json!({"hub.challenge": "15f7d1a9"}));
        tried(path, "another").await.expect(403);
        tried("/webhooks/in/hlm_in_nobody", word).await.expect(404);
        let other = stage.post(BASE, &document(json!({"token": "token", "parameter": "challenge"}))).await.expect(201).json();
        assert_ne!(other["verify_token"], made["verify_token"]);
        tried(other["path"].as_str().unwrap(), word).await.expect(403);
        let plain = format!("{}?token={}&challenge=abc", other["path"].as_str().unwrap(), other["verify_token"].as_str().unwrap());
        assert_eq!(stage.call("", "GET", &plain, &[], &Value::Null).await.expect(200).body, "abc");
        let without = stage.post(BASE, &json!({"name": "No", "integration": "x", "recipe": {"algorithm": "none"}})).await.expect(201).json();
        assert!(without.get("verify_token").is_none());
        tried(without["path"].as_str().unwrap(), word).await.expect(404);
        let odd = document(json!({"token": "a b", "parameter": "c"}));
        stage.post(BASE, &odd).await.refused(422, "INT002", Some("recipe.challenge.token"));
        assert_eq!(stage.count("SELECT COUNT(*) FROM webhook_message").await, 0, "trying it out is no message");
    }
);

on_stage!(
    async fn addresses_are_listed_without_their_paths_and_deleted(stage) {
        let recipe = json!({"algorithm": "none"});
        let made = stage.post(BASE, &json!({"name": "Weak", "integration": "x", "recipe": recipe})).await.expect(201).json();
        assert_eq!(made["weak"], true);
        let path = made["path"].as_str().unwrap().to_owned();
        let list = stage.get(BASE).await.expect(200);
        assert!(!list.body.contains("/webhooks/in/"), "{}", list.body);
        assert_eq!(list.json()["total"], 1);
        assert_eq!(stage.call("2", "GET", BASE, &[], &Value::Null).await.json()["total"], 0);
        assert_eq!(stage.call("", "POST", &path, &[], &json!({})).await.status, 200);
        let one = format!("{BASE}/{}", made["id"].as_str().unwrap());
        stage.call("2", "DELETE", &one, &[], &Value::Null).await.expect(404);
        stage.call("1", "DELETE", &one, &[], &Value::Null).await.expect(204);
        assert_eq!(stage.call("", "POST", &path, &[], &json!({})).await.status, 404);
    }
);

on_stage!(
    async fn what_would_prove_nothing_is_refused(stage) {
        let signed = json!({"algorithm": "hmac_sha256", "header": "x-signature", "message": ["body"]});
        for (document, field) in [
            (json!({"name": "A", "integration": "x"}), "recipe"),
            (json!({"name": "A", "integration": "x", "provider": "nobody"}), "provider"),
            (json!({"name": "A", "integration": "x", "recipe": signed}), "secret"),
            (json!({"name": "A", "integration": "x", "recipe": {"algorithm": "rot13"}}), "recipe.algorithm"),
            (json!({"name": "A", "integration": "x", "recipe": {"algorithm": "hmac_sha256"}, "secret": "s"}), "recipe.header"),
            (json!({"name": "", "integration": "x", "recipe": {"algorithm": "none"}}), "name"),
        ] {
            stage.post(BASE, &document).await.refused(422, "INT002", Some(field));
        }
        stage.call("1.webhook/read", "POST", BASE, &[], &json!({})).await.expect(403);
        let study = "1.webhook/write.study_manager/019b0000-0000-7000-8000-000000000001";
        stage.call(study, "POST", BASE, &[], &json!({})).await.expect(403);
        let big = json!({"x": "y".repeat(webhooks::inbound::INBOUND_BYTES_MAX)});
        let weak = json!({"name": "Weak", "integration": "x", "recipe": {"algorithm": "none"}});
        let path = stage.post(BASE, &weak).await.expect(201).json()["path"].as_str().unwrap().to_owned();
        assert_eq!(stage.call("", "POST", &path, &[], &big).await.status, 413);
    }
);
