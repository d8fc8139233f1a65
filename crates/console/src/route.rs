//! Every page's address, and what answers there.

use axum::{
    Router,
    routing::{get, post},
};
use web::Csp;

use crate::{
    Console,
    account::{
        app, consent, device, factor, passkey, register, second, security, session, sign_in, sign_out, start,
        upstream,
    },
    asset, connected,
    connection::{Side, delete, refresh},
    language,
    launch::{open, pick},
    services,
};

/// Methods and address templates of the pages, in the order of the navigation.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/sign-in/second"),
    ("POST", "/sign-in/second"),
    ("POST", "/sign-in/passkey/options"),
    ("POST", "/sign-in/passkey"),
    ("POST", "/sign-in/upstream/{slug}"),
    ("GET", "/sign-in/upstream/{slug}/callback"),
    ("GET", "/sign-in/link/{slug}"),
    ("GET", "/register"),
    ("POST", "/register"),
    ("GET", "/sign-out"),
    ("POST", "/sign-out"),
    ("GET", "/signed-out"),
    ("POST", "/language"),
    ("GET", "/consent"),
    ("POST", "/consent"),
    ("GET", "/device"),
    ("POST", "/device"),
    ("GET", "/device/done"),
    ("GET", "/device/{id}"),
    ("POST", "/device/{id}"),
    ("GET", "/launch"),
    ("POST", "/launch"),
    ("GET", "/launch/patient"),
    ("POST", "/launch/patient"),
    ("GET", "/account/applications"),
    ("POST", "/account/applications/{id}/revoke"),
    ("GET", "/account/security"),
    ("POST", "/account/security/codes"),
    ("POST", "/account/security/apps"),
    ("GET", "/account/security/apps/{id}"),
    ("POST", "/account/security/apps/{id}"),
    ("POST", "/account/security/passkeys/options"),
    ("POST", "/account/security/passkeys"),
    ("GET", "/account/security/factors/{id}"),
    ("POST", "/account/security/factors/{id}"),
    ("GET", "/account/security/factors/{id}/remove"),
    ("POST", "/account/security/factors/{id}/remove"),
    ("GET", "/account/security/upstream/{slug}/unlink"),
    ("POST", "/account/security/upstream/{slug}/unlink"),
    ("POST", "/account/security/sessions/{id}/end"),
    ("POST", "/account/security/sessions/end-others"),
    ("GET", "/integrations/"),
    ("GET", "/integrations/{slug}/unlink"),
    ("POST", "/integrations/{slug}/unlink"),
    ("GET", "/receivers/open/{token}"),
    ("GET", "/receivers/{id}"),
    ("GET", "/receivers/{id}/deliveries/{event}"),
    ("POST", "/receivers/{id}/deliveries/{event}/replay"),
    ("POST", "/receivers/{id}/replay"),
    ("POST", "/receivers/{id}/test"),
    ("POST", "/receivers/{id}/pause"),
    ("POST", "/receivers/{id}/resume"),
    ("GET", "/receivers/{id}/secret"),
    ("POST", "/receivers/{id}/secret"),
    ("POST", "/receivers/{id}/leave"),
    ("GET", "/developer/"),
    ("GET", "/developer/applications/new"),
    ("POST", "/developer/applications"),
    ("GET", "/developer/applications/{id}"),
    ("GET", "/developer/applications/{id}/edit"),
    ("POST", "/developer/applications/{id}/edit"),
    ("POST", "/developer/applications/{id}/ask"),
    ("GET", "/developer/applications/{id}/conformance"),
    ("GET", "/developer/applications/{id}/failures"),
    ("POST", "/developer/applications/{id}/secrets"),
    ("GET", "/developer/applications/{id}/secrets/{secret}/end"),
    ("POST", "/developer/applications/{id}/secrets/{secret}/end"),
    ("GET", "/developer/applications/{id}/trust/{slug}"),
    ("POST", "/developer/applications/{id}/trust/{slug}"),
    ("GET", "/developer/applications/{id}/connections/{connection}/secret"),
    ("POST", "/developer/applications/{id}/connections/{connection}/secret"),
    ("GET", "/developer/applications/{id}/connections/{connection}/delete"),
    ("POST", "/developer/applications/{id}/connections/{connection}/delete"),
    ("GET", "/developer/keys"),
    ("POST", "/developer/keys"),
    ("GET", "/developer/keys/new"),
    ("GET", "/developer/keys/{id}/delete"),
    ("POST", "/developer/keys/{id}/delete"),
    ("GET", "/staff/integrations"),
    ("GET", "/staff/integrations/{id}"),
    ("POST", "/staff/integrations/{id}/test"),
    ("GET", "/staff/integrations/{id}/syncs"),
    ("POST", "/staff/integrations/{id}/syncs"),
    ("POST", "/staff/integrations/{id}/syncs/{job}/cancel"),
    ("POST", "/staff/integrations/{id}/syncs/{job}/retry"),
    ("GET", "/staff/integrations/{id}/quarantine"),
    ("GET", "/staff/integrations/{id}/quarantine/{record}"),
    ("POST", "/staff/integrations/{id}/quarantine/{record}/replay"),
    ("POST", "/staff/integrations/{id}/quarantine/{record}/discard"),
    ("GET", "/staff/integrations/{id}/logs"),
    ("GET", "/staff/integrations/{id}/metrics"),
    ("GET", "/staff/alerts"),
    ("POST", "/staff/alerts/{rule}/acknowledge"),
    ("GET", "/staff/webhooks"),
    ("GET", "/staff/webhooks/{id}"),
    ("GET", "/staff/webhooks/{id}/deliveries/{event}"),
    ("POST", "/staff/webhooks/{id}/deliveries/{event}/replay"),
    ("POST", "/staff/webhooks/{id}/replay"),
    ("POST", "/staff/webhooks/{id}/test"),
    ("POST", "/staff/webhooks/{id}/pause"),
    ("POST", "/staff/webhooks/{id}/resume"),
    ("GET", "/staff/webhooks/{id}/secret"),
    ("POST", "/staff/webhooks/{id}/secret"),
    ("GET", "/staff/webhooks/{id}/links/new"),
    ("POST", "/staff/webhooks/{id}/links"),
    ("POST", "/staff/webhooks/{id}/links/{link}/revoke"),
    ("GET", "/admin/"),
    ("GET", "/admin/applications"),
    ("GET", "/admin/applications/{id}"),
    ("POST", "/admin/applications/{id}/verify"),
    ("GET", "/admin/applications/{id}/send-back"),
    ("POST", "/admin/applications/{id}/send-back"),
    ("GET", "/admin/applications/{id}/withdraw"),
    ("POST", "/admin/applications/{id}/withdraw"),
    ("GET", "/admin/applications/{id}/connections/{connection}/secret"),
    ("POST", "/admin/applications/{id}/connections/{connection}/secret"),
    ("GET", "/admin/applications/{id}/connections/{connection}/delete"),
    ("POST", "/admin/applications/{id}/connections/{connection}/delete"),
    ("GET", "/admin/tokens"),
    ("POST", "/admin/tokens"),
    ("GET", "/admin/tokens/new"),
    ("GET", "/admin/tokens/{id}/revoke"),
    ("POST", "/admin/tokens/{id}/revoke"),
    ("GET", "/admin/trust"),
    ("GET", "/admin/trust/{slug}/{client}"),
    ("POST", "/admin/trust/{slug}/{client}"),
    ("GET", "/admin/trust/{slug}/{client}/withdraw"),
    ("POST", "/admin/trust/{slug}/{client}/withdraw"),
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
    ("POST", "/admin/people/{id}/fhir-user"),
    ("POST", "/admin/people/{id}/patients"),
    ("GET", "/admin/people/{id}/patients/{patient}/unlink"),
    ("POST", "/admin/people/{id}/patients/{patient}/unlink"),
    ("GET", "/admin/upstream"),
    ("GET", "/admin/upstream/new"),
    ("GET", "/admin/upstream/new/{preset}"),
    ("POST", "/admin/upstream/new/{preset}"),
    ("GET", "/admin/upstream/{slug}"),
    ("GET", "/admin/upstream/{slug}/disable"),
    ("POST", "/admin/upstream/{slug}/disable"),
    ("POST", "/admin/upstream/{slug}/enable"),
    ("GET", "/admin/organisation"),
    ("POST", "/admin/organisation/sites"),
    ("POST", "/admin/organisation/studies"),
    ("GET", "/admin/sites"),
    ("POST", "/admin/sites/plan"),
    ("GET", "/admin/sites/{id}"),
    ("POST", "/admin/sites/{id}"),
    ("GET", "/admin/audit"),
];

