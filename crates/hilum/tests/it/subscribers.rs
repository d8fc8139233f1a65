//! What is left of what somebody subscribed with, as `auth` answers it: it lasts as long as what it came of.

use std::time::Duration;

use auth::Acting;
use fhir::{People as _, Standing};
use hilum::ports::AuthReach;
use kernel::Scopes;

use crate::app::{App, PATIENT, TestApp, deployment_on_each_engine};

const WATCH: App = App {
    client_id: "northwindwatch000000000000000000.watch",
    secret: "hlm_cs_watch-watch-watch-watch-watch-watch-watch-1",
    redirect_uri: "https://watch.example/signed-in",
};
const DECLARED: &str = r#"
[[client]]
client_id = "northwindwatch000000000000000000.watch"
name = "Ward watch"
uri = "https://watch.example"
redirect_uris = ["https://watch.example/signed-in"]
grant_types = ["authorization_code", "refresh_token", "client_credentials"]
scopes = "openid profile email offline_access user/Observation.rs system/Observation.rs system/Patient.rs"
secret = "hlm_cs_watch-watch-watch-watch-watch-watch-watch-1"
verified = true
"#;
const GRANTED: &str = "openid offline_access user/Observation.rs";

/// What is left, in words; nothing if nothing is.
async fn left(app: &TestApp, standing: &Standing) -> Option<String> {
    let still = AuthReach(app.house.auth.clone()).still(standing).await.unwrap();
    still.map(|still| still.scopes.to_string())
}

/// What this client kept of a subscriber.
async fn standing(app: &TestApp, scopes: &str) -> Standing {
    app.load(&format!("{}{DECLARED}", include_str!("northwind.toml"))).await;
    Standing {
        organisation: app.organisation_of("northwind").await.id,
        client: app.client_id_of(WATCH).await,
        person: None,
        scopes: scopes.parse().unwrap(),
        patient: None,
    }
}

deployment_on_each_engine! {
    async fn what_a_person_granted_lasts_until_they_take_it_back(app: TestApp) {
        let standing = standing(&app, "user/Observation.rs").await;
        let standing = Standing { person: Some(app.person_of(PATIENT).await.id), ..standing };
        assert_eq!(left(&app, &standing).await, None, "nothing was granted yet");
        let browser = app.signed_in(PATIENT).await;
        browser.exchange(WATCH, GRANTED).await;
        let own = Some("user/Observation.rs".to_owned());
        assert_eq!(left(&app, &standing).await, own);
        // Less than was granted is that, more is what was granted.
        let asked = |scopes: &str| Standing { scopes: scopes.parse().unwrap(), ..standing.clone() };
        assert_eq!(left(&app, &asked("user/Observation.r")).await.as_deref(), Some("user/Observation.r"));
        assert_eq!(left(&app, &asked("user/Observation.rs email")).await, own);
        assert_eq!(left(&app, &asked("user/Patient.rs")).await, None);
        let elsewhere = Standing { organisation: kernel::Id::from_bytes([9; 16]), ..standing.clone() };
        assert_eq!(left(&app, &elsewhere).await, None);

        let place = format!("/account/applications/{}/revoke", standing.client);
        browser.post(&place, &[]).await.expect(303);
        assert_eq!(left(&app, &standing).await, None, "taken back");
        browser.exchange(WATCH, GRANTED).await;
        assert_eq!(left(&app, &standing).await, own, "granted once more");
        let acting = Acting::system(standing.organisation);
        auth::person::disable(&app.house.auth, &acting, standing.person.unwrap()).await.unwrap();
        assert_eq!(left(&app, &standing).await, None, "the person is switched off");
    }

    async fn what_a_person_granted_ends_by_itself_when_nobody_uses_it(app: TestApp) {
        let standing = standing(&app, "user/Observation.rs").await;
        let standing = Standing { person: Some(app.person_of(PATIENT).await.id), ..standing };
        app.signed_in(PATIENT).await.exchange(WATCH, GRANTED).await;
        app.clock.advance(Duration::from_hours(1));
        assert!(left(&app, &standing).await.is_some(), "longer than the token");
        app.clock.advance(Duration::from_hours(24 * 400));
        assert_eq!(left(&app, &standing).await, None);
    }

    async fn what_a_system_is_registered_for_lasts_as_long_as_it_is(app: TestApp) {
        let standing = standing(&app, "system/Observation.rs system/Patient.r").await;
        let all = left(&app, &standing).await.unwrap().parse::<Scopes>().unwrap();
        assert_eq!(all, standing.scopes);
        let asked = |scopes: &str| Standing { scopes: scopes.parse().unwrap(), ..standing.clone() };
        assert_eq!(left(&app, &asked("system/Observation.rs system/Group.rs")).await.as_deref(), Some("system/Observation.rs"));
        assert_eq!(left(&app, &asked("system/Group.rs")).await, None);
        let acting = Acting::system(standing.organisation);
        auth::client::disable(&app.house.auth, &acting, standing.client).await.unwrap();
        assert_eq!(left(&app, &standing).await, None, "the client is switched off");
    }
}
