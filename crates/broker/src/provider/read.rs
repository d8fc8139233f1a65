//! Read one provider's file: parse it, and check what a parser cannot.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
};

use super::{Auth, Provider, RevokeHow, TextTemplate, UrlTemplate, place::Places, settings::RESERVED};
use crate::action::ActionDeclaration;

/// The longest file, in bytes.
pub const FILE_BYTES_MAX: usize = 128 * 1024;

/// What is wrong with a provider's file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFault {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// The field, dotted: `auth.oauth2_code.token_url`; empty for the file as a whole.
    pub field: String,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.message)
    }
}
impl std::error::Error for FileFault {}

/// Where and what, before the file's name is known.
type Finding = (String, String);

/// Read a provider from a file's text. `file` is used for messages, and its stem has to be the provider's id.
///
/// # Errors
/// The first thing that is wrong, with file, line and field.
pub fn read_provider(file: impl Into<PathBuf>, text: &str) -> Result<Provider, FileFault> {
    let file = file.into();
    let provider = parse_provider(&file, text)?;
    let named = file.file_stem().is_some_and(|stem| stem == provider.id.as_str());
    let unnamed = || (String::from("id"), String::from("must be the file's name"));
    let checked = if named { provider.check() } else { Err(unnamed()) };
    match checked {
        Ok(()) => Ok(provider),
        Err((field, message)) => {
            Err(FileFault { file, line: Places::of(text).line_of(&field), field, message })
        }
    }
}

/// The parser's part of it: enough for the files that are compiled in, which the tests have read in full.
pub(super) fn parse_provider(file: &Path, text: &str) -> Result<Provider, FileFault> {
    let file = file.to_owned();
    if text.len() > FILE_BYTES_MAX {
        let message = format!("longer than {FILE_BYTES_MAX} bytes");
        return Err(FileFault { file, line: None, field: String::new(), message });
    }
    toml::from_str(text).map_err(|error| {
        let places = Places::of(text);
        let line = error.span().map(|span| places.line_at(span.start));
        let field = error.span().map(|span| places.field_at(span.start)).unwrap_or_default();
        FileFault { file, line, field, message: error.message().to_owned() }
    })
}

impl Provider {
    fn check(&self) -> Result<(), Finding> {
        self.check_settings()?;
        self.check_variables()?;
        self.check_proxy()?;
        self.check_revoke()?;
        let mut names = BTreeSet::new();
        for (nth, action) in self.actions.iter().enumerate() {
            if !names.insert(&action.name) {
                return Err((format!("actions[{nth}].name"), String::from("another action has this name")));
            }
            action.check().map_err(|(field, message)| (format!("actions[{nth}].{field}"), message))?;
        }
        if !self.actions.is_empty() && self.api.as_ref().is_none_or(|api| api.base_url.is_none()) {
            return Err((
                String::from("api"),
                String::from("actions need a base_url to append their paths to"),
            ));
        }
        Ok(())
    }

    fn check_settings(&self) -> Result<(), Finding> {
        let mut names = BTreeSet::new();
        for (nth, setting) in self.settings.iter().enumerate() {
            let field = format!("settings[{nth}].name");
            let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            if setting.name.is_empty() || !setting.name.bytes().all(word) {
                return Err((field, String::from("use lower-case letters, digits and underscores")));
            }
            if RESERVED.contains(&setting.name.as_str()) {
                return Err((field, format!("{} are known to the engine", RESERVED.join(", "))));
            }
            if !names.insert(&setting.name) {
                return Err((field, String::from("another setting has this name")));
            }
        }
        Ok(())
    }

