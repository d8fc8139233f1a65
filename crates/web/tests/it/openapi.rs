//! The document, and the page to read it.

use utoipa_axum::{router::OpenApiRouter, routes};
use web::{Dialect, openapi};

use crate::{around, get};

#[utoipa::path(get, path = "/things/{id}", responses((status = 200, description = "A thing")))]
async fn thing() -> &'static str {
    "a thing"
}

fn api() -> utoipa::openapi::OpenApi {
    OpenApiRouter::<()>::new().routes(routes!(thing)).into_openapi()
}

#[tokio::test]
async fn operations_get_their_familys_errors() {
    for (dialect, media, name) in [
        (Dialect::ProblemJson, "application/problem+json", "Problem"),
        (Dialect::OAuth, "application/json", "OAuthError"),
        (Dialect::Fhir, "application/fhir+json", "OperationOutcome"),
        (Dialect::Int, "application/json", "IntegrationError"),
        (Dialect::Meta, "application/json", "MetaError"),
    ] {
        let api = openapi::with_errors(dialect, api());
        let app = around("https://hilum.example/", openapi::document("Hilum", "1.2.3", api));
        let document = get(&app, "/openapi.json").await.json();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{document}");
        assert_eq!(
            (&document["info"]["title"], &document["info"]["version"]),
            (&"Hilum".into(), &"1.2.3".into())
        );
        assert_eq!(document["info"]["license"]["identifier"], "Apache-2.0");
        assert!(document["info"]["contact"].is_null(), "{}", document["info"]);
        let default = &document["paths"]["/things/{id}"]["get"]["responses"]["default"];
        assert_eq!(default["content"][media]["schema"]["$ref"], format!("#/components/schemas/{name}"));
        assert_eq!(document["components"]["schemas"][name]["type"], "object");
    }
}

#[tokio::test]
async fn the_page_needs_no_other_site() {
    let app = around("https://hilum.example/", openapi::document("Hilum", "1.2.3", api()));
    assert_eq!(get(&app, "/docs").await.header("location"), Some("/docs/"));
    let page = get(&app, "/docs/").await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("http://") && !page.text.contains("https://"), "{}", page.text);
    assert!(!page.text.contains("<script>"), "{}", page.text);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self';"), "{policy}");
    let start = get(&app, "/docs/swagger-initializer.js").await;
    assert!(
        start.text.contains("/openapi.json") && start.text.contains(r#""validatorUrl": "none""#),
        "{}",
        start.text
    );
}
