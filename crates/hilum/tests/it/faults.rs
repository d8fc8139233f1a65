//! Every family of routes words the refusals of the framework in its own dialect: 404, 405 with what would be allowed,
//! 413, 415, malformed bodies, and 429.

use axum::body::Body;
use http::{Request, header};

use crate::app::{DIARY, PATIENT, Reply, TestApp};

/// How a family words a refusal.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Says {
    OAuth,
    Problem,
    Page,
}

#[track_caller]
fn assert_worded(reply: &Reply, says: Says, status: u16) {
    assert_eq!(reply.status, status, "{says:?}: {}", reply.text());
    let request_id = reply.header("x-request-id");
    assert!(!request_id.is_empty());
    assert_eq!(reply.header("cache-control"), "no-store");
    match says {
        Says::OAuth => {
            assert_eq!(reply.header("content-type"), "application/json");
            let body = reply.json();
            let members: Vec<&String> = body.as_object().unwrap().keys().collect();
            assert_eq!(members, ["error", "error_description"], "RFC 6749 §5.2");
            assert!(!body["error_description"].as_str().unwrap().is_empty());
        }
        Says::Problem => {
            assert_eq!(reply.header("content-type"), "application/problem+json");
            let body = reply.json();
            assert_eq!(body["status"], status);
            assert_eq!(body["request_id"], request_id);
            for member in ["type", "title", "detail", "instance"] {
                assert!(!body[member].as_str().unwrap().is_empty(), "{member}: {body}");
            }
        }
        Says::Page => {
            assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
            let html = reply.text();
            assert!(html.starts_with("<!doctype html>") || html.starts_with("<!DOCTYPE html>"), "{html}");
            assert!(html.contains(request_id), "no reference to tell the operator: {html}");
        }
    }
}

/// A request with a body of a type and, for the API, a token.
fn request(method: &str, path: &str, media: &str, bearer: &str, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !media.is_empty() {
        request = request.header(header::CONTENT_TYPE, media);
    }
    if !bearer.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
    }
    request.body(body.into()).unwrap()
}

#[tokio::test]
async fn a_path_that_is_not_there() {
    let app = TestApp::empty(&[], 0).await;
    for (path, says) in [
        ("/oauth2/nope", Says::OAuth),
        ("/oauth2", Says::OAuth),
        ("/integrations/v1/alpha/nope", Says::Problem),
        ("/nope", Says::Page),
        ("/admin/nope", Says::Page),
        ("/integrations/nope/nope", Says::Page),
        ("/health/nope", Says::Page),
        ("/assets/00/nope.css", Says::Page),
    ] {
        assert_worded(&app.get(path).await, says, 404);
    }
}

