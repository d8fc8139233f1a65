//! Distinguished names as text.  RFC 4514

use std::fmt;

use x509_parser::{asn1_rs::ToDer as _, x509::X509Name};

/// RFC 4514 §3, and the names that OpenSSL writes for others: those are read, not written.
const KEYWORDS: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];
const ALSO_READ: [(&str, &str); 7] = [
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("1.2.840.113549.1.9.1", "E"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.8", "S"),
    ("2.5.4.4", "SN"),
    ("2.5.4.42", "GN"),
    ("2.5.4.97", "organizationIdentifier"),
];

/// What has to be escaped wherever it stands (RFC 4514 §2.4).
const SPECIAL: &str = "\"+,;<>\\";

/// A name: its parts, the most particular first, each of one attribute or several.
#[derive(Clone)]
pub(super) struct Name(Vec<Vec<Attribute>>);

#[derive(Clone)]
struct Attribute {
    /// The OID in dots.
    kind: String,
    /// The value, if it is a text.
    text: Option<String>,
    /// The DER of the value in hexadecimal digits.
    hex: String,
}

impl Name {
    pub(super) fn read(name: &X509Name<'_>) -> Self {
        let mut parts: Vec<Vec<_>> = name
            .iter_rdn()
            .map(|part| {
                part.iter()
                    .map(|attribute| Attribute {
                        kind: attribute.attr_type().to_id_string(),
                        text: attribute.as_str().ok().map(str::to_owned),
                        hex: hex(&attribute.attr_value().to_der_vec().unwrap_or_default()),
                    })
                    .collect()
            })
            .collect();
        parts.reverse();
        Self(parts)
    }

    pub(super) fn is(&self, registered: &str) -> bool {
        let Some(parts) = parse(registered) else { return false };
        !parts.is_empty()
            && parts.len() == self.0.len()
            && parts.iter().zip(&self.0).all(|(wanted, part)| {
                // The order within a part says nothing.
                wanted.len() == part.len()
                    && part.iter().all(|attribute| wanted.iter().any(|one| one.fits(attribute)))
                    && wanted.iter().all(|one| part.iter().any(|attribute| one.fits(attribute)))
            })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, part) in self.0.iter().enumerate() {
            f.write_str(if position > 0 { "," } else { "" })?;
            for (position, attribute) in part.iter().enumerate() {
                f.write_str(if position > 0 { "+" } else { "" })?;
                let keyword = KEYWORDS.iter().find(|(oid, _)| *oid == attribute.kind).map(|(_, word)| word);
                match (keyword, &attribute.text) {
                    (Some(word), Some(text)) => write!(f, "{word}={}", escaped(text))?,
                    // RFC 4514 §2.3: a type in dots has its value in hexadecimal digits.
                    (Some(word), None) => write!(f, "{word}=#{}", attribute.hex)?,
                    (None, _) => write!(f, "{}=#{}", attribute.kind, attribute.hex)?,
                }
            }
        }
        Ok(())
    }
}

/// One attribute as somebody wrote it.
struct Wanted {
    kind: String,
    value: Value,
}

enum Value {
    Text(String),
    Hex(String),
}

impl Wanted {
    fn fits(&self, attribute: &Attribute) -> bool {
        self.kind == attribute.kind
            && match &self.value {
                Value::Text(text) => attribute.text.as_ref() == Some(text),
                Value::Hex(hex) => attribute.hex.eq_ignore_ascii_case(hex),
            }
    }
}

fn parse(text: &str) -> Option<Vec<Vec<Wanted>>> {
    let mut parts = vec![Vec::new()];
    for (piece, end) in pieces(text)? {
        let (kind, value) = piece.split_once('=')?;
        let (kind, value) = (oid(kind.trim())?, value.trim_start());
        let value = match value.strip_prefix('#') {
            Some(hex) => Value::Hex(hex.trim_end().to_owned()),
            None => Value::Text(unescaped(value)?),
        };
        parts.last_mut()?.push(Wanted { kind, value });
        if end == Some(',') {
            parts.push(Vec::new());
        }
    }
    Some(parts)
}

