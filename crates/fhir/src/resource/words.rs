//! What occurs in a site: words of codes, systems, URIs, parts of strings, sets of parameters. Each is written when it is met first,
//! and stays: a record that is gone leaves nothing behind but that there was such a word.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use store::{Composed, DbError, FromRow, ToValue, Value, Writer};

use super::sheet::insert;
use crate::{
    key,
    parameter::{ParameterId, ResourceType},
    tenant::Tenant,
};

/// Words that are remembered to be written; when there are more, all are forgotten and asked again.
pub const WORDS_KNOWN_MAX: usize = 500_000;

/// Words of one statement.
const WORDS_OF_A_STATEMENT: usize = 32;

/// What a record has of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// Key, text, and what it leads to.
    terms: Vec<(i64, Vec<u8>, i64)>,
    /// Key of the parts, the string's number, and itself.
    strings: Vec<(i64, i64, String)>,
    shape: Option<Shape>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    resource_type: ResourceType,
    number: i64,
    parameters: Vec<ParameterId>,
}

impl Words {
    pub(super) fn term(&mut self, key: i64, word: Vec<u8>, target: i64) {
        self.terms.push((key, word, target));
    }

    pub(super) fn string(&mut self, key: i64, number: i64, folded: String) {
        self.strings.push((key, number, folded));
    }

    /// Which parameters a record has values of.
    pub(super) fn shape(&mut self, resource_type: ResourceType, number: i64, parameters: Vec<ParameterId>) {
        self.shape = Some(Shape { resource_type, number, parameters });
    }

    pub(super) fn settle(&mut self) {
        self.terms.sort_unstable();
        self.terms.dedup();
        self.strings.sort_unstable();
        self.strings.dedup();
    }
}

/// What is known to be written. A word gets in once the unit that found or wrote it is committed: what units write may yet be undone, also
/// what was written before by another that shares the commit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known(Arc<Mutex<HashSet<i64>>>);

impl Known {
    fn set(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, tx: &mut Writer, words: Vec<i64>) {
        let known = self.clone();
        if !words.is_empty() {
            tx.once_committed(move || known.add(words));
        }
    }

    fn add(&self, words: Vec<i64>) {
        let mut set = self.set();
        if set.len() >= WORDS_KNOWN_MAX {
            set.clear();
        }
        set.extend(words);
    }
}

/// Words of many records on their way into their tables.
#[derive(Default)]
pub(super) struct Heap {
    /// By what stands for them in memory.
    terms: Vec<(i64, Vec<Value>)>,
    strings: Vec<(i64, Text, String)>,
    shapes: Vec<(i64, Shape)>,
}

impl Heap {
    pub(super) fn add(&mut self, tenant: &Tenant, known: &Known, words: &Words) {
        let known = known.set();
        for (key, text, target) in &words.terms {
            let own = key::known(tenant, &[&key.to_le_bytes(), text, &target.to_le_bytes()]);
            if !known.contains(&own) {
                self.terms.push((own, vec![Value::Int(*key), text.to_value(), Value::Int(*target)]));
            }
        }
        for (key, number, folded) in &words.strings {
            let text = Text { key: *key, number: *number, begin: key::folded(folded) };
            let own = text.known(tenant);
            if !known.contains(&own) {
                self.strings.push((own, text, folded.clone()));
            }
        }
        if let Some(shape) = &words.shape {
            let own = key::known(tenant, &[&shape.number.to_le_bytes()]);
            if !known.contains(&own) {
                self.shapes.push((own, shape.clone()));
            }
        }
    }

    pub(super) async fn write(self, tx: &mut Writer, tenant: &Tenant, known: &Known) -> Result<(), DbError> {
        self.write_shapes(tx, tenant, known).await?;
        write_terms(tx, tenant, known, self.terms).await?;
        write_strings(tx, tenant, known, self.strings).await
    }

