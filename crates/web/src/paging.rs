//! Pages of lists as contract 4 has them: `{items, total, page, size, pages}` and `Link`.

use http::{HeaderMap, HeaderValue, header};
use kernel::{Issue, Limit};
use serde::Serialize;
use url::form_urlencoded::Serializer;
use utoipa::ToSchema;

use crate::Context;

/// The last page that is looked for: what is behind it is found by a filter.
pub const PAGE_MAX: i64 = 10_000;

/// Where a page stands in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ListPaging)]
pub struct Paging {
    /// How many there are in all.
    pub total: i64,
    /// Which page this is, from 1.
    pub page: i64,
    /// How many a page holds.
    pub size: i64,
    /// How many pages there are.
    pub pages: i64,
}

impl Paging {
    /// The page that is asked for.
    ///
    /// # Errors
    /// What is wrong with a page or size that is none.
    pub fn asked(page: Option<i64>, size: Option<i64>) -> Result<Self, Vec<Issue>> {
        let (page, size) = (page.unwrap_or(1), size.unwrap_or(Limit::DEFAULT.rows()));
        let mut issues = Vec::new();
        if !(1..=PAGE_MAX).contains(&page) {
            issues.push(Issue::at("page", "must be 1 to 10000"));
        }
        if !(1..=i64::from(Limit::MAX)).contains(&size) {
            issues.push(Issue::at("size", "must be 1 to 100"));
        }
        match issues.is_empty() {
            true => Ok(Self { total: 0, page, size, pages: 0 }),
            false => Err(issues),
        }
    }

    /// `LIMIT` and `OFFSET`.
    #[must_use]
    pub const fn rows(&self) -> (i64, i64) {
        (self.size, (self.page - 1) * self.size)
    }

    /// The same page of a list that has so many.
    #[must_use]
    pub fn of(self, total: i64) -> Self {
        Self { total, pages: (total + self.size - 1) / self.size.max(1), ..self }
    }
}

/// `Link` to the pages around this one, with what else was `said` in the query.  RFC 8288
pub fn links(context: &Context, paging: &Paging, said: &[(&str, Option<&str>)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let last = paging.pages.min(PAGE_MAX);
    let around = [
        ("first", (paging.pages > 0).then_some(1)),
        ("prev", (paging.page > 1 && last > 0).then(|| (paging.page - 1).min(last))),
        ("next", (paging.page < last).then_some(paging.page + 1)),
        ("last", (paging.pages > 0).then_some(last)),
    ];
    let link = |(rel, page): (&str, Option<i64>)| {
        let mut query = Serializer::new(String::new());
        query.append_pair("page", &page?.to_string()).append_pair("size", &paging.size.to_string());
        for (name, value) in said {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        Some(format!("<{}?{}>; rel=\"{rel}\"", context.url(), query.finish()))
    };
    let all: Vec<String> = around.into_iter().filter_map(link).collect();
    if let (false, Ok(value)) = (all.is_empty(), HeaderValue::from_str(&all.join(", "))) {
        headers.insert(header::LINK, value);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_counted_from_one() {
        let page = Paging::asked(Some(2), Some(10)).unwrap();
        assert_eq!((page.rows(), page.of(21).pages, page.of(0).pages), ((10, 10), 3, 0));
        assert_eq!(Paging::asked(None, None).unwrap().rows(), (20, 0));
        for (page, size) in [(Some(0), None), (Some(10_001), None), (None, Some(0)), (None, Some(101))] {
            assert!(Paging::asked(page, size).is_err());
        }
    }
}
