//! What FHIR allows in a narrative: `htmlChecks()` of the invariant txt-1.
//! <https://hl7.org/fhir/R4/narrative.html#xhtml>

use quick_xml::{
    NsReader,
    events::{BytesStart, Event},
    name::ResolveResult,
};

const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// In the order of the alphabet, as the next ones.
const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "area",
    "b",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "li",
    "map",
    "ol",
    "p",
    "pre",
    "q",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
];

const ATTRIBUTES: &[&str] = &[
    "abbr",
    "accesskey",
    "align",
    "alt",
    "axis",
    "background",
    "bgcolor",
    "border",
    "cellhalign",
    "cellpadding",
    "cellspacing",
    "cellvalign",
    "char",
    "charoff",
    "charset",
    "cite",
    "class",
    "clear",
    "color",
    "cols",
    "colspan",
    "compact",
    "coords",
    "dir",
    "frame",
    "headers",
    "height",
    "href",
    "hreflang",
    "hspace",
    "id",
    "lang",
    "longdesc",
    "name",
    "nowrap",
    "rel",
    "rev",
    "rowspan",
    "rules",
    "scope",
    "shape",
    "span",
    "src",
    "start",
    "style",
    "summary",
    "tabindex",
    "title",
    "type",
    "usemap",
    "valign",
    "value",
    "vlink",
    "width",
    "xml:lang",
    "xml:space",
    "xmlns",
];

/// txt-1 and txt-2 of one narrative.
pub(super) fn is_good(markup: &str) -> bool {
    match Quick::default().check(markup.trim()) {
        Some(content) => content,
        None => is_allowed(markup) && has_content(markup),
    }
}

/// Reads what narratives usually are, without namespaces but the default one. What it does not understand is left to the real reader.
#[derive(Default)]
struct Quick<'m> {
    open: [&'m str; Quick::DEPTH_MAX],
    depth: usize,
    content: bool,
}

impl<'m> Quick<'m> {
    const DEPTH_MAX: usize = 32;
    const ATTRIBUTES_MAX: usize = 8;

    /// Whether there is content, if all is allowed.
    fn check(&mut self, markup: &'m str) -> Option<bool> {
        let mut rest = self.tag(markup.strip_prefix('<')?)?;
        while self.depth > 0 {
            let (text, after) = rest.split_once('<')?;
            self.text(text)?;
            rest = match after.strip_prefix('/') {
                Some(end) => self.end(end)?,
                None => self.tag(after)?,
            };
        }
        rest.is_empty().then_some(self.content)
    }

