//! The integrations that the caller may see, a page at a time.

use axum::{extract::State, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::{Id, Issue, Kind as Sort, Organisation, Permission, Reach, RequestId, Study};
use serde::{Deserialize, Serialize};
use store::{Composed, Reader};
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Bearer, Place, Problem, Query};

use super::{Kind, Managed, Status, condition, door::Asking, queries, view::ManagedOut};
use crate::Broker;

/// The largest page.
const SIZE_MAX: u32 = 100;
const SIZE_DEFAULT: u32 = 20;
/// The last page that is counted to.
const PAGE_MAX: u32 = 10_000;
/// The longest text that is searched for, in characters.
const Q_CHARACTERS_MAX: usize = 100;

/// Which page, of which, in which order.
#[derive(Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// From 1 to 10000.
    #[param(minimum = 1, maximum = 10000)]
    page: Option<u32>,
    /// From 1 to 100; 20 where nothing is said.
    #[param(minimum = 1, maximum = 100)]
    size: Option<u32>,
    /// Only of this type.
    #[serde(rename = "type")]
    kind: Option<Kind>,
    /// Only in this state; archived ones are shown only where they are asked for.
    status: Option<Status>,
    /// Only of this provider.
    provider: Option<String>,
    /// Only of this study.
    #[param(value_type = Option<String>)]
    study_id: Option<Id<Study>>,
    /// Whose name or provider has this in it.
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
    /// How many there are on all pages.
    total: i64,
    page: u32,
    size: u32,
    pages: i64,
}

impl Asked {
    fn checked(&self) -> Result<(u32, u32), Problem> {
        let (page, size) = (self.page.unwrap_or(1), self.size.unwrap_or(SIZE_DEFAULT));
        let mut issues = Vec::new();
        if !(1..=PAGE_MAX).contains(&page) {
            issues.push(Issue::at("page", "must be 1 to 10000"));
        }
        if !(1..=SIZE_MAX).contains(&size) {
            issues.push(Issue::at("size", "must be 1 to 100"));
        }
        if self.q.as_ref().is_some_and(|q| q.chars().count() > Q_CHARACTERS_MAX) {
            issues.push(Issue::at("q", "must be at most 100 characters"));
        }
        if issues.is_empty() {
            return Ok((page, size));
        }
        let problem = Problem::new(Sort::Unsupported, "a parameter is not right");
        Err(problem.with_place(Place::Query).with_issues(issues))
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
    axum::Extension(request): axum::Extension<RequestId>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Answer<Response> {
    let asking = Asking::enter(bearer, request, Permission::Read)?;
    let (page, size) = asked.checked()?;
    let (own, reach) = (asking.bearer.0.organisation, asking.bearer.0.grants.reach(Permission::Read));
    let (mut counted, mut rows) = (queries::counted(), queries::rows());
    asked.write(own, &reach, &mut counted);
    asked.write(own, &reach, &mut rows);
    let offset = i64::from(page.saturating_sub(1)).saturating_mul(i64::from(size));
    rows.text(asked.sort.unwrap_or(Sorting::CreatedDown).sql());
    rows.text(" LIMIT ").bind(&i64::from(size)).text(" OFFSET ").bind(&offset);
    let found = broker.db.snapshot(async move |tx: &mut Reader| -> Result<(i64, Vec<Managed>), Problem> {
        Ok((queries::count(tx, &counted).await?, queries::select(tx, &rows).await?))
    });
    let (total, items) = found.await?;
    let pages = total.saturating_add(i64::from(size) - 1) / i64::from(size);
    let out = PageOut { items: items.iter().map(ManagedOut::from).collect(), total, page, size, pages };
    let mut response = condition::answer(&headers, total, StatusCode::OK, &out);
    let links = links(&broker, &asked, (page, size, pages));
    if let Ok(value) = HeaderValue::from_str(&links) {
        response.headers_mut().insert(header::LINK, value);
    }
    Ok(response)
}

/// RFC 8288: the pages beside this one, with the filters of this one.
fn links(broker: &Broker, asked: &Asked, (page, size, pages): (u32, u32, i64)) -> String {
    let base = broker.public_url.as_str().trim_end_matches('/');
    let last = u32::try_from(pages.max(1)).unwrap_or(PAGE_MAX).min(PAGE_MAX);
    let to = |page: u32, rel: &str| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("page", &page.to_string()).append_pair("size", &size.to_string());
        for (name, value) in asked.filters() {
            query.append_pair(name, &value);
        }
        format!("<{base}/api/v1/integrations?{}>; rel=\"{rel}\"", query.finish())
    };
    let mut links = vec![to(1, "first"), to(last, "last")];
    if page > 1 {
        links.push(to(page - 1, "prev"));
    }
    if page < last {
        links.push(to(page + 1, "next"));
    }
    links.join(", ")
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
