//! The calls of whoever looks after integrations.

/// The calls to try first, to be pasted into a shell.
pub(super) fn calls(hilum: &str, key_id: &str, key: &str) -> String {
    let place = format!("http://{hilum}/api/v1/integrations");
    let trial = r#"{"name":"Trial NW-101","type":"edc","provider":"medidata","config":{"base_url":"https://edc.example/api","environment":"production"},"credentials":{"username":"northwind","password":"not a real one"},"sync_frequency":"every 4 hours"}"#;
    format!(
        "Integrations as staff manage them (docs/integrations.md), with an API key:
  KEY={key_id}.{key}
  curl -s {place}/providers -H \"X-API-Key: $KEY\"
  curl -s {place} -H \"X-API-Key: $KEY\" -H 'Content-Type: application/json' -H 'Idempotency-Key: first' \\
    -d '{trial}'
  curl -s {place} -H \"X-API-Key: $KEY\"
"
    )
}
