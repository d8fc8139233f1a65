//! Every page, with made-up contents, against the rules of `design/pages.md`.

use std::collections::BTreeSet;

use scraper::{ElementRef, Html, Selector};

use super::sample::samples;
use crate::{asset, route};

/// Bytes of a page with its style sheet and scripts, as they cross the network before compression.
const PAGE_BYTES_MAX: usize = 60 * 1024;

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn check_each(check: impl Fn(&str, &Html)) {
    let samples = samples();
    assert!(samples.len() > 30);
    for (name, html) in samples {
        check(&name, &Html::parse_document(&html));
    }
}

#[test]
fn pages_are_well_formed() {
    check_each(|name, page| assert!(page.errors.is_empty(), "{name}: {:?}", page.errors));
}

#[test]
fn pages_have_one_heading_a_title_and_landmarks() {
    check_each(|name, page| {
        for (selector, amount) in [("h1", 1), ("title", 1), ("main", 1), ("header.top", 1), ("html[lang]", 1)]
        {
            assert_eq!(all(page, selector).len(), amount, "{name}: {selector}");
        }
    });
}

#[test]
fn ids_are_unique_and_references_lead_somewhere() {
    check_each(|name, page| {
        let mut ids = BTreeSet::new();
        for element in all(page, "[id]") {
            assert!(ids.insert(element.attr("id").unwrap()), "{name}: {:?} twice", element.attr("id"));
        }
        for attribute in ["for", "aria-describedby", "aria-labelledby"] {
            for element in all(page, &format!("[{attribute}]")) {
                for id in element.attr(attribute).unwrap().split(' ') {
                    assert!(ids.contains(id), "{name}: {attribute}={id}");
                }
            }
        }
    });
}

#[test]
fn every_input_has_a_label() {
    check_each(|name, page| {
        for input in all(page, "input:not([type=hidden]), select, textarea") {
            let id = input.attr("id").unwrap_or_default();
            assert_eq!(all(page, &format!("label[for='{id}']")).len(), 1, "{name}: {}", input.html());
        }
        for group in all(page, "fieldset") {
            assert_eq!(group.select(&Selector::parse("legend").unwrap()).count(), 1, "{name}");
        }
        for table in all(page, "table") {
            assert!(table.select(&Selector::parse("caption, th[scope=col]").unwrap()).count() > 1, "{name}");
        }
        for image in all(page, "img") {
            assert!(image.attr("alt").is_some(), "{name}");
        }
    });
}

#[test]
fn a_page_has_one_first_thing_to_do() {
    check_each(|name, page| {
        let first = all(page, "main .button:not(.second):not(.plain), main button:not(.second):not(.plain)");
        assert!(first.len() <= 1, "{name}: {} primary buttons", first.len());
    });
}

#[test]
fn links_and_forms_lead_to_pages_that_exist() {
    check_each(|name, page| {
        for link in all(page, "a[href]") {
            let href = link.attr("href").unwrap();
            // The key of an authenticator app is an address that the app opens.
            let is_elsewhere = href.starts_with('#') || href.starts_with("otpauth://totp/");
            assert!(is_elsewhere || route::exists("GET", href), "{name}: {href}");
        }
        for form in all(page, "form") {
            let method = form.attr("method").unwrap_or("get").to_ascii_uppercase();
            assert!(route::exists(&method, form.attr("action").unwrap()), "{name}: {}", form.html());
        }
    });
}

#[test]
fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
    check_each(|name, page| {
        assert!(
            all(page, "[style], style, script:not([src]), [onclick], [onload], iframe").is_empty(),
            "{name}"
        );
        for part in all(page, "[src], link[href]") {
            let from = part.attr("src").or(part.attr("href")).unwrap();
            assert!(asset::exists(from), "{name}: {from}");
        }
    });
}

#[test]
fn pages_are_small() {
    for (name, html) in samples() {
        let page = Html::parse_document(&html);
        let parts: usize = all(&page, "link[href], script[src], img[src]")
            .iter()
            .filter_map(|part| part.attr("src").or(part.attr("href")))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(asset::bytes)
            .sum();
        assert!(html.len() + parts <= PAGE_BYTES_MAX, "{name}: {} + {parts} bytes", html.len());
    }
}

/// The contrast of two colours written `#rrggbb` or `#rgb`.  WCAG 2.2, relative luminance
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |colour: &str| {
        let digits: Vec<u32> =
            colour.trim_start_matches('#').chars().map(|c| c.to_digit(16).unwrap()).collect();
        let width = digits.len() / 3;
        let linear = |channel: &[u32]| {
            let value = if width == 1 { channel[0] * 17 } else { channel[0] * 16 + channel[1] };
            let part = f64::from(value) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let parts: Vec<f64> = digits.chunks(width).map(linear).collect();
        0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    };
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn text_can_be_read_in_both_schemes() {
    let sheet = include_str!("../../assets/hilum.css");
    let (light, dark) = sheet.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let dark = dark.split("}\n}").next().unwrap();
    for (scheme, text) in [("light", light), ("dark", dark)] {
        let token = |name: &str| {
            let value =
                text.split(&format!("--{name}: ")).nth(1).unwrap_or_else(|| panic!("{scheme}: no {name}"));
            value.split(';').next().unwrap().to_owned()
        };
        let check = |ink: &str, ground: &str, least: f64| {
            let found = contrast(&token(ink), &token(ground));
            assert!(found >= least, "{scheme}: {ink} on {ground} is {found:.2}");
        };
        for ground in ["paper", "ground", "sunk"] {
            for ink in ["ink", "muted", "accent", "bad"] {
                check(ink, ground, 4.5);
            }
            check("edge", ground, 3.0);
        }
        for (ink, ground) in [
            ("on-accent", "accent"),
            ("accent-deep", "accent-soft"),
            ("good", "good-soft"),
            ("warn", "warn-soft"),
            ("bad", "bad-soft"),
            ("paper", "bad"),
            ("ink", "good-soft"),
            ("ink", "bad-soft"),
        ] {
            check(ink, ground, 4.5);
        }
    }
}
