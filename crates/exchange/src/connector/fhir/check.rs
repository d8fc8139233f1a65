//! Whether a FHIR server can be pulled from: each step by itself, so that whoever set it up sees where it ends.

use std::time::Duration;

use kernel::{Timestamp, World};
use outbound::{Call, OutboundFault, Unreached, WholeAnswer};

use super::{FhirServer, PullFault, SignIn, answered, read, unanswered};
use crate::connector::{Findings, Name, Outcome, StepName};

/// The most bytes of one answer that a test reads.
pub const CHECK_BYTES_MAX: usize = 8 << 20;
/// After so long a test begins no further call.
pub const CHECK_TIME_MAX: Duration = Duration::from_secs(60);

const STEPS: [StepName; 7] = [
    StepName::Name,
    StepName::Connection,
    StepName::Tls,
    StepName::Api,
    StepName::SignIn,
    StepName::Permission,
    StepName::SampleRead,
];

type Said = (Outcome, &'static str);

const fn passed(message: &'static str) -> Said {
    (Outcome::Passed, message)
}
const fn warning(message: &'static str) -> Said {
    (Outcome::Warning, message)
}
const fn failed(message: &'static str) -> Said {
    (Outcome::Failed, message)
}

/// Look at all of it.
pub(super) async fn check(server: &FhirServer, world: &World) -> Findings {
    let mut test = Test { server, world, began: world.now(), found: Findings::default() };
    test.through().await;
    test.found.skip_rest(&STEPS);
    test.found
}

struct Test<'a> {
    server: &'a FhirServer,
    world: &'a World,
    began: Timestamp,
    found: Findings,
}

