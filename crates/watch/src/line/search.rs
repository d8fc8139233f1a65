//! Which lines are asked for, and how they are found without reading the others.
//!
//! A line's text is one of a few hundred, so words are looked for in the texts, and only lines of those texts that have them are read:
//! each text's newest by its index, then the newest of these. How many there are is known by day and text; only a day that the span cuts
//! is counted.

use std::collections::BTreeMap;

use kernel::{Id, Integration};
use store::{Composed, Db, DbError, FromRow, Reader, Row};

use super::{
    Level, Phrase,
    queries::{self, Written},
    write::DAY_US,
};

/// Lines of a day that the span cuts that are counted; where there are more, the total is the least there are.
pub const COUNTED_MAX: i64 = 200_000;
/// Texts of one integration that are looked through one by one.
const PHRASES_OF_SEARCH_MAX: usize = 400;

/// Which lines are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub level: Option<Level>,
    /// In lower case: all of them are in what is said.
    pub words: Vec<String>,
    pub subject: Option<[u8; 16]>,
}

impl Wanted {
    /// Whether lines of this text are.
    pub fn takes(&self, phrase: &Phrase) -> bool {
        if self.level.is_some_and(|level| level.as_str() != phrase.level) {
            return false;
        }
        if self.words.is_empty() {
            return true;
        }
        let text = format!("{} {} {}", phrase.event, phrase.level, phrase.told()).to_lowercase();
        self.words.iter().all(|word| text.contains(word))
    }

    /// Whether this line is, of which the text is known to be.
    pub fn is_about(&self, line: &Written) -> bool {
        self.subject.is_none_or(|subject| line.subject_id.as_deref() == Some(&subject[..]))
    }
}

/// A part of a log.
#[derive(Debug, Clone)]
pub(super) struct Search {
    pub integration: Id<Integration>,
    pub wanted: Wanted,
    /// From this microsecond on.
    pub from: i64,
    /// Before this one.
    pub to: i64,
    /// And before this place of a page.
    pub before: i64,
    pub limit: i64,
}

/// What was found.
pub(super) struct Found {
    pub lines: Vec<Written>,
    pub phrases: BTreeMap<i64, Phrase>,
    pub total: i64,
    pub has_more: bool,
}

/// Which texts lines may have.
enum Texts {
    All,
    These(Vec<i64>),
}

struct Counted(i64);

impl FromRow for Counted {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.at(0)?))
    }
}

/// Find a page, and how many there are in all of the span.
pub(super) async fn search(db: &Db, search: &Search) -> Result<Found, DbError> {
    let search = search.clone();
    db.snapshot(async move |reader: &mut Reader| -> Result<Found, DbError> {
        let phrases = queries::phrases(reader).await?;
        let there = queries::counts(reader, search.integration, (i64::MIN, i64::MAX)).await?;
        let texts = texts(&search.wanted, &there, &phrases);
        let page = page(&search, &texts);
        let mut lines: Vec<Written> = match &page {
            Some(statement) => reader.all_composed(statement).await?,
            None => Vec::new(),
        };
        let limit = usize::try_from(search.limit).unwrap_or(usize::MAX);
        let has_more = lines.len() > limit;
        lines.truncate(limit);
        let total = total(reader, &search, &texts).await?;
        Ok(Found { lines, phrases, total, has_more })
    })
    .await
}

/// Which of the texts that the log has are asked for.
fn texts(wanted: &Wanted, there: &[(i64, i64)], phrases: &BTreeMap<i64, Phrase>) -> Texts {
    let is_taken = |id: &i64| phrases.get(id).is_some_and(|phrase| wanted.takes(phrase));
    let taken: Vec<i64> = there.iter().map(|(id, _)| *id).filter(is_taken).collect();
    let is_all = wanted.level.is_none() && wanted.words.is_empty();
    match is_all || taken.len() == there.len() {
        true => Texts::All,
        false => Texts::These(taken.into_iter().take(PHRASES_OF_SEARCH_MAX).collect()),
    }
}

