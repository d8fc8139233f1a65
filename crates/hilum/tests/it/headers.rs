//! What every answer tells browsers, proxies and caches, and what requests cannot make us believe.

use axum::body::Body;
use http::{Method, Request, header};

use crate::{
    app::{ADMINISTRATOR, DEVELOPER, DIARY, PATIENT, PEER, Reply, Somebody, TestApp, form},
    pages::Names,
};

fn directive<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    let policy = reply.header("content-security-policy");
    policy.split(';').map(str::trim).find_map(|one| one.strip_prefix(name)).map(str::trim)
}

#[track_caller]
fn assert_closed(reply: &Reply, what: &str) {
    assert_eq!(reply.header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(directive(reply, "default-src"), Some("'none'"), "{what}");
    assert_eq!(directive(reply, "frame-ancestors"), Some("'none'"), "{what}");
    assert!(["no-referrer", "same-origin"].contains(&reply.header("referrer-policy")), "{what}");
    assert!(!reply.headers.contains_key("server") && !reply.headers.contains_key("x-powered-by"), "{what}");
}

/// The first address of that kind on a page.
fn address_on(page: &str, prefix: &str) -> String {
    let at = page.find(prefix).unwrap_or_else(|| panic!("no {prefix} on {page}"));
    page[at..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn pages_may_load_what_is_ours_and_nothing_inline() {
    let app = TestApp::new().await;
    let browser = app.signed_in(ADMINISTRATOR).await;
    for path in ["/sign-in", "/admin/", "/integrations/", "/nope", "/sign-out"] {
        let reply = browser.get(path).await;
        assert_closed(&reply, path);
        assert_eq!(directive(&reply, "script-src"), Some("'self'"), "{path}");
        assert_eq!(directive(&reply, "style-src"), Some("'self'"), "{path}");
        assert_eq!(directive(&reply, "base-uri"), Some("'none'"), "{path}");
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
        let html = reply.text();
        assert!(
            !html.contains("<style") && !html.contains(" style=") && !html.contains(" onclick="),
            "{path}"
        );
        for script in html.split("<script").skip(1) {
            assert!(
                script.trim_start().starts_with("src=\"/assets/") || script.contains(" src=\"/assets/"),
                "{path}"
            );
        }
    }
    // A form that ends at an application must not be stopped on its way there; all others stay here.
    assert_eq!(directive(&browser.get("/sign-in").await, "form-action"), None);
    assert_eq!(directive(&browser.get("/admin/").await, "form-action"), Some("'self'"));
}

#[tokio::test]
async fn assets_are_kept_for_good_and_apis_are_not() {
    let app = TestApp::new().await;
    let page = app.get("/sign-in").await.text();
    let asset = app.get(&address_on(&page, "/assets/")).await.expect(200);
    assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
    assert_closed(&asset, "an asset");
    assert!(asset.header("content-type").starts_with("text/"), "{}", asset.header("content-type"));

    let token = app.token(PATIENT, DIARY, "openid email").await;
    let list = app.call(Method::GET, "/integrations/v1/", &token, None).await.expect(200);
    assert_closed(&list, "the list");
    let userinfo = app.call(Method::GET, "/oauth2/userinfo", &token, None).await.expect(200);
    assert_closed(&userinfo, "userinfo");
    for (reply, what) in [(&list, "what a person has linked"), (&userinfo, "claims")] {
        assert!(
            reply.header("cache-control").contains("no-store"),
            "{what}: {}",
            reply.header("cache-control")
        );
    }
    let keys = app.get("/oauth2/jwks").await.expect(200);
    assert_eq!(keys.header("cache-control"), "public, max-age=300");
    assert_eq!(keys.header("access-control-allow-origin"), "*");
    assert_eq!(list.header("access-control-allow-origin"), "", "a person's data is for no origin");
}

#[tokio::test]
async fn tokens_are_kept_nowhere_and_not_compressed() {
    let app = TestApp::new().await;
    let pair = crypto::b64::encode_standard(format!("{}:{}", DIARY.client_id, DIARY.secret));
    let request = Request::post("/oauth2/token")
        .header(header::AUTHORIZATION, format!("Basic {pair}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT_ENCODING, "gzip");
    let reply = app
        .send(request.body(Body::from(form(&[("grant_type", "client_credentials")]))).unwrap())
        .await
        .expect(200);
    assert_closed(&reply, "a token");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("pragma"), "no-cache");
    assert_eq!(reply.header("content-encoding"), "");
    assert!(reply.bytes.len() > 512, "it would be compressed if it were another");
    let page =
        Request::get("/openapi.json").header(header::ACCEPT_ENCODING, "gzip").body(Body::empty()).unwrap();
    assert_eq!(app.send(page).await.expect(200).header("content-encoding"), "gzip");
}

fn session_cookie(reply: &Reply) -> String {
    let mut set = reply.headers.get_all(header::SET_COOKIE).iter();
    let cookie = set.next().unwrap().to_str().unwrap().to_owned();
    assert!(set.next().is_none());
    cookie
}

#[tokio::test]
async fn the_session_is_for_this_host_and_no_script() {
    let plain = TestApp::new().await;
    let cookie = session_cookie(&plain.browser().sign_in(PATIENT).await);
    let attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
    assert!(cookie.starts_with("hilum-session="), "{cookie}");
    assert_eq!(attributes, ["Path=/", "HttpOnly", "SameSite=Lax"]);
    assert_eq!(plain.get("/sign-in").await.header("strict-transport-security"), "");

    let secure = TestApp::set(&[("server.public_url", "https://hilum.example")]).await;
    let reply = secure.browser().sign_in(PATIENT).await;
    let cookie = session_cookie(&reply);
    let attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
    assert!(cookie.starts_with("__Host-hilum-session="), "{cookie}");
    assert_eq!(attributes, ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"]);
    for path in ["/sign-in", "/oauth2/jwks", "/nope", "/health/live"] {
        assert_eq!(secure.get(path).await.header("strict-transport-security"), "max-age=63072000", "{path}");
    }
}

#[tokio::test]
async fn a_session_is_new_with_every_sign_in_and_over_with_sign_out() {
    let app = TestApp::new().await;
    let browser = app.signed_in(PATIENT).await;
    let first = browser.cookies.borrow().clone();
    browser.sign_in(PATIENT).await.expect(303);
    let second = browser.cookies.borrow().clone();
    assert_ne!(first, second);
    for old in [first, second] {
        let other = app.browser();
        *other.cookies.borrow_mut() = old.clone();
        let is_current = old == *browser.cookies.borrow();
        assert_eq!(other.get("/integrations/").await.status, if is_current { 200 } else { 303 });
    }
    let stolen = browser.cookies.borrow().clone();
    let out = browser.post("/sign-out", &[]).await.expect(303);
    assert!(session_cookie(&out).contains("Max-Age=0"), "{}", session_cookie(&out));
    let thief = app.browser();
    *thief.cookies.borrow_mut() = stolen.clone();
    assert_eq!(
        thief.get("/integrations/").await.status,
        303,
        "the session is over here, not in the browser alone"
    );
    // A cookie that somebody has changed by one letter is none.
    let (name, value) = stolen.first_key_value().unwrap();
    let changed = format!("{}{}", &value[..value.len() - 1], if value.ends_with('A') { 'B' } else { 'A' });
    thief.cookies.borrow_mut().insert(name.clone(), changed);
    assert_eq!(thief.get("/integrations/").await.status, 303);
}

/// A form that another site sends with our person's cookies does nothing, whichever form it is.
#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let app = TestApp::set(&[("people.self_registration", "open")]).await;
    let names = Names::of_northwind(&app).await;
    let everything = app.signed_in(ADMINISTRATOR).await;
    let developer = app.signed_in(DEVELOPER).await;
    let forged: [&[(&str, &str)]; 4] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "http://evil.127.0.0.1:8080")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ];
    let posts: Vec<&str> = console::ROUTES
        .iter()
        .filter(|(method, _)| *method == "POST")
        .map(|(_, template)| *template)
        .collect();
    assert!(posts.len() >= 20, "{posts:?}");
    for template in posts {
        let browser = if template.starts_with("/developer/") { &developer } else { &everything };
        for headers in forged {
            let reply = browser.send(Method::POST, &names.fill(template), Some(String::new()), headers).await;
            assert_eq!(reply.status, 403, "{template} {headers:?}: {}", reply.text());
            assert!(reply.headers.get(header::SET_COOKIE).is_none(), "{template} {headers:?}");
        }
    }
    everything.get("/admin/").await.expect(200);
    developer.get("/developer/").await.expect(200);
}

/// Somebody who tries passwords from one address stays one, whatever the request says of where it comes from.
#[tokio::test]
async fn an_address_cannot_be_made_up() {
    let limit = ("limits.token_per_minute", "3");
    let spoofed = |last: u8| {
        Request::post("/oauth2/token")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("x-forwarded-for", format!("198.51.100.{last}"))
            .header("forwarded", format!("for=198.51.100.{last}"))
            .header("x-real-ip", format!("198.51.100.{last}"))
            .body(Body::empty())
            .unwrap()
    };
    let statuses = async |app: &TestApp| {
        let mut statuses = Vec::new();
        for last in 1..=5 {
            statuses.push(app.send(spoofed(last)).await.status);
        }
        statuses
    };
    let direct = TestApp::empty(&[limit], 0).await;
    assert_eq!(statuses(&direct).await, [401, 401, 401, 429, 429]);
    let proxy = format!("[\"{}\"]", PEER.split(':').next().unwrap());
    let behind = TestApp::empty(&[limit, ("server.trusted_proxies", &proxy)], 0).await;
    assert_eq!(statuses(&behind).await, [401, 401, 401, 401, 401], "a trusted proxy is believed");
}

/// What is typed into a form comes back as text, never as markup.
#[tokio::test]
async fn what_is_typed_stays_text() {
    let app = TestApp::new().await;
    let mark = "\"><script>alert(1)</script>";
    let refused = app.browser().sign_in(Somebody("\"><script>alert(1)</script>", "x")).await;
    assert!(!refused.text().contains("<script>alert"), "{}", refused.text());
    let administrator = app.signed_in(ADMINISTRATOR).await;
    administrator
        .post("/admin/organisation/sites", &[("site_name", mark), ("site_slug", "mark")])
        .await
        .expect(303);
    let shown = administrator.get("/admin/organisation").await.expect(200).text();
    assert!(shown.contains("alert(1)") && !shown.contains("<script>alert"), "{shown}");
    let query = form(&[("act", mark), ("person", mark)]);
    let audit = administrator.get(&format!("/admin/audit?{query}")).await.expect(200).text();
    assert!(!audit.contains("<script>alert"), "{audit}");
}
