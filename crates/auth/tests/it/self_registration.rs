//! Clients register themselves and manage what they registered; nobody else does.  RFC 7591, RFC 7592

use auth::{
    Acting, client,
    person::Role,
    registration::{
        DYNAMIC_CLIENTS_MAX, Policy,
        initial::{self, INITIAL_TOKENS_MAX, InitialTokenFault, NewToken},
    },
};
use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use kernel::{Actor, Clock};
use serde_json::{Value, json};

use crate::house::{House, Reply, on_each_engine, registration};

async fn call(house: &House, method: Method, path: &str, bearer: Option<&str>, body: &Value) -> Reply {
    let mut request =
        Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    if let Some(bearer) = bearer {
        request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
    }
    house.call(request.body(Body::from(body.to_string())).unwrap()).await
}

pub async fn register(house: &House, bearer: Option<&str>, body: &Value) -> Reply {
    call(house, Method::POST, "/oauth2/register", bearer, body).await
}

/// An access token of a client that may register others.
pub async fn initial(house: &House) -> String {
    let mut registrar = registration("confidential");
    registrar.scopes = "client:register openid".into();
    let (registrar, secret) =
        client::register(&house.auth, &house.acting(), "registrar", &registrar).await.unwrap();
    client::verify(&house.auth, &house.acting(), registrar.id).await.unwrap();
    let secret = secret.unwrap().text.expose().clone();
    let form = [("grant_type", "client_credentials"), ("scope", "client:register")];
    let reply = house.post("/oauth2/token", Some((registrar.client_id.as_str(), &secret)), &form).await;
    reply.json()["access_token"].as_str().unwrap().to_owned()
}

fn diary() -> Value {
    json!({
        "redirect_uris": ["https://diary.example/cb"],
        "client_name": "Sleep diary",
        "grant_types": ["authorization_code", "client_credentials"],
        "scope": "openid a",
        "contacts": ["help@diary.example"],
        "policy_uri": "https://diary.example/policy",
    })
}

