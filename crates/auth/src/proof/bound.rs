//! Whether a token is in the hands that it was given to.  RFC 9449 §7, RFC 8705 §3

use crypto::{b64, sha256};
use web::{AuthFault, ClientCertificate, Presented, Scheme};

use super::dpop::{self, ProofFault};
use crate::{
    Auth,
    token::{Confirmation, Verified},
};

/// The SHA-256 thumbprint of a certificate (`x5t#S256`).  RFC 8705 §3.1
pub(crate) fn thumbprint(certificate: &ClientCertificate) -> String {
    b64::encode(sha256(certificate.leaf()))
}

/// Insist on every key that the token is bound to. A token that is bound to none is no better for being presented with a proof,
/// and one that is bound to a DPoP key opens nothing as a plain bearer (§7.2).
pub(crate) fn check(auth: &Auth, token: &Verified, presented: Presented<'_>) -> Result<(), AuthFault> {
    let bound = token.confirmation.as_ref();
    let is_key_bound = bound.is_some_and(|bound| bound.jkt.is_some());
    if is_key_bound != (presented.scheme == Scheme::Dpop) {
        return Err(AuthFault::Invalid);
    }
    let Some(bound) = bound else { return Ok(()) };
    let x5t_s256 = presented.certificate.filter(|_| bound.x5t_s256.is_some()).map(thumbprint);
    let jkt = match presented.proof {
        Some(proof) if is_key_bound => Some(proven(auth, proof, presented)?),
        _ => None,
    };
    if bound.is_met_by(Some(&Confirmation { jkt, x5t_s256 })) { Ok(()) } else { Err(AuthFault::Invalid) }
}

fn proven(auth: &Auth, proof: &str, presented: Presented<'_>) -> Result<String, AuthFault> {
    let Presented { method, url, token, .. } = presented;
    let asked = dpop::Asked { method, url, token: Some(token) };
    dpop::check(auth, proof, asked).map_err(|fault| match fault {
        ProofFault::Bad(why) => AuthFault::Proof(why),
        ProofFault::TooMany => AuthFault::Proof("its key was used too often"),
        ProofFault::Nonce(nonce) => AuthFault::Nonce(nonce),
    })
}
