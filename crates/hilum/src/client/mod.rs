//! A client of our own HTTP API, for the commands that staff work with: where it is, who calls, what came of a call, and how that is told
//! (`docs/command-line.md`).

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use kernel::Secret;
use outbound::{Call, InternalHost, Outbound, OutboundFault, SystemLookup};
use serde_json::Value;
use url::{Host, Url};

mod credential;
mod fault;
mod output;
pub mod profile;
mod stream;

pub use credential::{Credential, Reach};
pub use fault::{ClientFault, Refused};
pub use output::{Output, shown};
pub use stream::{Message, Stream};

/// The longest that a call may take, to the last byte of its answer: a test of a connection talks to a slow system for some time.
pub const CALL_PATIENCE: Duration = Duration::from_secs(120);
/// The largest answer that is read.
pub const ANSWER_BYTES_MAX: usize = 32 << 20;
/// Below which path the API is.
const API: [&str; 3] = ["api", "v1", "integrations"];

/// Hilum as a caller reaches it.
pub struct Client {
    outbound: Outbound,
    base: Url,
    credential: Credential,
}

/// An answer that says that it was done.
pub struct Answer {
    /// The header fields.
    pub headers: HeaderMap,
    /// The body; null where there is none.
    pub body: Value,
}

impl Answer {
    /// A header field, if it is there and can be read.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A call of the API.
pub struct Ask {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

impl Ask {
    /// With a header field.
    ///
    /// # Errors
    /// A value that no header field has.
    pub fn with(mut self, name: &'static str, value: &str) -> Result<Self, ClientFault> {
        let value = HeaderValue::from_str(value).map_err(|_| {
            ClientFault::unusable(format!(
                "{name} is sent in a header field: write it in plain ASCII, in one line"
            ))
        })?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    /// With a header field, where there is a value.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub fn with_some(self, name: &'static str, value: Option<&str>) -> Result<Self, ClientFault> {
        match value {
            Some(value) => self.with(name, value),
            None => Ok(self),
        }
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body_of("application/json", body)
    }

    /// With a merge patch.  RFC 7396
    #[must_use]
    pub fn merge_patch(self, body: &Value) -> Self {
        self.body_of("application/merge-patch+json", body)
    }

    fn body_of(mut self, media: &'static str, body: &Value) -> Self {
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        self.body = Bytes::from(body.to_string());
        self
    }
}

impl Client {
    /// The Hilum at this address, as this caller.
    ///
    /// # Errors
    /// An address that is none, or over which the credential would travel readable.
    pub fn new(address: &str, credential: Credential) -> Result<Self, ClientFault> {
        // The address is not repeated in what is said: it may hold a password.
        let base = Url::parse(address).ok().filter(|url| url.host_str().is_some());
        let mut base = base.ok_or_else(|| {
            ClientFault::unusable(
                "the address of Hilum is no URL: write --url https://hilum.example.org".to_owned(),
            )
        })?;
        let is_plain = base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none()
            && base.fragment().is_none();
        if !is_plain || !matches!(base.scheme(), "http" | "https") {
            let why = "the address of Hilum is scheme and host alone: write --url https://hilum.example.org";
            return Err(ClientFault::unusable(why.to_owned()));
        }
        if base.scheme() == "http" && !is_this_machine(&base) {
            let why = "a key is sent over https only, or over http to this machine: write --url https://…";
            return Err(ClientFault::unusable(why.to_owned()));
        }
        base.set_path(base.path().trim_end_matches('/').to_owned().as_str());
        // Whoever runs the command has named the address, so it may be inside; no answer leads anywhere else.
        let outbound = reaching(&base)?;
        Ok(Self { outbound, base, credential })
    }

    /// A call of what is below `/api/v1/integrations`, piece by piece of its path.
    pub fn ask(&self, method: Method, path: &[&str]) -> Ask {
        self.ask_for(method, path, &[])
    }

    /// The same with a query; what has no value is left out.
    pub fn ask_for(&self, method: Method, path: &[&str], query: &[(&str, Option<&str>)]) -> Ask {
        let mut url = self.base.clone();
        if let Ok(mut pieces) = url.path_segments_mut() {
            pieces.pop_if_empty().extend(API).extend(path);
        }
        let said: Vec<(&str, &str)> =
            query.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        if !said.is_empty() {
            url.query_pairs_mut().extend_pairs(said);
        }
        Ask { method, url, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// Read something.
    ///
    /// # Errors
    /// [`ClientFault`].
    pub async fn get(&self, path: &[&str], query: &[(&str, Option<&str>)]) -> Result<Answer, ClientFault> {
        self.send(self.ask_for(Method::GET, path, query)).await
    }

    /// Do something that takes no body.
    ///
    /// # Errors
    /// [`ClientFault`].
    pub async fn post(&self, path: &[&str]) -> Result<Answer, ClientFault> {
        self.send(self.ask(Method::POST, path)).await
    }

    /// Make the call.
    ///
    /// # Errors
    /// [`ClientFault`]: it could not be made, or was refused.
    pub async fn send(&self, ask: Ask) -> Result<Answer, ClientFault> {
        let is_read = ask.method == Method::GET;
        let call = self.call(ask, CALL_PATIENCE)?;
        let answer =
            self.outbound.read(call, ANSWER_BYTES_MAX).await.map_err(|fault| unreached(&fault, is_read))?;
        let body = match answer.body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&answer.body).map_err(|_| ClientFault::not_hilum())?,
        };
        if answer.status.is_success() {
            return Ok(Answer { headers: answer.headers, body });
        }
        Err(fault::of(answer.status, &answer.headers, body))
    }