/// What a search for one record came to.
enum Searched {
    /// It is let through, and there may be such a record.
    May(Option<Name>),
    /// It says that it does not know us.
    Unknown,
    /// We may not, or it cannot.
    MayNot(&'static str),
    /// The answer is none.
    Unusable(&'static str),
}

impl Test<'_> {
    fn tell(&mut self, name: StepName, began: Timestamp, said: Said) -> Option<()> {
        self.found.tell(name, (self.world, began), said);
        (said.0 != Outcome::Failed).then_some(())
    }

    /// None where it ends before its end.
    async fn through(&mut self) -> Option<()> {
        self.reach().await?;
        self.statement().await?;
        let records = self.searches().await?;
        let began = self.world.now();
        let said = self.sample(&records).await;
        self.tell(StepName::SampleRead, began, said)
    }

    async fn reach(&mut self) -> Option<()> {
        let began = self.world.now();
        let door = self.server.outbound.look_up(&self.server.base).await;
        let said = match &door {
            Ok(_) => passed("the host has an address"),
            Err(Unreached::Refused(_)) => failed("the address is not one that may be called from here"),
            Err(_) => failed("the host's name has no address: look whether it is spelt right"),
        };
        self.tell(StepName::Name, began, said)?;
        let began = self.world.now();
        let said = match door.ok()?.knock().await {
            Ok(()) => passed("the host takes connections"),
            Err(_) => failed(
                "nobody takes connections there: is the server running, does a firewall let us through?",
            ),
        };
        self.tell(StepName::Connection, began, said)
    }

    /// What it says of itself: to everybody, or to us alone.  <https://hl7.org/fhir/R4/http.html#capabilities>
    async fn statement(&mut self) -> Option<()> {
        let began = self.world.now();
        let Ok(url) = self.server.join("metadata") else {
            return self.tell(StepName::Api, began, failed("the source's address leads nowhere"));
        };
        let answer = self.server.outbound.send(self.server.plain(url.clone())).await;
        let said = match (&answer, self.server.base.scheme()) {
            (_, "http") => warning("nothing is encrypted on the way: that is for hosts inside alone"),
            (Err(OutboundFault::NotSent(_)), _) => {
                failed("no encrypted connection comes about: is the certificate valid, and of this name?")
            }
            (Err(OutboundFault::Refused(_)), _) => failed("the host is not one that may be called from here"),
            _ => passed("the connection is encrypted, and the certificate is good"),
        };
        self.tell(StepName::Tls, began, said)?;
        let began = self.world.now();
        let whole = match answer {
            Ok(answer) => answer.read(CHECK_BYTES_MAX).await.map_err(|fault| unanswered(&fault)),
            Err(fault) => Err(unanswered(&fault)),
        };
        let whole = match whole {
            Ok(answer) if matches!(answer.status.as_u16(), 401 | 403) => match self.server.signed(url) {
                Ok(call) => self.call(call).await,
                Err(fault) => Err(fault),
            },
            other => other,
        };
        let said = match whole {
            Ok(answer) if answer.status.as_u16() == 401 => {
                return self.tell(StepName::SignIn, began, failed(UNKNOWN));
            }
            Ok(answer) if answer.status.as_u16() != 200 => {
                failed("the server does not say what it can: is this the base of a FHIR server?")
            }
            Ok(answer) => self.understood(&answer),
            Err(fault) => failed(words(&fault)),
        };
        self.tell(StepName::Api, began, said)
    }

    fn understood(&mut self, answer: &WholeAnswer) -> Said {
        let Some(statement) = read::statement(&answer.body) else {
            return failed(
                "what the server says of itself is no CapabilityStatement: is this the base of a FHIR server?",
            );
        };
        let is_r4 = statement.version.starts_with("4.0.");
        self.found.api_version = is_version(&statement.version).then(|| statement.version.clone());
        if !is_r4 {
            return failed("the server speaks another version of FHIR than R4");
        }
        let can = |of: &&String| statement.searched.iter().any(|one| one == *of);
        if self.server.types.iter().all(|of| can(&of)) {
            passed("a FHIR R4 server that can search what is pulled")
        } else {
            warning("the server does not say that it can search every type that is pulled")
        }
    }

    /// The first search shows whether we are known, the others what we may: those records that came are looked at then.
    async fn searches(&mut self) -> Option<Vec<Name>> {
        let (mut records, mut refused, mut unusable) = (Vec::new(), None, None);
        let mut began = self.world.now();
        for (nth, of) in self.server.types.iter().enumerate() {
            match self.search(of).await {
                Searched::Unknown if nth == 0 => {
                    self.tell(StepName::SignIn, began, failed(UNKNOWN))?;
                }
                Searched::Unknown => refused = refused.or(Some(UNKNOWN)),
                Searched::MayNot(why) => refused = refused.or(Some(why)),
                Searched::Unusable(why) => unusable = unusable.or(Some(why)),
                Searched::May(record) => {
                    self.found.permissions.push(format!("{of}.search"));
                    records.extend(record);
                }
            }
            if nth == 0 {
                let said = match self.server.sign_in {
                    SignIn::Open => passed("the server asks for no sign-in"),
                    SignIn::Bearer(_) | SignIn::Basic { .. } => passed("the server takes our credential"),
                };
                // An answer that is none says nothing of who we are.
                if unusable.is_none() {
                    self.tell(StepName::SignIn, began, said)?;
                }
                began = self.world.now();
            }
            if unusable.is_some() {
                break;
            }
        }
        if let Some(why) = refused {
            self.tell(StepName::Permission, began, failed(why))?;
        }
        if let Some(why) = unusable {
            self.tell(StepName::SampleRead, began, failed(why))?;
        }
        self.tell(StepName::Permission, began, passed("every type that is pulled may be searched"))?;
        Some(records)
    }

    async fn search(&self, of: &str) -> Searched {
        let Ok(mut url) = self.server.join(of) else {
            return Searched::Unusable("the source's address leads nowhere");
        };
        url.query_pairs_mut().append_pair("_sort", "_lastUpdated").append_pair("_count", "1");
        let answer = match self.server.signed(url) {
            Ok(call) => self.call(call).await,
            Err(fault) => Err(fault),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(fault) => return Searched::Unusable(words(&fault)),
        };
        match answer.status.as_u16() {
            200 => {}
            401 => return Searched::Unknown,
            403 => return Searched::MayNot("the server does not let us read every type that is pulled"),
            400 | 404 | 405 | 410 | 422 | 501 => {
                return Searched::MayNot(
                    "the server cannot search every type that is pulled by _lastUpdated",
                );
            }
            _ => return Searched::Unusable(answered(answer).err().map_or(TROUBLE, |fault| words(&fault))),
        }
        match read::bundle(&answer.body) {
            Err(fault) => Searched::Unusable(words(&fault)),
            Ok(bundle) if bundle.entries.iter().any(|entry| entry.found.name.of != of) => {
                Searched::Unusable("the server answers a search with records of another type")
            }
            Ok(bundle) => Searched::May(bundle.entries.into_iter().next().map(|entry| entry.found.name)),
        }
    }

    /// One record of each type by its id, as a full run asks for what it did not come across.
    async fn sample(&self, records: &[Name]) -> Said {
        for name in records {
            let read = match self.server.join(&format!("{}/{}", name.of, name.id)) {
                Ok(url) => self.read(url, name).await,
                Err(fault) => Err(fault),
            };
            if let Err(fault) = read {
                return failed(words(&fault));
            }
        }
        if records.is_empty() {
            warning("there is no record to be read yet")
        } else {
            passed("a record of each type that has any can be read")
        }
    }

    async fn read(&self, url: url::Url, name: &Name) -> Result<(), PullFault> {
        let answer = answered(self.call(self.server.signed(url)?).await?)?;
        read::record(&answer.body, name).map(|_| ())
    }

    async fn call(&self, call: Call) -> Result<WholeAnswer, PullFault> {
        if self.world.now().since(self.began) > CHECK_TIME_MAX {
            return Err(PullFault::last("the server is too slow for the test to come to its end"));
        }
        self.server.outbound.read(call, CHECK_BYTES_MAX).await.map_err(|fault| unanswered(&fault))
    }
}

const UNKNOWN: &str = "the server does not know our credential";
const TROUBLE: &str = "the source has trouble";

/// A fault in words of ours.
const fn words(fault: &PullFault) -> &'static str {
    match fault {
        PullFault::Again { why, .. } | PullFault::Final { why } => why,
    }
}

/// What may be repeated of what a server calls its version.
fn is_version(text: &str) -> bool {
    const CHARACTERS_MAX: usize = 16;
    (1..=CHARACTERS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}
