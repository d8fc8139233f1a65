//! What a search found, as a Bundle; records go in as they are kept.  <https://hl7.org/fhir/R4/bundle.html#searchset>, contract 3 "lists"

use axum::response::{IntoResponse, Response};
use http::header;
use serde_json::{Value, json};

use super::{search::SEARCH_ROWS_MAX, shape::Part};
use crate::{
    Fhir,
    outcome::{self, FHIR_JSON, Severity, Told},
    query::{Ignored, Query},
    resource::Version,
    search::Page,
};

/// In which form an answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// FHIR's.
    Searchset,
    /// The contract's: pages by their numbers.
    Collection {
        /// From 1.
        page: u32,
    },
}

impl Form {
    /// `page` or `count` asks for the contract's form.
    pub fn of(pairs: &[(String, String)], query: &Query) -> Self {
        let is_asked = pairs.iter().any(|(name, _)| name == "page" || name == "count");
        if is_asked { Self::Collection { page: query.page.unwrap_or(1) } } else { Self::Searchset }
    }

    /// How many matches come before the page.
    pub fn skipped(self, rows: usize) -> usize {
        match self {
            Self::Searchset => 0,
            Self::Collection { page } => {
                usize::try_from(page.saturating_sub(1)).unwrap_or(usize::MAX).saturating_mul(rows)
            }
        }
    }
}

/// What a search found.
pub(crate) struct Found<'f> {
    pub fhir: &'f Fhir,
    /// Below the base.
    pub place: &'f str,
    pub form: Form,
    pub rows: usize,
    pub part: Part,
    pub ignored: &'f [Ignored],
    pub total: Option<u64>,
    pub page: Page,
    pub next: Option<String>,
}

impl<'f> Found<'f> {
    pub const fn new(fhir: &'f Fhir, place: &'f str) -> Self {
        Self {
            fhir,
            place,
            form: Form::Searchset,
            rows: 0,
            part: Part::Whole,
            ignored: &[],
            total: None,
            page: Page { matches: Vec::new(), included: Vec::new(), is_cut: false, next: None },
            next: None,
        }
    }

    /// The answer to this question.
    pub fn bundle(&self, question: &str) -> Response {
        let mut out = self.head(question);
        let mut separator = r#","entry":["#;
        let entries = self.page.matches.iter().map(|version| (version, "match"));
        let entries = entries.chain(self.page.included.iter().map(|version| (version, "include")));
        for (version, mode) in entries {
            out.push_str(separator);
            out.push_str(&self.entry(version, mode));
            separator = ",";
        }
        if let Some(told) = self.told() {
            out.push_str(separator);
            out.push_str(&told);
            separator = ",";
        }
        out.push_str(if separator == "," { "]}" } else { "}" });
        let mut response = out.into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, FHIR_JSON);
        response
    }

    /// Everything before the entries, without the brace at the end.
    fn head(&self, question: &str) -> String {
        let own = match self.place {
            "" => self.fhir.base.clone(),
            place => format!("{}/{place}", self.fhir.base),
        };
        let mut head = match self.form {
            Form::Searchset => {
                let url = if question.is_empty() { own.clone() } else { format!("{own}?{question}") };
                let mut links = vec![json!({"relation": "self", "url": url})];
                links.extend(
                    self.next
                        .iter()
                        .map(|next| json!({"relation": "next", "url": format!("{own}?_cursor={next}")})),
                );
                json!({"resourceType": "Bundle", "type": "searchset", "link": links})
            }
            Form::Collection { page } => {
                let tag = |code: &str, number: usize| json!({"code": code, "display": number.to_string()});
                let page = usize::try_from(page).unwrap_or(usize::MAX);
                let tags = [tag("page", page), tag("count", self.rows), tag("maxCount", SEARCH_ROWS_MAX)];
                json!({"resourceType": "Bundle", "type": "collection", "meta": {"tag": tags}})
            }
        };
        if let (Some(total), Some(members)) = (self.total, head.as_object_mut()) {
            members.insert("total".to_owned(), total.into());
        }
        let mut text = head.to_string();
        text.pop();
        text
    }

    fn entry(&self, version: &Version, mode: &str) -> String {
        let url = Value::from(format!("{}/{}", self.fhir.base, version.reference()));
        let body = version.body.as_ref().map_or("null", |body| body.as_str());
        let body = self.part.of(body);
        match self.form {
            Form::Searchset => {
                format!(r#"{{"fullUrl":{url},"resource":{body},"search":{{"mode":"{mode}"}}}}"#)
            }
            Form::Collection { .. } => format!(r#"{{"fullUrl":{url},"resource":{body}}}"#),
        }
    }

    /// What was not followed, and what was cut off.
    fn told(&self) -> Option<String> {
        let ignored = self.ignored.iter().map(|ignored| {
            Told::new(Severity::Warning, "not-supported", ignored.why.to_string())
                .with_message("MSG_PARAM_UNKNOWN")
                .at(ignored.name.to_string())
        });
        let cut = self.page.is_cut.then(|| {
            Told::new(Severity::Warning, "incomplete", "there is more to include than one page brings")
        });
        let issues: Vec<Told> = ignored.chain(cut).collect();
        let outcome = (!issues.is_empty()).then(|| outcome::resource(&issues));
        outcome.map(|outcome| json!({"resource": outcome, "search": {"mode": "outcome"}}).to_string())
    }
}