/// How large a form may be, in bytes: the largest field is a private key.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// The pages behind the door, with the policy that browsers hold them to. To be spoken as [`web::Dialect::Page`] with
/// [`error_page`](crate::error_page).
pub fn routes(console: Console) -> Router {
    let inside =
        Router::new().merge(own()).merge(receivers()).merge(staff()).merge(portal()).merge(administration());
    let pages = web::browser(Csp::strict(), inside);
    // A form that ends at the application that it opens.
    let launching = Router::new().route("/launch", get(open::ask).post(open::open));
    let pages = pages.merge(web::browser(Csp::ending_elsewhere(), launching));
    let assets = Router::new().route("/assets/{hash}/{name}", get(asset::get));
    web::body_limit(FORM_BYTES_MAX, pages).merge(assets).with_state(console)
}

/// The pages before the door, where passwords are tried: a router of their own, to be limited more tightly. Their forms may
/// end at an application: sign-in on the way to one, and consent.
pub fn entrance(console: Console) -> Router {
    let entrance = Router::new()
        .route("/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/sign-in/second", get(second::ask).post(second::enter))
        .route("/sign-in/passkey/options", post(passkey::ask))
        .route("/sign-in/passkey", post(passkey::enter))
        .route("/sign-in/upstream/{slug}", post(upstream::depart))
        .route("/sign-in/upstream/{slug}/callback", get(upstream::arrive))
        .route("/sign-in/link/{slug}", get(upstream::ask_to_link))
        .route("/register", get(register::show).post(register::create))
        .route("/consent", get(consent::ask).post(consent::decide))
        .route("/device", get(device::ask).post(device::find))
        .route("/device/done", get(device::done))
        .route("/device/{id}", get(device::consent).post(device::decide));
    web::body_limit(FORM_BYTES_MAX, web::browser(Csp::ending_elsewhere(), entrance)).with_state(console)
}

