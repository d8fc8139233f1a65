//! Who calls, and where: from flags, the environment, or a profile, in this order.

use std::{collections::BTreeMap, path::PathBuf};

use bytes::Bytes;
use clap::Args;
use http::{HeaderName, HeaderValue, header};
use kernel::Secret;

use super::{Client, ClientFault, Output, profile::Profiles, secret_from};

/// What proves the caller.
pub enum Credential {
    /// An API key: `<API Key Id>.<key>`.
    Key(Secret<String>),
    /// An access token.
    Token(Secret<String>),
}

impl Credential {
    /// The header field that shows it.
    pub(super) fn field(&self) -> Result<(HeaderName, HeaderValue), ClientFault> {
        let (name, text) = match self {
            Self::Key(key) => (web::API_KEY, key.expose().clone()),
            Self::Token(token) => (header::AUTHORIZATION, format!("Bearer {}", token.expose())),
        };
        let value = HeaderValue::from_maybe_shared(Bytes::from(text));
        let mut value = value.map_err(|_| {
            ClientFault::unusable(
                "the API key or token is not one line of ASCII: look at where it comes from".to_owned(),
            )
        })?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}

/// Which Hilum, as whom, and how answers are written.
#[derive(Args)]
pub struct Reach {
    /// The address of Hilum; http only for this machine.
    #[arg(long, global = true, env = "HILUM_URL", value_name = "URL")]
    url: Option<String>,
    /// A file that holds an API key as <API Key Id>.<key>; - for standard input. The environment has it as HILUM_API_KEY.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "token_file")]
    api_key_file: Option<PathBuf>,
    /// A file that holds an access token; - for standard input. The environment has it as HILUM_TOKEN.
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The profile that says where and as whom, if neither flags nor environment do (`hilum profile`).
    #[arg(long, global = true, env = "HILUM_PROFILE", value_name = "NAME")]
    profile: Option<String>,
    /// Write the answer as JSON, for programs.
    #[arg(long, global = true)]
    json: bool,
}

impl Reach {
    /// How answers are written.
    pub const fn output(&self) -> Output {
        Output::new(self.json)
    }

    /// The client that this all adds up to.
    ///
    /// # Errors
    /// Nothing says where or as whom, or a file cannot be used.
    pub fn client(&self, environment: &BTreeMap<String, String>) -> Result<Client, ClientFault> {
        let named = self.profile.as_deref();
        let stated = self.stated(environment)?;
        let url = self.url.clone();
        let (url, credential) = match (url, stated) {
            (Some(url), Some(credential)) => (url, credential),
            (url, stated) => {
                let profile = Profiles::usual(environment)?.read(named)?;
                // What proves us to one Hilum is not shown to another one.
                if let Some(url) = &url
                    && stated.is_none()
                    && url.trim_end_matches('/') != profile.url.trim_end_matches('/')
                {
                    let why = "the address is another than the profile's, whose key is not for it: give --api-key-file, or leave --url out";
                    return Err(ClientFault::unusable(why.to_owned()));
                }
                (url.unwrap_or(profile.url), stated.unwrap_or(profile.credential))
            }
        };
        Client::new(&url, credential)
    }

    fn stated(&self, environment: &BTreeMap<String, String>) -> Result<Option<Credential>, ClientFault> {
        if let Some(file) = &self.api_key_file {
            return Ok(Some(Credential::Key(secret_from(file)?)));
        }
        if let Some(file) = &self.token_file {
            return Ok(Some(Credential::Token(secret_from(file)?)));
        }
        let from =
            |name: &str| environment.get(name).filter(|text| !text.is_empty()).cloned().map(Secret::new);
        match (from("HILUM_API_KEY"), from("HILUM_TOKEN")) {
            (Some(_), Some(_)) => Err(ClientFault::unusable(
                "HILUM_API_KEY and HILUM_TOKEN are both set: unset one of them".to_owned(),
            )),
            (Some(key), None) => Ok(Some(Credential::Key(key))),
            (None, Some(token)) => Ok(Some(Credential::Token(token))),
            (None, None) => Ok(None),
        }
    }
}
