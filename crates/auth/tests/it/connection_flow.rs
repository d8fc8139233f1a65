//! A consumer goes through the code flow with the redirect URI and the secret of its connection.  Contract 5, reference/sources.md §5.8

use std::time::Duration;

use auth::{
    client::{self, Client, RedirectUri, update},
    client_connection::{self, Ensured},
};
use http::StatusCode;
use store::{Db, binds};
use url::Url;

use crate::house::{CALLBACK, House, Reply, VERIFIER, authorize, on_each_engine, registration};

const WARD: &str = "https://ward.example/back";

/// A clinic, with what its consumers need.
struct Platform {
    house: House,
    clinic: Client,
    secret: String,
    cookie: String,
}

/// A connection of the clinic.
struct Connection {
    id: kernel::Id<kernel::ClientConnection>,
    redirect_uri: &'static str,
    secret: String,
}

impl Platform {
    async fn open(db: Db) -> Self {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let mut clinic = registration("confidential");
        clinic.grant_types.push("refresh_token".into());
        clinic.scopes = "openid offline_access a".into();
        let made = client::register(&house.auth, &house.acting(), "clinic", &clinic).await.unwrap();
        let cookie = house.sign_in("mira@example.org").await;
        Self { house, clinic: made.0, secret: made.1.unwrap().text.expose().clone(), cookie }
    }

    async fn connect(&self, consumer: &Client, redirect_uri: &'static str) -> Connection {
        let uri = RedirectUri::parse(redirect_uri).unwrap();
        let Ensured { connection, secret, .. } = client_connection::ensure(
            &self.house.auth,
            &self.house.acting(),
            self.clinic.id,
            consumer.id,
            uri,
        )
        .await
        .unwrap();
        Connection { id: connection.id, redirect_uri, secret: secret.text.expose().clone() }
    }

    /// A code that was sent to this address.
    async fn code(&self, redirect_uri: &str) -> String {
        let url = authorize(&self.clinic, "openid offline_access a", &[("redirect_uri", redirect_uri)]);
        let asked = self.house.get(&url, Some(&self.cookie)).await;
        let answered = match asked.sent("request") {
            Some(request) => self.house.allow(&self.cookie, &request).await,
            None => asked.location().to_owned(),
        };
        assert!(answered.starts_with(&format!("{redirect_uri}?")), "{answered}");
        let address = Url::parse(&answered).unwrap();
        address.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    }

    async fn call(&self, secret: &str, path: &str, form: &[(&str, &str)]) -> Reply {
        self.house.post(path, Some((self.clinic.client_id.as_str(), secret)), form).await
    }

    async fn redeem(&self, secret: &str, redirect_uri: &str, code: &str) -> Reply {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        self.call(secret, "/oauth2/token", &form).await
    }

    async fn refresh(&self, secret: &str, token: &str) -> Reply {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.call(secret, "/oauth2/token", &form).await
    }

    async fn last_used_at(&self, connection: &Connection) -> Option<i64> {
        self.house.db.flush_lazy().await.unwrap();
        let sql = "SELECT last_used_at FROM client_connection WHERE id = $1";
        let row: (Option<i64>,) =
            self.house.db.read().await.unwrap().one(sql, binds![connection.id]).await.unwrap();
        row.0
    }
}

#[track_caller]
fn refused(reply: &Reply, error: &str) {
    assert!(reply.status.is_client_error(), "{}", reply.text());
    assert_eq!(reply.error(), error, "{}", reply.text());
}

