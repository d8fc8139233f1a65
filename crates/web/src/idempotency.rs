//! What a caller calls a request, so that it has one effect where it comes twice.  draft-ietf-httpapi-idempotency-key-header

use std::time::Duration;

use http::HeaderMap;
use kernel::Issue;

/// The longest `Idempotency-Key`, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// How long a key stands for what was asked under it.
pub const IDEMPOTENCY_KEPT: Duration = Duration::from_hours(24);

/// The key of a request, if it has one.
///
/// # Errors
/// It is there more than once, empty, longer than [`IDEMPOTENCY_KEY_BYTES_MAX`], or has more in it than printable ASCII.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Issue> {
    let mut values = headers.get_all("idempotency-key").iter();
    let key = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => "",
    };
    let is_good = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len())
        && key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_good {
        Ok(Some(key))
    } else {
        Err(Issue::at("Idempotency-Key", "must be there once, 1 to 255 printable characters"))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_key_is_there_once_and_can_be_printed() {
        let with = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("idempotency-key", HeaderValue::from_bytes(value).unwrap());
            }
            headers
        };
        assert_eq!(idempotency_key(&with(&[])), Ok(None));
        assert_eq!(idempotency_key(&with(&[b"a key"])), Ok(Some("a key")));
        assert!(idempotency_key(&with(&[&[b'k'; 255]])).is_ok());
        for bad in
            [&[b"".as_slice()] as &[&[u8]], &[b"one", b"two"], &[b"\xc3\xa9"], &[b"a\tb"], &[&[b'k'; 256]]]
        {
            assert!(idempotency_key(&with(bad)).is_err(), "{bad:?}");
        }
    }
}