    /// Every variable must be a setting, and a secret one must not become part of an address.
    fn check_variables(&self) -> Result<(), Finding> {
        let known = |name: &str, shown: bool| {
            if let Some(setting) = self.settings.iter().find(|setting| setting.name == name) {
                return match (setting.secret, shown) {
                    (true, true) => {
                        Err((String::from("settings"), format!("{name} is secret and stands in an address")))
                    }
                    _ => Ok(()),
                };
            }
            if RESERVED.contains(&name) {
                return Ok(());
            }
            Err((String::from("settings"), format!("{{{name}}} is used and no setting has this name")))
        };
        let environments = self.environments.values().flat_map(|other| {
            [
                &other.authorize_url,
                &other.token_url,
                &other.system_token_url,
                &other.issuer,
                &other.discovery_url,
                &other.base_url,
                &other.fhir_base_url,
            ]
        });
        let addresses = self.addresses().into_iter().chain(environments.flatten());
        for name in addresses.flat_map(UrlTemplate::variables) {
            known(name, true)?;
        }
        for name in self.auth.shown_texts().into_iter().flat_map(TextTemplate::variables) {
            known(name, true)?;
        }
        let headers = self.api.iter().flat_map(|api| api.extra_headers.values());
        for name in self.auth.sent_texts().into_iter().chain(headers).flat_map(TextTemplate::variables) {
            known(name, false)?;
        }
        Ok(())
    }

    /// A revocation whose answers come in an envelope needs to know it.
    fn check_revoke(&self) -> Result<(), Finding> {
        let Auth::OAuth2Code(code) = &self.auth else { return Ok(()) };
        let how = code.revoke.as_ref().map(|revoke| &revoke.how);
        let signed = matches!(how, Some(RevokeHow::WithingsSignature { .. }));
        if signed && code.response.envelope.is_none() {
            let message = "withings_signature needs the answer's envelope (response.envelope)";
            return Err((String::from("auth.oauth2_code.revoke.how"), message.to_owned()));
        }
        Ok(())
    }

    fn check_proxy(&self) -> Result<(), Finding> {
        for (nth, rule) in self.proxy.iter().enumerate() {
            let upper = !rule.method.is_empty() && rule.method.bytes().all(|b| b.is_ascii_uppercase());
            if !upper {
                return Err((format!("proxy[{nth}].method"), String::from("write the method in capitals")));
            }
            let mut segments = rule.path.split('/');
            let rooted = segments.next() == Some("");
            let depth = rule.path.split('/').count();
            let sound = |(place, segment): (usize, &str)| match segment {
                "" | "." | ".." => false,
                "**" => place + 2 == depth,
                "*" => true,
                literal => !literal.contains(['*', '?', '#', '%', '\\']),
            };
            if !rooted || !segments.enumerate().all(sound) {
                let message = "begin with /, no empty segment, * for a whole segment, ** only at the end";
                return Err((format!("proxy[{nth}].path"), message.to_owned()));
            }
        }
        Ok(())
    }
}