#[tokio::test]
async fn a_method_that_is_not_there() {
    let app = TestApp::empty(&[], 0).await;
    for (method, path, says, allowed) in [
        ("GET", "/oauth2/token", Says::OAuth, "POST"),
        ("PUT", "/oauth2/userinfo", Says::OAuth, "GET,HEAD,POST"),
        ("DELETE", "/oauth2/jwks", Says::OAuth, "GET,HEAD"),
        ("DELETE", "/oauth2/authorize", Says::Page, "GET,HEAD,POST"),
        ("PATCH", "/integrations/v1/alpha", Says::Problem, "DELETE,GET,HEAD"),
        ("GET", "/integrations/v1/alpha/actions/steps", Says::Problem, "POST"),
        ("POST", "/integrations/oauth2/alpha/connect", Says::Page, "GET,HEAD"),
        ("PUT", "/sign-in", Says::Page, "GET,HEAD,POST"),
        ("DELETE", "/admin/people", Says::Page, "GET,HEAD,POST"),
        ("POST", "/health/live", Says::Problem, "GET,HEAD"),
    ] {
        let reply = app.send(request(method, path, "", "", "")).await;
        assert_worded(&reply, says, 405);
        let mut told: Vec<&str> = reply.header("allow").split(',').map(str::trim).collect();
        told.sort_unstable();
        assert_eq!(told.join(","), allowed, "{method} {path}");
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[tokio::test]
async fn a_body_that_is_too_large_or_of_another_type_or_malformed() {
    let app = TestApp::set(&[("server.body_bytes_max", "131072")]).await;
    let token = app.token(PATIENT, DIARY, "openid").await;
    let large = || "x".repeat(131_073);
    let steps = "/integrations/v1/alpha/actions/steps";
    for (path, says, media, other, bearer) in [
        ("/oauth2/token", Says::OAuth, FORM, JSON, ""),
        (steps, Says::Problem, JSON, FORM, token.as_str()),
        ("/sign-in", Says::Page, FORM, JSON, ""),
    ] {
        assert_worded(&app.send(request("POST", path, media, bearer, large())).await, says, 413);
        assert_worded(&app.send(request("POST", path, other, bearer, "{}")).await, says, 415);
        assert_worded(&app.send(request("POST", path, "", bearer, "x")).await, says, 415);
    }
    for json in ["", "{", r#"{"from":}"#, "[[[[", r#"{"from":1} x"#, &"[".repeat(100)] {
        assert_worded(
            &app.send(request("POST", steps, JSON, &token, json.to_owned())).await,
            Says::Problem,
            400,
        );
    }
    for form in ["grant_type=a&grant_type=b", "grant_type=%ff", "a=%00"] {
        assert_worded(&app.send(request("POST", "/oauth2/token", FORM, "", form)).await, Says::OAuth, 400);
        assert_worded(&app.send(request("POST", "/sign-in", FORM, "", form)).await, Says::Page, 400);
    }
}

#[tokio::test]
async fn a_body_that_is_just_small_enough_is_read() {
    let app = TestApp::set(&[("server.body_bytes_max", "131072")]).await;
    let filler = format!("grant_type=x&y={}", "y".repeat(131_072 - 15));
    let reply = app.send(request("POST", "/oauth2/token", FORM, "", filler)).await;
    assert_worded(&reply, Says::OAuth, 401);
}

#[tokio::test]
async fn too_many_requests() {
    let slow = [("limits.token_per_minute", "2"), ("limits.sign_in_per_minute", "2")];
    let app = TestApp::empty(&slow, 0).await;
    for (path, says, before) in [("/oauth2/token", Says::OAuth, 401), ("/sign-in", Says::Page, 422)] {
        for _ in 0..2 {
            let reply = app.send(request("POST", path, FORM, "", "grant_type=x")).await;
            assert_eq!(reply.status, before, "{path}: {}", reply.text());
            assert_eq!(reply.header("ratelimit-limit"), "2", "{path}");
        }
        let reply = app.send(request("POST", path, FORM, "", "grant_type=x")).await;
        assert_worded(&reply, says, 429);
        assert_eq!(reply.header("retry-after"), "30", "{path}");
        let elsewhere =
            app.send_from("198.51.100.7:1", request("POST", path, FORM, "", "grant_type=x")).await;
        assert_eq!(elsewhere.status, before, "another address is not to blame");
    }
    app.clock.advance(std::time::Duration::from_secs(30));
    let reply = app.send(request("POST", "/oauth2/token", FORM, "", "grant_type=x")).await;
    assert_worded(&reply, Says::OAuth, 401);
}

#[tokio::test]
async fn too_many_requests_to_everything() {
    let app = TestApp::empty(&[("limits.requests_per_minute", "3")], 0).await;
    for (path, says) in
        [("/integrations/v1/", Says::Problem), ("/sign-out", Says::Page), ("/oauth2/userinfo", Says::OAuth)]
    {
        for _ in 0..3 {
            let reply = app.send_from("192.0.2.1:1", request("GET", path, "", "", "")).await;
            assert!([200, 401, 429].contains(&reply.status), "{path}: {}", reply.status);
        }
        let reply = app.send_from("192.0.2.1:1", request("GET", path, "", "", "")).await;
        assert_worded(&reply, says, 429);
    }
}

#[tokio::test]
async fn an_address_that_is_too_long() {
    let app = TestApp::empty(&[], 0).await;
    let reply = app.get(&format!("/sign-in?x={}", "y".repeat(9_000))).await;
    assert_eq!(reply.status, 414);
    assert!(!reply.text().contains("yyyy"), "the refusal repeats the address");
}

#[tokio::test]
async fn a_request_id_of_the_callers_is_kept_if_it_is_one() {
    let app = TestApp::empty(&[], 0).await;
    let ask = async |id: &str| {
        let request = Request::get("/nope").header("x-request-id", id).body(Body::empty()).unwrap();
        app.send(request).await.header("x-request-id").to_owned()
    };
    assert_eq!(ask("trace-1_A").await, "trace-1_A");
    for bad in ["", "a b", "<script>", &"x".repeat(65)] {
        let told = ask(bad).await;
        assert!(told.starts_with("req_") && told.len() == 36, "{bad:?} became {told}");
    }
    let reply =
        app.get("/nope?<script>alert(1)</script>".replace('<', "%3C").replace('>', "%3E").as_str()).await;
    assert!(!reply.text().contains("alert"), "the page repeats the query");
}
