//! The way through: only what the trust allows, with nothing of the caller's own, and nothing of the token.

use std::time::Duration;

use http::Method;

use crate::stage::{client, terms};

const BEARER: (&str, &str) = ("authorization", "Bearer 1.1");

fn path(rest: &str) -> String {
    format!("/integrations/v1/integration-1/proxy{rest}")
}

on_stage!(
    async fn a_call_goes_through_with_the_persons_token_and_nothing_of_the_callers(stage) {
        stage.link("1.1", "integration-1").await;
        stage.provider.set(|book| {
            let headers = vec![("set-cookie", "a=b".to_owned()), ("etag", "\"1\"".to_owned()), ("x-ratelimit-limit", "9".to_owned())];
            book.api_answers = vec![(200, headers, "hello".to_owned())];
        });
        let headers = [BEARER, ("cookie", "session=ours"), ("accept", "text/plain"), ("x-forwarded-for", "10.0.0.1")];
        let heard = stage.call(Method::GET, &path("/1/user/-/a%20b.json?day=1&x=%2F"), &headers, "").await;
        assert_eq!((heard.status, heard.body.as_str()), (200, "hello"));
        assert!(!heard.headers.contains_key("set-cookie"));
        assert_eq!((&heard.headers["etag"], &heard.headers["cache-control"]), (&"\"1\"".parse().unwrap(), &"no-store, no-transform".parse().unwrap()));
        let book = stage.provider.book.lock().unwrap();
        let (method, uri, sent) = book.api_calls.last().unwrap();
        assert_eq!((method.as_str(), uri.as_str()), ("GET", "/api/1/user/-/a%20b.json?day=1&x=%2F"));
        assert_eq!(sent["authorization"], "Bearer access-canary-1");
        assert_eq!(sent["accept"], "text/plain");
        for name in ["cookie", "x-forwarded-for", "forwarded", "x-request-id"] {
            assert!(!sent.contains_key(name), "{name}");
        }
    }
);

on_stage!(
    async fn what_the_trust_does_not_allow_does_not_go_through(stage) {
        stage.link("1.1", "integration-1").await;
        let calls = stage.provider.book.lock().unwrap().api_calls.len();
        for (method, rest, status) in [
            (Method::GET, "/2/x", 403),
            (Method::POST, "/1/x", 403),
            (Method::DELETE, "/1/things", 403),
            (Method::GET, "/1/../2/x", 400),
            (Method::GET, "/1/%2e%2e/2/x", 400),
            (Method::GET, "/1//x", 400),
            (Method::GET, "/1/a%2fb", 400),
            (Method::GET, "/1/..%5c2", 400),
            (Method::GET, "/1/x/", 400),
            (Method::GET, "//evil.example/1/x", 400),
            (Method::GET, "/1/..;/2", 400),
        ] {
            let heard = stage.call(method.clone(), &path(rest), &[BEARER], "").await;
            assert_eq!(heard.status, status, "{method} {rest}: {}", heard.body);
        }
        assert_eq!(stage.call(Method::GET, &path("/1/x?access_token=mine"), &[BEARER], "").await.status, 400);
        assert_eq!(stage.provider.book.lock().unwrap().api_calls.len(), calls);
        let big = "x".repeat(2 * 1024 * 1024 + 1);
        assert_eq!(stage.call(Method::POST, &path("/1/things"), &[BEARER], &big).await.status, 413);
    }
);

on_stage!(
    async fn a_redirect_is_not_followed(stage) {
        stage.link("1.1", "integration-1").await;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let target = format!("http://{}/latest/meta-data/", listener.local_addr().unwrap());
        stage.provider.set(|book| book.api_answers = vec![(302, vec![("location", target)], String::new())]);
        let heard = stage.call(Method::GET, &path("/1/x"), &[BEARER], "").await;
        assert_eq!((heard.status, heard.location()), (302, ""));
        assert!(listener.accept().is_err(), "somebody followed the redirect");
    }
);

on_stage!(
    async fn only_what_is_safe_is_tried_again(stage) {
        stage.link("1.1", "integration-1").await;
        let busy = || (503, Vec::new(), "busy".to_owned());
        stage.provider.set(|book| book.api_answers = vec![busy(), (200, Vec::new(), "there".to_owned())]);
        assert_eq!(stage.call(Method::GET, &path("/1/x"), &[BEARER], "").await.body, "there");
        stage.provider.set(|book| book.api_answers = vec![busy(), (200, Vec::new(), "twice".to_owned())]);
        assert_eq!(stage.call(Method::POST, &path("/1/things"), &[BEARER], "{}").await.body, "busy");
        // Told to wait for longer than a caller is held: the answer is passed on.
        let told = (429, vec![("retry-after", "120".to_owned())], "slow down".to_owned());
        stage.provider.set(|book| book.api_answers = vec![told]);
        let heard = stage.call(Method::GET, &path("/1/x"), &[BEARER], "").await;
        assert_eq!((heard.status, &heard.headers["retry-after"]), (429, &"120".parse().unwrap()));
    }
);

on_stage!(
    async fn each_trust_has_its_rate(stage) {
        stage.link("1.1", "integration-1").await;
        let slow = broker::trust::Terms { rate_per_minute: 2, ..terms() };
        stage.broker.grant_trust(crate::stage::ORGANISATION, client(1), "integration-1", slow, &broker::By::system()).await.unwrap();
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(stage.call(Method::GET, &path("/1/x"), &[BEARER], "").await.status);
        }
        assert_eq!(statuses, [200, 200, 429]);
        // Another client has its own.
        assert_eq!(stage.call(Method::GET, &path("/1/x"), &[("authorization", "Bearer 2.1")], "").await.status, 200);
        stage.clock.advance(Duration::from_secs(60));
        assert_eq!(stage.call(Method::GET, &path("/1/x"), &[BEARER], "").await.status, 200);
    }
);

on_stage!(
    async fn every_call_and_the_last_use_are_on_record(stage) {
        stage.link("1.1", "integration-1").await;
        stage.call(Method::GET, &path("/1/secret-day"), &[BEARER], "").await;
        stage.db.flush_lazy().await.unwrap();
        assert_eq!(stage.number("SELECT COUNT(*) FROM audit_event WHERE act = 'connection.proxied'").await, 1);
        let summary = stage.broker.summary_of(crate::stage::ORGANISATION, crate::stage::person(1)).await.unwrap();
        assert!(summary[0].last_used_at.is_some());
        assert_eq!(summary[0].used_by.iter().filter(|client| client.last_used_at.is_some()).count(), 1);
    }
);
