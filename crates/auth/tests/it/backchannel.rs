//! Applications hear that a session has ended, whoever ends it.  OpenID Connect Back-Channel Logout 1.0

use std::time::Duration;

use auth::{
    client::{self, Client},
    person, session,
};
use crypto::b64;
use http::StatusCode;
use jobs::Worker;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::house::{House, on_each_engine, registration};

/// An application that listens.
struct Listener(TcpListener);

impl Listener {
    async fn open() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Answers one call with this status; gives the logout token.
    async fn hear(&self, status: &str) -> String {
        let (mut stream, _) = self.0.accept().await.unwrap();
        let mut heard = Vec::new();
        while !has_body(&heard) {
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).await.unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&heard));
            heard.extend_from_slice(&piece[..read]);
        }
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        let heard = String::from_utf8(heard).unwrap();
        assert!(heard.starts_with("POST /logged-out HTTP/1.1"), "{heard}");
        heard.split_once("\r\n\r\nlogout_token=").unwrap().1.to_owned()
    }
}

fn has_body(heard: &[u8]) -> bool {
    let text = String::from_utf8_lossy(heard).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    body.len() >= length.parse().unwrap()
}

fn part(token: &str, nth: usize) -> serde_json::Value {
    serde_json::from_slice(&b64::decode(token.split('.').nth(nth).unwrap()).unwrap()).unwrap()
}

async fn open(db: store::Db, port: u16) -> House {
    let (world, clock) = testkit::world();
    House::tuned(db, world, clock, &[format!("127.0.0.1:{port}")], |_| {}).await
}

async fn listening(house: &House, suffix: &str, port: u16) -> (Client, String) {
    let mut registration = registration("confidential");
    registration.metadata.backchannel_logout_uri = Some(format!("http://127.0.0.1:{port}/logged-out"));
    let (client, secret) =
        client::register(&house.auth, &house.acting(), suffix, &registration).await.unwrap();
    (client, secret.unwrap().text.expose().clone())
}

fn worker(house: &House) -> Worker {
    auth::jobs(&house.auth, Worker::new(house.db.clone(), house.world.clone()))
}

async fn told(house: &House) -> Vec<String> {
    let acts = house.acts().await;
    acts.into_iter().filter(|(act, _)| act == "client.told_of_sign_out").map(|(_, outcome)| outcome).collect()
}

on_each_engine! {
    async fn an_application_is_told_whose_session_has_ended(db: Db) {
        let listener = Listener::open().await;
        let house = open(db, listener.port()).await;
        let mira = house.person("mira@example.org", &[]).await;
        let (client, secret) = listening(&house, "diary", listener.port()).await;
        let (silent, silent_secret) = house.client("silent", "confidential").await;
        let (unused, _) = listening(&house, "unused", listener.port()).await;
        let cookie = house.sign_in("mira@example.org").await;
        let code = house.code(&client, &cookie, "openid").await;
        let hint = house.redeem(&client, &secret, &code).await.json()["id_token"].as_str().unwrap().to_owned();
        house.token(&silent, &silent_secret, &cookie, "openid").await;
        let signed_in = house.signed_in(&cookie).await.unwrap();
        session::end(&house.auth, &signed_in).await.unwrap();
        session::end(&house.auth, &signed_in).await.unwrap();

        let worker = worker(&house);
        let (ran, token) = futures_util::future::join(worker.run_due(), listener.hear("200 OK")).await;
        ran.unwrap();
        let (head, claims) = (part(&token, 0), part(&token, 1));
        assert_eq!((&head["typ"], &head["kid"]), (&"logout+jwt".into(), &part(&hint, 0)["kid"]));
        assert_eq!((&claims["iss"], &claims["aud"]), (&part(&hint, 1)["iss"], &client.client_id.as_str().into()));
        assert_eq!((&claims["sub"], &claims["sid"]), (&mira.id.to_string().into(), &part(&hint, 1)["sid"]));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 120);
        assert!(claims["jti"].is_string() && claims.get("nonce").is_none());
        assert_eq!(claims["events"], serde_json::json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
        assert_eq!(told(&house).await, ["done"], "{} was never used", unused.client_id);
        // It opens nothing here, neither as an access token nor as a hint.
        assert_eq!(house.get_with_bearer("/oauth2/userinfo", &token).await.status, StatusCode::UNAUTHORIZED);
        let again = house.sign_in("mira@example.org").await;
        let logout = house.get(&format!("/oauth2/logout?id_token_hint={token}"), Some(&again)).await;
        assert_eq!(logout.location(), "/sign-out");
    }

    async fn an_application_that_is_down_is_told_later_and_one_that_refuses_is_left_alone(db: Db) {
        let listener = Listener::open().await;
        let house = open(db, listener.port()).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = listening(&house, "diary", listener.port()).await;
        for (answers, outcome) in [(vec!["503 Down", "204 No Content"], "done"), (vec!["400 Bad Request"], "failed")] {
            let cookie = house.sign_in("mira@example.org").await;
            house.token(&client, &secret, &cookie, "openid").await;
            session::end(&house.auth, &house.signed_in(&cookie).await.unwrap()).await.unwrap();
            let mut tokens = std::collections::BTreeSet::new();
            for answer in &answers {
                let worker = worker(&house);
                let (ran, token) = futures_util::future::join(worker.run_due(), listener.hear(answer)).await;
                ran.unwrap();
                tokens.insert(part(&token, 1)["jti"].as_str().unwrap().to_owned());
                house.clock.advance(Duration::from_secs(10));
            }
            assert_eq!(tokens.len(), answers.len(), "each attempt has a token of its own");
            assert_eq!(told(&house).await.last().map(String::as_str), Some(outcome));
        }
    }

    async fn a_person_who_is_switched_off_is_signed_out_everywhere(db: Db) {
        let listener = Listener::open().await;
        let house = open(db, listener.port()).await;
        let mira = house.person("mira@example.org", &[]).await;
        let (client, secret) = listening(&house, "diary", listener.port()).await;
        house.person("root@example.org", &[person::Role::OrgAdmin]).await;
        let mut sessions = std::collections::BTreeSet::new();
        for _ in 0..2 {
            let cookie = house.sign_in("mira@example.org").await;
            house.token(&client, &secret, &cookie, "openid").await;
            sessions.insert(house.signed_in(&cookie).await.unwrap().session.to_string());
        }
        person::disable(&house.auth, &house.acting(), mira.id).await.unwrap();
        let worker = worker(&house);
        let hear = async || [listener.hear("200 OK").await, listener.hear("200 OK").await];
        let (ran, tokens) = futures_util::future::join(worker.run_due(), hear()).await;
        ran.unwrap();
        let heard = tokens.iter().map(|token| part(token, 1)["sid"].as_str().unwrap().to_owned()).collect();
        assert_eq!(sessions, heard);
    }
}
