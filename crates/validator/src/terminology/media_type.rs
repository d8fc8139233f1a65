//! Media types. RFC 6838 §4.2 for the names, RFC 9110 §8.3.1 for parameters: the structure alone, not IANA's list.
//! As HL7's terminology server has it, ranges (`image/*`) are good too, and a value need not be quoted to hold a URI.

/// Whether a media type is well-formed.
pub fn is_media_type(text: &str) -> bool {
    let (names, parameters) = text.split_once(';').map_or((text, None), |(names, rest)| (names, Some(rest)));
    let Some((main, sub)) = names.trim().split_once('/') else { return false };
    is_name(main) && (is_name(sub) || sub == "*") && parameters.is_none_or(are_parameters)
}

/// `restricted-name`: at most 127 characters, the first a letter or digit.
fn is_name(name: &str) -> bool {
    let others = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
    name.len() <= 127
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(others)
}

fn are_parameters(text: &str) -> bool {
    let mut rest = text.trim();
    loop {
        let Some((name, after)) = rest.split_once('=') else { return false };
        if !is_token(name) {
            return false;
        }
        let Some(behind) = behind_value(after) else { return false };
        let behind = behind.trim_start();
        match behind.strip_prefix(';') {
            Some(more) => rest = more.trim_start(),
            None => return behind.is_empty(),
        }
    }
}

/// What follows a token or a quoted string.
fn behind_value(text: &str) -> Option<&str> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c == ';' || c.is_whitespace()).unwrap_or(text.len());
        let (value, behind) = text.split_at_checked(end)?;
        return (!value.is_empty() && !value.contains('"')).then_some(behind);
    };
    let mut is_escaped = false;
    for (at, character) in quoted.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return quoted.get(at + 1..),
            _ => {}
        }
    }
    None
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_built_as_the_rfc_says() {
        for good in [
            "text/plain",
            "application/fhir+json",
            "text/html; charset=utf-8",
            "image/svg+xml",
            "text/cql-identifier",
            "application/hl7-v3+xml;a=\"b;c\\\"\" ; d=e",
            "x-a/b.c",
            "image/*",
            "application/fhir+json;canonicalization=http://hl7.org/fhir/canonicalization/json#document",
        ] {
            assert!(is_media_type(good), "{good}");
        }
        for bad in [
            "",
            "text",
            "text/",
            "/plain",
            "text/pl ain",
            "text/plain;",
            "a/b;c",
            "a/b;c=",
            "a/b; c=\"d",
            "[%x%]",
            "a/b/c",
        ] {
            assert!(!is_media_type(bad), "{bad}");
        }
    }
}
