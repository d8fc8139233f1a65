//! A person's services: what is linked, since when, for what, and who may use it.  contract 1, `GET /integrations/`

use askama::Template;

use crate::{
    form::Form,
    frame::{Frame, Here, Viewer},
    label::State,
    language::Said,
    moment::Moment,
    page::confirm::Confirm,
    t,
};

/// The summary.
#[derive(Template)]
#[template(path = "services.html")]
pub(crate) struct Services {
    pub(crate) frame: Frame,
    /// How things are.
    pub(crate) how: String,
    /// What needs attention.
    pub(crate) but: Option<String>,
    /// The name of the person's organisation.
    pub(crate) organisation: String,
    pub(crate) services: Vec<Service>,
}

/// One service.
pub(crate) struct Service {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) state: State,
    /// What is wrong, and what to do.
    pub(crate) attention: Option<String>,
    /// What it is for, while it is not linked.
    pub(crate) purpose: String,
    pub(crate) linked: Option<Moment>,
    /// When the permission ends by itself.
    pub(crate) ends: Option<Moment>,
    pub(crate) last_use: Option<Moment>,
    /// What the service granted, in words.
    pub(crate) granted: Vec<String>,
    /// What was asked for and not granted, in words.
    pub(crate) withheld: Vec<String>,
    pub(crate) applications: Vec<Application>,
    /// Whether linking, or linking again, is possible now.
    pub(crate) may_link: bool,
    /// Whether its button is the page's first.
    pub(crate) is_first_to_do: bool,
}

/// An application that may use a service.
pub(crate) struct Application {
    pub(crate) name: String,
    /// What it may do, in words.
    pub(crate) may: Vec<String>,
    pub(crate) last_use: Option<Moment>,
}

impl Service {
    fn link_words(&self) -> Said {
        if self.linked.is_some() { t("services-link-again") } else { t("services-link") }
    }
}

/// How things are, and what needs attention, in half a sentence each.
pub(crate) fn how_things_are(services: &[Service]) -> (String, Option<String>) {
    let linked = services.iter().filter(|s| s.linked.is_some()).count();
    let attention = services.iter().filter(|s| s.attention.is_some()).count();
    let how = match (linked, services.len()) {
        (_, 0) => t("services-none"),
        (0, 1) => t("services-one-not-linked"),
        (1, 1) => t("services-one-linked"),
        (0, all) => t("services-none-linked").count("all", all),
        (linked, all) if linked == all => t("services-all-linked").count("all", all),
        (linked, all) => t("services-some-linked").count("linked", linked).count("all", all),
    };
    let but = (attention > 0).then(|| t("services-attention").count("many", attention).into());
    (how.into(), but)
}

/// What follows from unlinking, for the applications that use it too.
pub(crate) fn unlink_question(viewer: Viewer, slug: &str, name: &str, users: &[&str]) -> Confirm {
    let lead =
        if users.is_empty() { t("unlink-nobody") } else { t("unlink-users").of("names", users.join(", ")) };
    let question: String = t("unlink-question").of("name", name).into();
    let effects = [
        t("unlink-destroy").of("name", name),
        t("unlink-tell").of("name", name),
        t("unlink-read-before"),
        t("unlink-again"),
    ];
    Confirm {
        frame: Frame::inside(question.clone(), Here::Services, viewer),
        back: ("/integrations/".to_owned(), t("services-title").into()),
        heading: question,
        lead: lead.into(),
        effects: effects.map(String::from).into(),
        form: Form::new(format!("/integrations/{slug}/unlink"), t("services-unlink"))
            .or_back_to("/integrations/")
            .dangerous(),
    }
}
