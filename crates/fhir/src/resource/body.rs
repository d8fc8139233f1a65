//! What is served of a version: kept compressed without the two facts of its row, and never parsed to be read.

use std::{cell::RefCell, fmt, sync::LazyLock};

use kernel::Timestamp;
use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
    zstd_safe::{CParameter, get_frame_content_size},
};

use super::rewrite::Kept;

/// Made by us (`definitions/dictionary.txt`, `dictionary.py`): texts of records such as systems write them, the URLs of R4's terminologies, and
/// how often what comes in them, which a small record would else say of itself. What was written with it can be read with nothing else,
/// so it never changes; a better one gets another number.
const DICTIONARY_2: &[u8] = include_bytes!("dictionary-2.zdict");
/// The first that looks for the best match among several: a tenth less than the fastest, for a hundredth of a millisecond.
const LEVEL: i32 = 6;
/// No resource unpacks to more: what is read has 64 MiB at the most, and a little is written into it.
const BYTES_MAX: usize = (64 << 20) + 4096;

const PLAIN: i64 = 0;
const ZSTD_2: i64 = 2;

static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY_2, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(DICTIONARY_2));

thread_local! {
    static PACK: RefCell<Option<Compressor<'static>>> =
        RefCell::new(compressor().ok());
    static UNPACK: RefCell<Option<Decompressor<'static>>> =
        RefCell::new(Decompressor::with_prepared_dictionary(&DECODER).ok());
}

/// The row says which dictionary it was, so the text need not.
fn compressor() -> std::io::Result<Compressor<'static>> {
    let mut compressor = Compressor::with_prepared_dictionary(&ENCODER)?;
    compressor.set_parameter(CParameter::DictIdFlag(false))?;
    Ok(compressor)
}

/// A resource as it is served, in JSON. It has no `Debug` that says it.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(String);

/// A body cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored body cannot be unpacked")]
pub struct BodyFault;

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

impl Body {
    /// The resource.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The resource.
    pub fn into_string(self) -> String {
        self.0
    }

    /// One that was made to be served, and is kept nowhere.
    pub(crate) const fn made(text: String) -> Self {
        Self(text)
    }

    /// What was kept, with what its row says.
    pub(super) fn dressed(
        mut text: String,
        meta_at: usize,
        version: u32,
        at: Timestamp,
    ) -> Result<Self, BodyFault> {
        let rest = text.as_bytes().get(meta_at).ok_or(BodyFault)?;
        let comma = if *rest == b'}' { "" } else { "," };
        if !text.is_char_boundary(meta_at) {
            return Err(BodyFault);
        }
        text.insert_str(
            meta_at,
            &format!("\"versionId\":\"{version}\",\"lastUpdated\":\"{}\"{comma}", Instant(at)),
        );
        Ok(Self(text))
    }
}

/// A body as its row keeps it.
#[derive(Clone)]
pub(crate) struct Packed {
    pub(super) codec: i64,
    pub(super) meta_at: i64,
    pub(super) bytes: Vec<u8>,
}

impl Packed {
    pub(super) fn pack(kept: &Kept) -> Self {
        let meta_at = i64::try_from(kept.meta_at).unwrap_or(0);
        let packed = PACK.with_borrow_mut(|pack| pack.as_mut()?.compress(kept.text.as_bytes()).ok());
        match packed.filter(|bytes| bytes.len() < kept.text.len()) {
            Some(bytes) => Self { codec: ZSTD_2, meta_at, bytes },
            None => Self { codec: PLAIN, meta_at, bytes: kept.text.clone().into_bytes() },
        }
    }

    pub(super) fn unpack(self, version: u32, at: Timestamp) -> Result<Body, BodyFault> {
        let bytes = match self.codec {
            PLAIN => self.bytes,
            ZSTD_2 => {
                let size = get_frame_content_size(&self.bytes)
                    .ok()
                    .flatten()
                    .and_then(|size| usize::try_from(size).ok());
                let size = size.filter(|size| *size <= BYTES_MAX).ok_or(BodyFault)?;
                // Room for what the row says, so that it need not be moved.
                let mut bytes = Vec::with_capacity(size + 96);
                UNPACK
                    .with_borrow_mut(|unpack| {
                        unpack.as_mut()?.decompress_to_buffer(&self.bytes, &mut bytes).ok()
                    })
                    .ok_or(BodyFault)?;
                bytes
            }
            _ => return Err(BodyFault),
        };
        let text = String::from_utf8(bytes).map_err(|_| BodyFault)?;
        Body::dressed(text, usize::try_from(self.meta_at).map_err(|_| BodyFault)?, version, at)
    }
}

/// A moment as `lastUpdated` says it: in UTC, to the millisecond.
pub(crate) struct Instant(pub(crate) Timestamp);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `2026-01-05T08:00:00.000000Z`: all but the last three digits.
        let text = self.0.to_string();
        match text.get(..text.len().saturating_sub(4)) {
            Some(millis) => write!(f, "{millis}Z"),
            None => f.write_str(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_comes_back_with_what_its_row_says() {
        let at = Timestamp::from_micros(1_700_000_000_123_000);
        let meta = r#""versionId":"7","lastUpdated":"2023-11-14T22:13:20.123Z""#;
        for tail in [r#"{}"#, r#"{"tag":[{"code":"a"}]}"#] {
            let filler = "ü".repeat(2_000);
            let text = format!(r#"{{"resourceType":"Basic","id":"1","meta":{tail},"x":"{filler}"}}"#);
            let meta_at = text.find("{}").or(text.find("{\"tag")).unwrap() + 1;
            let comma = if tail == "{}" { "" } else { "," };
            let served = format!("{}{meta}{comma}{}", &text[..meta_at], &text[meta_at..]);
            let packed = Packed::pack(&Kept { text, meta_at });
            assert_eq!((packed.codec, packed.bytes.len() < 300), (ZSTD_2, true));
            assert_eq!(packed.unpack(7, at).unwrap().as_str(), served);
        }
    }

    #[test]
    fn what_is_damaged_is_not_served() {
        let packed = |codec, meta_at, bytes: &[u8]| Packed { codec, meta_at, bytes: bytes.to_vec() };
        let at = Timestamp::from_micros(0);
        for packed in [
            packed(ZSTD_2, 1, b"junk"),
            packed(PLAIN, 9, b"{}"),
            packed(PLAIN, -1, b"{}"),
            packed(1, 0, b"{}"),
            packed(PLAIN, 0, &[0xff]),
        ] {
            assert_eq!(packed.unpack(1, at).map(Body::into_string), Err(BodyFault));
        }
    }
}
