//! A TLS certificate that proves a client: `tls_client_auth` and `self_signed_tls_client_auth`.  RFC 8705 §2
//!
//! The handshake, here or at a trusted proxy, has shown that the client holds the certificate's key. Of one that an authority issued
//! the name counts, of one that the client made itself the key.

use crypto::x509::{Certificate, Usage, X509Error};
use kernel::Timestamp;
use web::ClientCertificate;

use super::{AuthMethod, Client, ClientMetadata};
use crate::Auth;

/// Whether the certificate proves the client; if not, why.
pub(super) async fn judge(
    auth: &Auth,
    client: &Client,
    shown: &ClientCertificate,
) -> Result<(), &'static str> {
    let now = auth.world().now();
    let mut chain = Vec::new();
    for der in shown.chain() {
        chain.push(Certificate::from_der(der.to_vec()).map_err(|_| "certificate_malformed")?);
    }
    let Some((leaf, others)) = chain.split_first() else { return Err("certificate_malformed") };
    if client.auth_method == AuthMethod::TlsClientAuth {
        let authorities = &auth.proving().authorities;
        authorities.verify(leaf, others, Usage::ClientAuthentication, now).map_err(|why| {
            tracing::info!(%why, client = %client.client_id, "a client certificate is not good");
            word(why)
        })?;
        return if is_registered(&client.metadata, leaf) { Ok(()) } else { Err("certificate_of_another") };
    }
    if !is_in_time(leaf, now) {
        return Err(word(X509Error::Expired));
    }
    match auth.proving().keys.of(client, None, auth.outbound(), now).await {
        Some(keys) if leaf.is_among(&keys) => Ok(()),
        Some(_) => Err("certificate_of_another"),
        None => Err("keys_unavailable"),
    }
}

fn is_in_time(leaf: &Certificate, now: Timestamp) -> bool {
    leaf.not_before() <= now && now <= leaf.not_after()
}

const fn word(why: X509Error) -> &'static str {
    match why {
        X509Error::Expired | X509Error::NotYet => "certificate_time",
        X509Error::Revoked | X509Error::RevocationList => "certificate_revoked",
        X509Error::Usage => "certificate_usage",
        _ => "certificate_untrusted",
    }
}

/// The one name that is registered is in the certificate (§2.1.2).
fn is_registered(metadata: &ClientMetadata, leaf: &Certificate) -> bool {
    let named = |registered: &Option<String>, names: &[String]| {
        registered.as_ref().is_some_and(|name| names.iter().any(|one| one == name))
    };
    metadata.tls_client_auth_subject_dn.as_deref().is_some_and(|name| leaf.has_subject(name))
        || named(&metadata.tls_client_auth_san_dns, leaf.dns_names())
        || named(&metadata.tls_client_auth_san_uri, leaf.uris())
}
