//! String functions. N1 §5.6, and `encode`, `decode`, `escape`, `unescape`, `split`, `join`, `trim` of later FHIRPath.

use base64::{Engine, engine::general_purpose};

use super::{Answer, EvaluationFault, Evaluator, Item};
use crate::{
    path::{Function, OpId, Program},
    value::{Text, Value},
};

impl<'d> Evaluator<'d> {
    pub(super) fn string_function(
        &mut self,
        program: &Program,
        base: usize,
        function: Function,
        arguments: &[OpId],
    ) -> Answer {
        use Function as F;
        if function == F::Join {
            return self.join(program, base, arguments);
        }
        if function == F::Substring {
            return self.substring(program, base, arguments);
        }
        let texts = self.string_arguments(program, arguments, function)?;
        let Some(item) = self.pop_single(base, function.name())? else { return Ok(()) };
        let on = self.string_value(&item, function)?;
        let on = on.as_str();
        self.spend_text(on.len())?;
        let Some([first, second]) = texts else { return Ok(()) };
        let first = first.as_str();
        match function {
            F::IndexOf => self.push_value(Value::Integer(index_of(on, first))),
            F::StartsWith => self.push_truth(Some(on.starts_with(first))),
            F::EndsWith => self.push_truth(Some(on.ends_with(first))),
            F::Contains => self.push_truth(Some(on.contains(first))),
            F::Upper => self.push_string(on.to_uppercase()),
            F::Lower => self.push_string(on.to_lowercase()),
            F::Trim => self.push_string(on.trim().to_owned()),
            F::Length => {
                self.push_value(Value::Integer(i64::try_from(on.chars().count()).unwrap_or(i64::MAX)))
            }
            F::Replace => {
                let with = second.as_str();
                self.spend_text(on.len().saturating_add(1).saturating_mul(with.len()))?;
                self.push_string(on.replace(first, with))
            }
            F::ToChars => on.chars().try_for_each(|character| self.push_string(character.to_string())),
            F::Split if first.is_empty() => {
                on.chars().try_for_each(|character| self.push_string(character.to_string()))
            }
            F::Split => on.split(first).try_for_each(|part| self.push_string(part.to_owned())),
            F::Encode | F::Decode | F::Escape | F::Unescape => {
                let done = match function {
                    F::Encode => encode(on, first),
                    F::Decode => decode(on, first),
                    F::Escape => escape(on, first),
                    _ => unescape(on, first),
                };
                done.map_or(Ok(()), |text| self.push_string(text))
            }
            _ => Ok(()),
        }
    }

    fn substring(&mut self, program: &Program, base: usize, arguments: &[OpId]) -> Answer {
        let mut numbers = [None, None];
        for (number, id) in numbers.iter_mut().zip(arguments) {
            *number = Some(self.integer_argument(program, *id)?);
        }
        let Some(item) = self.pop_single(base, "substring")? else { return Ok(()) };
        let on = self.string_value(&item, Function::Substring)?;
        self.spend_text(on.as_str().len())?;
        let [Some(Some(start)), length] = numbers else { return Ok(()) };
        let length = length.map(|length| length.unwrap_or(0));
        substring(on.as_str(), start, length).map_or(Ok(()), |text| self.push_string(text))
    }

    fn join(&mut self, program: &Program, base: usize, arguments: &[OpId]) -> Answer {
        let separator = match arguments.first() {
            Some(id) => self.string_argument(program, *id, Function::Join)?,
            None => Some(Text::Borrowed("")),
        };
        let items = self.pop_all(base);
        let Some(separator) = separator.filter(|_| !items.is_empty()) else { return Ok(()) };
        let parts = items.iter().map(|item| self.string_value(item, Function::Join));
        let parts = parts.collect::<Result<Vec<Text<'d>>, EvaluationFault>>()?;
        let parts: Vec<&str> = parts.iter().map(Text::as_str).collect();
        self.push_string(parts.join(separator.as_str()))
    }

    /// Whether an item could be read as a string at all; used by functions that answer nothing for others.
    pub(super) fn text_if_any(&self, item: &Item<'d>) -> Option<String> {
        self.value_of(item).map(|value| value.to_string())
    }
}

fn substring(text: &str, start: i64, length: Option<i64>) -> Option<String> {
    let start = usize::try_from(start).ok()?;
    let length = length.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(0));
    let mut rest = text.chars().skip(start).peekable();
    rest.peek()?;
    Some(rest.take(length).collect())
}

/// In characters, not bytes.
fn index_of(text: &str, part: &str) -> i64 {
    let found = text.find(part).and_then(|at| text.get(..at)).map(|before| before.chars().count());
    found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)
}

fn encode(text: &str, format: &str) -> Option<String> {
    Some(match format {
        "base64" => general_purpose::STANDARD.encode(text),
        "urlbase64" => general_purpose::URL_SAFE.encode(text),
        "hex" => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        _ => return None,
    })
}

fn decode(text: &str, format: &str) -> Option<String> {
    let bytes = match format {
        "base64" => general_purpose::STANDARD.decode(text).ok()?,
        "urlbase64" => general_purpose::URL_SAFE.decode(text).ok()?,
        "hex" => text.as_bytes().chunks(2).map(hex_pair).collect::<Option<Vec<u8>>>()?,
        _ => return None,
    };
    String::from_utf8(bytes).ok()
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    let digits =
        std::str::from_utf8(pair).ok().filter(|digits| digits.len() == 2 && !digits.contains('+'))?;
    u8::from_str_radix(digits, 16).ok()
}

fn escape(text: &str, target: &str) -> Option<String> {
    match target {
        "html" => {
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            Some(escaped.replace('"', "&quot;").replace('\'', "&#39;"))
        }
        "json" => {
            let mut out = String::new();
            crate::document::escape_json(text, &mut out);
            out.get(1..out.len() - 1).map(str::to_owned)
        }
        _ => None,
    }
}

fn unescape(text: &str, target: &str) -> Option<String> {
    match target {
        "html" => {
            let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
            Some(plain.replace("&#39;", "'").replace("&apos;", "'").replace("&amp;", "&"))
        }
        "json" => Some(crate::document::unescape_json(text).into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_in_characters() {
        assert_eq!(substring("äöü", 1, Some(1)).as_deref(), Some("ö"));
        assert_eq!(substring("äöü", 3, None), None);
        assert_eq!(substring("äöü", -1, None), None);
        assert_eq!(index_of("äöü", "ü"), 2);
        assert_eq!(index_of("äöü", "x"), -1);
    }

    #[test]
    fn codings_go_there_and_back() {
        for format in ["base64", "urlbase64", "hex"] {
            assert_eq!(
                decode(&encode("subjects?_d", format).unwrap(), format).as_deref(),
                Some("subjects?_d")
            );
        }
        for bad in ["6", "zz", "+1"] {
            assert_eq!(decode(bad, "hex"), None);
        }
        assert_eq!(unescape(&escape("\"1<2'&\"", "html").unwrap(), "html").as_deref(), Some("\"1<2'&\""));
    }
}
