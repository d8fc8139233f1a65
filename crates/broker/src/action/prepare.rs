//! From a caller's input to the call that the provider gets. Nothing of the input can leave its place in the address.

use std::{borrow::Cow, collections::BTreeMap};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::{ToSpan, civil::Date};
use kernel::{Fault, Issue, Kind};
use percent_encoding::utf8_percent_encode;
use serde_json::Value;
use url::Url;

use super::{ActionDeclaration, DateRules, NextPage, RequestTemplate};
use crate::provider::{Api, Provider, SettingFault, Settings, UNRESERVED};

/// The longest value of an input that becomes part of an address, in bytes.
const VALUE_BYTES_MAX: usize = 512;
/// The longest address, in bytes.
const URL_BYTES_MAX: usize = 8 * 1024;
/// The most pages of one answer that are fetched.
pub const PAGES_MAX: usize = 10;
/// The earliest day that is asked for: no provider of this catalogue was there before.
const FIRST_DAY: Date = Date::constant(2000, 1, 1);

/// A call to a provider, without the credential.
pub struct UpstreamRequest {
    /// The method.
    pub method: Method,
    /// The address.
    pub url: Url,
    /// Headers beside the credential; those that hold a secret setting are marked sensitive.
    pub headers: HeaderMap,
    /// The JSON body.
    pub body: Option<Value>,
    next_page: Option<NextPage>,
}

impl UpstreamRequest {
    /// The call for the page after this answer; none if it was the last. Follow at most [`PAGES_MAX`] pages.
    pub fn following(&self, answer: &Value) -> Option<Self> {
        let paging = self.next_page.as_ref()?;
        let cursor = answer.pointer(&paging.pointer)?.as_str().filter(|cursor| !cursor.is_empty())?;
        let kept: Vec<(String, String)> = self
            .url
            .query_pairs()
            .filter(|(name, _)| *name != paging.parameter)
            .map(|(n, v)| (n.into(), v.into()))
            .collect();
        let mut url = self.url.clone();
        url.query_pairs_mut().clear().extend_pairs(kept).append_pair(&paging.parameter, cursor);
        let (headers, body) = (self.headers.clone(), self.body.clone());
        let short = url.as_str().len() <= URL_BYTES_MAX;
        short.then(|| Self {
            method: self.method.clone(),
            url,
            headers,
            body,
            next_page: Some(paging.clone()),
        })
    }
}

/// An input cannot become a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputFault {
    /// The input is not what the action takes.
    #[error("the input of the action is wrong in {} place(s)", .0.len())]
    Input(Vec<Issue>),
    /// The integration is set up wrongly.
    #[error(transparent)]
    Setting(#[from] SettingFault),
    /// The declaration is unusable. Files are checked when they are read; this is what that missed.
    #[error("the action's declaration is unusable: {0}")]
    Declaration(&'static str),
}

impl InputFault {
    fn at(path: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Input(vec![Issue::at(path, message)])
    }
}

impl Fault for InputFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Input(_) => Kind::Invalid,
            Self::Setting(_) | Self::Declaration(_) => Kind::Internal,
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Input(_) => Cow::Borrowed("the input does not fit the action's schema"),
            Self::Setting(_) | Self::Declaration(_) => {
                Cow::Borrowed("the integration is not set up correctly")
            }
        }
    }
    fn path(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Input(issues) => issues.first().map(|issue| issue.path.clone()),
            Self::Setting(_) | Self::Declaration(_) => None,
        }
    }
    fn issues(&self) -> Vec<Issue> {
        match self {
            Self::Input(issues) => issues.clone(),
            Self::Setting(_) | Self::Declaration(_) => Vec::new(),
        }
    }
}

/// Make the call of an action.
///
/// # Errors
/// The input does not fit the declared schema (with the paths of all findings), or the integration is set up wrongly.
pub fn prepare(
    provider: &Provider,
    action: &ActionDeclaration,
    settings: &Settings,
    input: &Value,
) -> Result<UpstreamRequest, InputFault> {
    let issues = action.input.issues(input);
    if !issues.is_empty() {
        return Err(InputFault::Input(issues));
    }
    let variables = variables_of(action, input)?;
    let has = |name: &String| input.get(name.as_str()).is_some_and(|value| !value.is_null());
    let template = action.requests.iter().find(|request| request.needs.iter().all(has));
    let template =
        template.ok_or_else(|| InputFault::at("", "none of the action's calls fits these properties"))?;
    let api = provider.api.as_ref().ok_or(InputFault::Declaration("the provider has no api"))?;
    let base =
        api.base_url.as_ref().ok_or(InputFault::Declaration("the api has no base_url"))?.fill(settings)?;
    let method = Method::from_bytes(template.method.as_bytes());
    Ok(UpstreamRequest {
        method: method.map_err(|_| InputFault::Declaration("the method is none"))?,
        url: address(&base, template, &variables)?,
        headers: headers_of(api, template, settings)?,
        body: template.body.as_ref().map(|body| fill_body(body, &variables)).transpose()?,
        next_page: template.next_page.clone(),
    })
}

