//! The SQL of table `vault_key`.

use kernel::{Id, Key, Organisation, Timestamp};
use store::{DbError, FromRow, Reader, Row, Writer, binds};

/// One version of a key, as it is kept.
pub(crate) struct KeyRow {
    pub(crate) id: Id<Key>,
    pub(crate) tenant: Option<Id<Organisation>>,
    pub(crate) version: u32,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) sentinel: Vec<u8>,
    pub(crate) made_at: Timestamp,
    pub(crate) retired_at: Option<Timestamp>,
}

impl FromRow for KeyRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            tenant: row.get("tenant")?,
            version: row.get("version")?,
            wrapped: row.get("wrapped")?,
            sentinel: row.get("sentinel")?,
            made_at: row.get("made_at")?,
            retired_at: row.get("retired_at")?,
        })
    }
}

/// All versions of the deployment's key (no tenant), or of a tenant's.
pub(crate) async fn versions_of(
    reader: &mut Reader,
    tenant: Option<Id<Organisation>>,
) -> Result<Vec<KeyRow>, DbError> {
    match tenant {
        Some(tenant) => {
            let sql = "SELECT id, tenant, version, wrapped, sentinel, made_at, retired_at FROM vault_key \
                       WHERE tenant = $1 ORDER BY version";
            reader.all(sql, binds![tenant]).await
        }
        None => {
            let sql = "SELECT id, tenant, version, wrapped, sentinel, made_at, retired_at FROM vault_key \
                       WHERE tenant IS NULL ORDER BY version";
            reader.all(sql, binds![]).await
        }
    }
}

/// Whether any tenant has a key.
pub(crate) async fn some_tenant_has_a_key(reader: &mut Reader) -> Result<bool, DbError> {
    let row: Option<(i64,)> =
        reader.optional("SELECT 1 FROM vault_key WHERE tenant IS NOT NULL LIMIT 1", binds![]).await?;
    Ok(row.is_some())
}

/// Keeps a version, unless another node was faster.
pub(crate) async fn insert_unless_there(writer: &mut Writer, row: &KeyRow) -> Result<(), DbError> {
    let sql = "INSERT INTO vault_key (id, tenant, version, wrapped, sentinel, made_at, retired_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let binds =
        binds![row.id, row.tenant, row.version, row.wrapped, row.sentinel, row.made_at, row.retired_at];
    writer.execute(sql, binds).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use store::Db;

    use super::*;

    async fn insert(db: &Db, tenant: Option<Id<Organisation>>, id: u8, version: u32) -> Result<(), DbError> {
        db.write(async move |tx: &mut Writer| {
            let row = KeyRow {
                id: Id::from_bytes([id; 16]),
                tenant,
                version,
                wrapped: vec![id],
                sentinel: vec![id, id],
                made_at: Timestamp::from_micros(5),
                retired_at: (id == 3).then_some(Timestamp::from_micros(6)),
            };
            insert_unless_there(tx, &row).await
        })
        .await
    }

    testkit::on_each_engine!(
        async fn the_first_of_a_version_stays(db: Db) {
            assert!(!some_tenant_has_a_key(&mut db.read().await.unwrap()).await.unwrap());
            let tenants = [None, Some(Id::from_bytes([8; 16])), Some(Id::from_bytes([9; 16]))];
            for (nth, tenant) in (0..).zip(tenants) {
                insert(&db, tenant, 10 + nth, 1).await.unwrap();
                insert(&db, tenant, 20 + nth, 1).await.unwrap();
            }
            insert(&db, None, 3, 2).await.unwrap();
            assert!(insert(&db, None, 4, 0).await.is_err(), "versions begin at 1");

            let mut reader = db.read().await.unwrap();
            assert!(some_tenant_has_a_key(&mut reader).await.unwrap());
            for (nth, tenant) in (0..).zip(tenants) {
                let rows = versions_of(&mut reader, tenant).await.unwrap();
                let first = &rows[0];
                assert_eq!(*first.id.as_bytes(), [10 + nth; 16]);
                assert_eq!((first.tenant, first.version, first.retired_at), (tenant, 1, None));
                assert_eq!((first.wrapped.len(), first.sentinel.len()), (1, 2));
                assert_eq!(first.made_at, Timestamp::from_micros(5));
                assert_eq!(rows.len(), if tenant.is_none() { 2 } else { 1 });
            }
            let deployment = versions_of(&mut reader, None).await.unwrap();
            assert_eq!(deployment[1].retired_at, Some(Timestamp::from_micros(6)));
        },
        migrations = [crate::MIGRATIONS]
    );
}
