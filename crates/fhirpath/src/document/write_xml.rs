//! Elements to XML, without white space. <https://hl7.org/fhir/R4/xml.html>

use quick_xml::{NsReader, events::Event, name::ResolveResult};

use super::{Element, Kind, WriteFault};

impl Element<'_> {
    /// The resource in XML.
    pub fn to_xml(&self) -> Result<String, WriteFault> {
        let name = self.resource_type().ok_or(WriteFault::NoResourceType)?;
        let mut out = String::new();
        resource(*self, &name, " xmlns=\"http://hl7.org/fhir\"", &mut out)?;
        Ok(out)
    }
}

fn resource(element: Element<'_>, name: &str, attributes: &str, out: &mut String) -> Result<(), WriteFault> {
    check_name(name)?;
    out.push('<');
    out.push_str(name);
    out.push_str(attributes);
    let mut children = element.children().peekable();
    if children.peek().is_none() {
        out.push_str("/>");
        return Ok(());
    }
    out.push('>');
    for child in children {
        write(child, out)?;
    }
    close(name, out);
    Ok(())
}

fn write(element: Element<'_>, out: &mut String) -> Result<(), WriteFault> {
    let name = element.name();
    check_name(name)?;
    if name == "div" && element.parent().is_some_and(|parent| parent.name() == "text") {
        return narrative(element, out);
    }
    if element.kind() == Kind::Null && element.children().next().is_none() {
        return Ok(());
    }
    out.push('<');
    out.push_str(name);
    if let Some(inner) = element.resource_type() {
        out.push('>');
        resource(element, &inner, "", out)?;
        close(name, out);
        return Ok(());
    }
    let in_attribute = |child: &Element<'_>| {
        child.has_value()
            && (child.name() == "id"
                || (child.name() == "url" && matches!(name, "extension" | "modifierExtension")))
    };
    for child in element.children().filter(|child| in_attribute(child) && child.children().next().is_none()) {
        attribute(child.name(), &child.unescaped_text(), out)?;
    }
    if element.has_value() {
        attribute("value", &element.unescaped_text(), out)?;
    }
    let mut rest = element
        .children()
        .filter(|child| !(in_attribute(child) && child.children().next().is_none()))
        .peekable();
    if rest.peek().is_none() {
        out.push_str("/>");
        return Ok(());
    }
    out.push('>');
    for child in rest {
        write(child, out)?;
    }
    close(name, out);
    Ok(())
}

fn close(name: &str, out: &mut String) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn attribute(name: &str, value: &str, out: &mut String) -> Result<(), WriteFault> {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    for character in value.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Written as references, or the next reader would make them spaces (XML 1.0 §3.3.3).
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            '\0'..'\u{20}' | '\u{FFFE}' | '\u{FFFF}' => return Err(WriteFault::Character),
            _ => out.push(character),
        }
    }
    out.push('"');
    Ok(())
}

/// The markup stands as it is, so it must be one `div` that cannot reach out of its place.
fn narrative(element: Element<'_>, out: &mut String) -> Result<(), WriteFault> {
    let text = element.unescaped_text();
    if !is_div(&text) {
        return Err(WriteFault::Narrative);
    }
    out.push_str(text.trim());
    Ok(())
}

fn is_div(text: &str) -> bool {
    let mut reader = NsReader::from_str(text.trim());
    let (mut depth, mut roots) = (0usize, 0usize);
    loop {
        let Ok((namespace, event)) = reader.read_resolved_event() else { return false };
        let div = |name: &str| {
            name == "div"
                && matches!(&namespace, ResolveResult::Bound(space) if space.into_inner() == "http://www.w3.org/1999/xhtml")
        };
        match event {
            Event::Start(start) if depth > 0 || div(start.local_name().into_inner()) => {
                roots += usize::from(depth == 0);
                depth += 1;
            }
            Event::Empty(start) if depth > 0 || div(start.local_name().into_inner()) => {
                roots += usize::from(depth == 0)
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(_) | Event::Comment(_) | Event::GeneralRef(_) | Event::CData(_) if depth > 0 => {}
            Event::Eof => return depth == 0 && roots == 1,
            _ => return false,
        }
    }
}

fn check_name(name: &str) -> Result<(), WriteFault> {
    let good = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.'));
    if good { Ok(()) } else { Err(WriteFault::Name(name.to_owned())) }
}
