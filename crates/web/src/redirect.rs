//! Sending a browser on: always 303, so that a form is never posted a second time elsewhere.  RFC 9110 §15.4.4

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use kernel::Kind;

use crate::{LocalPath, Problem};

/// A 303 that no cache keeps.
#[derive(Debug, Clone)]
pub struct Redirect(HeaderValue);

impl Redirect {
    /// To a place on this site.
    pub fn to(path: &LocalPath) -> Self {
        Self(HeaderValue::from_str(path.as_str()).unwrap_or(HeaderValue::from_static("/")))
    }

    /// To a page of ours, known when this was written.
    pub const fn to_page(path: &'static str) -> Self {
        Self(HeaderValue::from_static(path))
    }

    /// Off this site. The caller has proven that the URI may be gone to: a registered redirect URI, a provider's
    /// authorization endpoint.
    ///
    /// # Errors
    /// A URI with characters that do not belong in one is our mistake, answered 500.
    pub fn to_trusted(uri: &str) -> Result<Self, Problem> {
        let clean = uri.bytes().all(|byte| byte.is_ascii_graphic());
        match HeaderValue::from_str(uri) {
            Ok(value) if clean => Ok(Self(value)),
            Ok(_) | Err(_) => {
                tracing::error!("a redirect target holds characters that no URI may hold");
                Err(Problem::new(Kind::Internal, Problem::INTERNAL))
            }
        }
    }
}

impl IntoResponse for Redirect {
    fn into_response(self) -> Response {
        let headers =
            [(header::LOCATION, self.0), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        (StatusCode::SEE_OTHER, headers).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_a_303_and_cannot_split_the_answer() {
        let response = Redirect::to(&LocalPath::parse("/a?b").unwrap()).into_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["location"]),
            (303, &"/a?b".parse().unwrap())
        );
        assert!(Redirect::to_trusted("myapplication://goto_page").is_ok());
        for uri in ["https://a/\r\nX: y", "https://a/ b", "https://ü/"] {
            assert!(Redirect::to_trusted(uri).is_err(), "{uri:?}");
        }
    }
}
