//! Alerts by mail: a job with retries, which reads the addresses when it runs.  RFC 5321, RFC 8314

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use jobs::{Job, JobFault, Retry};
use kernel::{Id, Secret, Timestamp};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use serde::{Deserialize, Serialize};

use super::{
    evaluate::named,
    queries,
    rule::{AlertRule, Kind, RuleRow},
};
use crate::{Watch, id};

/// How long a command of the mail server may take.
const COMMAND_MAX: Duration = Duration::from_secs(30);

/// How mail is sent.
pub struct MailSettings {
    /// The server's name; its certificate must have it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether and how the connection is encrypted.
    pub tls: MailTls,
    /// Who the mail is from: `Hilum <alerts@trial.example>`.
    pub from: String,
    /// Name and password, where the server asks for them.
    pub credentials: Option<(String, Secret<String>)>,
}

/// Whether and how the connection to the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// From its beginning (port 465).
    Implicit,
    /// By STARTTLS; without it nothing is sent (port 587).
    StartTls,
    /// Not at all: for a server on this machine.
    None,
}

/// The settings cannot be.
#[derive(Debug, thiserror::Error)]
pub enum MailFault {
    /// The sender is no address.
    #[error("from is no address such as Hilum <alerts@trial.example>")]
    From,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up for this host: {0}")]
    Tls(#[source] lettre::transport::smtp::Error),
}

/// Sends mail. Cheap to clone.
#[derive(Clone)]
pub struct Mailer(Arc<Inner>);

struct Inner {
    from: Mailbox,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Mailer {
    /// By these settings; nothing is sent yet.
    ///
    /// # Errors
    /// [`MailFault`].
    pub fn new(settings: MailSettings) -> Result<Self, MailFault> {
        let from = settings.from.parse().map_err(|_| MailFault::From)?;
        let parameters = || TlsParameters::new(settings.host.clone()).map_err(MailFault::Tls);
        let tls = match settings.tls {
            MailTls::Implicit => Tls::Wrapper(parameters()?),
            MailTls::StartTls => Tls::Required(parameters()?),
            MailTls::None => Tls::None,
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.as_str())
            .port(settings.port)
            .timeout(Some(COMMAND_MAX))
            .tls(tls);
        let builder = match settings.credentials {
            Some((name, password)) => builder.credentials(Credentials::new(name, password.expose().clone())),
            None => builder,
        };
        Ok(Self(Arc::new(Inner { from, transport: builder.build() })))
    }
}

/// Mails that a rule begins or ceases to hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mail {
    pub(super) rule: Id<AlertRule>,
    /// What it watches, in hexadecimal digits.
    pub(super) subject: String,
    pub(super) firing: bool,
    /// Whether it was told before that it fires.
    #[serde(default)]
    pub(super) repeated: bool,
    pub(super) value: i64,
    pub(super) at: Timestamp,
}

impl Job for Mail {
    const NAME: &'static str = "watch.mail";
    const RETRY: Retry = Retry { attempts_max: 8, first_s: 30, max_s: 3_600, jitter_percent: 20 };
    type Context = Watch;

    async fn run(self, watch: &Watch, _attempt: u32) -> Result<(), JobFault> {
        let Some(Mailer(mailer)) = &watch.mailer else { return Err(JobFault::dead("mail is not set up")) };
        let Some(rule) = queries::by_id(&mut watch.db.read().await?, self.rule).await? else { return Ok(()) };
        if rule.email.is_empty() {
            return Ok(());
        }
        let message =
            self.message(&rule, &mailer.from).map_err(|_| JobFault::dead("the mail cannot be written"))?;
        match mailer.transport.send(message).await {
            Ok(_) => Ok(()),
            // The server's own words could repeat addresses.
            Err(fault) if fault.is_permanent() => Err(JobFault::dead("the mail server refuses the mail")),
            Err(fault) if fault.is_timeout() => Err(JobFault::again("the mail server does not answer")),
            Err(fault) if fault.is_tls() => {
                Err(JobFault::again("the mail server does not speak TLS as it should"))
            }
            Err(_) => Err(JobFault::again("the mail could not be handed over")),
        }
    }
}

impl Mail {
    /// The same for every attempt: whoever remembers its id takes it once.  RFC 5322 §3.6.4
    fn message(&self, rule: &RuleRow, from: &Mailbox) -> Result<Message, lettre::error::Error> {
        let subject = id::unhex(&self.subject).unwrap_or_default();
        let id = format!("<{}.{}@{}>", named(self.rule, &subject), self.at.as_micros(), from.email.domain());
        let micros = u64::try_from(self.at.as_micros()).unwrap_or(0);
        let state = match (self.firing, self.repeated) {
            (true, false) => "firing",
            (true, true) => "still firing",
            (false, _) => "resolved",
        };
        let mut builder = Message::builder()
            .from(from.clone())
            .message_id(Some(id))
            .date(UNIX_EPOCH + Duration::from_micros(micros))
            .subject(format!("[Hilum] {state}: {}", rule.name))
            .header(ContentType::TEXT_PLAIN);
        for address in &rule.email {
            if let Ok(address) = address.parse() {
                builder = builder.to(Mailbox::new(None, address));
            }
        }
        builder.body(self.text(rule, &subject))
    }

    fn text(&self, rule: &RuleRow, subject: &[u8; 16]) -> String {
        let of = if *subject == [0; 16] {
            "all integrations of the rule together".to_owned()
        } else {
            format!("integration int_{}", id::hex(subject))
        };
        let found = match rule.kind {
            Kind::ErrorRate => {
                format!("{} of a hundred calls failed; the rule says {}.", self.value, rule.threshold)
            }
            Kind::Latency => {
                format!("19 of 20 calls took up to {} ms; the rule says {} ms.", self.value, rule.threshold)
            }
            Kind::FailedSync => format!("{} syncs failed; the rule says {}.", self.value, rule.threshold),
            Kind::NoData => "The rule is about data that do not come.".to_owned(),
            Kind::QueueDepth => format!("{} jobs wait; the rule says {}.", self.value, rule.threshold),
            Kind::Refusals => {
                format!("{} calls or messages were refused; the rule says {}.", self.value, rule.threshold)
            }
        };
        let state = match (self.firing, self.repeated) {
            (true, false) => "begins to hold",
            (true, true) => "holds still, and nobody has acknowledged it,",
            (false, _) => "ceases to hold",
        };
        format!(
            "The alert \"{}\" {state} for {of}.\r\n\r\n{found}\r\nIt looks back {} minutes. This was at {}.\r\n\
             Rule: {}\r\n",
            rule.name,
            rule.window_s / 60,
            self.at,
            rule.id
        )
    }
}
