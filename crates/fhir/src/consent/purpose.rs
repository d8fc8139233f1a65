//! What a request is for: a purpose of use.  <https://terminology.hl7.org/CodeSystem-v3-ActReason.html>
//!
//! A token may state purposes (the object `hl7-b2b` of UDAP), a request one. A purpose is one of all those above it too: who treats in
//! an emergency treats. Who states none, or several and does not say which, is under every denial and gets no permission that is bound
//! to a purpose.

/// Breaking the glass: overriding what somebody does not consent to, in an emergency.
pub(crate) const BREAK_THE_GLASS: &str = "BTG";

/// The word of who states no purpose.
pub(super) const NONE: &str = "purpose";

/// The names under which the code system goes.
const ACT_REASON: [&str; 3] = [
    "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "http://hl7.org/fhir/v3/ActReason",
    "urn:oid:2.16.840.1.113883.5.8",
];

/// The longest purpose that is read, in bytes.
pub const PURPOSE_BYTES_MAX: usize = 256;

/// What stands right above what in the code system, of its purposes of use.
const ABOVE: [(&str, &[&str]); 14] = [
    (
        "HOPERAT",
        &[
            "CAREMGT",
            "DONAT",
            "FRAUD",
            "GOV",
            "HACCRED",
            "HCOMPL",
            "HDECD",
            "HDIRECT",
            "HDM",
            "HLEGAL",
            "HOUTCOMS",
            "HPRGRP",
            "HQUALIMP",
            "HSYSADMIN",
            "MEMADMIN",
            "MILCDM",
            "PATADMIN",
            "PATSFTY",
            "PERFMSR",
            "RECORDMGT",
            "SYSDEV",
            "TRAIN",
        ],
    ),
    ("HSYSADMIN", &["LABELING", "METAMGT"]),
    ("SYSDEV", &["HTEST"]),
    ("HPAYMT", &["CLMATTCH", "COVAUTH", "COVERAGE", "REMITADV"]),
    ("COVERAGE", &["ELIGDTRM", "ELIGVER", "ENROLLM", "MILDCRG"]),
    ("HRESCH", &["BIORCH", "CLINTRCH", "DSRCH", "POARCH", "TRANSRCH"]),
    ("CLINTRCH", &["CLINTRCHNPC", "CLINTRCHPC", "PRECLINTRCH"]),
    ("PATRQT", &["FAMRQT", "PWATRNY", "SUPNWK"]),
    ("PUBHLTH", &["DISASTER", "THREAT"]),
    ("TREAT", &["CLINTRL", "COC", "ETREAT", "POPHLTH"]),
    ("ETREAT", &["BTG", "ERTREAT"]),
    ("PurposeOfUse", &["HMARKT", "HOPERAT", "HPAYMT", "HRESCH"]),
    ("PurposeOfUse", &["PATRQT", "PUBHLTH", "TREAT"]),
    ("ActReason", &["PurposeOfUse"]),
];

/// A purpose as it is written: a code, or `system|code` (`system#code` in tokens). One of the code system of purposes is its code.
pub(crate) fn read(text: &str) -> Option<String> {
    let is_good = !text.is_empty()
        && text.len() <= PURPOSE_BYTES_MAX
        && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let (system, code) = match text.split_once('|').or_else(|| text.rsplit_once('#')) {
        Some((system, code)) => (Some(system), code),
        None => (None, text),
    };
    (is_good && !code.is_empty()).then(|| named(system.filter(|system| !system.is_empty()), code))
}

/// The name of a purpose by its coding.
pub(super) fn named(system: Option<&str>, code: &str) -> String {
    match system.filter(|system| !ACT_REASON.contains(system)) {
        Some(system) => format!("{system}|{code}"),
        None => code.to_owned(),
    }
}

/// The purpose and all that stand above it.
pub(super) fn with_those_above(purpose: &str) -> Vec<&str> {
    let mut all = vec![purpose];
    while let Some(above) = all.last().and_then(|last| above(last)) {
        all.push(above);
    }
    all
}

/// Whether a purpose is the other one, or stands below it.
pub(crate) fn is_within(purpose: &str, other: &str) -> bool {
    with_those_above(purpose).contains(&other)
}

fn above(purpose: &str) -> Option<&'static str> {
    ABOVE.iter().find(|(_, below)| below.contains(&purpose)).map(|(above, _)| *above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_purpose() {
        for (text, expected) in [
            ("HRESCH", Some("HRESCH")),
            ("http://terminology.hl7.org/CodeSystem/v3-ActReason|TREAT", Some("TREAT")),
            ("urn:oid:2.16.840.1.113883.5.8#ETREAT", Some("ETREAT")),
            ("https://other.example/purposes|audit", Some("https://other.example/purposes|audit")),
            ("|TREAT", Some("TREAT")),
            ("", None),
            ("urn:x|", None),
            ("TREAT me", None),
        ] {
            assert_eq!(read(text).as_deref(), expected, "{text}");
        }
        assert_eq!(read(&"x".repeat(PURPOSE_BYTES_MAX + 1)), None);
    }

    #[test]
    fn what_stands_below_what() {
        for (purpose, other, expected) in [
            ("BTG", "TREAT", true),
            ("BTG", "BTG", true),
            ("TREAT", "BTG", false),
            ("HRESCH", "TREAT", false),
            ("PRECLINTRCH", "HRESCH", true),
            ("ELIGVER", "HPAYMT", true),
            ("https://other.example/purposes|TREAT", "TREAT", false),
        ] {
            assert_eq!(is_within(purpose, other), expected, "{purpose} {other}");
        }
        // Nothing stands above itself.
        for (_, below) in ABOVE {
            assert!(below.iter().all(|code| with_those_above(code).len() <= 6));
        }
    }
}