/// The newest lines; none where no line can be.
fn page(search: &Search, texts: &Texts) -> Option<Composed> {
    let (from, to, rows) = (search.from, search.to.min(search.before), search.limit.saturating_add(1));
    let mut statement = Composed::new(
        "SELECT at, phrase, subject_kind, subject_id, details FROM integration_line WHERE integration_id = ",
    );
    statement.bind(&search.integration);
    match (texts, search.wanted.subject) {
        (Texts::These(ids), _) if ids.is_empty() => return None,
        (Texts::These(ids), None) => {
            statement.text(" AND at IN (SELECT at FROM (");
            for (nth, id) in ids.iter().enumerate() {
                if nth > 0 {
                    statement.text(" UNION ALL ");
                }
                statement
                    .text("SELECT at FROM (SELECT at FROM integration_line WHERE integration_id = ")
                    .bind(&search.integration)
                    .text(" AND phrase = ")
                    .bind(id)
                    .text(" AND at >= ")
                    .bind(&from)
                    .text(" AND at < ")
                    .bind(&to)
                    .text(" ORDER BY at DESC LIMIT ")
                    .bind(&rows)
                    .text(") AS ")
                    .name("text", nth);
            }
            statement.text(") AS newest ORDER BY at DESC LIMIT ").bind(&rows).text(")");
        }
        (_, Some(subject)) => {
            one_of(&mut statement, texts);
            about(&mut statement, search, subject, (from, to));
        }
        (Texts::All, None) => {
            statement.text(" AND at >= ").bind(&from).text(" AND at < ").bind(&to);
        }
    }
    statement.text(" ORDER BY at DESC LIMIT ").bind(&rows);
    Some(statement)
}

/// Lines about a subject: their times first, from the index that has nothing else, or SQLite would rather walk the log in its order.
fn about(statement: &mut Composed, search: &Search, subject: [u8; 16], (from, to): (i64, i64)) {
    statement
        .text(" AND at IN (SELECT at FROM integration_line WHERE integration_id = ")
        .bind(&search.integration)
        .text(" AND subject_id = ")
        .bind(&subject[..])
        .text(" AND at >= ")
        .bind(&from)
        .text(" AND at < ")
        .bind(&to)
        .text(")");
}

fn one_of(statement: &mut Composed, texts: &Texts) {
    let Texts::These(ids) = texts else { return };
    statement.text(" AND phrase IN (");
    for (nth, id) in ids.iter().enumerate() {
        if nth > 0 {
            statement.text(", ");
        }
        statement.bind(id);
    }
    statement.text(")");
}

/// The days that a span has whole, and what is left of it.
#[derive(Debug, PartialEq, Eq)]
struct Days {
    whole: (i64, i64),
    cut: Vec<(i64, i64)>,
}

fn days(from: i64, to: i64) -> Days {
    if from >= to {
        return Days { whole: (0, 0), cut: Vec::new() };
    }
    let first = if from == i64::MIN {
        i64::MIN
    } else {
        from.div_euclid(DAY_US) + i64::from(from.rem_euclid(DAY_US) > 0)
    };
    let end = if to == i64::MAX { i64::MAX } else { to.div_euclid(DAY_US) };
    if first > end {
        return Days { whole: (0, 0), cut: vec![(from, to)] };
    }
    let head = (from, first.saturating_mul(DAY_US));
    let tail = (end.saturating_mul(DAY_US), to);
    let cut = [(from != i64::MIN, head), (to != i64::MAX, tail)];
    let cut =
        cut.into_iter().filter(|(is_cut, (from, to))| *is_cut && from < to).map(|(_, span)| span).collect();
    Days { whole: (first, end), cut }
}

async fn total(reader: &mut Reader, search: &Search, texts: &Texts) -> Result<i64, DbError> {
    if search.wanted.subject.is_some() {
        return counted(reader, search, texts, (search.from, search.to)).await;
    }
    let Days { whole, cut } = days(search.from, search.to);
    let is_taken = |id: i64| match texts {
        Texts::All => true,
        Texts::These(ids) => ids.contains(&id),
    };
    let mut total = 0_i64;
    if whole.0 < whole.1 {
        let counts = queries::counts(reader, search.integration, whole).await?;
        total = counts.into_iter().filter(|(id, _)| is_taken(*id)).map(|(_, lines)| lines).sum();
    }
    for span in cut {
        total = total.saturating_add(counted(reader, search, texts, span).await?);
    }
    Ok(total)
}

