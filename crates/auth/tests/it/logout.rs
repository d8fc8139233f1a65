//! RP-initiated logout: with proof at once, without it only after asking.

use auth::client::{self, register::Registration};
use crypto::b64;
use http::{StatusCode, header};

use crate::house::{House, encoded, on_each_engine, registration};

const BYE: &str = "https://app.example/bye";

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The person is asked, and nothing has ended.
    Asked,
    /// The session is over, and the browser goes there.
    Over(&'static str),
}

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

    async fn each_module_of_the_suite_about_sign_out(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let theirs = Registration { post_logout_redirect_uris: vec!["https://app.example/theirs".into()], ..registration("confidential") };
        let (other, _) = client::register(&house.auth, &house.acting(), "other", &theirs).await.unwrap();
        let first = house.sign_in("mira@example.org").await;
        let code = house.code(&client, &first, "openid").await;
        let hint = house.redeem(&client, &secret, &code).await.json()["id_token"].as_str().unwrap().to_owned();
        let parts: Vec<&str> = hint.split('.').collect();
        let mut claims: serde_json::Value = serde_json::from_slice(&b64::decode(parts[1]).unwrap()).unwrap();
        claims["sid"] = "another".into();
        let modified = format!("{}.{}.{}", parts[0], b64::encode(claims.to_string()), parts[2]);
        let cut = hint[..hint.len() - 4].to_owned();
        let unsigned = format!("{}.{}.", b64::encode(r#"{"alg":"none","typ":"JWT"}"#), parts[1]);
        let (own_id, other_id) = (client.client_id.as_str(), other.client_id.as_str());
        let (good, to, state) = (("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("state", "s 1"));
        let bad = |text| ("id_token_hint", text);
        let elsewhere = |uri| ("post_logout_redirect_uri", uri);
        for (module, pairs, then) in [
            ("RpInitiatedLogout", vec![good, to, state], Then::Over("https://app.example/bye?state=s+1")),
            ("NoState", vec![good, to], Then::Over(BYE)),
            ("NoPostLogoutRedirectUri", vec![good, state], Then::Over("/")),
            ("NoParams", vec![], Then::Asked),
            ("OnlyState", vec![state], Then::Asked),
            ("NoIdTokenHint", vec![to, state], Then::Asked),
            ("no hint but a client", vec![("client_id", own_id), to, state], Then::Asked),
            ("BadIdTokenHint", vec![bad("junk"), to, state], Then::Asked),
            ("a hint that nobody signed", vec![bad(&unsigned), to], Then::Asked),
            ("ModifiedIdTokenHint", vec![bad(&modified), to, state], Then::Asked),
            ("a hint whose signature is cut", vec![bad(&cut), to], Then::Asked),
            ("the client's own id", vec![good, to, ("client_id", own_id)], Then::Over(BYE)),
            ("another client's id", vec![good, to, ("client_id", other_id)], Then::Asked),
            ("BadLogoutRedirectUri", vec![good, elsewhere("https://app.example/other"), state], Then::Over("/")),
            ("another client's address", vec![good, elsewhere("https://app.example/theirs")], Then::Over("/")),
            ("QueryAddedToLogoutRedirectUri", vec![good, elsewhere("https://app.example/bye?foo=bar")], Then::Over("/")),
            ("a fragment", vec![good, elsewhere("https://app.example/bye#x")], Then::Over("/")),
            ("a script", vec![good, elsewhere("javascript:alert(1)")], Then::Over("/")),
        ] {
            let cookie = house.sign_in("mira@example.org").await;
            let reply = house.get(&format!("/oauth2/logout?{}", encoded(&pairs)), Some(&cookie)).await;
            let is_over = house.signed_in(&cookie).await.is_none();
            let expected = match then {
                Then::Asked => ("/sign-out", false),
                Then::Over(location) => (location, true),
            };
            assert_eq!((reply.location(), is_over), expected, "{module}");
        }
        // An ID token says who it was; that it is over says nothing else (RP-Initiated Logout §2).
        house.clock.advance(std::time::Duration::from_hours(30));
        let cookie = house.sign_in("mira@example.org").await;
        let late = house.get(&format!("/oauth2/logout?{}", encoded(&[good, to])), Some(&cookie)).await;
        assert_eq!((late.location(), house.signed_in(&cookie).await.is_none()), (BYE, true), "expired");
    }
}