on_each_engine! {
    async fn a_client_registers_itself_and_works(db: Db) {
        let house = House::open(db).await;
        let initial = initial(&house).await;
        let reply = register(&house, Some(&initial), &diary()).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
        let out = reply.json();
        assert_eq!(out["token_endpoint_auth_method"], "client_secret_basic");
        assert_eq!((&out["response_types"], &out["application_type"]), (&json!(["code"]), &json!("web")));
        assert_eq!((&out["scope"], &out["subject_type"], &out["hilum_profile"]), (&json!("a openid"), &json!("public"), &json!("oauth21")));
        assert_eq!((&out["client_secret_expires_at"], &out["contacts"]), (&json!(0), &json!(["help@diary.example"])));
        let (id, secret) = (out["client_id"].as_str().unwrap(), out["client_secret"].as_str().unwrap());
        let form = [("grant_type", "client_credentials")];
        assert_eq!(house.post("/oauth2/token", Some((id, secret)), &form).await.status, StatusCode::OK);
        let client = client::live_by_client_id(&house.auth, id).await.unwrap().unwrap();
        assert!(client.verified_at.is_none() && client.metadata.is_dynamic);
        assert_eq!(client.organisation, house.organisation);

        let uri = out["registration_client_uri"].as_str().unwrap().strip_prefix(crate::house::BASE).unwrap();
        let rat = out["registration_access_token"].as_str().unwrap();
        let shown = call(&house, Method::GET, uri, Some(rat), &json!(null)).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
        assert!(shown.json().get("client_secret").is_none(), "it was shown once");
        assert_eq!(shown.json()["client_name"], "Sleep diary");
        assert!(house.acts().await.contains(&("client.registered".to_owned(), "done".to_owned())));
    }

    async fn an_administrator_s_token_registers_so_many_clients_and_so_long(db: Db) {
        let house = House::open(db).await;
        let ada = house.person("ada@example.org", &[Role::OrgAdmin]).await;
        let acting = Acting { actor: Actor::Person { person: ada.id, through: None }, ..house.acting() };
        let make = async |uses: u32, lifetime_days: u32| {
            let new = NewToken { name: "Ward vendor".into(), uses, lifetime_days };
            initial::make(&house.auth, &acting, &new).await.unwrap()
        };
        let twice = make(2, 7).await;
        let text = twice.text.expose().clone();
        assert!(text.starts_with("hlm_ia_"), "{text}");
        assert_eq!(register(&house, None, &diary()).await.status, StatusCode::UNAUTHORIZED);
        let wrong = register(&house, Some(&format!("{text}x")), &diary()).await;
        assert_eq!((wrong.status, wrong.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
        let refused = register(&house, Some(&text), &json!({ "redirect_uris": ["http://evil.example/"] })).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text());
        for _ in 0..2 {
            let reply = register(&house, Some(&text), &diary()).await;
            assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
            let id = reply.json()["client_id"].as_str().unwrap().to_owned();
            let client = client::live_by_client_id(&house.auth, &id).await.unwrap().unwrap();
            assert!(client.verified_at.is_none(), "an administrator has not seen this one");
            assert_eq!(client.organisation, house.organisation);
        }
        let spent = register(&house, Some(&text), &diary()).await;
        assert_eq!((spent.status, spent.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
        let listed = initial::list_of(&house.auth, &acting).await.unwrap();
        assert_eq!((listed.len(), listed[0].uses_left, listed[0].made_by), (1, 0, Some(ada.id)));
        assert!(listed[0].used_at.is_some() && !listed[0].is_live(house.clock.now()));

        let revoked = make(5, 7).await;
        initial::revoke(&house.auth, &acting, revoked.token.id).await.unwrap();
        let again = initial::revoke(&house.auth, &acting, revoked.token.id).await;
        assert!(matches!(again, Err(InitialTokenFault::NotFound)));
        assert_eq!(register(&house, Some(revoked.text.expose()), &diary()).await.status, StatusCode::UNAUTHORIZED);
        let short = make(5, 1).await;
        let other = Acting::system(kernel::Id::from_bytes([8; 16]));
        assert!(matches!(initial::revoke(&house.auth, &other, short.token.id).await, Err(InitialTokenFault::NotFound)));
        assert!(initial::list_of(&house.auth, &other).await.unwrap().is_empty());
        house.clock.advance(std::time::Duration::from_hours(25));
        assert_eq!(register(&house, Some(short.text.expose()), &diary()).await.status, StatusCode::UNAUTHORIZED);
        let acts: Vec<String> = house.acts().await.into_iter().map(|(act, _)| act).collect();
        for (act, times) in [("initial_access_token.made", 3), ("initial_access_token.used", 2), ("initial_access_token.revoked", 1)] {
            assert_eq!(acts.iter().filter(|found| *found == act).count(), times, "{act}: {acts:?}");
        }
    }

    async fn an_organisation_has_so_many_initial_tokens(db: Db) {
        let house = House::open(db).await;
        let new = NewToken { name: "Ward vendor".into(), uses: 1, lifetime_days: 1 };
        for _ in 0..INITIAL_TOKENS_MAX {
            initial::make(&house.auth, &house.acting(), &new).await.unwrap();
        }
        let many = initial::make(&house.auth, &house.acting(), &new).await;
        assert!(matches!(many, Err(InitialTokenFault::TooMany)));
        house.clock.advance(std::time::Duration::from_hours(25));
        initial::make(&house.auth, &house.acting(), &new).await.unwrap();
    }

    async fn nobody_registers_without_leave(db: Db) {
        let house = House::open(db).await;
        let none = register(&house, None, &diary()).await;
        assert_eq!(none.status, StatusCode::UNAUTHORIZED);
        assert_eq!(register(&house, Some("junk"), &diary()).await.status, StatusCode::UNAUTHORIZED);
        let (client, secret) = house.client("other", "confidential").await;
        let form = [("grant_type", "client_credentials")];
        let token = house.post("/oauth2/token", Some((client.client_id.as_str(), &secret)), &form).await.json();
        let token = token["access_token"].as_str().unwrap().to_owned();
        let narrow = register(&house, Some(&token), &diary()).await;
        assert_eq!((narrow.status, narrow.error().as_str()), (StatusCode::FORBIDDEN, "insufficient_scope"));
        // The scope alone is not enough: nobody has looked at this one.
        let mut own = registration("confidential");
        own.scopes = "client:register".into();
        let (own, secret) = client::register(&house.auth, &house.acting(), "own", &own).await.unwrap();
        let secret = secret.unwrap().text.expose().clone();
        let token = house.post("/oauth2/token", Some((own.client_id.as_str(), &secret)), &form).await.json();
        let unverified = register(&house, Some(token["access_token"].as_str().unwrap()), &diary()).await;
        assert_eq!(unverified.status, StatusCode::FORBIDDEN);
    }

    async fn a_closed_deployment_registers_nobody(db: Db) {
        let house = House::open_with(db, |config| config.registration = Policy::Closed).await;
        let initial = initial(&house).await;
        for bearer in [None, Some(initial.as_str())] {
            assert_eq!(register(&house, bearer, &diary()).await.status, StatusCode::FORBIDDEN);
        }
        assert!(house.get("/oauth2/.well-known/openid-configuration", None).await.json().get("registration_endpoint").is_none());
    }

    async fn an_open_deployment_lets_strangers_ask_people_and_no_more(db: Db) {
        let open = Policy::Open(auth::organisation::Slug::parse("northwind").unwrap());
        let house = House::open_with(db, |config| config.registration = open).await;
        let for_people = json!({ "redirect_uris": ["https://diary.example/cb"] });
        assert_eq!(register(&house, None, &for_people).await.status, StatusCode::CREATED);
        for body in [diary(), json!({ "redirect_uris": ["https://diary.example/cb"], "scope": "system/*.rs" })] {
            let reply = register(&house, None, &body).await;
            assert_eq!((reply.status, reply.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_client_metadata"));
        }
        assert_eq!(register(&house, Some("junk"), &for_people).await.status, StatusCode::UNAUTHORIZED, "a bad token is not no token");
    }

    async fn what_cannot_be_registered_is_refused_in_the_words_of_the_protocol(db: Db) {
        let house = House::open(db).await;
        let initial = initial(&house).await;
        let key = json!({ "keys": [] });
        for (change, error) in [
            (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
            (json!({ "redirect_uris": ["https://diary.example/cb#fragment"] }), "invalid_redirect_uri"),
            (json!({ "redirect_uris": ["http://diary.example/cb"] }), "invalid_redirect_uri"),
            (json!({ "redirect_uris": ["javascript:alert(1)"] }), "invalid_redirect_uri"),
            (json!({ "redirect_uris": ["myapp://cb"], "application_type": "web" }), "invalid_redirect_uri"),
            (json!({ "redirect_uris": vec!["https://diary.example/cb"; 21] }), "invalid_redirect_uri"),
            (json!({ "scope": "openid made-up" }), "invalid_client_metadata"),
            (json!({ "grant_types": ["password"] }), "invalid_client_metadata"),
            (json!({ "grant_types": ["implicit"], "response_types": ["token"] }), "invalid_client_metadata"),
            (json!({ "token_endpoint_auth_method": "private_key_jwt" }), "invalid_client_metadata"),
            (json!({ "token_endpoint_auth_method": "none", "grant_types": ["client_credentials"] }), "invalid_client_metadata"),
            (json!({ "jwks": key, "jwks_uri": "https://diary.example/jwks" }), "invalid_client_metadata"),
            (json!({ "jwks_uri": "http://10.0.0.1/jwks" }), "invalid_client_metadata"),
            (json!({ "logo_uri": "http://diary.example/logo.png" }), "invalid_client_metadata"),
            (json!({ "backchannel_logout_uri": "http://diary.example/out" }), "invalid_client_metadata"),
            (json!({ "subject_type": "pairwise" }), "invalid_client_metadata"),
            (json!({ "hilum_profile": "fapi2" }), "invalid_client_metadata"),
            (json!({ "hilum_profile": "legacy" }), "invalid_client_metadata"),
            (json!({ "software_statement": "e30.e30." }), "invalid_software_statement"),
            (json!({ "client_name": "x".repeat(101) }), "invalid_client_metadata"),
        ] {
            let mut body = diary();
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let reply = register(&house, Some(&initial), &body).await;
            assert_eq!((reply.status, reply.error().as_str()), (StatusCode::BAD_REQUEST, error), "{change}: {}", reply.text());
        }
        for text in ["", "[]", "{", "\"x\""] {
            let request = Request::post("/oauth2/register")
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::AUTHORIZATION, format!("Bearer {initial}"));
            assert_eq!(house.call(request.body(Body::from(text)).unwrap()).await.status, StatusCode::BAD_REQUEST, "{text}");
        }
    }

    async fn a_registration_is_replaced_with_its_token_and_the_token_with_it(db: Db) {
        let house = House::open(db).await;
        let initial = initial(&house).await;
        let out = register(&house, Some(&initial), &diary()).await.json();
        let id = out["client_id"].as_str().unwrap();
        let uri = format!("/oauth2/register/{id}");
        let first = out["registration_access_token"].as_str().unwrap();
        let mut body = diary();
        body["client_id"] = json!(id);
        body["client_name"] = json!("Dream diary");
        body["client_secret"] = out["client_secret"].clone();
        body.as_object_mut().unwrap().remove("policy_uri");
        let with = |name: &str, value: Value| {
            let mut changed = body.clone();
            changed[name] = value;
            changed
        };
        for (body, error) in [
            (with("client_id", json!("another.client")), "invalid_client_metadata"),
            (with("client_secret", json!("chosen")), "invalid_client_metadata"),
            (with("registration_access_token", json!(first)), "invalid_client_metadata"),
            (with("scope", json!("openid a b")), "invalid_client_metadata"),
            (with("grant_types", json!(["authorization_code", "refresh_token"])), "invalid_client_metadata"),
            (with("token_endpoint_auth_method", json!("none")), "invalid_client_metadata"),
            (with("redirect_uris", json!(["https://diary.example/#"])), "invalid_redirect_uri"),
        ] {
            let reply = call(&house, Method::PUT, &uri, Some(first), &body).await;
            assert_eq!((reply.status, reply.error().as_str()), (StatusCode::BAD_REQUEST, error), "{body} {}", reply.text());
        }
        let replaced = call(&house, Method::PUT, &uri, Some(first), &body).await;
        assert_eq!(replaced.status, StatusCode::OK, "{}", replaced.text());
        let now = replaced.json();
        assert_eq!((&now["client_name"], now.get("policy_uri"), now.get("client_secret")), (&json!("Dream diary"), None, None));
        let second = now["registration_access_token"].as_str().unwrap();
        assert_ne!(first, second);
        assert_eq!(call(&house, Method::GET, &uri, Some(first), &json!(null)).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(call(&house, Method::GET, &uri, Some(second), &json!(null)).await.json()["client_name"], "Dream diary");
        let secret = out["client_secret"].as_str().unwrap();
        let form = [("grant_type", "client_credentials")];
        assert_eq!(house.post("/oauth2/token", Some((id, secret)), &form).await.status, StatusCode::OK, "its secret stays");
    }

    async fn only_its_own_token_opens_a_registration(db: Db) {
        let house = House::open(db).await;
        let initial = initial(&house).await;
        let mine = register(&house, Some(&initial), &diary()).await.json();
        let theirs = register(&house, Some(&initial), &diary()).await.json();
        let (portal, _) = house.client("portal", "confidential").await;
        let uri = |out: &Value| format!("/oauth2/register/{}", out["client_id"].as_str().unwrap());
        let token = |out: &Value| out["registration_access_token"].as_str().unwrap().to_owned();
        let mut bodies = std::collections::BTreeSet::new();
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            for (path, bearer) in [
                (uri(&mine), None),
                (uri(&mine), Some("junk".to_owned())),
                (uri(&mine), Some(token(&theirs))),
                (uri(&mine), Some(initial.clone())),
                (uri(&mine), mine["client_secret"].as_str().map(str::to_owned)),
                (format!("/oauth2/register/{}", portal.client_id), Some(token(&mine))),
                ("/oauth2/register/nobody".to_owned(), Some(token(&mine))),
                (format!("/oauth2/register/{}", "a".repeat(32) + ".nobody"), Some(token(&mine))),
            ] {
                let reply = call(&house, method.clone(), &path, bearer.as_deref(), &diary()).await;
                assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{method} {path}");
                assert!(reply.headers[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Bearer"));
                bodies.insert(reply.body);
            }
        }
        assert_eq!(bodies.len(), 1, "what was wrong is not told");
        assert_eq!(call(&house, Method::GET, &uri(&mine), Some(&token(&mine)), &json!(null)).await.status, StatusCode::OK);
    }

    async fn a_registration_that_has_ended_takes_everything_with_it(db: Db) {
        let house = House::open(db).await;
        let initial = initial(&house).await;
        let mut body = diary();
        body["scope"] = json!("openid a");
        let out = register(&house, Some(&initial), &body).await.json();
        let (id, secret) = (out["client_id"].as_str().unwrap(), out["client_secret"].as_str().unwrap());
        let (uri, rat) = (format!("/oauth2/register/{id}"), out["registration_access_token"].as_str().unwrap());
        let form = [("grant_type", "client_credentials")];
        let token = house.post("/oauth2/token", Some((id, secret)), &form).await.json()["access_token"].as_str().unwrap().to_owned();
        let introspect = async || {
            let form = [("token", token.as_str())];
            house.post("/oauth2/introspection", Some((id, secret)), &form).await
        };
        assert_eq!(introspect().await.json()["active"], true);
        assert_eq!(call(&house, Method::DELETE, &uri, Some(rat), &json!(null)).await.status, StatusCode::NO_CONTENT);
        assert!(house.auth.check(&token).await.is_err());
        assert_eq!(introspect().await.status, StatusCode::UNAUTHORIZED);
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            assert_eq!(call(&house, method, &uri, Some(rat), &body).await.status, StatusCode::UNAUTHORIZED);
        }
    }

    async fn an_organisation_has_so_many_clients_that_registered_themselves(db: Db) {
        let house = House::open(db).await;
        let initial = initial(&house).await;
        let last = register(&house, Some(&initial), &diary()).await.json();
        let client = client::live_by_client_id(&house.auth, last["client_id"].as_str().unwrap()).await.unwrap().unwrap();
        let ids: Vec<kernel::Id<kernel::Client>> = (1..DYNAMIC_CLIENTS_MAX).map(|_| house.world.new_id()).collect();
        let copied = client.id;
        house
            .db
            .write(async move |tx| -> Result<(), store::DbError> {
                for id in &ids {
                    tx.execute(
                        "INSERT INTO client (id, organisation_id, client_id, suffix, name, confidentiality, uri, redirect_uris, \
                         post_logout_redirect_uris, grant_types, scopes, token_lifetime_s, created_at, updated_at) \
                         SELECT $1, organisation_id, $2, $2, name, confidentiality, uri, redirect_uris, \
                         post_logout_redirect_uris, grant_types, scopes, token_lifetime_s, created_at, updated_at \
                         FROM client WHERE id = $3",
                        store::binds![*id, id.to_string(), copied],
                    )
                    .await?;
                    tx.execute(
                        "INSERT INTO client_registration (client_id, digest, rotated_at) \
                         SELECT $1, digest, rotated_at FROM client_registration WHERE client_id = $2",
                        store::binds![*id, copied],
                    )
                    .await?;
                }
                Ok(())
            })
            .await
            .unwrap();
        let refused = register(&house, Some(&initial), &diary()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text());
        let uri = last["registration_client_uri"].as_str().unwrap().strip_prefix(crate::house::BASE).unwrap();
        let rat = last["registration_access_token"].as_str().unwrap();
        assert_eq!(call(&house, Method::DELETE, uri, Some(rat), &json!(null)).await.status, StatusCode::NO_CONTENT);
        assert_eq!(register(&house, Some(&initial), &diary()).await.status, StatusCode::CREATED, "there is room again");
    }
}
