//! One table: read in the order of its key, written in batches.

use crate::{DbError, FromRow, Reader, Row, Value, Writer, check::Column, copy::digest::Content};

/// Rows in one batch.
const BATCH_ROWS: usize = 200;
/// Parameters in one statement: SQLite takes 32,766, PostgreSQL 65,535.
const BATCH_BINDS: usize = 30_000;

pub(super) struct Table {
    name: String,
    columns: Vec<String>,
    /// Where in `columns` the parts of the primary key are, in the key's order.
    key: Vec<usize>,
}

/// A row as it comes.
struct Cells(Vec<Value>);

impl FromRow for Cells {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        (0..row.len()).map(|place| row.at(place)).collect::<Result<_, _>>().map(Self)
    }
}

impl Table {
    pub(super) fn new(name: String, columns: &[Column]) -> Result<Self, DbError> {
        let mut key: Vec<_> =
            columns.iter().enumerate().filter_map(|(at, c)| Some((c.key_place?, at))).collect();
        key.sort_unstable();
        if key.is_empty() {
            return Err(DbError::transfer(format!("table {name} has no primary key to read it by")));
        }
        let columns = columns.iter().map(|column| column.name.clone()).collect();
        Ok(Self { name, columns, key: key.into_iter().map(|(_, at)| at).collect() })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) async fn has_rows(&self, reader: &mut Reader) -> Result<bool, DbError> {
        let sql = format!("SELECT 1 FROM \"{}\" LIMIT 1", self.name);
        Ok(!reader.rows::<Cells>(&sql, &[], 1).await?.is_empty())
    }

    pub(super) async fn count(&self, reader: &mut Reader) -> Result<u64, DbError> {
        let sql = format!("SELECT count(*) FROM \"{}\"", self.name);
        let counted = reader.rows::<(i64,)>(&sql, &[], 1).await?;
        Ok(counted.first().and_then(|(count,)| u64::try_from(*count).ok()).unwrap_or_default())
    }

    /// Send every row across; what was sent.
    pub(super) async fn copy(&self, source: &mut Reader, target: &mut Writer) -> Result<Content, DbError> {
        let mut content = Content::default();
        let mut batch = self.batch_after(source, None).await?;
        while let Some(Cells(last)) = batch.last() {
            let after = self.key_of(last);
            let inserted = batch.len();
            batch.iter().for_each(|Cells(row)| content.add(row));
            let binds: Vec<Value> = batch.into_iter().flat_map(|Cells(row)| row).collect();
            target.run(&self.insert_sql(inserted), &binds).await?;
            batch = self.batch_after(source, Some(after)).await?;
        }
        Ok(content)
    }

    /// What a database has.
    pub(super) async fn content(&self, reader: &mut Reader) -> Result<Content, DbError> {
        let mut content = Content::default();
        let mut batch = self.batch_after(reader, None).await?;
        while let Some(Cells(last)) = batch.last() {
            let after = self.key_of(last);
            batch.iter().for_each(|Cells(row)| content.add(row));
            batch = self.batch_after(reader, Some(after)).await?;
        }
        Ok(content)
    }

    fn batch_rows(&self) -> usize {
        BATCH_BINDS.checked_div(self.columns.len()).unwrap_or(1).clamp(1, BATCH_ROWS)
    }

    async fn batch_after(
        &self,
        reader: &mut Reader,
        after: Option<Vec<Value>>,
    ) -> Result<Vec<Cells>, DbError> {
        let sql = self.select_sql(after.is_some());
        reader.rows(&sql, &after.unwrap_or_default(), self.batch_rows()).await
    }

    fn key_of(&self, row: &[Value]) -> Vec<Value> {
        self.key.iter().filter_map(|place| row.get(*place).cloned()).collect()
    }

    fn select_sql(&self, goes_on: bool) -> String {
        let names: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        let key: Vec<&str> = self.key.iter().filter_map(|place| names.get(*place).copied()).collect();
        let after = if goes_on {
            format!(" WHERE ({}) > ({})", list(&key), places(1, key.len()))
        } else {
            String::new()
        };
        let (columns, order, limit) = (list(&names), list(&key), self.batch_rows());
        format!("SELECT {columns} FROM \"{}\"{after} ORDER BY {order} LIMIT {limit}", self.name)
    }

    fn insert_sql(&self, rows: usize) -> String {
        let names: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        let width = names.len();
        let tuples: Vec<String> =
            (0..rows).map(|row| format!("({})", places(row * width + 1, width))).collect();
        format!("INSERT INTO \"{}\" ({}) VALUES {}", self.name, list(&names), tuples.join(", "))
    }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}
