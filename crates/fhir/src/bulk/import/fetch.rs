//! A file is fetched, and its lines written as they come. What is written and how far the file is are one unit, so an attempt that breaks
//! off is gone on with where it was: by a range where the server knows the file by a strong ETag, else by passing over what is written.

use std::{pin::pin, time::Duration};

use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::Fault;
use outbound::{Answer, Call, OutboundFault, retry_after};
use store::DbError;
use url::Url;

use super::{
    feed::{Feed, FeedFault},
    host::{Hosts, place},
    queries::{self as own, Source, SourceState},
    run::Fetches,
    write::{Place, Went, WriteFault, Writing, fail},
};
use crate::{
    Fhir, PortFault,
    bulk::{held::Standing, row::Job},
};

/// How long one call for a file may take; what it has not brought by then the next one brings.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(600);
/// Bytes of one file that is fetched, unpacked.
pub const FETCHED_BYTES_MAX: u64 = 64 << 30;
/// Characters of an ETag that is remembered.
const ETAG_BYTES_MAX: usize = 256;

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fetched {
    /// The file is through: written, or it cannot be had.
    Through,
    /// It broke off; trying again may help. Whether the attempt brought something.
    Broken { why: String, after_s: Option<u64>, has_moved: bool },
    /// Another worker is at it, or the import was ended.
    Overtaken,
    /// The caller's access was taken away.
    Barred,
}

/// Why an attempt could not even be made: our own trouble.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchFault {
    #[error(transparent)]
    Store(#[from] DbError),
    #[error(transparent)]
    Port(#[from] PortFault),
    #[error(transparent)]
    Vault(#[from] vault::VaultError),
}

impl From<WriteFault> for FetchFault {
    fn from(fault: WriteFault) -> Self {
        match fault {
            WriteFault::Store(fault) => Self::Store(fault),
            WriteFault::Port(fault) => Self::Port(fault),
        }
    }
}

impl Fault for FetchFault {
    fn kind(&self) -> kernel::Kind {
        match self {
            Self::Store(fault) => fault.kind(),
            Self::Port(fault) => fault.kind(),
            Self::Vault(fault) => fault.kind(),
        }
    }

    fn public(&self) -> std::borrow::Cow<'static, str> {
        "the import cannot go on".into()
    }
}

/// What an answer is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Judged {
    /// Its body is the file, or the rest of it.
    Whole,
    Rest,
    /// There is no rest.
    Through,
    /// It will not be had.
    Never(String),
    Later(String),
}

/// Bring a file as far as one call does.
pub(super) async fn fetch(
    fhir: &Fhir,
    job: &Job<Option<Fetches>>,
    source: &Source,
) -> Result<Fetched, FetchFault> {
    let Some(standing) = job.held.standing(fhir).await? else { return Ok(Fetched::Barred) };
    let url = match address(fhir, (job, &standing), source).await? {
        Ok(url) => url,
        Err(why) => return never(fhir, job, source, &why).await,
    };
    let answer = match fhir.outbound.send(asking(url, source)).await {
        Ok(answer) => answer,
        Err(fault) => return unsent(fhir, job, source, &fault).await,
    };
    let broken = |why, after_s| Fetched::Broken { why, after_s, has_moved: false };
    let feed = match judged(answer.status, &answer.headers, source) {
        Judged::Whole => Feed::new(FETCHED_BYTES_MAX, source.bytes.unsigned_abs()),
        Judged::Rest => Feed::from(FETCHED_BYTES_MAX, source.bytes.unsigned_abs()),
        Judged::Through => return through(fhir, job, source).await,
        Judged::Never(why) => return never(fhir, job, source, &why).await,
        Judged::Later(why) => {
            let wait = retry_after(&answer.headers, fhir.world.now());
            return Ok(broken(why, wait.map(|wait| wait.as_secs())));
        }
    };
    let etag = etag(&answer.headers);
    let writing = Writing::new(fhir, job, Place::of(job, source, etag));
    read(answer, feed, writing, (fhir, job, source)).await
}

/// The file's address, if it may still be called.
async fn address(
    fhir: &Fhir,
    (job, standing): (&Job<Option<Fetches>>, &Standing),
    source: &Source,
) -> Result<Result<Url, String>, FetchFault> {
    let vault = fhir.vault.tenant(standing.site.organisation()).await?;
    let text = vault.open_text(place(job.id, source.number), &source.url)?;
    let Ok(url) = Url::parse(text.expose()) else { return Ok(Err("its address cannot be read".to_owned())) };
    let hosts = Hosts::of(fhir, job.tenant).await?;
    Ok(hosts.check(fhir, &url).map(|()| url))
}

