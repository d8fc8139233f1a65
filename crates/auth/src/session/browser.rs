//! Which browser a session is in, in words a person recognises it by: a family and a system, and no more of what a
//! browser tells of itself.

use std::fmt;

use http::HeaderMap;
use http::header;

/// A family of browsers on a kind of system; empty where nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Browser {
    family: &'static str,
    system: &'static str,
}

/// What gives a family away, in an order in which those that pose as another come first.
const FAMILIES: [(&str, &str); 8] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// What gives a system away, in an order in which those that pose as another come first.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

impl Browser {
    /// The browser that has sent these headers.
    pub fn of(headers: &HeaderMap) -> Self {
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let find = |marks: &[(&str, &'static str)]| {
            marks.iter().find(|(mark, _)| agent.contains(mark)).map_or("", |(_, word)| *word)
        };
        Self { family: find(&FAMILIES), system: find(&SYSTEMS) }
    }
}

impl fmt::Display for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.family, self.system) {
            ("", system) => f.write_str(system),
            (family, "") => f.write_str(family),
            (family, system) => write!(f, "{family} on {system}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_by_family_and_system() {
        for (agent, words) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36 Edg/148.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("Mozilla/5.0 (Linux; Android 16) Chrome/148.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
            ("curl/8.5.0", ""),
            ("<script>", ""),
        ] {
            let headers = HeaderMap::from_iter([(header::USER_AGENT, agent.parse().unwrap())]);
            assert_eq!(Browser::of(&headers).to_string(), words, "{agent}");
        }
        assert_eq!(Browser::of(&HeaderMap::new()).to_string(), "");
    }
}
