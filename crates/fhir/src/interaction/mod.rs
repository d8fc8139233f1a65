//! What can be done over HTTP.  <https://hl7.org/fhir/R4/http.html>, contract 3

pub(crate) mod answer;
mod around;
pub(crate) mod asked;
pub(crate) mod bundle;
mod conditional;
pub(crate) mod create;
pub(crate) mod cursor;
mod delete;
pub(crate) mod emergency;
mod expected;
pub(crate) mod found;
mod history;
mod json_patch;
pub(crate) mod manner;
mod patch;
pub(crate) mod posted;
mod provenance;
pub(crate) mod read;
pub(crate) mod search;
mod shape;
mod show;
pub(crate) mod speak;
pub(crate) mod update;
mod validate;
pub(crate) mod written;

use axum::{
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::post,
};
use http::{HeaderMap, HeaderValue, header};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Fhir,
    audit_event::attend,
    capability, message,
    operation::{everything, terminology},
    topic,
};

pub(crate) use asked::{Asked, SITE};
pub(crate) use cursor::instant;
pub(crate) use history::head as history_head;
pub(crate) use manner::media::Sent;
pub(crate) use shape::Part;

/// The largest record that is sent, in bytes.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// Records of sites, for callers with an access token. To be spoken as [`web::Dialect::Fhir`].
pub fn routes(fhir: Fhir) -> OpenApiRouter {
    let bundles = OpenApiRouter::new()
        .routes(routes!(bundle::process_bundle))
        // The base with a slash at its end is the same (PyPI's fhirclient writes it so); described once.
        .route("/fhir/", post(bundle::process_bundle))
        .routes(routes!(message::process_message))
        .layer(DefaultBodyLimit::max(bundle::BUNDLE_BYTES_MAX))
        .layer(from_fn(emergency::tell))
        .layer(from_fn_with_state(fhir.clone(), attend))
        .layer(from_fn(speak::speak))
        .with_state(fhir.clone());
    // A stream is no resource: whether one is asked for is seen before the manners of resources are.
    let subscriptions = topic::operations()
        .layer(DefaultBodyLimit::max(RECORD_BYTES_MAX))
        .layer(from_fn(emergency::tell))
        .layer(from_fn_with_state(fhir.clone(), attend))
        .layer(from_fn(speak::speak))
        .layer(from_fn(topic::accept))
        .with_state(fhir.clone());
    let bulk = crate::bulk::routes(fhir.clone());
    let mut all = of_records(fhir.clone()).merge(bundles).merge(bulk).merge(subscriptions);
    emergency::describe(all.get_openapi_mut());
    fhir.statement.settle(&fhir, all.get_openapi());
    all
}

/// What an entry of a batch can ask for too.
fn of_records(fhir: Fhir) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(capability::capabilities))
        .routes(routes!(around::search_site))
        .routes(routes!(around::search_site_by_form))
        .routes(routes!(around::search_compartment))
        .routes(routes!(around::search_compartment_by_form))
        .routes(routes!(history::site_history))
        .routes(routes!(history::type_history))
        .routes(routes!(history::record_history))
        .routes(routes!(
            search::search_records,
            create::create_record,
            conditional::update_record_where,
            conditional::patch_record_where,
            conditional::delete_record_where
        ))
        .routes(routes!(search::search_records_by_form))
        .routes(routes!(validate::validate_record))
        .routes(routes!(everything::everything, everything::everything_by_parameters))
        .routes(routes!(everything::everything_of_all, everything::everything_of_all_by_parameters))
        .routes(routes!(read::read_record, update::update_record, patch::patch_record, delete::delete_record))
        .routes(routes!(read::read_version))
        .merge(terminology::routes())
        .layer(DefaultBodyLimit::max(RECORD_BYTES_MAX))
        .layer(from_fn(emergency::tell))
        .layer(from_fn_with_state(fhir.clone(), attend))
        .layer(from_fn(speak::speak))
        .with_state(fhir)
}

/// The tag of an answer that is made once: a digest of its bytes.  RFC 9110 §8.8.3
pub(crate) fn etag_of(body: &[u8]) -> HeaderValue {
    let digest = crypto::sha256(body);
    let short: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("\"{short}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whether the caller has what this tag names.  RFC 9110 §13.1.2
pub(crate) fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(ours) = etag.to_str() else { return false };
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || weak(tag) == weak(ours))
}
