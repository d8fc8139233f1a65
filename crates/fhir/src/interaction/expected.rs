//! What a write expects to be stored: `If-Match`, `If-None-Match`.  RFC 9110 §13.1, <https://hl7.org/fhir/R4/http.html#concurrency>

use http::{HeaderMap, HeaderName, header};
use web::Problem;

use super::posted::invalid;
use crate::resource::Expected;

/// What the headers say.
///
/// # Errors
/// 400 for what is no tag of ours.
pub(crate) fn of(headers: &HeaderMap) -> Result<Expected, Problem> {
    let if_match = said(headers, header::IF_MATCH, "If-Match")?;
    let if_none_match = said(headers, header::IF_NONE_MATCH, "If-None-Match")?;
    expected(if_match, if_none_match).map_err(|wrong| match wrong {
        Wrong::Match => invalid("If-Match must be the ETag of one version, such as W/\"3\"", "If-Match"),
        Wrong::NoneMatch => invalid("If-None-Match of a write can only be *", "If-None-Match"),
        Wrong::Both => invalid("If-Match and If-None-Match cannot both be met", "If-None-Match"),
    })
}

fn said<'h>(
    headers: &'h HeaderMap,
    name: HeaderName,
    shown: &'static str,
) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => Ok(Some(value.to_str().unwrap_or_default())),
        (Some(_), Some(_)) => Err(invalid("the header is there more than once", shown)),
    }
}

/// Which of both is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    Match,
    NoneMatch,
    Both,
}

impl Wrong {
    /// As an entry of a Bundle hears it.
    pub const fn of_entry(self) -> &'static str {
        match self {
            Self::Match => "request.ifMatch must be the ETag of one version",
            Self::NoneMatch => "request.ifNoneMatch of a write can only be *",
            Self::Both => "request.ifMatch and request.ifNoneMatch cannot both be met",
        }
    }
}

/// What both say together.
pub(super) fn expected(if_match: Option<&str>, if_none_match: Option<&str>) -> Result<Expected, Wrong> {
    match (if_match, if_none_match.map(str::trim)) {
        (None, None) => Ok(Expected::Anything),
        (Some(tag), None) => version(tag).map(Expected::Version).ok_or(Wrong::Match),
        (None, Some("*")) => Ok(Expected::Nothing),
        (None, Some(_)) => Err(Wrong::NoneMatch),
        (Some(_), Some(_)) => Err(Wrong::Both),
    }
}

fn version(text: &str) -> Option<u32> {
    let text = text.trim();
    let tag = text.strip_prefix("W/").unwrap_or(text);
    let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag);
    let is_number = tag.bytes().all(|byte| byte.is_ascii_digit());
    tag.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected() {
        use Expected::{Anything, Nothing, Version};
        for (if_match, if_none_match, wanted) in [
            (None, None, Ok(Anything)),
            (Some("W/\"3\""), None, Ok(Version(3))),
            (Some("\"3\""), None, Ok(Version(3))),
            (Some("3"), None, Ok(Version(3))),
            (None, Some("*"), Ok(Nothing)),
            (None, Some("W/\"3\""), Err(Wrong::NoneMatch)),
            (Some("W/\"3\""), Some("*"), Err(Wrong::Both)),
            (Some("*"), None, Err(Wrong::Match)),
            (Some("W/\"3\", W/\"4\""), None, Err(Wrong::Match)),
            (Some("W/\"+3\""), None, Err(Wrong::Match)),
            (Some("\"\""), None, Err(Wrong::Match)),
            (Some("abc"), None, Err(Wrong::Match)),
        ] {
            assert_eq!(expected(if_match, if_none_match), wanted, "{if_match:?} {if_none_match:?}");
        }
    }
}
