//! The redirect URI of a connection: absolute, `https`, and later compared character by character.  RFC 9700 §2.1

use kernel::Issue;
use serde_json::{Map, Value};

use crate::client::RedirectUri;

/// The field of a body that holds a text.
pub(super) fn text<'a>(body: &'a Map<String, Value>, field: &'static str) -> Result<&'a str, Issue> {
    match body.get(field) {
        None | Some(Value::Null) => Err(Issue::at(field, "is missing").of_rule("required")),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Issue::at(field, "must be text").of_rule("cast")),
    }
}

/// `redirect_uri` of a body.
pub(super) fn read(body: &Map<String, Value>) -> Result<RedirectUri, Issue> {
    const FIELD: &str = "redirect_uri";
    let text = text(body, FIELD)?;
    if text.is_empty() {
        return Err(Issue::at(FIELD, "is missing").of_rule("required"));
    }
    let refused = |why: String| Issue::at(FIELD, why).of_rule("format");
    let uri = RedirectUri::parse(text).map_err(|why| refused(why.to_string()))?;
    if uri.as_str().starts_with("https:") { Ok(uri) } else { Err(refused("must use https".to_owned())) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_an_absolute_https_address_is_a_redirect_uri() {
        let rule = |value: Value| {
            let body = Map::from_iter([("redirect_uri".to_owned(), value)]);
            read(&body).map(|uri| uri.as_str().to_owned()).map_err(|issue| issue.rule)
        };
        for good in ["https://example2.com", "https://clinic.example/cb?x=1"] {
            assert_eq!(rule(json!(good)).as_deref(), Ok(good));
        }
        for (value, broken) in [
            (json!(null), "required"),
            (json!(""), "required"),
            (json!(7), "cast"),
            (json!(["https://a.example"]), "cast"),
            (json!("http://clinic.example/cb"), "format"),
            (json!("http://127.0.0.1/cb"), "format"),
            (json!("myapplication://cb"), "format"),
            (json!("//clinic.example"), "format"),
            (json!("/cb"), "format"),
            (json!("https://"), "format"),
            (json!("https://u@clinic.example"), "format"),
            (json!("https://clinic.example/#x"), "format"),
            (json!("https://clinic.example/a\nb"), "format"),
            (json!("javascript:alert(1)//https://x"), "format"),
            (json!(format!("https://a.example/{}", "x".repeat(2_000))), "format"),
        ] {
            assert_eq!(rule(value.clone()), Err(broken), "{value}");
        }
        assert_eq!(read(&Map::new()).map_err(|issue| issue.rule).err(), Some("required"));
    }
}
