//! Signing in through an external provider, and every way to abuse it.

use auth::{
    SignedIn,
    person::{Shown, factor},
    session::{self, Acr},
    upstream::{self, Answer, Arrived, NewUpstream, UpstreamFault},
};
use crypto::{b64, jose::Algorithm};
use http::{HeaderMap, header};
use kernel::{Fault, Kind, Secret};
use serde_json::{Map, Value, json};
use url::Url;
use web::{Cookies, LocalPath};

use crate::{
    house::{House, on_each_engine},
    provider::{Provider, unsigned},
};

const MIRA: &str = "mira@example.org";

/// A browser that was sent away: its cookie, and where it went.
struct Away {
    cookies: Cookies,
    location: Url,
}

impl Away {
    fn asked(&self, name: &str) -> String {
        let found = self.location.query_pairs().find(|(found, _)| found == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }
}

async fn with_provider(db: store::Db, settings: Value) -> (House, Provider) {
    with(db, Algorithm::Es256, settings).await
}

async fn with(db: store::Db, algorithm: Algorithm, settings: Value) -> (House, Provider) {
    let (world, clock) = testkit::world();
    let provider = Provider::open(algorithm, world.now().as_seconds()).await;
    let house = House::tuned(db, world, clock, std::slice::from_ref(&provider.host), |_| {}).await;
    declare(&house, &provider, "there", settings).await;
    (house, provider)
}

async fn declare(house: &House, provider: &Provider, slug: &str, more: Value) {
    let mut settings = json!({
        "issuer": provider.issuer,
        "client_id": "us",
        "client_auth": "client_secret_basic",
        "id_token_alg": provider.key.algorithm(),
        "scopes": "openid profile email",
        "counts_as": "urn:hilum:acr:password",
    });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let Value::Object(settings) = settings else { panic!() };
    let new = NewUpstream {
        slug: slug.to_owned(),
        name: "There".to_owned(),
        preset: None,
        settings,
        client_secret: Some(Secret::new("our+secret".to_owned())),
        private_key: None,
    };
    upstream::declare(&house.auth, &house.acting(), new).await.unwrap();
}

fn cookies(set_cookie: &http::HeaderValue) -> Cookies {
    let pair = set_cookie.to_str().unwrap().split(';').next().unwrap();
    Cookies::of(&HeaderMap::from_iter([(header::COOKIE, pair.parse().unwrap())]))
}

async fn depart(house: &House, provider: &Provider) -> Away {
    let return_to = LocalPath::parse("/integrations/").unwrap();
    let departure = upstream::depart(&house.auth, "there", &return_to, None).await.unwrap();
    away(provider, &departure)
}

async fn depart_to_link(house: &House, provider: &Provider, who: &SignedIn) -> Away {
    let back = LocalPath::parse("/account/security").unwrap();
    let departure = upstream::depart_to_link(&house.auth, who, "there", &back).await.unwrap();
    away(provider, &departure)
}

fn away(provider: &Provider, departure: &upstream::Departure) -> Away {
    let away =
        Away { cookies: cookies(&departure.set_cookie), location: departure.location.parse().unwrap() };
    provider.set(|behaviour| behaviour.nonce = away.asked("nonce"));
    away
}

fn answer(pairs: &[(&str, &str)]) -> Answer {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
    serde_json::from_value(Value::Object(pairs.collect())).unwrap()
}

async fn arrive(house: &House, away: &Away, guest: Option<&SignedIn>) -> Result<Arrived, UpstreamFault> {
    let answer = answer(&[("code", "c-1"), ("state", &away.asked("state"))]);
    upstream::arrive(&house.auth, "there", guest, &away.cookies, &answer, None).await
}

/// The whole way.
async fn sign_in(house: &House, provider: &Provider) -> Result<Arrived, UpstreamFault> {
    let away = depart(house, provider).await;
    arrive(house, &away, None).await
}

async fn linked(house: &House, provider: &Provider, email: &str) -> SignedIn {
    house.person(email, &[]).await;
    let who = house.signed_in(&house.sign_in(email).await).await.unwrap();
    let away = depart_to_link(house, provider, &who).await;
    assert!(matches!(arrive(house, &away, Some(&who)).await, Ok(Arrived::Linked { .. })));
    who
}

fn enough(arrived: Result<Arrived, UpstreamFault>) -> auth::person::Proven {
    match arrived {
        Ok(Arrived::SignedIn { shown: Shown::Enough(proven), .. }) => proven,
        Ok(_) => panic!("not signed in yet"),
        Err(fault) => panic!("{fault}"),
    }
}

fn is_untrusted(arrived: &Result<Arrived, UpstreamFault>) -> bool {
    matches!(arrived, Err(UpstreamFault::Untrusted(_)))
}

on_each_engine! {
    async fn whoever_is_linked_comes_in(db: Db) {
        let (house, provider) = with_provider(db, json!({})).await;
        let who = linked(&house, &provider, MIRA).await;
        provider.set(|behaviour| behaviour.claims = Map::from_iter([("amr".to_owned(), json!(["pwd", "sms", "<b>"]))]));
        let away = depart(&house, &provider).await;
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", "us"),
            ("redirect_uri", "http://127.0.0.1:8080/sign-in/upstream/there/callback"),
            ("scope", "openid profile email"),
            ("code_challenge_method", "S256"),
        ] {
            assert_eq!(away.asked(name), value);
        }
        let arrived = arrive(&house, &away, None).await;
        let signed_in = house.signed_in(&house.begin(enough(arrived)).await).await.unwrap();
        assert_eq!((signed_in.person, signed_in.acr), (who.person, Acr::Password));
        assert_eq!(signed_in.amr, ["pwd", "sms"], "only what is a word");
        let (form, authorization) = provider.behaviour.lock().unwrap().seen.last().unwrap().clone();
        assert_eq!(authorization, format!("Basic {}", b64::encode_standard("us:our%2Bsecret")));
        let sent = |name: &str| form.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
        assert_eq!(crypto::pkce::s256_challenge(sent("code_verifier").unwrap()), away.asked("code_challenge"));
        assert_eq!(sent("client_secret"), None);
    }

