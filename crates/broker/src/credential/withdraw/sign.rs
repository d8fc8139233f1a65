//! Ending a grant with signed requests.  Withings, Public Health Data API: Signature v2 `getnonce`, OAuth 2.0 `revoke`

use http::{HeaderValue, header};
use jobs::JobFault;
use kernel::{Secret, Timestamp};
use url::{Url, form_urlencoded};

use crate::{
    credential::{ClientProof, Tokens},
    integration::IntegrationFault,
    provider::{Envelope, EnvelopeReading, OAuth2Code, Revoke, read_envelope},
};
use outbound::Call;

/// The longest nonce that is believed, in bytes.
const NONCE_BYTES_MAX: usize = 512;

/// What two signed requests are made of: one for a nonce, one for the end.
pub(in crate::credential) struct Signed<'a> {
    nonce_url: Url,
    revoke_url: Url,
    client_id: &'a str,
    secret: &'a Secret<String>,
    account_id: Option<&'a Secret<String>>,
    envelope: &'a Envelope,
}

impl<'a> Signed<'a> {
    pub(super) fn new(
        nonce_url: Url,
        revoke_url: Url,
        code: &'a OAuth2Code,
        proof: &'a ClientProof,
        tokens: &'a Tokens,
    ) -> Result<Self, IntegrationFault> {
        let secret = proof.secret.as_ref().ok_or(IntegrationFault::NoSecret)?;
        let envelope = code.response.envelope.as_ref();
        let envelope = envelope.ok_or(IntegrationFault::Catalogue("response.envelope"))?;
        let account_id = tokens.account_id.as_ref();
        Ok(Self { nonce_url, revoke_url, client_id: &proof.client_id, secret, account_id, envelope })
    }

    /// Whose grant it is.
    ///
    /// # Errors
    /// For good: without it nobody's grant can be ended.
    pub fn account_id(&self) -> Result<&'a Secret<String>, JobFault> {
        self.account_id.ok_or_else(|| JobFault::dead("the account's id is not known"))
    }

    /// The request for a nonce.
    pub fn ask_nonce(&self, now: Timestamp) -> Call {
        let timestamp = now.as_seconds().to_string();
        self.call(&self.nonce_url, "getnonce", ("timestamp", &timestamp), None)
    }

    /// The nonce in an answer.
    pub fn nonce(&self, body: &[u8]) -> Result<String, JobFault> {
        let fields = match read_envelope(self.envelope, body) {
            EnvelopeReading::Done(fields) => fields,
            EnvelopeReading::Fault(Some(status)) => return Err(not_done("a request for a nonce", status)),
            EnvelopeReading::GrantGone | EnvelopeReading::Fault(None) => {
                return Err(JobFault::again("the third party gave no nonce"));
            }
        };
        let nonce = fields.get("nonce").and_then(serde_json::Value::as_str).unwrap_or_default();
        let sound =
            (1..=NONCE_BYTES_MAX).contains(&nonce.len()) && nonce.bytes().all(|b| b.is_ascii_graphic());
        if sound { Ok(nonce.to_owned()) } else { Err(JobFault::again("the third party gave no nonce")) }
    }

    /// The request that ends the grant.
    pub fn end(&self, nonce: &str, account_id: &Secret<String>) -> Call {
        self.call(&self.revoke_url, "revoke", ("nonce", nonce), Some(account_id))
    }

    /// What the answer to it proves, in one word.
    pub fn evidence(&self, way: &Revoke, body: &[u8]) -> Result<&'static str, JobFault> {
        let known_as_gone = |status: i64| way.already_revoked.iter().any(|known| i64::from(*known) == status);
        match read_envelope(self.envelope, body) {
            EnvelopeReading::Done(_) => Ok("confirmed"),
            EnvelopeReading::GrantGone => Ok("already_ended"),
            EnvelopeReading::Fault(Some(status)) if known_as_gone(status) => Ok("already_ended"),
            EnvelopeReading::Fault(Some(status)) => Err(not_done("a revocation", status)),
            EnvelopeReading::Fault(None) => {
                Err(JobFault::again("the answer to a revocation is not readable"))
            }
        }
    }

    /// The signature covers the action, the client and the one value that is good for this request alone.
    fn call(&self, url: &Url, action: &str, once: (&str, &str), account_id: Option<&Secret<String>>) -> Call {
        let signed = [action, self.client_id, once.1].join(",");
        let digest = crypto::hmac_sha256_text(self.secret, &[signed.as_bytes()]);
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("action", action)
            .append_pair("client_id", self.client_id)
            .append_pair(once.0, once.1);
        if let Some(account_id) = account_id {
            form.append_pair("userid", account_id.expose());
        }
        form.append_pair("signature", &hex(digest.as_bytes()));
        let mut call = Call::form(url.clone(), &form.finish());
        call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        call
    }
}

fn not_done(what: &str, status: i64) -> JobFault {
    JobFault::again(format!("the third party answered {what} with its own status {status}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