impl ActionDeclaration {
    fn check(&self) -> Result<(), Finding> {
        let sound =
            |schema: &super::Schema, field: &str| schema.check().map_err(|why| (field.to_owned(), why));
        sound(&self.input, "input")?;
        sound(&self.output, "output")?;
        let word = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if !self.name.split('-').all(word) {
            return Err((
                String::from("name"),
                String::from("use lower-case letters, digits and single hyphens"),
            ));
        }
        self.check_requests()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
id = "example"
name = "Example"
family = "wearable"
confidence = "low"
proxy = [
  { method = "GET", path = "/v1/things/**" },
]

[[settings]]
name = "tenant"
title = "Tenant"

[auth.oauth2_code]
authorize_url = "https://{tenant}.example.org/authorize"
token_url = "https://{tenant}.example.org/token"

[auth.oauth2_code.authorize_params]
audience = "api"

[api]
base_url = "https://api.example.org"

[[actions]]
name = "look"
title = "Look"
description = "Look."
input = { type = "object" }
output = {}
safe = true

[[actions.requests]]
method = "GET"
path = "/look/all"
"#;

    #[test]
    fn faults_are_told_with_line_and_field() {
        read_provider("example.toml", GOOD).unwrap();
        for (from, to, told) in [
            ("id = \"example\"", "id = \"Example\"", "example.toml:2: id: not a provider id"),
            ("id = \"example\"", "id = \"other\"", "example.toml:2: id: must be the file's name"),
            ("name = \"Example\"", "nmae = \"Example\"", "example.toml:3: nmae: unknown field `nmae`"),
            ("\"wearable\"", "\"wareable\"", "example.toml:4: family: unknown variant `wareable`"),
            ("token_url =", "tokenurl =", "example.toml:16: auth.oauth2_code.tokenurl: unknown field"),
            (
                "https://{tenant}.example.org/token",
                "example.org/token",
                "example.toml:16: auth.oauth2_code.token_url: an address begins with",
            ),
            ("auth.oauth2_code", "auth.oauth3", "example.toml:14: auth.oauth3: unknown variant `oauth3`"),
            ("name = \"tenant\"", "name = \"Tenant\"", "example.toml:11: settings[0].name: use lower-case"),
            (
                "name = \"tenant\"",
                "name = \"session\"",
                "example.toml:11: settings[0].name: account_id, session",
            ),
            (
                "name = \"tenant\"",
                "name = \"realm\"",
                "example.toml:10: settings: {tenant} is used and no setting",
            ),
            (
                "title = \"Tenant\"",
                "title = \"Tenant\"\nsecret = true",
                "example.toml:10: settings: tenant is secret and stands in an address",
            ),
            ("\"/v1/things/**\"", "\"/v1/**/things\"", "example.toml:7: proxy[0].path: begin with /"),
            ("\"/v1/things/**\"", "\"/v1/../things\"", "example.toml:7: proxy[0].path: begin with /"),
            (
                "\"GET\", path = \"/v1",
                "\"get\", path = \"/v1",
                "example.toml:7: proxy[0].method: write the method",
            ),
            (
                "input = { type = \"object\" }",
                "input = { type = \"objekt\" }",
                "example.toml:28: actions[0].input:",
            ),
            (
                "input = { type = \"object\" }",
                "input = \"shared:moon\"",
                "example.toml:28: actions[0].input: no schema is named",
            ),
            (
                "path = \"/look/all\"",
                "path = \"look\"",
                "example.toml:34: actions[0].requests[0].path: begin with /",
            ),
            (
                "path = \"/look/all\"",
                "path = \"/look/{what}\"",
                "example.toml:34: actions[0].requests[0].path: what is no property of the input",
            ),
            (
                "[api]\nbase_url = \"https://api.example.org\"",
                "[api]",
                "example.toml:21: api: actions need a base_url",
            ),
            ("[api]", "[api", "example.toml:21"),
            (
                "[api]",
                "[auth.oauth2_code.revoke]\nmethod = \"POST\"\nurl = \"https://a.example\"\n\
                 how = { withings_signature = { nonce_url = \"https://a.example/n\" } }\n[api]",
                "example.toml:24: auth.oauth2_code.revoke.how: withings_signature needs",
            ),
            (
                "[api]",
                "[auth.oauth2_code.revoke]\nmethod = \"POST\"\nurl = \"https://a.example\"\n\
                 how = { withings_signature = { nonce_url = \"https://{a}.example/n\" } }\n[api]",
                "example.toml:10: settings: {a} is used and no setting",
            ),
        ] {
            let text = GOOD.replace(from, to);
            assert_ne!(text, GOOD, "{from}");
            let fault = read_provider("example.toml", &text).expect_err(to).to_string();
            assert!(fault.starts_with(told), "{to}:\n{fault}\n{told}");
        }
    }

    #[test]
    fn long_files_are_refused() {
        let fault = read_provider("example.toml", &"#".repeat(FILE_BYTES_MAX + 1)).unwrap_err();
        assert!(fault.to_string().contains("longer than"));
    }
}
