//! Trust of clients in integrations.

use kernel::{Client, Id, Integration, Person, Scopes, Timestamp};
use store::{DbError, FromRow, Json, Reader, Row, Writer, binds};

use super::{State, Terms, Trust};
use crate::proxy::Rule;

impl FromRow for Trust {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let column = |name: &str| DbError::Column { column: name.into(), why: "not what was written".into() };
        let rules: Vec<String> = row.get::<Json<_>>("proxy_rules")?.0;
        let proxy = rules.iter().map(|rule| rule.parse::<Rule>()).collect::<Result<_, _>>();
        let rate: i64 = row.get("rate_per_minute")?;
        Ok(Self {
            id: row.get("id")?,
            client: row.get("client_id")?,
            integration: row.get("integration_id")?,
            organisation: row.get("organisation_id")?,
            state: row.get("state")?,
            terms: Terms {
                actions: row.get::<Json<_>>("actions")?.0,
                proxy: proxy.map_err(|_| column("proxy_rules"))?,
                scopes: row.get::<Scopes>("scopes")?,
                rate_per_minute: u32::try_from(rate).map_err(|_| column("rate_per_minute"))?,
            },
            requested_by: row.get("requested_by")?,
            requested_at: row.get("requested_at")?,
            decided_by: row.get("decided_by")?,
            decided_at: row.get("decided_at")?,
        })
    }
}

/// The trust of this client in this integration, however it stands.
pub(crate) async fn of_pair(
    tx: &mut Reader,
    client: Id<Client>,
    integration: Id<Integration>,
) -> Result<Option<Trust>, DbError> {
    let sql = "SELECT id, client_id, integration_id, organisation_id, state, actions, proxy_rules, scopes, \
               rate_per_minute, requested_by, requested_at, decided_by, decided_at \
               FROM client_trust WHERE client_id = $1 AND integration_id = $2";
    tx.optional(sql, binds![client, integration]).await
}

pub(crate) async fn of_client(tx: &mut Reader, client: Id<Client>) -> Result<Vec<Trust>, DbError> {
    let sql = "SELECT id, client_id, integration_id, organisation_id, state, actions, proxy_rules, scopes, \
               rate_per_minute, requested_by, requested_at, decided_by, decided_at \
               FROM client_trust WHERE client_id = $1 ORDER BY id";
    tx.all(sql, binds![client]).await
}

pub(crate) async fn of_integration(
    tx: &mut Reader,
    integration: Id<Integration>,
) -> Result<Vec<Trust>, DbError> {
    let sql = "SELECT id, client_id, integration_id, organisation_id, state, actions, proxy_rules, scopes, \
               rate_per_minute, requested_by, requested_at, decided_by, decided_at \
               FROM client_trust WHERE integration_id = $1 ORDER BY id";
    tx.all(sql, binds![integration]).await
}

/// The slugs and ids of the enabled integrations that this client is trusted for.
pub(crate) async fn granted_slugs(tx: &mut Reader, client: Id<Client>) -> Result<Vec<(String,)>, DbError> {
    let sql = "SELECT i.slug FROM client_trust t JOIN integration i ON i.id = t.integration_id \
               WHERE t.client_id = $1 AND t.state = 'granted' AND i.enabled = 1 ORDER BY i.slug";
    tx.all(sql, binds![client]).await
}

/// Write the trust, or put it in the place of the one that this pair has.
pub(crate) async fn put(tx: &mut Writer, trust: &Trust) -> Result<(), DbError> {
    let sql = "INSERT INTO client_trust (id, client_id, integration_id, organisation_id, state, actions, proxy_rules, \
               scopes, rate_per_minute, requested_by, requested_at, decided_by, decided_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
               ON CONFLICT (client_id, integration_id) DO UPDATE SET state = excluded.state, \
               actions = excluded.actions, proxy_rules = excluded.proxy_rules, scopes = excluded.scopes, \
               rate_per_minute = excluded.rate_per_minute, decided_by = excluded.decided_by, \
               decided_at = excluded.decided_at";
    let rules: Vec<String> = trust.terms.proxy.iter().map(Rule::to_string).collect();
    let values = binds![
        trust.id,
        trust.client,
        trust.integration,
        trust.organisation,
        trust.state,
        Json(&trust.terms.actions),
        Json(&rules),
        &trust.terms.scopes,
        trust.terms.rate_per_minute,
        trust.requested_by,
        trust.requested_at,
        trust.decided_by,
        trust.decided_at,
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// Move the trust to another state.
pub(crate) async fn set_state(
    tx: &mut Writer,
    client: Id<Client>,
    integration: Id<Integration>,
    state: State,
    decided_by: Option<Id<Person>>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE client_trust SET state = $3, decided_by = $4, decided_at = $5 \
               WHERE client_id = $1 AND integration_id = $2";
    Ok(tx.execute(sql, binds![client, integration, state, decided_by, now]).await? == 1)
}
