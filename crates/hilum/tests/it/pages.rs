//! Who may open which page and send which form: one row for each address of [`console::ROUTES`].

use std::collections::BTreeSet;

use http::Method;

use crate::app::{
    ADMINISTRATOR, Browser, DEVELOPER, DIARY, FOREIGN_ADMINISTRATOR, FOREIGN_DEVELOPER, PATIENT, Reply,
    TestApp, form,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Anybody,
    Person,
    Developer,
    Administrator,
}
use Who::{Administrator, Anybody, Developer, Person};

/// Method, address template, for whom, a form, and what whoever may is answered.
type Row = (&'static str, &'static str, Who, &'static [(&'static str, &'static str)], u16);

/// In the order in which they are tried: the form that unlinks after the page that asks.
const ROWS: [Row; 165] = [
    ("GET", "/", Person, &[], 303),
    ("GET", "/sign-in", Anybody, &[], 200),
    ("POST", "/sign-in", Anybody, &[], 422),
    // Nobody is halfway, and there are no passkeys on an IP address.
    ("GET", "/sign-in/second", Anybody, &[], 303),
    ("POST", "/sign-in/second", Anybody, &[], 303),
    ("POST", "/sign-in/passkey/options", Anybody, &[], 404),
    ("POST", "/sign-in/passkey", Anybody, &[], 404),
    ("POST", "/sign-in/upstream/{slug}", Anybody, &[], 404),
    ("GET", "/sign-in/upstream/{slug}/callback", Anybody, &[], 400),
    ("GET", "/sign-in/link/{slug}", Person, &[], 404),
    ("GET", "/register", Anybody, &[], 200),
    ("POST", "/register", Anybody, &[], 422),
    ("GET", "/sign-out", Anybody, &[], 200),
    ("POST", "/sign-out", Anybody, &[], 303),
    ("GET", "/signed-out", Anybody, &[], 200),
    ("POST", "/language", Anybody, &[("language", "uk")], 303),
    // Nothing is named, and nothing waits; what does is in every test that gets a token.
    ("GET", "/consent", Person, &[], 400),
    ("POST", "/consent", Person, &[], 400),
    ("GET", "/device", Person, &[], 200),
    ("POST", "/device", Person, &[("user_code", "BBBB-BBBB")], 422),
    ("GET", "/device/done", Person, &[], 200),
    ("GET", "/device/{id}", Person, &[], 404),
    ("POST", "/device/{id}", Person, &[("decision", "allow")], 404),
    ("GET", "/account/applications", Person, &[], 200),
    ("POST", "/account/applications/{id}/revoke", Person, &[], 303),
    ("GET", "/account/security", Person, &[], 200),
    ("POST", "/account/security/codes", Person, &[], 200),
    ("POST", "/account/security/apps", Person, &[], 303),
    ("GET", "/account/security/apps/{id}", Person, &[], 404),
    ("POST", "/account/security/apps/{id}", Person, &[("name", "Phone")], 404),
    ("POST", "/account/security/passkeys/options", Person, &[], 404),
    ("POST", "/account/security/passkeys", Person, &[("name", "Laptop")], 404),
    ("GET", "/account/security/factors/{id}", Person, &[], 404),
    ("POST", "/account/security/factors/{id}", Person, &[("name", "Phone")], 404),
    ("GET", "/account/security/factors/{id}/remove", Person, &[], 404),
    ("POST", "/account/security/factors/{id}/remove", Person, &[], 404),
    ("GET", "/account/security/upstream/{slug}/unlink", Person, &[], 404),
    ("POST", "/account/security/upstream/{slug}/unlink", Person, &[], 404),
    ("POST", "/account/security/sessions/{id}/end", Person, &[], 404),
    ("POST", "/account/security/sessions/end-others", Person, &[], 303),
    ("GET", "/launch/patient", Person, &[], 400),
    ("POST", "/launch/patient", Person, &[], 400),
    ("GET", "/launch", Person, &[], 404),
    ("POST", "/launch", Person, &[], 404),
    ("GET", "/integrations/", Person, &[], 200),
    ("GET", "/integrations/{slug}/unlink", Person, &[], 200),
    ("POST", "/integrations/{slug}/unlink", Person, &[], 303),
    // Nobody has opened a link in this browser: what links do is in a test of their own.
    ("GET", "/receivers/open/{token}", Anybody, &[], 404),
    ("GET", "/receivers/{id}", Anybody, &[], 404),
    ("GET", "/receivers/{id}/deliveries/{event}", Anybody, &[], 404),
    ("POST", "/receivers/{id}/deliveries/{event}/replay", Anybody, &[], 404),
    ("POST", "/receivers/{id}/replay", Anybody, &[], 404),
    ("POST", "/receivers/{id}/test", Anybody, &[], 404),
    ("POST", "/receivers/{id}/pause", Anybody, &[], 404),
    ("POST", "/receivers/{id}/resume", Anybody, &[], 404),
    ("GET", "/receivers/{id}/secret", Anybody, &[], 404),
    ("POST", "/receivers/{id}/secret", Anybody, &[], 404),
    ("POST", "/receivers/{id}/leave", Anybody, &[], 200),
    ("GET", "/developer/", Developer, &[], 200),
    ("GET", "/developer/applications/new", Developer, &[], 200),
    ("POST", "/developer/applications", Developer, &[], 422),
    ("GET", "/developer/applications/{id}", Developer, &[], 200),
    ("GET", "/developer/applications/{id}/edit", Developer, &[], 200),
    ("POST", "/developer/applications/{id}/edit", Developer, &[], 422),
    // It is not the developer's turn.
    ("POST", "/developer/applications/{id}/ask", Developer, &[], 409),
    ("GET", "/developer/applications/{id}/conformance", Developer, &[], 200),
    ("GET", "/developer/applications/{id}/failures", Developer, &[], 200),
    ("POST", "/developer/applications/{id}/secrets", Developer, &[], 200),
    ("GET", "/developer/applications/{id}/secrets/{secret}/end", Developer, &[], 200),
    ("POST", "/developer/applications/{id}/secrets/{secret}/end", Developer, &[], 422),
    ("GET", "/developer/applications/{id}/trust/{slug}", Developer, &[], 200),
    ("POST", "/developer/applications/{id}/trust/{slug}", Developer, &[("actions.steps", "on")], 303),
    // What connections do is in a test of their own.
    ("GET", "/developer/applications/{id}/connections/{connection}/secret", Developer, &[], 404),
    ("POST", "/developer/applications/{id}/connections/{connection}/secret", Developer, &[], 404),
    ("GET", "/developer/applications/{id}/connections/{connection}/delete", Developer, &[], 404),
    ("POST", "/developer/applications/{id}/connections/{connection}/delete", Developer, &[], 404),
    ("GET", "/admin/applications/{id}/connections/{connection}/secret", Administrator, &[], 404),
    ("POST", "/admin/applications/{id}/connections/{connection}/secret", Administrator, &[], 404),
    ("GET", "/admin/applications/{id}/connections/{connection}/delete", Administrator, &[], 404),
    ("POST", "/admin/applications/{id}/connections/{connection}/delete", Administrator, &[], 404),
    ("GET", "/developer/keys", Developer, &[], 200),
    ("POST", "/developer/keys", Developer, &[], 422),
    ("GET", "/developer/keys/new", Developer, &[], 200),
    // What keys do is in a test of their own.
    ("GET", "/developer/keys/{id}/delete", Developer, &[], 404),
    ("POST", "/developer/keys/{id}/delete", Developer, &[], 404),
    // What integrations and endpoints do is in a test of their own.
    ("GET", "/staff/integrations", Administrator, &[], 200),
    ("GET", "/staff/integrations/{id}", Administrator, &[], 404),
    ("POST", "/staff/integrations/{id}/test", Administrator, &[], 404),
    ("GET", "/staff/integrations/{id}/syncs", Administrator, &[], 404),
    ("POST", "/staff/integrations/{id}/syncs", Administrator, &[], 404),
    ("POST", "/staff/integrations/{id}/syncs/{job}/cancel", Administrator, &[], 404),
    ("POST", "/staff/integrations/{id}/syncs/{job}/retry", Administrator, &[], 404),
    ("GET", "/staff/integrations/{id}/quarantine", Administrator, &[], 404),
    ("GET", "/staff/integrations/{id}/quarantine/{record}", Administrator, &[], 404),
    ("POST", "/staff/integrations/{id}/quarantine/{record}/replay", Administrator, &[], 404),
    ("POST", "/staff/integrations/{id}/quarantine/{record}/discard", Administrator, &[], 404),
    ("GET", "/staff/integrations/{id}/logs", Administrator, &[], 404),
    ("GET", "/staff/integrations/{id}/metrics", Administrator, &[], 404),
    ("GET", "/staff/alerts", Administrator, &[], 200),
    ("POST", "/staff/alerts/{rule}/acknowledge", Administrator, &[], 404),
    ("GET", "/staff/webhooks", Administrator, &[], 200),
    ("GET", "/staff/webhooks/{id}", Administrator, &[], 404),
    ("GET", "/staff/webhooks/{id}/deliveries/{event}", Administrator, &[], 404),
    ("POST", "/staff/webhooks/{id}/deliveries/{event}/replay", Administrator, &[], 404),
    ("POST", "/staff/webhooks/{id}/replay", Administrator, &[], 404),
    ("POST", "/staff/webhooks/{id}/test", Administrator, &[], 404),
    ("POST", "/staff/webhooks/{id}/pause", Administrator, &[], 404),
    ("POST", "/staff/webhooks/{id}/resume", Administrator, &[], 404),
    ("GET", "/staff/webhooks/{id}/secret", Administrator, &[], 404),
    ("POST", "/staff/webhooks/{id}/secret", Administrator, &[], 404),
    ("GET", "/staff/webhooks/{id}/links/new", Administrator, &[], 404),
    ("POST", "/staff/webhooks/{id}/links", Administrator, &[], 404),
    ("POST", "/staff/webhooks/{id}/links/{link}/revoke", Administrator, &[], 404),
    ("GET", "/admin/", Administrator, &[], 200),
    ("GET", "/admin/applications", Administrator, &[], 200),
    ("GET", "/admin/applications/{id}", Administrator, &[], 200),
    // Nobody has looked at it: what is verified is what was on the page.
    ("POST", "/admin/applications/{id}/verify", Administrator, &[], 409),
    ("GET", "/admin/applications/{id}/send-back", Administrator, &[], 200),
    ("POST", "/admin/applications/{id}/send-back", Administrator, &[], 422),
    ("GET", "/admin/applications/{id}/withdraw", Administrator, &[], 200),
    ("POST", "/admin/applications/{id}/withdraw", Administrator, &[], 422),
    ("GET", "/admin/tokens", Administrator, &[], 200),
    ("POST", "/admin/tokens", Administrator, &[], 422),
    ("GET", "/admin/tokens/new", Administrator, &[], 200),
    ("GET", "/admin/tokens/{id}/revoke", Administrator, &[], 404),
    ("POST", "/admin/tokens/{id}/revoke", Administrator, &[], 404),
    ("GET", "/admin/trust", Administrator, &[], 200),
    ("GET", "/admin/trust/{slug}/{client}", Administrator, &[], 200),
    (
        "POST",
        "/admin/trust/{slug}/{client}",
        Administrator,
        &[("actions.steps", "on"), ("rate_per_minute", "60")],
        303,
    ),
    ("GET", "/admin/trust/{slug}/{client}/withdraw", Administrator, &[], 200),
    ("POST", "/admin/trust/{slug}/{client}/withdraw", Administrator, &[], 422),
    ("GET", "/admin/integrations", Administrator, &[], 200),
    ("POST", "/admin/integrations", Administrator, &[("provider", "sandbox")], 422),
    ("GET", "/admin/integrations/new", Administrator, &[], 200),
    ("GET", "/admin/integrations/new/{provider}", Administrator, &[], 200),
    ("GET", "/admin/integrations/{slug}", Administrator, &[], 200),
    ("POST", "/admin/integrations/{slug}", Administrator, &[], 422),
    ("GET", "/admin/integrations/{slug}/disable", Administrator, &[], 200),
    ("POST", "/admin/integrations/{slug}/disable", Administrator, &[], 422),
    ("POST", "/admin/integrations/{slug}/enable", Administrator, &[], 303),
    ("GET", "/admin/people", Administrator, &[], 200),
    ("POST", "/admin/people", Administrator, &[], 422),
    ("GET", "/admin/people/new", Administrator, &[], 200),
    ("GET", "/admin/people/{id}", Administrator, &[], 200),
    ("POST", "/admin/people/{id}", Administrator, &[], 422),
    ("POST", "/admin/people/{id}/fhir-user", Administrator, &[("fhir_user", "nadia")], 422),
    ("POST", "/admin/people/{id}/patients", Administrator, &[], 422),
    ("GET", "/admin/people/{id}/patients/{patient}/unlink", Administrator, &[], 404),
    ("POST", "/admin/people/{id}/patients/{patient}/unlink", Administrator, &[], 404),
    ("GET", "/admin/upstream", Administrator, &[], 200),
    ("GET", "/admin/upstream/new", Administrator, &[], 200),
    ("GET", "/admin/upstream/new/{preset}", Administrator, &[], 200),
    ("POST", "/admin/upstream/new/{preset}", Administrator, &[], 422),
    // No provider has this name.
    ("GET", "/admin/upstream/{slug}", Administrator, &[], 404),
    ("GET", "/admin/upstream/{slug}/disable", Administrator, &[], 404),
    ("POST", "/admin/upstream/{slug}/disable", Administrator, &[], 404),
    ("POST", "/admin/upstream/{slug}/enable", Administrator, &[], 404),
    ("GET", "/admin/organisation", Administrator, &[], 200),
    ("POST", "/admin/organisation/sites", Administrator, &[], 422),
    ("POST", "/admin/organisation/studies", Administrator, &[], 422),
    ("GET", "/admin/sites", Administrator, &[], 200),
    ("POST", "/admin/sites/plan", Administrator, &[("subscriptions.base", "on")], 303),
    ("GET", "/admin/sites/{id}", Administrator, &[], 200),
    ("POST", "/admin/sites/{id}", Administrator, &[("validation", "maybe")], 422),
    ("GET", "/admin/audit", Administrator, &[], 200),
];

/// What stands for the parts of a template.
pub struct Names {
    client: String,
    secret: String,
    person: String,
    site: String,
    slug: &'static str,
}

impl Names {
    pub async fn of_northwind(app: &TestApp) -> Self {
        let client = app.client_id_of(DIARY).await;
        let acting = auth::Acting::system(app.organisation_of("northwind").await.id);
        let sites = auth::organisation::sites(&app.house.auth, &acting).await.unwrap();
        let secrets = auth::client::secrets_of(&app.house.auth, &acting, client).await.unwrap();
        Self {
            client: client.to_string(),
            secret: secrets.first().unwrap().id.to_string(),
            person: app.person_of(PATIENT).await.id.to_string(),
            site: sites.first().unwrap().id.to_string(),
            slug: "alpha",
        }
    }

    /// As well formed as the real ones, and nobody's.
    pub fn unknown() -> Self {
        let id = "019b8d5e-0000-7000-8000-00000000dead".to_owned();
        Self { client: id.clone(), secret: id.clone(), person: id.clone(), site: id, slug: "gamma" }
    }

    pub fn fill(&self, template: &str) -> String {
        let id = match template {
            _ if template.starts_with("/admin/people/") => &self.person,
            _ if template.starts_with("/admin/sites/") => &self.site,
            _ => &self.client,
        };
        template
            .replace("{id}", id)
            .replace("{client}", &self.client)
            .replace("{connection}", &self.client)
            .replace("{secret}", &self.secret)
            .replace("{slug}", self.slug)
            .replace("{provider}", "sandbox")
            .replace("{preset}", "google")
            .replace("{patient}", "nadia")
            .replace("{event}", &self.client)
            .replace("{token}", "hlm_rl_nobody")
            .replace("{job}", "sync_0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b")
            .replace("{record}", "qr_0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b")
            .replace("{link}", &self.client)
    }
}

/// Send a row's request, with an id that is the same for all, so that answers can be compared.
async fn open(browser: &Browser<'_>, (method, template, _, fields, _): Row, names: &Names) -> Reply {
    let method: Method = method.parse().unwrap();
    let body = (method == Method::POST).then(|| form(fields));
    let headers = [("sec-fetch-site", "same-origin"), ("x-request-id", "same")];
    browser.send(method, &names.fill(template), body, &headers).await
}

async fn app() -> TestApp {
    TestApp::set(&[("people.self_registration", "open")]).await
}

fn told(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_page_has_its_row() {
    let rows: BTreeSet<_> = ROWS.iter().map(|(method, template, ..)| (*method, *template)).collect();
    let routes: BTreeSet<_> = console::ROUTES.iter().copied().collect();
    assert_eq!(rows.len(), ROWS.len(), "a row is there twice");
    let missing: Vec<_> = routes.difference(&rows).collect();
    let surplus: Vec<_> = rows.difference(&routes).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "without a row: {missing:?}; without a page: {surplus:?}"
    );
}

#[tokio::test]
async fn nobody_known_is_sent_to_sign_in_and_comes_back() {
    let app = app().await;
    let names = Names::of_northwind(&app).await;
    let mut wrong = Vec::new();
    for row in ROWS {
        let (method, template, who, _, right) = row;
        let reply = open(&app.browser(), row, &names).await;
        let expected = if who == Anybody { right } else { 303 };
        let back = form(&[("return_to", &names.fill(template))]);
        let sign_in = if method == "GET" { format!("/sign-in?{back}") } else { "/sign-in".to_owned() };
        let is_right = reply.status == expected && (who == Anybody || reply.header("location") == sign_in);
        if !is_right {
            wrong.push(format!("{method} {template}: {} {}", reply.status, reply.header("location")));
        }
    }
    told(&wrong);
}

#[tokio::test]
async fn a_page_is_for_those_whose_it_is() {
    let app = app().await;
    let names = Names::of_northwind(&app).await;
    let people = [(Person, PATIENT), (Developer, DEVELOPER), (Administrator, ADMINISTRATOR)];
    let mut wrong = Vec::new();
    for (is, somebody) in people {
        let browser = app.signed_in(somebody).await;
        if is == Person {
            browser.link("alpha", DIARY).await;
        }
        for row in ROWS {
            let (method, template, who, _, right) = row;
            let may = who == is || (who == Person && is == Person);
            // Pages for every person were tried by the patient, and those for anybody would sign the others out.
            if matches!(who, Anybody | Person) && !may {
                continue;
            }
            let reply = open(&browser, row, &names).await;
            let expected = if may { right } else { 403 };
            if reply.status != expected {
                wrong.push(format!("{method} {template} by {is:?}: {} and not {expected}", reply.status));
            }
        }
    }
    told(&wrong);
}

#[tokio::test]
async fn what_is_another_organisations_is_not_there() {
    let app = app().await;
    let (names, unknown) = (Names::of_northwind(&app).await, Names::unknown());
    let mut wrong = Vec::new();
    for (is, somebody) in [(Developer, FOREIGN_DEVELOPER), (Administrator, FOREIGN_ADMINISTRATOR)] {
        let browser = app.signed_in(somebody).await;
        let names_something =
            |template: &str| ["{id}", "{slug}", "{client}"].iter().any(|part| template.contains(part));
        for row in ROWS.into_iter().filter(|row| row.2 == is && names_something(row.1)) {
            let (foreign, nothing) = (open(&browser, row, &names).await, open(&browser, row, &unknown).await);
            if (foreign.status, nothing.status) != (404, 404) {
                wrong.push(format!("{} {}: {} {}", row.0, row.1, foreign.status, nothing.status));
            } else if foreign.bytes != nothing.bytes || other_headers(&foreign) != other_headers(&nothing) {
                wrong.push(format!("{} {} tells that it is there", row.0, row.1));
            }
        }
    }
    told(&wrong);
}

/// All but those that change from one request to the next.
fn other_headers(reply: &Reply) -> Vec<(String, String)> {
    let all =
        reply.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    all.filter(|(name, _)| !name.starts_with("ratelimit-")).collect()
}

#[tokio::test]
async fn accounts_are_made_by_administrators_where_registration_is_closed() {
    let app = TestApp::new().await;
    let browser = app.browser();
    let fields = [
        ("organisation", "northwind"),
        ("display_name", "Somebody"),
        ("email", "somebody@northwind.example"),
        ("password", "a long enough password"),
    ];
    browser.get("/register").await.expect(404);
    browser.post("/register", &fields).await.expect(404);
    let administrator = app.signed_in(ADMINISTRATOR).await;
    let added =
        administrator.post("/admin/people", &[fields.as_slice(), &[("roles.person", "on")]].concat()).await;
    assert!(added.location().starts_with("/admin/people/"));
    let entered = browser.post("/sign-in", &[fields[2], fields[3]]).await;
    assert_eq!(entered.location(), "/");
    assert_eq!(browser.get("/").await.location(), "/integrations/");
}

#[tokio::test]
async fn a_person_whose_role_is_taken_away_is_refused_at_once() {
    let app = TestApp::new().await;
    let developer = app.signed_in(DEVELOPER).await;
    developer.get("/developer/").await.expect(200);
    let id = app.person_of(DEVELOPER).await.id;
    let administrator = app.signed_in(ADMINISTRATOR).await;
    administrator.post(&format!("/admin/people/{id}"), &[("roles.person", "on")]).await.expect(303);
    developer.get("/developer/").await.expect(403);
    // Nobody makes themselves an administrator, whatever they send along.
    for path in ["/admin/people", &format!("/admin/people/{id}")] {
        developer.post(path, &[("roles.org_admin", "on")]).await.expect(403);
    }
}

#[tokio::test]
async fn an_administrator_gives_a_site_its_code_and_changes_the_plan_and_it_is_on_record() {
    let app = app().await;
    let names = Names::of_northwind(&app).await;
    let page = names.fill("/admin/sites/{id}");
    let administrator = app.signed_in(ADMINISTRATOR).await;
    let refused =
        administrator.post(&page, &[("code", "X1"), ("validation", "warn"), ("upsert", "allowed")]).await;
    assert!(refused.expect(422).text().contains("HC and five letters or digits"));
    let fields = [("code", "hcnwmn9"), ("validation", "warn"), ("upsert", "refused")];
    assert_eq!(administrator.post(&page, &fields).await.location(), format!("{page}?done=saved"));
    let shown = administrator.get(&page).await.expect(200).text();
    assert!(shown.contains("HCNWMN9") && shown.contains("fhir_site.assigned"), "{shown}");
    let nobody =
        [("validation", "warn"), ("break_glass", "Patient/1"), ("profiles", "https://a.example/none")];
    let refused = administrator.post(&page, &nobody).await.expect(422).text();
    assert!(
        refused.contains("Must be Practitioner/") && refused.contains("https://a.example/none"),
        "{refused}"
    );
    let named = [("consent", "off"), ("break_glass", "Practitioner/5\r\nDevice/a1.example\r\n")];
    administrator.post(&page, &named).await.expect(303);
    let shown = administrator.get(&page).await.expect(200).text();
    assert!(
        shown.contains("Device/a1.example\nPractitioner/5") && shown.contains("fhir_site.changed"),
        "{shown}"
    );
    let other = [("code", "HCNWMN8"), ("validation", "warn"), ("upsert", "refused")];
    administrator.post(&page, &other).await.expect(409);
    let plan = [("subscriptions.base", "on"), ("subscriptions.financial", "on")];
    assert_eq!(administrator.post("/admin/sites/plan", &plan).await.location(), "/admin/sites?done=saved");
    let list = administrator.get("/admin/sites").await.expect(200).text();
    assert!(list.contains("HCNWMN9") && list.contains("fhir_plan.changed"), "{list}");
    let unknown = [("subscriptions.everything", "on")];
    administrator.post("/admin/sites/plan", &unknown).await.expect(422);
    let elsewhere = [("sec-fetch-site", "cross-site")];
    let forged = administrator.send(Method::POST, "/admin/sites/plan", Some(form(&plan)), &elsewhere).await;
    forged.expect(403);
}
