//! Lines that are sent: taken as they come, a piece at a time, each durable before the next is read. What was sent becomes an import in
//! one unit when all of it is there; of what breaks off before, nothing is left.

use std::sync::Arc;

use audit::Subject;
use axum::body::Body;
use futures_util::StreamExt;
use http::StatusCode;
use jobs::enqueue;
use kernel::{BulkJob, Id};
use serde_json::{Value, json};
use store::{DbError, Writer};
use web::Problem;

use super::{
    INPUT,
    begin::is_admitted,
    feed::{Feed, FeedFault, Piece},
    queries as own,
    run::Import,
};
use crate::{
    Fhir,
    bulk::{
        begun::Begun,
        chunk::Chunk,
        held::Held,
        queries::{self, Key, New},
        retire::Clear,
        row::{File, Kind, Role},
    },
    interaction::{Asked, posted::invalid},
    resource::Rid,
};

/// Bytes of lines that are sent at once, as they are when they are unpacked.
pub const IMPORT_BYTES_MAX: u64 = 8 << 30;
/// How long nothing has come of lines that are taken for given up.
pub const UPLOAD_FORGOTTEN_AFTER: std::time::Duration = std::time::Duration::from_secs(3_600);

/// Take what is sent; the import that it became.
pub(super) async fn receive(fhir: &Fhir, asked: &Asked, body: Body) -> Result<Begun, Problem> {
    let key = (asked.site.tenant.number(), fhir.world.new_id());
    let (client, now) = (asked.caller.client, fhir.world.now());
    let opened = fhir.db.write(async move |tx: &mut Writer| {
        let may = is_admitted(tx, key.0, client).await?;
        if may {
            own::open(tx, key, client, now).await?;
        }
        Ok::<_, DbError>(may)
    });
    if !opened.await? {
        return Ok(Begun::TooMany);
    }
    match all(fhir, asked, key, body).await {
        Ok(()) => Ok(Begun::Job(key.1)),
        Err(refusal) => {
            // Whatever goes wrong here too: what nobody goes on with is taken away after a while.
            drop(give_up(fhir, key).await);
            Err(refusal)
        }
    }
}

async fn all(fhir: &Fhir, asked: &Asked, key: Key, body: Body) -> Result<(), Problem> {
    let mut bytes = body.into_data_stream();
    let mut feed = Feed::new(IMPORT_BYTES_MAX, 0);
    let mut upload = Upload { fhir, key, bytes: 0, lines: 0 };
    while let Some(some) = bytes.next().await {
        let some = some.map_err(|_| invalid("the lines broke off: nothing of them was taken", "body"))?;
        for piece in feed.push(&some).map_err(refused)? {
            upload.keep(piece).await?;
        }
    }
    for piece in feed.end().map_err(refused)? {
        upload.keep(piece).await?;
    }
    if upload.bytes == 0 {
        return Err(invalid("there is no line", "body"));
    }
    upload.begin(asked).await
}

fn refused(fault: FeedFault) -> Problem {
    let problem = invalid(fault.to_string(), "body");
    match fault {
        FeedFault::TooLarge(_) => problem.with_status(StatusCode::PAYLOAD_TOO_LARGE),
        _ => problem,
    }
}

struct Upload<'u> {
    fhir: &'u Fhir,
    key: Key,
    bytes: i64,
    lines: i64,
}

impl Upload<'_> {
    async fn keep(&mut self, piece: Piece) -> Result<(), Problem> {
        let lines = i64::try_from(piece.text.lines().count()).unwrap_or(i64::MAX);
        let chunk = Chunk::of(Role::Input, "Resource", lines, &piece.text).map_err(DbError::from)?;
        let (key, from, now) = (self.key, self.bytes, self.fhir.world.now());
        self.bytes += chunk.bytes;
        self.lines += lines;
        let (to, chunk) = (self.bytes, Arc::new(chunk));
        let kept = self.fhir.db.write(async move |tx: &mut Writer| {
            let is_open = own::grow(tx, key, (from, to), now).await?;
            if is_open {
                queries::add_chunk(tx, key, (INPUT, from), &chunk).await?;
            }
            Ok::<_, DbError>(is_open)
        });
        if kept.await? { Ok(()) } else { Err(Problem::of_status(StatusCode::REQUEST_TIMEOUT)) }
    }

    async fn begin(&self, asked: &Asked) -> Result<(), Problem> {
        let (fhir, key, now) = (self.fhir.clone(), self.key, self.fhir.world.now());
        let details = json!({ "site": asked.site.tenant.site().to_string(), "lines": self.lines });
        let entry = asked.by.did("import.begun", Subject::of(key.1), details);
        let (role, of) = (Role::Input, "Resource".to_owned());
        let input = File { number: INPUT, role, of, resources: self.lines, bytes: self.bytes, source: 0 };
        let new = New {
            key,
            kind: Kind::Import,
            asked: Value::Null,
            held: Held::of(asked),
            request: format!("{}/$import", fhir.base),
            horizon: Rid::numbered(self.bytes),
            taken_at: now,
            now,
        };
        let begun = self.fhir.db.write(async move |tx: &mut Writer| {
            let is_open = own::close(tx, key).await?;
            if is_open {
                queries::insert(tx, new.clone()).await?;
                queries::put_file(tx, key, &input).await?;
                enqueue(tx, &fhir.world, &Import { tenant: key.0, id: key.1 }, now, None).await?;
                audit::record(tx, &fhir.world, &entry).await?;
            }
            Ok::<_, DbError>(is_open)
        });
        if begun.await? { Ok(()) } else { Err(Problem::of_status(StatusCode::REQUEST_TIMEOUT)) }
    }
}

async fn give_up(fhir: &Fhir, key: Key) -> Result<(), DbError> {
    let owned = fhir.clone();
    fhir.db.write(async move |tx: &mut Writer| forget(tx, &owned, key).await).await
}

/// Nothing of it counts any more, and its pieces are taken away.
async fn forget(tx: &mut Writer, fhir: &Fhir, key: (i64, Id<BulkJob>)) -> Result<(), DbError> {
    if own::close(tx, key).await? {
        let clear = Clear { tenant: key.0, id: key.1 };
        enqueue(tx, &fhir.world, &clear, fhir.world.now(), None).await?;
    }
    Ok(())
}

/// Forget lines of which nothing has come for long: whoever took them is gone.
pub(in crate::bulk) async fn forget_old(fhir: &Fhir, rows: i64) -> Result<(), DbError> {
    let before = fhir.world.now() - UPLOAD_FORGOTTEN_AFTER;
    let old = own::unchanged_since(&mut fhir.db.read().await?, before, rows).await?;
    let owned = fhir.clone();
    fhir.db
        .write(async move |tx: &mut Writer| {
            for key in &old {
                forget(tx, &owned, *key).await?;
            }
            Ok(())
        })
        .await
}
