//! The SQL of consents: their rules, and which records these are about.

use std::collections::{BTreeSet, HashMap};

use fhirpath::document::{Document, DocumentLimits};
use store::{Composed, DbError, Reader, Value, Writer, binds};

use super::{
    Asking, Bearing, Bound, CONSENTED_FETCHED, Consent, Effect, is_exempt, permits, read, record::Asked,
    rule_number, rule_numbers,
};
use crate::{
    index::extract,
    parameter::{Compartment, Registry},
    resource::{LogicalId, Ready, Records, Rid, Version, insert_rows, versions_at},
    tenant::Tenant,
};

/// Look up what consents say of a version, by the patients that it says itself.
pub(crate) async fn weigh(
    reader: &mut Reader,
    registry: &Registry,
    tenant: &Tenant,
    version: &mut Version,
) -> Result<(), DbError> {
    if !matches!(version.bound, Bound::Unasked) {
        return Ok(());
    }
    let rules = match &version.body {
        Some(body) if !is_exempt(version.resource_type) && has_any(reader, tenant).await? => {
            about(reader, registry, tenant, body.as_str()).await?
        }
        _ => Vec::new(),
    };
    version.bound = if rules.is_empty() { Bound::Free } else { Bound::By(rules.into()) };
    Ok(())
}

/// Whether any consent of the site has rules.
pub(crate) async fn has_any(reader: &mut Reader, tenant: &Tenant) -> Result<bool, DbError> {
    let sql = "SELECT rule FROM fhir_consent_rule WHERE tenant = $1 LIMIT 1";
    Ok(reader.optional::<(i64,)>(sql, binds![tenant.number()]).await?.is_some())
}

/// The rules that are about a record of this text, of all its patients.
pub(crate) async fn about(
    reader: &mut Reader,
    registry: &Registry,
    tenant: &Tenant,
    text: &str,
) -> Result<Vec<Bearing>, DbError> {
    let patients = patients_of(registry, text)?.into_iter().collect();
    Rules::of(reader, registry, tenant, &patients).await?.about(registry, text)
}

/// The rules of the consents of some patients, asked together.
#[derive(Default)]
pub(crate) struct Rules(HashMap<LogicalId, Vec<Bearing>>);

impl Rules {
    pub async fn of(
        reader: &mut Reader,
        registry: &Registry,
        tenant: &Tenant,
        patients: &BTreeSet<LogicalId>,
    ) -> Result<Self, DbError> {
        let mut all: HashMap<LogicalId, Vec<Bearing>> = HashMap::new();
        for rule in rules_of(reader, registry, tenant, patients).await? {
            all.entry(rule.patient.clone()).or_default().push(rule);
        }
        Ok(Self(all))
    }

    /// The same of the patients whose records these texts are among.
    pub async fn of_texts(
        reader: &mut Reader,
        registry: &Registry,
        tenant: &Tenant,
        texts: impl Iterator<Item = &str>,
    ) -> Result<Self, DbError> {
        let mut patients = BTreeSet::new();
        for text in texts {
            patients.extend(patients_of(registry, text)?);
        }
        Self::of(reader, registry, tenant, &patients).await
    }

    /// Whether these let a record that is sent be kept, whose patients were among those that were asked for.
    pub fn let_keep(&self, records: &Records, (asking, ready): (&Asking, &Ready)) -> Result<bool, DbError> {
        if is_exempt(ready.resource_type()) {
            return Ok(true);
        }
        let about = self.about(records.registry(), ready.text())?;
        Ok(permits(&about, asking, records.world().now()))
    }

    /// The rules that are about a record of this text, whose patients were among those that were asked for.
    pub fn about(&self, registry: &Registry, text: &str) -> Result<Vec<Bearing>, DbError> {
        if self.0.is_empty() {
            return Ok(Vec::new());
        }
        read_as(registry, text, |asked| {
            let patients: BTreeSet<LogicalId> = patients_in(asked.entries).collect();
            let all = patients.iter().filter_map(|patient| self.0.get(patient)).flatten();
            all.filter(|one| one.rule.is_about(asked)).cloned().collect()
        })
    }
}

/// The patients whose records a record of this text is among.
pub(crate) fn patients_of(registry: &Registry, text: &str) -> Result<Vec<LogicalId>, DbError> {
    read_as(registry, text, |asked| patients_in(asked.entries).collect())
}

