//! What is told, as somebody else's verifier sees it: the reference one of Standard Webhooks, and the schemas of the catalogue.
//! <https://www.standardwebhooks.com>

use std::time::Duration;

use kernel::{Clock, SystemClock};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use webhooks::event::OWN;

use crate::{
    receiver::{Mood, Sent},
    stage::BASE,
};

/// Whether the verifier takes it as it came, with what is changed of it.
fn is_taken(secret: &Value, sent: &Sent, change: impl FnOnce(&mut Sent)) -> bool {
    let mut sent = sent.clone();
    change(&mut sent);
    Webhook::new(secret.as_str().unwrap()).unwrap().verify(&sent.body, &sent.headers).is_ok()
}

on_stage!(
    async fn the_reference_verifier_takes_what_we_sign_and_nothing_else(stage) {
        // It asks the machine's clock how old a signature is.
        stage.clock.advance(SystemClock.now().since(stage.world.now()));
        let made = stage.endpoint("/in", &json!({})).await;
        stage.happens(1, "connection.linked", "Ω", json!({"integration": "a\u{301}lpha", "n": 1.50})).await;
        stage.told().await;
        let sent = stage.receiver.taken().remove(0);
        let secret = &made["secret"];
        assert!(is_taken(secret, &sent, |_| {}));
        let put = |name: &'static str, value: &str| {
            let value = value.parse().unwrap();
            move |sent: &mut Sent| drop(sent.headers.insert(name, value))
        };
        let at: i64 = sent.field("webhook-timestamp").parse().unwrap();
        assert!(!is_taken(secret, &sent, |sent| sent.body = [&sent.body[..], b" "].concat().into()));
        assert!(!is_taken(secret, &sent, |sent| {
            sent.body = String::from_utf8(sent.body.to_vec()).unwrap().replacen("linked", "Linked", 1).into();
        }));
        assert!(!is_taken(secret, &sent, put("webhook-id", "another")));
        assert!(!is_taken(secret, &sent, put("webhook-timestamp", &(at - 1).to_string())));
        assert!(!is_taken(secret, &sent, put("webhook-timestamp", &(at - 600).to_string())));
        let other = sent.field("webhook-signature").split(' ').next_back().unwrap().to_owned();
        assert!(!is_taken(secret, &sent, put("webhook-signature", &other)), "that of the other key alone");
        let another = stage.endpoint("/another", &json!({})).await;
        assert!(!is_taken(&another["secret"], &sent, |_| {}));

        // While two secrets overlap, whoever has either takes it; afterwards, who has the newer one.
        let path = format!("{BASE}/{}", made["id"].as_str().unwrap());
        let rotated = stage.post(&format!("{path}/rotate-secret?overlap_s=60"), &Value::Null).await.expect(200).json();
        for (after_s, is_old_good) in [(0, true), (60, false)] {
            stage.clock.advance(Duration::from_secs(after_s));
            stage.happens(1, "sync.done", "a", json!({})).await;
            stage.told().await;
            let sent = stage.receiver.taken().into_iter().find(|sent| sent.path == "/in").unwrap();
            assert_eq!(is_taken(secret, &sent, |_| {}), is_old_good);
            assert!(is_taken(&rotated["secret"], &sent, |_| {}));
        }
    }
);

/// The schema of a type's data, as what may stand there and nothing else.
fn held(name: &str, data: &Value) {
    let of = OWN.into_iter().find(|of| of.name == name).unwrap();
    let mut schema: Value = serde_json::from_str(of.data).unwrap();
    schema["additionalProperties"] = false.into();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let wrong: Vec<String> = validator.iter_errors(data).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{name}: {wrong:?}: {data}");
}

on_stage!(
    async fn notices_of_deliveries_are_what_the_catalogue_says(stage) {
        stage.endpoint("/in", &json!({"event_types": ["sync.done"]})).await;
        stage.endpoint("/notices", &json!({"event_types": ["webhook.*"]})).await;
        stage.receiver.always(Mood::Says(500));
        stage.happens(1, "sync.done", "a", json!({})).await;
        for _ in 0..80 {
            stage.told().await;
            stage.clock.advance(Duration::from_hours(1));
        }
        stage.receiver.always(Mood::Says(200));
        let settle = async || {
            for _ in 0..3 {
                stage.clock.advance(Duration::from_hours(24));
                stage.told().await;
            }
        };
        settle().await;
        stage.receiver.then(Mood::Says(410));
        stage.happens(1, "sync.done", "b", json!({})).await;
        settle().await;
        let told = stage.receiver.taken().into_iter().filter(|sent| sent.path == "/notices");
        let mut names: Vec<String> = Vec::new();
        for body in told.map(|sent| sent.json()) {
            let name = body["type"].as_str().unwrap();
            held(name, &body["data"]);
            names.push(name.to_owned());
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names, ["webhook.delivery_failed", "webhook.endpoint_disabled"]);
    }
);
