//! The files that pages refer to, from the binary, under addresses that change with their contents.
//! RFC 8246 (immutable responses)

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    body::Body,
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};

#[derive(rust_embed::Embed)]
#[folder = "assets/"]
struct Files;

/// How many bytes of a file's SHA-256 its address carries.
const HASH_BYTES: usize = 8;
const A_YEAR: &str = "public, max-age=31536000, immutable";

static URLS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let url = |name: &str| {
        let file = Files::get(name)?;
        let hash: String =
            file.metadata.sha256_hash().iter().take(HASH_BYTES).map(|b| format!("{b:02x}")).collect();
        Some((name.to_owned(), format!("/assets/{hash}/{name}")))
    };
    Files::iter().filter_map(|name| url(&name)).collect()
});

/// The address of an asset. A name that is not embedded gives an address that answers 404; a test looks for such.
pub(crate) fn url(name: &'static str) -> &'static str {
    URLS.get(name).map_or("/assets/missing", String::as_str)
}

/// `GET /assets/{hash}/{name}`: a file, to be kept for good. An address of another version is not answered, so
/// that a cache never keeps new contents under an old address.
pub(crate) async fn get(Path((hash, name)): Path<(String, String)>) -> Response {
    let asked = format!("/assets/{hash}/{name}");
    let file = if URLS.get(&name) == Some(&asked) { Files::get(&name) } else { None };
    let Some(file) = file else { return StatusCode::NOT_FOUND.into_response() };
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some(_) | None => "application/octet-stream",
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, A_YEAR)], Body::from(file.data)).into_response()
}

/// Whether an address is that of an asset.
#[cfg(test)]
pub(crate) fn exists(href: &str) -> bool {
    URLS.values().any(|url| url == href)
}

/// How large the asset of an address is.
#[cfg(test)]
pub(crate) fn bytes(href: &str) -> usize {
    href.rsplit('/').next().and_then(Files::get).map_or(0, |file| file.data.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_asset_is_served_for_good_under_its_hash_only() {
        for name in ["hilum.css", "htmx.min.js", "app.js", "mark.svg"] {
            let hash = url(name).split('/').nth(2).unwrap().to_owned();
            let found = get(Path((hash, name.to_owned()))).await;
            assert_eq!(found.status(), StatusCode::OK, "{name}");
            assert_eq!(found.headers()[header::CACHE_CONTROL], A_YEAR);
            assert_eq!(get(Path(("00".to_owned(), name.to_owned()))).await.status(), StatusCode::NOT_FOUND);
        }
        let beyond = get(Path(("..".to_owned(), "Cargo.toml".to_owned()))).await;
        assert_eq!(beyond.status(), StatusCode::NOT_FOUND);
    }
}
