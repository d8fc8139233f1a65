//! The text of a resource as it is kept: without white space between tokens, under its id, without `meta.versionId` and
//! `meta.lastUpdated`, which the row says. Everything else stays byte for byte: decimals, escapes, the order of members.

use std::ops::Range;

use super::LogicalId;

/// A part of the text that is written otherwise: a reference that was resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go; they are the inside of a JSON string.
    pub span: Range<usize>,
    /// What comes, spelled as JSON spells it.
    pub text: String,
}

/// The text that is kept, and the byte where `versionId` and `lastUpdated` go in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) text: String,
    pub(super) meta_at: usize,
}

/// The text, edited, under this id. `source` is one JSON object that was read without fault; edits are in order.
///
/// None if it is not what it is said to be.
pub(super) fn rewrite(source: &str, edits: &[Edit], id: &LogicalId) -> Option<Kept> {
    let slim = slim(source, edits)?;
    let members = members(&slim, 0)?;
    let mut text = String::with_capacity(slim.len() + 64);
    let mut meta_at = None;
    let has_id = members.iter().any(|member| member.name == "id");
    let has_meta = members.iter().any(|member| member.name == "meta");
    text.push('{');
    for member in &members {
        let value = slim.get(member.value.clone())?;
        match member.name {
            "id" => separate(&mut text).push_str(&format!("\"id\":\"{id}\"")),
            "meta" => meta_at = Some(write_meta(separate(&mut text), value)?),
            _ => separate(&mut text).push_str(slim.get(member.whole.clone())?),
        }
        if member.name == "resourceType" && !has_id {
            separate(&mut text).push_str(&format!("\"id\":\"{id}\""));
        }
        let after = if has_id { "id" } else { "resourceType" };
        if member.name == after && !has_meta {
            meta_at = Some(write_meta(separate(&mut text), "{}")?);
        }
    }
    text.push('}');
    Some(Kept { text, meta_at: meta_at? })
}

fn separate(text: &mut String) -> &mut String {
    if !text.ends_with('{') {
        text.push(',');
    }
    text
}

/// `meta` without what the row says; answers where that goes in.
fn write_meta(text: &mut String, value: &str) -> Option<usize> {
    text.push_str("\"meta\":{");
    let at = text.len();
    for member in members(value, 0)? {
        if !matches!(member.name, "versionId" | "lastUpdated" | "_versionId" | "_lastUpdated") {
            separate(text).push_str(value.get(member.whole)?);
        }
    }
    text.push('}');
    Some(at)
}

/// Without white space outside strings, and edited.
fn slim(source: &str, edits: &[Edit]) -> Option<String> {
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    for edit in edits {
        let begins = Inside::of(&out);
        copy(source.get(at..edit.span.start)?, &mut out, begins)?;
        out.push_str(&edit.text);
        at = edit.span.end;
    }
    copy(source.get(at..)?, &mut out, if edits.is_empty() { Inside::Nothing } else { Inside::String })?;
    Some(out)
}

#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Nothing,
    String,
}

impl Inside {
    /// Edits are the insides of strings, so that what follows the first one begins in a string.
    fn of(out: &str) -> Self {
        if out.is_empty() { Self::Nothing } else { Self::String }
    }
}

/// Copies a stretch that begins inside this.
fn copy(source: &str, out: &mut String, begins: Inside) -> Option<()> {
    let bytes = source.as_bytes();
    let mut at = 0;
    let mut inside = begins;
    while at < bytes.len() {
        let from = at;
        if inside == Inside::String {
            while let Some(byte) = bytes.get(at) {
                at += 1;
                match byte {
                    b'\\' => at += 1,
                    b'"' => {
                        inside = Inside::Nothing;
                        break;
                    }
                    _ => {}
                }
            }
            at = at.min(bytes.len());
        } else {
            while bytes.get(at).is_some_and(|byte| !byte.is_ascii_whitespace() && *byte != b'"') {
                at += 1;
            }
            if bytes.get(at) == Some(&b'"') {
                at += 1;
                inside = Inside::String;
            }
        }
        out.push_str(source.get(from..at)?);
        while inside == Inside::Nothing && bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
    }
    Some(())
}

struct Member<'a> {
    name: &'a str,
    /// The value alone.
    value: Range<usize>,
    /// Name, colon and value.
    whole: Range<usize>,
}

/// The members of the object that begins here; the text has no white space outside strings, and no escapes in names.
fn members(text: &str, start: usize) -> Option<Vec<Member<'_>>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = start + 1;
    if bytes.get(start) != Some(&b'{') {
        return None;
    }
    while bytes.get(at) == Some(&b'"') {
        let name_end = string_end(bytes, at)?;
        let value = name_end + 1;
        let end = value_end(bytes, value)?;
        let name = text.get(at + 1..name_end - 1)?;
        found.push(Member { name, value: value..end, whole: at..end });
        at = if bytes.get(end) == Some(&b',') { end + 1 } else { end };
    }
    (bytes.get(at) == Some(&b'}')).then_some(found)
}

/// Behind the quote that ends the string that begins here.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

fn value_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut depth = 0_usize;
    loop {
        match bytes.get(at)? {
            b'"' => at = string_end(bytes, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => {
                depth -= 1;
                at += 1;
            }
            b',' if depth == 0 => return Some(at),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(source: &str, edits: &[Edit]) -> String {
        let kept = rewrite(source, edits, &"x1".parse().unwrap()).unwrap();
        let (before, after) = kept.text.split_at(kept.meta_at);
        format!("{before}^{after}")
    }

    #[test]
    fn id_and_meta_get_their_place_and_the_rest_its_bytes() {
        for (source, expected) in [
            (r#"{"resourceType":"Basic"}"#, r#"{"resourceType":"Basic","id":"x1","meta":{^}}"#),
            (
                "{ \"a\" : [ 1.50 , 2e1 ],\n \"resourceType\" : \"Basic\", \"id\": \"old\" , \"b c\" : \"x  \\\" y\" }",
                r#"{"a":[1.50,2e1],"resourceType":"Basic","id":"x1","meta":{^},"b c":"x  \" y"}"#,
            ),
            (
                r#"{"meta":{"versionId":"9","tag":[{"code":"}"}],"lastUpdated":"2020"},"resourceType":"Basic"}"#,
                r#"{"meta":{^"tag":[{"code":"}"}]},"resourceType":"Basic","id":"x1"}"#,
            ),
            (
                r#"{"resourceType":"Basic","meta":{"lastUpdated":"2020","versionId":"1"},"id":"2"}"#,
                r#"{"resourceType":"Basic","meta":{^},"id":"x1"}"#,
            ),
        ] {
            assert_eq!(kept(source, &[]), expected);
        }
    }

    #[test]
    fn what_is_edited_stays_in_its_string() {
        let source =
            r#"{"resourceType":"Basic", "s": { "reference" : "urn:1" , "display":"a  b"}, "r":"urn:2"}"#;
        let edit = |old: &str, new: &str| {
            let start = source.find(old).unwrap();
            Edit { span: start..start + old.len(), text: String::from(new) }
        };
        assert_eq!(
            kept(source, &[edit("urn:1", "Patient/1"), edit("urn:2", "Patient/2")]),
            concat!(
                r#"{"resourceType":"Basic","id":"x1","meta":{^},"#,
                r#""s":{"reference":"Patient/1","display":"a  b"},"r":"Patient/2"}"#
            )
        );
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for source in ["", "[]", "{", r#"{"a":1"#, r#"{"resourceType":"Basic","meta":1}"#] {
            assert_eq!(rewrite(source, &[], &"x".parse().unwrap()), None, "{source}");
        }
    }
}