    async fn nobody_comes_in_by_an_email_address(db: Db) {
        let (house, provider) = with_provider(db, json!({ "new_people": "create" })).await;
        let victim = house.person(MIRA, &[]).await;
        for email_verified in [json!(true), json!(false)] {
            let said = [("email".to_owned(), json!(MIRA)), ("email_verified".to_owned(), email_verified)];
            provider.set(|behaviour| behaviour.claims = Map::from_iter(said));
            let arrived = sign_in(&house, &provider).await;
            assert!(matches!(arrived, Err(UpstreamFault::Unknown { .. })));
        }
        let who = house.signed_in(&house.sign_in(MIRA).await).await.unwrap();
        assert_eq!(who.person, victim.id);
        let links = upstream::links(&house.auth, &who).await.unwrap();
        assert!(links[0].since.is_none(), "nothing was linked silently");
    }

    async fn new_people_come_only_where_that_is_open(db: Db) {
        let (house, provider) = with_provider(db, json!({})).await;
        let said = [("email".to_owned(), json!("new@example.org")), ("email_verified".to_owned(), json!(true))];
        provider.set(|behaviour| behaviour.claims = Map::from_iter(said));
        let closed = sign_in(&house, &provider).await.err().unwrap();
        assert_eq!(closed.kind(), Kind::Forbidden);
        declare(&house, &provider, "there", json!({ "new_people": "create" })).await;
        let proven = enough(sign_in(&house, &provider).await);
        let first = house.signed_in(&house.begin(proven).await).await.unwrap();
        let proven = enough(sign_in(&house, &provider).await);
        let again = house.signed_in(&house.begin(proven).await).await.unwrap();
        assert_eq!(first.person, again.person, "one account, however often");
        provider.set(|behaviour| { behaviour.claims.insert("email_verified".to_owned(), json!(false)); });
        provider.set(|behaviour| { behaviour.claims.insert("sub".to_owned(), json!("subject-2")); });
        assert!(matches!(sign_in(&house, &provider).await, Err(UpstreamFault::Unknown { .. })));
    }

    async fn an_account_comes_with_its_link_or_not_at_all(db: Db) {
        let (house, provider) = with_provider(db, json!({ "new_people": "create" })).await;
        let told = json!({ "email": "new@example.org", "email_verified": true, "name": "Nora New" });
        provider.set(|behaviour| behaviour.claims = told.as_object().unwrap().clone());
        let run = async |sql: &'static str| house.db.execute(sql, store::binds![]).await.unwrap();
        run("ALTER TABLE upstream_link RENAME COLUMN created_at TO away").await;
        assert!(sign_in(&house, &provider).await.is_err());
        run("ALTER TABLE upstream_link RENAME COLUMN away TO created_at").await;
        let people = auth::person::by_email(&house.auth, house.organisation, &auth::person::Email::parse("new@example.org").unwrap()).await.unwrap();
        assert!(people.is_none(), "an account that nobody could ever come into");
        enough(sign_in(&house, &provider).await);
        assert!(house.acts().await.contains(&("upstream.linked".to_owned(), "done".to_owned())));
    }

