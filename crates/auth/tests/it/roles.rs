//! Roles: given for an organisation or a study, told by tokens, never more than the giver's.  Contract 4, RBAC

use auth::{
    Acting,
    api_key::{self, ApiKeyFault, Made, Maker, NewKey},
    organisation::{self, Named},
    person::{PersonFault, Role, role},
};
use kernel::{Actor, Caller, Fault, Grant, Id, Permission, Person, Secret, Study};
use serde_json::Value;
use web::{AuthFault, Authenticate, Presented, PresentedKey};

use crate::house::{House, on_each_engine};

const CLIENT_CREDENTIALS: (&str, &str) = ("grant_type", "client_credentials");

async fn study(house: &House, slug: &str) -> Id<Study> {
    let named = Named { id: None, slug: slug.into(), name: slug.into() };
    organisation::add_study(&house.auth, &house.acting(), &named, &[]).await.unwrap().id
}

fn as_person(house: &House, person: Id<Person>) -> Acting {
    let actor = Actor::Person { person, through: None };
    Acting { actor, organisation: house.organisation, request: None }
}

async fn make(house: &House, acting: &Acting, name: &str, roles: &[&str]) -> Result<Made, ApiKeyFault> {
    let new = NewKey {
        name: name.into(),
        scopes: "integration:read integration:sync a".into(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        lifetime_days: None,
    };
    api_key::make(&house.auth, acting, Maker::Developer, &new).await
}

async fn token(house: &House, made: &Made, scope: &str) -> String {
    let (id, key) = (made.key.key_id.as_str(), made.text.expose().as_str());
    let form = [CLIENT_CREDENTIALS, ("scope", scope)];
    let reply = house.post("/oauth2/token", Some((id, key)), &form).await;
    reply.json()["access_token"].as_str().unwrap().to_owned()
}

async fn caller(house: &House, token: &str) -> Result<Caller, AuthFault> {
    house.auth.authenticate(Presented::bearer(token)).await
}

fn claims(token: &str) -> Value {
    serde_json::from_slice(&crypto::b64::decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

fn presented<'a>(key_id: &'a str, key: &'a str) -> PresentedKey<'a> {
    PresentedKey { key_id, key, source: "192.0.2.1".parse().unwrap() }
}

on_each_engine! {
    async fn a_token_tells_roles_where_they_are_of_use(db: Db) {
        let house = House::open(db).await;
        let cardio = study(&house, "cardio").await;
        let made = make(&house, &house.acting(), "Sync", &["viewer", "data_manager:cardio"]).await.unwrap();
        let got = token(&house, &made, "integration:sync").await;
        assert_eq!(claims(&got)["roles"], serde_json::json!([format!("dm:{cardio}"), "vi"]));
        let seen = caller(&house, &got).await.unwrap();
        assert!(seen.may(Permission::Sync, house.organisation, &[cardio]));
        assert!(!seen.may(Permission::Sync, house.organisation, &[]));
        assert!(seen.may(Permission::Read, house.organisation, &[]));
        assert!(claims(&token(&house, &made, "a").await)["roles"].is_null());

        let (id, key) = (made.key.key_id.as_str(), made.text.expose().as_str());
        let told = house.post("/oauth2/introspection", Some((id, key)), &[("token", &got)]).await.json();
        assert_eq!(told["roles"], serde_json::json!([format!("data_manager:{cardio}"), "viewer"]));
        let listed = api_key::list_of(&house.auth, &house.acting()).await.unwrap();
        assert_eq!(listed[0].grants, seen.grants);
    }

    async fn a_key_is_never_more_than_its_maker(db: Db) {
        let house = House::open(db).await;
        let (cardio, _) = (study(&house, "cardio").await, study(&house, "lung").await);
        let dora = house.person("dora@example.org", &[Role::Developer]).await;
        let dora_acts = as_person(&house, dora.id);
        role::grant(&house.auth, &house.acting(), dora.id, Grant::of_study(Role::DataManager, cardio).unwrap()).await.unwrap();
        for (nth, (roles, made)) in [
            (&[][..], true),
            (&["data_manager:cardio"][..], true),
            (&["viewer:cardio"][..], true),
            (&["data_manager"][..], false),
            (&["viewer:lung"][..], false),
            (&["study_manager:cardio"][..], false),
            (&["viewer:nowhere"][..], false),
            (&["made_up"][..], false),
            (&["org_admin:cardio"][..], false),
        ].into_iter().enumerate() {
            let got = make(&house, &dora_acts, &format!("key {nth}"), roles).await;
            assert_eq!(got.is_ok(), made, "{roles:?}");
            if let Err(fault) = got {
                assert_eq!(fault.path().unwrap(), "roles", "{roles:?}");
            }
        }
    }

    async fn a_key_is_taken_itself_and_judged_as_at_the_token_endpoint(db: Db) {
        let house = House::open(db).await;
        let made = make(&house, &house.acting(), "Sync", &["viewer"]).await.unwrap();
        let (id, key) = (made.key.key_id.as_str(), made.text.expose().as_str());
        let seen = house.auth.authenticate_key(presented(id, key)).await.unwrap();
        assert_eq!((seen.organisation, seen.person, seen.client), (house.organisation, None, made.key.id.cast()));
        assert!(seen.scopes.has("integration:read") && seen.may(Permission::Read, house.organisation, &[]));
        for (id, key) in [(id, "hlm_ak_wrong"), ("abcdef.other", key), ("nothing", key), (id, "")] {
            assert!(matches!(house.auth.authenticate_key(presented(id, key)).await, Err(AuthFault::Invalid)), "{id} {key}");
        }
        let (client, secret) = house.client("diary", "confidential").await;
        let other = house.auth.authenticate_key(presented(client.client_id.as_str(), &secret)).await;
        assert!(matches!(other, Err(AuthFault::Invalid)), "an application's secret is no API key");
        api_key::delete(&house.auth, &house.acting(), made.key.id).await.unwrap();
        assert!(house.auth.authenticate_key(presented(id, key)).await.is_err());
    }

    async fn a_declared_key_that_loses_a_role_loses_its_tokens(db: Db) {
        let house = House::open(db).await;
        let text = || Secret::new("x".repeat(43));
        let new = |role: &str| NewKey {
            name: "Sync".into(),
            scopes: "integration:read".into(),
            roles: vec![role.to_owned()],
            lifetime_days: None,
        };
        let key = api_key::ensure(&house.auth, &house.acting(), &new("org_admin"), text()).await.unwrap();
        let made = Made { key, text: text() };
        let got = token(&house, &made, "integration:read").await;
        api_key::ensure(&house.auth, &house.acting(), &new("org_admin"), text()).await.unwrap();
        assert!(caller(&house, &got).await.is_ok(), "nothing has changed");
        let after = api_key::ensure(&house.auth, &house.acting(), &new("viewer"), text()).await.unwrap();
        assert!(after.grants.has(Role::Viewer) && !after.grants.has(Role::OrgAdmin));
        assert!(caller(&house, &got).await.is_err());
    }

    async fn a_role_over_all_organisations_is_for_those_who_have_it(db: Db) {
        let house = House::open(db).await;
        let ada = house.person("ada@example.org", &[Role::OrgAdmin]).await;
        let mira = house.person("mira@example.org", &[]).await;
        let (auth, ada_acts) = (&house.auth, as_person(&house, ada.id));
        let refused = role::grant(auth, &ada_acts, mira.id, Role::SystemAdmin).await;
        assert!(matches!(refused, Err(PersonFault::NotTheirsToGive)));
        role::grant(auth, &house.acting(), ada.id, Role::SystemAdmin).await.unwrap();
        role::grant(auth, &ada_acts, mira.id, Role::SystemAdmin).await.unwrap();
        let nowhere = Grant::of_study(Role::Viewer, Id::from_bytes([9; 16])).unwrap();
        assert!(matches!(role::grant(auth, &ada_acts, mira.id, nowhere).await, Err(PersonFault::NotFound)));
        for _ in 0..2 {
            role::withdraw(auth, &ada_acts, mira.id, Role::SystemAdmin).await.unwrap();
        }
        let taken = house.acts().await.into_iter().filter(|(act, _)| act == "role.withdrawn").count();
        assert_eq!(taken, 1, "what nobody had is not taken");
    }
}
