//! What FHIR allows in a narrative: `htmlChecks()` of the invariant txt-1.
//! <https://hl7.org/fhir/R4/narrative.html#xhtml>

use quick_xml::{
    NsReader,
    events::{BytesStart, Event},
    name::ResolveResult,
};

const XHTML: &str = "http://www.w3.org/1999/xhtml";

const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "b",
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
    "area",
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
    "ul",
    "var",
    "bdo",
    "u",
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
    "xmlns",
];

/// Whether the markup is one `div` of the allowed elements and attributes.
pub(super) fn is_allowed(markup: &str) -> bool {
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
    if depth == 0 && name != "div" || !ELEMENTS.contains(&name) {
        return false;
    }
    start.attributes().all(|attribute| {
        let Ok(attribute) = attribute else { return false };
        let key = attribute.key.into_inner();
        let scheme = attribute.value.trim().to_ascii_lowercase();
        ATTRIBUTES.contains(&key) && !(matches!(key, "href" | "src") && scheme.starts_with("javascript:"))
    })
}

/// txt-2: some text that is not white space, or a picture.
pub(super) fn has_content(markup: &str) -> bool {
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
        }
        for bad in [
            "<script>x</script>",
            "<p onclick='x'/>",
            "<form/>",
            "<p>",
            "<a href='javascript:x'>x</a>",
            "<x:p xmlns:x='y'/>",
        ] {
            assert!(!is_allowed(&div(bad)), "{bad}");
        }
        for bad in
            ["", "text", "<div>x</div>", "<p xmlns=\"http://www.w3.org/1999/xhtml\"/>", &(div("") + &div(""))]
        {
            assert!(!is_allowed(bad), "{bad}");
        }
        assert!(
            has_content(&div("<p> x</p>")) && !has_content(&div("<p> </p>")) && has_content(&div("<img/>"))
        );
    }
}
