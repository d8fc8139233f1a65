//! Refresh tokens: one answer for a retry, the end of everything for a copy, and what else ends a grant.

use std::time::Duration;

use auth::{
    client::{self, Client, register::Registration},
    grant, session,
};
use http::StatusCode;
use serde_json::Value;
use web::AuthFault;

use crate::house::{House, Reply, on_each_engine, registration};

struct Stage {
    house: House,
    client: Client,
    secret: String,
    cookie: String,
}

async fn stage(db: store::Db, kind: &str) -> Stage {
    let house = House::open(db).await;
    house.person("mira@example.org", &[]).await;
    let grants = ["authorization_code", "refresh_token"].map(str::to_owned).to_vec();
    let scopes = "openid profile email offline_access a".to_owned();
    let registration = Registration { grant_types: grants, scopes, ..registration(kind) };
    let (client, secret) =
        client::register(&house.auth, &house.acting(), "diary", &registration).await.unwrap();
    let cookie = house.sign_in("mira@example.org").await;
    let secret = secret.map(|secret| secret.text.expose().clone()).unwrap_or_default();
    Stage { house, client, secret, cookie }
}

impl Stage {
    async fn sign_in(&self, scope: &str) -> Value {
        let code = self.house.code(&self.client, &self.cookie, scope).await;
        self.house.redeem(&self.client, &self.secret, &code).await.json()
    }

    async fn refresh(&self, token: &str, more: &[(&str, &str)]) -> Reply {
        let id = self.client.client_id.as_str();
        let basic = Some((id, self.secret.as_str())).filter(|(_, secret)| !secret.is_empty());
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", id)];
        self.house.post("/oauth2/token", basic, &[&form[..], more].concat()).await
    }

    async fn is_live(&self, out: &Value) -> bool {
        match self.house.auth.check(text(out, "access_token")).await {
            Ok(_) => true,
            Err(AuthFault::Invalid) => false,
            Err(fault) => panic!("{fault}"),
        }
    }
}

fn text<'a>(out: &'a Value, name: &str) -> &'a str {
    out[name].as_str().unwrap_or_else(|| panic!("no {name}: {out}"))
}

