//! The terminology server of `hilum validate --terminology`: the port of [`validator::terminology`] over HTTP. What it does not answer
//! becomes a finding "not checked", is counted, and never passes for an answer.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use kernel::Secret;
use outbound::{Call, InternalHost, Outbound, OutboundFault, SystemLookup, WholeAnswer};
use serde_json::Value;
use tokio::runtime::Handle;
use url::{Host, Url};
use validator::terminology::{Operation, Question, Remote, RemoteFault, Verdict};

/// `TERMINOLOGY_TIMEOUT`: the longest that one call may take, to the last byte of its answer.
pub const TERMINOLOGY_TIMEOUT: Duration = Duration::from_secs(10);
/// `TERMINOLOGY_TRIES_MAX`: calls for one question; only what may go away by itself is tried again.
pub const TERMINOLOGY_TRIES_MAX: u32 = 3;
/// `TERMINOLOGY_SILENT_MAX`: questions in a row without an answer, after which nothing more is asked.
pub const TERMINOLOGY_SILENT_MAX: u32 = 5;
/// `TERMINOLOGY_ANSWER_BYTES_MAX`: one answer.
pub const TERMINOLOGY_ANSWER_BYTES_MAX: usize = 16 << 20;
/// Between two calls for one question; twice as long before the third.
const PAUSE: Duration = Duration::from_millis(250);

/// A terminology server.
pub struct Server {
    outbound: Outbound,
    base: Url,
    token: Option<Secret<String>>,
    runtime: Handle,
    timeout: Duration,
    pause: Duration,
    /// Questions in a row that it has not answered.
    silent: AtomicU32,
    unanswered: AtomicU64,
}

