//! What is in force, as `hilum check` prints it: every key, secrets hidden.

use toml::{Table, Value};
use url::Url;

/// Keys whose value is never shown.
const SECRET_KEYS: &[&str] = &["vault.root_key", "mail.password"];

/// Keys whose value is a URL that may carry a password.
const URL_KEYS: &[&str] = &["store.url", "redis.url"];

const HIDDEN: &str = "***";

/// The settings as TOML.
pub fn shown(table: &Table) -> String {
    let mut shown = table.clone();
    for (section, keys) in &mut shown {
        let Value::Table(keys) = keys else { continue };
        for (key, value) in keys.iter_mut() {
            let name = format!("{section}.{key}");
            if SECRET_KEYS.contains(&name.as_str()) {
                *value = Value::String(HIDDEN.to_owned());
            } else if URL_KEYS.contains(&name.as_str()) {
                *value = Value::String(value.as_str().map(without_password).unwrap_or_default());
            }
        }
    }
    shown.to_string()
}

/// A URL that does not parse is not shown at all: nobody knows where its secret stands.
fn without_password(text: &str) -> String {
    if text.starts_with("sqlite:") {
        return text.to_owned();
    }
    let Ok(mut url) = Url::parse(text) else { return HIDDEN.to_owned() };
    let carries_query_secret = url.query_pairs().any(|(key, _)| key.contains("password"));
    if carries_query_secret {
        return HIDDEN.to_owned();
    }
    if url.password().is_some() && url.set_password(Some(HIDDEN)).is_err() {
        return HIDDEN.to_owned();
    }
    url.to_string()
}
