//! Where a person is signed in, and ending it.

use std::time::Duration;

use auth::{
    person::Shown,
    session::{self, Acr, Browser, Place, SessionFault},
};
use http::{HeaderMap, header};

use crate::house::{House, on_each_engine};

const MIRA: &str = "mira@example.org";

async fn sign_in_with(house: &House, agent: &str) -> String {
    let headers = HeaderMap::from_iter([(header::USER_AGENT, agent.parse().unwrap())]);
    let Shown::Enough(proven) = house.shown(MIRA).await else { panic!("no second factor here") };
    house.begin(proven.in_browser(Browser::of(&headers))).await
}

on_each_engine! {
    async fn a_person_sees_where_they_are_signed_in(db: Db) {
        let house = House::open(db).await;
        house.person(MIRA, &[]).await;
        house.person("eve@example.org", &[]).await;
        house.sign_in("eve@example.org").await;
        sign_in_with(&house, "Mozilla/5.0 (iPhone; like Mac OS X) Version/19 Safari/604.1").await;
        house.clock.advance(Duration::from_mins(10));
        let here = sign_in_with(&house, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0").await;
        let here = house.signed_in(&here).await.unwrap();
        let listed = session::list(&house.auth, &here).await.unwrap();
        let told: Vec<_> = listed.iter().map(|one| (one.browser.as_str(), one.place, one.acr)).collect();
        assert_eq!(told, [
            ("Firefox on Linux", Place::Here, Acr::Password),
            ("Safari on iPhone", Place::Elsewhere, Acr::Password),
        ]);
        assert_eq!(listed[0].began_at.since(listed[1].began_at), Duration::from_mins(10));
        house.clock.advance(Duration::from_mins(55));
        assert_eq!(session::list(&house.auth, &here).await.unwrap().len(), 1, "an idle session is none");
    }

    async fn a_person_ends_one_session_or_all_others(db: Db) {
        let house = House::open(db).await;
        house.person(MIRA, &[]).await;
        house.person("eve@example.org", &[]).await;
        let cookies = [house.sign_in(MIRA).await, house.sign_in(MIRA).await, house.sign_in(MIRA).await];
        let eve_cookie = house.sign_in("eve@example.org").await;
        let mut all = Vec::new();
        for cookie in &cookies {
            all.push(house.signed_in(cookie).await.unwrap());
        }
        let eve = house.signed_in(&eve_cookie).await.unwrap();
        let fault = session::end_one(&house.auth, &eve, all[0].session).await;
        assert!(matches!(fault, Err(SessionFault::NotFound)), "nobody ends another person's session");
        session::end_one(&house.auth, &all[0], all[1].session).await.unwrap();
        assert!(house.signed_in(&cookies[1]).await.is_none());
        let again = session::end_one(&house.auth, &all[0], all[1].session).await;
        assert!(matches!(again, Err(SessionFault::NotFound)));
        session::end_others(&house.auth, &all[0]).await.unwrap();
        assert!(house.signed_in(&cookies[0]).await.is_some());
        assert!(house.signed_in(&cookies[2]).await.is_none());
        assert!(house.signed_in(&eve_cookie).await.is_some());
        let ended = house.acts().await.into_iter().filter(|(act, _)| act == "person.signed_out");
        assert_eq!(ended.count(), 2);
    }
}
