//! Coming in: a form, and other ways beside it.

use askama::Template;
use auth::person::factor::First;

use crate::{
    account::go_on::Onward,
    form::{Field, Form},
    frame::Frame,
    page::plain::{Plain, or},
    t,
};

/// One heading, a form, and what can be used in its place.
#[derive(Template)]
#[template(path = "enter.html")]
pub(crate) struct Enter {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) lead: String,
    pub(crate) form: Option<Form>,
    /// The other way: words before the link, address, words of the link.
    pub(crate) otherwise: Option<(String, String, String)>,
    pub(crate) passkey: Option<PasskeyWay>,
    /// External providers: the word in their addresses, and their names.
    pub(crate) providers: Vec<(String, String)>,
    pub(crate) return_to: String,
    pub(crate) acr: &'static str,
}

/// A button that asks the browser for a passkey; there only with JavaScript, without which there are no passkeys.
pub(crate) struct PasskeyWay {
    pub(crate) return_to: String,
    pub(crate) acr: &'static str,
    /// `first` or `second`.
    pub(crate) step: &'static str,
}

impl Enter {
    /// A plain page, with a passkey and external providers as other ways.
    pub(crate) fn around(
        plain: Plain,
        onward: &Onward,
        has_passkeys: bool,
        providers: Vec<(String, String)>,
    ) -> Self {
        let Plain { frame, heading, lead, form, otherwise } = plain;
        let passkey = has_passkeys.then(|| PasskeyWay::of(onward, "first"));
        let (return_to, acr) = (onward.return_to.to_string(), onward.acr());
        Self { frame, heading, lead, form, otherwise, passkey, providers, return_to, acr }
    }
}

impl PasskeyWay {
    fn of(onward: &Onward, step: &'static str) -> Self {
        Self { return_to: onward.return_to.to_string(), acr: onward.acr(), step }
    }
}

/// The second factor, after what was shown first.
pub(crate) fn second(onward: &Onward, first: First, has_app: bool, has_passkey: bool) -> Enter {
    let lead = match first {
        First::Password => t("second-lead-password"),
        First::Provider => t("second-lead-provider"),
    };
    let hint = if has_app { t("second-hint-app") } else { t("second-hint-recovery") };
    let form = Form::new("/sign-in/second", t("second-act"))
        .hiding("return_to", onward.return_to.as_str())
        .hiding("acr", onward.acr())
        .with(Field::line("code", t("second-code"), "text", "one-time-code").hint(hint));
    Enter {
        frame: Frame::outside(t("second-title")),
        heading: t("second-heading").into(),
        lead: lead.into(),
        form: Some(form),
        otherwise: Some(or(t("second-not-you"), "/sign-in", t("second-again"))),
        passkey: has_passkey.then(|| PasskeyWay::of(onward, "second")),
        providers: Vec::new(),
        return_to: onward.return_to.to_string(),
        acr: onward.acr(),
    }
}
