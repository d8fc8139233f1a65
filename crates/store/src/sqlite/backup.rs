//! A copy of the file while it is in use.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

use crate::{
    DbError,
    sqlite::{
        connection::{Opening, make_private},
        fault::fault,
    },
};

/// Copy everything that is committed now into a new file.
///
/// All pages are copied in one step, which sees one snapshot: in smaller steps every commit by the writer would begin the
/// copy anew. The writer is not held up, since the log is written ahead.
pub(super) async fn run(opening: Arc<Opening>, to: PathBuf) -> Result<(), DbError> {
    let copied = tokio::task::spawn_blocking(move || copy(&opening, &to)).await;
    copied.map_err(|_| DbError::Panicked)?
}

fn copy(opening: &Opening, to: &Path) -> Result<(), DbError> {
    let failed = |error: io::Error| DbError::transfer(format!("{}: {error}", to.display()));
    if to.exists() {
        return Err(DbError::transfer(format!("{} exists; name a new file", to.display())));
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    make_private(&partial).map_err(failed)?;
    let copied = copy_pages(opening, &partial).and_then(|()| {
        fs::File::open(&partial).and_then(|file| file.sync_all()).map_err(failed)?;
        fs::rename(&partial, to).map_err(failed)
    });
    if copied.is_err() {
        // What is half a copy must not be taken for one; the fault to tell is the first.
        drop(fs::remove_file(&partial));
    }
    copied
}

fn copy_pages(opening: &Opening, to: &Path) -> Result<(), DbError> {
    let failed = |error| fault(None, "backup", error);
    let from = opening.reader()?;
    let mut target = Connection::open(to).map_err(failed)?;
    let step = Backup::new(&from, &mut target).and_then(|backup| backup.step(-1)).map_err(failed)?;
    match step {
        // One self-contained file: no log beside it.
        StepResult::Done => target.execute_batch("PRAGMA journal_mode = DELETE").map_err(failed),
        _ => Err(DbError::transfer("the backup was held up by another process; try again")),
    }
}
