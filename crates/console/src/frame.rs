//! What surrounds every page: title, who is signed in, where one is, what just happened.

use kernel::{Grants, Permission, Reach};

use crate::{label::Tone, language::Said, t};

/// The frame of a page.
pub(crate) struct Frame {
    /// The title of the page, as the browser shows it.
    pub(crate) title: String,
    /// Where the page is in the navigation.
    pub(crate) here: Here,
    /// Who is signed in.
    pub(crate) viewer: Option<Viewer>,
    /// What just happened, or must be known first.
    pub(crate) notice: Option<Notice>,
}

/// The signed-in person, as the frame shows it.
pub(crate) struct Viewer {
    /// The person's name.
    pub(crate) name: String,
    /// The name of the person's organisation.
    pub(crate) organisation: String,
    /// Whether there are patients whose records the person may open.
    pub(crate) has_patients: bool,
    /// Whether the developer portal is theirs to use.
    pub(crate) is_developer: bool,
    /// Whether administration is theirs to do.
    pub(crate) is_administrator: bool,
    /// What of integrations is theirs to look at.
    pub(crate) staff: Looks,
}

/// What of integrations somebody may look at.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Looks {
    /// How they are.
    pub(crate) integrations: bool,
    /// Rules, and what they fire for.
    pub(crate) alerts: bool,
    /// Webhook endpoints.
    pub(crate) webhooks: bool,
}

impl Looks {
    /// What these roles let somebody look at, somewhere.
    pub(crate) fn of(grants: &Grants) -> Self {
        let may = |permission| grants.reach(permission) != Reach::Nothing;
        Self {
            integrations: may(Permission::Read),
            alerts: may(Permission::Logs),
            webhooks: may(Permission::WebhookRead),
        }
    }
}

/// One message above the page.
pub(crate) struct Notice {
    /// What it means.
    pub(crate) tone: Tone,
    /// What it says.
    pub(crate) text: String,
}

/// Where a page is in the navigation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    /// Outside.
    Nowhere,
    /// A person's own services.
    Services,
    /// The applications that may act for a person.
    Connected,
    /// Opening an application for a patient.
    Launch,
    /// How a person signs in, and where they are signed in.
    Security,
    /// The developer portal.
    Developer,
    /// The developer portal: API keys.
    Keys,
    /// Integrations as staff look after them.
    StaffIntegrations,
    /// Rules of alerts.
    StaffAlerts,
    /// Webhook endpoints.
    StaffWebhooks,
    /// Administration: how things are.
    Overview,
    /// Administration: client applications.
    Applications,
    /// Administration: trust.
    Trust,
    /// Administration: integrations.
    Integrations,
    /// Administration: people.
    People,
    /// Administration: providers that people sign in through.
    Upstream,
    /// Administration: the organisation.
    Organisation,
    /// Administration: sites with records, and the plan.
    Sites,
    /// Administration: the audit trail.
    Audit,
}

/// Links of the navigation under one heading.
pub(crate) struct Group {
    /// The heading.
    pub(crate) heading: String,
    /// Address, words, and whether one is there.
    pub(crate) links: Vec<(&'static str, String, bool)>,
}

impl Frame {
    /// The frame of a page for somebody who is signed in.
    pub(crate) fn inside(title: impl Into<String>, here: Here, viewer: Viewer) -> Self {
        Self { title: title.into(), here, viewer: Some(viewer), notice: None }
    }

    /// The frame of a page for anybody.
    pub(crate) fn outside(title: impl Into<String>) -> Self {
        Self { title: title.into(), here: Here::Nowhere, viewer: None, notice: None }
    }

    /// With what just happened.
    pub(crate) fn telling(mut self, notice: Option<Notice>) -> Self {
        self.notice = notice;
        self
    }

    /// The navigation: none on a page that asks one question.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let asks_one_question = self.here == Here::Nowhere;
        let Some(viewer) = self.viewer.as_ref().filter(|_| !asks_one_question) else { return Vec::new() };
        let link = |here: Here, href, words: Said| (href, words.into(), self.here == here);
        let mut links = vec![
            link(Here::Services, "/integrations/", t("services-title")),
            link(Here::Connected, "/account/applications", t("connected-title")),
        ];
        if viewer.has_patients {
            links.push(link(Here::Launch, "/launch", t("launch-menu")));
        }
        links.push(link(Here::Security, "/account/security", t("security-title")));
        let mut groups = vec![Group { heading: t("menu-you").into(), links }];
        if viewer.is_developer {
            let links = vec![
                link(Here::Developer, "/developer/", t("menu-own-applications")),
                link(Here::Keys, "/developer/keys", t("keys-title")),
            ];
            groups.push(Group { heading: t("menu-developer").into(), links });
        }
        let staff = viewer.staff;
        let all = [
            (
                staff.integrations,
                link(Here::StaffIntegrations, "/staff/integrations", t("staff-integrations")),
            ),
            (staff.alerts, link(Here::StaffAlerts, "/staff/alerts", t("staff-alerts"))),
            (staff.webhooks, link(Here::StaffWebhooks, "/staff/webhooks", t("staff-webhooks"))),
        ];
        let links: Vec<_> = all.into_iter().filter_map(|(is_open, link)| is_open.then_some(link)).collect();
        if !links.is_empty() {
            groups.push(Group { heading: t("menu-staff").into(), links });
        }
        if viewer.is_administrator {
            let links = vec![
                link(Here::Overview, "/admin/", t("menu-overview")),
                link(Here::Integrations, "/admin/integrations", t("menu-integrations")),
                link(Here::Applications, "/admin/applications", t("menu-applications")),
                link(Here::Trust, "/admin/trust", t("menu-trust")),
                link(Here::People, "/admin/people", t("menu-people")),
                link(Here::Upstream, "/admin/upstream", t("menu-upstream")),
                link(Here::Organisation, "/admin/organisation", t("menu-organisation")),
                link(Here::Sites, "/admin/sites", t("menu-sites")),
                link(Here::Audit, "/admin/audit", t("menu-audit")),
            ];
            groups.push(Group { heading: t("menu-administration").into(), links });
        }
        groups
    }
}

impl Notice {
    /// Something was done.
    pub(crate) fn done(text: impl Into<String>) -> Self {
        Self { tone: Tone::Good, text: text.into() }
    }

    /// Something did not work.
    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self { tone: Tone::Bad, text: text.into() }
    }
}

#[cfg(any(test, feature = "samples"))]
impl Viewer {
    /// A made-up patient.
    pub(crate) fn sample_person() -> Self {
        Self {
            name: "Morag Sinclair".to_owned(),
            organisation: "Kelvin Health".to_owned(),
            has_patients: true,
            is_developer: false,
            is_administrator: false,
            staff: Looks::default(),
        }
    }
    /// A made-up developer.
    pub(crate) fn sample_developer() -> Self {
        Self { name: "Idris Okafor".to_owned(), is_developer: true, ..Self::sample_person() }
    }
    /// A made-up administrator.
    pub(crate) fn sample_administrator() -> Self {
        Self {
            name: "Ailsa Grant".to_owned(),
            is_developer: true,
            is_administrator: true,
            staff: Looks { integrations: true, alerts: true, webhooks: true },
            ..Self::sample_person()
        }
    }
}
