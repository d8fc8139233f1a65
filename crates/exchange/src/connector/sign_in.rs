//! How a connector proves itself at a source.

mod token;

use base64::Engine as _;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use kernel::Secret;

use super::PullFault;

pub(super) use token::NOT_FOR_SCOPES;
pub use token::{Endpoint, Grant, TOKEN_LIFE_MAX, Token, Tokens};

/// How we prove ourselves.
#[derive(Clone)]
pub enum SignIn {
    /// Not at all.
    Open,
    /// A token that somebody has set.
    Bearer(Secret<String>),
    /// A name and a password.
    Basic {
        /// The name.
        name: String,
        /// The password.
        password: Secret<String>,
    },
    /// A key in a header field of the source's own.
    Header {
        /// The field.
        name: HeaderName,
        /// The key.
        value: Secret<String>,
    },
    /// Tokens that are asked for, and asked for again when they run out.
    Tokens(Box<Tokens>),
}

/// What a call was signed with.
pub(super) struct Signed(Option<Secret<String>>);

impl SignIn {
    /// Puts the proof into the fields of a call. It may ask for a token first.
    pub(super) async fn sign(&self, headers: &mut HeaderMap) -> Result<Signed, PullFault> {
        let (name, proof, token) = match self {
            Self::Open => return Ok(Signed(None)),
            Self::Bearer(token) => (header::AUTHORIZATION, format!("Bearer {}", token.expose()), None),
            Self::Basic { name, password } => {
                (header::AUTHORIZATION, basic(&format!("{name}:{}", password.expose())), None)
            }
            Self::Header { name, value } => (name.clone(), value.expose().clone(), None),
            Self::Tokens(tokens) => {
                let token = tokens.get().await?;
                (header::AUTHORIZATION, format!("Bearer {}", token.expose()), Some(token))
            }
        };
        headers.insert(name, sensitive(&proof)?);
        Ok(Signed(token))
    }

    /// The source does not take what a call was signed with. Whether signing anew may help.
    pub(super) async fn is_refused(&self, signed: &Signed) -> bool {
        match (self, &signed.0) {
            (Self::Tokens(tokens), Some(token)) => {
                tokens.forget(token).await;
                true
            }
            _ => false,
        }
    }

    /// Whether there is a proof to be had: for a test, before the first call.
    pub(super) async fn prove(&self) -> Result<(), PullFault> {
        self.sign(&mut HeaderMap::new()).await.map(|_| ())
    }
}

fn basic(pair: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

/// A value that no log shows.
fn sensitive(text: &str) -> Result<HeaderValue, PullFault> {
    let value = HeaderValue::from_str(text);
    let mut value = value.map_err(|_| PullFault::last("the credential cannot be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}
