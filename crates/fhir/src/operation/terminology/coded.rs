//! The codes that a call is about.

use serde_json::Value;
use validator::terminology::Designation;
use web::Problem;

use crate::{interaction::posted::invalid, operation::given::Given};

/// A code, and what is said of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Coded {
    pub system: Option<String>,
    pub version: Option<String>,
    pub code: String,
    pub display: Option<String>,
}

impl Coded {
    fn of(coding: &Value) -> Option<Self> {
        let text = |name: &str| coding.get(name).and_then(Value::as_str).map(str::to_owned);
        let code = text("code")?;
        Some(Self { system: text("system"), version: text("version"), code, display: text("display") })
    }

    /// Its code system, with the version.
    pub fn canonical(&self) -> Option<String> {
        self.system.as_deref().map(|system| pinned(system, self.version.as_deref()))
    }
}

/// `url|version`
pub(super) fn pinned(url: &str, version: Option<&str>) -> String {
    match version {
        Some(version) if !url.contains('|') => format!("{url}|{version}"),
        _ => url.to_owned(),
    }
}

/// A `Coding`.
pub(super) fn coding(given: &Given, name: &'static str) -> Result<Option<Coded>, Problem> {
    let read = |coding| Coded::of(coding).ok_or_else(|| invalid("the Coding has no code", name));
    given.structure(name)?.map(read).transpose()
}

/// The codes that are asked about: one, or those of a `CodeableConcept`. `system` and `version` say how those of the one are called.
///
/// # Errors
/// 400 where there is none, or they are said in several ways.
pub(super) fn codes(given: &Given, system: &str, version: &str) -> Result<Vec<Coded>, Problem> {
    let own = |name: &str| given.text(name).map(str::to_owned);
    let code = own("code").map(|code| Coded {
        system: own(system),
        version: own(version),
        code,
        display: own("display"),
    });
    let coding = coding(given, "coding")?;
    let concept = given.structure("codeableConcept")?.map(|concept| {
        let codings = concept.get("coding").and_then(Value::as_array);
        codings.into_iter().flatten().filter_map(Coded::of).collect::<Vec<_>>()
    });
    match (code, coding, concept) {
        (Some(one), None, None) | (None, Some(one), None) => Ok(vec![one]),
        (None, None, Some(all)) if !all.is_empty() => Ok(all),
        (None, None, Some(_)) => Err(invalid("no coding of the concept has a code", "codeableConcept")),
        (None, None, None) => Err(invalid("say a code, a coding or a codeableConcept", "code")),
        _ => Err(invalid("say one of code, coding and codeableConcept", "code")),
    }
}

/// Whether words are in the language that is asked for, or in one of its regions.  RFC 4647 §3.3.1
pub(super) fn is_in(designation: &Designation, language: &str) -> bool {
    let own = designation.language.as_deref().unwrap_or_default().to_ascii_lowercase();
    let wanted = language.to_ascii_lowercase();
    own == wanted || own.strip_prefix(&wanted).is_some_and(|rest| rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_in_its_language() {
        for (own, wanted, is) in
            [("de", "de", true), ("de-CH", "DE", true), ("de", "de-CH", false), ("den", "de", false)]
        {
            let designation = Designation { language: Some(own.into()), purpose: None, value: "x".into() };
            assert_eq!(is_in(&designation, wanted), is, "{own} {wanted}");
        }
    }
}
