//! FHIR servers.

use std::sync::Arc;

use exchange::connector::fhir::{
    FhirServer,
    bulk::{Bulk, EXPORT_LINES_MAX},
    declared as headers,
};
use serde_json::Value;

use super::{Asked, Made};

pub(super) fn connector(asked: &Asked<'_>) -> Made {
    let types = asked.of.config.get("resource_types").and_then(Value::as_array).into_iter().flatten();
    let types: Vec<String> = types.filter_map(Value::as_str).map(str::to_owned).collect();
    if types.is_empty() {
        return Err("config.resource_types names nothing to pull");
    }
    let headers = headers(&asked.of.config)
        .map_err(|_| "config.headers names fields that cannot be sent: write them again")?;
    let server = FhirServer::new(asked.way()?, asked.base()?, types).saying(headers);
    let server = match asked.number("page_size") {
        Some(records) => server.by(records),
        None => server,
    };
    Ok(Arc::new(match asked.text("full") {
        Some("bulk_export") => server.exporting(Bulk {
            group: asked.text("export_group").map(str::to_owned),
            page_lines: EXPORT_LINES_MAX,
            world: asked.sources.world.clone(),
            open: asked.sources.files.place(asked.of.id, asked.of.version),
        }),
        _ => server,
    }))
}