    /// Entities are left in peace if they look like such.
    fn text(&mut self, text: &str) -> Option<()> {
        self.content = self.content || text.chars().any(|character| !character.is_whitespace());
        let mut rest = text;
        while let Some((_, entity)) = rest.split_once('&') {
            let (name, after) = entity.split_once(';')?;
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#') {
                return None;
            }
            rest = after;
        }
        Some(())
    }

    fn end(&mut self, rest: &'m str) -> Option<&'m str> {
        let (name, after) = rest.split_once('>')?;
        self.depth = self.depth.checked_sub(1)?;
        (self.open.get(self.depth) == Some(&name)).then_some(after)
    }

    fn tag(&mut self, rest: &'m str) -> Option<&'m str> {
        let (name, mut rest) = rest.split_at_checked(name_len(rest))?;
        if ELEMENTS.binary_search(&name).is_err() || (self.depth == 0 && name != "div") {
            return None;
        }
        let mut seen = [""; Self::ATTRIBUTES_MAX];
        let mut namespace = false;
        for slot in 0..=Self::ATTRIBUTES_MAX {
            let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
            if let Some(after) = trimmed.strip_prefix("/>") {
                self.content |= name == "img";
                return (self.depth > 0).then_some(after);
            }
            if let Some(after) = trimmed.strip_prefix('>') {
                *self.open.get_mut(self.depth)? = name;
                self.content |= name == "img";
                self.depth += 1;
                return (self.depth > 1 || namespace).then_some(after);
            }
            let (attribute, after) = trimmed.split_at_checked(name_len(trimmed))?;
            if trimmed.len() == rest.len() || seen.contains(&attribute) {
                return None;
            }
            *seen.get_mut(slot)? = attribute;
            let quoted = after.strip_prefix('=')?;
            let quote = quoted.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            let (value, after) = quoted.get(1..)?.split_once(quote)?;
            match attribute {
                "xmlns" if self.depth == 0 && value == XHTML => namespace = true,
                "href" | "src" if is_script(value) => return None,
                _ if attribute == "xmlns" || ATTRIBUTES.binary_search(&attribute).is_err() => return None,
                _ => {}
            }
            rest = after;
        }
        None
    }
}

fn name_len(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_')).count()
}

/// Whether the markup is one `div` of the allowed elements and attributes.
fn is_allowed(markup: &str) -> bool {
    let mut reader = NsReader::from_str(markup.trim());
    let (mut depth, mut roots) = (0usize, 0usize);
    loop {
        let Ok((namespace, event)) = reader.read_resolved_event() else { return false };
        let in_xhtml = matches!(&namespace, ResolveResult::Bound(space) if space.into_inner() == XHTML);
        match event {
            Event::Start(start) | Event::Empty(start) if !in_xhtml || !is_allowed_element(&start, depth) => {
                return false;
            }
            Event::Start(_) => {
                roots += usize::from(depth == 0);
                depth += 1;
            }
            Event::Empty(_) => roots += usize::from(depth == 0),
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(_) | Event::GeneralRef(_) | Event::Comment(_) if depth > 0 => {}
            Event::Eof => return depth == 0 && roots == 1,
            _ => return false,
        }
    }
}

fn is_allowed_element(start: &BytesStart<'_>, depth: usize) -> bool {
    let name = start.local_name().into_inner();
    if depth == 0 && name != "div" || ELEMENTS.binary_search(&name).is_err() {
        return false;
    }
    start.attributes().all(|attribute| {
        let Ok(attribute) = attribute else { return false };
        let key = attribute.key.into_inner();
        ATTRIBUTES.binary_search(&key).is_ok()
            && !(matches!(key, "href" | "src") && is_script(&attribute.value))
    })
}

fn is_script(address: &str) -> bool {
    let scheme = address.trim_start().get(.."javascript:".len());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("javascript:"))
}

/// txt-2: some text that is not white space, or a picture.
fn has_content(markup: &str) -> bool {
    let mut reader = NsReader::from_str(markup);
    loop {
        match reader.read_event() {
            Ok(Event::Text(text)) if text.chars().any(|character| !character.is_whitespace()) => return true,
            Ok(Event::GeneralRef(_)) => return true,
            Ok(Event::Start(start) | Event::Empty(start)) if start.local_name().into_inner() == "img" => {
                return true;
            }
            Ok(Event::Eof) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_quiet_div_is_allowed() {
        let div = |inner: &str| format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{inner}</div>");
        for good in
            ["", "text", "<p class='a'>a &amp; b</p>", "<img src='#x' alt='x'/>", "<a href='http://x'>x</a>"]
        {
            assert!(is_allowed(&div(good)), "{good}");
            let content = has_content(&div(good));
            assert_eq!(Quick::default().check(&div(good)), Some(content), "{good}");
            assert_eq!(is_good(&div(good)), content);
        }
        for bad in [
            "<script>x</script>",
            "<p onclick='x'/>",
            "<form/>",
            "<p>",
            "<a href='javascript:x'>x</a>",
            "<x:p xmlns:x='y'/>",
        ] {
            assert!(!is_allowed(&div(bad)) && !is_good(&div(bad)), "{bad}");
        }
        for bad in
            ["", "text", "<div>x</div>", "<p xmlns=\"http://www.w3.org/1999/xhtml\"/>", &(div("") + &div(""))]
        {
            assert!(!is_allowed(bad) && !is_good(bad), "{bad}");
        }
        assert!(
            has_content(&div("<p> x</p>")) && !has_content(&div("<p> </p>")) && has_content(&div("<img/>"))
        );
    }
}