impl Server {
    /// The server at an address, with the token that it asks for, if any.
    ///
    /// The address may be inside: who runs the command has named it. What the server answers leads nowhere else, since redirects are not followed.
    ///
    /// # Errors
    /// Where the address is none to ask, or the token would travel readable.
    pub fn new(address: &str, token: Option<Secret<String>>, runtime: Handle) -> anyhow::Result<Self> {
        // The address is not repeated in what is said: it may hold a password.
        let mut base = Url::parse(address).context("the address of the terminology server is not a URL")?;
        if !base.username().is_empty() || base.password().is_some() {
            bail!(
                "the address of the terminology server holds a user name or password: give a token by HILUM_TERMINOLOGY_TOKEN"
            );
        }
        if base.query().is_some() || base.fragment().is_some() || !matches!(base.scheme(), "http" | "https") {
            bail!(
                "the address of the terminology server is the base of its FHIR operations, as https://tx.example.org/r4"
            );
        }
        if token.is_some() && base.scheme() == "http" && !is_this_machine(&base) {
            bail!("the token of the terminology server is sent over https only");
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let (host, port) =
            (base.host_str().unwrap_or_default(), base.port_or_known_default().unwrap_or_default());
        let named: InternalHost =
            format!("{host}:{port}").parse().context("the address of the terminology server")?;
        let outbound = Outbound::new(BTreeSet::from([named]), Arc::new(SystemLookup))?;
        let (timeout, pause) = (TERMINOLOGY_TIMEOUT, PAUSE);
        let (silent, unanswered) = (AtomicU32::new(0), AtomicU64::new(0));
        Ok(Self { outbound, base, token, runtime, timeout, pause, silent, unanswered })
    }

    /// With other times: of one call, and between two for one question.
    #[must_use]
    pub fn with_times(self, timeout: Duration, pause: Duration) -> Self {
        Self { timeout, pause, ..self }
    }

    /// Questions that it has not answered so far.
    pub fn unanswered(&self) -> u64 {
        self.unanswered.load(Ordering::Relaxed)
    }

    /// Asks; `read` takes what the answer means from its status and its JSON, or finds that it is none.
    fn ask<T>(
        &self,
        operation: &Operation,
        read: impl Fn(StatusCode, &Value) -> Option<T>,
    ) -> Result<T, RemoteFault> {
        if self.silent.load(Ordering::Relaxed) >= TERMINOLOGY_SILENT_MAX {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
            return Err(RemoteFault("it is not asked any more, since it did not answer before".to_owned()));
        }
        let answered = self.runtime.block_on(self.called(operation)).and_then(|answer| {
            let meant = serde_json::from_slice(&answer.body).ok().and_then(|json| read(answer.status, &json));
            meant.ok_or_else(|| no_answer(&answer))
        });
        match answered {
            Ok(answer) => {
                self.silent.store(0, Ordering::Relaxed);
                Ok(answer)
            }
            Err(why) => {
                self.silent.fetch_add(1, Ordering::Relaxed);
                self.unanswered.fetch_add(1, Ordering::Relaxed);
                Err(RemoteFault(why))
            }
        }
    }

    async fn called(&self, operation: &Operation) -> Result<WholeAnswer, String> {
        let mut tries = 1;
        loop {
            let call = self.call(operation)?;
            let answer = self.outbound.read(call, TERMINOLOGY_ANSWER_BYTES_MAX).await;
            if tries == TERMINOLOGY_TRIES_MAX || !may_pass(&answer) {
                return answer.map_err(|fault| fault.to_string());
            }
            tokio::time::sleep(self.pause * tries).await;
            tries += 1;
        }
    }

    fn call(&self, operation: &Operation) -> Result<Call, String> {
        let url = self.base.join(operation.path).map_err(|fault| fault.to_string())?;
        let fhir = HeaderValue::from_static("application/fhir+json");
        let mut headers =
            HeaderMap::from_iter([(header::ACCEPT, fhir.clone()), (header::CONTENT_TYPE, fhir)]);
        if let Some(token) = &self.token {
            let value = Bytes::from(format!("Bearer {}", token.expose()));
            let mut value =
                HeaderValue::from_maybe_shared(value).map_err(|_| "its token cannot be sent".to_owned())?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let body = Bytes::from(operation.parameters.to_string());
        Ok(Call { method: Method::POST, url, headers, body, timeout: self.timeout })
    }
}

impl Remote for Server {
    fn validate_code(&self, question: &Question<'_>) -> Result<Verdict, RemoteFault> {
        self.ask(&Operation::validate_code(question), |status, answer| match Verdict::of(question, answer) {
            Some(verdict) if status.is_success() || is_said(status) => Some(verdict),
            None if is_said(status) && answer["resourceType"] == "OperationOutcome" => {
                Some(Verdict::Unknown { message: "the question was refused".into() })
            }
            _ => None,
        })
    }

    fn expand(&self, value_set: &str) -> Result<Option<Value>, RemoteFault> {
        self.ask(&Operation::expand(value_set), |status, answer| match answer["resourceType"].as_str()? {
            "ValueSet" if status.is_success() && answer["expansion"].is_object() => {
                Some(Some(answer.clone()))
            }
            "OperationOutcome" if is_said(status) => Some(None),
            _ => None,
        })
    }
}

/// Statuses with which servers say that they do not know the code system or the value set, or will not expand it.
fn is_said(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY)
}

/// Whether the same call may have an answer a little later.
fn may_pass(answer: &Result<WholeAnswer, OutboundFault>) -> bool {
    match answer {
        Ok(answer) => matches!(answer.status.as_u16(), 429 | 502 | 503 | 504),
        Err(OutboundFault::NotSent(_) | OutboundFault::TimedOut | OutboundFault::Broken(_)) => true,
        Err(OutboundFault::Refused(_) | OutboundFault::TooLarge { .. } | OutboundFault::Setup(_)) => false,
    }
}

/// Why what came is no answer. Nothing of its text is repeated: that is the server's, and may be anything.
fn no_answer(answer: &WholeAnswer) -> String {
    match answer.status {
        status if status.is_redirection() => {
            format!("it answered {}, and redirects are not followed", status.as_u16())
        }
        status if status.is_success() => "what it answered is no FHIR answer in JSON".to_owned(),
        status => format!("it answered {}", status.as_u16()),
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
