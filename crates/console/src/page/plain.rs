//! Pages for somebody who is not signed in: one heading, one form.

use askama::Template;

use crate::{
    form::{Field, Form},
    frame::Frame,
};

/// One heading and at most one form.
#[derive(Template)]
#[template(path = "plain.html")]
pub(crate) struct Plain {
    pub(crate) frame: Frame,
    pub(crate) heading: &'static str,
    pub(crate) lead: String,
    pub(crate) form: Option<Form>,
    /// The other way: words before the link, address, words of the link.
    pub(crate) otherwise: Option<(&'static str, String, &'static str)>,
}

/// Sign in: `return_to` is where the browser goes afterwards.
pub(crate) fn sign_in(return_to: &str, email: &str, may_register: bool) -> Plain {
    let form = Form::new("/sign-in", "Sign in")
        .hiding("return_to", return_to)
        .with(Field::line("email", "E-mail address", "email", "username").value(email))
        .with(Field::line("password", "Password", "password", "current-password"));
    Plain {
        frame: Frame::outside("Sign in"),
        heading: "Sign in",
        lead: "Link your health services, and see who may use them.".to_owned(),
        form: Some(form),
        otherwise: may_register.then(|| ("No account yet?", "/register".to_owned(), "Create one")),
    }
}

/// Create one's own account.
pub(crate) fn register(password_min: usize, name: &str, email: &str) -> Plain {
    let form = Form::new("/register", "Create account")
        .with(Field::line("name", "Your name", "text", "name").value(name))
        .with(Field::line("email", "E-mail address", "email", "username").value(email))
        .with(
            Field::line("password", "Password", "password", "new-password")
                .hint(format!("At least {password_min} characters. A few words in a row are good.")),
        );
    Plain {
        frame: Frame::outside("Create an account"),
        heading: "Create an account",
        lead: "With it you link your health services in one place, and decide who may use them.".to_owned(),
        form: Some(form),
        otherwise: Some(("Have one already?", "/sign-in".to_owned(), "Sign in")),
    }
}

/// Goodbye.
pub(crate) fn signed_out() -> Plain {
    Plain {
        frame: Frame::outside("Signed out"),
        heading: "You are signed out",
        lead: "Applications that you allowed keep working. On a shared computer, close the browser as well."
            .to_owned(),
        form: None,
        otherwise: Some(("Back again?", "/sign-in".to_owned(), "Sign in")),
    }
}
