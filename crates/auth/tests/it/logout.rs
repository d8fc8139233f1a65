//! RP-initiated logout: with proof at once, without it only after asking.

use http::{StatusCode, header};

use crate::house::{House, encoded, on_each_engine};

on_each_engine! {
    async fn a_client_signs_the_person_out_with_an_id_token(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        house.person("noor@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (mira, noor) = (house.sign_in("mira@example.org").await, house.sign_in("noor@example.org").await);
        let code = house.code(&client, &mira, "openid").await;
        let hint = house.redeem(&client, &secret, &code).await.json()["id_token"].as_str().unwrap().to_owned();
        let access = house.token(&client, &secret, &mira, "openid").await;
        let logout = |pairs: &[(&str, &str)]| format!("/oauth2/logout?{}", encoded(pairs));
        let bye = "https://app.example/bye";

        for (pairs, cookie) in [
            (vec![], &mira),
            (vec![("post_logout_redirect_uri", bye)], &mira),
            (vec![("id_token_hint", "junk"), ("post_logout_redirect_uri", bye)], &mira),
            (vec![("id_token_hint", access.as_str())], &mira),
            (vec![("id_token_hint", hint.as_str()), ("client_id", "another.client")], &mira),
            (vec![("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", bye)], &noor),
        ] {
            let reply = house.get(&logout(&pairs), Some(cookie)).await;
            assert_eq!(reply.location(), "/sign-out", "{pairs:?}");
            assert!(house.signed_in(cookie).await.is_some());
        }
        let elsewhere = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", "https://evil.example")];
        let cookie = house.sign_in("mira@example.org").await;
        assert_eq!(house.get(&logout(&elsewhere), Some(&cookie)).await.location(), "/");
        assert!(house.signed_in(&cookie).await.is_none());

        house.clock.advance(std::time::Duration::from_secs(3_000));
        let pairs = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", bye), ("state", "s&t")];
        let reply = house.get(&logout(&pairs), Some(&mira)).await;
        assert_eq!(reply.location(), "https://app.example/bye?state=s%26t");
        assert!(reply.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
        assert!(house.signed_in(&mira).await.is_none());
        let again = house.get(&logout(&pairs[..2]), Some(&mira)).await;
        assert_eq!(again.location(), bye, "nobody is signed in any more, and the client gets its browser back");
        let twice = house.get(&format!("{}&state=a&state=b", logout(&pairs[..2])), None).await;
        assert_eq!(twice.status, StatusCode::BAD_REQUEST);
    }
}
