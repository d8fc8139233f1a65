//! A mapping is tried: records of the source beside what they would become, and what the site would say to it. Nothing is stored.

use std::sync::Arc;

use audit::{Entry, Outcome, Subject};
use fhir::NoIntake;
use kernel::{Actor, Id, Integration, Organisation, RequestId};
use serde_json::{Value, json};

use crate::{
    Exchange, Source,
    connector::{Cursor, Found, Mapper, PullFault, Raw},
    mapping::Mapping,
    run::{RunFault, received},
};

/// The most records of one dry run.
pub const DRY_RUN_RECORDS_MAX: usize = 50;
/// The most pages that are pulled to find them.
pub const DRY_RUN_PAGES_MAX: usize = 5;

/// What is tried.
pub struct Tried {
    /// These records; none for as many as this of the source's own.
    pub records: Result<Vec<Raw>, usize>,
    /// By this mapping; none for the one that is configured.
    pub mapping: Option<Mapping>,
}

/// A record, and what it would become.
pub struct Beside {
    /// The record.
    pub raw: Raw,
    /// Each resource, and why it would not be taken: a code and words.
    pub made: Vec<(Found, Option<(&'static str, String)>)>,
}

/// Why nothing was tried.
#[derive(Debug, thiserror::Error)]
pub enum DryRunFault {
    /// There is no integration, or it cannot be looked up.
    #[error(transparent)]
    Run(#[from] RunFault),
    /// It cannot be told how to call the source.
    #[error("{0}")]
    Setup(&'static str),
    /// The source brought nothing.
    #[error(transparent)]
    Pull(#[from] PullFault),
}

/// Try a mapping. That records were looked at is written down first.
///
/// # Errors
/// [`DryRunFault`].
pub async fn dry_run(
    exchange: &Exchange,
    (organisation, integration): (Id<Organisation>, Id<Integration>),
    tried: Tried,
    (actor, request): (Actor, Option<RequestId>),
) -> Result<Vec<Beside>, DryRunFault> {
    let found = exchange.sources.to_test(integration).await.map_err(RunFault::from)?;
    let source = found.ok_or(RunFault::Unknown)?.source.map_err(DryRunFault::Setup)?;
    if source.organisation != organisation {
        return Err(RunFault::Unknown.into());
    }
    let raws = match tried.records {
        Ok(raws) => raws,
        Err(wanted) => pulled(&source, wanted).await?,
    };
    let draft = match tried.mapping {
        None => None,
        Some(mapping) => {
            let vault = exchange.vault.tenant(organisation).await.map_err(RunFault::from)?;
            Some(Mapper::new(Arc::new(mapping), &vault, integration))
        }
    };
    let intake = exchange.fhir.intake(organisation, source.site).await.map_err(|none| match none {
        NoIntake::NoSite => DryRunFault::Setup("the organisation has no such site with records"),
        NoIntake::Db(fault) => RunFault::from(fault).into(),
    })?;
    let entry = Entry {
        organisation: Some(organisation),
        actor,
        act: "mapping.tried",
        subject: Subject::of(integration),
        outcome: Outcome::Done,
        request,
        details: json!({"records": raws.len()}),
    };
    audit::record_now(&exchange.db, &exchange.world, &entry).await.map_err(RunFault::from)?;
    let beside = raws.into_iter().map(|raw| {
        let found = match &draft {
            Some(mapper) => mapper.again(&raw),
            None => source.connector.again(&raw),
        };
        let made = found.into_iter().map(|found| {
            let refused = received(&intake, &found.name, found.text.as_deref()).err();
            (found, refused.map(|refused| (refused.code, refused.words)))
        });
        Beside { made: made.collect(), raw }
    });
    Ok(beside.collect())
}

/// The first records that the source gives, by the mapping that is configured.
async fn pulled(source: &Source, wanted: usize) -> Result<Vec<Raw>, PullFault> {
    let (mut raws, mut cursor): (Vec<Raw>, _) = (Vec::new(), Cursor::default());
    for _ in 0..DRY_RUN_PAGES_MAX {
        let page = source.connector.pull(&cursor).await?;
        for raw in page.records.into_iter().filter_map(|found| found.raw) {
            // One record may become several resources.
            if raws.last() != Some(&raw) {
                raws.push(raw);
            }
        }
        cursor = Cursor { mark: None, place: page.next };
        if raws.len() >= wanted || cursor.place.is_none() {
            break;
        }
    }
    raws.truncate(wanted);
    Ok(raws)
}

/// A record as somebody states it.
pub(crate) fn stated(stream: &str, record: &Value) -> Raw {
    Raw { stream: stream.to_owned(), record: record.to_string().into(), account: None }
}
