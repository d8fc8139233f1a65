//! How surely a person is known: what a request may ask for, and what the ID token says of it.
//! OpenID Connect Core §3.1.2.1, §5.5.1.1; RFC 9470

use std::time::Duration;

use auth::client::{self, Client, register::Registration};
use crypto::{b64, totp};
use http::{HeaderMap, header};
use serde_json::Value;

use crate::{
    factors::{enrol, show},
    house::{House, Reply, SOURCE, authorize, on_each_engine, registration},
    passkeys,
};

const MIRA: &str = "mira@example.org";
const PASSWORD: &str = "urn:hilum:acr:password";
const MFA: &str = "urn:hilum:acr:mfa";
const PASSKEY: &str = "urn:hilum:acr:passkey";

async fn app(house: &House) -> (Client, String) {
    let mut asked = Registration { scopes: "openid a offline_access".into(), ..registration("confidential") };
    asked.grant_types.push("refresh_token".into());
    let (client, secret) = client::register(&house.auth, &house.acting(), "diary", &asked).await.unwrap();
    (client, secret.unwrap().text.expose().clone())
}

fn essential(acr: &str) -> String {
    serde_json::json!({ "id_token": { "acr": { "essential": true, "values": [acr] } } }).to_string()
}

async fn ask(house: &House, app: &(Client, String), cookie: &str, more: &[(&str, &str)]) -> Reply {
    house.get(&authorize(&app.0, "openid offline_access", more), Some(cookie)).await
}

fn claims(out: &Value) -> Value {
    let text = out["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&b64::decode(text).unwrap()).unwrap()
}

/// The answer to the token request, after consent where it is asked for.
async fn redeemed(house: &House, (client, secret): &(Client, String), cookie: &str, asked: &Reply) -> Value {
    let answer = match asked.sent("request") {
        Some(request) => house.allow(cookie, &request).await,
        None => asked.location().to_owned(),
    };
    let address = url::Url::parse(&answer).unwrap();
    let code = address.query_pairs().find(|(name, _)| name == "code");
    let code = code.unwrap_or_else(|| panic!("{answer}")).1.into_owned();
    house.redeem(client, secret, &code).await.json()
}

fn at(cookie: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::COOKIE, cookie.parse().unwrap())])
}

