//! SQL of providers, links and browsers on their way.

use kernel::{Digest, Id, Organisation, Person, Timestamp};
use store::{DbError, FromRow, Json, Reader, Row, Writer, binds};

use super::{
    UPSTREAMS_MAX, Upstream,
    begin::Attempt,
    declare,
    link::{Found, Linked},
    list::Counted,
    registered::NewRegistered,
};

pub(super) async fn put(tx: &mut Writer, row: &declare::Row) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO upstream (id, organisation_id, slug, name, settings, secret, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, settings = excluded.settings, \
         secret = excluded.secret, updated_at = excluded.updated_at, disabled_at = NULL",
        binds![row.id, row.organisation, row.slug, row.name, Json(&row.settings), row.secret, row.now],
    )
    .await
}

pub(super) async fn disable(
    tx: &mut Writer,
    id: Id<kernel::Upstream>,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE upstream SET disabled_at = $2, updated_at = $2 WHERE id = $1 AND disabled_at IS NULL",
        binds![id, now],
    )
    .await
}

pub(super) async fn enable(
    tx: &mut Writer,
    id: Id<kernel::Upstream>,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE upstream SET disabled_at = NULL, updated_at = $2 WHERE id = $1 AND disabled_at IS NOT NULL",
        binds![id, now],
    )
    .await
}

/// The providers of an organisation, with how many people are linked and when one of them last came that way.
pub(super) async fn counted_of(
    tx: &mut Reader,
    organisation: Id<Organisation>,
) -> Result<Vec<Counted>, DbError> {
    tx.all(
        "SELECT upstream.id, organisation_id, slug, name, settings, secret, community, updated_at, created_at, \
         disabled_at, \
         (SELECT count(*) FROM upstream_link WHERE upstream_link.upstream_id = upstream.id) AS people, \
         (SELECT max(used_at) FROM upstream_link WHERE upstream_link.upstream_id = upstream.id) AS used_at \
         FROM upstream WHERE organisation_id = $1 ORDER BY upstream.id LIMIT $2",
        binds![organisation, UPSTREAMS_MAX],
    )
    .await
}

pub(super) async fn by_slug(tx: &mut Reader, slug: &str) -> Result<Option<Upstream>, DbError> {
    tx.optional(
        "SELECT id, organisation_id, slug, name, settings, secret, community, updated_at FROM upstream WHERE slug = $1",
        binds![slug],
    )
    .await
}

pub(super) async fn live_by_slug(tx: &mut Reader, slug: &str) -> Result<Option<Upstream>, DbError> {
    tx.optional(
        "SELECT id, organisation_id, slug, name, settings, secret, community, updated_at FROM upstream \
         WHERE slug = $1 AND disabled_at IS NULL",
        binds![slug],
    )
    .await
}

pub(super) async fn offered(tx: &mut Reader) -> Result<Vec<(String, String)>, DbError> {
    tx.all(
        "SELECT slug, name FROM upstream WHERE disabled_at IS NULL AND community IS NULL ORDER BY id LIMIT $1",
        binds![UPSTREAMS_MAX],
    )
    .await
}

pub(super) async fn links_of(
    tx: &mut Reader,
    person: Id<Person>,
    organisation: Id<Organisation>,
) -> Result<Vec<Linked>, DbError> {
    tx.all(
        "SELECT upstream.slug, upstream.name, upstream_link.created_at, upstream_link.used_at FROM upstream \
         LEFT JOIN upstream_link ON upstream_link.upstream_id = upstream.id AND upstream_link.person_id = $1 \
         WHERE upstream.organisation_id = $2 \
         AND (upstream.disabled_at IS NULL OR upstream_link.person_id IS NOT NULL) ORDER BY upstream.id LIMIT $3",
        binds![person, organisation, UPSTREAMS_MAX],
    )
    .await
}

pub(super) async fn find(
    tx: &mut Reader,
    upstream: Id<kernel::Upstream>,
    subject: &Digest,
) -> Result<Option<Found>, DbError> {
    tx.optional(
        "SELECT person.id, person.organisation_id, person.disabled_at \
         FROM upstream_link JOIN person ON person.id = upstream_link.person_id \
         WHERE upstream_link.upstream_id = $1 AND upstream_link.subject = $2",
        binds![upstream, subject],
    )
    .await
}

/// Whether the two are linked already.
pub(super) async fn is_linked(
    tx: &mut Reader,
    upstream: Id<kernel::Upstream>,
    subject: &Digest,
    person: Id<Person>,
) -> Result<bool, DbError> {
    let there: Option<(Id<Person>,)> = tx
        .optional(
            "SELECT person_id FROM upstream_link WHERE upstream_id = $1 AND subject = $2 AND person_id = $3",
            binds![upstream, subject, person],
        )
        .await?;
    Ok(there.is_some())
}

/// Nothing is written where the subject is another's, or the person has another subject there.
pub(super) async fn link(
    tx: &mut Writer,
    upstream: Id<kernel::Upstream>,
    subject: &Digest,
    person: Id<Person>,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO upstream_link (upstream_id, subject, person_id, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT DO NOTHING",
        binds![upstream, subject, person, now],
    )
    .await
}

pub(super) async fn used(
    tx: &mut Writer,
    upstream: Id<kernel::Upstream>,
    person: Id<Person>,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE upstream_link SET used_at = $3 WHERE upstream_id = $1 AND person_id = $2",
        binds![upstream, person, now],
    )
    .await
}

