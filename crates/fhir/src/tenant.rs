//! A site as its records know it: a number that begins every key, and a seed that keys every hash.

use std::{fmt, hash::Hasher as _, sync::Arc};

use kernel::{Id, Organisation, Secret, Site, World};
use siphasher::sip::SipHasher13;
use store::{DbError, Reader, Writer, binds};

use crate::{parameter::Added, reindex};

/// A site whose records are meant. There is no other way to one than resolving a site, and none to a record than through it.
#[derive(Clone)]
pub struct Tenant {
    number: i64,
    organisation: Id<Organisation>,
    site: Id<Site>,
    seed: Secret<[u8; 16]>,
    added: Arc<Added>,
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tenant({:?})", self.site)
    }
}

impl Tenant {
    /// The organisation that the site is one of.
    pub const fn organisation(&self) -> Id<Organisation> {
        self.organisation
    }

    /// The site.
    pub const fn site(&self) -> Id<Site> {
        self.site
    }

    /// What every key begins with.
    pub(crate) const fn number(&self) -> i64 {
        self.number
    }

    /// What its records are found by beside R4's parameters.
    pub(crate) fn added(&self) -> &Arc<Added> {
        &self.added
    }

    /// A hash that nobody without the site's seed can foresee, so that nobody can make two values meet.
    pub(crate) fn hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_key(self.seed.expose())
    }

    /// The hash of one text among those of one kind.
    pub(crate) fn hash(&self, kind: u8, parts: &[&[u8]]) -> i64 {
        let mut hasher = self.hasher();
        hasher.write_u8(kind);
        for part in parts {
            hasher.write(part);
            // No byte of UTF-8 is this one: ("ab", "c") and ("a", "bc") differ.
            hasher.write_u8(0xff);
        }
        i64::from_le_bytes(hasher.finish().to_le_bytes())
    }
}

type TenantRow = (i64, Id<Organisation>, Id<Site>, [u8; 16]);

async fn tenant(reader: &mut Reader, row: Option<TenantRow>) -> Result<Option<Tenant>, DbError> {
    let Some((number, organisation, site, seed)) = row else { return Ok(None) };
    let added = Arc::new(reindex::added(reader, number).await?);
    Ok(Some(Tenant { number, organisation, site, seed: Secret::new(seed), added }))
}

/// Give a site its number, its seed and the code by which callers name it.
///
/// # Errors
/// `DbError::Unique` if the site has them already, or another one has the code.
pub async fn open(
    tx: &mut Writer,
    world: &World,
    organisation: Id<Organisation>,
    site: Id<Site>,
    code: &str,
) -> Result<Tenant, DbError> {
    let seed: Secret<[u8; 16]> = world.secret();
    let sql = "INSERT INTO fhir_site (tenant, site_id, organisation_id, code, seed, created_at) \
               SELECT COALESCE(MAX(tenant), 0) + 1, $1, $2, $3, $4, $5 FROM fhir_site RETURNING tenant";
    let values = binds![site, organisation, code, seed.expose(), world.now()];
    let (number,) = tx.one::<(i64,)>(sql, values).await?;
    let sql = "INSERT INTO fhir_clock (tenant, rid, at) VALUES ($1, 0, 0)";
    tx.execute(sql, binds![number]).await?;
    Ok(Tenant { number, organisation, site, seed, added: Arc::default() })
}

/// The codes of all sites.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn codes(reader: &mut Reader) -> Result<Vec<String>, DbError> {
    let codes = reader.all::<(String,)>("SELECT code FROM fhir_site ORDER BY tenant", binds![]).await?;
    Ok(codes.into_iter().map(|(code,)| code).collect())
}

/// The site with this code, whoever asks: whether the caller may is for whoever resolves sites.
///
/// # Errors
/// [`DbError`].
pub async fn by_code(reader: &mut Reader, code: &str) -> Result<Option<Tenant>, DbError> {
    let sql = "SELECT tenant, organisation_id, site_id, seed FROM fhir_site WHERE code = $1";
    let row = reader.optional::<TenantRow>(sql, binds![code]).await?;
    tenant(reader, row).await
}

/// The same site with what it is searched by now: whoever holds one may have read it before that was changed.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn as_now(reader: &mut Reader, tenant: &Tenant) -> Result<Tenant, DbError> {
    let there = reindex::generation(reader, tenant.number).await?;
    if there == tenant.added.generation() {
        return Ok(tenant.clone());
    }
    let added = Arc::new(reindex::added(reader, tenant.number).await?);
    Ok(Tenant { added, ..tenant.clone() })
}

/// The site whose keys begin with this number.
pub(crate) async fn by_number(reader: &mut Reader, number: i64) -> Result<Option<Tenant>, DbError> {
    let sql = "SELECT tenant, organisation_id, site_id, seed FROM fhir_site WHERE tenant = $1";
    let row = reader.optional::<TenantRow>(sql, binds![number]).await?;
    tenant(reader, row).await
}
