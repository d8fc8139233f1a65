//! What pages need besides their dialect: no forged forms, and a policy on what they may load.  ASVS 3.4, 3.5

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use kernel::Kind;
use tower_http::csrf::{CsrfLayer, ProtectionError};

use crate::Problem;

/// A Content-Security-Policy for pages.
#[derive(Debug, Clone)]
pub struct Csp(HeaderValue);

impl Csp {
    /// Everything from this origin only, nothing inline, forms to this origin only, never in a frame.
    pub const fn strict() -> Self {
        Self(HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
             form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ))
    }

    /// [`strict`](Self::strict) without `form-action`: for pages whose form is answered with a redirect to an
    /// application, as sign-in and consent are. Chromium holds the redirects after a form against `form-action` too,
    /// and would stop the browser at the door of `https://app.example` or `myapp://`. Where such a form may lead is
    /// decided by the registered redirect URI.
    pub const fn ending_elsewhere() -> Self {
        Self(HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
             frame-ancestors 'none'; base-uri 'none'",
        ))
    }

    /// A policy of one's own.
    pub const fn of(policy: &'static str) -> Self {
        Self(HeaderValue::from_static(policy))
    }

    /// The header's value, for a handler that sets another than its family's.
    pub fn value(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// These routes are pages: a form that another site sends is refused 403 (by `Sec-Fetch-Site`, else `Origin` against
/// `Host`), no cache keeps them, and they carry the policy, each unless the handler says otherwise.
///
/// Not for routes that other sites may post to: an `/authorize` by POST, a callback in `form_post`.
pub fn browser<S: Clone + Send + Sync + 'static>(policy: Csp, routes: Router<S>) -> Router<S> {
    let forged = |_: ProtectionError| -> Response<Body> {
        Problem::new(Kind::Forbidden, "this form was sent from another site").into_response()
    };
    routes.layer(CsrfLayer::new().with_rejection_response(forged)).layer(from_fn_with_state(policy, dress))
}

async fn dress(State(policy): State<Csp>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy.0);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    // Under `no-referrer` a browser sends `Origin: null` with our own forms; this tells other sites no more.
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    response
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use http::Request;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn forms_of_other_sites_are_refused() {
        let pages = Router::new().route("/f", get(|| async { "page" }).post(|| async { "done" }));
        let pages = browser(Csp::strict(), pages);
        type Headers = &'static [(&'static str, &'static str)];
        let table: [(&str, Headers, u16); 9] = [
            ("POST", &[("sec-fetch-site", "same-origin")], 200),
            ("POST", &[("sec-fetch-site", "same-origin"), ("origin", "null")], 200),
            ("POST", &[("sec-fetch-site", "cross-site")], 403),
            ("POST", &[("sec-fetch-site", "same-site"), ("origin", "https://evil.hilum.example")], 403),
            ("POST", &[("origin", "https://hilum.example")], 200),
            ("POST", &[("origin", "https://evil.example")], 403),
            ("POST", &[("origin", "null")], 403),
            ("POST", &[], 200),
            ("GET", &[("sec-fetch-site", "cross-site")], 200),
        ];
        for (method, headers, status) in table {
            let mut request = Request::builder().method(method).uri("/f").header("host", "hilum.example");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let response = pages.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{method} {headers:?}");
            assert_eq!(response.headers()["content-security-policy"], Csp::strict().value());
            assert_eq!(response.headers()["cache-control"], "no-store");
        }
    }

    #[test]
    fn pages_that_end_elsewhere_differ_in_form_action_only() {
        let strict = Csp::strict().value().to_str().unwrap().replace("form-action 'self'; ", "");
        assert_eq!(Csp::ending_elsewhere().value(), strict);
    }
}
