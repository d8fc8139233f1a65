//! What a few definitions ask by extensions: languages and sources of narratives, extensions in place of values.
//! <https://hl7.org/fhir/extensions/StructureDefinition-narrative-source-control.html>

use fhirpath::document::Element;

use super::{Run, messages, primitive::decoded_len};
use crate::{
    Severity::Error,
    program::{Controls, Profile},
};

/// A part of a narrative: a tag right below its outermost `div`, or text.
#[derive(Debug, PartialEq, Eq)]
struct Part<'t> {
    /// `p class="x"`, or the text.
    text: &'t str,
    is_tag: bool,
}

impl<'a, 'd> Run<'a, 'd> {
    pub(super) fn check_controls(&mut self, element: Element<'d>, profile: &'d Profile, controls: &Controls) {
        if let Some(max) = controls.max_size
            && let Some(len) = element.child("data").and_then(|data| decoded_len(&data.text()?))
            && len as u64 > max
        {
            let arguments = [&*len.to_string(), &*max.to_string(), &profile.shown];
            self.tell(element, Error, &messages::ATTACHMENT_TOO_LARGE, &arguments);
        }
        if !controls.alternatives.is_empty() && !element.has_value() {
            let is_one = |extension: Element<'d>| {
                let url = extension.child("url").and_then(|url| url.text());
                url.is_some_and(|url| controls.alternatives.iter().any(|known| **known == *url))
            };
            if !element.children().any(is_one) {
                let wanted = controls.alternatives.join(", ");
                self.tell(element, Error, &messages::NO_VALUE, &[&wanted, &profile.shown]);
            }
        }
        if !controls.says_source && controls.languages.is_empty() {
            return;
        }
        let Some(div) = element.child("div").and_then(|div| div.text()) else { return };
        let parts = parts(&div);
        if controls.says_source {
            self.check_sources(element, profile, &parts);
        }
        self.check_languages(element, profile, controls, &parts);
    }

    fn check_sources(&mut self, element: Element<'d>, profile: &'d Profile, parts: &[Part<'_>]) {
        for part in parts {
            let class = attribute(part, "class").unwrap_or_default();
            if !["boilerplate", "generated", "original"]
                .iter()
                .any(|word| class.split(' ').any(|own| own == *word))
            {
                let shown: String = part.text.chars().take(40).collect();
                self.tell(element, Error, &messages::NO_SOURCE, &[&shown, &profile.shown]);
            }
        }
    }

    fn check_languages(
        &mut self,
        element: Element<'d>,
        profile: &'d Profile,
        controls: &Controls,
        parts: &[Part<'_>],
    ) {
        let sections: Vec<&str> = parts
            .iter()
            .filter(|part| part.text.starts_with("div"))
            .filter_map(|part| attribute(part, "lang"))
            .collect();
        let own = element.resource().child("language").and_then(|language| language.text());
        for wanted in &controls.languages {
            let wanted = match &**wanted {
                "_yes" if sections.is_empty() => {
                    self.tell(element, Error, &messages::NO_LANGUAGES, &[&profile.shown]);
                    continue;
                }
                "_resource" => own.as_deref(),
                word if word.starts_with('_') => None,
                language => Some(language),
            };
            if let Some(wanted) = wanted.filter(|wanted| !sections.contains(wanted)) {
                let arguments = [wanted, &*sections.join(", "), &profile.shown];
                self.tell(element, Error, &messages::NO_LANGUAGE, &arguments);
            }
        }
    }
}

fn attribute<'t>(part: &Part<'t>, name: &str) -> Option<&'t str> {
    let (_, after) = part.text.split_once(&format!(" {name}=")).filter(|_| part.is_tag)?;
    let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    after.get(1..)?.split(quote).next()
}

/// What stands right below the outermost element of the markup.
fn parts(markup: &str) -> Vec<Part<'_>> {
    let (mut parts, mut depth, mut rest) = (Vec::new(), 0_usize, markup);
    loop {
        let (text, after) = rest.split_once('<').unwrap_or((rest, ""));
        if depth == 1 && !text.trim().is_empty() {
            parts.push(Part { text: text.trim(), is_tag: false });
        }
        if after.is_empty() {
            return parts;
        }
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, behind)| behind);
            continue;
        }
        let (tag, behind) = after.split_once('>').unwrap_or((after, ""));
        rest = behind;
        if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
            continue;
        }
        if depth == 1 {
            parts.push(Part { text: tag.trim_end_matches('/').trim(), is_tag: true });
        }
        depth += usize::from(!tag.ends_with('/'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_what_stands_below_the_outermost_element() {
        let found = parts("<div>a<br/><p class=\"b\">c <b>d</b></p><!-- <i>e</i> --> f</div>");
        let shown: Vec<(&str, bool)> = found.iter().map(|part| (part.text, part.is_tag)).collect();
        assert_eq!(shown, [("a", false), ("br", true), ("p class=\"b\"", true), ("f", false)]);
        assert_eq!(attribute(&found[2], "class"), Some("b"));
    }
}
