//! The gzip layer (RFC 1952): one member, whole, and never more than the limits allow.

use std::io::{ErrorKind, Read};

use flate2::bufread::GzDecoder;

use super::{Limits, PackageFault};

/// Bytes asked for at a time: a bomb is noticed after one more of these.
const PIECE_BYTES: usize = 256 << 10;

pub(super) fn gunzip(packed: &[u8], limits: &Limits) -> Result<Vec<u8>, PackageFault> {
    if packed.len() > limits.packed_bytes_max {
        return Err(over("PACKED_BYTES_MAX", limits.packed_bytes_max));
    }
    let by_ratio = packed.len().saturating_mul(limits.ratio_max).max(Limits::RATIO_FREE_BYTES);
    let bytes_max = by_ratio.min(limits.unpacked_bytes_max);
    let mut decoder = GzDecoder::new(packed);
    let mut unpacked = Vec::with_capacity(announced(packed).min(bytes_max));
    loop {
        let room = (bytes_max - unpacked.len()).saturating_add(1).min(PIECE_BYTES);
        let read = decoder.by_ref().take(room as u64).read_to_end(&mut unpacked).map_err(|e| fault(&e))?;
        if unpacked.len() > bytes_max {
            return Err(if bytes_max == by_ratio {
                over("RATIO_MAX", limits.ratio_max)
            } else {
                over("UNPACKED_BYTES_MAX", limits.unpacked_bytes_max)
            });
        }
        if read < room {
            break;
        }
    }
    match decoder.into_inner().len() {
        0 => Ok(unpacked),
        rest => Err(PackageFault::TrailingBytes(rest)),
    }
}

/// The length that the last four bytes announce (RFC 1952 §2.3.1, ISIZE): a hint that is never trusted beyond the limits.
fn announced(packed: &[u8]) -> usize {
    let size = packed.last_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize);
    // Never more than deflate can make of so many bytes.
    size.min(packed.len().saturating_mul(1032)).saturating_add(1)
}

fn over(limit: &'static str, max: usize) -> PackageFault {
    PackageFault::OverLimit { limit, max }
}

fn fault(error: &std::io::Error) -> PackageFault {
    match error.kind() {
        ErrorKind::UnexpectedEof => PackageFault::Truncated,
        _ => PackageFault::NotGzip(error.to_string()),
    }
}
