//! Every statement in every crate is prepared on both migrated engines, and both engines have the same schema: what a
//! compile-time check would do for one engine.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use hilum::wire::MIGRATIONS;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use store::{Engine, check};
use testkit::engine::{POSTGRES, SQLITE, on};

/// Fewer statements than this would mean that the search is broken.
const STATEMENTS_MIN: usize = 120;

/// A statement, where it stands, and the engine that it is for; none means both.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    sql: String,
    place: String,
    only: Option<Engine>,
}

impl Statement {
    fn is_for(&self, engine: Engine) -> bool {
        self.only.is_none_or(|only| only == engine)
    }
}

/// The statements in one file's tokens.
struct Search<'a> {
    file: &'a str,
    found: Vec<Statement>,
    /// `macro_rules!` of one arm without repetition: its parameters, and what it stands for.
    macros: BTreeMap<String, (Vec<String>, TokenStream)>,
}

impl Search<'_> {
    fn walk(&mut self, tokens: TokenStream, only: Option<Engine>) {
        let mut before: Vec<String> = Vec::new();
        let mut skips_block = false;
        for token in tokens {
            match &token {
                // `#[…]` and `#![…]`: doc comments are not code, and `#[cfg(test)]` is not shipped.
                TokenTree::Group(group)
                    if group.delimiter() == Delimiter::Bracket && ends_with_hash(&before) =>
                {
                    let attribute: String = group.stream().to_string().split_whitespace().collect();
                    skips_block |=
                        attribute.starts_with("cfg(test)") || attribute.starts_with("cfg(any(test");
                }
                TokenTree::Group(group) if skips_block && group.delimiter() == Delimiter::Brace => {
                    skips_block = false
                }
                TokenTree::Punct(punct) if skips_block && punct.as_char() == ';' => skips_block = false,
                TokenTree::Group(group) if !skips_block => self.walk_group(&before, group, only),
                TokenTree::Literal(literal) if !skips_block => {
                    if let syn::Lit::Str(text) = syn::Lit::new(literal.clone()) {
                        self.take(&text.value(), &token, only);
                    }
                }
                _ => {}
            }
            before.push(token.to_string());
        }
    }

    fn walk_group(&mut self, before: &[String], group: &Group, only: Option<Engine>) {
        match macro_name(before) {
            Some("concat") => self.take_joined(group, only),
            Some("dialect") => self.walk_dialect(group.stream()),
            Some(name) if self.macros.contains_key(name) => {
                let expanded = self.expanded(name, group.stream());
                self.walk(expanded, only);
            }
            None if matches!(before, [.., rules, bang, _] if rules == "macro_rules" && bang == "!") => {
                match definition(group.stream()) {
                    Some(defined) => drop(self.macros.insert(before.last().unwrap().clone(), defined)),
                    None => self.walk(group.stream(), only),
                }
            }
            _ => self.walk(group.stream(), only),
        }
    }

    /// What an invocation of one of the file's own macros stands for.
    fn expanded(&self, name: &str, arguments: TokenStream) -> TokenStream {
        let (parameters, body) = &self.macros[name];
        let arguments = split(arguments, ",");
        let bound = parameters.iter().cloned().zip(arguments).collect();
        substituted(body.clone(), &bound)
    }

    fn take_joined(&mut self, group: &Group, only: Option<Engine>) {
        let (mut text, mut is_whole) = (String::new(), true);
        for part in split(group.stream(), ",") {
            let literal = syn::parse2::<syn::LitStr>(part.clone());
            is_whole &= literal.is_ok();
            text.push_str(&literal.map_or_else(|_| part.to_string(), |literal| literal.value()));
        }
        assert!(
            is_whole || !is_statement(&text),
            "{}: a statement that cannot be read here: {text}",
            self.file
        );
        self.take(&text, &TokenTree::Group(group.clone()), only);
    }

    /// `sqlite: …, postgres: …`, each for its own engine.
    fn walk_dialect(&mut self, tokens: TokenStream) {
        let mut engine = None;
        let mut part = Vec::new();
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            let label = match token.to_string().as_str() {
                "sqlite" => Some(Engine::Sqlite),
                "postgres" => Some(Engine::Postgres),
                _ => None,
            };
            let is_label = tokens.peek().is_some_and(|next| next.to_string() == ":");
            if let Some(label) = label.filter(|_| is_label) {
                self.walk(part.drain(..).collect(), engine);
                engine = Some(label);
            } else {
                part.push(token);
            }
        }
        self.walk(part.into_iter().collect(), engine);
    }

    fn take(&mut self, text: &str, at: &TokenTree, only: Option<Engine>) {
        let completed = completed(text);
        let text = completed.as_str();
        if is_statement(text) && !is_piece(text) {
            let place = format!("{}:{}", self.file, at.span().start().line);
            let only = only.or_else(|| engine_of(self.file, text));
            self.found.push(Statement { sql: text.trim().to_owned(), place, only });
        }
    }
}

