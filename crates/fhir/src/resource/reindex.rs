//! Rows of records that were there before a parameter was, or are there when it is no more.

use std::collections::BTreeSet;

use store::{DbError, Writer};

use super::{
    Records, Version,
    rows::{Pile, remove_all, rows_of},
};
use crate::{parameter::ParameterId, tenant::Tenant};

/// Give records the rows of some parameters, and take those of others away. Asked for again, nothing changes.
pub(crate) async fn index_anew(
    tx: &mut Writer,
    records: &Records,
    tenant: &Tenant,
    versions: &[Version],
    (coming, leaving): (&BTreeSet<ParameterId>, &BTreeSet<ParameterId>),
) -> Result<(), DbError> {
    let registry = records.registry_of(tenant);
    let (mut new, mut old) = (Pile::default(), Vec::new());
    for version in versions {
        let Some(body) = &version.body else { continue };
        let rows = rows_of(tenant, &registry, body.as_str(), coming);
        new.add(tenant, records.known(), (version.rid, &rows));
        if !leaving.is_empty() {
            old.push((version.rid, rows_of(tenant, &registry, body.as_str(), leaving)));
        }
    }
    remove_all(tx, tenant, old.iter().map(|(rid, rows)| (*rid, rows))).await?;
    new.write_over(tx, tenant, records.known()).await
}
