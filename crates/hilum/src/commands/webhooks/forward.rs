//! An event is passed on to an address of this machine, signed as an endpoint's calls are.  Standard Webhooks 1.0

use std::{path::Path, time::Duration};

use bytes::Bytes;
use crypto::webhook::{Message, sign};
use http::{HeaderValue, Method, header};
use kernel::{Secret, World};
use outbound::{Call, Outbound, OutboundFault};
use url::Url;

use crate::client::{ClientFault, is_this_machine, reaching, secret_from};

/// How long the receiver may take.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(15);
/// What is read of its answer, bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Where events go, and what they are signed with.
pub(super) struct Forward {
    to: Url,
    key: Secret<[u8; 32]>,
    outbound: Outbound,
}

impl Forward {
    /// To this address, signed with the secret in the file, or with a new one.
    ///
    /// # Errors
    /// An address of another machine, a file that holds no secret.
    pub(super) fn to(address: &str, secret_file: Option<&Path>, world: &World) -> Result<Self, ClientFault> {
        let to = Url::parse(address)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && is_this_machine(url));
        let why = "--to is an address of this machine, such as http://127.0.0.1:3000/hooks; others get an endpoint: hilum webhooks endpoints create";
        let to = to.ok_or_else(|| ClientFault::unusable(why.to_owned()))?;
        let key = match secret_file {
            None => world.secret(),
            Some(file) => read(&secret_from(file)?).ok_or_else(|| {
                ClientFault::unusable(format!(
                    "{}: is no secret as endpoints have it: whsec_ and 32 bytes in Base64",
                    file.display()
                ))
            })?,
        };
        let outbound = reaching(&to)?;
        Ok(Self { to, key, outbound })
    }

    /// The secret, as whoever verifies is shown it.
    pub(super) fn secret(&self) -> Secret<String> {
        crypto::webhook::shown(&self.key)
    }

    /// Pass it on; the status of the answer, or why there is none.
    pub(super) async fn pass(&self, id: &str, body: &str, world: &World) -> Result<u16, &'static str> {
        let message = Message { id, at: world.now(), body: body.as_bytes() };
        let mut headers = outbound::webhook::signed(id, message.at, &[sign(&self.key, &message)]);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = Bytes::copy_from_slice(body.as_bytes());
        let call =
            Call { method: Method::POST, url: self.to.clone(), headers, body, timeout: FORWARD_TIMEOUT };
        let answer = self.outbound.read(call, ANSWER_BYTES_MAX).await.map_err(|fault| match fault {
            OutboundFault::NotSent(_) => "nothing listens there",
            OutboundFault::TimedOut => "no answer within 15 s",
            OutboundFault::TooLarge { .. } => "its answer is too large",
            _ => "the call broke off",
        })?;
        Ok(answer.status.as_u16())
    }
}

fn read(secret: &Secret<String>) -> Option<Secret<[u8; 32]>> {
    let bytes = Secret::new(crypto::b64::decode_standard(secret.expose().strip_prefix("whsec_")?).ok()?);
    bytes.expose().as_slice().try_into().ok().map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_as_endpoints_show_them() {
        let key = Secret::new([7; 32]);
        let shown = crypto::webhook::shown(&key);
        assert_eq!(read(&shown).unwrap().expose(), &[7; 32]);
        for bad in ["", "whsec_", "whsec_AAAA", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="] {
            assert!(read(&Secret::new(bad.to_owned())).is_none(), "{bad}");
        }
    }
}
