//! The integrations that the caller may see, a page at a time.

use axum::{Extension, extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use kernel::{Id, Issue, Kind as Sort, Organisation, Permission, Reach, Study};
use serde::{Deserialize, Serialize};
use store::{Composed, Reader};
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Bearer, Context, Paging, Place, Problem, Query, links};

use super::{Kind, Managed, Status, condition, door::Asking, queries, view::ManagedOut};
use crate::Broker;

/// The longest text that is searched for, in characters.
const Q_CHARACTERS_MAX: usize = 100;

/// Which page, of which, in which order.
#[derive(Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// From 1 to 10000.
    #[param(minimum = 1, maximum = 10000)]
    page: Option<i64>,
    /// From 1 to 100; 20 where nothing is said.
    #[param(minimum = 1, maximum = 100)]
    size: Option<i64>,
    /// Only of this type.
    #[serde(rename = "type")]
    kind: Option<Kind>,
    /// Only in this state; archived ones are shown only where they are asked for.
    status: Option<Status>,
    /// Only of this provider.
    provider: Option<String>,
    /// Only of this study.
    #[param(value_type = Option<String>, format = "uuid")]
    study_id: Option<Id<Study>>,
    /// Whose name or provider has this in it.
    #[param(max_length = 100)]
    q: Option<String>,
    /// `name`, `created_at`, `updated_at`, `status`; after a `-` the other way round. `-created_at` where nothing is said.
    #[param(inline)]
    sort: Option<Sorting>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[schema(as = IntegrationSort)]
enum Sorting {
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDown,
    #[serde(rename = "created_at")]
    Created,
    #[serde(rename = "-created_at")]
    CreatedDown,
    #[serde(rename = "updated_at")]
    Updated,
    #[serde(rename = "-updated_at")]
    UpdatedDown,
    #[serde(rename = "status")]
    Status,
    #[serde(rename = "-status")]
    StatusDown,
}

impl Sorting {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::NameDown => "-name",
            Self::Created => "created_at",
            Self::CreatedDown => "-created_at",
            Self::Updated => "updated_at",
            Self::UpdatedDown => "-updated_at",
            Self::Status => "status",
            Self::StatusDown => "-status",
        }
    }

    const fn sql(self) -> &'static str {
        match self {
            Self::Name => " ORDER BY lower(i.name), i.id",
            Self::NameDown => " ORDER BY lower(i.name) DESC, i.id DESC",
            Self::Created => " ORDER BY i.created_at, i.id",
            Self::CreatedDown => " ORDER BY i.created_at DESC, i.id DESC",
            Self::Updated => " ORDER BY i.updated_at, i.id",
            Self::UpdatedDown => " ORDER BY i.updated_at DESC, i.id DESC",
            Self::Status => " ORDER BY i.status, i.id",
            Self::StatusDown => " ORDER BY i.status DESC, i.id DESC",
        }
    }
}

/// A page of integrations.
#[derive(Serialize, ToSchema)]
#[schema(as = ManagedIntegrations)]
pub(crate) struct PageOut {
    items: Vec<ManagedOut>,
    #[serde(flatten)]
    paging: Paging,
}

impl Asked {
    fn checked(&self) -> Result<Paging, Problem> {
        let (window, mut issues) = match Paging::asked(self.page, self.size) {
            Ok(window) => (Some(window), Vec::new()),
            Err(issues) => (None, issues),
        };
        if self.q.as_ref().is_some_and(|q| q.chars().count() > Q_CHARACTERS_MAX) {
            issues.push(Issue::at("q", "must be at most 100 characters"));
        }
        let problem = || Problem::new(Sort::Unsupported, "a parameter is not right").with_place(Place::Query);
        window.filter(|_| issues.is_empty()).ok_or_else(|| problem().with_issues(issues))
    }

