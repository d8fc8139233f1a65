//! However a session ends, what was granted for as long as it lasts ends with it, and applications hear of it.

use std::time::Duration;

use auth::{
    client::{self, Client, register::Registration},
    session::{self, Acr},
};
use crypto::b64;

use crate::{
    factors::enrol,
    house::{House, encoded, on_each_engine, registration},
};

const MIRA: &str = "mira@example.org";
const NOOR: &str = "noor@example.org";

/// Two applications, one of which may go on without the person.
struct Applications {
    online: (Client, String),
    offline: (Client, String),
}

async fn applications(house: &House) -> Applications {
    let of = async |suffix: &str, scopes: &str| {
        let mut asked = Registration { scopes: scopes.into(), ..registration("confidential") };
        asked.grant_types.push("refresh_token".into());
        asked.metadata.backchannel_logout_uri = Some("https://app.example/logged-out".into());
        let (client, secret) = client::register(&house.auth, &house.acting(), suffix, &asked).await.unwrap();
        (client, secret.unwrap().text.expose().clone())
    };
    Applications {
        online: of("online", "openid a").await,
        offline: of("offline", "openid a offline_access").await,
    }
}

/// What an application got in a session.
struct Given {
    access: String,
    hint: serde_json::Value,
    id_token: String,
}

async fn give(house: &House, (client, secret): &(Client, String), cookie: &str, scope: &str) -> Given {
    let code = house.code(client, cookie, scope).await;
    let out = house.redeem(client, secret, &code).await.json();
    let id_token = out["id_token"].as_str().unwrap().to_owned();
    let hint = serde_json::from_slice(&b64::decode(id_token.split('.').nth(1).unwrap()).unwrap()).unwrap();
    Given { access: out["access_token"].as_str().unwrap().to_owned(), hint, id_token }
}

/// How many applications will be told of the end of this session.
async fn to_be_told(house: &House, sid: &str) -> usize {
    let mut tx = house.db.read().await.unwrap();
    let all: Vec<(String,)> = tx
        .all("SELECT payload FROM job WHERE name = $1", store::binds!["auth.tell_of_sign_out"])
        .await
        .unwrap();
    all.iter().filter(|(payload,)| payload.contains(sid)).count()
}

on_each_engine! {
    async fn however_a_session_ends_its_grants_end_and_applications_hear(db: Db) {
        let house = House::open(db).await;
        house.person(MIRA, &[]).await;
        house.person(NOOR, &[]).await;
        let apps = applications(&house).await;
        for way in ["signed out", "by an application", "one from elsewhere", "the others", "another person", "a factor"] {
            let cookie = house.sign_in(MIRA).await;
            let online = give(&house, &apps.online, &cookie, "openid a").await;
            let offline = give(&house, &apps.offline, &cookie, "openid offline_access").await;
            let sid = online.hint["sid"].as_str().unwrap();
            let ended = house.signed_in(&cookie).await.unwrap();
            let here = house.signed_in(&house.sign_in(MIRA).await).await.unwrap();
            assert!(house.auth.check(&online.access).await.is_ok(), "{way}");
            match way {
                "signed out" => drop(session::end(&house.auth, &ended).await.unwrap()),
                "by an application" => {
                    let path = format!("/oauth2/logout?{}", encoded(&[("id_token_hint", &online.id_token)]));
                    assert_eq!(house.get(&path, Some(&cookie)).await.location(), "/");
                }
                "one from elsewhere" => session::end_one(&house.auth, &here, ended.session).await.unwrap(),
                "the others" => session::end_others(&house.auth, &here).await.unwrap(),
                "another person" => drop(house.sign_in_at(NOOR, &cookie).await),
                _ => drop(enrol(&house, &here).await),
            }
            assert!(house.signed_in(&cookie).await.is_none(), "{way}");
            assert!(house.auth.check(&online.access).await.is_err(), "{way}: at once");
            assert!(house.auth.check(&offline.access).await.is_ok(), "{way}: it was given for longer");
            assert_eq!(to_be_told(&house, sid).await, 2, "{way}");
            let acts = house.acts().await;
            assert!(acts.iter().any(|(act, _)| act == "person.signed_out"), "{way}");
        }
    }

    async fn the_same_person_goes_on_with_the_session_behind_a_new_cookie(db: Db) {
        let house = House::open(db).await;
        house.person(MIRA, &[]).await;
        let apps = applications(&house).await;
        let first = house.sign_in(MIRA).await;
        let given = give(&house, &apps.online, &first, "openid a").await;
        let before = house.signed_in(&first).await.unwrap();
        house.clock.advance(Duration::from_mins(30));
        let second = house.sign_in_at(MIRA, &first).await;
        assert!(house.signed_in(&first).await.is_none(), "whoever has stolen the cookie is out");
        let after = house.signed_in(&second).await.unwrap();
        assert_eq!(after.session, before.session);
        assert_eq!(after.authenticated_at.since(before.authenticated_at), Duration::from_mins(30));
        assert_eq!(after.acr, Acr::Password);
        assert!(house.auth.check(&given.access).await.is_ok());
        assert_eq!(to_be_told(&house, given.hint["sid"].as_str().unwrap()).await, 0);
        let again = give(&house, &apps.online, &second, "openid a").await;
        assert_eq!(again.hint["sid"], given.hint["sid"]);
        assert_eq!(again.hint["auth_time"].as_i64().unwrap() - given.hint["auth_time"].as_i64().unwrap(), 1_800);
        assert_eq!(session::list(&house.auth, &after).await.unwrap().len(), 1);
        house.clock.advance(Duration::from_mins(61));
        let third = house.sign_in_at(MIRA, &second).await;
        let third = house.signed_in(&third).await.unwrap();
        assert_ne!(third.session, before.session, "one that is over does not come back");
    }
}
