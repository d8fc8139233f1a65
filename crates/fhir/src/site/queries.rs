//! SQL of policies and plans; that of sites stands beside their keys, in `tenant`.

use kernel::{Id, Organisation, Timestamp};
use store::{DbError, FromRow, Reader, Row, Writer, binds};

use super::{BreakGlass, Consents, Plan, Policy, SiteCode, Subscription, Switched, Upsert, Validation};

/// The most sites of one organisation that are listed.
const SITES_ROWS_MAX: i64 = 500;

/// What may change of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub site: Id<kernel::Site>,
    pub tenant: i64,
    pub code: SiteCode,
    pub policy: Policy,
    pub packages: Switched,
    pub break_glass: BreakGlass,
    pub plan: Plan,
}

/// The terms of a site, with its organisation's plan, in one statement: a change of one of them is seen whole.
pub(super) async fn by_code(tx: &mut Reader, code: &SiteCode) -> Result<Option<Terms>, DbError> {
    tx.optional(
        "SELECT s.site_id, s.tenant, s.code, p.validation, p.upsert, p.consent, p.packages, p.profiles, p.break_glass,
            (SELECT string_agg(n.subscription, ' ') FROM fhir_plan AS n WHERE n.organisation_id = s.organisation_id) AS plan
         FROM fhir_site AS s LEFT JOIN fhir_site_policy AS p ON p.tenant = s.tenant WHERE s.code = $1",
        binds![code],
    )
    .await
}

/// The sites of an organisation that have codes.
pub(super) async fn of_organisation(
    tx: &mut Reader,
    organisation: Id<Organisation>,
) -> Result<Vec<Terms>, DbError> {
    tx.all(
        "SELECT s.site_id, s.tenant, s.code, p.validation, p.upsert, p.consent, p.packages, p.profiles, p.break_glass, CAST(NULL AS TEXT) AS plan
         FROM fhir_site AS s LEFT JOIN fhir_site_policy AS p ON p.tenant = s.tenant
         WHERE s.organisation_id = $1 ORDER BY s.tenant LIMIT $2",
        binds![organisation, SITES_ROWS_MAX],
    )
    .await
}

/// One of them.
pub(super) async fn of_site(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    site: Id<kernel::Site>,
) -> Result<Option<Terms>, DbError> {
    tx.optional(
        "SELECT s.site_id, s.tenant, s.code, p.validation, p.upsert, p.consent, p.packages, p.profiles, p.break_glass, CAST(NULL AS TEXT) AS plan
         FROM fhir_site AS s LEFT JOIN fhir_site_policy AS p ON p.tenant = s.tenant
         WHERE s.site_id = $1 AND s.organisation_id = $2",
        binds![site, organisation],
    )
    .await
}

pub(super) async fn is_taken(tx: &mut Reader, code: &SiteCode) -> Result<bool, DbError> {
    let found: Option<(i64,)> =
        tx.optional("SELECT tenant FROM fhir_site WHERE code = $1", binds![code]).await?;
    Ok(found.is_some())
}

pub(super) async fn set_policy(
    tx: &mut Writer,
    tenant: i64,
    (policy, packages, break_glass): (Policy, &Switched, &BreakGlass),
    now: Timestamp,
) -> Result<u64, DbError> {
    let Policy { validation, upsert, consent } = policy;
    tx.execute(
        "INSERT INTO fhir_site_policy (tenant, validation, upsert, changed_at, packages, profiles, consent,
            break_glass)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (tenant) DO UPDATE SET validation = excluded.validation, upsert = excluded.upsert,
            changed_at = excluded.changed_at, packages = excluded.packages, profiles = excluded.profiles,
            consent = excluded.consent, break_glass = excluded.break_glass",
        binds![
            tenant,
            validation.as_str(),
            upsert.as_str(),
            now,
            packages.packages_kept(),
            packages.profiles_kept(),
            consent.as_str(),
            break_glass.kept()
        ],
    )
    .await
}

pub(super) async fn plan(tx: &mut Reader, organisation: Id<Organisation>) -> Result<Plan, DbError> {
    let rows: Vec<(String,)> = tx
        .all(
            "SELECT subscription FROM fhir_plan WHERE organisation_id = $1 ORDER BY subscription",
            binds![organisation],
        )
        .await?;
    Ok(rows.iter().filter_map(|(word,)| word.parse().ok()).collect())
}

pub(super) async fn add(
    tx: &mut Writer,
    organisation: Id<Organisation>,
    subscription: Subscription,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO fhir_plan (organisation_id, subscription, granted_at) VALUES ($1, $2, $3)",
        binds![organisation, subscription.as_str(), now],
    )
    .await
}

pub(super) async fn take_away(
    tx: &mut Writer,
    organisation: Id<Organisation>,
    subscription: Subscription,
) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM fhir_plan WHERE organisation_id = $1 AND subscription = $2",
        binds![organisation, subscription.as_str()],
    )
    .await
}

impl FromRow for Terms {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let validation: Option<String> = row.get("validation")?;
        let upsert: Option<String> = row.get("upsert")?;
        let consent: Option<String> = row.get("consent")?;
        let plan: Option<String> = row.get("plan")?;
        let packages: Option<String> = row.get("packages")?;
        let profiles: Option<String> = row.get("profiles")?;
        let break_glass: Option<String> = row.get("break_glass")?;
        // A word that is not known is the strictest one: this is no place to guess.
        let policy = Policy {
            validation: validation.map_or_else(Validation::default, |word| word.parse().unwrap_or_default()),
            upsert: upsert.map_or_else(Upsert::default, |word| word.parse().unwrap_or(Upsert::Refused)),
            consent: consent.map_or_else(Consents::default, |word| word.parse().unwrap_or_default()),
        };
        Ok(Self {
            site: row.get("site_id")?,
            tenant: row.get("tenant")?,
            code: row.get("code")?,
            policy,
            packages: Switched::read(packages.as_deref(), profiles.as_deref().unwrap_or_default()),
            break_glass: BreakGlass::read(break_glass.as_deref().unwrap_or_default()),
            plan: plan
                .iter()
                .flat_map(|words| words.split(' '))
                .filter_map(|word| word.parse().ok())
                .collect(),
        })
    }
}