    async fn a_subject_is_one_person_and_a_person_one_subject(db: Db) {
        let (house, provider) = with_provider(db, json!({})).await;
        let mira = linked(&house, &provider, MIRA).await;
        house.person("eve@example.org", &[]).await;
        let eve = house.signed_in(&house.sign_in("eve@example.org").await).await.unwrap();
        let away = depart_to_link(&house, &provider, &eve).await;
        assert!(matches!(arrive(&house, &away, Some(&eve)).await, Err(UpstreamFault::LinkedOtherwise)));
        provider.set(|behaviour| behaviour.claims = Map::from_iter([("sub".to_owned(), json!("subject-2"))]));
        let away = depart_to_link(&house, &provider, &mira).await;
        provider.set(|behaviour| behaviour.userinfo = behaviour.claims.clone());
        let taken = arrive(&house, &away, Some(&mira)).await;
        assert!(matches!(taken, Err(UpstreamFault::LinkedOtherwise)), "{}", taken.err().map_or("in".into(), |fault| fault.to_string()));
        upstream::unlink(&house.auth, &mira, "there").await.unwrap();
        let away = depart_to_link(&house, &provider, &mira).await;
        assert!(arrive(&house, &away, Some(&mira)).await.is_ok());
    }

    async fn linking_is_for_whoever_began_it_and_has_just_signed_in(db: Db) {
        let (house, provider) = with_provider(db, json!({})).await;
        house.person(MIRA, &[]).await;
        house.person("eve@example.org", &[]).await;
        let mira = house.signed_in(&house.sign_in(MIRA).await).await.unwrap();
        let eve = house.signed_in(&house.sign_in("eve@example.org").await).await.unwrap();
        for guest in [None, Some(&eve)] {
            let away = depart_to_link(&house, &provider, &mira).await;
            assert!(matches!(arrive(&house, &away, guest).await, Err(UpstreamFault::NotAsked)));
        }
        house.clock.advance(session::RECENT);
        let back = LocalPath::root();
        let late = upstream::depart_to_link(&house.auth, &mira, "there", &back).await;
        assert!(matches!(late, Err(UpstreamFault::Factor(factor::FactorFault::NotRecent))));
    }

    async fn an_answer_belongs_to_one_question_of_one_browser(db: Db) {
        let (house, provider) = with_provider(db, json!({})).await;
        linked(&house, &provider, MIRA).await;
        let not_asked = |arrived: Result<Arrived, UpstreamFault>| matches!(arrived, Err(UpstreamFault::NotAsked));
        let (mine, theirs) = (depart(&house, &provider).await, depart(&house, &provider).await);
        let crossed = Away { cookies: mine.cookies.clone(), location: theirs.location.clone() };
        assert!(not_asked(arrive(&house, &crossed, None).await), "another browser's state (login CSRF)");
        let bare = Away { cookies: Cookies::of(&HeaderMap::new()), location: mine.location.clone() };
        assert!(not_asked(arrive(&house, &bare, None).await), "a browser without the cookie");
        provider.set(|behaviour| behaviour.nonce = mine.asked("nonce"));
        assert!(arrive(&house, &mine, None).await.is_ok());
        assert!(not_asked(arrive(&house, &mine, None).await), "replayed");
        let late = depart(&house, &provider).await;
        house.clock.advance(upstream::ATTEMPT_LIFE);
        assert!(not_asked(arrive(&house, &late, None).await), "too late");
    }

    async fn an_answer_of_one_provider_is_none_of_another(db: Db) {
        let (house, provider) = with_provider(db, json!({})).await;
        declare(&house, &provider, "other", json!({})).await;
        linked(&house, &provider, MIRA).await;
        let away = depart(&house, &provider).await;
        let answer = answer(&[("code", "c-1"), ("state", &away.asked("state"))]);
        let mixed = upstream::arrive(&house.auth, "other", None, &away.cookies, &answer, None).await;
        assert!(matches!(mixed, Err(UpstreamFault::NotAsked)));
        assert!(matches!(arrive(&house, &away, None).await, Err(UpstreamFault::NotAsked)), "and it is spent");
    }

