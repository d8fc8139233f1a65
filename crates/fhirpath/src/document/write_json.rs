//! Elements back to JSON, without white space. What was read from JSON keeps its own spelling of strings and numbers.

use super::{
    Element, Format, Kind,
    change::{Change, Content, Member, Repeats, is_json},
    text::escape_json,
};

impl Element<'_> {
    /// The element in JSON. Of an object of a JSON document this is the text as it was read.
    pub fn to_json(&self) -> String {
        if self.document.format == Format::Json && self.kind() == Kind::Object {
            return self.raw().to_owned();
        }
        self.to_compact_json()
    }

    /// The element in JSON anew from the tape: the same for the same elements, whatever the white space was.
    pub fn to_compact_json(&self) -> String {
        let mut out = String::new();
        let mut writer = Writer { change: None, out: &mut out };
        match self.kind() {
            Kind::Object => writer.object(*self),
            _ => writer.value(*self),
        }
        out
    }
}

/// Writes elements, and where a change is told, what it puts in their place.
pub(super) struct Writer<'w, 'e> {
    change: Option<&'w Change<'e>>,
    out: &'w mut String,
}

impl<'w, 'e> Writer<'w, 'e> {
    pub(super) fn with(change: &'w Change<'e>, out: &'w mut String) -> Self {
        Self { change: Some(change), out }
    }

    pub(super) fn object(&mut self, element: Element<'_>) {
        self.out.push('{');
        let mut separator = "";
        let change = self.change.filter(|change| change.parent == element);
        let mut changed = false;
        let mut members = element.members().peekable();
        while let Some(first) = members.next() {
            let mut group = vec![first];
            while let Some(next) = members.next_if(|next| next.name() == first.name()) {
                group.push(next);
            }
            match change {
                Some(change) if change.name == first.name() => {
                    self.content(&change.becomes, &mut separator);
                    changed = true;
                }
                _ => self.member(&group, &mut separator),
            }
        }
        if let Some(change) = change.filter(|_| !changed) {
            self.content(&change.becomes, &mut separator);
        }
        self.out.push('}');
    }

    /// The elements of one name: the values, and beside them, if there are any, ids and extensions of primitives.
    fn member(&mut self, group: &[Element<'_>], separator: &mut &'static str) {
        let Some(first) = group.first() else { return };
        let items: Vec<Element<'_>> =
            group.iter().copied().filter(|element| element.kind() != Kind::EmptyArray).collect();
        if items.is_empty() {
            self.name("", first.name(), separator);
            self.out.push_str("[]");
            return;
        }
        let many = items.len() > 1 || first.repeats();
        self.halves(first.name(), many, &items, separator);
    }

    fn halves(&mut self, name: &str, many: bool, items: &[Element<'_>], separator: &mut &'static str) {
        let halved = items.iter().any(|item| self.has_half(*item));
        let valued = items.iter().any(|element| !matches!(element.kind(), Kind::Absent | Kind::Null));
        if valued || !halved {
            self.name("", name, separator);
            self.list(many, items, |writer, element| match element.kind() {
                Kind::Object => writer.object(*element),
                _ => writer.value(*element),
            });
        }
        if halved {
            self.name("_", name, separator);
            self.list(many, items, |writer, element| match writer.has_half(*element) {
                true => writer.object(*element),
                false => writer.out.push_str("null"),
            });
        }
    }

    /// What a change puts in: all of one kind, elements or objects that were put together.
    fn content(&mut self, member: &Member<'_>, separator: &mut &'static str) {
        if member.items.is_empty() {
            return;
        }
        let many = member.items.len() > 1 || member.repeats == Repeats::Yes;
        let elements: Option<Vec<Element<'_>>> = member
            .items
            .iter()
            .map(|item| match item {
                Content::Element(element) => Some(*element),
                Content::Object(_) => None,
            })
            .collect();
        if let Some(elements) = elements {
            return self.halves(&member.name, many, &elements, separator);
        }
        self.name("", &member.name, separator);
        self.list(many, &member.items, |writer, item| match item {
            Content::Element(element) if element.kind() == Kind::Object => writer.object(*element),
            Content::Element(element) => writer.value(*element),
            Content::Object(members) => {
                writer.out.push('{');
                let mut separator = "";
                members.iter().for_each(|member| writer.content(member, &mut separator));
                writer.out.push('}');
            }
        });
    }

    /// Whether something of a primitive has to stand in `_name`.
    fn has_half(&self, element: Element<'_>) -> bool {
        let change = self.change.filter(|change| change.parent == element);
        let left = |child: Element<'_>| change.is_none_or(|change| change.name != child.name());
        let put = change.is_some_and(|change| !change.becomes.items.is_empty());
        element.kind() == Kind::Absent
            || (element.kind() != Kind::Object && (put || element.members().any(left)))
    }

    fn name(&mut self, prefix: &str, name: &str, separator: &mut &'static str) {
        self.out.push_str(separator);
        *separator = ",";
        self.out.push('"');
        self.out.push_str(prefix);
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    fn list<T>(&mut self, many: bool, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.out.push_str(if many { "[" } else { "" });
        for (at, item) in items.iter().enumerate() {
            self.out.push_str(if at == 0 { "" } else { "," });
            write(self, item);
        }
        self.out.push_str(if many { "]" } else { "" });
    }

    fn value(&mut self, element: Element<'_>) {
        match element.kind() {
            Kind::Absent | Kind::Null | Kind::Object | Kind::EmptyArray => self.out.push_str("null"),
            Kind::Number | Kind::Boolean => self.out.push_str(element.raw()),
            Kind::String | Kind::TypeName | Kind::Markup if is_json(element) => {
                self.out.push('"');
                self.out.push_str(element.raw());
                self.out.push('"');
            }
            Kind::String | Kind::TypeName | Kind::Markup => {
                escape_json(&element.unescaped_text(), self.out);
            }
        }
    }
}

impl<'d> Element<'d> {
    pub(super) fn unescaped_text(&self) -> std::borrow::Cow<'d, str> {
        self.text().unwrap_or_default()
    }
}
