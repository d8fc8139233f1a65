//! What an operation is asked: words of an address, `Parameters`, or both.  <https://hl7.org/fhir/R4/operations.html#request>

use std::collections::BTreeSet;

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use http::Method;
use kernel::Kind;
use serde_json::Value;
use url::form_urlencoded;
use web::Problem;

use crate::{
    Fhir,
    interaction::{
        asked::Asked,
        create::RESOURCE,
        posted::{Posted, Refusal, Said, document, invalid},
    },
};

/// `GIVEN_MAX`: parameters of one call.
pub(crate) const GIVEN_MAX: usize = 200;
/// `NAME_SHOWN_MAX`: letters of a parameter's name that a refusal repeats.
pub(crate) const NAME_SHOWN_MAX: usize = 64;

/// A call of an operation: who asks, of which record, and what.
pub(crate) struct Call {
    pub fhir: Fhir,
    pub asked: Asked,
    /// Of an operation of one record, its id.
    pub id: Option<String>,
    pub given: Given,
}

/// Names and values, in their order.
pub(crate) struct Given(Vec<(String, Value)>);

/// The parameters that an operation has.
pub(crate) struct Names {
    /// Those that are followed.
    pub known: &'static [&'static str],
    /// Those that may be there more than once.
    pub many: &'static [&'static str],
    /// Those that the standard has and that are not followed here.
    pub unfollowed: &'static [&'static str],
}

impl FromRequest<Fhir> for Call {
    type Rejection = Refusal;

    async fn from_request(request: Request, fhir: &Fhir) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let asked = Asked::from_request_parts(&mut parts, fhir).await?;
        let path = RawPathParams::from_request_parts(&mut parts, fhir).await;
        let id = path
            .ok()
            .and_then(|path| path.iter().find(|(name, _)| *name == "id").map(|(_, id)| id.to_owned()));
        let mut given = Given::asked(parts.uri.query());
        if parts.method == Method::POST {
            given.post(Request::from_parts(parts, body)).await?;
        }
        Ok(Self { fhir: fhir.clone(), asked, id, given })
    }
}

