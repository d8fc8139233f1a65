//! Which language: what the application asked for, what the person chose here, what the browser prefers, English.
//! OpenID Connect Core §3.1.2.1 (`ui_locales`), RFC 9110 §12.5.4

use unic_langid::LanguageIdentifier;
use url::form_urlencoded;

/// How many preferences are read.
const PREFERRED_MAX: usize = 16;

/// `ui_locales` of an authorization request: in this request's query, or in that of the place where sign-in leads.
pub(super) fn asked_for(query: &str) -> Option<String> {
    let value = |query: &str, name: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let in_return = || {
        let back = value(query, "return_to")?;
        value(back.split_once('?')?.1, "ui_locales")
    };
    value(query, "ui_locales").or_else(in_return)
}

/// The tags of `ui_locales`, best first; what is no tag is left out.
pub(super) fn spaced(text: &str) -> Vec<LanguageIdentifier> {
    text.split(' ').filter_map(|tag| tag.parse().ok()).take(PREFERRED_MAX).collect()
}

/// The tags of `Accept-Language`, best first; what is refused with `q=0` is left out.
pub(super) fn accepted(text: &str) -> Vec<LanguageIdentifier> {
    let read = |part: &str| -> Option<(u16, LanguageIdentifier)> {
        let (tag, weight) = part.split_once(';').unwrap_or((part, ""));
        let weight: f32 = weight.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.parse().ok())?;
        let thousandths = (weight.clamp(0.0, 1.0) * 1_000.0).round();
        // Between 0 and 1000 by the clamp; what is not a number at all is 0.
        let rank = format!("{thousandths}").parse().unwrap_or(0);
        (rank > 0).then_some((rank, tag.trim().parse().ok()?))
    };
    let mut tags: Vec<_> = text.split(',').take(PREFERRED_MAX).filter_map(read).collect();
    tags.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    tags.into_iter().map(|(_, tag)| tag).collect()
}

/// What is known of somebody's language.
pub(super) struct Wishes<'a> {
    /// What an application asks for in this request.
    pub asked: Option<&'a str>,
    /// Whether the person has chosen here since an application asked: the person's choice is the later one.
    pub has_chosen_since: Since,
    /// What was asked for a moment ago.
    pub asked_before: Option<&'a str>,
    /// What was chosen in this browser.
    pub chosen: Option<&'a str>,
    /// `Accept-Language`.
    pub accepts: &'a str,
}

/// Whether the person chose a language after the application had asked for one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// On a page of this very flow.
    Chosen,
    /// Not.
    Not,
}

/// The wishes in the order in which they count.
pub(super) fn in_order(wishes: &Wishes<'_>) -> Vec<Vec<LanguageIdentifier>> {
    let chosen = wishes.chosen.map(spaced).unwrap_or_default();
    let asked = wishes.asked.map(spaced).unwrap_or_default();
    let asked_before = wishes.asked_before.map(spaced).unwrap_or_default();
    let accepted = accepted(wishes.accepts);
    match wishes.has_chosen_since {
        Since::Chosen => vec![chosen, accepted],
        Since::Not => vec![asked, asked_before, chosen, accepted],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(tags: &[LanguageIdentifier]) -> Vec<String> {
        tags.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn preferences_are_read_best_first() {
        for (header, tags) in [
            ("uk,en;q=0.5", &["uk", "en"][..]),
            ("en;q=0.5, uk-UA;q=0.9, de", &["de", "uk-UA", "en"]),
            ("en;q=0, uk;q=0.001", &["uk"]),
            ("*, uk", &["uk"]),
            ("uk;q=x, en;q=NaN, de;q=7", &["de"]),
            ("", &[]),
        ] {
            assert_eq!(texts(&accepted(header)), tags, "{header}");
        }
        assert!(accepted(&"uk,".repeat(10_000)).len() <= PREFERRED_MAX);
    }

    #[test]
    fn what_an_application_asks_for_is_found_behind_the_sign_in() {
        for (query, asked) in [
            ("ui_locales=uk%20en", Some("uk en")),
            ("return_to=%2Foauth2%2Fauthorize%3Fclient_id%3Da%26ui_locales%3Duk", Some("uk")),
            ("return_to=%2Foauth2%2Fauthorize", None),
            ("x=ui_locales%3Duk", None),
            ("", None),
        ] {
            assert_eq!(asked_for(query).as_deref(), asked, "{query}");
        }
    }

    #[test]
    fn the_application_comes_first_and_the_person_who_chose_since_before_it() {
        let first = |has_chosen_since, asked: Option<&'static str>, asked_before, chosen| {
            let wishes = Wishes { asked, has_chosen_since, asked_before, chosen, accepts: "de" };
            texts(&in_order(&wishes).concat()).first().cloned().unwrap()
        };
        assert_eq!(first(Since::Not, Some("uk"), Some("pl"), Some("en")), "uk");
        assert_eq!(first(Since::Not, None, Some("pl"), Some("en")), "pl");
        assert_eq!(first(Since::Not, None, None, Some("en")), "en");
        assert_eq!(first(Since::Not, None, None, None), "de");
        assert_eq!(first(Since::Chosen, Some("uk"), Some("pl"), Some("en")), "en");
    }
}
