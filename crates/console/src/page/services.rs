//! A person's services: what is linked, since when, for what, and who may use it.  contract 1, `GET /integrations/`

use askama::Template;

use crate::{frame::Frame, label::State, moment::Moment};

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
    fn link_words(&self) -> &'static str {
        if self.linked.is_some() { "Link again" } else { "Link" }
    }
}

/// How things are, and what needs attention, in half a sentence each.
pub(crate) fn how_things_are(services: &[Service]) -> (String, Option<String>) {
    let linked = services.iter().filter(|s| s.linked.is_some()).count();
    let attention = services.iter().filter(|s| s.attention.is_some()).count();
    let how = match (linked, services.len()) {
        (_, 0) => "No service is set up here yet".to_owned(),
        (0, 1) => "Your one service is not linked".to_owned(),
        (1, 1) => "Your one service is linked".to_owned(),
        (0, all) => format!("None of {all} services is linked"),
        (linked, all) if linked == all => format!("All {all} services are linked"),
        (1, all) => format!("1 of {all} services is linked"),
        (linked, all) => format!("{linked} of {all} services are linked"),
    };
    let but = match attention {
        0 => None,
        1 => Some("1 needs your attention".to_owned()),
        many => Some(format!("{many} need your attention")),
    };
    (how, but)
}
