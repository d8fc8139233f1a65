//! The XML in which stores answer.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

/// How deep an answer may nest.
const DEPTH_MAX: usize = 16;

/// What is come to in an element.
pub(in crate::connector) enum Part<'a> {
    Begin(&'a BytesStart<'a>),
    Text(&'a str),
    End,
}

/// What elements hold, by the names of those that they stand in; none if it is no such XML.
pub(in crate::connector) fn texts(body: &[u8], mut each: impl FnMut(&[String], Part<'_>)) -> Option<()> {
    let text = std::str::from_utf8(body).ok()?;
    let mut xml = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<String> = Vec::new();
    let mut held = String::new();
    loop {
        match xml.read_event().ok()? {
            Event::Start(start) => {
                open.push(start.local_name().into_inner().to_owned());
                held.clear();
                if open.len() > DEPTH_MAX {
                    return None;
                }
                each(&open, Part::Begin(&start));
            }
            Event::End(_) => {
                each(&open, Part::Text(&held));
                each(&open, Part::End);
                open.pop()?;
                held.clear();
            }
            Event::Text(text) => held.push_str(&text),
            Event::CData(text) => held.push_str(&text),
            Event::GeneralRef(entity) => {
                let entity = format!("&{};", &*entity);
                held.push_str(&quick_xml::escape::unescape(&entity).ok()?);
            }
            Event::DocType(_) => return None,
            Event::Eof if open.is_empty() => return Some(()),
            Event::Eof => return None,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// The code of an answer that says what went wrong.
pub(in crate::connector) fn error_code(body: &[u8]) -> Option<String> {
    let mut code = None;
    texts(body, |open, part| {
        if let (Part::Text(text), [root, name]) = (part, open)
            && root == "Error"
            && name == "Code"
        {
            code = Some(text.trim().to_owned());
        }
    })?;
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_a_code() {
        let refused =
            "\u{feff}<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>no</Message></Error>";
        assert_eq!(error_code(refused.as_bytes()).as_deref(), Some("NoSuchBucket"));
        for body in
            ["<Error/>", "<Error><Code>x</Code>", "<!DOCTYPE x><Error><Code>x</Code></Error>", "{}", ""]
        {
            assert_eq!(error_code(body.as_bytes()), None, "{body}");
        }
        let deep = "<a>".repeat(DEPTH_MAX + 1);
        assert_eq!(error_code(deep.as_bytes()), None);
    }
}