/// The scalar properties of the input, and what its days amount to.
fn variables_of(action: &ActionDeclaration, input: &Value) -> Result<BTreeMap<String, Value>, InputFault> {
    let mut variables = BTreeMap::new();
    for (name, value) in input.as_object().into_iter().flatten() {
        let too_long = value.as_str().is_some_and(|text| text.len() > VALUE_BYTES_MAX);
        if too_long {
            return Err(InputFault::at(name.clone(), format!("must have at most {VALUE_BYTES_MAX} bytes")));
        }
        if value.is_string() || value.is_number() || value.is_boolean() {
            variables.insert(name.clone(), value.clone());
        }
    }
    if let Some(rules) = action.dates {
        let (from, to) = days_of(rules, input)?;
        let until = to.checked_add(1.day()).map_err(|_| InputFault::at("to", "is too late"))?;
        for (name, day) in [("from", from), ("to", to), ("until", until)] {
            variables.insert(name.to_owned(), Value::from(day.to_string()));
            variables.insert(format!("{name}_year"), Value::from(day.year()));
            variables.insert(format!("{name}_month"), Value::from(day.month()));
            variables.insert(format!("{name}_day"), Value::from(day.day()));
        }
    }
    Ok(variables)
}

fn days_of(rules: DateRules, input: &Value) -> Result<(Date, Date), InputFault> {
    let day = |name: &'static str| -> Result<Option<Date>, InputFault> {
        let Some(text) = input.get(name).and_then(Value::as_str) else { return Ok(None) };
        let parsed =
            (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten().filter(|day| *day >= FIRST_DAY);
        parsed
            .map(Some)
            .ok_or_else(|| InputFault::at(name, format!("must be a day from {FIRST_DAY}, like 2026-03-09")))
    };
    let (from, to) = match (day("date")?, day("from")?, day("to")?) {
        (Some(date), None, None) => (date, date),
        (None, Some(from), Some(to)) => (from, to),
        _ => return Err(InputFault::at("date", "state either date, or from and to")),
    };
    let days = from.until(to).map_or(i32::MAX, |span| span.get_days());
    match days {
        ..0 => Err(InputFault::at("to", "must not be before from")),
        days if days >= i32::from(rules.days_max) => {
            Err(InputFault::at("to", format!("at most {} days at once", rules.days_max)))
        }
        _ => Ok((from, to)),
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn address(
    base: &Url,
    template: &RequestTemplate,
    variables: &BTreeMap<String, Value>,
) -> Result<Url, InputFault> {
    let encoded = |name: &str| {
        let text = variables.get(name).and_then(text_of)?;
        Some(utf8_percent_encode(&text, UNRESERVED).to_string())
    };
    let missing = |name: &str| InputFault::at(name.to_owned(), "must be stated for this call");
    let path = template.path.render(encoded).map_err(missing)?;
    // An encoded value has no slash; left to find are values that make a segment empty, "." or "..".
    if path.split('/').skip(1).any(|segment| matches!(segment, "" | "." | "..")) {
        return Err(InputFault::at("", "a value makes a segment of the path empty, '.' or '..'"));
    }
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    if !template.query.is_empty() {
        let mut query = url.query_pairs_mut();
        for (name, text) in &template.query {
            let value = text.render(|name| variables.get(name).and_then(text_of)).map_err(missing)?;
            query.append_pair(name, &value);
        }
    }
    if url.as_str().len() > URL_BYTES_MAX {
        return Err(InputFault::at("", format!("makes an address of more than {URL_BYTES_MAX} bytes")));
    }
    Ok(url)
}

fn headers_of(api: &Api, template: &RequestTemplate, settings: &Settings) -> Result<HeaderMap, InputFault> {
    let mut headers = HeaderMap::new();
    let accept = api.accept.as_deref().unwrap_or("application/json");
    let unusable = || InputFault::Declaration("a header of the api cannot be sent");
    headers.insert(header::ACCEPT, HeaderValue::from_str(accept).map_err(|_| unusable())?);
    if template.body.is_some() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, text) in &api.extra_headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?;
        let mut value = HeaderValue::from_str(text.fill(settings)?.expose()).map_err(|_| unusable())?;
        value.set_sensitive(text.variables().next().is_some());
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Files are limited in depth by their parser, so this recursion is too.
fn fill_body(template: &Value, variables: &BTreeMap<String, Value>) -> Result<Value, InputFault> {
    match template {
        Value::String(text) => {
            let whole = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            match whole {
                Some(name) => variables
                    .get(name)
                    .cloned()
                    .ok_or_else(|| InputFault::at(name.to_owned(), "must be stated for this call")),
                None => Ok(template.clone()),
            }
        }
        Value::Array(items) => items.iter().map(|item| fill_body(item, variables)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| Ok((name.clone(), fill_body(value, variables)?))).collect()
        }
        scalar => Ok(scalar.clone()),
    }
}

#[cfg(test)]
mod tests;