on_each_engine! {
    async fn a_refresh_token_is_replaced_and_a_retry_gets_the_same(db: Db) {
        let stage = stage(db, "confidential").await;
        let first = stage.sign_in("openid profile offline_access").await;
        let token = text(&first, "refresh_token");
        assert!(token.starts_with("hlm_rt_"));
        stage.house.clock.advance(Duration::from_secs(10));
        let second = stage.refresh(token, &[]).await.json();
        let next = text(&second, "refresh_token");
        assert_ne!(next, token);
        assert_eq!(second["scope"], "offline_access openid profile");
        assert!(second.get("id_token").is_some());
        stage.house.clock.advance(Duration::from_secs(59));
        let retry = stage.refresh(token, &[]).await.json();
        assert_eq!(text(&retry, "refresh_token"), next, "the answer was lost: the same successor");
        assert_ne!(retry["access_token"], second["access_token"]);
        let third = stage.refresh(next, &[]).await;
        assert_eq!(third.status, StatusCode::OK, "{}", third.text());
        assert!(stage.is_live(&second).await);
    }

    async fn a_copy_that_is_used_late_ends_everything(db: Db) {
        let stage = stage(db, "public").await;
        let first = stage.sign_in("openid offline_access").await;
        let second = stage.refresh(text(&first, "refresh_token"), &[]).await.json();
        stage.house.clock.advance(Duration::from_secs(61));
        let replay = stage.refresh(text(&first, "refresh_token"), &[]).await;
        assert_eq!((replay.status, replay.error()), (StatusCode::BAD_REQUEST, "invalid_grant".into()));
        assert_eq!(stage.refresh(text(&second, "refresh_token"), &[]).await.error(), "invalid_grant");
        assert!(!stage.is_live(&first).await && !stage.is_live(&second).await);
        let acts = stage.house.acts().await;
        assert_eq!(acts.iter().filter(|(act, _)| act == "grant.revoked").count(), 1);
    }

    async fn fifty_at_once_get_one_successor(db: Db) {
        let stage = stage(db, "confidential").await;
        let first = stage.sign_in("openid offline_access").await;
        let token = text(&first, "refresh_token");
        let replies = futures_util::future::join_all((0..50).map(|_| stage.refresh(token, &[]))).await;
        let good: Vec<Value> = replies.iter().filter(|reply| reply.status == StatusCode::OK).map(Reply::json).collect();
        assert!(!good.is_empty());
        assert!(good.iter().all(|out| out["refresh_token"] == good[0]["refresh_token"]));
        assert_eq!(stage.refresh(text(&good[0], "refresh_token"), &[]).await.status, StatusCode::OK);
    }

    async fn what_is_refused(db: Db) {
        let stage = stage(db, "confidential").await;
        let first = stage.sign_in("openid offline_access").await;
        let token = text(&first, "refresh_token");
        let (other, secret) = stage.house.client("other", "confidential").await;
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let basic = Some((other.client_id.as_str(), secret.as_str()));
        assert_eq!(stage.house.post("/oauth2/token", basic, &form).await.error(), "unauthorized_client");
        for scope in ["openid email", "a", "openid offline_access profile"] {
            assert_eq!(stage.refresh(token, &[("scope", scope)]).await.error(), "invalid_scope", "{scope}");
        }
        let mut forged = token.to_owned();
        let last = forged.pop().unwrap();
        forged.push(if last == 'A' { 'B' } else { 'A' });
        for bad in [forged.as_str(), "hlm_rt_", "hlm_rt_AAAA", "x", text(&first, "access_token")] {
            assert_eq!(stage.refresh(bad, &[]).await.error(), "invalid_grant", "{bad}");
        }
        let narrow = stage.refresh(token, &[("scope", "openid")]).await.json();
        assert_eq!(narrow["scope"], "openid");
        let whole = stage.refresh(text(&narrow, "refresh_token"), &[]).await.json();
        assert_eq!(whole["scope"], "offline_access openid", "the grant stays what it was");
    }

    async fn access_that_does_not_last_ends_with_the_session(db: Db) {
        let stage = stage(db, "confidential").await;
        let brief = stage.sign_in("openid email").await;
        assert!(brief.get("refresh_token").is_none(), "nobody asked for access that lasts");
        let online = stage.sign_in("a").await;
        let offline = stage.sign_in("openid offline_access").await;
        let signed_in = stage.house.signed_in(&stage.cookie).await.unwrap();
        session::end(&stage.house.auth, &signed_in).await.unwrap();
        assert!(!stage.is_live(&brief).await && !stage.is_live(&online).await);
        assert_eq!(stage.refresh(text(&online, "refresh_token"), &[]).await.error(), "invalid_grant");
        assert!(stage.is_live(&offline).await);
        assert_eq!(stage.refresh(text(&offline, "refresh_token"), &[]).await.status, StatusCode::OK);
    }

    async fn access_that_does_not_last_ends_however_the_session_does(db: Db) {
        let stage = stage(db, "confidential").await;
        let (idle, absolute) = (stage.house.auth.config().session_idle, stage.house.auth.config().session_absolute);
        let a_minute = Duration::from_secs(60);
        // Used now and then, it lasts until it is over in any case; and so does what was given in it.
        let mut online = text(&stage.sign_in("a").await, "refresh_token").to_owned();
        let offline = stage.sign_in("openid offline_access").await;
        let mut gone = Duration::ZERO;
        while gone + idle / 2 < absolute {
            stage.house.clock.advance(idle / 2);
            gone += idle / 2;
            assert!(stage.house.signed_in(&stage.cookie).await.is_some());
            stage.house.db.flush_lazy().await.unwrap();
            online = text(&stage.refresh(&online, &[]).await.json(), "refresh_token").to_owned();
        }
        stage.house.clock.advance(absolute - gone);
        assert_eq!(stage.refresh(&online, &[]).await.error(), "invalid_grant", "over");
        assert_eq!(stage.refresh(text(&offline, "refresh_token"), &[]).await.status, StatusCode::OK);

        let cookie = stage.house.sign_in("mira@example.org").await;
        let stage = Stage { cookie, ..stage };
        let online = stage.sign_in("a").await;
        stage.house.clock.advance(idle - a_minute);
        let online = stage.refresh(text(&online, "refresh_token"), &[]).await.json();
        stage.house.clock.advance(a_minute);
        let refused = stage.refresh(text(&online, "refresh_token"), &[]).await;
        assert_eq!(refused.error(), "invalid_grant", "an application does not keep the session of a browser that is left");
        let acts = stage.house.acts().await;
        assert!(acts.iter().any(|(act, outcome)| act == "grant.refreshed" && outcome == "refused"), "{acts:?}");
    }

    async fn a_grant_lives_as_long_as_it_is_used(db: Db) {
        let stage = stage(db, "confidential").await;
        let mut token = text(&stage.sign_in("openid offline_access").await, "refresh_token").to_owned();
        for _ in 0..13 {
            stage.house.clock.advance(grant::IDLE - Duration::from_secs(60));
            let reply = stage.refresh(&token, &[]).await;
            let Some(next) = reply.json()["refresh_token"].as_str().map(str::to_owned) else { break };
            token = next;
        }
        assert_eq!(stage.refresh(&token, &[]).await.error(), "invalid_grant", "a year is over");
        let cookie = stage.house.sign_in("mira@example.org").await;
        let stage = Stage { cookie, ..stage };
        let idle = stage.sign_in("openid offline_access").await;
        stage.house.clock.advance(grant::IDLE);
        assert_eq!(stage.refresh(text(&idle, "refresh_token"), &[]).await.error(), "invalid_grant");
    }

    async fn a_person_takes_back_what_they_gave(db: Db) {
        let stage = stage(db, "confidential").await;
        let out = stage.sign_in("openid offline_access").await;
        let signed_in = stage.house.signed_in(&stage.cookie).await.unwrap();
        let given = grant::list_of_person(&stage.house.auth, signed_in.person).await.unwrap();
        assert_eq!((given.len(), given[0].client, given[0].client_name.as_str()), (1, stage.client.id, "Sleep diary"));
        stage.house.person("other@example.org", &[]).await;
        let other = stage.house.sign_in("other@example.org").await;
        let other = stage.house.signed_in(&other).await.unwrap();
        assert!(!grant::revoke(&stage.house.auth, &other, given[0].id).await.unwrap(), "it is not theirs");
        assert!(stage.is_live(&out).await);
        assert!(grant::revoke(&stage.house.auth, &signed_in, given[0].id).await.unwrap());
        assert!(!stage.is_live(&out).await);
        assert_eq!(stage.refresh(text(&out, "refresh_token"), &[]).await.error(), "invalid_grant");
        let again = stage.sign_in("openid offline_access").await;
        assert_eq!(grant::revoke_all_of(&stage.house.auth, &signed_in, stage.client.id).await.unwrap(), 1);
        assert!(!stage.is_live(&again).await);
        let asked = stage.house.get(&crate::house::authorize(&stage.client, "openid", &[]), Some(&stage.cookie)).await;
        assert!(asked.location().starts_with("/consent"), "it has to ask again");
    }

    async fn a_client_gives_its_grant_up(db: Db) {
        let stage = stage(db, "confidential").await;
        let out = stage.sign_in("openid offline_access").await;
        let (other, secret) = stage.house.client("other", "confidential").await;
        let form = [("token", text(&out, "refresh_token"))];
        let foreign = Some((other.client_id.as_str(), secret.as_str()));
        assert_eq!(stage.house.post("/oauth2/revocation", foreign, &form).await.error(), "invalid_grant");
        assert!(stage.is_live(&out).await);
        let own = Some((stage.client.client_id.as_str(), stage.secret.as_str()));
        assert_eq!(stage.house.post("/oauth2/revocation", own, &form).await.status, StatusCode::OK);
        assert!(!stage.is_live(&out).await);
        assert_eq!(stage.refresh(text(&out, "refresh_token"), &[]).await.error(), "invalid_grant");
    }

    async fn a_code_that_is_used_twice_ends_what_came_of_it(db: Db) {
        let stage = stage(db, "confidential").await;
        let code = stage.house.code(&stage.client, &stage.cookie, "openid offline_access").await;
        let out = stage.house.redeem(&stage.client, &stage.secret, &code).await.json();
        let next = stage.refresh(text(&out, "refresh_token"), &[]).await.json();
        assert_eq!(stage.house.redeem(&stage.client, &stage.secret, &code).await.error(), "invalid_grant");
        assert!(!stage.is_live(&out).await && !stage.is_live(&next).await);
        assert_eq!(stage.refresh(text(&next, "refresh_token"), &[]).await.error(), "invalid_grant");
    }

    async fn what_is_switched_off_is_off(db: Db) {
        let stage = stage(db, "confidential").await;
        let out = stage.sign_in("openid offline_access").await;
        client::revoke_tokens(&stage.house.auth, &stage.house.acting(), stage.client.id).await.unwrap();
        assert_eq!(stage.refresh(text(&out, "refresh_token"), &[]).await.error(), "invalid_grant");
        client::disable(&stage.house.auth, &stage.house.acting(), stage.client.id).await.unwrap();
        assert_eq!(stage.refresh(text(&out, "refresh_token"), &[]).await.error(), "invalid_client");
    }
}