fn ends_with_hash(before: &[String]) -> bool {
    match before {
        [.., hash, bang] if bang == "!" => hash == "#",
        [.., hash] => hash == "#",
        [] => false,
    }
}

/// `name` of `name!(…)`.
fn macro_name(before: &[String]) -> Option<&str> {
    match before {
        [.., name, bang] if bang == "!" => Some(name),
        _ => None,
    }
}

/// The parameters and the body of a macro of one arm without repetition.
fn definition(tokens: TokenStream) -> Option<(Vec<String>, TokenStream)> {
    let parts: Vec<TokenTree> = tokens.into_iter().collect();
    let (pattern, body) = match parts.as_slice() {
        [TokenTree::Group(pattern), equals, more, TokenTree::Group(body), rest @ ..]
            if equals.to_string() == "=" && more.to_string() == ">" && rest.len() <= 1 =>
        {
            (pattern.stream(), body.stream())
        }
        _ => return None,
    };
    let is_plain = |part: &TokenStream| {
        let words: Vec<String> = part.clone().into_iter().map(|token| token.to_string()).collect();
        matches!(words.as_slice(), [dollar, name, colon, _] if dollar == "$" && colon == ":" && !name.is_empty())
    };
    let parameters = split(pattern, ",");
    let name = |part: TokenStream| part.into_iter().nth(1).unwrap().to_string();
    parameters.iter().all(is_plain).then(|| (parameters.into_iter().map(name).collect(), body))
}

fn substituted(body: TokenStream, bound: &BTreeMap<String, TokenStream>) -> TokenStream {
    let mut out = TokenStream::new();
    let mut tokens = body.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let named = tokens.peek().and_then(|next| bound.get(&next.to_string()));
        match (token, named) {
            (TokenTree::Punct(dollar), Some(argument)) if dollar.as_char() == '$' => {
                out.extend(argument.clone());
                tokens.next();
            }
            (TokenTree::Group(group), _) => {
                let inner = substituted(group.stream(), bound);
                let mut whole = Group::new(group.delimiter(), inner);
                whole.set_span(group.span());
                out.extend([TokenTree::Group(whole)]);
            }
            (other, _) => out.extend([other]),
        }
    }
    out
}

