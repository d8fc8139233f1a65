//! Language tags. RFC 5646 §2.1: the structure alone; which subtags IANA has registered is not known here.

/// Whether a tag is well-formed.
pub fn is_language_tag(tag: &str) -> bool {
    let lower = tag.to_ascii_lowercase();
    if IRREGULAR.contains(&lower.as_str()) {
        return true;
    }
    let parts: Vec<&str> = lower.split('-').collect();
    if parts
        .iter()
        .any(|part| !(1..=8).contains(&part.len()) || !part.bytes().all(|b| b.is_ascii_alphanumeric()))
    {
        return false;
    }
    match parts.split_first() {
        Some((&"x", rest)) => !rest.is_empty(),
        Some((language, rest)) => is_language(language) && is_rest(language, rest),
        None => false,
    }
}

/// Tags of before the rules, RFC 5646 §2.2.8; those that follow the rules are not among them.
const IRREGULAR: [&str; 17] = [
    "en-gb-oed",
    "i-ami",
    "i-bnn",
    "i-default",
    "i-enochian",
    "i-hak",
    "i-klingon",
    "i-lux",
    "i-mingo",
    "i-navajo",
    "i-pwn",
    "i-tao",
    "i-tay",
    "i-tsu",
    "sgn-be-fr",
    "sgn-be-nl",
    "sgn-ch-de",
];

fn is_language(part: &str) -> bool {
    (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Extended languages, script, region, variants, extensions and private use, in this order.
fn is_rest(language: &str, rest: &[&str]) -> bool {
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let mut at = rest.iter().copied().peekable();
    if language.len() <= 3 {
        for _ in 0..3 {
            if at.next_if(|part| part.len() == 3 && letters(part)).is_none() {
                break;
            }
        }
    }
    let _script = at.next_if(|part| part.len() == 4 && letters(part));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let _region = at.next_if(|part| (part.len() == 2 && letters(part)) || (part.len() == 3 && digits(part)));
    let mut seen = Vec::new();
    while let Some(variant) = at.next_if(|part| is_variant(part)) {
        if seen.contains(&variant) {
            return false;
        }
        seen.push(variant);
    }
    while let Some(singleton) = at.next_if(|part| part.len() == 1) {
        let longest = if singleton == "x" { 1 } else { 2 };
        if seen.contains(&singleton) || at.next_if(|part| part.len() >= longest).is_none() {
            return false;
        }
        seen.push(singleton);
        while at.next_if(|part| part.len() >= longest && (singleton == "x" || part.len() > 1)).is_some() {}
    }
    at.next().is_none()
}

fn is_variant(part: &str) -> bool {
    part.len() >= 5 || (part.len() == 4 && part.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_built_as_the_rfc_says() {
        for good in [
            "en",
            "de-CH",
            "zh-Hant-TW",
            "zh-cmn-Hans-CN",
            "sl-rozaj-biske",
            "de-CH-1996",
            "es-419",
            "en-US-u-islamcal",
            "x-whatever",
            "de-x-a-b",
            "i-klingon",
            "en-GB-oed",
            "hy-Latn-IT-arevela",
            "sgn-BE-FR",
            "uk",
            "mas",
        ] {
            assert!(is_language_tag(good), "{good}");
        }
        for bad in [
            "",
            "e",
            "en_US",
            "en-",
            "-en",
            "en--US",
            "12",
            "en-USA-X",
            "de-419-DE",
            "a-DE",
            "en-u",
            "en-x",
            "de-1996-1996",
            "englishlanguage",
            "en US",
            "urn:x",
            "é",
        ] {
            assert!(!is_language_tag(bad), "{bad}");
        }
    }
}