    async fn write_shapes(&self, tx: &mut Writer, tenant: &Tenant, known: &Known) -> Result<(), DbError> {
        let mut met = HashSet::new();
        for (own, shape) in self.shapes.iter().filter(|(own, _)| met.insert(*own)) {
            let of = i64::from(shape.resource_type.number());
            let rows = shape
                .parameters
                .iter()
                .map(|parameter| [of, i64::from(parameter.0), shape.number].map(Value::Int).to_vec());
            insert_new::<(i64,)>(
                tx,
                tenant,
                (
                    "INSERT INTO fhir_shape (tenant, type, parameter, shape) VALUES ",
                    " ON CONFLICT (tenant, type, parameter, shape) DO NOTHING RETURNING shape",
                ),
                rows.collect(),
            )
            .await?;
            known.learn(tx, vec![*own]);
        }
        Ok(())
    }
}

async fn write_terms(
    tx: &mut Writer,
    tenant: &Tenant,
    known: &Known,
    mut terms: Vec<(i64, Vec<Value>)>,
) -> Result<(), DbError> {
    terms.sort_unstable_by_key(|(own, _)| *own);
    terms.dedup_by_key(|(own, _)| *own);
    let (all, rows): (Vec<i64>, Vec<Vec<Value>>) = terms.into_iter().unzip();
    insert_new::<(i64,)>(
        tx,
        tenant,
        (
            "INSERT INTO fhir_term (tenant, k, folded, target) VALUES ",
            " ON CONFLICT (tenant, k, folded, target) DO NOTHING RETURNING k",
        ),
        rows,
    )
    .await?;
    known.learn(tx, all);
    Ok(())
}

/// A string as its row has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Text {
    key: i64,
    number: i64,
    begin: Vec<u8>,
}

impl Text {
    fn known(&self, tenant: &Tenant) -> i64 {
        key::known(tenant, &[&self.key.to_le_bytes(), &self.number.to_le_bytes(), &self.begin])
    }
}

/// Parts of strings are rows of their own, written with the string's.
async fn write_strings(
    tx: &mut Writer,
    tenant: &Tenant,
    known: &Known,
    mut strings: Vec<(i64, Text, String)>,
) -> Result<(), DbError> {
    strings.sort_unstable_by_key(|(own, ..)| *own);
    strings.dedup_by_key(|(own, ..)| *own);
    let texts = strings
        .iter()
        .map(|(_, text, _)| vec![Value::Int(text.key), Value::Int(text.number), text.begin.to_value()]);
    let new = insert_new::<(i64, i64, Vec<u8>)>(
        tx,
        tenant,
        (
            "INSERT INTO fhir_text (tenant, k, number, folded) VALUES ",
            " ON CONFLICT (tenant, k, number, folded) DO NOTHING RETURNING k, number, folded",
        ),
        texts.collect(),
    )
    .await?;
    let new: HashSet<i64> =
        new.into_iter().map(|(key, number, begin)| Text { key, number, begin }.known(tenant)).collect();
    let mut rows = Vec::new();
    for (_, text, folded) in strings.iter().filter(|(own, ..)| new.contains(own)) {
        for part in key::parts(folded) {
            rows.extend([tenant.number(), text.key, part, text.number].map(Value::Int));
        }
    }
    let rest = " ON CONFLICT (tenant, k, gram, text) DO NOTHING";
    insert(tx, "INSERT INTO fhir_gram (tenant, k, gram, text) VALUES ", (4, rows), rest).await?;
    known.learn(tx, strings.iter().map(|(own, ..)| *own).collect());
    Ok(())
}

/// Inserts what is not there, and answers what was not.
async fn insert_new<T: FromRow>(
    tx: &mut Writer,
    tenant: &Tenant,
    (into, rest): (&'static str, &'static str),
    rows: Vec<Vec<Value>>,
) -> Result<Vec<T>, DbError> {
    let mut new = Vec::new();
    for chunk in rows.chunks(WORDS_OF_A_STATEMENT) {
        let mut statement = Composed::new(into);
        // Few sizes, so that few statements are kept prepared: what is missing to a full one is its last row again.
        let size = if chunk.len() > 4 { WORDS_OF_A_STATEMENT } else { chunk.len() };
        for (place, row) in (0..size).filter_map(|at| Some((at, chunk.get(at).or(chunk.last())?))) {
            statement.text(if place == 0 { "(" } else { ", (" }).bind(&tenant.number());
            for value in row {
                statement.text(", ").bind(value);
            }
            statement.text(")");
        }
        statement.text(rest);
        new.extend(tx.all_composed::<T>(&statement).await?);
    }
    Ok(new)
}