fn asking(url: Url, source: &Source) -> Call {
    let mut call = Call { timeout: FETCH_TIMEOUT, ..Call::get(url) };
    let accept = HeaderValue::from_static("application/fhir+ndjson, application/ndjson;q=0.9, */*;q=0.5");
    call.headers.insert(header::ACCEPT, accept);
    let strong = source.etag.as_deref().filter(|etag| etag.starts_with('"'));
    let strong = strong.filter(|_| source.bytes > 0 && source.is_packed == 0);
    let fields = strong.and_then(|etag| {
        let range = HeaderValue::from_str(&format!("bytes={}-", source.bytes)).ok()?;
        Some((range, HeaderValue::from_str(etag).ok()?))
    });
    let coding = match fields {
        // Bytes of what is packed are not the bytes that are counted.
        Some((range, etag)) => {
            call.headers.insert(header::RANGE, range);
            call.headers.insert(header::IF_RANGE, etag);
            "identity"
        }
        None if source.bytes > 0 && source.is_packed == 0 => "identity",
        None => "gzip",
    };
    call.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(coding));
    call
}

fn judged(status: StatusCode, headers: &HeaderMap, source: &Source) -> Judged {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let range = text(header::CONTENT_RANGE).and_then(|range| range.strip_prefix("bytes "));
    let number = status.as_u16();
    let changed = || Judged::Never("the file has changed since it was begun".to_owned());
    let is_other = source.bytes > 0 && source.etag.is_some() && etag(headers) != source.etag;
    let is_plain =
        text(header::CONTENT_ENCODING).is_none_or(|it| ["gzip", "x-gzip", "identity"].contains(&it));
    match status {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT if is_other => changed(),
        StatusCode::OK | StatusCode::PARTIAL_CONTENT if !is_plain => {
            Judged::Never("the file comes packed in a way that was not asked for".to_owned())
        }
        StatusCode::OK => Judged::Whole,
        StatusCode::PARTIAL_CONTENT => {
            let from = range.and_then(|range| range.split_once('-')).and_then(|(from, _)| from.parse().ok());
            if from == Some(source.bytes) { Judged::Rest } else { changed() }
        }
        StatusCode::RANGE_NOT_SATISFIABLE => {
            let all = range.and_then(|range| range.strip_prefix("*/")).and_then(|all| all.parse().ok());
            if all == Some(source.bytes) { Judged::Through } else { changed() }
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Judged::Never(format!(
            "its server answered {number}: it asks for credentials, and there are none; addresses that carry a signature can be fetched"
        )),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Judged::Later(format!("its server answered {number}"))
        }
        status if status.is_server_error() => Judged::Later(format!("its server answered {number}")),
        status if status.is_redirection() => {
            Judged::Never(format!("its server answered {number}: redirections are not followed"))
        }
        _ => Judged::Never(format!("its server answered {number}")),
    }
}

fn etag(headers: &HeaderMap) -> Option<String> {
    let etag = headers.get(header::ETAG)?.to_str().ok()?;
    (etag.len() <= ETAG_BYTES_MAX).then(|| etag.to_owned())
}

/// The lines as they come.
async fn read(
    answer: Answer,
    mut feed: Feed,
    mut writing: Writing<'_>,
    (fhir, job, source): (&Fhir, &Job<Option<Fetches>>, &Source),
) -> Result<Fetched, FetchFault> {
    let most = usize::try_from(FETCHED_BYTES_MAX).unwrap_or(usize::MAX);
    let mut bytes = pin!(answer.stream(most));
    loop {
        let next = match bytes.next().await {
            Some(Err(fault)) => {
                let (why, has_moved) = (fault.public().into_owned(), writing.has_moved());
                return Ok(Fetched::Broken { why, after_s: None, has_moved });
            }
            Some(Ok(some)) => feed.push(&some).map(|pieces| (pieces, false)),
            None => feed.end().map(|pieces| (pieces, true)),
        };
        let (pieces, is_end) = match next {
            Ok(next) => next,
            Err(fault) => return never(fhir, job, source, &told(fault, &writing)).await,
        };
        for piece in pieces {
            match writing.write(&piece, feed.is_packed()).await? {
                Went::On => {}
                Went::Overtaken => return Ok(Fetched::Overtaken),
                Went::Barred => return Ok(Fetched::Barred),
            }
        }
        if is_end {
            break;
        }
    }
    // What is shorter than what was written of it is another file.
    if feed.passed() < source.bytes.unsigned_abs() {
        return never(fhir, job, source, "the file has changed since it was begun").await;
    }
    through(fhir, job, source).await
}

