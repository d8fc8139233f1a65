//! Narratives. <https://hl7.org/fhir/R4/narrative.html#xhtml>

use std::collections::HashSet;

use fhirpath::document::Element;

use super::{
    Run, messages,
    primitive::{decoded_len, is_base64_long},
};
use crate::{
    Severity::{Error, Warning},
    program::Rule,
};

const ELEMENTS: &[&str] = &[
    "p",
    "br",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "a",
    "span",
    "b",
    "em",
    "i",
    "strong",
    "small",
    "big",
    "tt",
    "dfn",
    "q",
    "var",
    "abbr",
    "acronym",
    "cite",
    "blockquote",
    "hr",
    "address",
    "bdo",
    "kbd",
    "sub",
    "sup",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "pre",
    "table",
    "caption",
    "colgroup",
    "col",
    "thead",
    "tr",
    "tfoot",
    "tbody",
    "th",
    "td",
    "code",
    "samp",
    "img",
    "map",
    "area",
    "style",
    "label",
    "input",
    "del",
    "ins",
    "s",
    "strike",
    "u",
    "center",
    "font",
    "figure",
    "figcaption",
];

impl<'a, 'd> Run<'a, 'd> {
    /// Elements that a narrative must not have, and links that lead to nothing in it.
    pub(super) fn check_narrative(&mut self, div: Element<'d>) {
        let Some(text) = div.text() else { return };
        let mut rest: &str = &text;
        while let Some((_, after)) = rest.split_once('<') {
            rest = after;
            if let Some(comment) = after.strip_prefix("!--") {
                rest = comment.split_once("-->").map_or("", |(_, behind)| behind);
                continue;
            }
            let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-');
            let name = after.get(..after.bytes().take_while(is_name).count()).unwrap_or_default();
            let local = name.rsplit(':').next().unwrap_or_default();
            if !local.is_empty() && !ELEMENTS.contains(&local) {
                self.tell(div, Error, &messages::NARRATIVE_ELEMENT, &[local]);
            }
            let tag = after.split('>').next().unwrap_or_default();
            if local == "a"
                && let Some(id) = attribute(tag, "href").and_then(|link| link.strip_prefix('#'))
                && !self.has_anchor(div, id)
            {
                // A page that shows the whole Bundle may have what one narrative of it has not.
                let severity = if self.document.root() == div.resource() { Error } else { Warning };
                self.tell(div, severity, &messages::NARRATIVE_LINK, &[id]);
            }
        }
    }

    /// Whether something in the document is called so, be it in the narrative of another resource of the Bundle.
    fn has_anchor(&mut self, div: Element<'d>, id: &str) -> bool {
        let source = self.document.source();
        let anchors = self.anchors.get_or_insert_with(|| anchors(source));
        id.is_empty() || anchors.contains(id) || self.links.resolve(&format!("#{id}"), div).found().is_some()
    }

    /// Attachments say the size that they have. <https://hl7.org/fhir/R4/datatypes.html#Attachment>
    pub(super) fn check_attachment(&mut self, attachment: Element<'d>) {
        let has = |name: &str| attachment.children().any(|child| child.name() == name);
        let data = attachment.child("data").and_then(|data| data.text());
        if let Some(data) = &data {
            match (decoded_len(data), attachment.child("size")) {
                (None, _) if !is_base64_long(data) => {}
                (None, _) => self.tell(attachment, Error, &messages::ATTACHMENT_BASE64, &[]),
                (Some(len), Some(size)) => {
                    let said = size.text().unwrap_or_default();
                    if said.parse::<usize>().is_ok_and(|said| said != len) {
                        self.tell(attachment, Error, &messages::ATTACHMENT_SIZE, &[&said, &len.to_string()]);
                    }
                }
                _ => {}
            }
        } else if !has("url") && !has("contentType") && !has("language") {
            self.tell(attachment, Warning, &messages::ATTACHMENT_NOTHING, &[]);
        }
    }

    /// Quantities are compared in one unit.
    fn check_quantity_range(&mut self, element: Element<'d>, rule: &'d Rule) {
        use fhirpath::value::{Quantity, Unit};
        let text = |name: &str| element.child(name).and_then(|child| child.text()).unwrap_or_default();
        let quantity = |value: &str, code: &str| {
            Some(Quantity { value: value.parse().ok()?, unit: Unit::Ucum(code.into()) })
        };
        let own = quantity(&text("value"), &text("code"));
        let order = |limit: &serde_json::Value| {
            let value = limit.get("value")?.to_string();
            let code = limit.get("code").and_then(serde_json::Value::as_str).unwrap_or_default();
            Some((own.as_ref()?.compare(&quantity(&value, code)?)?, format!("{value} {code}")))
        };
        let shown = format!("{} {}", text("value"), text("code"));
        if let Some((order, limit)) = rule.min_value.as_ref().and_then(order)
            && order.is_lt()
        {
            self.tell(element, Error, &messages::BELOW_MINIMUM, &[&shown, &limit]);
        }
        if let Some((order, limit)) = rule.max_value.as_ref().and_then(order)
            && order.is_gt()
        {
            self.tell(element, Error, &messages::ABOVE_MAXIMUM, &[&shown, &limit]);
        }
    }

    /// `minValue[x]` and `maxValue[x]`
    pub(super) fn check_range(&mut self, element: Element<'d>, rule: &'d Rule, code: &str) {
        use fhirpath::value::{Decimal, Temporal};
        if code == "Quantity" {
            self.check_quantity_range(element, rule);
            return;
        }
        let Some(text) = element.text() else { return };
        let order = |limit: &serde_json::Value| {
            let limit = limit.as_str().map_or_else(|| limit.to_string(), str::to_owned);
            let order = match code {
                "date" => Temporal::date(&text)?.compare(Temporal::date(&limit)?),
                "dateTime" | "instant" => Temporal::date_time(&text)?.compare(Temporal::date_time(&limit)?),
                "time" => Temporal::time(&text)?.compare(Temporal::time(&limit)?),
                _ => Some(text.parse::<Decimal>().ok()?.cmp(&limit.parse::<Decimal>().ok()?)),
            };
            order.map(|order| (order, limit))
        };
        if let Some((order, limit)) = rule.min_value.as_ref().and_then(order)
            && order.is_lt()
        {
            self.tell(element, Error, &messages::BELOW_MINIMUM, &[&text, &limit]);
        }
        if let Some((order, limit)) = rule.max_value.as_ref().and_then(order)
            && order.is_gt()
        {
            self.tell(element, Error, &messages::ABOVE_MAXIMUM, &[&text, &limit]);
        }
    }
}

/// The value of an attribute of a tag.
pub(super) fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let (_, after) = tag.split_once(&format!("{name}="))?;
    let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    after.get(1..)?.split(quote).next()
}

/// All values of attributes `id` and `name`, whether the markup stands in JSON or in XML.
fn anchors(source: &str) -> HashSet<&str> {
    let mut found = HashSet::new();
    for name in ["id=", "name="] {
        for (at, _) in source.match_indices(name) {
            let after = source.get(at + name.len()..).unwrap_or_default();
            let after = after.strip_prefix('\\').unwrap_or(after);
            if let Some(value) = after.strip_prefix(['"', '\'']) {
                found.extend(value.split(['"', '\'', '\\']).next());
            }
        }
    }
    found
}
