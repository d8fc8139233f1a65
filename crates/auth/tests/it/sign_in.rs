//! Signing in, guessing, and sessions from beginning to end.

use std::{net::IpAddr, time::Duration};

use auth::{
    Administrator, Auth, Developer, SignedIn,
    person::{self, PersonFault, Refusal, Role, Shown},
    session,
};
use axum::{Router, routing::get};
use crypto::password::Passwords;
use http::{HeaderMap, header};
use kernel::Secret;
use web::Cookies;

use crate::house::{House, PASSWORD, SOURCE, on_each_engine};

async fn attempt(
    auth: &Auth,
    email: &str,
    password: &str,
    source: IpAddr,
) -> Result<person::Proven, PersonFault> {
    let shown =
        person::authenticate_password(auth, email, Secret::new(password.to_owned()), source, None).await?;
    match shown {
        Shown::Enough(proven) => Ok(proven),
        Shown::Half(_) => panic!("no account here has a second factor"),
    }
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, last])
}

on_each_engine! {
    async fn every_refusal_has_the_same_face(db: Db) {
        let house = House::open(db).await;
        let person = house.person("mira@example.org", &[]).await;
        house.person("ada@example.org", &[Role::OrgAdmin]).await;
        let mut faces = Vec::new();
        for (email, password, refusal) in [
            ("mira@example.org", "wrong", Refusal::WrongPassword),
            ("nobody@example.org", PASSWORD, Refusal::UnknownAccount),
            ("no address", PASSWORD, Refusal::UnknownAccount),
        ] {
            let fault = attempt(&house.auth, email, password, SOURCE).await.err().unwrap();
            assert!(matches!(&fault, PersonFault::SignIn(why) if *why == refusal), "{email}");
            faces.push((kernel::Fault::kind(&fault), kernel::Fault::public(&fault).into_owned()));
        }
        person::disable(&house.auth, &house.acting(), person.id).await.unwrap();
        let fault = attempt(&house.auth, "mira@example.org", PASSWORD, SOURCE).await.err().unwrap();
        faces.push((kernel::Fault::kind(&fault), kernel::Fault::public(&fault).into_owned()));
        faces.dedup();
        assert_eq!(faces.len(), 1);
        let refused = house.acts().await.into_iter().filter(|(act, outcome)| act == "person.signed_in" && outcome == "refused");
        assert_eq!(refused.count(), 3, "a text that is no address aims at nobody");
    }

    async fn a_refusal_leaves_the_same_rows_whoever_it_was_aimed_at(db: Db) {
        let house = House::open(db).await;
        let mira = house.person("mira@example.org", &[]).await;
        let noor = house.person("noor@example.org", &[]).await;
        house.person("ada@example.org", &[Role::OrgAdmin]).await;
        person::disable(&house.auth, &house.acting(), noor.id).await.unwrap();
        let rows = async || {
            let mut tx = house.db.read().await.unwrap();
            let sql = "SELECT (SELECT count(*) FROM audit_event), (SELECT count(*) FROM sign_in_tally)";
            tx.one::<(i64, i64)>(sql, store::binds![]).await.unwrap()
        };
        let mut left = std::collections::BTreeSet::new();
        for (n, email) in ["nobody@example.org", "mira@example.org", "noor@example.org"].into_iter().enumerate() {
            let before = rows().await;
            attempt(&house.auth, email, "wrong", address(100 + u8::try_from(n).unwrap())).await.err().unwrap();
            let after = rows().await;
            left.insert((after.0 - before.0, after.1 - before.1));
        }
        assert_eq!(left.len(), 1, "{left:?}: {}", mira.id);
        assert!(left.first().unwrap().0 == 1 && left.first().unwrap().1 > 0, "{left:?}");
    }

    async fn a_refusal_computes_as_much_whoever_it_was_aimed_at(db: Db) {
        let passwords = Passwords::alone();
        let pool = passwords.clone();
        let house = House::open_with(db, |config| config.passwords = pool).await;
        house.person("mira@example.org", &[]).await;
        let noor = house.person("noor@example.org", &[]).await;
        house.person("ada@example.org", &[Role::OrgAdmin]).await;
        person::disable(&house.auth, &house.acting(), noor.id).await.unwrap();
        let (client, _) = house.client("diary", "confidential").await;
        for (n, email) in ["nobody@example.org", "no address", "mira@example.org", "noor@example.org"].into_iter().enumerate() {
            let before = passwords.computed();
            attempt(&house.auth, email, "wrong", address(100 + u8::try_from(n).unwrap())).await.err().unwrap();
            assert_eq!(passwords.computed() - before, 1, "{email}");
        }
        // A client's secret is no password: 256 bits of chance need no argon2, and a client that is not there costs none either.
        let before = passwords.computed();
        let unknown = format!("{}.nobody", "a".repeat(32));
        for client_id in [client.client_id.as_str(), &unknown] {
            let asked = [("grant_type", "client_credentials")];
            let reply = house.post("/oauth2/token", Some((client_id, "wrong")), &asked).await;
            assert_eq!(reply.error(), "invalid_client", "{client_id}");
        }
        assert_eq!(passwords.computed(), before);
    }

    async fn guessing_is_slowed_down_and_locks_nobody_out(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        attempt(&house.auth, "mira@example.org", PASSWORD, address(1)).await.ok().unwrap();
        for _ in 0..5 {
            let guess = attempt(&house.auth, "mira@example.org", "wrong", address(2)).await;
            assert!(matches!(guess, Err(PersonFault::SignIn(_))));
        }
        let held = attempt(&house.auth, "mira@example.org", PASSWORD, address(2)).await;
        assert!(matches!(held, Err(PersonFault::Throttled { retry_after_s: 1 })), "also the right password waits");
        let elsewhere = attempt(&house.auth, "mira@example.org", PASSWORD, address(1)).await;
        assert!(elsewhere.is_ok(), "the person at their own machine does not");
        house.clock.advance(Duration::from_secs(1));
        assert!(attempt(&house.auth, "mira@example.org", PASSWORD, address(2)).await.is_ok());
        for _ in 0..5 {
            attempt(&house.auth, "mira@example.org", "wrong", address(2)).await.err().unwrap();
        }
        assert!(matches!(
            attempt(&house.auth, "mira@example.org", "wrong", address(2)).await,
            Err(PersonFault::Throttled { .. })
        ));
        let unknown = async || attempt(&house.auth, "nobody@example.org", "wrong", address(3)).await;
        for _ in 0..5 {
            unknown().await.err().unwrap();
        }
        assert!(matches!(unknown().await, Err(PersonFault::Throttled { .. })), "an unknown account looks the same");
    }

    async fn many_guesses_at_once_do_not_slip_past_the_count(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let guesses = (0..30).map(|_| attempt(&house.auth, "mira@example.org", "wrong", SOURCE));
        let guesses = futures_util::future::join_all(guesses).await;
        let looked_at = guesses.iter().filter(|guess| !matches!(guess, Err(PersonFault::Throttled { .. }))).count();
        assert_eq!(looked_at, 5);
    }

    async fn a_session_is_a_sealed_cookie_and_ends_here(db: Db) {
        let house = House::open(db).await;
        let person = house.person("mira@example.org", &[]).await;
        let cookie = house.sign_in("mira@example.org").await;
        assert!(cookie.starts_with("hilum-session="));
        let signed_in = house.signed_in(&cookie).await.unwrap();
        assert_eq!((signed_in.person, signed_in.organisation), (person.id, house.organisation));
        assert!(signed_in.roles.has(house.organisation, Role::Person));
        assert!(!signed_in.roles.has(house.organisation, Role::OrgAdmin));
        for forged in ["hilum-session=x", "hilum-session=", "other=x", &format!("{cookie}x"), &format!("{cookie}; {cookie}")] {
            assert!(house.signed_in(forged).await.is_none(), "{forged}");
        }
        let change = session::end(&house.auth, &signed_in).await.unwrap();
        assert!(change.set_cookie.to_str().unwrap().contains("Max-Age=0"));
        assert!(house.signed_in(&cookie).await.is_none(), "the cookie is worth nothing although the browser still has it");
    }

    async fn a_new_sign_in_ends_the_session_before(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let planted = house.sign_in("mira@example.org").await;
        let headers = HeaderMap::from_iter([(header::COOKIE, planted.parse().unwrap())]);
        let proven = attempt(&house.auth, "mira@example.org", PASSWORD, SOURCE).await.ok().unwrap();
        let change = session::begin(&house.auth, proven, &Cookies::of(&headers), None).await.unwrap();
        let fresh = change.set_cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        assert_ne!(fresh, planted);
        assert!(house.signed_in(&planted).await.is_none());
        assert!(house.signed_in(&fresh).await.is_some());
    }

    async fn a_session_lives_as_long_as_it_is_used_and_no_longer_than_it_may(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let idle = house.sign_in("mira@example.org").await;
        let busy = house.sign_in("mira@example.org").await;
        for _ in 0..23 {
            house.clock.advance(Duration::from_mins(31));
            assert!(house.signed_in(&busy).await.is_some());
            house.db.flush_lazy().await.unwrap();
        }
        assert!(house.signed_in(&idle).await.is_none());
        house.clock.advance(Duration::from_mins(31));
        assert!(house.signed_in(&busy).await.is_none(), "after twelve hours it is over in any case");
    }

    async fn pages_open_for_whom_they_are(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        house.person("dev@example.org", &[Role::Developer]).await;
        house.person("ada@example.org", &[Role::OrgAdmin]).await;
        let pages = Router::new()
            .route("/page", get(|_: SignedIn| async {}).post(|_: SignedIn| async {}))
            .route("/developer", get(|_: Developer| async {}))
            .route("/admin", get(|_: Administrator| async {}))
            .with_state(house.auth.clone());
        let house = House { app: pages, ..house };
        for path in ["/page?x=%26y", "/developer", "/admin"] {
            let sent = house.get(path, None).await;
            assert_eq!(sent.sent("return_to").as_deref(), Some(path));
        }
        let lost = house.post("/page", None, &[]).await;
        assert_eq!(lost.location(), "/sign-in", "what was posted is not posted again");
        for (email, path, status) in [
            ("mira@example.org", "/page", 200),
            ("mira@example.org", "/developer", 403),
            ("mira@example.org", "/admin", 403),
            ("dev@example.org", "/developer", 200),
            ("dev@example.org", "/admin", 403),
            ("ada@example.org", "/admin", 200),
            ("ada@example.org", "/developer", 403),
        ] {
            let cookie = house.sign_in(email).await;
            assert_eq!(house.get(path, Some(&cookie)).await.status.as_u16(), status, "{email} {path}");
        }
    }
}
