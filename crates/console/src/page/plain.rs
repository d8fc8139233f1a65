//! Pages for somebody who is not signed in: one heading, one form.

use askama::Template;

use crate::{
    form::{Choice, Field, Form},
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

/// Create one's own account, at one of these organisations; without a choice there is only one.
pub(crate) fn register(password_min: usize, name: &str, email: &str, organisations: Vec<Choice>) -> Plain {
    let mut form = Form::new("/register", "Create account")
        .with(Field::line("display_name", "Your name", "text", "name").value(name))
        .with(Field::line("email", "E-mail address", "email", "username").value(email))
        .with(
            Field::line("password", "Password", "password", "new-password")
                .hint(format!("At least {password_min} characters. A few words in a row are good.")),
        );
    if !organisations.is_empty() {
        form = form.with(Field::select("organisation", "Where you belong", organisations));
    }
    Plain {
        frame: Frame::outside("Create an account"),
        heading: "Create an account",
        lead: "With it you link your health services in one place, and decide who may use them.".to_owned(),
        form: Some(form),
        otherwise: Some(("Have one already?", "/sign-in".to_owned(), "Sign in")),
    }
}

/// Leave? For somebody whom an application has sent here.
pub(crate) fn sign_out() -> Plain {
    Plain {
        frame: Frame::outside("Sign out"),
        heading: "Sign out?",
        lead: "You sign out of this deployment. Applications that you allowed keep working.".to_owned(),
        form: Some(Form::new("/sign-out", "Sign out")),
        otherwise: Some(("Or stay, and", "/".to_owned(), "go to the start page")),
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