    /// What of all rows is the caller's to see, and asked for.
    fn write(&self, own: Id<Organisation>, reach: &Reach, sql: &mut Composed) {
        match reach {
            Reach::Deployment => sql.text("WHERE 1 = 1"),
            Reach::Organisation => sql.text("WHERE i.organisation_id = ").bind(&own),
            Reach::Studies(studies) => {
                sql.text("WHERE i.organisation_id = ").bind(&own);
                sql.text(" AND EXISTS (SELECT 1 FROM integration_study s WHERE s.integration_id = i.id AND s.study_id IN (");
                for (nth, study) in studies.iter().enumerate() {
                    sql.text(if nth == 0 { "" } else { ", " }).bind(study);
                }
                sql.text("))")
            }
            Reach::Nothing => sql.text("WHERE 1 = 0"),
        };
        if let Some(kind) = self.kind {
            sql.text(" AND i.kind = ").bind(kind.as_str());
        }
        match self.status {
            Some(status) => sql.text(" AND i.status = ").bind(status.as_str()),
            None => sql.text(" AND i.status <> 'archived'"),
        };
        if let Some(provider) = &self.provider {
            sql.text(" AND i.provider_id = ").bind(provider.as_str());
        }
        if let Some(study) = &self.study_id {
            sql.text(" AND EXISTS (SELECT 1 FROM integration_study f WHERE f.integration_id = i.id AND f.study_id = ");
            sql.bind(study).text(")");
        }
        if let Some(q) = &self.q {
            let like = format!("%{}%", escaped(&q.to_lowercase()));
            sql.text(" AND (lower(i.name) LIKE ").bind(like.as_str());
            sql.text(" ESCAPE '!' OR lower(i.provider_id) LIKE ").bind(like.as_str()).text(" ESCAPE '!')");
        }
    }
}

/// A text that `LIKE` takes as it is.
fn escaped(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// List integrations.
#[utoipa::path(get, path = "/api/v1/integrations", tag = "integrations", operation_id = "list_managed_integrations",
    params(Asked, ("If-None-Match" = Option<String>, Header, description = "304 where the page is still the same")),
    responses((status = 200, description = "A page, with `Link` to those beside it", body = PageOut),
        (status = 304, description = "As it was")),
    security(("bearer" = ["integration:read"])))]
pub(crate) async fn list(
    State(broker): State<Broker>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Answer<Response> {
    let asking = Asking::enter(bearer, context.request_id().clone(), Permission::Read)?;
    let window = asked.checked()?;
    let (own, reach) = (asking.bearer.0.organisation, asking.bearer.0.grants.reach(Permission::Read));
    let (mut counted, mut rows) = (queries::counted(), queries::rows());
    asked.write(own, &reach, &mut counted);
    asked.write(own, &reach, &mut rows);
    let (limit, offset) = window.rows();
    rows.text(asked.sort.unwrap_or(Sorting::CreatedDown).sql());
    rows.text(" LIMIT ").bind(&limit).text(" OFFSET ").bind(&offset);
    let found = broker.db.snapshot(async move |tx: &mut Reader| -> Result<(i64, Vec<Managed>), Problem> {
        Ok((queries::count(tx, &counted).await?, queries::select(tx, &rows).await?))
    });
    let (total, items) = found.await?;
    let paging = window.of(total);
    let out = PageOut { items: items.iter().map(ManagedOut::from).collect(), paging };
    let mut response = condition::answer(&headers, total, StatusCode::OK, &out);
    let filters = asked.filters();
    let said: Vec<_> = filters.iter().map(|(name, value)| (*name, Some(value.as_str()))).collect();
    response.headers_mut().extend(links(&context, &paging, &said));
    Ok(response)
}

impl Asked {
    fn filters(&self) -> Vec<(&'static str, String)> {
        [
            ("type", self.kind.map(|kind| kind.as_str().to_owned())),
            ("status", self.status.map(|status| status.as_str().to_owned())),
            ("provider", self.provider.clone()),
            ("study_id", self.study_id.map(|study| study.to_string())),
            ("q", self.q.clone()),
            ("sort", self.sort.map(|sort| sort.as_str().to_owned())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}