pub(super) async fn unlink(
    tx: &mut Writer,
    upstream: Id<kernel::Upstream>,
    person: Id<Person>,
) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM upstream_link WHERE upstream_id = $1 AND person_id = $2",
        binds![upstream, person],
    )
    .await
}

pub(super) async fn remember(tx: &mut Writer, attempt: &Attempt) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO upstream_attempt \
         (state, upstream_id, browser, nonce, verifier, return_to, acr, person_id, client_id, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        binds![
            attempt.state,
            attempt.upstream,
            attempt.browser,
            attempt.nonce,
            attempt.verifier,
            attempt.return_to,
            attempt.acr,
            attempt.person,
            attempt.client,
            attempt.expires_at
        ],
    )
    .await
}

pub(super) async fn take(
    tx: &mut Writer,
    state: &Digest,
    browser: &Digest,
    now: Timestamp,
) -> Result<Option<Attempt>, DbError> {
    tx.optional(
        "DELETE FROM upstream_attempt WHERE state = $1 AND browser = $2 AND expires_at > $3 \
         RETURNING state, upstream_id, browser, nonce, verifier, return_to, acr, person_id, client_id, expires_at",
        binds![state, browser, now],
    )
    .await
}

/// The question of this browser, on the wish of a client, whatever the answer says.
pub(super) async fn take_of_browser(
    tx: &mut Writer,
    browser: &Digest,
    now: Timestamp,
) -> Result<Option<Attempt>, DbError> {
    tx.optional(
        "DELETE FROM upstream_attempt WHERE browser = $1 AND client_id IS NOT NULL AND expires_at > $2 \
         RETURNING state, upstream_id, browser, nonce, verifier, return_to, acr, person_id, client_id, expires_at",
        binds![browser, now],
    )
    .await
}

pub(super) async fn declared_of(
    tx: &mut Reader,
    organisation: Id<Organisation>,
) -> Result<Vec<Upstream>, DbError> {
    tx.all(
        "SELECT id, organisation_id, slug, name, settings, secret, community, updated_at FROM upstream \
         WHERE organisation_id = $1 AND community IS NULL AND disabled_at IS NULL ORDER BY id LIMIT $2",
        binds![organisation, UPSTREAMS_MAX],
    )
    .await
}

pub(super) async fn of_any_state(
    tx: &mut Reader,
    slug: &str,
) -> Result<Option<(Upstream, Option<Timestamp>)>, DbError> {
    let row: Option<AnyState> = tx
        .optional(
            "SELECT id, organisation_id, slug, name, settings, secret, community, updated_at, disabled_at \
             FROM upstream WHERE slug = $1",
            binds![slug],
        )
        .await?;
    Ok(row.map(|AnyState(upstream, disabled_at)| (upstream, disabled_at)))
}

pub(super) async fn count_of_community(tx: &mut Reader, community: &str) -> Result<i64, DbError> {
    let (count,): (i64,) =
        tx.one("SELECT count(*) FROM upstream WHERE community = $1", binds![community]).await?;
    Ok(count)
}

/// One that is switched off stays so.
pub(super) async fn put_registered(
    tx: &mut Writer,
    id: Id<kernel::Upstream>,
    organisation: Id<Organisation>,
    new: &NewRegistered,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO upstream (id, organisation_id, slug, name, settings, community, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7) \
         ON CONFLICT (slug) DO UPDATE SET settings = excluded.settings, updated_at = excluded.updated_at",
        binds![id, organisation, new.slug, new.name, Json(&new.settings), new.community, now],
    )
    .await
}

pub(super) async fn mark_lost(tx: &mut Writer, id: Id<kernel::Upstream>) -> Result<u64, DbError> {
    let long_ago = Timestamp::from_seconds(0);
    tx.execute("UPDATE upstream SET updated_at = $2 WHERE id = $1", binds![id, long_ago]).await
}

struct AnyState(Upstream, Option<Timestamp>);

impl FromRow for AnyState {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self(Upstream::from_row(row)?, row.get("disabled_at")?))
    }
}

impl FromRow for Upstream {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let Json(settings) = row.get("settings")?;
        Ok(Self {
            id: row.get("id")?,
            organisation: row.get("organisation_id")?,
            slug: row.get("slug")?,
            name: row.get("name")?,
            settings,
            secret: row.get("secret")?,
            community: row.get("community")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

impl FromRow for Counted {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            upstream: Upstream::from_row(row)?,
            created_at: row.get("created_at")?,
            disabled_at: row.get("disabled_at")?,
            people: row.get("people")?,
            used_at: row.get("used_at")?,
        })
    }
}

impl FromRow for Linked {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            slug: row.get("slug")?,
            name: row.get("name")?,
            since: row.get("created_at")?,
            used_at: row.get("used_at")?,
        })
    }
}

impl FromRow for Found {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            person: row.get("id")?,
            organisation: row.get("organisation_id")?,
            disabled_at: row.get("disabled_at")?,
        })
    }
}

impl FromRow for Attempt {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            state: row.get("state")?,
            upstream: row.get("upstream_id")?,
            browser: row.get("browser")?,
            nonce: row.get("nonce")?,
            verifier: row.get("verifier")?,
            return_to: row.get("return_to")?,
            acr: row.get("acr")?,
            person: row.get("person_id")?,
            client: row.get("client_id")?,
            expires_at: row.get("expires_at")?,
        })
    }
}
