//! The languages against what the pages say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use fluent_syntax::{ast, parser};

use super::{book::Files, fault::HEARD, *};

/// Families of messages that are asked for by a name from outside.
const FAMILIES: [&str; 7] =
    ["scope-", "resource-", "category-", "property-", "upstream-why-", "event-type-", "step-"];

/// A key, and the names of what goes into it.
type Keys = BTreeMap<String, BTreeSet<String>>;

fn variables(pattern: &ast::Pattern<String>, found: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        if let ast::PatternElement::Placeable { expression } = element {
            of_expression(expression, found);
        }
    }
}

fn of_expression(expression: &ast::Expression<String>, found: &mut BTreeSet<String>) {
    let inline = match expression {
        ast::Expression::Inline(inline) => inline,
        ast::Expression::Select { selector, variants } => {
            variants.iter().for_each(|variant| variables(&variant.value, found));
            selector
        }
    };
    match inline {
        ast::InlineExpression::VariableReference { id } => {
            found.insert(id.name.clone());
        }
        ast::InlineExpression::Placeable { expression } => of_expression(expression, found),
        _ => {}
    }
}

/// What a language says.
fn said_in(tag: &str) -> Keys {
    let mut keys = Keys::new();
    for path in Files::iter().filter(|path| path.starts_with(&format!("{tag}/"))) {
        let text = String::from_utf8(Files::get(&path).unwrap().data.into_owned()).unwrap();
        let resource = parser::parse(text).unwrap_or_else(|(_, errors)| panic!("{path}: {errors:?}"));
        for entry in resource.body {
            match entry {
                ast::Entry::Message(message) => {
                    let mut found = BTreeSet::new();
                    variables(&message.value.unwrap(), &mut found);
                    let again = keys.insert(message.id.name.clone(), found);
                    assert!(again.is_none(), "{path}: {} is there twice", message.id.name);
                }
                ast::Entry::Junk { content } => panic!("{path}: {content}"),
                _ => {}
            }
        }
    }
    keys
}

pub(super) fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn source(folders: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for folder in folders {
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    found.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// The text up to the parenthesis that closes one that is open at its beginning.
fn behind_call(text: &str) -> &str {
    let mut depth = 1;
    let mut in_text = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => in_text = !in_text,
            '(' if !in_text => depth += 1,
            ')' if !in_text => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[at + 1..];
        }
    }
    ""
}

