//! The device flow: codes, patience, one answer, one redemption.  RFC 8628

use std::time::Duration;

use auth::{
    authorize::Decision,
    client::{self, Client, register::Registration},
    device,
};
use crypto::b64;
use http::StatusCode;
use serde_json::Value;

use crate::house::{House, Reply, on_each_engine, registration};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn television(house: &House) -> Client {
    let registration = Registration {
        grant_types: vec![GRANT.into(), "refresh_token".into()],
        redirect_uris: vec![],
        scopes: "openid profile offline_access a".into(),
        ..registration("public")
    };
    client::register(&house.auth, &house.acting(), "television", &registration).await.unwrap().0
}

async fn begin(house: &House, client: &Client, more: &[(&str, &str)]) -> Reply {
    let form = [&[("client_id", client.client_id.as_str())], more].concat();
    house.post("/oauth2/device_authorization", None, &form).await
}

async fn poll(house: &House, client: &Client, out: &Value) -> Reply {
    let code = out["device_code"].as_str().unwrap();
    let form = [("grant_type", GRANT), ("device_code", code), ("client_id", client.client_id.as_str())];
    house.post("/oauth2/token", None, &form).await
}

const A_MINUTE: Duration = Duration::from_secs(60);

on_each_engine! {
    async fn a_person_lets_a_device_in(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let client = television(&house).await;
        let out = begin(&house, &client, &[("scope", "openid profile offline_access")]).await.json();
        assert_eq!((&out["expires_in"], &out["interval"]), (&600.into(), &5.into()));
        let shown = out["user_code"].as_str().unwrap();
        assert_eq!(out["verification_uri_complete"], format!("{}?user_code={shown}", out["verification_uri"].as_str().unwrap()));
        assert_eq!(poll(&house, &client, &out).await.error(), "authorization_pending");
        assert_eq!(poll(&house, &client, &out).await.error(), "slow_down");
        house.clock.advance(Duration::from_secs(9));
        assert_eq!(poll(&house, &client, &out).await.error(), "slow_down", "it now has to wait ten seconds");

        let cookie = house.sign_in("mira@example.org").await;
        let signed_in = house.signed_in(&cookie).await.unwrap();
        let id = device::find(&house.auth, &shown.to_lowercase().parse().unwrap()).await.unwrap();
        let waiting = device::get(&house.auth, id).await.unwrap();
        assert_eq!((waiting.client.id, waiting.scopes.to_string().as_str()), (client.id, "offline_access openid profile"));
        let allowed = Decision::Allow("openid offline_access a".parse().unwrap());
        device::decide(&house.auth, &signed_in, id, &allowed).await.unwrap();
        assert!(device::decide(&house.auth, &signed_in, id, &Decision::Deny).await.is_err(), "once");

        let tokens = poll(&house, &client, &out).await.json();
        assert_eq!(tokens["scope"], "offline_access openid", "less than was asked, and never more");
        assert!(tokens["refresh_token"].is_string());
        let said = b64::decode(tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap()).unwrap();
        let said: Value = serde_json::from_slice(&said).unwrap();
        assert_eq!((&said["acr"], &said["amr"]), (&"urn:hilum:acr:password".into(), &serde_json::json!(["pwd"])));
        let caller = house.auth.check(tokens["access_token"].as_str().unwrap()).await.unwrap().caller.clone();
        assert_eq!(caller.person, Some(signed_in.person));
        assert_eq!(poll(&house, &client, &out).await.error(), "invalid_grant", "a code is redeemed once");
    }

    async fn a_person_refuses_and_codes_end(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let client = television(&house).await;
        let signed_in = house.signed_in(&house.sign_in("mira@example.org").await).await.unwrap();
        let refused = begin(&house, &client, &[]).await.json();
        let id = device::find(&house.auth, &refused["user_code"].as_str().unwrap().parse().unwrap()).await.unwrap();
        device::decide(&house.auth, &signed_in, id, &Decision::Deny).await.unwrap();
        assert_eq!(poll(&house, &client, &refused).await.error(), "access_denied");
        let late = begin(&house, &client, &[]).await.json();
        let code = late["user_code"].as_str().unwrap().parse().unwrap();
        house.clock.advance(Duration::from_secs(600));
        assert_eq!(poll(&house, &client, &late).await.error(), "expired_token");
        assert!(device::find(&house.auth, &code).await.is_err());
        assert!(device::find(&house.auth, &"BBBB-BBBB".parse().unwrap()).await.is_err());
    }

    async fn what_was_allowed_ends_with_the_session(db: Db) {
        let house = House::open(db).await;
        house.person("noor@example.org", &[auth::person::Role::OrgAdmin]).await;
        let mira = house.person("mira@example.org", &[]).await;
        let client = television(&house).await;
        for way in ["signed out", "over", "idle", "switched off"] {
            let signed_in = house.signed_in(&house.sign_in("mira@example.org").await).await.unwrap();
            let out = begin(&house, &client, &[("scope", "openid offline_access")]).await.json();
            match way {
                // Shortly before the end, so that the code itself is still good.
                "over" => {
                    let then = house.world.now() + A_MINUTE;
                    house.db.execute("UPDATE session SET ends_at = $2 WHERE id = $1", store::binds![signed_in.session, then]).await.unwrap();
                }
                "idle" => {
                    let then = house.world.now() + A_MINUTE - house.auth.config().session_idle;
                    house.db.execute("UPDATE session SET seen_at = $2 WHERE id = $1", store::binds![signed_in.session, then]).await.unwrap();
                }
                _ => {}
            }
            let id = device::find(&house.auth, &out["user_code"].as_str().unwrap().parse().unwrap()).await.unwrap();
            let allowed = Decision::Allow("openid offline_access".parse().unwrap());
            device::decide(&house.auth, &signed_in, id, &allowed).await.unwrap();
            match way {
                "signed out" => drop(auth::session::end(&house.auth, &signed_in).await.unwrap()),
                "switched off" => auth::person::disable(&house.auth, &house.acting(), mira.id).await.unwrap(),
                _ => house.clock.advance(A_MINUTE),
            }
            assert_eq!(poll(&house, &client, &out).await.error(), "access_denied", "{way}");
        }
        let acts = house.acts().await;
        assert!(acts.iter().any(|(act, outcome)| act == "device.redeemed" && outcome == "refused"), "{acts:?}");
        assert!(!acts.iter().any(|(act, _)| act == "token.issued"), "{acts:?}");
    }

    async fn whose_code_it_is(db: Db) {
        let house = House::open(db).await;
        let client = television(&house).await;
        let registration = Registration { grant_types: vec![GRANT.into()], redirect_uris: vec![], ..registration("public") };
        let (other, _) = client::register(&house.auth, &house.acting(), "radio", &registration).await.unwrap();
        let out = begin(&house, &client, &[]).await.json();
        assert_eq!(poll(&house, &other, &out).await.error(), "invalid_grant");
        let (app, secret) = house.client("diary", "confidential").await;
        let basic = Some((app.client_id.as_str(), secret.as_str()));
        let reply = house.post("/oauth2/device_authorization", basic, &[("scope", "openid")]).await;
        assert_eq!((reply.status, reply.error()), (StatusCode::BAD_REQUEST, "unauthorized_client".into()));
        for (scope, error) in [("made-up", "invalid_scope"), ("email", "invalid_scope"), ("system/Patient.rs", "invalid_scope")] {
            assert_eq!(begin(&house, &client, &[("scope", scope)]).await.error(), error, "{scope}");
        }
        let resource = begin(&house, &client, &[("resource", "https://unknown.example/")]).await;
        assert_eq!(resource.error(), "invalid_target");
    }
}