fn own() -> Router<Console> {
    Router::new()
        .route("/", get(start::show))
        .route("/launch/patient", get(pick::ask).post(pick::choose))
        .route("/sign-out", get(sign_out::ask).post(sign_out::leave))
        .route("/signed-out", get(sign_out::show))
        .route("/language", post(language::change))
        .route("/account/applications", get(connected::show::show))
        .route("/account/applications/{id}/revoke", post(connected::revoke::revoke))
        .route("/account/security", get(security::show))
        .route("/account/security/codes", post(security::draw_codes))
        .route("/account/security/apps", post(app::begin))
        .route("/account/security/apps/{id}", get(app::show).post(app::confirm))
        .route("/account/security/passkeys/options", post(passkey::ask_to_register))
        .route("/account/security/passkeys", post(passkey::register))
        .route("/account/security/factors/{id}", get(factor::show).post(factor::rename))
        .route("/account/security/factors/{id}/remove", get(factor::ask).post(factor::remove))
        .route(
            "/account/security/upstream/{slug}/unlink",
            get(upstream::ask_to_unlink).post(upstream::unlink),
        )
        .route("/account/security/sessions/{id}/end", post(session::end))
        .route("/account/security/sessions/end-others", post(session::end_others))
        .route("/integrations/", get(services::show::show))
        .route("/integrations/{slug}/unlink", get(services::unlink::ask).post(services::unlink::unlink))
}