/// What the pages say: `t("key").of("name", …).count("name", …)`.
fn said_by_pages() -> Keys {
    let mut keys = Keys::new();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    for text in source(&["src", "templates"]) {
        let text = text.lines().filter(is_code).collect::<Vec<_>>().join("\n");
        for (at, _) in text.match_indices("t(\"") {
            let before = text[..at].chars().next_back().unwrap_or(' ');
            if before.is_alphanumeric() || before == '_' || before == '.' {
                continue;
            }
            let rest = &text[at + 3..];
            let Some((key, rest)) = rest.split_once('"') else { continue };
            if key.contains(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
                || !rest.starts_with(')')
            {
                continue;
            }
            let names = keys.entry(key.to_owned()).or_default();
            let mut rest = rest[1..].trim_start();
            while let Some(call) = rest.strip_prefix(".of(\"").or(rest.strip_prefix(".count(\"")) {
                let (name, after) = call.split_once('"').unwrap();
                names.insert(name.to_owned());
                rest = behind_call(after).trim_start();
            }
        }
    }
    keys
}

#[test]
fn every_language_says_the_same_things() {
    let (english, ukrainian) = (said_in("en"), said_in("uk"));
    let keys = |all: &Keys| all.keys().cloned().collect::<BTreeSet<_>>();
    let (en, uk) = (keys(&english), keys(&ukrainian));
    assert_eq!(en.difference(&uk).collect::<Vec<_>>(), Vec::<&String>::new(), "not said in Ukrainian");
    assert_eq!(uk.difference(&en).collect::<Vec<_>>(), Vec::<&String>::new(), "not said in English");
    for (key, names) in &english {
        assert_eq!(Some(names), ukrainian.get(key), "{key} speaks of different things");
    }
}

#[test]
fn what_pages_say_is_there_and_what_is_there_is_said() {
    let (english, mut pages) = (said_in("en"), said_by_pages());
    assert!(pages.len() > 100, "{} keys were found", pages.len());
    // Those that are written with words before them, and those of tables and of the book itself.
    for (_, key) in HEARD {
        pages.entry((*key).to_owned()).or_default();
    }
    pages.entry("language-name".to_owned()).or_default();
    // In `listed` of permission.rs the names come after the message.
    for key in ["may-list", "may-and"] {
        pages.entry(key.to_owned()).or_default().extend(["before".to_owned(), "last".to_owned()]);
    }
    for key in ["permission-own", "permission-chosen", "permission-user", "permission-system"] {
        pages.entry(key.to_owned()).or_default().extend(["may".to_owned(), "what".to_owned()]);
    }
    let mut wrong = Vec::new();
    for (key, names) in &pages {
        match english.get(key) {
            None => wrong.push(format!("{key} is said and not there")),
            Some(there) if there != names => {
                wrong.push(format!("{key} is given {names:?} and needs {there:?}"))
            }
            Some(_) => {}
        }
    }
    for key in english.keys().filter(|key| !FAMILIES.iter().any(|family| key.starts_with(family))) {
        if !pages.contains_key(key) {
            wrong.push(format!("{key} is there and never said"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn words_of_the_domains_are_still_theirs() {
    // A `\` at the end of a line of source goes on on the next.
    let squeezed = |text: &str| text.replace("\\\n", " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let all = source(&[
        "../auth/src",
        "../broker/src",
        "../fhir/src/site",
        "../outbound/src",
        "../web/src",
        "../webhooks/src",
        "src/account",
        "src/admin",
        "src/launch",
        "src/page",
        "src/webhook",
    ]);
    let all: Vec<String> = all.iter().map(|text| squeezed(text)).collect();
    for (words, key) in HEARD {
        let words = squeezed(words);
        assert!(all.iter().any(|text| text.contains(&words)), "{key}: nobody says {words:?}");
    }
}

#[test]
fn numbers_take_their_ukrainian_forms() {
    let said = |many| rendered_in("uk", || t("services-attention").count("many", many).to_string());
    assert_eq!(said(1), "1 потребує вашої уваги");
    assert_eq!(said(3), "3 потребують вашої уваги");
    let linked = |linked| {
        rendered_in("uk", || t("services-some-linked").count("linked", linked).count("all", 30).to_string())
    };
    for (many, words) in [
        (1, "1 сервіс із"),
        (2, "2 сервіси з"),
        (5, "5 сервісів із"),
        (11, "11 сервісів із"),
        (21, "21 сервіс із"),
        (24, "24 сервіси з"),
    ] {
        assert_eq!(linked(many), format!("Підключено {words} 30"));
    }
}

#[test]
fn a_folder_adds_a_language_and_words_another_differently() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pl.ftl"), "language-name = Polski\nsign-in-act = Zaloguj się\n").unwrap();
    fs::write(folder.path().join("en.ftl"), "brand-line = Northwind sign-in\n").unwrap();
    fs::write(folder.path().join("README.md"), "not a language").unwrap();
    let languages = Languages::with_folder(folder.path()).unwrap();
    let names: Vec<&str> = languages.books().iter().map(Book::name).collect();
    assert_eq!(names, ["English", "Polski", "Українська"]);
    let nth = best(&languages, &["pl-PL".parse().unwrap()]).unwrap();
    SPOKEN.sync_scope(Spoken::new(languages.clone(), nth, None), || {
        assert_eq!(t("sign-in-act").to_string(), "Zaloguj się");
        assert_eq!(t("sign-in-lead").to_string(), "Link your health services, and see who may use them.");
        assert_eq!(t("brand-line").to_string(), "Northwind sign-in");
    });
}

#[test]
fn a_file_that_is_no_language_stops_the_start() {
    for (name, text, says) in [
        ("pl.ftl", "sign-in-act = a\nbroken { = b\n", "line 2"),
        ("not a language.ftl", "a = b\n", "language tag"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        let fault = Languages::with_folder(folder.path()).err().unwrap().to_string();
        assert!(fault.contains(name) && fault.contains(says), "{fault}");
    }
}

#[test]
fn the_nearest_language_is_taken() {
    let taken = |tags: &[&str]| {
        let tags: Vec<_> = tags.iter().map(|tag| tag.parse().unwrap()).collect();
        best(&BUILT_IN, &tags).map(|nth| BUILT_IN.book(nth).lang().to_owned())
    };
    assert_eq!(taken(&["uk-UA", "en"]).as_deref(), Some("uk"));
    assert_eq!(taken(&["de", "en-GB"]).as_deref(), Some("en"));
    assert_eq!(taken(&["de"]), None);
}

#[test]
fn every_refusal_of_a_way_to_sign_in_has_words() {
    use auth::{
        person::{
            Refusal,
            factor::FactorFault::{self, *},
        },
        upstream::UpstreamFault,
    };
    use kernel::Fault;
    let factor: [FactorFault; 10] = [
        NotFound,
        NotRecent,
        NotHalfway,
        Name,
        FirstCode,
        TooMany,
        NoPasskeys,
        NotRegistered("why"),
        SignIn(Refusal::WrongPasskey),
        Throttled { retry_after_s: 1 },
    ];
    let provider = [
        UpstreamFault::NotFound,
        UpstreamFault::NotAsked,
        UpstreamFault::Denied("why".to_owned()),
        UpstreamFault::Untrusted("why".to_owned()),
        UpstreamFault::TooWeak,
        UpstreamFault::LinkedOtherwise,
        UpstreamFault::Disabled,
        UpstreamFault::Unreadable("why"),
    ];
    let said = factor.iter().map(Fault::public).chain(provider.iter().map(Fault::public));
    for words in said.chain([SignIn(Refusal::WrongCode).public()]) {
        assert!(HEARD.iter().any(|(heard, _)| *heard == words), "nobody says {words:?} in other languages");
    }
}