    async fn an_id_token_is_exactly_what_was_asked_for(db: Db) {
        let (house, provider) = with_provider(db, json!({})).await;
        linked(&house, &provider, MIRA).await;
        let now = house.world.now().as_seconds();
        for (name, value) in [
            ("nonce", json!("another")),
            ("nonce", Value::Null),
            ("iss", json!("https://evil.example")),
            ("iss", json!(format!("{}/", provider.issuer))),
            ("aud", json!("somebody else")),
            ("aud", json!(["us", "somebody else"])),
            ("aud", Value::Null),
            ("azp", json!("somebody else")),
            ("exp", json!(now - 61)),
            ("iat", json!(now + 120)),
            ("iat", Value::Null),
            ("sub", json!("")),
            ("sub", Value::Null),
            ("sub", json!("s".repeat(256))),
        ] {
            provider.set(|behaviour| behaviour.claims = Map::from_iter([(name.to_owned(), value.clone())]));
            assert!(is_untrusted(&sign_in(&house, &provider).await), "{name} {value}");
        }
        provider.set(|behaviour| behaviour.claims = Map::from_iter([("aud".to_owned(), json!(["us", "b"])), ("azp".to_owned(), json!("us"))]));
        assert!(sign_in(&house, &provider).await.is_ok(), "two audiences, and we are the authorized party");
        let refused = house.acts().await.into_iter().filter(|(act, outcome)| act == "person.signed_in" && outcome == "refused");
        assert_eq!(refused.count(), 14);
    }

    async fn an_id_token_is_signed_by_the_provider_as_was_agreed(db: Db) {
        let (house, provider) = with_provider(db, json!({})).await;
        linked(&house, &provider, MIRA).await;
        for alg in ["none", "None", "HS256", "ES256"] {
            let away = depart(&house, &provider).await;
            let forged = unsigned(alg, &provider.id_token(&Map::new()));
            provider.set(|behaviour| behaviour.token = Some(forged));
            assert!(is_untrusted(&arrive(&house, &away, None).await), "{alg}");
        }
        let stranger = crypto::jose::SigningKey::generate(Algorithm::Es256).unwrap();
        for kid in [stranger.kid().to_owned(), provider.key.kid().to_owned()] {
            let away = depart(&house, &provider).await;
            let stranger = crypto::jose::SigningKey::from_pkcs8(Algorithm::Es256, &stranger.to_pkcs8().unwrap()).unwrap().named(&kid);
            let forged = stranger.sign("JWT", &provider.id_token(&Map::new())).unwrap();
            provider.set(|behaviour| behaviour.token = Some(forged));
            assert!(is_untrusted(&arrive(&house, &away, None).await), "{kid}");
        }
        provider.set(|behaviour| behaviour.token = None);
        declare(&house, &provider, "there", json!({ "id_token_alg": "RS256" })).await;
        assert!(is_untrusted(&sign_in(&house, &provider).await), "the algorithm is the one that was set");
    }

    async fn a_provider_that_names_itself_must_name_itself_rightly(db: Db) {
        let (house, provider) = with_provider(db, json!({})).await;
        provider.set(|behaviour| behaviour.names_itself = "yes");
        declare(&house, &provider, "there", json!({})).await;
        linked_naming(&house, &provider).await;
        for iss in [None, Some("https://evil.example"), Some("")] {
            let away = depart(&house, &provider).await;
            let state = away.asked("state");
            let mut pairs = vec![("code", "c-1"), ("state", state.as_str())];
            pairs.extend(iss.map(|iss| ("iss", iss)));
            let arrived = upstream::arrive(&house.auth, "there", None, &away.cookies, &answer(&pairs), None).await;
            assert!(is_untrusted(&arrived), "{iss:?}");
        }
    }

    async fn metadata_of_another_issuer_is_none(db: Db) {
        let (house, provider) = with_provider(db, json!({})).await;
        provider.set(|behaviour| behaviour.metadata_issuer = Some("https://evil.example".to_owned()));
        let fault = upstream::depart(&house.auth, "there", &LocalPath::root(), None).await.err().unwrap();
        assert_eq!(fault.kind(), Kind::Unavailable);
    }

    async fn a_refusal_there_is_told_and_spends_the_question(db: Db) {
        let (house, provider) = with_provider(db, json!({})).await;
        let away = depart(&house, &provider).await;
        let state = away.asked("state");
        let denied = answer(&[("error", "access_denied"), ("state", &state)]);
        let arrived = upstream::arrive(&house.auth, "there", None, &away.cookies, &denied, None).await;
        assert!(matches!(arrived, Err(UpstreamFault::Denied(_))));
        assert!(matches!(arrive(&house, &away, None).await, Err(UpstreamFault::NotAsked)));
    }

