//! Token exchange: an API goes on to the next on a person's behalf.  RFC 8693

use auth::client::{self, Client, ClientMetadata, register::Registration};
use http::StatusCode;

use crate::house::{House, Reply, authorize, on_each_engine, registration};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const API: &str = "https://api.example/v1";

async fn api(house: &House, suffix: &str, resource: &str) -> (Client, String) {
    let registration = Registration {
        grant_types: vec![GRANT.into(), "client_credentials".into()],
        scopes: "profile a".into(),
        redirect_uris: vec![],
        metadata: ClientMetadata { resources: vec![resource.into()], ..ClientMetadata::default() },
        ..registration("confidential")
    };
    let (client, secret) =
        client::register(&house.auth, &house.acting(), suffix, &registration).await.unwrap();
    (client, secret.unwrap().text.expose().clone())
}

async fn exchange(
    house: &House,
    (client, secret): &(Client, String),
    token: &str,
    more: &[(&str, &str)],
) -> Reply {
    let form = [("grant_type", GRANT), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)];
    house.post("/oauth2/token", Some((client.client_id.as_str(), secret)), &[&form[..], more].concat()).await
}

/// A token of a person for an API that is not this deployment.
async fn token_for_api(house: &House, app: &(Client, String), cookie: &str) -> String {
    let url = authorize(&app.0, "openid profile a", &[("resource", API)]);
    let asked = house.get(&url, Some(cookie)).await;
    let answer = match asked.sent("request") {
        Some(request) => house.allow(cookie, &request).await,
        None => asked.location().to_owned(),
    };
    let code = url::Url::parse(&answer)
        .unwrap()
        .query_pairs()
        .find(|(name, _)| name == "code")
        .unwrap()
        .1
        .into_owned();
    house.redeem(&app.0, &app.1, &code).await.json()["access_token"].as_str().unwrap().to_owned()
}

on_each_engine! {
    async fn an_api_goes_on_for_the_person(db: Db) {
        let house = House::open(db).await;
        let person = house.person("mira@example.org", &[]).await;
        let cookie = house.sign_in("mira@example.org").await;
        let (app, api) = (house.client("diary", "confidential").await, api(&house, "api", API).await);
        let token = token_for_api(&house, &app, &cookie).await;
        assert!(house.auth.check(&token).await.is_err(), "it is for another API than ours");
        let seen = house.post("/oauth2/introspection", Some((api.0.client_id.as_str(), &api.1)), &[("token", &token)]).await;
        assert_eq!((&seen.json()["active"], &seen.json()["aud"]), (&true.into(), &API.into()), "its server may ask");

        let reply = exchange(&house, &api, &token, &[]).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let out = reply.json();
        assert_eq!((&out["issued_token_type"], &out["scope"]), (&ACCESS_TOKEN.into(), &"a profile".into()));
        let verified = house.auth.check(out["access_token"].as_str().unwrap()).await.unwrap();
        assert_eq!((verified.caller.person, verified.caller.client), (Some(person.id), api.0.id));
        assert_eq!(verified.actor.as_ref().unwrap()["sub"], api.0.client_id.as_str());

        let stranger = self::api(&house, "stranger", "https://stranger.example/").await;
        assert_eq!(exchange(&house, &stranger, &token, &[]).await.error(), "invalid_request");
        assert_eq!(exchange(&house, &api, &token, &[("scope", "a email")]).await.error(), "invalid_scope");
        assert_eq!(exchange(&house, &api, "junk", &[]).await.error(), "invalid_request");
        let elsewhere = exchange(&house, &api, &token, &[("resource", "https://nobody.example/")]).await;
        assert_eq!(elsewhere.error(), "invalid_target");

        let signed_in = house.signed_in(&cookie).await.unwrap();
        auth::grant::revoke_all_of(&house.auth, &signed_in, app.0.id).await.unwrap();
        assert!(house.auth.check(out["access_token"].as_str().unwrap()).await.is_err(), "what ends the one ends the other");
        assert_eq!(exchange(&house, &api, &token, &[]).await.error(), "invalid_request");
    }
}