/// Integrations, for those who look after them.
fn staff() -> Router<Console> {
    use crate::staff::{alert, aside, integration, log, metric, sync, test, webhook};
    const ONE: &str = "/staff/integrations/{id}";
    const HOOK: &str = "/staff/webhooks/{id}";
    let below = |base: &str, rest: &str| format!("{base}{rest}");
    Router::new()
        .route("/staff/integrations", get(integration::list))
        .route(ONE, get(integration::show))
        .route(&below(ONE, "/test"), post(test::test))
        .route(&below(ONE, "/syncs"), get(sync::list).post(sync::begin))
        .route(&below(ONE, "/syncs/{job}/cancel"), post(sync::cancel))
        .route(&below(ONE, "/syncs/{job}/retry"), post(sync::retry))
        .route(&below(ONE, "/quarantine"), get(aside::list))
        .route(&below(ONE, "/quarantine/{record}"), get(aside::show))
        .route(&below(ONE, "/quarantine/{record}/replay"), post(aside::replay))
        .route(&below(ONE, "/quarantine/{record}/discard"), post(aside::discard))
        .route(&below(ONE, "/logs"), get(log::list))
        .route(&below(ONE, "/metrics"), get(metric::show))
        .route("/staff/alerts", get(alert::list))
        .route("/staff/alerts/{rule}/acknowledge", post(alert::acknowledge))
        .route("/staff/webhooks", get(webhook::list))
        .route(HOOK, get(webhook::show))
        .route(&below(HOOK, "/deliveries/{event}"), get(webhook::delivery))
        .route(&below(HOOK, "/deliveries/{event}/replay"), post(webhook::replay_one))
        .route(&below(HOOK, "/replay"), post(webhook::replay))
        .route(&below(HOOK, "/test"), post(webhook::test))
        .route(&below(HOOK, "/pause"), post(webhook::pause))
        .route(&below(HOOK, "/resume"), post(webhook::resume))
        .route(&below(HOOK, "/secret"), get(webhook::ask_to_rotate).post(webhook::rotate))
        .route(&below(HOOK, "/links/new"), get(webhook::ask_link))
        .route(&below(HOOK, "/links"), post(webhook::make_link))
        .route(&below(HOOK, "/links/{link}/revoke"), post(webhook::revoke_link))
}

/// For whoever receives the calls of a webhook endpoint.
fn receivers() -> Router<Console> {
    use crate::receiver::{act, open, secret, show};
    Router::new()
        .route("/receivers/open/{token}", get(open::open))
        .route("/receivers/{id}", get(show::show))
        .route("/receivers/{id}/deliveries/{event}", get(show::delivery))
        .route("/receivers/{id}/deliveries/{event}/replay", post(act::replay_one))
        .route("/receivers/{id}/replay", post(act::replay))
        .route("/receivers/{id}/test", post(act::test))
        .route("/receivers/{id}/pause", post(act::pause))
        .route("/receivers/{id}/resume", post(act::resume))
        .route("/receivers/{id}/secret", get(secret::ask).post(secret::rotate))
        .route("/receivers/{id}/leave", post(open::leave))
}

fn portal() -> Router<Console> {
    use crate::developer::{applications, edit, inspect, key, register, secret, show, trust};
    Router::new()
        .route("/developer/", get(applications::list))
        .route("/developer/applications/new", get(register::ask))
        .route("/developer/applications", post(register::register))
        .route("/developer/applications/{id}", get(show::show))
        .route("/developer/applications/{id}/edit", get(edit::ask).post(edit::save))
        .route("/developer/applications/{id}/ask", post(show::ask))
        .route("/developer/applications/{id}/conformance", get(inspect::conformance))
        .route("/developer/applications/{id}/failures", get(inspect::failures))
        .route("/developer/applications/{id}/secrets", post(secret::draw))
        .route("/developer/applications/{id}/secrets/{secret}/end", get(secret::ask).post(secret::end))
        .route("/developer/applications/{id}/trust/{slug}", get(trust::ask).post(trust::request))
        .merge(connections::<auth::Developer>())
        .route("/developer/keys", get(key::list).post(key::make))
        .route("/developer/keys/new", get(key::ask))
        .route("/developer/keys/{id}/delete", get(key::ask_to_delete).post(key::delete))
}

