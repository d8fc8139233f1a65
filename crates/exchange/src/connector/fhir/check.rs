//! Whether a FHIR server can be pulled from: each step by itself, so that whoever set it up sees where it ends.

use kernel::{Timestamp, World};
use outbound::{Call, WholeAnswer};

use super::{FhirServer, PullFault, read};
use crate::connector::{
    Findings, Name, SignIn, StepName,
    look::{
        CHECK_BYTES_MAX, CHECK_CALL_TIMEOUT, Look, Said, TOO_SLOW, UNKNOWN, failed, passed, warning, words,
    },
    reach::{STEPS, encryption},
    way::unanswered,
};

/// Look at all of it.
pub(super) async fn check(server: &FhirServer, world: &World) -> Findings {
    let mut test = Test { server, look: Look::begin(&server.way, world) };
    test.through().await;
    test.look.found.skip_rest(&STEPS);
    test.look.found
}

struct Test<'a> {
    server: &'a FhirServer,
    look: Look<'a>,
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
        self.look.tell(name, began, said)
    }

    fn now(&self) -> Timestamp {
        self.look.world.now()
    }

    /// None where it ends before its end.
    async fn through(&mut self) -> Option<()> {
        self.look.reach(&self.server.base).await?;
        self.statement().await?;
        let records = self.searches().await?;
        let began = self.now();
        let said = self.sample(&records).await;
        self.tell(StepName::SampleRead, began, said)
    }

    /// What it says of itself: to everybody, or to us alone.  <https://hl7.org/fhir/R4/http.html#capabilities>
    async fn statement(&mut self) -> Option<()> {
        let began = self.now();
        let Ok(url) = self.server.join("metadata") else {
            return self.tell(StepName::Api, began, failed("the source's address leads nowhere"));
        };
        let call = unhurried(self.server.call(url));
        let answer = match self.server.way.plain(unhurried(self.server.call(call.url.clone()))).await {
            Ok(answer) => answer,
            Err(fault) => return self.tell(StepName::Tls, began, failed(words(&fault))),
        };
        let said = encryption(&self.server.base, &answer);
        self.tell(StepName::Tls, began, said)?;
        let began = self.now();
        let whole = match answer {
            Ok(answer) => answer.read(CHECK_BYTES_MAX).await.map_err(|fault| unanswered(&fault)),
            Err(fault) => Err(unanswered(&fault)),
        };
        let whole = match whole {
            Ok(answer) if matches!(answer.status.as_u16(), 401 | 403) => {
                self.look.prove().await?;
                self.call(call).await
            }
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
        self.look.found.api_version = is_version(&statement.version).then(|| statement.version.clone());
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
        self.look.prove().await?;
        let (mut records, mut refused, mut unusable) = (Vec::new(), None, None);
        let mut began = self.now();
        for (nth, of) in self.server.types.iter().enumerate() {
            match self.search(of).await {
                Searched::Unknown if nth == 0 => {
                    self.tell(StepName::SignIn, began, failed(UNKNOWN))?;
                }
                Searched::Unknown => refused = refused.or(Some(UNKNOWN)),
                Searched::MayNot(why) => refused = refused.or(Some(why)),
                Searched::Unusable(why) => unusable = unusable.or(Some(why)),
                Searched::May(record) => {
                    self.look.found.permissions.push(format!("{of}.search"));
                    records.extend(record);
                }
            }
            if nth == 0 {
                let said = match self.server.way.sign_in() {
                    SignIn::Open => passed("the server asks for no sign-in"),
                    SignIn::Tokens(_) => passed("the server takes the token that we were given"),
                    SignIn::Bearer(_) | SignIn::Basic { .. } | SignIn::Header { .. } => {
                        passed("the server takes our credential")
                    }
                };
                // An answer that is none says nothing of who we are.
                if unusable.is_none() {
                    self.tell(StepName::SignIn, began, said)?;
                }
                began = self.now();
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
        let answer = match self.call(unhurried(self.server.call(url))).await {
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
            _ => {
                return Searched::Unusable(
                    self.server
                        .way
                        .answered(answer)
                        .err()
                        .map_or("the source has trouble", |fault| words(&fault)),
                );
            }
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
        let answer = self.server.way.answered(self.call(unhurried(self.server.call(url))).await?)?;
        read::record(&answer.body, name).map(|_| ())
    }

    async fn call(&self, call: Call) -> Result<WholeAnswer, PullFault> {
        if self.look.is_late() {
            return Err(TOO_SLOW);
        }
        self.server.way.read(&call, CHECK_BYTES_MAX).await
    }
}

/// With the time that a test has for it.
fn unhurried(call: Call) -> Call {
    Call { timeout: CHECK_CALL_TIMEOUT, ..call }
}

/// What may be repeated of what a server calls its version.
fn is_version(text: &str) -> bool {
    const CHARACTERS_MAX: usize = 16;
    (1..=CHARACTERS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}
