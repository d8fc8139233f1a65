//! What a unit that writes records does to the tables of consents: the decision about a record changes with the record and with the
//! consents of its patients, in the transaction that changes these.

use std::collections::BTreeSet;

use fhirpath::document::{Document, DocumentLimits};
use store::{Composed, DbError, Reader, Writer};

use super::{
    Bearing, CONSENTED_FETCHED, is_exempt,
    record::Asked,
    rule_number,
    table::{Rules, bearing, bind, consent_of, forget, keep, patients_of, unbind},
};
use crate::{
    index::extract,
    key,
    parameter::{Compartment, Registry, ResourceType},
    resource::{LogicalId, Rid, newest_version, versions_at},
    tenant::Tenant,
};

/// What a unit has written.
#[derive(Default)]
pub(crate) struct Settled {
    /// Whether the site had consents before.
    pub has_consents: bool,
    /// Places of versions that have a newer one now.
    pub old: Vec<Rid>,
    /// Those of them that are Consents.
    pub old_consents: Vec<Rid>,
    /// New versions with their texts: all of them where the site has consents, else Consents alone.
    pub new: Vec<(Rid, ResourceType, String)>,
}

/// Bring the tables to where the records are.
pub(crate) async fn settle(
    tx: &mut Writer,
    registry: &Registry,
    tenant: &Tenant,
    settled: Settled,
) -> Result<(), DbError> {
    if settled.has_consents {
        unbind(tx, tenant, &settled.old).await?;
    }
    forget(tx, tenant, &settled.old_consents).await?;
    let mut fresh: Vec<Vec<Bearing>> = Vec::new();
    for (rid, of, text) in &settled.new {
        if of.as_str() == "Consent"
            && let Some(consent) = consent_of(text, registry)
        {
            fresh.push(bearing(*rid, consent));
        }
    }
    keep(tx, tenant, fresh.iter().flatten()).await?;
    if !settled.has_consents && fresh.is_empty() {
        return Ok(());
    }
    let bound: Vec<(Rid, &str)> = settled
        .new
        .iter()
        .filter(|(_, of, _)| !is_exempt(*of))
        .map(|(rid, _, text)| (*rid, text.as_str()))
        .collect();
    for some in bound.chunks(CONSENTED_FETCHED) {
        bind_records(tx, registry, tenant, some).await?;
    }
    for rules in &fresh {
        bind_patient(tx, registry, tenant, rules).await?;
    }
    Ok(())
}

/// Which rules are about records that are new: those of all their patients are asked together.
async fn bind_records(
    tx: &mut Writer,
    registry: &Registry,
    tenant: &Tenant,
    new: &[(Rid, &str)],
) -> Result<(), DbError> {
    let patients: BTreeSet<LogicalId> =
        new.iter().filter_map(|(_, text)| patients_of(registry, text).ok()).flatten().collect();
    let rules = Rules::of(tx, registry, tenant, &patients).await?;
    let mut pairs = Vec::new();
    for (rid, text) in new {
        let about = rules.about(registry, text).unwrap_or_default();
        pairs.extend(about.iter().map(|one| (*rid, rule_number(one.consent, one.rule.number))));
    }
    bind(tx, tenant, pairs.into_iter()).await
}

/// Which records the rules of a Consent that is new are about.
async fn bind_patient(
    tx: &mut Writer,
    registry: &Registry,
    tenant: &Tenant,
    rules: &[Bearing],
) -> Result<(), DbError> {
    let Some(patient) = rules.first().map(|one| one.patient.clone()) else { return Ok(()) };
    let is_plain = rules.iter().all(|one| one.rule.records.is_empty());
    let mut after = Rid(0);
    loop {
        let mut places = records_of(tx, tenant, (&patient, after)).await?;
        let Some(last) = places.last().copied() else { break };
        if is_plain {
            bind_all(tx, tenant, rules, &places).await?;
        } else {
            bind_some(tx, registry, tenant, (rules, &places)).await?;
        }
        after = last;
        places.clear();
    }
    let own = ResourceType::named("Patient");
    let own = match own {
        Some(of) => newest_version(tx, tenant, of, &patient).await?,
        None => None,
    };
    match own {
        Some(own) if !own.is_deletion() => bind_some(tx, registry, tenant, (rules, &[own.rid])).await,
        _ => Ok(()),
    }
}

async fn bind_all(
    tx: &mut Writer,
    tenant: &Tenant,
    rules: &[Bearing],
    places: &[Rid],
) -> Result<(), DbError> {
    let pairs = places
        .iter()
        .flat_map(|rid| rules.iter().map(|one| (*rid, rule_number(one.consent, one.rule.number))));
    bind(tx, tenant, pairs).await
}

async fn bind_some(
    tx: &mut Writer,
    registry: &Registry,
    tenant: &Tenant,
    (rules, places): (&[Bearing], &[Rid]),
) -> Result<(), DbError> {
    let mut pairs = Vec::new();
    for version in versions_at(tx, tenant, places).await? {
        let Some(body) = &version.body else { continue };
        let document = Document::from_json(body.as_str().as_bytes(), &DocumentLimits::default());
        let Ok(document) = document else { continue };
        let Some(entries) = extract(document.root(), registry) else { continue };
        let asked = Asked { document: &document, entries: &entries, registry };
        let about = rules.iter().filter(|one| one.rule.is_about(&asked));
        pairs.extend(about.map(|one| (version.rid, rule_number(one.consent, one.rule.number))));
    }
    bind(tx, tenant, pairs.into_iter()).await
}

/// Records in the compartment of a patient, in the order of their places.
async fn records_of(
    reader: &mut Reader,
    tenant: &Tenant,
    (patient, after): (&LogicalId, Rid),
) -> Result<Vec<Rid>, DbError> {
    let Some(of) = ResourceType::named("Patient") else { return Ok(Vec::new()) };
    let way = key::membership(of, Compartment::Patient);
    let mut statement = Composed::new("SELECT DISTINCT rid FROM fhir_link WHERE tenant = ");
    statement.bind(&tenant.number()).text(" AND target = ");
    statement.bind(&key::identity(tenant, of, patient.as_str())).text(" AND type IN (");
    for (at, member) in ResourceType::all().filter(|member| !is_exempt(*member)).enumerate() {
        statement.text(if at == 0 { "" } else { ", " }).bind(&member.number());
    }
    statement.text(") AND (");
    for nth in 0..key::WAYS_OF_A_ROW {
        statement.text(if nth == 0 { "((ways >> " } else { " OR ((ways >> " });
        statement.name("", nth * key::WAY_BITS as usize).text(") & 65535) = ").bind(&way.number);
    }
    statement.text(") AND rid > ").bind(&after.0).text(" ORDER BY rid LIMIT ");
    statement.bind(&i64::try_from(CONSENTED_FETCHED).unwrap_or(i64::MAX));
    let found = reader.all_composed::<(i64,)>(&statement).await?;
    Ok(found.into_iter().map(|(rid,)| Rid(rid)).collect())
}