/// The connections of an application, on this side.
fn connections<S: Side>() -> Router<Console> {
    let one = format!("{}/{{id}}/connections/{{connection}}", S::PAGES);
    Router::new()
        .route(&format!("{one}/secret"), get(refresh::ask::<S>).post(refresh::refresh::<S>))
        .route(&format!("{one}/delete"), get(delete::ask::<S>).post(delete::delete::<S>))
}

fn administration() -> Router<Console> {
    use crate::admin::{
        application, audit, integration, organisation, overview, person, provider, record, review, site,
        token, trust,
    };
    Router::new()
        .route("/admin/", get(overview::show))
        .route("/admin/applications", get(application::list))
        .route("/admin/applications/{id}", get(application::show))
        .route("/admin/applications/{id}/verify", post(application::verify))
        .route("/admin/applications/{id}/send-back", get(review::ask).post(review::send_back))
        .route("/admin/applications/{id}/withdraw", get(application::ask).post(application::withdraw))
        .merge(connections::<auth::Administrator>())
        .route("/admin/tokens", get(token::list).post(token::make))
        .route("/admin/tokens/new", get(token::ask))
        .route("/admin/tokens/{id}/revoke", get(token::ask_to_revoke).post(token::revoke))
        .route("/admin/trust", get(trust::list))
        .route("/admin/trust/{slug}/{client}", get(trust::show).post(trust::grant))
        .route("/admin/trust/{slug}/{client}/withdraw", get(trust::ask).post(trust::withdraw))
        .route("/admin/integrations", get(integration::list).post(integration::add))
        .route("/admin/integrations/new", get(provider::pick))
        .route("/admin/integrations/new/{provider}", get(integration::ask))
        .route("/admin/integrations/{slug}", get(integration::show).post(integration::save))
        .route("/admin/integrations/{slug}/disable", get(integration::ask_disable).post(integration::disable))
        .route("/admin/integrations/{slug}/enable", post(integration::enable))
        .route("/admin/people", get(person::list).post(person::add))
        .route("/admin/people/new", get(person::ask))
        .route("/admin/people/{id}", get(person::show).post(person::save))
        .route("/admin/people/{id}/fhir-user", post(record::declare))
        .route("/admin/people/{id}/patients", post(record::link))
        .route("/admin/people/{id}/patients/{patient}/unlink", get(record::ask).post(record::unlink))
        .merge(upstream_providers())
        .route("/admin/organisation", get(organisation::show))
        .route("/admin/organisation/sites", post(organisation::add_site))
        .route("/admin/organisation/studies", post(organisation::add_study))
        .route("/admin/sites", get(site::list))
        .route("/admin/sites/plan", post(site::change_plan))
        .route("/admin/sites/{id}", get(site::show).post(site::change))
        .route("/admin/audit", get(audit::list))
}

/// Providers that people sign in through.
fn upstream_providers() -> Router<Console> {
    use crate::admin::upstream;
    Router::new()
        .route("/admin/upstream", get(upstream::list))
        .route("/admin/upstream/new", get(upstream::pick))
        .route("/admin/upstream/new/{preset}", get(upstream::ask).post(upstream::add))
        .route("/admin/upstream/{slug}", get(upstream::show))
        .route("/admin/upstream/{slug}/disable", get(upstream::ask_to_disable).post(upstream::disable))
        .route("/admin/upstream/{slug}/enable", post(upstream::enable))
}

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
