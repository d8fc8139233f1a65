//! Linking: there and back, and everything that must not work.

use std::time::Duration;

use http::Method;
use kernel::Scopes;

use crate::{provider::Mood, stage::PUBLIC_URL};

on_stage!(
    async fn a_person_links_and_returns_to_the_applications_path(stage) {
        let asked = stage.begin("1.1", "integration-1", "?client_id=abc.myapplication&returnPath=/goto_page").await;
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], "our-id");
        assert_eq!(asked["redirect_uri"], format!("{PUBLIC_URL}/integrations/oauth2/integration-1/callback"));
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["scope"], "activity heartrate sleep");
        assert_eq!(asked["state"].len(), 43);
        let back = stage.back("1.1", "integration-1", &format!("code=good-code&state={}", asked["state"])).await;
        assert_eq!((back.status, back.location()), (303, "myapplication://goto_page"));
        assert!(stage.connected("integration-1").await);
        // Nothing of it lies in the clear.
        let summary = stage.broker.summary_of(crate::stage::ORGANISATION, crate::stage::person(1)).await.unwrap();
        assert_eq!(summary[0].scopes_granted, "activity heartrate sleep".parse::<Scopes>().unwrap());
        assert_eq!(summary[0].used_by.len(), 2);
        assert!(summary[0].connected && summary[0].can_unlink && summary[0].scopes_missing.is_empty());
        assert!(!summary[1].connected && summary[1].can_link && !summary[1].can_unlink);
        assert_eq!(stage.text("SELECT name FROM event").await, "connection.linked");
        assert_eq!(stage.number("SELECT COUNT(*) FROM audit_event WHERE act = 'connection.linked'").await, 1);
    }
);

on_stage!(
    async fn whoever_is_not_signed_in_signs_in_first(stage) {
        let path = "/integrations/oauth2/integration-1/connect?client_id=abc.myapplication&ReturnPath=/goto_page";
        let away = stage.get(path, &[]).await;
        let back = "%2Fintegrations%2Foauth2%2Fintegration-1%2Fconnect%3Fclient_id%3Dabc.myapplication%26returnPath%3D%252Fgoto_page";
        assert_eq!((away.status, away.location()), (303, format!("/sign-in?return_to={back}").as_str()));
    }
);

on_stage!(
    async fn failure_is_told_to_the_application(stage) {
        for (said, told) in [("access_denied", "access_denied"), ("invalid_scope", "invalid_scope"), ("weird&x=y", "server_error")] {
            let asked = stage.begin("1.1", "integration-1", "?client_id=def.web&returnPath=/done%3Fc%3Dd%23part").await;
            let said: String = url::form_urlencoded::byte_serialize(said.as_bytes()).collect();
            let back = stage.back("1.1", "integration-1", &format!("error={said}&state={}", asked["state"])).await;
            assert_eq!(back.location(), format!("https://app.example/base/done?a=b&c=d&error={told}#part"));
        }
        assert_eq!(stage.provider.token_calls(), 0);
        let asked = stage.begin("1.1", "integration-1", "?client_id=abc.myapplication").await;
        stage.provider.mood(Mood::Down);
        let back = stage.back("1.1", "integration-1", &format!("code=good-code&state={}", asked["state"])).await;
        assert_eq!(back.location(), "myapplication://?error=temporarily_unavailable");
        stage.provider.mood(Mood::Good);
        let asked = stage.begin("1.1", "integration-1", "?client_id=abc.myapplication").await;
        let back = stage.back("1.1", "integration-1", &format!("code=bad-code&state={}", asked["state"])).await;
        assert_eq!(back.location(), "myapplication://?error=server_error");
        assert!(!stage.connected("integration-1").await);
    }
);

