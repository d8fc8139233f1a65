//! Who sent it, and that nothing was changed: the three header fields of Standard Webhooks 1.0.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use crypto::{b64, hmac_sha256};
use http::{HeaderMap, HeaderName, HeaderValue};
use kernel::{Secret, Timestamp};

/// The key as its owner is shown it, once.
pub(super) fn shown(key: &Secret<[u8; 32]>) -> Secret<String> {
    Secret::new(format!("whsec_{}", b64::encode_standard(key.expose())))
}

/// The fields for a message. `id` is the same for every attempt to deliver it.
pub(super) fn headers(key: &Secret<[u8; 32]>, id: &str, at: Timestamp, body: &[u8]) -> HeaderMap {
    let at = at.as_seconds().to_string();
    let signed = hmac_sha256(key, &[id.as_bytes(), b".", at.as_bytes(), b".", body]);
    let signature = format!("v1,{}", b64::encode_standard(signed.as_bytes()));
    let fields = [("webhook-id", id), ("webhook-timestamp", at.as_str()), ("webhook-signature", &signature)];
    let field = |(name, value): (&'static str, &str)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
    };
    fields.into_iter().filter_map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_the_openssl_command_line_says() {
        let headers = headers(&Secret::new([7; 32]), "msg_1", Timestamp::from_seconds(1_700_000_000), b"{}");
        assert_eq!(headers["webhook-timestamp"], "1700000000");
        assert_eq!(headers["webhook-signature"], "v1,nuLLyheCKcS2N8JNOFt5stk98R+umYWr26/ZTfdtGM8=");
    }
}
