//! `GET /.well-known/discovery-document.json`: where every published operation of every API here is.  Contract 3
//!
//! It is made of the OpenAPI document, which is made of the routes, so that no address is written down twice.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::Kind;
use utoipa::openapi::{OpenApi, path::Operation, path::PathItem};
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{Answer, Problem};

/// How long an address is believed without asking again, in seconds.
pub const MAX_AGE_S: u32 = 300;

/// The document, once all routes are known.
#[derive(Clone, Default)]
pub struct Discovery(Arc<OnceLock<Rendered>>);

struct Rendered {
    body: Bytes,
    etag: HeaderValue,
}

impl Discovery {
    /// Every published operation is known now. `base` is where this deployment is, without a slash at the end.
    pub fn settle(&self, api: &OpenApi, base: &str) {
        self.0.get_or_init(|| {
            let body = serde_json::to_vec(&entries(api, base)).unwrap_or_default();
            Rendered { etag: super::interaction::etag_of(&body), body: body.into() }
        });
    }

    /// Where the document is.
    pub fn routes(&self) -> OpenApiRouter {
        OpenApiRouter::new().routes(routes!(discovery_document)).with_state(self.clone())
    }
}

/// One entry for each operation: its name with `_endpoint` and its whole address, or with `_namespace` and the part of its
/// address that path segments are added to.
pub fn entries(api: &OpenApi, base: &str) -> BTreeMap<String, String> {
    let of_path = |(path, item): (&String, &PathItem)| -> Vec<(String, String)> {
        let (place, kind) = match path.split_once('{') {
            Some((before, _)) => (before, "namespace"),
            None => (path.as_str(), "endpoint"),
        };
        let address = format!("{base}{place}");
        operations(item)
            .map(|(method, it)| (format!("{}_{kind}", name(method, path, it)), address.clone()))
            .collect()
    };
    api.paths.paths.iter().flat_map(of_path).collect()
}

fn operations(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    let all = [
        ("get", &item.get),
        ("put", &item.put),
        ("post", &item.post),
        ("delete", &item.delete),
        ("head", &item.head),
        ("patch", &item.patch),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

/// The operation's own name; one without is called by its method and path.
fn name(method: &str, path: &str, operation: &Operation) -> String {
    let spelt = |text: &str| -> String {
        let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        text.chars().map(letter).collect()
    };
    match operation.operation_id.as_deref() {
        Some(id) => spelt(id),
        None => spelt(&format!("{method}{path}")),
    }
}

/// Where every operation of every API of this deployment is.
#[utoipa::path(get, path = "/.well-known/discovery-document.json", tag = "discovery",
    operation_id = "discovery_document",
    responses(
        (status = 200, description = "Names and addresses", body = BTreeMap<String, String>),
        (status = 304, description = "It is what the caller has already")))]
async fn discovery_document(State(discovery): State<Discovery>, headers: HeaderMap) -> Answer<Response> {
    let rendered = discovery.0.get().ok_or_else(|| {
        Problem::new(Kind::Unavailable, "the addresses are not known yet").with_retry_after(1)
    })?;
    let mut response = match super::interaction::is_known(&headers, &rendered.etag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => rendered.body.clone().into_response(),
    };
    let told = response.headers_mut();
    told.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    told.insert(header::ETAG, rendered.etag.clone());
    if let Ok(value) = HeaderValue::from_str(&format!("public, max-age={MAX_AGE_S}")) {
        told.insert(header::CACHE_CONTROL, value);
    }
    told.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    /// One.
    #[utoipa::path(get, path = "/things", operation_id = "list_things", responses((status = 200)))]
    async fn list() {}
    /// Other.
    #[utoipa::path(get, path = "/things/{id}/parts", operation_id = "list_parts", responses((status = 200)))]
    async fn parts() {}

    #[tokio::test]
    async fn every_operation_has_an_entry_and_the_document_has_a_tag() {
        let discovery = Discovery::default();
        let (router, api) = OpenApiRouter::new()
            .routes(routes!(list))
            .routes(routes!(parts))
            .merge(discovery.routes())
            .split_for_parts();
        let ask = async |tag: Option<&str>| {
            let mut request = Request::get("/.well-known/discovery-document.json");
            if let Some(tag) = tag {
                request = request.header("if-none-match", tag);
            }
            router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
        };
        assert_eq!(ask(None).await.status(), 503);
        discovery.settle(&api, "https://api.example/base");
        let answer = ask(None).await;
        assert_eq!(answer.status(), 200);
        let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let read: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            read,
            serde_json::json!({
                "discovery_document_endpoint": "https://api.example/base/.well-known/discovery-document.json",
                "list_parts_namespace": "https://api.example/base/things/",
                "list_things_endpoint": "https://api.example/base/things",
            })
        );
        assert_eq!(ask(Some(&tag)).await.status(), 304);
        assert_eq!(ask(Some("\"other\"")).await.status(), 200);
    }
}
