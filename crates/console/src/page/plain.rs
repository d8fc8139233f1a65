//! Pages for somebody who is not signed in: one heading, one form.

use askama::Template;

use crate::{
    form::{Choice, Field, Form},
    frame::Frame,
    language::Said,
    t,
};

/// One heading and at most one form.
#[derive(Template)]
#[template(path = "plain.html")]
pub(crate) struct Plain {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) lead: String,
    pub(crate) form: Option<Form>,
    /// The other way: words before the link, address, words of the link.
    pub(crate) otherwise: Option<(String, String, String)>,
}

/// Sign in: `return_to` is where the browser goes afterwards.
pub(crate) fn sign_in(return_to: &str, email: &str, may_register: bool) -> Plain {
    let form = Form::new("/sign-in", t("sign-in-act"))
        .hiding("return_to", return_to)
        .with(Field::line("email", t("field-email"), "email", "username").value(email))
        .with(Field::line("password", t("field-password"), "password", "current-password"));
    Plain {
        frame: Frame::outside(t("sign-in-title")),
        heading: t("sign-in-title").into(),
        lead: t("sign-in-lead").into(),
        form: Some(form),
        otherwise: may_register.then(|| or(t("sign-in-new"), "/register", t("sign-in-create"))),
    }
}

/// Create one's own account, at one of these organisations; without a choice there is only one.
pub(crate) fn register(password_min: usize, name: &str, email: &str, organisations: Vec<Choice>) -> Plain {
    let mut form = Form::new("/register", t("register-act"))
        .with(Field::line("display_name", t("field-name"), "text", "name").value(name))
        .with(Field::line("email", t("field-email"), "email", "username").value(email))
        .with(
            Field::line("password", t("field-password"), "password", "new-password")
                .hint(t("password-hint").count("least", password_min)),
        );
    if !organisations.is_empty() {
        form = form.with(Field::select("organisation", t("field-organisation"), organisations));
    }
    Plain {
        frame: Frame::outside(t("register-title")),
        heading: t("register-title").into(),
        lead: t("register-lead").into(),
        form: Some(form),
        otherwise: Some(or(t("register-known"), "/sign-in", t("sign-in-act"))),
    }
}

/// Leave? For somebody whom an application has sent here.
pub(crate) fn sign_out() -> Plain {
    Plain {
        frame: Frame::outside(t("sign-out-title")),
        heading: t("sign-out-question").into(),
        lead: t("sign-out-lead").into(),
        form: Some(Form::new("/sign-out", t("frame-sign-out"))),
        otherwise: Some(or(t("sign-out-stay"), "/", t("sign-out-start"))),
    }
}

/// Goodbye.
pub(crate) fn signed_out() -> Plain {
    Plain {
        frame: Frame::outside(t("signed-out-title")),
        heading: t("signed-out-heading").into(),
        lead: t("signed-out-lead").into(),
        form: None,
        otherwise: Some(or(t("signed-out-back"), "/sign-in", t("sign-in-act"))),
    }
}

/// Which device? It shows a code.
pub(crate) fn device(user_code: &str) -> Plain {
    let field =
        Field::line("user_code", t("device-code"), "text", "off").hint(t("device-hint")).value(user_code);
    Plain {
        frame: Frame::outside(t("device-title")),
        heading: t("device-title").into(),
        lead: t("device-lead").into(),
        form: Some(Form::new("/device", t("device-act")).with(field)),
        otherwise: None,
    }
}

/// The device goes on by itself.
pub(crate) fn device_done() -> Plain {
    Plain {
        frame: Frame::outside(t("device-done-title")),
        heading: t("device-done-title").into(),
        lead: t("device-done-lead").into(),
        form: None,
        otherwise: None,
    }
}

/// The other way: words before the link, address, words of the link.
pub(super) fn or(before: Said, href: &str, words: Said) -> (String, String, String) {
    (before.into(), href.to_owned(), words.into())
}
