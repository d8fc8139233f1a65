//! Elements back to JSON, without white space. What was read from JSON keeps its own spelling of strings and numbers.

use super::{Element, Format, Kind, text::escape_json};

impl Element<'_> {
    /// The element in JSON. Of an object of a JSON document this is the text as it was read.
    pub fn to_json(&self) -> String {
        if self.document.format == Format::Json && self.kind() == Kind::Object {
            return self.raw().to_owned();
        }
        let mut out = String::new();
        match self.kind() {
            Kind::Object => object(*self, &mut out),
            _ => value(*self, &mut out),
        }
        out
    }

    /// The element in JSON anew from the tape: the same for the same elements, whatever the white space was.
    pub fn to_compact_json(&self) -> String {
        let mut out = String::new();
        match self.kind() {
            Kind::Object => object(*self, &mut out),
            _ => value(*self, &mut out),
        }
        out
    }
}

fn object(element: Element<'_>, out: &mut String) {
    out.push('{');
    let mut separator = "";
    let mut members = element.members().peekable();
    while let Some(first) = members.next() {
        let mut group = vec![first];
        while let Some(next) = members.next_if(|next| next.name() == first.name()) {
            group.push(next);
        }
        member(&group, &mut separator, out);
    }
    out.push('}');
}

/// The elements of one name: the values, and beside them, if there are any, ids and extensions of primitives.
fn member(group: &[Element<'_>], separator: &mut &'static str, out: &mut String) {
    let Some(first) = group.first() else { return };
    let items: Vec<Element<'_>> =
        group.iter().copied().filter(|element| element.kind() != Kind::EmptyArray).collect();
    if items.is_empty() {
        name("", first.name(), separator, out);
        out.push_str("[]");
        return;
    }
    let many = items.len() > 1 || first.repeats();
    let halved = items.iter().any(has_half);
    let valued = items.iter().any(|element| !matches!(element.kind(), Kind::Absent | Kind::Null));
    if valued || !halved {
        name("", first.name(), separator, out);
        list(many, &items, out, |element, out| match element.kind() {
            Kind::Object => object(element, out),
            _ => value(element, out),
        });
    }
    if halved {
        name("_", first.name(), separator, out);
        list(many, &items, out, |element, out| match has_half(&element) {
            true => object(element, out),
            false => out.push_str("null"),
        });
    }
}

/// Whether something of a primitive has to stand in `_name`.
fn has_half(element: &Element<'_>) -> bool {
    element.kind() == Kind::Absent || (element.kind() != Kind::Object && element.members().next().is_some())
}

fn name(prefix: &str, name: &str, separator: &mut &'static str, out: &mut String) {
    out.push_str(separator);
    *separator = ",";
    out.push('"');
    out.push_str(prefix);
    out.push_str(name);
    out.push_str("\":");
}

fn list(many: bool, items: &[Element<'_>], out: &mut String, write: impl Fn(Element<'_>, &mut String)) {
    out.push_str(if many { "[" } else { "" });
    for (at, item) in items.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { "," });
        write(*item, out);
    }
    out.push_str(if many { "]" } else { "" });
}

fn value(element: Element<'_>, out: &mut String) {
    match element.kind() {
        Kind::Absent | Kind::Null | Kind::Object | Kind::EmptyArray => out.push_str("null"),
        Kind::Number | Kind::Boolean => out.push_str(element.raw()),
        Kind::String | Kind::TypeName | Kind::Markup if element.document.format == Format::Json => {
            out.push('"');
            out.push_str(element.raw());
            out.push('"');
        }
        Kind::String | Kind::TypeName | Kind::Markup => escape_json(&element.unescaped_text(), out),
    }
}

impl<'d> Element<'d> {
    pub(super) fn unescaped_text(&self) -> std::borrow::Cow<'d, str> {
        self.text().unwrap_or_default()
    }
}
