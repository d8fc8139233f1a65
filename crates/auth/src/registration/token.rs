//! The token with which a client manages its own registration.  RFC 7592 §3

use crypto::constant_time_eq;
use http::{HeaderMap, header};
use kernel::{Digest, Secret};

use super::RegistrationFault;
use crate::Auth;

const PREFIX: &str = "hlm_ra_";
const PURPOSE: &str = "registration_access_token";

pub(super) fn draw(auth: &Auth) -> (Secret<String>, Digest) {
    let text = crypto::token::generate(auth.world(), PREFIX);
    let digest = digest(auth, text.expose());
    (text, digest)
}

pub(super) fn is_of(auth: &Auth, text: &str, kept: &Digest) -> bool {
    constant_time_eq(digest(auth, text).as_bytes(), kept.as_bytes())
}

/// The one bearer token of a request, in its header.
pub(super) fn presented(headers: &HeaderMap) -> Result<Secret<String>, RegistrationFault> {
    const NONE: RegistrationFault = RegistrationFault::NotTheirs("there is no bearer token");
    if !headers.contains_key(header::AUTHORIZATION) {
        return Err(RegistrationFault::NoToken);
    }
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(NONE) };
    let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or(NONE)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Secret::new(token.trim().to_owned())) } else { Err(NONE) }
}

fn digest(auth: &Auth, text: &str) -> Digest {
    auth.vault().digest(PURPOSE, text.as_bytes())
}