    /// Begin to read a stream of events, that lasts so long at the most.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn stream(&self, ask: Ask, life: Duration) -> Result<Stream, ClientFault> {
        let answer =
            self.outbound.send(self.call(ask, life)?).await.map_err(|fault| unreached(&fault, true))?;
        if answer.status.is_success() {
            return Ok(Stream::of(answer));
        }
        let answer = answer.read(ANSWER_BYTES_MAX).await.map_err(|fault| unreached(&fault, true))?;
        let body = serde_json::from_slice(&answer.body).map_err(|_| ClientFault::not_hilum())?;
        Err(fault::of(answer.status, &answer.headers, body))
    }

    fn call(&self, mut ask: Ask, timeout: Duration) -> Result<Call, ClientFault> {
        let (name, value) = self.credential.field()?;
        ask.headers.insert(name, value);
        ask.headers
            .entry(header::ACCEPT)
            .or_insert(HeaderValue::from_static("application/json, text/event-stream"));
        Ok(Call { method: ask.method, url: ask.url, headers: ask.headers, body: ask.body, timeout })
    }
}

/// Calls to one host that was named, and to no other one.
///
/// # Errors
/// An address that cannot be called.
pub fn reaching(url: &Url) -> Result<Outbound, ClientFault> {
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    let named: InternalHost = format!("{host}:{port}")
        .parse()
        .map_err(|_| ClientFault::unusable("the address cannot be called: write host and port".to_owned()))?;
    Outbound::new(BTreeSet::from([named]), Arc::new(SystemLookup))
        .map_err(|fault| ClientFault::Unreached(fault.to_string()))
}

/// Whether an address is one of this machine.
pub fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn unreached(fault: &OutboundFault, is_read: bool) -> ClientFault {
    let why = match fault {
        OutboundFault::NotSent(_) | OutboundFault::Refused(_) => {
            "nothing was done: Hilum cannot be reached. Look at --url (or HILUM_URL), and whether it runs"
        }
        OutboundFault::TooLarge { .. } => {
            "the answer is larger than this command reads: ask for a smaller page with --size"
        }
        _ if is_read => "Hilum did not answer in time: run the command again",
        _ => "Hilum did not answer in time, and may have done it: look before you run the command again",
    };
    ClientFault::Unreached(why.to_owned())
}

/// What proves a caller, from a file; `-` is standard input. One line break at its end is not part of it.
///
/// # Errors
/// A file that cannot be read, is empty, or larger than a secret is.
pub fn secret_from(path: &std::path::Path) -> Result<Secret<String>, ClientFault> {
    use std::io::Read;
    /// The largest secret, bytes: a private key with its chain.
    const SECRET_BYTES_MAX: u64 = 64 << 10;
    let mut text = String::new();
    let shown = path.display();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().lock().take(SECRET_BYTES_MAX + 1).read_to_string(&mut text),
        _ => std::fs::File::open(path)
            .and_then(|file| file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text)),
    };
    let text = Secret::new(text);
    read.map_err(|fault| {
        ClientFault::unusable(format!(
            "{shown}: {fault}; name a file that holds the secret, or - for standard input"
        ))
    })?;
    let whole = text.expose();
    if u64::try_from(whole.len()).unwrap_or(u64::MAX) > SECRET_BYTES_MAX {
        return Err(ClientFault::unusable(format!("{shown}: is larger than a secret is (64 KiB)")));
    }
    let one = whole.strip_suffix('\n').map_or(whole.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    if one.is_empty() {
        return Err(ClientFault::unusable(format!("{shown}: is empty; it should hold the secret")));
    }
    Ok(Secret::new(one.to_owned()))
}

/// A JSON document from a file; `-` is standard input.
///
/// # Errors
/// A file that cannot be read, or is no JSON.
pub fn json_from(path: &std::path::Path) -> Result<Value, ClientFault> {
    let text = secret_from(path)?;
    serde_json::from_str(text.expose()).map_err(|fault| {
        let at = (fault.line(), fault.column());
        ClientFault::unusable(format!("{}: is no JSON at line {} column {}", path.display(), at.0, at.1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Result<Client, ClientFault> {
        Client::new(address, Credential::Key(Secret::new("k7m2qd.lab.hlm_ak_x".to_owned())))
    }

    #[test]
    fn a_key_is_sent_to_where_it_cannot_be_read_on_the_way() {
        for good in [
            "https://hilum.example",
            "https://hilum.example/",
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "http://localhost:8080",
        ] {
            assert!(at(good).is_ok(), "{good}");
        }
        for bad in [
            "http://hilum.example",
            "ftp://127.0.0.1",
            "hilum.example",
            "https://a:hunter2@hilum.example",
            "https://hilum.example/?x=1",
            "",
        ] {
            let said = at(bad).err().unwrap().to_string();
            assert!(said.contains("--url") && !said.contains("hunter2"), "{bad}: {said}");
        }
    }

    #[test]
    fn a_path_is_made_of_pieces() {
        let client = at("https://hilum.example/behind/").ok().unwrap();
        let ask = client.ask_for(Method::GET, &["a/b?c", "test"], &[("q", Some("x & y")), ("page", None)]);
        assert_eq!(
            ask.url.as_str(),
            "https://hilum.example/behind/api/v1/integrations/a%2Fb%3Fc/test?q=x+%26+y"
        );
        assert_eq!(
            client.ask(Method::GET, &[]).url.as_str(),
            "https://hilum.example/behind/api/v1/integrations"
        );
    }
}
