//! Everything of a grant, a client or a person has ended: the bits of their tokens are set.

use std::time::Duration;

use audit::Filter;
use jobs::{Job, JobFault, Retry};
use kernel::{Client, Id, Limit, Organisation, Page, Timestamp};
use serde::{Deserialize, Serialize};
use store::{DbError, Reader, Writer};

use super::{Place, queries};
use crate::{Auth, client::TOKEN_LIFETIME_S_MAX, token::revocation::Of};

/// How many pages of the trail one subject's tokens are looked for on.
const PAGES_MAX: usize = 2_000;
/// The act that puts a token on record.
const ISSUED: &str = "token.issued";

/// The job.
#[derive(Serialize, Deserialize)]
pub(crate) struct MarkStatus {
    of: String,
    subject: [u8; 16],
}

impl MarkStatus {
    /// The job that a revocation asks for; a single token is marked with its revocation.
    pub(crate) fn of(of: Of, subject: [u8; 16]) -> Option<Self> {
        (of != Of::Token).then(|| Self { of: of.as_str().to_owned(), subject })
    }
}

/// Where the trail tells of tokens.
struct Search {
    organisation: Id<Organisation>,
    filter: Filter,
}

impl Job for MarkStatus {
    const NAME: &'static str = "auth.mark_status";
    const RETRY: Retry = Retry { attempts_max: 10, first_s: 2, max_s: 300, jitter_percent: 20 };
    type Context = Auth;

    async fn run(self, auth: &Auth, _attempt: u32) -> Result<(), JobFault> {
        let now = auth.world().now();
        for search in searches(auth, &self, now).await? {
            mark_found(auth, &search, now).await?;
        }
        Ok(())
    }
}

async fn searches(auth: &Auth, job: &MarkStatus, now: Timestamp) -> Result<Vec<Search>, DbError> {
    let (of, subject) = (job.of.clone(), job.subject);
    let by_subject = |organisation, subject: String| Search {
        organisation,
        filter: Filter { act: Some(ISSUED.to_owned()), subject: Some(subject), ..Filter::default() },
    };
    let since = now - Duration::from_secs(u64::from(TOKEN_LIFETIME_S_MAX));
    auth.db()
        .scan(async move |tx: &mut Reader| -> Result<Vec<Search>, DbError> {
            let searches = match of.as_str() {
                "grant" => {
                    let grant: Id<crate::grant::Grant> = Id::from_bytes(subject);
                    let organisation = queries::organisation_of_grant(tx, subject).await?;
                    organisation.map(|owner| by_subject(owner, grant.to_string())).into_iter().collect()
                }
                "client" => {
                    let client: Id<Client> = Id::from_bytes(subject);
                    let filter =
                        Filter { act: Some(ISSUED.to_owned()), client: Some(client), ..Filter::default() };
                    let organisation = queries::organisation_of_client(tx, subject).await?;
                    organisation.map(|organisation| Search { organisation, filter }).into_iter().collect()
                }
                "person" => queries::grants_of_person(tx, subject, since)
                    .await?
                    .into_iter()
                    .map(|(grant, owner)| by_subject(owner, grant.to_string()))
                    .collect(),
                _ => Vec::new(),
            };
            Ok(searches)
        })
        .await
}

/// A page at a time, newest first, until the tokens are too old to live.
async fn mark_found(auth: &Auth, search: &Search, now: Timestamp) -> Result<(), DbError> {
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let (organisation, filter) = (search.organisation, search.filter.clone());
        let page = Page { after, limit: Limit::new(Limit::MAX).unwrap_or(Limit::DEFAULT) };
        let slice = auth
            .db()
            .scan(async move |tx: &mut Reader| audit::page(tx, Some(organisation), &filter, &page).await)
            .await?;
        let places: Vec<Place> =
            slice.items.iter().filter_map(|row| live_place(&row.canonical, now)).collect();
        after = slice.items.last().map(|row| row.id);
        let oldest = slice.items.last().map(|row| row.at);
        if !places.is_empty() {
            auth.db()
                .write(async move |tx: &mut Writer| -> Result<(), DbError> {
                    for place in &places {
                        queries::mark_one(tx, *place, now).await?;
                    }
                    Ok(())
                })
                .await?;
        }
        let horizon = now - Duration::from_secs(u64::from(TOKEN_LIFETIME_S_MAX));
        if !slice.has_more || oldest.is_none_or(|at| at < horizon) {
            break;
        }
    }
    Ok(())
}

/// The place of a token that is on record and has not expired.
fn live_place(canonical: &[u8], now: Timestamp) -> Option<Place> {
    #[derive(Deserialize)]
    struct Written {
        details: Details,
    }
    #[derive(Deserialize)]
    struct Details {
        expires_at: Timestamp,
        status: Option<Place>,
    }
    let Written { details } = serde_json::from_slice(canonical).ok()?;
    details.status.filter(|_| now < details.expires_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_on_record_has_its_place_until_it_expires() {
        let place = Place { list: Id::from_bytes([1; 16]), position: 7 };
        let expires_at = Timestamp::from_seconds(100);
        let entry = |status: Option<Place>| {
            serde_json::json!({ "v": 1, "details": { "token": "x", "expires_at": expires_at, "status": status } }).to_string()
        };
        let at = |entry: &str, s| live_place(entry.as_bytes(), Timestamp::from_seconds(s));
        assert_eq!(at(&entry(Some(place)), 99), Some(place));
        assert_eq!(at(&entry(Some(place)), 100), None);
        assert_eq!(at(&entry(None), 99), None);
        assert_eq!(at("{}", 99), None);
    }
}
