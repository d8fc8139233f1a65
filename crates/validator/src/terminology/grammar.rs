//! Code systems that are a grammar and not a list. <https://hl7.org/fhir/R4/terminologies-systems.html>

use std::borrow::Cow;

use fhirpath::ucum;

use super::{is_language_tag, is_media_type};

/// UCUM's units.
pub(super) const UCUM: &str = "http://unitsofmeasure.org";

/// Whether a code follows the grammar of a system, and if not, what is wrong; nothing, where the system is none of these.
pub(super) fn check(system: &str, code: &str) -> Option<Result<(), String>> {
    let otherwise = |is_good: bool, why: &str| if is_good { Ok(()) } else { Err(why.to_owned()) };
    Some(match system {
        UCUM => ucum::check(&without_spaces(code)).map_err(|fault| fault.to_string()),
        "urn:ietf:bcp:47" => otherwise(is_language_tag(code), "it is no language tag (BCP 47)"),
        // R4 lets `CapabilityStatement.format` say these, which are no media types.
        // As R4 binds `Expression.language`: the list itself in place of a value set.
        "http://www.rfc-editor.org/bcp/bcp13.txt" => {
            otherwise(is_media_type(code), "it is no media type (BCP 13)")
        }
        "urn:ietf:bcp:13" if matches!(code, "xml" | "json" | "ttl") => Ok(()),
        "urn:ietf:bcp:13" => otherwise(is_media_type(code), "it is no media type (BCP 13)"),
        "urn:ietf:rfc:3986" => otherwise(is_uri(code), "it is no URI (RFC 3986)"),
        _ => return None,
    })
}

/// UCUM §12 allows no space in an annotation (`{wine glasses}`); HL7's tools and the examples of its guides do.
fn without_spaces(code: &str) -> Cow<'_, str> {
    if !code.contains(' ') {
        return code.into();
    }
    let mut is_within = false;
    let join = |character| {
        is_within = character == '{' || (is_within && character != '}');
        if is_within && character == ' ' { '_' } else { character }
    };
    code.chars().map(join).collect::<String>().into()
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !rest.is_empty()
        && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Systems that are too large or not free to be in a package: nobody expects their codes to be known without a server.
const LARGE: [&str; 16] = [
    "http://snomed.info/sct",
    "http://loinc.org",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://www.ama-assn.org/go/cpt",
    "http://hl7.org/fhir/ndfrt",
    "http://hl7.org/fhir/sid/ndc",
    "http://hl7.org/fhir/sid/cvx",
    "http://hl7.org/fhir/sid/icd-9-cm",
    "http://hl7.org/fhir/sid/icd-10",
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://fdasis.nlm.nih.gov",
    "http://dicom.nema.org/resources/ontology/DCM",
    "urn:iso:std:iso:3166",
    "urn:iso:std:iso:4217",
    "urn:iso:std:iso:11073:10101",
    "https://www.iana.org/time-zones",
];

/// Whether the system is one of those.
pub(super) fn is_large(system: &str) -> bool {
    LARGE.contains(&system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grammar_answers_for_its_own_system_alone() {
        assert_eq!(check(UCUM, "mm[Hg]"), Some(Ok(())));
        assert_eq!(check(UCUM, "{wine glasses}/d"), Some(Ok(())));
        assert!(check(UCUM, "{wine glasses}/ d").is_some_and(|answer| answer.is_err()));
        assert!(check(UCUM, "mmHg2/x").is_some_and(|answer| answer.is_err()));
        assert_eq!(check("urn:ietf:bcp:47", "de-CH"), Some(Ok(())));
        assert_eq!(check("urn:ietf:rfc:3986", "urn:uuid:1"), Some(Ok(())));
        assert!(check("urn:ietf:rfc:3986", "no uri").is_some_and(|answer| answer.is_err()));
        assert_eq!(check("http://loinc.org", "1-8"), None);
        assert!(is_large("http://loinc.org") && !is_large("http://hl7.org/fhir/administrative-gender"));
    }
}
