//! Where something stands in a TOML file: line and dotted field.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A file's text with the places of its values.
pub(super) struct Places<'t> {
    text: &'t str,
    tree: Option<Spanned<DeTable<'t>>>,
}

impl<'t> Places<'t> {
    /// The places in a text; in one that is not TOML only lines can be told.
    pub fn of(text: &'t str) -> Self {
        Self { text, tree: DeTable::parse(text).ok() }
    }

    /// The line (from 1) of a byte.
    pub fn line_at(&self, byte: usize) -> usize {
        self.text.bytes().take(byte).filter(|b| *b == b'\n').count() + 1
    }

    /// The innermost field around a byte: `auth.oauth2_code.token_url`, `limits[1].scope`.
    pub fn field_at(&self, byte: usize) -> String {
        let mut path = String::new();
        if let Some(tree) = &self.tree {
            descend(tree.get_ref(), byte, &mut path);
        }
        path
    }

    /// The line of a field; of the innermost part of it that is there, where it is not there itself.
    pub fn line_of(&self, field: &str) -> Option<usize> {
        let mut table = self.tree.as_ref()?.get_ref();
        let mut found = None;
        for name in field.split('.') {
            let (name, nth) = match name.split_once('[') {
                Some((name, nth)) => (name, nth.trim_end_matches(']').parse::<usize>().ok()),
                None => (name, None),
            };
            let Some((key, mut value)) = table.iter().find(|(key, _)| key.get_ref() == name) else { break };
            found = Some(key.span().start);
            if let (Some(nth), DeValue::Array(items)) = (nth, value.get_ref())
                && let Some(item) = items.get(nth)
            {
                found = Some(item.span().start);
                value = item;
            }
            let DeValue::Table(inner) = value.get_ref() else { break };
            table = inner;
        }
        found.map(|byte| self.line_at(byte))
    }
}

fn descend(table: &DeTable<'_>, byte: usize, path: &mut String) {
    for (key, value) in table {
        if key.span().contains(&byte) || holds(value, byte) {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(key.get_ref());
            into(value, byte, path);
            return;
        }
    }
}

fn into(value: &Spanned<DeValue<'_>>, byte: usize, path: &mut String) {
    match value.get_ref() {
        DeValue::Table(inner) => descend(inner, byte, path),
        DeValue::Array(items) => {
            if let Some((nth, item)) = items.iter().enumerate().find(|(_, item)| holds(item, byte)) {
                path.push_str(&format!("[{nth}]"));
                into(item, byte, path);
            }
        }
        _ => {}
    }
}

/// A table written under several headers has the span of the first only: look inside as well.
fn holds(value: &Spanned<DeValue<'_>>, byte: usize) -> bool {
    value.span().contains(&byte)
        || match value.get_ref() {
            DeValue::Table(inner) => {
                inner.iter().any(|(key, value)| key.span().contains(&byte) || holds(value, byte))
            }
            DeValue::Array(items) => items.iter().any(|item| holds(item, byte)),
            _ => false,
        }
}
