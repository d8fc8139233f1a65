//! The page that posts an answer to the client.  OAuth 2.0 Form Post Response Mode §2
//!
//! A script of our own sends the form at once; without scripts there is a button. The policy of this one page lets its form go to
//! the origin of the redirect URI, which is registered, and nowhere else.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use url::Url;

const SCRIPT: &str = "document.forms[0].submit();\n";

/// Never cached: the page holds a code. Not compressed, so that its length tells nothing about it.
const CACHE: HeaderValue = HeaderValue::from_static("no-store, no-transform");
const A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// `GET /oauth2/form_post.js`
pub(crate) async fn script() -> impl IntoResponse {
    let kind = HeaderValue::from_static("text/javascript; charset=utf-8");
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, A_DAY)], SCRIPT)
}

/// What the page says to whoever sees it, because scripts are off or the network is slow. Who shows the other pages says
/// it, in the language of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The language of the words.
    pub lang: String,
    /// The direction of its script.
    pub dir: &'static str,
    /// Where the browser goes.
    pub title: String,
    /// The button.
    pub act: String,
    /// Where the style sheet is, on this site.
    pub sheet: Option<&'static str>,
}

impl Default for Handover {
    /// For a deployment without other pages.
    fn default() -> Self {
        Self {
            lang: "en".to_owned(),
            dir: "ltr",
            title: "Back to the application".to_owned(),
            act: "Continue".to_owned(),
            sheet: None,
        }
    }
}

pub(super) fn page(action: &str, fields: &[(String, String)], says: &Handover) -> Response {
    let headers: [(HeaderName, HeaderValue); 2] =
        [(header::CACHE_CONTROL, CACHE), (header::CONTENT_SECURITY_POLICY, policy(action))];
    (headers, Html(html(action, fields, says))).into_response()
}

fn policy(action: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action {}",
        origin(action)
    );
    HeaderValue::from_str(&policy)
        .unwrap_or(HeaderValue::from_static("default-src 'none'; form-action 'none'"))
}

/// The origin as a source of a policy; the scheme alone where a host has characters that mean something there.
fn origin(action: &str) -> String {
    let origin = Url::parse(action).ok().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'/' | b'.' | b'-' | b'[' | b']');
    if origin.bytes().all(is_plain) { origin } else { "https:".to_owned() }
}

fn html(action: &str, fields: &[(String, String)], says: &Handover) -> String {
    let inputs: String = fields
        .iter()
        .map(|(name, value)| {
            format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escaped(name), escaped(value))
        })
        .collect();
    let sheet = says.sheet.map(escaped);
    let sheet = sheet.map(|href| format!("<link rel=\"stylesheet\" href=\"{href}\">\n")).unwrap_or_default();
    let (lang, dir) = (escaped(&says.lang), says.dir);
    let (title, act, action) = (escaped(&says.title), escaped(&says.act), escaped(action));
    format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\" dir=\"{dir}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n{sheet}</head>\n<body>\n<div class=\"shell narrow\"><main>\n<h1>{title}</h1>\n\
         <form method=\"post\" action=\"{action}\">\n{inputs}<button type=\"submit\">{act}</button>\n</form>\n</main></div>\n\
         <script src=\"/oauth2/form_post.js\"></script>\n</body>\n</html>\n"
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_answer_becomes_markup() {
        let fields = [("state".to_owned(), "\"><script>alert('1')</script>&".to_owned())];
        let html = html("https://app.example/cb?a=1&b='2", &fields, &Handover::default());
        assert_eq!(html.matches("<script").count(), 1);
        assert!(html.contains("value=\"&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;\""));
        assert!(html.contains("action=\"https://app.example/cb?a=1&amp;b=&#39;2\""));
    }

    #[test]
    fn the_page_says_what_it_is_given_and_nothing_else() {
        let says = Handover {
            lang: "uk".to_owned(),
            title: "Назад <до> застосунку".to_owned(),
            act: "Продовжити".to_owned(),
            sheet: Some("/assets/a.css"),
            ..Handover::default()
        };
        let html = html("https://app.example/cb", &[], &says);
        for part in [
            "<html lang=\"uk\" dir=\"ltr\">",
            "<h1>Назад &lt;до&gt; застосунку</h1>",
            ">Продовжити</button>",
            "href=\"/assets/a.css\"",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("Continue") && !html.contains("Back"));
    }

    #[test]
    fn the_form_may_go_to_the_client_and_nowhere_else() {
        for (action, source) in [
            ("https://app.example/cb?x=1", "https://app.example"),
            ("https://app.example:8443/cb", "https://app.example:8443"),
            ("http://127.0.0.1:5000/", "http://127.0.0.1:5000"),
            ("http://[::1]:5000/", "http://[::1]:5000"),
            ("https://a.example;script-src/", "https:"),
        ] {
            let policy = policy(action);
            assert!(policy.to_str().unwrap().ends_with(&format!("form-action {source}")), "{policy:?}");
        }
    }
}