on_stage!(
    async fn no_redirect_leaves_for_a_place_that_nobody_registered(stage) {
        let refused = [
            "?client_id=nobody.x&returnPath=/x",
            "?client_id=ghi.untrusted&returnPath=/x",
            "?client_id=def.web&returnPath=/x&ReturnPath=/x",
            "?client_id=def.web&returnPath=/x&returnPath=/y",
            "?client_id=def.web&client_id=def.web",
            "?client_id=def.web&returnPath=//evil.example",
            "?client_id=def.web&returnPath=/%5Cevil.example",
            "?client_id=def.web&returnPath=/%252f%252fevil.example",
            "?client_id=def.web&returnPath=https://evil.example",
            "?client_id=def.web&ReturnPath=@evil.example",
            "?client_id=def.web&returnPath=/..",
            "?client_id=def.web&returnPath=/%0d%0aSet-Cookie:a=b",
            "?client_id=abc.myapplication&returnPath=//evil.example",
            "?returnPath=//evil.example",
        ];
        for query in refused {
            for browser in [&[("x-browser", "1.1")][..], &[]] {
                let page = stage.get(&format!("/integrations/oauth2/integration-1/connect{query}"), browser).await;
                assert_eq!((page.status, page.location()), (400, ""), "{query}");
                assert!(page.body.starts_with("page 400"), "{query}");
            }
        }
        let long = format!("/integrations/oauth2/integration-1/connect?client_id=def.web&returnPath=/{}", "a".repeat(2048));
        assert_eq!(stage.get(&long, &[("x-browser", "1.1")]).await.status, 400);
        let unknown = stage.get("/integrations/oauth2/integration-9/connect", &[("x-browser", "1.1")]).await;
        assert_eq!((unknown.status, unknown.location()), (404, ""));
        assert_eq!(stage.number("SELECT COUNT(*) FROM connect_session").await, 0);
    }
);

on_stage!(
    async fn an_answer_counts_once_in_its_own_browser_and_in_time(stage) {
        stage.link("1.1", "integration-1").await;
        let version = "SELECT credential_version FROM connection";
        let asked = stage.begin("1.1", "integration-1", "").await;
        let query = format!("code=good-code&state={}", asked["state"]);
        let refused = async |browser: &[(&str, &str)], slug: &str, query: &str| {
            let page = stage.get(&format!("/integrations/oauth2/{slug}/callback?{query}"), browser).await;
            assert_eq!((page.status, page.location()), (400, ""), "{slug} {query}");
        };
        // Another person, another session of the same person, nobody, no state, a made-up state.
        refused(&[("x-browser", "2.2")], "integration-1", &query).await;
        refused(&[("x-browser", "1.2")], "integration-1", &query).await;
        refused(&[], "integration-1", &query).await;
        refused(&[("x-browser", "1.1")], "integration-1", "code=good-code").await;
        refused(&[("x-browser", "1.1")], "integration-1", "code=good-code&state=x").await;
        refused(&[("x-browser", "1.1")], "integration-1", &format!("{query}&state=x")).await;
        assert_eq!(stage.number(version).await, 1);
        // The right browser, and then once more.
        assert_eq!(stage.back("1.1", "integration-1", &query).await.status, 303);
        assert_eq!(stage.number(version).await, 2);
        let calls = stage.provider.token_calls();
        refused(&[("x-browser", "1.1")], "integration-1", &query).await;
        // At the wrong integration, and too late.
        let asked = stage.begin("1.1", "integration-1", "").await;
        refused(&[("x-browser", "1.1")], "integration-2", &format!("code=good-code&state={}", asked["state"])).await;
        let asked = stage.begin("1.1", "integration-1", "").await;
        stage.clock.advance(Duration::from_secs(600));
        refused(&[("x-browser", "1.1")], "integration-1", &format!("code=good-code&state={}", asked["state"])).await;
        assert_eq!((stage.provider.token_calls(), stage.number(version).await), (calls, 2));
    }
);