fn read_as<T>(registry: &Registry, text: &str, ask: impl FnOnce(&Asked<'_>) -> T) -> Result<T, DbError> {
    let damaged = || DbError::Corrupt { why: "a stored record cannot be read".into() };
    let document = Document::from_json(text.as_bytes(), &DocumentLimits::default()).map_err(|_| damaged())?;
    let entries = extract(document.root(), registry).ok_or_else(damaged)?;
    Ok(ask(&Asked { document: &document, entries: &entries, registry }))
}

/// Whether the consents of those whom a text is about let it be kept.
pub(crate) async fn lets_keep(
    reader: &mut Reader,
    records: &Records,
    tenant: &Tenant,
    (asking, ready): (&Asking, &Ready),
) -> Result<bool, DbError> {
    if is_exempt(ready.resource_type()) {
        return Ok(true);
    }
    let texts = std::iter::once(ready.text());
    let rules = Rules::of_texts(reader, records.registry(), tenant, texts).await?;
    rules.let_keep(records, (asking, ready))
}

/// The patients whose records it is among.
pub(crate) fn patients_in(entries: &crate::index::Entries<'_>) -> impl Iterator<Item = LogicalId> {
    let own = entries.compartments.iter().filter(|one| one.compartment == Compartment::Patient);
    own.filter_map(|one| one.id.parse().ok())
}

/// All rules of these patients' consents.
pub(super) async fn rules_of(
    reader: &mut Reader,
    registry: &Registry,
    tenant: &Tenant,
    patients: &BTreeSet<LogicalId>,
) -> Result<Vec<Bearing>, DbError> {
    let all: Vec<&LogicalId> = patients.iter().collect();
    let mut consents = Vec::new();
    for some in all.chunks(CONSENTED_FETCHED) {
        let mut statement = Composed::new("SELECT DISTINCT consent FROM fhir_consent_rule WHERE tenant = ");
        statement.bind(&tenant.number()).text(" AND patient IN (");
        for (at, patient) in some.iter().enumerate() {
            statement.text(if at == 0 { "" } else { ", " }).bind(*patient);
        }
        statement.text(")");
        consents.extend(reader.all_composed::<(i64,)>(&statement).await?.into_iter().map(|(rid,)| Rid(rid)));
    }
    let mut rules = Vec::new();
    for some in consents.chunks(CONSENTED_FETCHED) {
        for version in versions_at(reader, tenant, some).await? {
            if let Some(consent) = consent_in(&version, registry) {
                rules.extend(bearing(version.rid, consent));
            }
        }
    }
    Ok(rules)
}

/// The rules that a version of a Consent has; none if it binds nobody.
pub(super) fn consent_in(version: &Version, registry: &Registry) -> Option<Consent> {
    consent_of(version.body.as_ref()?.as_str(), registry)
}

pub(super) fn consent_of(text: &str, registry: &Registry) -> Option<Consent> {
    let document = Document::from_json(text.as_bytes(), &DocumentLimits::default()).ok()?;
    read(&document, registry.base()).filter(|consent| !consent.patient.is_empty())
}

pub(super) fn bearing(rid: Rid, consent: Consent) -> Vec<Bearing> {
    let Ok(patient) = consent.patient.parse::<LogicalId>() else { return Vec::new() };
    let Consent { at, rules, .. } = consent;
    let one = |rule| Bearing { patient: patient.clone(), consent: rid, at, rule };
    rules.into_iter().map(one).collect()
}

/// Keep the rules of Consents.
pub(super) async fn keep(
    tx: &mut Writer,
    tenant: &Tenant,
    rules: impl Iterator<Item = &Bearing>,
) -> Result<(), DbError> {
    let tenant = tenant.number();
    let (mut rows, mut asks) = (Vec::new(), Vec::new());
    for Bearing { patient, consent, at, rule } in rules {
        let number = rule_number(*consent, rule.number);
        rows.extend(binds![
            tenant,
            number,
            consent.0,
            patient,
            i64::from(rule.effect == Effect::Permit),
            rule_number(*consent, rule.last),
            rule.dims,
            i64::try_from(rule.asks.len()).unwrap_or(i64::MAX),
            *at,
            rule.from,
            rule.until
        ]);
        for (clause, words) in (0i64..).zip(&rule.asks) {
            let words: BTreeSet<&String> = words.iter().collect();
            asks.extend(words.into_iter().flat_map(|word| binds![tenant, number, clause, word.as_str()]));
        }
    }
    let into = "INSERT INTO fhir_consent_rule \
                (tenant, rule, consent, patient, effect, last, dims, clauses, at, begins, ends) VALUES ";
    insert_rows(tx, into, (11, rows), "").await?;
    let into = "INSERT INTO fhir_consent_ask (tenant, rule, clause, word) VALUES ";
    insert_rows(tx, into, (4, asks), "").await
}

/// Take away the rules of versions of Consents that are not the newest any more.
pub(super) async fn forget(tx: &mut Writer, tenant: &Tenant, consents: &[Rid]) -> Result<(), DbError> {
    let mut statements = Vec::new();
    for consent in consents {
        let (first, last) = rule_numbers(*consent);
        for delete in [
            "DELETE FROM fhir_consented WHERE tenant = ",
            "DELETE FROM fhir_consent_ask WHERE tenant = ",
            "DELETE FROM fhir_consent_rule WHERE tenant = ",
        ] {
            let mut statement = Composed::new(delete);
            statement
                .bind(&tenant.number())
                .text(" AND rule BETWEEN ")
                .bind(&first)
                .text(" AND ")
                .bind(&last);
            statements.push(statement);
        }
    }
    tx.execute_all(&statements).await
}

/// Say that these rules are about these records.
pub(super) async fn bind(
    tx: &mut Writer,
    tenant: &Tenant,
    pairs: impl Iterator<Item = (Rid, i64)>,
) -> Result<(), DbError> {
    let rows: Vec<Value> =
        pairs.flat_map(|(rid, rule)| [tenant.number(), rid.0, rule].map(Value::Int)).collect();
    let into = "INSERT INTO fhir_consented (tenant, rid, rule) VALUES ";
    insert_rows(tx, into, (3, rows), " ON CONFLICT (tenant, rid, rule) DO NOTHING").await
}

/// Versions that are not the newest of their records any more are found by nothing.
pub(super) async fn unbind(tx: &mut Writer, tenant: &Tenant, old: &[Rid]) -> Result<(), DbError> {
    for some in old.chunks(CONSENTED_FETCHED) {
        let mut statement = Composed::new("DELETE FROM fhir_consented WHERE tenant = ");
        statement.bind(&tenant.number()).text(" AND rid IN (");
        for (at, rid) in some.iter().enumerate() {
            statement.text(if at == 0 { "" } else { ", " }).bind(&rid.0);
        }
        statement.text(")");
        tx.execute_composed(&statement).await?;
    }
    Ok(())
}
