//! An ID token that a client sends back to say whom it means.  OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2

use crypto::{
    b64,
    jose::{Expect, TOKEN_BYTES_MAX, Typ, verify},
};
use serde::Deserialize;

use crate::{Auth, client::ClientIdText, keys};

/// A hint stays one long after the ID token has expired: ten years, in seconds.
const AGE_MAX_S: u32 = 315_360_000;

/// What a good hint says.
pub(crate) struct Hint {
    pub client_id: ClientIdText,
    pub subject: String,
}

/// An ID token that we have signed, however old. Its audience is read first and checked with the rest.
pub(crate) fn read(auth: &Auth, text: &str) -> Option<Hint> {
    #[derive(Deserialize)]
    struct Audience {
        aud: ClientIdText,
    }
    if text.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let claims = b64::decode(text.split('.').nth(1)?).ok()?;
    let Audience { aud } = serde_json::from_slice(&claims).ok()?;
    let expect = Expect {
        issuer: auth.issuer(),
        audience: aud.as_str(),
        typ: Typ::Exactly("JWT"),
        algs: &keys::OFFERED,
        now: auth.world().now(),
        leeway_s: AGE_MAX_S,
    };
    let claims = verify(text, auth.keys().public(), &expect).ok()?;
    Some(Hint { client_id: aud, subject: claims.subject })
}