on_stage!(
    async fn two_callbacks_at_once_are_one(stage) {
        let asked = stage.begin("1.1", "integration-1", "").await;
        let query = format!("code=good-code&state={}", asked["state"]);
        let path = format!("/integrations/oauth2/integration-1/callback?{query}");
        let headers = [("x-browser", "1.1")];
        let all = (0..8).map(|_| crate::stage::call(&stage.app, Method::GET, &path, &headers, ""));
        let statuses: Vec<u16> = futures_util::future::join_all(all).await.into_iter().map(|heard| heard.status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
        assert_eq!(stage.provider.token_calls(), 1);
    }
);

on_stage!(
    async fn an_answer_of_another_issuer_is_refused(stage) {
        let asked = stage.begin("1.1", "integration-1", "?client_id=abc.myapplication").await;
        let query = format!("code=good-code&state={}&iss=https%3A%2F%2Fevil.example", asked["state"]);
        let back = stage.back("1.1", "integration-1", &query).await;
        assert_eq!(back.location(), "myapplication://?error=server_error");
        assert_eq!(stage.provider.token_calls(), 0);
        let asked = stage.begin("1.1", "integration-1", "?client_id=abc.myapplication").await;
        let iss: String = url::form_urlencoded::byte_serialize(stage.provider.url("").as_bytes()).collect();
        let back = stage.back("1.1", "integration-1", &format!("code=good-code&state={}&iss={iss}", asked["state"])).await;
        assert_eq!(back.location(), "myapplication://");
    }
);

on_stage!(
    async fn an_id_token_is_asked_for_and_must_be_of_this_journey(stage) {
        let asked = stage.begin("1.1", "integration-3", "?client_id=abc.myapplication").await;
        assert_eq!(asked["nonce"].len(), 43);
        // The scopes do not promise one, so that none comes is no fault; with `openid` granted it is.
        let back = stage.back("1.1", "integration-3", &format!("code=good-code&state={}", asked["state"])).await;
        assert_eq!(back.location(), "myapplication://");
        stage.provider.set(|book| book.scope = Some("openid activity".to_owned()));
        let asked = stage.begin("1.1", "integration-3", "?client_id=abc.myapplication").await;
        let back = stage.back("1.1", "integration-3", &format!("code=good-code&state={}", asked["state"])).await;
        assert_eq!(back.location(), "myapplication://?error=server_error");
    }
);

on_stage!(
    async fn an_id_token_of_another_journey_client_or_issuer_links_nothing(stage) {
        let (issuer, exp) = (stage.provider.url(""), stage.world.now().as_seconds() + 300);
        let own = |nonce: &str| serde_json::json!({ "iss": issuer, "aud": "our-id", "nonce": nonce, "exp": exp, "sub": "s" });
        let wrong: [(&str, serde_json::Value); 5] = [
            ("nonce", "of-another-journey".into()),
            ("nonce", serde_json::Value::Null),
            ("aud", "another-client".into()),
            ("iss", "https://evil.example".into()),
            ("exp", (exp - 600).into()),
        ];
        for (claim, value) in wrong {
            let asked = stage.begin("1.1", "integration-3", "?client_id=abc.myapplication").await;
            let mut claims = own(&asked["nonce"]);
            claims[claim] = value;
            stage.provider.set(|book| book.id_claims = Some(claims));
            let back = stage.back("1.1", "integration-3", &format!("code=good-code&state={}", asked["state"])).await;
            assert_eq!(back.location(), "myapplication://?error=server_error", "{claim}");
            for table in ["SELECT COUNT(*) FROM connection", "SELECT COUNT(*) FROM credential", "SELECT COUNT(*) FROM event"] {
                assert_eq!(stage.number(table).await, 0, "{claim}: {table}");
            }
            assert!(!stage.connected("integration-3").await);
        }
        assert_eq!(stage.provider.token_calls(), 5);
        // The nonce of an earlier journey of the same browser is another journey's too.
        let earlier = stage.begin("1.1", "integration-3", "?client_id=abc.myapplication").await;
        for (is_earlier, told) in [(true, "?error=server_error"), (false, "")] {
            let asked = stage.begin("1.1", "integration-3", "?client_id=abc.myapplication").await;
            let claims = own(if is_earlier { &earlier["nonce"] } else { &asked["nonce"] });
            stage.provider.set(|book| book.id_claims = Some(claims));
            let back = stage.back("1.1", "integration-3", &format!("code=good-code&state={}", asked["state"])).await;
            assert_eq!(back.location(), format!("myapplication://{told}"));
        }
        assert!(stage.connected("integration-3").await);
    }
);

on_stage!(
    async fn fewer_scopes_than_asked_for_is_connected_reduced(stage) {
        stage.provider.set(|book| book.scope = Some("activity".to_owned()));
        stage.link("1.1", "integration-1").await;
        assert!(stage.connected("integration-1").await);
        let summary = stage.broker.summary_of(crate::stage::ORGANISATION, crate::stage::person(1)).await.unwrap();
        assert_eq!(summary[0].scopes_missing, "heartrate sleep".parse::<Scopes>().unwrap());
        // Asked again, and granted.
        stage.provider.set(|book| book.scope = None);
        let asked = stage.begin("1.1", "integration-1", "").await;
        assert_eq!(asked["scope"], "activity heartrate sleep");
        stage.back("1.1", "integration-1", &format!("code=good-code&state={}", asked["state"])).await;
        let summary = stage.broker.summary_of(crate::stage::ORGANISATION, crate::stage::person(1)).await.unwrap();
        assert!(summary[0].scopes_missing.is_empty());
        assert_eq!(stage.number("SELECT COUNT(*) FROM connection").await, 1);
    }
);

on_stage!(
    async fn linking_another_account_ends_the_first_over_there(stage) {
        stage.link("1.1", "integration-1").await;
        stage.link("1.1", "integration-1").await;
        assert_eq!(stage.number("SELECT COUNT(*) FROM revocation").await, 0);
        stage.provider.set(|book| book.user = "account-2".to_owned());
        stage.link("1.1", "integration-1").await;
        stage.worker().run_due().await.unwrap();
        assert_eq!(stage.provider.book.lock().unwrap().revoked, ["refresh-canary-2"]);
        assert!(stage.connected("integration-1").await);
        assert_eq!(stage.number("SELECT COUNT(*) FROM credential").await, 1);
    }
);

on_stage!(
    async fn a_clinics_own_addresses_are_discovered(stage) {
        let asked = stage.begin("1.1", "clinic", "").await;
        assert_eq!(asked["aud"], stage.provider.url("/fhir"));
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["scope"], "offline_access patient/*.rs");
        let back = stage.back("1.1", "clinic", &format!("code=good-code&state={}", asked["state"])).await;
        assert_eq!(back.location(), format!("{PUBLIC_URL}/integrations/"));
        let person = crate::stage::person(1);
        assert!(stage.broker.unlink_by_slug(person, "clinic", &broker::By::system()).await.unwrap());
        stage.worker().run_due().await.unwrap();
        assert_eq!(stage.provider.book.lock().unwrap().revoked, ["refresh-canary-1"]);
    }
);

on_stage!(
    async fn nothing_lies_in_the_clear(stage) {
        stage.link("1.1", "integration-1").await;
        stage.clock.advance(std::time::Duration::from_secs(3601));
        stage.api("1.1", "/integrations/v1/integration-1/proxy/1/x").await;
        stage.begin("1.1", "integration-1", "").await;
        stage.provider.set(|book| book.revoke_down = true);
        stage.broker.unlink_by_slug(crate::stage::person(1), "integration-1", &broker::By::system()).await.unwrap();
        stage.db.flush_lazy().await.unwrap();
        if stage.db.engine() == testkit::engine::SQLITE {
            let copy = tempfile::tempdir().unwrap();
            let path = copy.path().join("copy.db");
            stage.db.backup_to(&path).await.unwrap();
            let bytes = std::fs::read(path).unwrap();
            for canary in ["-canary-", "account-1", "our-secret", "good-code"] {
                assert!(!bytes.windows(canary.len()).any(|window| window == canary.as_bytes()), "{canary}");
            }
        }
    }
);