fn told(fault: FeedFault, writing: &Writing<'_>) -> String {
    format!("{fault}; {} lines were taken", writing.lines())
}

async fn through(fhir: &Fhir, job: &Job<Option<Fetches>>, source: &Source) -> Result<Fetched, FetchFault> {
    let (key, number) = ((job.tenant, job.id), source.number);
    let done = async move |tx: &mut store::Writer| own::finish(tx, key, number, SourceState::Done).await;
    fhir.db.write(done).await.map_err(FetchFault::from)?;
    Ok(Fetched::Through)
}

async fn never(
    fhir: &Fhir,
    job: &Job<Option<Fetches>>,
    source: &Source,
    why: &str,
) -> Result<Fetched, FetchFault> {
    fail(fhir, (job.tenant, job.id), source.number, why).await?;
    Ok(Fetched::Through)
}

async fn unsent(
    fhir: &Fhir,
    job: &Job<Option<Fetches>>,
    source: &Source,
    fault: &OutboundFault,
) -> Result<Fetched, FetchFault> {
    let why = fault.public().into_owned();
    match fault {
        OutboundFault::Refused(_) => never(fhir, job, source, &why).await,
        _ => Ok(Fetched::Broken { why, after_s: None, has_moved: false }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bytes: i64, etag: Option<&str>, is_packed: i64) -> Source {
        Source {
            number: 1,
            of: "Patient".to_owned(),
            url: sealed(),
            state: SourceState::Waiting,
            etag: etag.map(str::to_owned),
            is_packed,
            bytes,
            lines: 0,
            written: 0,
        }
    }

    fn sealed() -> vault::Sealed {
        use store::{FromValue, ValueRef};
        vault::Sealed::from_value(ValueRef::Blob(&[1])).unwrap()
    }

    #[test]
    fn what_is_asked_for_is_what_is_missing() {
        let url: Url = "https://a.example/1".parse().unwrap();
        for (source, range, coding) in [
            (source(0, None, 0), None, "gzip"),
            (source(0, Some("\"a\""), 0), None, "gzip"),
            (source(7, Some("\"a\""), 0), Some("bytes=7-"), "identity"),
            (source(7, Some("W/\"a\""), 0), None, "identity"),
            (source(7, None, 0), None, "identity"),
            (source(7, Some("\"a\""), 1), None, "gzip"),
        ] {
            let call = asking(url.clone(), &source);
            let text = |name| call.headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap());
            assert_eq!(text(header::RANGE), range);
            assert_eq!(text(header::IF_RANGE), range.map(|_| "\"a\""));
            assert_eq!(text(header::ACCEPT_ENCODING), Some(coding));
        }
    }

    #[test]
    fn an_answer_is_the_file_its_rest_or_none() {
        type Row = (u16, &'static [(&'static str, &'static str)], i64, fn(&Judged) -> bool);
        let is_never: fn(&Judged) -> bool = |judged| matches!(judged, Judged::Never(_));
        let is_later: fn(&Judged) -> bool = |judged| matches!(judged, Judged::Later(_));
        let rows: [Row; 15] = [
            (200, &[], 0, |judged| *judged == Judged::Whole),
            (200, &[("etag", "\"a\"")], 7, |judged| *judged == Judged::Whole),
            (200, &[("etag", "\"b\"")], 7, is_never),
            (200, &[("etag", "\"b\"")], 0, |judged| *judged == Judged::Whole),
            (200, &[("content-encoding", "br")], 0, is_never),
            (206, &[("etag", "\"a\""), ("content-range", "bytes 7-9/10")], 7, |judged| {
                *judged == Judged::Rest
            }),
            (206, &[("etag", "\"a\""), ("content-range", "bytes 6-9/10")], 7, is_never),
            (206, &[("etag", "\"a\"")], 7, is_never),
            (416, &[("content-range", "bytes */7")], 7, |judged| *judged == Judged::Through),
            (416, &[("content-range", "bytes */6")], 7, is_never),
            (302, &[("location", "http://169.254.169.254/")], 0, is_never),
            (401, &[], 0, is_never),
            (404, &[], 0, is_never),
            (429, &[], 0, is_later),
            (503, &[], 7, is_later),
        ];
        for (status, fields, bytes, expected) in rows {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            let judged =
                judged(StatusCode::from_u16(status).unwrap(), &headers, &source(bytes, Some("\"a\""), 0));
            assert!(expected(&judged), "{status} {fields:?} {bytes}: {judged:?}");
        }
    }
}