/// The parts between separators, without an empty last one.
fn split(tokens: TokenStream, separator: &str) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in tokens {
        if token.to_string() == separator {
            parts.push(TokenStream::new());
        } else {
            parts.last_mut().unwrap().extend([token]);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The beginning of an insert of several rows, with one row.
fn completed(text: &str) -> String {
    let begun = text.strip_suffix("VALUES ").filter(|_| text.trim_start().starts_with("INSERT"));
    let Some(begun) = begun else { return text.to_owned() };
    let columns = begun.split(['(', ')']).nth(1).map_or(0, |columns| columns.split(',').count());
    let places: Vec<String> = (1..=columns).map(|nth| format!("${nth}")).collect();
    format!("{text}({})", places.join(", "))
}

/// A piece of a `store::Composed`, which goes on behind it; as a whole it is prepared by the tests that run it.
fn is_piece(text: &str) -> bool {
    text.ends_with([' ', '('])
}

fn is_statement(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let verb =
        words.next().is_some_and(|word| ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&word));
    verb && words.next().is_some() && !text.contains("{}") && !text.contains("\"{")
}

/// What is below the folder of one engine is for that engine alone, and inside the store what calls its functions. The tests' own
/// databases are asked of a PostgreSQL server.
fn engine_of(file: &str, sql: &str) -> Option<Engine> {
    let is_of = |folder: &str, function: &str| {
        file.starts_with(&format!("store/src/{folder}/"))
            || (file.starts_with("store/src/") && sql.contains(function))
    };
    if is_of("sqlite", " pragma_") {
        Some(Engine::Sqlite)
    } else if is_of("postgres", " pg_") || file == "testkit/src/engine.rs" {
        Some(Engine::Postgres)
    } else {
        None
    }
}

fn search(file: &str, source: &str) -> Vec<Statement> {
    let tokens: TokenStream = source.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut search = Search { file, found: Vec::new(), macros: BTreeMap::new() };
    search.walk(tokens, None);
    search.found
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn statements() -> Vec<Statement> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for entry in fs::read_dir(crates).unwrap() {
        let source = entry.unwrap().path().join("src");
        if source.is_dir() {
            rust_files(&source, &mut files);
        }
    }
    let name = |file: &Path| file.strip_prefix(crates).unwrap().display().to_string();
    // A module that is a file of its own, `mod tests;` under `#[cfg(test)]`.
    files.retain(|file| !file.ends_with("tests.rs"));
    files.iter().flat_map(|file| search(&name(file), &fs::read_to_string(file).unwrap())).collect()
}

async fn prepare_on(db: &store::Db, engine: Engine) {
    let all = statements();
    let ours: Vec<&Statement> = all.iter().filter(|statement| statement.is_for(engine)).collect();
    assert!(ours.len() >= STATEMENTS_MIN, "only {} statements were found", ours.len());
    let texts: Vec<&str> = ours.iter().map(|statement| statement.sql.as_str()).collect();
    let wrong = check::prepare_all(db, &texts).await;
    let place =
        |sql: &str| ours.iter().find(|one| one.sql == sql).map(|one| one.place.clone()).unwrap_or_default();
    let told: Vec<String> =
        wrong.iter().map(|(sql, fault)| format!("{}: {fault}\n    {sql}", place(sql))).collect();
    assert!(told.is_empty(), "{} of {} on {}:\n{}", told.len(), ours.len(), engine.name(), told.join("\n"));
    let broken = check::prepare_all(db, &["SELECT nothing FROM nowhere", "SELECT 1"]).await;
    assert_eq!(broken.len(), 1, "the check itself finds what is wrong, and nothing else");
}

#[test]
fn every_statement_is_understood_by_sqlite() {
    on(SQLITE, &MIGRATIONS, async |db| prepare_on(&db, SQLITE).await);
}

#[test]
fn every_statement_is_understood_by_postgres() {
    on(POSTGRES, &MIGRATIONS, async |db| prepare_on(&db, POSTGRES).await);
}

#[test]
fn both_engines_have_the_same_schema() {
    let schema_on = |engine| {
        let seen = Mutex::new(None);
        on(engine, &MIGRATIONS, async |db| *seen.lock().unwrap() = Some(check::schema(&db).await.unwrap()));
        seen.into_inner().unwrap()
    };
    let sqlite = schema_on(SQLITE).unwrap();
    for table in [
        "person",
        "client",
        "session",
        "integration",
        "connection",
        "credential",
        "audit_event",
        "job",
        "vault_key",
    ] {
        assert!(sqlite.tables.contains_key(table), "no table {table}");
    }
    assert!(!sqlite.to_string().contains("Other"), "a column whose type is not portable:\n{sqlite}");
    if let Some(postgres) = schema_on(POSTGRES) {
        assert_eq!(sqlite.to_string(), postgres.to_string());
    }
}

#[test]
fn the_search_finds_statements_and_nothing_else() {
    let source = r##"
        /// SELECT this IS prose
        const A: &str = "SELECT a FROM x \
                         WHERE b = $1";
        const B: Sql = dialect! { sqlite: "SELECT 1 LIMIT 1", postgres: concat!("SELECT 1 ", "FOR UPDATE") };
        fn f() { go("With what a client sees", "UPDATE", r#"DELETE FROM y"#); }
        #[cfg(test)]
        mod tests { const C: &str = "SELECT c FROM test"; }
        const D: &str = concat!("INSERT INTO z ", "VALUES ($1)");
        macro_rules! claim { ($lock:literal) => { concat!("SELECT 2 ", $lock) }; }
        macro_rules! each { ($one:literal, $two:expr) => { match $two { _ => claim!($one) } }; }
        const E: Sql = dialect! { sqlite: claim!("LIMIT 2"), postgres: claim!("LIMIT 3") };
        const F: &str = each!("LIMIT 4", None);
    "##;
    let found = search("a.rs", source);
    let seen: Vec<_> = found.iter().map(|one| (one.sql.as_str(), one.only)).collect();
    let expected = [
        ("SELECT a FROM x WHERE b = $1", None),
        ("SELECT 1 LIMIT 1", Some(SQLITE)),
        ("SELECT 1 FOR UPDATE", Some(POSTGRES)),
        ("DELETE FROM y", None),
        ("INSERT INTO z VALUES ($1)", None),
        ("SELECT 2 LIMIT 2", Some(SQLITE)),
        ("SELECT 2 LIMIT 3", Some(POSTGRES)),
        ("SELECT 2 LIMIT 4", None),
    ];
    assert_eq!(seen, expected);
    assert_eq!(found.first().unwrap().place, "a.rs:3");
}
