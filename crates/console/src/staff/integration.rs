//! The list of integrations, and the first page of one.

use axum::{extract::State as Held, response::Response};
use kernel::Permission;
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded::Serializer;
use web::{Answer, Path, Query};

use super::{
    Tabbed,
    api::Staff,
    base_of, found, frame, head,
    said::{self, Followed, Listed},
    state_of, sync, test, tested_of,
};
use crate::{
    page::staff::{Integration, IntegrationRow, Integrations, Pager},
    respond::{Told, page},
    state::Console,
    t,
};

/// Members of a configuration that say where the other side is, in the order in which they are looked for.
const ADDRESSES: [&str; 4] = ["base_url", "host", "endpoint", "url"];

/// Which integrations.
#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    status: String,
    page: Option<i64>,
}

impl Asked {
    fn query(&self, number: i64) -> String {
        let mut query = Serializer::new(String::new());
        for (name, value) in [("q", self.q.trim()), ("status", self.status.as_str())] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.append_pair("page", &number.to_string()).finish()
    }
}

/// `GET /staff/integrations`
pub(crate) async fn list(
    Held(console): Held<Console>,
    staff: Staff,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let path = format!("?sort=name&{}", asked.query(asked.page.unwrap_or(1)));
    let found: Listed<said::Integration> = staff.get(&path).await?;
    let total = usize::try_from(found.total).unwrap_or_default();
    let is_narrowed = !asked.q.trim().is_empty() || !asked.status.is_empty();
    let how = match is_narrowed {
        true => t("staff-found-some").count("many", total),
        false => t("staff-some").count("many", total),
    };
    let at = |number: i64| format!("/staff/integrations?{}", asked.query(number));
    page(&Integrations {
        frame: frame(&staff, &String::from(t("staff-integrations"))).await?,
        how: how.into(),
        rows: found.items.iter().map(|one| row(&console, one)).collect(),
        pager: Pager {
            before: (found.page > 1).then(|| at(found.page - 1)),
            after: (found.page < found.pages).then(|| at(found.page + 1)),
        },
        q: asked.q,
        status: asked.status,
    })
}

fn row(console: &Console, one: &said::Integration) -> IntegrationRow {
    IntegrationRow {
        href: base_of(&one.id),
        name: one.name.clone(),
        provider: one.provider.clone(),
        kind: one.kind.clone(),
        state: state_of(&one.status),
        last_sync: one.last_sync.map(|at| console.moment(at)),
        next_sync: one.next_sync.map(|at| console.moment(at)),
    }
}

/// `GET /staff/integrations/{id}`
pub(crate) async fn show(
    Held(console): Held<Console>,
    staff: Staff,
    Path(id): Path<String>,
    Query(told): Query<Told>,
) -> Answer<Response> {
    let one = found(&staff, &id).await?;
    let mut view = view(&console, &staff, &one).await?;
    view.frame = view.frame.telling(told.notice());
    page(&view)
}

/// The first page of an integration.
pub(super) async fn view(console: &Console, staff: &Staff, one: &said::Integration) -> Answer<Integration> {
    let syncs: Followed<said::Sync> = staff.get(&format!("/{}/sync-jobs?limit=1", one.id)).await?;
    let may = |permission| staff.may(permission, (one.org_id, &one.study_ids));
    let is_live = one.status != "archived";
    let can = |capability: &str| one.capabilities.iter().any(|known| known == capability);
    let address = ADDRESSES.iter().find_map(|name| one.config.get(*name).and_then(Value::as_str));
    let tested = one.tested_at.zip(one.test_status.as_deref());
    Ok(Integration {
        frame: frame(staff, &one.name).await?,
        head: head(console, staff, one, Tabbed::Overview),
        provider: one.provider.clone(),
        kind: one.kind.clone(),
        address: address.map(str::to_owned),
        frequency: one.sync_frequency.clone(),
        last_sync: one.last_sync.map(|at| console.moment(at)),
        next_sync: one.next_sync.map(|at| console.moment(at)),
        credentials: one.credentials.keys().cloned().collect(),
        studies: one.study_ids.len(),
        changed: console.moment(one.updated_at),
        tested: tested.map(|(at, status)| (console.moment(at), tested_of(status))),
        test: test::last(console, staff, one).await?,
        may_test: is_live && may(Permission::Test),
        may_sync: one.status == "active" && can("sync_incremental") && may(Permission::Sync),
        newest: syncs.items.first().map(|sync| sync::row(console, sync)),
    })
}
