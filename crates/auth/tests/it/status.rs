//! Status lists: APIs elsewhere see what has ended.

use std::io::Read;

use auth::{client, person::Role};
use crypto::b64;
use http::{StatusCode, header};
use jobs::Worker;
use serde_json::Value;

use crate::house::{BASE, House, on_each_engine};

fn claims(token: &str) -> Value {
    serde_json::from_slice(&b64::decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// Whether the bit of the token is set in the list that it names, as its audience would look it up.
async fn is_marked(house: &House, token: &str) -> bool {
    let status = &claims(token)["status"]["status_list"];
    let (uri, place) = (status["uri"].as_str().unwrap(), status["idx"].as_u64().unwrap());
    let reply = house.get(uri.strip_prefix(BASE).unwrap(), None).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    assert_eq!(reply.headers[header::CONTENT_TYPE], "application/statuslist+jwt");
    let list = claims(&reply.text());
    assert_eq!((list["sub"].as_str().unwrap(), &list["status_list"]["bits"]), (uri, &1.into()));
    let packed = b64::decode(list["status_list"]["lst"].as_str().unwrap()).unwrap();
    let mut bits = Vec::new();
    flate2::read::ZlibDecoder::new(&packed[..]).read_to_end(&mut bits).unwrap();
    bits[usize::try_from(place / 8).unwrap()] >> (place % 8) & 1 == 1
}

async fn work(house: &House) {
    let worker = auth::jobs(&house.auth, Worker::new(house.db.clone(), house.world.clone()));
    worker.run_due().await.unwrap();
}

async fn own(house: &House, client: &client::Client, secret: &str) -> String {
    let basic = Some((client.client_id.as_str(), secret));
    let reply = house.post("/oauth2/token", basic, &[("grant_type", "client_credentials")]).await;
    reply.json()["access_token"].as_str().unwrap().to_owned()
}

on_each_engine! {
    async fn what_ends_is_marked_and_nothing_else(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let cookie = house.sign_in("mira@example.org").await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (one, two) = (own(&house, &client, &secret).await, own(&house, &client, &secret).await);
        let (other, key) = house.client("other", "confidential").await;
        let foreign = own(&house, &other, &key).await;
        let hers = house.token(&client, &secret, &cookie, "openid a").await;
        assert!(!is_marked(&house, &one).await && !is_marked(&house, &hers).await);

        let basic = Some((client.client_id.as_str(), secret.as_str()));
        house.post("/oauth2/revocation", basic, &[("token", &one)]).await;
        assert!(is_marked(&house, &one).await, "one token, at once");
        assert!(!is_marked(&house, &two).await);

        let signed_in = house.signed_in(&cookie).await.unwrap();
        auth::grant::revoke_all_of(&house.auth, &signed_in, client.id).await.unwrap();
        work(&house).await;
        assert!(is_marked(&house, &hers).await, "all of a grant");
        assert!(!is_marked(&house, &two).await);

        client::revoke_tokens(&house.auth, &house.acting(), client.id).await.unwrap();
        work(&house).await;
        assert!(is_marked(&house, &two).await, "all of a client");
        assert!(!is_marked(&house, &foreign).await);
    }

    async fn a_person_who_is_switched_off_takes_their_tokens_along(db: Db) {
        let house = House::open(db).await;
        house.person("ada@example.org", &[Role::OrgAdmin]).await;
        let person = house.person("mira@example.org", &[]).await;
        let cookie = house.sign_in("mira@example.org").await;
        let (client, secret) = house.client("diary", "confidential").await;
        let hers = house.token(&client, &secret, &cookie, "openid a").await;
        let own = own(&house, &client, &secret).await;
        auth::person::disable(&house.auth, &house.acting(), person.id).await.unwrap();
        work(&house).await;
        assert!(is_marked(&house, &hers).await && !is_marked(&house, &own).await);
        for path in ["/oauth2/status/0190b6e0-0000-7000-8000-000000000000", "/oauth2/status/x"] {
            assert!(house.get(path, None).await.status.is_client_error(), "{path}");
        }
    }
}