    async fn nhs_login_is_asked_with_a_signed_assertion_and_must_have_proofed_identity(db: Db) {
        let (world, clock) = testkit::world();
        let provider = Provider::open(Algorithm::Es256, world.now().as_seconds()).await;
        let house = House::tuned(db, world, clock, std::slice::from_ref(&provider.host), |_| {}).await;
        let key = crypto::jose::SigningKey::generate(Algorithm::Es384).unwrap();
        let pem = b64::encode_standard(key.to_pkcs8().unwrap().expose());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n");
        // The preset, with algorithms whose keys are made quickly.
        let settings = json!({
            "issuer": provider.issuer, "client_id": "us", "key_id": "our-key",
            "assertion_alg": "ES384", "id_token_alg": "ES256",
        });
        let Value::Object(settings) = settings else { panic!() };
        let new = NewUpstream {
            slug: "there".into(),
            name: String::new(),
            preset: Some("nhs-login".into()),
            settings,
            client_secret: None,
            private_key: Some(Secret::new(pem)),
        };
        upstream::declare(&house.auth, &house.acting(), new).await.unwrap();
        let vot = |vot: &str| Map::from_iter([("vot".to_owned(), json!(vot)), ("nhs_number".to_owned(), json!("9434765919"))]);
        provider.set(|behaviour| behaviour.claims = vot("P9.Cp.Cd"));
        provider.set(|behaviour| behaviour.scheme = "HTTP");
        linked(&house, &provider, MIRA).await;
        let away = depart(&house, &provider).await;
        assert_eq!(away.asked("vtr"), r#"["P9.Cp.Cd","P9.Cp.Ck","P9.Cm"]"#);
        let proven = enough(arrive(&house, &away, None).await);
        let signed_in = house.signed_in(&house.begin(proven).await).await.unwrap();
        assert_eq!(signed_in.acr, Acr::Mfa);
        let kept = session::claims(&house.auth, &signed_in).await.unwrap();
        assert_eq!((&kept["nhs_number"], &kept["upstream"]), (&json!("9434765919"), &json!("there")));
        let (form, authorization) = provider.behaviour.lock().unwrap().seen.last().unwrap().clone();
        let sent = |name: &str| form.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
        assert!(authorization.is_empty() && sent("client_secret").is_none());
        let assertion = sent("client_assertion").unwrap();
        let header: Value = serde_json::from_slice(&b64::decode(assertion.split('.').next().unwrap()).unwrap()).unwrap();
        assert_eq!((&header["alg"], &header["kid"]), (&json!("ES384"), &json!("our-key")));
        // As the provider writes it: CIS2 has `:443` in its addresses, which an address that was read and written again has lost.
        let audience = format!("{}/token", provider.issuer.replacen("http", "HTTP", 1));
        let expect = crypto::jose::Expect {
            issuer: "us",
            audience: &audience,
            typ: crypto::jose::Typ::JwtOrNone,
            algs: &[Algorithm::Es384],
            now: house.world.now(),
            leeway_s: 0,
        };
        let keys = crypto::jose::Jwks::new([key.named("our-key").public_jwk().clone()]);
        let claims = crypto::jose::verify(&assertion, &keys, &expect).unwrap();
        assert_eq!(claims.subject, "us");
        assert!(claims.token_id.is_some());
        for weak in ["P5.Cp.Cd", "P0.Cp", "P9.Cp", ""] {
            provider.set(|behaviour| behaviour.claims = vot(weak));
            assert!(matches!(sign_in(&house, &provider).await, Err(UpstreamFault::TooWeak)), "{weak}");
        }
        provider.set(|behaviour| behaviour.claims = Map::new());
        assert!(matches!(sign_in(&house, &provider).await, Err(UpstreamFault::TooWeak)), "no vot at all");
    }

    async fn roles_of_cis2_are_kept_for_the_session(db: Db) {
        let settings = json!({ "claims": ["nhsid_nrbac_roles"], "counts_as": "urn:hilum:acr:mfa", "acr_values": "AAL3_ANY" });
        let (house, provider) = with_provider(db, settings).await;
        let roles = json!([{ "person_orgid": "1", "nrbac_roles": [{ "role_code": "S8000:G8000:R8001" }] }]);
        provider.set(|behaviour| behaviour.userinfo = Map::from_iter([("nhsid_nrbac_roles".to_owned(), roles.clone())]));
        linked(&house, &provider, MIRA).await;
        let away = depart(&house, &provider).await;
        assert_eq!(away.asked("acr_values"), "AAL3_ANY");
        let proven = enough(arrive(&house, &away, None).await);
        let signed_in = house.signed_in(&house.begin(proven).await).await.unwrap();
        assert_eq!(session::claims(&house.auth, &signed_in).await.unwrap()["nhsid_nrbac_roles"], roles);
        provider.set(|behaviour| { behaviour.userinfo.insert("sub".to_owned(), json!("another")); });
        assert!(is_untrusted(&sign_in(&house, &provider).await), "userinfo of another subject");
        let here = house.signed_in(&house.sign_in(MIRA).await).await.unwrap();
        assert!(session::claims(&house.auth, &here).await.unwrap().is_empty(), "of that session only");
    }

    async fn a_second_step_is_asked_for_on_this_way_too(db: Db) {
        let (house, provider) = with_provider(db, json!({})).await;
        let who = linked(&house, &provider, MIRA).await;
        crate::factors::enrol(&house, &who).await;
        let arrived = sign_in(&house, &provider).await;
        let Ok(Arrived::SignedIn { shown: Shown::Half(half), .. }) = arrived else { panic!("it was not asked for") };
        assert_eq!(half.first(), factor::First::Provider);
        declare(&house, &provider, "there", json!({ "counts_as": "urn:hilum:acr:mfa" })).await;
        enough(sign_in(&house, &provider).await);
    }

    async fn who_is_switched_off_here_does_not_come_in(db: Db) {
        let (house, provider) = with_provider(db, json!({})).await;
        house.person("ada@example.org", &[auth::person::Role::OrgAdmin]).await;
        let who = linked(&house, &provider, MIRA).await;
        auth::person::disable(&house.auth, &house.acting(), who.person).await.unwrap();
        assert!(matches!(sign_in(&house, &provider).await, Err(UpstreamFault::Disabled)));
        upstream::disable(&house.auth, &house.acting(), "there").await.unwrap();
        let gone = upstream::depart(&house.auth, "there", &LocalPath::root(), None).await;
        assert!(matches!(gone, Err(UpstreamFault::NotFound)));
        assert!(upstream::offered(&house.auth).await.unwrap().is_empty());
    }

    async fn settings_that_do_not_fit_are_named(db: Db) {
        let (house, _) = with_provider(db, json!({})).await;
        let new = |settings: Value, slug: &str| {
            let Value::Object(settings) = settings else { panic!() };
            NewUpstream {
                slug: slug.to_owned(),
                name: String::new(),
                preset: Some("google".to_owned()),
                settings,
                client_secret: None,
                private_key: None,
            }
        };
        for (settings, slug, field) in [
            (json!({ "client_id": "us" }), "google", "client_secret"),
            (json!({ "client_id": "us", "scopes": "email" }), "google", "scopes"),
            (json!({ "client_id": "us", "counts_as": "urn:hilum:acr:passkey" }), "google", "counts_as"),
            (json!({ "client_id": "us", "id_token_alg": "none" }), "google", "settings"),
            (json!({ "client_id": "us", "id_token_alg": "HS256" }), "google", "settings"),
            (json!({ "client_id": "us", "client_auth": "private_key_jwt" }), "google", "assertion_alg"),
            (json!({ "client_id": "us", "trust_email": true }), "google", "settings"),
            (json!({ "client_id": "us" }), "Goo/gle", "slug"),
        ] {
            let fault = upstream::declare(&house.auth, &house.acting(), new(settings, slug)).await.err().unwrap();
            assert_eq!(fault.issues()[0].path, field, "{slug} {field}");
        }
    }
}

/// Links where the provider names itself.
async fn linked_naming(house: &House, provider: &Provider) {
    house.person(MIRA, &[]).await;
    let who = house.signed_in(&house.sign_in(MIRA).await).await.unwrap();
    let away = depart_to_link(house, provider, &who).await;
    let answer = answer(&[("code", "c-1"), ("state", &away.asked("state")), ("iss", &provider.issuer)]);
    let arrived = upstream::arrive(&house.auth, "there", Some(&who), &away.cookies, &answer, None).await;
    assert!(matches!(arrived, Ok(Arrived::Linked { .. })));
}
