//! No page for people says anything that is not in the language files: neither its template, nor its code, nor what is
//! rendered.

use std::{collections::BTreeSet, fs, path::Path};

use scraper::{ElementRef, Html, Node, Selector};

use super::{fault::HEARD, tests::files};
use crate::page::sample::samples;

/// What is the same in every language: our name, and the marks that stand for something.
const IN_TEMPLATES: &[&str] = &["Hilum"];

/// What the samples' people, applications and visits are called, words that Ukrainian writes in Latin letters, and the
/// example of a device's code.
const IN_UKRAINIAN: &str = "API Admission Ailsa App Authorization BEGIN Backend Baird Bearer Clinic Companion Ctrl DPoP Device Diary EHR ES EdDSA \
    Ewan FAPI FHIR Firefox Fitbit Google Grant Growth HC Health Hilum Hospital Idris Isla JSON JWK JavaScript KEY \
    Kelvin Lab Launch Linux MJHT Morag NHS November OAuth October Okafor Old OpenID Outpatient PEM PIN PKCE PKCS \
    PRIVATE PS PUT Patient Pixel Practitioner Pulse QR RFC RS Riverside SMART SU Safari Services Sinclair SiteId TLS UDAP UTC \
    WDJB Ward Withings YubiKey app born chart clinic companion diary example fhirUser https iPhone import issuer \
    launch login myapplication nadia north oauth openid org pharmacy portal profile reports system visit";

/// Sentences in code that nobody reads: a problem whose findings stand beside their fields, what is sent, an example of what is sent.
const IN_CODE: [&str; 3] = ["The terms are not right.", "openid profile email", "GET /1/user/*/sleep"];

/// Attributes that are read out or shown.
const SHOWN: [&str; 7] =
    ["alt", "aria-label", "data-by-hand", "data-done", "data-label", "placeholder", "title"];

/// What says something and is no page: tests, samples, and the sentence about a refused request, which is English in every language.
const ENGLISH: [&str; 3] = ["tests.rs", "inspect.rs", "sample"];

/// Without what is between `open` and `close`.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once(open) {
        out.push_str(before);
        rest = inside.split_once(close).map_or("", |(_, after)| after);
    }
    out + rest
}

fn is_english(path: &Path) -> bool {
    path.iter().any(|part| ENGLISH.iter().any(|name| part == *name))
}

fn of_people(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    let found = found.into_iter().filter(|path| !is_english(path));
    found.map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap())).collect()
}

/// The words in Latin letters, of two letters at the least.
fn latin(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphabetic());
    words.filter(|word| word.len() > 1).collect()
}

#[test]
fn templates_say_nothing_themselves() {
    let templates = of_people("templates");
    assert!(templates.len() > 10);
    let mut wrong = Vec::new();
    for (path, text) in &templates {
        // Blocks within an attribute: how a page is laid out, and where it leads back to.
        let text = without(text, "{% block shell %}", "{% endblock %}");
        let text = without(&text, "{% block back %}", "{% endblock %}");
        let text = without(&without(&without(&text, "{#", "#}"), "{%", "%}"), "{{", "}}");
        // What stands as code, such as the name of a parameter, is the same in every language.
        for word in latin(&without(&without(&text, "<code>", "</code>"), "<", ">")) {
            if !IN_TEMPLATES.contains(&word) {
                wrong.push(format!("{path}: {word}"));
            }
        }
        for name in SHOWN {
            for attribute in text.split(&format!(" {name}=\"")).skip(1) {
                let value = attribute.split('"').next().unwrap();
                if !latin(value).is_empty() {
                    wrong.push(format!("{path}: {name}={value}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What somebody sees or hears of a page, but for words that say which other language they are in.
fn shown(page: &Html) -> Vec<String> {
    let mut texts = Vec::new();
    let selector = Selector::parse("title, body *").unwrap();
    for element in page.select(&selector) {
        let is_other = |element: &ElementRef<'_>| {
            let lang = element.attr("lang").is_some_and(|lang| lang != "uk");
            lang || matches!(element.value().name(), "code" | "noscript" | "script" | "style")
        };
        let outside = element.ancestors().filter_map(ElementRef::wrap);
        if is_other(&element) || outside.into_iter().any(|one| one.value().name() != "html" && is_other(&one))
        {
            continue;
        }
        texts.extend(SHOWN.iter().filter_map(|name| element.attr(name)).map(str::to_owned));
        let input = element.attr("type").is_some_and(|kind| kind == "text");
        texts.extend(element.attr("value").filter(|_| input).map(str::to_owned));
        texts.extend(element.children().filter_map(|child| match child.value() {
            Node::Text(text) => Some(text.to_string()),
            _ => None,
        }));
    }
    texts
}

#[test]
fn ukrainian_pages_speak_ukrainian() {
    let samples = samples();
    let pages: Vec<_> = samples.iter().filter(|(name, _)| name.starts_with("uk-")).collect();
    assert!(pages.len() > 30);
    let mut wrong = BTreeSet::new();
    for (name, html) in pages {
        for text in shown(&Html::parse_document(html)) {
            // Parameters, scopes and what is given to them are written as they are sent, packages by their names (`hl7.fhir.uv.ips#1.1.0`).
            let is_said = |word: &&str| !word.trim_end_matches(':').contains(['_', '=', ':', '#']);
            let text = text.split(' ').filter(is_said).collect::<Vec<_>>().join(" ");
            let unknown: Vec<_> =
                latin(&text).into_iter().filter(|word| !latin(IN_UKRAINIAN).contains(word)).collect();
            if !unknown.is_empty() {
                wrong.insert(format!("{name}: {text} ({unknown:?})"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The texts in quotes of a line of code.
fn quoted(line: &str) -> Vec<&str> {
    line.split('"').skip(1).step_by(2).collect()
}

#[test]
fn code_of_pages_for_people_has_no_sentences() {
    let folders = [
        "src/account",
        "src/admin",
        "src/connected",
        "src/connection",
        "src/developer",
        "src/launch",
        "src/receiver",
        "src/services",
        "src/staff",
        "src/webhook",
        "src/page",
    ];
    let mut wrong = Vec::new();
    for (path, text) in folders.iter().flat_map(|folder| of_people(folder)) {
        let text = text.split("#[cfg(test)]").next().unwrap();
        let is_code = |line: &&str| !line.trim_start().starts_with("//") && !line.contains("tracing::");
        for line in text.lines().filter(is_code) {
            for said in quoted(line) {
                let is_sentence = latin(said).len() > 2 && said.contains(' ') && !said.starts_with('/');
                if is_sentence && !HEARD.iter().any(|(words, _)| *words == said) && !IN_CODE.contains(&said) {
                    wrong.push(format!("{path}: {said}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
