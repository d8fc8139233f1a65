//! Accounts that people have linked, as one source: an API that is asked in each person's name, one after the other, and each person's records into their
//! own Patient.  Contract 1
//!
//! No token comes here: whoever keeps the accounts makes the call. An account that is revoked ends its part of the run, and the others go on.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use kernel::{Timestamp, World};
use outbound::{Call, WholeAnswer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Abilities, Account, Asked, Connector, Cursor, Deletions, Findings, Found, Name, Page, PullFault, Raw,
    Since, StepName,
    fhir::PAGE_BYTES_MAX,
    look::{CHECK_BYTES_MAX, Said, failed, passed, warning, words},
    rest::{Place as Within, RestApi},
};

/// An account that somebody has linked.
#[derive(Clone)]
pub struct Linked {
    /// Its id, and what is known of whoever it belongs to: `patient`.
    pub account: Account,
    /// Since when it is linked: what is older than this link has never come.
    pub linked_at: Timestamp,
}

/// Why a call in a person's name brought no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotRead {
    /// The account is not linked any more, or its owner has to link it again.
    Ended,
    /// There is no answer now.
    Fault(PullFault),
}

/// Accounts of an integration.
pub trait Accounts: Send + Sync {
    /// The next one that is linked behind this one, in the order of their ids.
    fn next<'a>(&'a self, after: Option<&'a str>) -> BoxFuture<'a, Result<Option<Linked>, PullFault>>;

    /// Make a call in the name of its owner. What the answer's status says is for the caller.
    fn read<'a>(
        &'a self,
        account: &'a str,
        call: Call,
        bytes_max: usize,
    ) -> BoxFuture<'a, Result<WholeAnswer, NotRead>>;
}

/// An API behind linked accounts.
pub struct LinkedApi {
    api: RestApi,
    accounts: Arc<dyn Accounts>,
    world: World,
}

/// Where in the accounts a run is.
#[derive(Serialize, Deserialize)]
struct Place {
    /// When the run began: what changes from then on comes with the next one.
    began_at: Timestamp,
    /// When the run before began.
    since: Option<Timestamp>,
    /// The last account that is through.
    after: Option<String>,
    /// The account that is read, and where in it the run is.
    current: Option<(Account, Within)>,
}

impl LinkedApi {
    /// These accounts of that API.
    pub fn new(api: RestApi, accounts: Arc<dyn Accounts>, world: World) -> Self {
        Self { api, accounts, world }
    }

    async fn pulled(&self, cursor: &Cursor) -> Result<Page, PullFault> {
        let unreadable = |_| PullFault::last("where the run was cannot be read");
        let mut place: Place = match (&cursor.place, &cursor.mark) {
            (Some(place), _) => serde_json::from_value(place.clone()).map_err(unreadable)?,
            (None, mark) => {
                let since = mark.as_ref().and_then(|mark| mark.get("at")).cloned();
                let since = since.map(serde_json::from_value).transpose().map_err(unreadable)?;
                Place { began_at: self.world.now(), since, after: None, current: None }
            }
        };
        let Some((account, within)) = place.current.take() else {
            let Some(next) = self.accounts.next(place.after.as_deref()).await? else {
                return Ok(Page { mark: Some(json!({"at": place.began_at})), ..Page::default() });
            };
            // Of an account that was linked since then nothing has come.
            let since = place.since.filter(|since| next.linked_at < *since);
            place.current = Some((next.account, self.api.begin(since)));
            return place.page(Page::default());
        };
        let call = self.api.call(&within)?;
        let answer = match self.accounts.read(&account.id, call, PAGE_BYTES_MAX).await {
            Ok(answer) if matches!(answer.status.as_u16(), 401 | 403) => Err(NotRead::Ended),
            other => other,
        };
        match answer {
            Ok(answer) => {
                let (page, within) = self.api.taken(within, answer, Some(&account))?;
                match self.api.is_through(&within) {
                    true => place.after = Some(account.id),
                    false => place.current = Some((account, within)),
                }
                // The mark is that of the run, not of an account.
                place.page(Page { mark: None, ..page })
            }
            Err(NotRead::Ended) => {
                tracing::info!("a linked account has ended; the run goes on with the others");
                place.after = Some(account.id);
                place.page(Page::default())
            }
            Err(NotRead::Fault(fault)) => Err(fault),
        }
    }

    async fn checked(&self, world: &World) -> Findings {
        const STEPS: [StepName; 3] = [StepName::SignIn, StepName::Permission, StepName::SampleRead];
        let mut found = Findings::default();
        let began = world.now();
        let (first, said): (Option<Linked>, Said) = match self.accounts.next(None).await {
            Ok(Some(first)) => (Some(first), passed("there are linked accounts")),
            Ok(None) => (None, warning("nobody has linked an account yet")),
            Err(fault) => (None, failed(words(&fault))),
        };
        found.tell(StepName::SignIn, (world, began), said);
        if let Some(first) = first {
            let began = world.now();
            let (made, said) = self.sample(&first).await;
            found.tell(StepName::Permission, (world, began), said);
            if let Some(made) = made {
                found.tell(StepName::SampleRead, (world, began), made);
            }
        }
        found.skip_rest(&STEPS);
        found
    }

    /// The first page of one account: whether it may be read, and what its records become.
    async fn sample(&self, linked: &Linked) -> (Option<Said>, Said) {
        let within = self.api.begin(None);
        let call = match self.api.call(&within) {
            Ok(call) => call,
            Err(fault) => return (None, failed(words(&fault))),
        };
        let answer = match self.accounts.read(&linked.account.id, call, CHECK_BYTES_MAX).await {
            Ok(answer) => Ok(answer),
            Err(NotRead::Ended) => {
                return (None, warning("the first account has ended meanwhile: test it again"));
            }
            Err(NotRead::Fault(fault)) => Err(fault),
        };
        match answer.and_then(|answer| self.api.taken(within, answer, Some(&linked.account))) {
            Err(fault) => (None, failed(words(&fault))),
            Ok((page, _)) => {
                let is_lost = page.records.iter().any(|found| found.text.is_err());
                let made = match (page.records.is_empty(), is_lost) {
                    (true, _) => {
                        warning("there is no record to be read yet, or the mapping makes nothing of it")
                    }
                    (_, true) => warning("a record cannot be mapped: see what a dry run of the mapping says"),
                    _ => passed("a record of a linked account is mapped"),
                };
                (Some(made), passed("a linked account may be read"))
            }
        }
    }
}

impl Place {
    fn page(&self, page: Page) -> Result<Page, PullFault> {
        let next: Result<Value, _> = serde_json::to_value(self);
        let next = next.map_err(|_| PullFault::last("where the run is cannot be kept"))?;
        Ok(Page { next: Some(next), ..page })
    }
}

impl Connector for LinkedApi {
    fn abilities(&self) -> Abilities {
        Abilities { since: Since::Told, deletions: Deletions::Unknown }
    }

    fn types(&self) -> std::collections::BTreeSet<&str> {
        self.api.types()
    }

    fn check<'a>(&'a self, world: &'a World) -> BoxFuture<'a, Findings> {
        Box::pin(self.checked(world))
    }

    fn pull<'a>(&'a self, cursor: &'a Cursor) -> BoxFuture<'a, Result<Page, PullFault>> {
        Box::pin(self.pulled(cursor))
    }

    fn ask<'a>(&'a self, name: &'a Name) -> BoxFuture<'a, Result<Asked, PullFault>> {
        self.api.ask(name)
    }

    fn again(&self, raw: &Raw) -> Vec<Found> {
        self.api.again(raw)
    }
}