/// The text between `,` and `+` that are not escaped, and what ended each piece.
fn pieces(text: &str) -> Option<Vec<(&str, Option<char>)>> {
    let (mut pieces, mut start, mut is_escaped) = (Vec::new(), 0, false);
    for (position, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            ',' | '+' => {
                pieces.push((text.get(start..position)?, Some(character)));
                start = position + 1;
            }
            _ => {}
        }
    }
    pieces.push((text.get(start..)?, None));
    Some(pieces)
}

fn oid(kind: &str) -> Option<String> {
    if kind.starts_with(|first: char| first.is_ascii_digit()) {
        return Some(kind.to_owned());
    }
    let mut known = KEYWORDS.iter().chain(&ALSO_READ);
    known.find(|(_, word)| word.eq_ignore_ascii_case(kind)).map(|(oid, _)| (*oid).to_owned())
}

fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut out = String::with_capacity(text.len());
    for (position, character) in text.chars().enumerate() {
        let is_edge =
            (position == 0 && matches!(character, ' ' | '#')) || (position == last && character == ' ');
        match character {
            '\0' => out.push_str("\\00"),
            _ if is_edge || SPECIAL.contains(character) => out.extend(['\\', character]),
            _ => out.push(character),
        }
    }
    out
}

/// Undoes escapes, of characters and of hexadecimal pairs, and drops spaces at the end that are not escaped.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut kept = 0;
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let mut buffer = [0; 4];
        if character != '\\' {
            bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
            if character != ' ' {
                kept = bytes.len();
            }
            continue;
        }
        let next = rest.next()?;
        match next.to_digit(16) {
            Some(high) => bytes.push(u8::try_from(high * 16 + rest.next()?.to_digit(16)?).ok()?),
            None => bytes.extend_from_slice(next.encode_utf8(&mut buffer).as_bytes()),
        }
        kept = bytes.len();
    }
    bytes.truncate(kept);
    String::from_utf8(bytes).ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: &str, text: &str) -> Attribute {
        Attribute { kind: kind.to_owned(), text: Some(text.to_owned()), hex: hex(text.as_bytes()) }
    }

    #[test]
    fn a_name_is_written_as_rfc_4514_has_it() {
        let name = Name(vec![
            vec![
                attribute("2.5.4.3", "#Before, and \\after "),
                attribute("0.9.2342.19200300.100.1.1", "j+s"),
            ],
            vec![attribute("2.5.4.10", "Лікарня")],
            vec![attribute("1.2.840.113549.1.9.1", "a@b")],
        ]);
        let text = name.to_string();
        assert_eq!(text, r"CN=\#Before\, and \\after\ +UID=j\+s,O=Лікарня,1.2.840.113549.1.9.1=#614062");
        assert!(name.is(&text), "what is written is read");
    }

    #[test]
    fn a_registered_subject_fits_exactly() {
        let name = Name(vec![
            vec![attribute("2.5.4.3", "client")],
            vec![attribute("2.5.4.11", "A"), attribute("2.5.4.11", "B")],
            vec![attribute("1.2.840.113549.1.9.1", "a@b")],
        ]);
        for text in [
            "CN=client,OU=A+OU=B,emailAddress=a@b",
            "cn = client , ou=B + OU=A , E=a@b ",
            r"2.5.4.3=c\6cient,OU=\41+OU=B,1.2.840.113549.1.9.1=#614062",
        ] {
            assert!(name.is(text), "{text}");
        }
        for text in [
            "",
            "CN=client",
            "CN=client,OU=A+OU=B",
            "CN=client,OU=A,OU=B,E=a@b",
            "CN=Client,OU=A+OU=B,E=a@b",
            "E=a@b,OU=A+OU=B,CN=client",
            "CN=client,OU=A+OU=B,E=a@b,C=UA",
            "CN=client,OU=A+OU=C,E=a@b",
            r"CN=client\,OU=A+OU=B,E=a@b",
            "CN=client,OU=A+OU=B,XX=a@b",
            "CN=client,OU=A+OU=B,",
            "client",
            r"CN=client\",
        ] {
            assert!(!name.is(text), "{text}");
        }
    }

    /// One attribute twice on one side must not stand for two different ones on the other.
    #[test]
    fn a_part_is_compared_both_ways() {
        let name = Name(vec![vec![attribute("2.5.4.11", "A"), attribute("2.5.4.11", "A")]]);
        assert!(!name.is("OU=A+OU=B"));
    }
}
