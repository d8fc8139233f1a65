//! How a person signs in, where they are signed in, and what is shown once.

use askama::Template;
use auth::{person::factor::Kind, session::Acr};
use kernel::Secret;
use qrcode::{Color, EcLevel, QrCode};

use crate::{
    form::{Field, Form},
    frame::Frame,
    language::Said,
    moment::Moment,
    t,
};

/// The overview.
#[derive(Template)]
#[template(path = "security.html")]
pub(crate) struct Security {
    pub(crate) frame: Frame,
    /// How things are.
    pub(crate) how: String,
    /// Whether the sign-in is fresh enough to change anything.
    pub(crate) may_change: bool,
    /// Whether passkeys are possible at this address.
    pub(crate) has_passkeys: bool,
    pub(crate) codes_left: usize,
    pub(crate) links: Vec<LinkLine>,
    pub(crate) factors: Vec<FactorLine>,
    pub(crate) sessions: Vec<SessionLine>,
}

/// An external provider.
pub(crate) struct LinkLine {
    pub(crate) slug: String,
    pub(crate) name: String,
    /// None while it is not linked.
    pub(crate) since: Option<Moment>,
    pub(crate) used: Option<Moment>,
}

/// A factor.
pub(crate) struct FactorLine {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) since: Moment,
    pub(crate) used: Option<Moment>,
}

/// A session.
pub(crate) struct SessionLine {
    pub(crate) id: String,
    /// Empty where nothing is known.
    pub(crate) browser: String,
    pub(crate) with: String,
    pub(crate) began: Moment,
    pub(crate) seen: Moment,
    pub(crate) is_here: bool,
}

/// The key of a new app, and the form for its first code.
#[derive(Template)]
#[template(path = "add_app.html")]
pub(crate) struct AddApp {
    pub(crate) frame: Frame,
    /// The picture of the address that the app reads.
    pub(crate) picture: Option<Picture>,
    pub(crate) uri: String,
    pub(crate) key: String,
    pub(crate) form: Form,
}

/// A QR code as an SVG path.
pub(crate) struct Picture {
    /// The side, the quiet zone included.
    pub(crate) side: usize,
    pub(crate) path: String,
}

/// Recovery codes, once.
#[derive(Template)]
#[template(path = "codes.html")]
pub(crate) struct Codes {
    pub(crate) frame: Frame,
    pub(crate) codes: Vec<Secret<String>>,
}

impl SessionLine {
    /// The browser as a person says it. A session keeps its family and system in English.
    fn where_words(&self) -> String {
        match self.browser.split_once(" on ") {
            Some((browser, system)) => {
                t("sessions-browser-on").of("browser", browser).of("system", system).into()
            }
            None if self.browser.is_empty() => t("sessions-unknown").into(),
            None => self.browser.clone(),
        }
    }
}

/// What a factor is, in words.
pub(crate) fn kind_words(kind: Kind) -> Said {
    match kind {
        Kind::App => t("factor-app"),
        Kind::Passkey => t("factor-passkey"),
    }
}

/// What a session was begun with, in words.
pub(crate) fn acr_words(acr: Acr) -> Said {
    match acr {
        Acr::Password => t("sessions-one"),
        Acr::Mfa => t("sessions-two"),
        Acr::Passkey => t("sessions-passkey"),
    }
}

/// How things are, in a sentence.
pub(crate) fn how_you_sign_in(kinds: impl Iterator<Item = Kind>) -> String {
    let (mut has_app, mut has_passkey) = (false, false);
    for kind in kinds {
        match kind {
            Kind::App => has_app = true,
            Kind::Passkey => has_passkey = true,
        }
    }
    let said = match (has_passkey, has_app) {
        (true, _) => t("security-passkey"),
        (false, true) => t("security-two"),
        (false, false) => t("security-one"),
    };
    said.into()
}

/// The form for an app's first code.
pub(crate) fn add_app_form(id: &str, name: &str) -> Form {
    let name = if name.is_empty() { t("app-name").into() } else { name.to_owned() };
    let code = Field::line("code", t("second-code"), "text", "one-time-code").hint(t("app-code-hint"));
    Form::new(format!("/account/security/apps/{id}"), t("app-act"))
        .with(code)
        .with(Field::text("name", t("factor-name")).hint(t("app-name-hint")).value(name))
        .or_back_to("/account/security")
}

/// The picture of a text; none where it is too long for one.
pub(crate) fn qr_path(text: &str) -> Option<Picture> {
    /// ISO/IEC 18004 §5.3.8: four modules of nothing all around.
    const QUIET: usize = 4;
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (nth, colour) in code.to_colors().into_iter().enumerate() {
        if colour == Color::Dark {
            path.push_str(&format!("M{} {}h1v1h-1z", nth % width + QUIET, nth / width + QUIET));
        }
    }
    Some(Picture { side: width + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_its_three_corners_and_a_quiet_zone() {
        let picture = qr_path("otpauth://totp/x").unwrap();
        let side = picture.side;
        for (x, y) in [(4, 4), (side - 5, 4), (4, side - 5)] {
            assert!(picture.path.contains(&format!("M{x} {y}h1v1h-1z")), "{x} {y}");
        }
        assert!(!picture.path.contains("M3 "));
        assert!(qr_path(&"x".repeat(5_000)).is_none());
    }

    #[test]
    fn the_sentence_tells_the_strongest_way() {
        assert_eq!(how_you_sign_in([].into_iter()), "You sign in with your password alone");
        assert!(how_you_sign_in([Kind::App].into_iter()).ends_with("a second step"));
        assert!(how_you_sign_in([Kind::App, Kind::Passkey].into_iter()).contains("passkey"));
    }
}