/// Lines of a span, [`COUNTED_MAX`] of each text at the most.
async fn counted(
    reader: &mut Reader,
    search: &Search,
    texts: &Texts,
    (from, to): (i64, i64),
) -> Result<i64, DbError> {
    let each: Vec<Option<i64>> = match (texts, search.wanted.subject) {
        (Texts::These(ids), None) => ids.iter().copied().map(Some).collect(),
        (Texts::These(ids), Some(_)) if ids.is_empty() => Vec::new(),
        _ => vec![None],
    };
    if each.is_empty() {
        return Ok(0);
    }
    let mut statement = Composed::new("");
    for (nth, id) in each.into_iter().enumerate() {
        if nth > 0 {
            statement.text(" UNION ALL ");
        }
        statement
            .text("SELECT COUNT(*) FROM (SELECT at FROM integration_line WHERE integration_id = ")
            .bind(&search.integration);
        if let Some(subject) = search.wanted.subject {
            one_of(&mut statement, texts);
            about(&mut statement, search, subject, (from, to));
        } else {
            if let Some(id) = id {
                statement.text(" AND phrase = ").bind(&id);
            }
            statement.text(" AND at >= ").bind(&from).text(" AND at < ").bind(&to);
        }
        statement.text(" LIMIT ").bind(&COUNTED_MAX).text(") AS ").name("text", nth);
    }
    let counts: Vec<Counted> = reader.all_composed(&statement).await?;
    Ok(counts.into_iter().map(|Counted(lines)| lines).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Line, What};

    #[test]
    fn a_text_is_taken_by_its_level_and_all_its_words() {
        let line = Line::of(Id::from_bytes([1; 16]), What::SyncFailed)
            .because("the server does not know our credential");
        let phrase = Phrase::of(&line);
        let wanted = |level: Option<Level>, words: &[&str]| Wanted {
            level,
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            subject: None,
        };
        for (wanted, takes) in [
            (wanted(None, &[]), true),
            (wanted(Some(Level::Error), &[]), true),
            (wanted(Some(Level::Info), &[]), false),
            (wanted(None, &["credential", "failed"]), true),
            (wanted(None, &["sync.failed"]), true),
            (wanted(None, &["credential", "page"]), false),
            (wanted(Some(Level::Info), &["credential"]), false),
        ] {
            assert_eq!(wanted.takes(&phrase), takes, "{wanted:?}");
        }
    }

    #[test]
    fn lines_about_a_sync_are_found_without_walking_the_log() {
        let sets = [audit::MIGRATIONS, jobs::MIGRATIONS, crate::MIGRATIONS, crate::LOG_MIGRATIONS];
        testkit::engine::on(testkit::engine::SQLITE, &sets, async |db| {
            let search = Search {
                integration: Id::from_bytes([1; 16]),
                wanted: Wanted { subject: Some([2; 16]), ..Wanted::default() },
                from: i64::MIN,
                to: i64::MAX,
                before: i64::MAX,
                limit: 100,
            };
            for texts in [Texts::All, Texts::These(vec![1, 2])] {
                let statement = page(&search, &texts).unwrap();
                let steps = store::check::steps(&db, &statement).await.unwrap();
                let is_step = |words: &str| steps.iter().any(|step| step.contains(words));
                assert!(is_step("PRIMARY KEY (integration_id=? AND at=?)"), "{steps:?}");
                assert!(is_step("COVERING INDEX integration_line_subject"), "{steps:?}");
            }
        });
    }

    #[test]
    fn a_span_is_whole_days_and_what_it_cuts() {
        const D: i64 = DAY_US;
        let days_of = |from, to| {
            let Days { whole, cut } = days(from, to);
            (whole, cut)
        };
        for (from, to, whole, cut) in [
            (i64::MIN, i64::MAX, (i64::MIN, i64::MAX), vec![]),
            (0, 3 * D, (0, 3), vec![]),
            (1, 3 * D, (1, 3), vec![(1, D)]),
            (1, 3 * D + 5, (1, 3), vec![(1, D), (3 * D, 3 * D + 5)]),
            (D + 1, D + 5, (0, 0), vec![(D + 1, D + 5)]),
            (D - 1, D + 5, (1, 1), vec![(D - 1, D), (D, D + 5)]),
            (i64::MIN, D + 5, (i64::MIN, 1), vec![(D, D + 5)]),
            (D + 5, i64::MAX, (2, i64::MAX), vec![(D + 5, 2 * D)]),
            (5, 5, (0, 0), vec![]),
        ] {
            assert_eq!(days_of(from, to), (whole, cut), "{from} {to}");
        }
    }
}
