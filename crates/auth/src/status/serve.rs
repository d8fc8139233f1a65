//! The list, signed.  Token Status List §5, §8

use std::{io::Write, time::Duration};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use crypto::b64;
use flate2::{Compression, write::ZlibEncoder};
use http::{HeaderValue, header};
use kernel::{Id, Kind, Timestamp};
use serde::Serialize;
use store::{DbError, Reader};
use web::{Answer, Path, Problem};

use super::{FILLED, LIST_TOKENS_MAX, StatusList, queries};
use crate::{Auth, client::TOKEN_LIFETIME_S_MAX, fault::OAuthFault};

/// How long whoever asks may go by what it was told, in seconds.
const TTL_S: i64 = 15;
/// How many marked places are read at once.
const PAGE: i64 = 10_000;
const MEDIA_TYPE: &str = "application/statuslist+jwt";

#[derive(Serialize)]
struct ListClaims {
    iss: String,
    sub: String,
    iat: i64,
    exp: i64,
    ttl: i64,
    status_list: Bits,
}

#[derive(Serialize)]
struct Bits {
    bits: u8,
    lst: String,
}

/// Which tokens of a list are not valid any more: one bit each, compressed (zlib), in a signed token.
#[utoipa::path(get, path = "/oauth2/status/{list}", tag = "tokens",
    params(("list" = String, Path, description = "The list that a token's `status` claim names")),
    responses((status = 200, description = "The list", body = String, content_type = "application/statuslist+jwt")))]
pub(crate) async fn status_list(
    State(auth): State<Auth>,
    Path(list): Path<Id<StatusList>>,
) -> Answer<Response> {
    let now = auth.world().now();
    let marked = auth.db().scan(async move |tx: &mut Reader| read(tx, list).await).await;
    let Some(marked) = marked.map_err(OAuthFault::from)? else {
        return Err(Problem::new(Kind::NotFound, "there is no such list"));
    };
    let claims = ListClaims {
        iss: auth.issuer().to_owned(),
        sub: format!("{}/status/{list}", auth.issuer()),
        iat: now.as_seconds(),
        exp: (now + Duration::from_secs(60)).as_seconds(),
        ttl: TTL_S,
        status_list: Bits { bits: 1, lst: compressed(&marked).ok_or_else(unpressable)? },
    };
    let token = auth.keys().sign("statuslist+jwt", &claims).map_err(OAuthFault::from)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=15")),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    Ok((headers, token).into_response())
}

fn unpressable() -> Problem {
    Problem::new(Kind::Internal, Problem::INTERNAL)
}

async fn read(tx: &mut Reader, list: Id<StatusList>) -> Result<Option<Vec<u32>>, DbError> {
    if queries::begun_at(tx, list).await?.is_none() {
        return Ok(None);
    }
    let mut marked: Vec<u32> = Vec::new();
    loop {
        let from = marked.last().map_or(0, |last| last.saturating_add(1));
        let page = queries::marked(tx, list, from, PAGE).await?;
        let is_last = i64::try_from(page.len()).is_ok_and(|rows| rows < PAGE);
        marked.extend(page);
        if is_last {
            return Ok(Some(marked));
        }
    }
}

/// The lowest bit of a byte is the first token (§4.1).
fn compressed(marked: &[u32]) -> Option<String> {
    let mut bytes = vec![0_u8; usize::try_from(LIST_TOKENS_MAX / 8).ok()?];
    for position in marked {
        if let Some(byte) = bytes.get_mut(usize::try_from(position / 8).ok()?) {
            *byte |= 1 << (position % 8);
        }
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&bytes).ok()?;
    Some(b64::encode(encoder.finish().ok()?))
}

/// Before when a list has to have begun for none of its tokens to live: it is filled for a while, with tokens that live for a while.
pub(crate) fn over_before(now: Timestamp) -> Timestamp {
    now - Duration::from_secs(u64::from(TOKEN_LIFETIME_S_MAX)) - FILLED - FILLED
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::ZlibDecoder;

    use super::*;

    #[test]
    fn a_bit_for_each_token() {
        let packed = compressed(&[0, 7, 8, LIST_TOKENS_MAX - 1]).unwrap();
        assert!(packed.len() < 1_000, "zeros take no room: {}", packed.len());
        let mut bytes = Vec::new();
        ZlibDecoder::new(&b64::decode(&packed).unwrap()[..]).read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len(), 131_072);
        assert_eq!((bytes[0], bytes[1], bytes[2], bytes[131_071]), (0b1000_0001, 1, 0, 0b1000_0000));
    }
}
