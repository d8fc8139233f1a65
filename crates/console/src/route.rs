//! Every page's address, once.

/// Methods and address templates of the pages, in the order of the navigation.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/register"),
    ("POST", "/register"),
    ("POST", "/sign-out"),
    ("GET", "/signed-out"),
    ("GET", "/consent"),
    ("POST", "/consent"),
    ("GET", "/integrations/"),
    ("GET", "/integrations/{slug}/unlink"),
    ("POST", "/integrations/{slug}/unlink"),
    ("GET", "/developer/"),
    ("GET", "/developer/applications/new"),
    ("POST", "/developer/applications"),
    ("GET", "/developer/applications/{id}"),
    ("GET", "/developer/applications/{id}/edit"),
    ("POST", "/developer/applications/{id}/edit"),
    ("POST", "/developer/applications/{id}/secrets"),
    ("GET", "/developer/applications/{id}/secrets/{secret}/end"),
    ("POST", "/developer/applications/{id}/secrets/{secret}/end"),
    ("GET", "/developer/applications/{id}/trust/{slug}"),
    ("POST", "/developer/applications/{id}/trust/{slug}"),
    ("GET", "/admin/"),
    ("GET", "/admin/applications"),
    ("GET", "/admin/applications/{id}"),
    ("POST", "/admin/applications/{id}/verify"),
    ("GET", "/admin/applications/{id}/withdraw"),
    ("POST", "/admin/applications/{id}/withdraw"),
    ("GET", "/admin/trust"),
    ("GET", "/admin/trust/{id}"),
    ("POST", "/admin/trust/{id}"),
    ("GET", "/admin/trust/{id}/withdraw"),
    ("POST", "/admin/trust/{id}/withdraw"),
    ("GET", "/admin/integrations"),
    ("POST", "/admin/integrations"),
    ("GET", "/admin/integrations/new"),
    ("GET", "/admin/integrations/new/{provider}"),
    ("GET", "/admin/integrations/{slug}"),
    ("POST", "/admin/integrations/{slug}"),
    ("GET", "/admin/integrations/{slug}/disable"),
    ("POST", "/admin/integrations/{slug}/disable"),
    ("POST", "/admin/integrations/{slug}/enable"),
    ("GET", "/admin/people"),
    ("POST", "/admin/people"),
    ("GET", "/admin/people/new"),
    ("GET", "/admin/people/{id}"),
    ("POST", "/admin/people/{id}"),
    ("GET", "/admin/organisation"),
    ("POST", "/admin/organisation/sites"),
    ("POST", "/admin/organisation/studies"),
    ("GET", "/admin/audit"),
];

/// Pages of other crates that ours link to.
#[cfg(test)]
const ELSEWHERE: &[(&str, &str)] = &[("GET", "/docs"), ("GET", "/integrations/oauth2/{slug}/connect")];

/// Whether a page answers this method at this address.
#[cfg(test)]
pub(crate) fn exists(method: &str, href: &str) -> bool {
    let path = href.split(['?', '#']).next().unwrap_or_default();
    let fits = |template: &str| {
        let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
        template.len() == path.len()
            && template.iter().zip(&path).all(|(t, p)| t == p || (t.starts_with('{') && !p.is_empty()))
    };
    ROUTES.iter().chain(ELSEWHERE).any(|(m, template)| *m == method && fits(template))
}