on_each_engine! {
    async fn a_connection_redeems_and_refreshes_what_was_sent_to_it(db: Db) {
        let platform = Platform::open(db).await;
        let (ward, _) = platform.house.client("ward", "confidential").await;
        let connection = platform.connect(&ward, WARD).await;
        assert_eq!(platform.last_used_at(&connection).await, None);

        let code = platform.code(WARD).await;
        let out = platform.redeem(&connection.secret, WARD, &code).await;
        assert_eq!(out.status, StatusCode::OK, "{}", out.text());
        assert!(platform.last_used_at(&connection).await.is_some());
        let token = out.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(platform.house.get_with_bearer("/oauth2/userinfo", &token).await.status, StatusCode::OK);
        let again = platform.redeem(&connection.secret, WARD, &code).await;
        refused(&again, "invalid_grant");

        let code = platform.code(WARD).await;
        let first = platform.redeem(&connection.secret, WARD, &code).await.json();
        let refreshed = platform.refresh(&connection.secret, first["refresh_token"].as_str().unwrap()).await;
        assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.text());
        let next = refreshed.json()["refresh_token"].as_str().unwrap().to_owned();
        refused(&platform.refresh(&platform.secret, &next).await, "invalid_grant");
        assert_eq!(platform.refresh(&connection.secret, &next).await.status, StatusCode::OK, "the attempt ended nothing");
    }

    async fn redirect_and_secret_belong_together(db: Db) {
        let platform = Platform::open(db).await;
        let (ward, _) = platform.house.client("ward", "confidential").await;
        let (shop, _) = platform.house.client("shop", "confidential").await;
        let of_ward = platform.connect(&ward, WARD).await;
        let of_shop = platform.connect(&shop, "https://shop.example/back").await;
        let same = platform.house.client("same", "confidential").await.0;
        let of_same = platform.connect(&same, WARD).await;
        let (stranger, stranger_secret) = platform.house.client("stranger", "confidential").await;
        for (sent_to, secret, why) in [
            (WARD, &of_shop.secret, "another connection's secret"),
            (WARD, &platform.secret, "the client's own secret at a connection's address"),
            (CALLBACK, &of_ward.secret, "a connection's secret at the client's own address"),
        ] {
            let code = platform.code(sent_to).await;
            refused(&platform.redeem(secret, sent_to, &code).await, "invalid_grant");
            refused(&platform.redeem(&of_ward.secret, sent_to, &code).await, "invalid_grant");
            assert!(platform.house.acts().await.contains(&("code.redeemed".into(), "refused".into())), "{why}");
        }
        let code = platform.code(WARD).await;
        refused(&platform.redeem(&of_ward.secret, "https://ward.example/back/", &code).await, "invalid_grant");
        let code = platform.code(WARD).await;
        assert_eq!(platform.redeem(&of_same.secret, WARD, &code).await.status, StatusCode::OK, "two may share an address");

        // The secret proves the client whose connection it is, and nobody else.
        let code = platform.code(WARD).await;
        let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", WARD), ("code_verifier", VERIFIER)];
        for client in [&ward, &stranger] {
            let reply = platform.house.post("/oauth2/token", Some((client.client_id.as_str(), &of_ward.secret)), &form).await;
            refused(&reply, "invalid_client");
        }
        let stranger = Some((stranger.client_id.as_str(), stranger_secret.as_str()));
        refused(&platform.house.post("/oauth2/token", stranger, &form).await, "invalid_grant");
        assert_eq!(of_shop.redirect_uri, "https://shop.example/back");
    }

    async fn an_address_is_a_connections_character_by_character(db: Db) {
        let platform = Platform::open(db).await;
        let (ward, _) = platform.house.client("ward", "confidential").await;
        platform.connect(&ward, WARD).await;
        for evil in [
            "https://ward.example/back/",
            "https://ward.example/back/more",
            "https://ward.example/back?x=1",
            "https://ward.example/BACK",
            "https://ward.example",
            "http://ward.example/back",
            "https://evil.example/?x=https://ward.example/back",
            "https://ward.example/%62ack",
        ] {
            let url = authorize(&platform.clinic, "openid", &[("redirect_uri", evil)]);
            let reply = platform.house.get(&url, Some(&platform.cookie)).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{evil}");
            let of_ward = authorize(&ward, "openid", &[("redirect_uri", WARD)]);
            let reply = platform.house.get(&of_ward, Some(&platform.cookie)).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "the consumer's own requests go to its own addresses");
        }
    }

    async fn a_connections_secret_is_for_the_code_flow_alone(db: Db) {
        let platform = Platform::open(db).await;
        let (ward, _) = platform.house.client("ward", "confidential").await;
        let (shop, _) = platform.house.client("shop", "confidential").await;
        let connection = platform.connect(&ward, WARD).await;
        let other = platform.connect(&shop, "https://shop.example/back").await;
        let own = platform.call(&platform.secret, "/oauth2/token", &[("grant_type", "client_credentials")]).await;
        let own = own.json()["access_token"].as_str().unwrap().to_owned();
        refused(
            &platform.call(&connection.secret, "/oauth2/token", &[("grant_type", "client_credentials")]).await,
            "unauthorized_client",
        );
        refused(&platform.call(&connection.secret, "/oauth2/introspection", &[("token", &own)]).await, "invalid_client");
        refused(&platform.call(&connection.secret, "/oauth2/revocation", &[("token", &own)]).await, "invalid_grant");

        let code = platform.code(WARD).await;
        let out = platform.redeem(&connection.secret, WARD, &code).await.json();
        let (access, refresh) = (out["access_token"].as_str().unwrap(), out["refresh_token"].as_str().unwrap());
        for token in [access, refresh] {
            refused(&platform.call(&other.secret, "/oauth2/revocation", &[("token", token)]).await, "invalid_grant");
        }
        let revoked = platform.call(&connection.secret, "/oauth2/revocation", &[("token", access)]).await;
        assert_eq!(revoked.status, StatusCode::OK);
        assert_eq!(platform.house.get_with_bearer("/oauth2/userinfo", access).await.status, StatusCode::UNAUTHORIZED);
        let revoked = platform.call(&connection.secret, "/oauth2/revocation", &[("token", refresh)]).await;
        assert_eq!(revoked.status, StatusCode::OK);
        refused(&platform.refresh(&connection.secret, refresh).await, "invalid_grant");
    }

    async fn a_pushed_request_goes_where_its_connection_redirects(db: Db) {
        let platform = Platform::open(db).await;
        let (ward, _) = platform.house.client("ward", "confidential").await;
        let connection = platform.connect(&ward, WARD).await;
        let push = async |secret: &str, redirect_uri: &str| {
            let url = authorize(&platform.clinic, "openid", &[("redirect_uri", redirect_uri)]);
            let query = url.split_once('?').unwrap().1.to_owned();
            let pairs: Vec<(String, String)> =
                url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            let form: Vec<(&str, &str)> = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            platform.call(secret, "/oauth2/par", &form).await.status
        };
        assert_eq!(push(&connection.secret, WARD).await, StatusCode::CREATED);
        assert_eq!(push(&connection.secret, CALLBACK).await, StatusCode::BAD_REQUEST);
        assert_eq!(push(&platform.secret, CALLBACK).await, StatusCode::CREATED);
        assert_eq!(push(&platform.secret, "https://shop.example/back").await, StatusCode::BAD_REQUEST);
    }

    async fn what_ends_a_connection_ends_it_at_once_on_every_node(db: Db) {
        let platform = Platform::open(db.clone()).await;
        let (world, clock) = (platform.house.world.clone(), platform.house.clock.clone());
        let node = House::beside(db, world, clock).await;
        let (house, acting) = (&platform.house, platform.house.acting());
        let (ward, _) = house.client("ward", "confidential").await;
        let connection = platform.connect(&ward, WARD).await;
        let there = async |secret: &str, code: &str| {
            let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", WARD), ("code_verifier", VERIFIER)];
            node.post("/oauth2/token", Some((platform.clinic.client_id.as_str(), secret)), &form).await
        };
        let code = platform.code(WARD).await;
        assert_eq!(there(&connection.secret, &code).await.status, StatusCode::OK, "the other node knows it");

        // A new secret: the old one is dead there, and a code that waits is redeemed with the new one.
        let code = platform.code(WARD).await;
        let (_, drawn) =
            client_connection::draw_secret(&house.auth, &acting, platform.clinic.id, connection.id).await.unwrap();
        refused(&there(&connection.secret, &code).await, "invalid_client");
        assert_eq!(there(drawn.text.expose(), &code).await.status, StatusCode::OK);

        // Another redirect URI while a code waits: it was sent where the connection does not lead any more.
        let code = platform.code(WARD).await;
        let moved = platform.connect(&ward, "https://ward.example/new").await;
        assert_eq!(moved.id, connection.id);
        refused(&there(drawn.text.expose(), &code).await, "invalid_client");
        refused(&there(&moved.secret, &code).await, "invalid_grant");
        let url = authorize(&platform.clinic, "openid", &[("redirect_uri", WARD)]);
        assert_eq!(node.get(&url, Some(&platform.cookie)).await.status, StatusCode::BAD_REQUEST);

        // Deleted while a code waits, and while the person reads the question.
        let back = platform.connect(&ward, WARD).await;
        let code = platform.code(WARD).await;
        let first = platform.redeem(&back.secret, WARD, &code).await.json();
        let code = platform.code(WARD).await;
        let asked = authorize(&platform.clinic, "openid", &[("redirect_uri", WARD), ("prompt", "consent")]);
        let request = house.get(&asked, Some(&platform.cookie)).await.sent("request").unwrap();
        client_connection::remove(&house.auth, &acting, platform.clinic.id, back.id).await.unwrap();
        refused(&there(&back.secret, &code).await, "invalid_client");
        refused(&there(&platform.secret, &code).await, "invalid_grant");
        refused(&platform.refresh(&back.secret, first["refresh_token"].as_str().unwrap()).await, "invalid_client");
        let signed_in = house.signed_in(&platform.cookie).await.unwrap();
        let decision = auth::authorize::Decision::Allow("openid".parse().unwrap());
        let decided = auth::authorize::decide(&node.auth, &signed_in, request.parse().unwrap(), &decision).await;
        assert!(matches!(decided, Err(auth::authorize::AuthorizeFault::UnknownRedirectUri)));
        let again = platform.connect(&ward, WARD).await;
        assert_ne!(again.id, back.id);
        refused(
            &platform.refresh(&again.secret, first["refresh_token"].as_str().unwrap()).await,
            "invalid_grant",
        );

        // A consumer that is switched off has no connection any more.
        let code = platform.code(WARD).await;
        client::disable(&house.auth, &acting, ward.id).await.unwrap();
        refused(&there(&again.secret, &code).await, "invalid_client");
        house.clock.advance(Duration::from_secs(1));
        assert_eq!(node.get(&url, Some(&platform.cookie)).await.status, StatusCode::BAD_REQUEST);
    }

    async fn a_client_that_shows_no_secret_has_no_use_for_connections(db: Db) {
        let platform = Platform::open(db).await;
        let house = &platform.house;
        let (ward, _) = house.client("ward", "confidential").await;
        let connection = platform.connect(&ward, WARD).await;
        let keys = auth::client::register::Registration {
            auth_method: "private_key_jwt".into(),
            metadata: auth::client::ClientMetadata {
                jwks_uri: Some("https://app.example/jwks".into()),
                ..auth::client::ClientMetadata::default()
            },
            ..registration("confidential")
        };
        update(&house.auth, &house.acting(), platform.clinic.id, &keys).await.unwrap();
        let url = authorize(&platform.clinic, "openid", &[("redirect_uri", WARD)]);
        assert_eq!(house.get(&url, Some(&platform.cookie)).await.status, StatusCode::BAD_REQUEST);
        refused(&platform.redeem(&connection.secret, WARD, "hlm_ac_x").await, "invalid_client");
    }
}