impl Given {
    fn asked(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let pairs = pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())));
        Self(pairs.filter(|(name, _)| !matches!(&**name, "_format" | "_pretty")).collect())
    }

    /// Takes what was posted: `Parameters`, or the one resource that the operation is about.
    async fn post(&mut self, request: Request) -> Said<()> {
        let json = Posted::read(request, RESOURCE).await?.json()?;
        // What stands twice, or too deep, is refused before anything is made of it.
        document(&json)?;
        let wrong = |words: &'static str| invalid(words, "Parameters.parameter");
        let sent: Value = serde_json::from_str(&json).map_err(|_| wrong("it is no JSON"))?;
        match sent.get("resourceType").and_then(Value::as_str) {
            Some("ValueSet") => self.0.push(("valueSet".to_owned(), sent)),
            Some("CodeSystem") => self.0.push(("codeSystem".to_owned(), sent)),
            Some("Parameters") => {
                for one in sent.get("parameter").and_then(Value::as_array).into_iter().flatten() {
                    let pair = pair(one).ok_or_else(|| wrong("a parameter has no name or no value"))?;
                    self.0.push(pair);
                }
            }
            _ => {
                return Err(
                    invalid("what is sent here is a resource of type Parameters", "resourceType").into()
                );
            }
        }
        Ok(())
    }

    /// What is not among these names is refused by its name, and so is what stands twice and may not.
    pub fn within(&self, names: &Names) -> Result<(), Problem> {
        if self.0.len() > GIVEN_MAX {
            return Err(invalid(format!("at most {GIVEN_MAX} parameters"), "Parameters.parameter"));
        }
        let mut seen = BTreeSet::new();
        for (name, _) in &self.0 {
            let shown: String = name.chars().filter(char::is_ascii_graphic).take(NAME_SHOWN_MAX).collect();
            if names.unfollowed.contains(&&**name) {
                let words = format!("the parameter {shown} is not followed here");
                return Err(Problem::new(Kind::Unsupported, words)
                    .with_status(http::StatusCode::BAD_REQUEST)
                    .with_code("MSG_PARAM_UNKNOWN")
                    .with_path(shown));
            }
            if !names.known.contains(&&**name) {
                let words =
                    format!("the operation has no parameter {shown}; it has {}", names.known.join(", "));
                return Err(Problem::new(Kind::Invalid, words)
                    .with_code("MSG_PARAM_UNKNOWN")
                    .with_path(shown));
            }
            if !seen.insert(&**name) && !names.many.contains(&&**name) {
                let words = format!("the parameter {shown} is there more than once");
                return Err(Problem::new(Kind::Invalid, words)
                    .with_code("MSG_PARAM_NO_REPEAT")
                    .with_path(shown));
            }
        }
        Ok(())
    }

    /// All of them.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn all<'g, 'n>(&'g self, name: &'n str) -> impl Iterator<Item = &'g Value> + use<'g, 'n> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value)
    }

    /// The value, in text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all(name).find_map(Value::as_str).filter(|text| !text.is_empty())
    }

    /// All values of the name, in text.
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.all(name).filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// A number that is not negative.
    pub fn number(&self, name: &'static str) -> Result<Option<usize>, Problem> {
        let read = |value: &Value| match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64().and_then(|number| usize::try_from(number).ok()),
        };
        let refused = || invalid("must be a number that is not negative", name);
        self.all(name).next().map(|value| read(value).ok_or_else(refused)).transpose()
    }

    /// Whether it is said to be so; nothing, where nothing is said.
    pub fn truth(&self, name: &'static str) -> Result<Option<bool>, Problem> {
        match self.all(name).next() {
            None => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(*truth)),
            Some(Value::String(text)) if text == "true" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" => Ok(Some(false)),
            Some(_) => Err(invalid("must be true or false", name)),
        }
    }

    /// A resource, or another structure: in an address there is none.
    pub fn structure(&self, name: &'static str) -> Result<Option<&Value>, Problem> {
        match self.all(name).next() {
            None => Ok(None),
            Some(value) if value.is_object() => Ok(Some(value)),
            Some(_) => Err(invalid("it is a structure, and is posted in Parameters", name)),
        }
    }
}

fn pair(one: &Value) -> Option<(String, Value)> {
    let fields = one.as_object()?;
    let name = fields.get("name")?.as_str()?.to_owned();
    let value = fields.iter().find(|(name, _)| name.starts_with("value") || *name == "resource");
    Some((name, value.map(|(_, value)| value.clone())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names = Names { known: &["url", "property"], many: &["property"], unfollowed: &["date"] };

    #[test]
    fn what_is_not_known_is_refused_by_its_name() {
        for (query, named) in [
            ("url=a&property=b&property=c&_format=json", None),
            ("urk=a", Some("urk")),
            ("url=a&date=2020", Some("date")),
            ("url=a&url=b", Some("url")),
            ("a%0ab%3cscript%3e=1", Some("ab<script>")),
        ] {
            let refused = Given::asked(Some(query)).within(&NAMES).err();
            assert_eq!(refused.as_ref().and_then(|problem| problem.path()), named, "{query}");
        }
        let many = "property=1&".repeat(GIVEN_MAX + 1);
        assert!(Given::asked(Some(&many)).within(&NAMES).is_err());
    }

    #[test]
    fn values_are_read_by_their_types() {
        let given = Given::asked(Some("count=3&yes=true&no=false&odd=maybe&text=&coding=x"));
        assert_eq!(given.number("count").unwrap(), Some(3));
        assert_eq!((given.truth("yes").unwrap(), given.truth("no").unwrap()), (Some(true), Some(false)));
        assert!(
            given.truth("odd").is_err() && given.number("odd").is_err() && given.structure("coding").is_err()
        );
        assert_eq!((given.text("text"), given.text("none")), (None, None));
    }
}
