//! What calls of a subscriber's endpoint have in common: the fields that say who sent it, and those that a subscriber may add.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use http::{HeaderMap, HeaderName, HeaderValue};
use kernel::Timestamp;

/// What a subscriber's field must not say, since we say it: how the message is framed, where it goes, and who signed it.
const OURS: [&str; 14] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

/// The fields of a message: its id, which is the same for every attempt, the time of this one, and its signatures.
pub fn signed(id: &str, at: Timestamp, signatures: &[String]) -> HeaderMap {
    let (at, signatures) = (at.as_seconds().to_string(), signatures.join(" "));
    let fields = [("webhook-id", id), ("webhook-timestamp", at.as_str()), ("webhook-signature", &signatures)];
    let field = |(name, value): (&'static str, &str)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
    };
    fields.into_iter().filter_map(field).collect()
}

/// A field that a subscriber wants to see on what it is sent.
///
/// # Errors
/// What is wrong with it, without its value.
pub fn field(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let name: HeaderName = name.trim().parse().map_err(|_| "has no name of a header field")?;
    if OURS.contains(&name.as_str()) {
        return Err("names a field that is not the subscriber's to set");
    }
    let mut value =
        HeaderValue::from_str(value.trim()).map_err(|_| "has a value that no header field has")?;
    value.set_sensitive(true);
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_stand_beside_one_another() {
        let fields = signed("m", Timestamp::from_seconds(7), &["v1,a".to_owned(), "v1a,b".to_owned()]);
        assert_eq!(fields["webhook-id"], "m");
        assert_eq!(fields["webhook-timestamp"], "7");
        assert_eq!(fields["webhook-signature"], "v1,a v1a,b");
    }

    #[test]
    fn a_subscriber_s_field_is_sensitive_and_never_one_of_ours() {
        let (name, value) = field(" Authorization ", " Bearer a:b ").unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("authorization", "Bearer a:b"));
        assert!(value.is_sensitive());
        for (name, value) in [
            ("", "x"),
            ("a b", "c"),
            ("Host", "x"),
            ("Webhook-Id", "1"),
            ("Content-Type", "t"),
            ("X", "a\nb"),
        ] {
            assert!(field(name, value).is_err(), "{name}");
        }
    }
}