on_each_engine! {
    async fn who_has_a_password_only_is_known_by_it_or_not_at_all(db: Db) {
        let house = House::open(db).await;
        house.person(MIRA, &[]).await;
        let app = app(&house).await;
        let cookie = house.sign_in(MIRA).await;
        let wish = ask(&house, &app, &cookie, &[("acr_values", MFA)]).await;
        let said = claims(&redeemed(&house, &app, &cookie, &wish).await);
        assert_eq!((&said["acr"], &said["amr"]), (&PASSWORD.into(), &serde_json::json!(["pwd"])), "as well as it goes");

        house.clock.advance(Duration::from_secs(5));
        let essential = essential(MFA);
        let none = ask(&house, &app, &cookie, &[("claims", &essential), ("prompt", "none")]).await;
        assert_eq!(none.sent("error").as_deref(), Some("login_required"));
        let sent = ask(&house, &app, &cookie, &[("claims", &essential)]).await;
        assert!(sent.location().starts_with("/sign-in?"), "{}", sent.location());
        assert_eq!((sent.sent("anew").as_deref(), sent.sent("acr").as_deref()), (Some("true"), Some(MFA)));
        let back = sent.sent("return_to").unwrap();
        assert!(house.get(&back, Some(&cookie)).await.location().starts_with("/sign-in?"), "nobody has signed in since");
        let again = house.sign_in_at(MIRA, &cookie).await;
        let unmet = house.get(&back, Some(&again)).await;
        assert_eq!(unmet.sent("error").as_deref(), Some("unmet_authentication_requirements"));
        assert_eq!(unmet.sent("state").as_deref(), Some("st&te"));

        let unknown = self::essential("urn:example:gold");
        for cookie in [Some(again.as_str()), None] {
            let reply = house.get(&authorize(&app.0, "openid", &[("claims", &unknown)]), cookie).await;
            assert_eq!(reply.sent("error").as_deref(), Some("unmet_authentication_requirements"), "nobody can");
        }
        let bare = r#"{"id_token":{"acr":{"essential":true},"auth_time":null}}"#;
        assert!(ask(&house, &app, &again, &[("claims", bare)]).await.sent("code").is_some(), "it is always said");
        let malformed = ask(&house, &app, &again, &[("claims", "{")]).await;
        assert_eq!(malformed.sent("error").as_deref(), Some("invalid_request"));
        let guest = house.get(&authorize(&app.0, "openid", &[("acr_values", MFA)]), None).await;
        assert_eq!(guest.sent("acr").as_deref(), Some(MFA), "whoever signs in now is told at once");
    }

    async fn a_second_factor_is_what_was_needed(db: Db) {
        let house = House::open(db).await;
        house.person(MIRA, &[]).await;
        let app = app(&house).await;
        let cookie = house.sign_in(MIRA).await;
        let phone = enrol(&house, &house.signed_in(&cookie).await.unwrap()).await;
        let needed = essential(MFA);
        let asked = ask(&house, &app, &cookie, &[("claims", &needed)]).await;
        let said = claims(&redeemed(&house, &app, &cookie, &asked).await);
        assert_eq!((&said["acr"], &said["amr"]), (&MFA.into(), &serde_json::json!(["pwd", "otp", "mfa"])));

        house.clock.advance(Duration::from_secs(totp::STEP_S));
        let sent = ask(&house, &app, &cookie, &[("claims", &needed), ("max_age", "0")]).await;
        assert!(sent.location().starts_with("/sign-in?"), "{}", sent.location());
        let proven = show(&house, &phone.code(&house), SOURCE).await.ok().unwrap();
        let again = house.begin_at(proven, at(&cookie)).await;
        let first = redeemed(&house, &app, &again, &house.get(&sent.sent("return_to").unwrap(), Some(&again)).await).await;
        let fresh = claims(&first);
        let now = house.world.now().as_seconds();
        assert_eq!((&fresh["acr"], &fresh["auth_time"], &fresh["sid"]), (&MFA.into(), &now.into(), &said["sid"]));
        house.clock.advance(Duration::from_mins(20));
        let form = [("grant_type", "refresh_token"), ("refresh_token", first["refresh_token"].as_str().unwrap())];
        let renewed = house.post("/oauth2/token", Some((app.0.client_id.as_str(), &app.1)), &form).await.json();
        let renewed = claims(&renewed);
        for name in ["acr", "amr", "auth_time", "sub", "sid"] {
            assert_eq!(renewed[name], fresh[name], "{name} is of the sign-in, not of the refresh");
        }
        let wish = ask(&house, &app, &again, &[("acr_values", PASSKEY)]).await;
        assert!(wish.sent("code").is_some(), "nobody is asked for a passkey that they do not have");
    }

    async fn a_passkey_is_asked_for_where_there_is_one(db: Db) {
        let (house, _, mut device) = passkeys::with_passkey(db).await;
        let app = app(&house).await;
        let strong = passkeys::show(&house, &mut device, None).await.ok().unwrap();
        let cookie = house.begin(strong).await;
        let phone = enrol(&house, &house.signed_in(&cookie).await.unwrap()).await;
        house.clock.advance(Duration::from_secs(totp::STEP_S));
        let weaker = show(&house, &phone.code(&house), SOURCE).await.ok().unwrap();
        let cookie = house.begin_at(weaker, at(&cookie)).await;
        house.clock.advance(Duration::from_secs(totp::STEP_S));

        let none = ask(&house, &app, &cookie, &[("acr_values", PASSKEY), ("prompt", "none")]).await;
        assert_eq!(none.sent("error").as_deref(), Some("consent_required"), "a wish stands in nobody's way");
        let wish = ask(&house, &app, &cookie, &[("acr_values", PASSKEY)]).await;
        assert_eq!(wish.sent("acr").as_deref(), Some(PASSKEY), "{}", wish.location());
        let proven = show(&house, &phone.code(&house), SOURCE).await.ok().unwrap();
        let cookie = house.begin_at(proven, at(&cookie)).await;
        let asked = house.get(&wish.sent("return_to").unwrap(), Some(&cookie)).await;
        let said = claims(&redeemed(&house, &app, &cookie, &asked).await);
        assert_eq!(said["acr"], MFA, "once, and then as well as it goes");

        let needed = essential(PASSKEY);
        let sent = ask(&house, &app, &cookie, &[("claims", &needed)]).await;
        let proven = passkeys::show(&house, &mut device, None).await.ok().unwrap();
        let stronger = house.begin_at(proven, at(&cookie)).await;
        let asked = house.get(&sent.sent("return_to").unwrap(), Some(&stronger)).await;
        let said = claims(&redeemed(&house, &app, &stronger, &asked).await);
        assert_eq!((&said["acr"], &said["amr"]), (&PASSKEY.into(), &serde_json::json!(["pop", "user", "mfa"])));
        let less = ask(&house, &app, &stronger, &[("claims", &essential(MFA))]).await;
        let said = claims(&redeemed(&house, &app, &stronger, &less).await);
        assert_eq!(said["acr"], MFA, "one of the words that were asked for, and true");

        let waiting = ask(&house, &app, &stronger, &[("claims", &needed), ("prompt", "consent")]).await;
        house.clock.advance(Duration::from_secs(totp::STEP_S));
        let proven = show(&house, &phone.code(&house), SOURCE).await.ok().unwrap();
        let weaker = house.begin_at(proven, at(&stronger)).await;
        let answer = house.allow(&weaker, &waiting.sent("request").unwrap()).await;
        assert!(answer.contains("error=unmet_authentication_requirements"), "{answer}");
    }

    async fn a_claim_names_who_has_to_be_signed_in(db: Db) {
        let house = House::open(db).await;
        let mira = house.person(MIRA, &[]).await;
        let app = app(&house).await;
        let cookie = house.sign_in(MIRA).await;
        house.code(&app.0, &cookie, "openid offline_access").await;
        let of = |sub: &str| serde_json::json!({ "id_token": { "sub": { "value": sub } } }).to_string();
        let own = ask(&house, &app, &cookie, &[("claims", &of(&mira.id.to_string())), ("prompt", "none")]).await;
        assert!(own.sent("code").is_some(), "{}", own.location());
        let other = ask(&house, &app, &cookie, &[("claims", &of("somebody")), ("prompt", "none")]).await;
        assert_eq!(other.sent("error").as_deref(), Some("login_required"));
    }

    async fn what_a_sign_in_can_be_worth_is_told(db: Db) {
        let metadata = async |house: House| house.get("/oauth2/.well-known/openid-configuration", None).await.json();
        let here = metadata(House::open(db.clone()).await).await;
        assert_eq!(here["acr_values_supported"], serde_json::json!([PASSWORD, MFA]), "passkeys need a name");
        assert!(here["claims_supported"].as_array().unwrap().contains(&"acr".into()));
        let named = metadata(House::at("http://localhost:8080", db).await).await;
        assert_eq!(named["acr_values_supported"], serde_json::json!([PASSWORD, MFA, PASSKEY]));
    }
}
