//! What developers and administrators do on the pages of the portal, on both engines.

use axum::body::Body;
use http::{Request, header};

use crate::app::{
    ADMINISTRATOR, Browser, DEVELOPER, DIARY, FOREIGN_ADMINISTRATOR, FOREIGN_DEVELOPER, Reply, STRANGER,
    TestApp, deployment_on_each_engine, form,
};

/// The text between two others, after which it stands first.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap().0
}

/// A key as the page shows it once: its id and its text.
async fn make_key(browser: &Browser<'_>, name: &str, scopes: &str) -> (String, String) {
    let fields = [("name", name), ("scopes", scopes), ("lifetime_days", "90")];
    let made = browser.post("/developer/keys", &fields).await.expect(200).text();
    let id = between(&made, "<code>", "</code>").to_owned();
    let key = format!("hlm_ak_{}", between(&made, "<code>hlm_ak_", "</code>"));
    (id, key)
}

async fn own_token(app: &TestApp, id: &str, key: &str) -> Reply {
    let basic = crypto::b64::encode_standard(format!("{id}:{key}"));
    let request = Request::post("/oauth2/token")
        .header(header::AUTHORIZATION, format!("Basic {basic}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    app.send(request.body(Body::from("grant_type=client_credentials")).unwrap()).await
}

deployment_on_each_engine! {
    async fn a_developer_makes_a_key_and_deletes_it(app: TestApp) {
        app.load(include_str!("northwind.toml")).await;
        let developer = app.signed_in(DEVELOPER).await;
        let none = developer.get("/developer/keys").await.expect(200).text();
        assert!(none.contains("No key is there yet."), "{none}");
        for (fields, said) in [
            ([("name", "Lab_reports"), ("scopes", "client:read")], "Must be letters a to z"),
            ([("name", "Lab reports"), ("scopes", "openid")], "Not yours to give: openid"),
            ([("name", "Lab reports"), ("scopes", "client:admin")], "Not yours to give: client:admin"),
            ([("name", "Lab reports"), ("scopes", "")], "Must be at least one"),
        ] {
            let refused = developer.post("/developer/keys", &fields).await.expect(422).text();
            assert!(refused.contains(said), "{said}: {refused}");
        }
        let (id, key) = make_key(&developer, "Lab reports", "client:read").await;
        assert!(id.ends_with(".labreports"), "{id}");
        let unused = developer.get("/developer/keys").await.expect(200).text();
        assert!(unused.contains("never</td>"), "{unused}");
        assert_eq!(own_token(&app, &id, &key).await.status, 200);
        app.house.db.flush_lazy().await.unwrap();

        let list = developer.get("/developer/keys").await.expect(200).text();
        assert!(list.contains("Lab reports") && list.contains(&id) && list.contains("client:read"), "{list}");
        assert!(!list.contains(&key), "it is shown once");
        assert!(!list.contains("never</td>"), "its last use is there");
        assert!(!list.contains("/admin/applications/"), "a developer verifies nothing");
        let administrator = app.signed_in(ADMINISTRATOR).await;
        let applications = developer.get("/developer/").await.expect(200).text();
        assert!(!applications.contains("labreports"), "a key is no application: {applications}");
        let seen = administrator.get("/admin/applications").await.expect(200).text();
        assert!(seen.contains(&id), "an administrator verifies keys too: {seen}");
        let place = between(&list, "<a href=\"/developer/keys/", "/delete\"");
        administrator.get(&format!("/admin/applications/{place}")).await.expect(200);
        for page in ["", "/edit", "/conformance", "/failures"] {
            developer.get(&format!("/developer/applications/{place}{page}")).await.expect(404);
        }
        developer.post(&format!("/developer/applications/{place}/secrets"), &[]).await.expect(404);

        let question = developer.get(&format!("/developer/keys/{place}/delete")).await.expect(200).text();
        assert!(question.contains(&id), "{question}");
        assert_eq!(own_token(&app, &id, &key).await.status, 200, "asking deletes nothing");
        let deleted = developer.post(&format!("/developer/keys/{place}/delete"), &[]).await;
        assert_eq!(deleted.location(), "/developer/keys?done=key-deleted");
        assert_eq!(own_token(&app, &id, &key).await.status, 401);
        developer.post(&format!("/developer/keys/{place}/delete"), &[]).await.expect(404);
        let again = [("name", "LAB REPORTS"), ("scopes", "client:read")];
        let taken = developer.post("/developer/keys", &again).await.expect(409).text();
        assert!(taken.contains("names are not used twice"), "{taken}");
    }

    async fn both_sides_of_the_portal_keep_the_connections_of_an_application(app: TestApp) {
        app.load(include_str!("northwind.toml")).await;
        app.load(include_str!("southside.toml")).await;
        let (client, consumer) = (app.client_id_of(DIARY).await, app.client_id_of(STRANGER).await);
        let acting = auth::Acting::system(app.organisation_of("northwind").await.id);
        let connect = async || {
            let uri = auth::client::RedirectUri::parse("https://ward.example/back").unwrap();
            let made = auth::client_connection::ensure(&app.house.auth, &acting, client, consumer, uri).await;
            made.unwrap().connection.id
        };
        for (pages, somebody, foreign) in [
            ("/developer/applications", DEVELOPER, FOREIGN_DEVELOPER),
            ("/admin/applications", ADMINISTRATOR, FOREIGN_ADMINISTRATOR),
        ] {
            let browser = app.signed_in(somebody).await;
            let page = format!("{pages}/{client}");
            assert!(!browser.get(&page).await.expect(200).text().contains("ward.example"), "none yet");
            let place = format!("{page}/connections/{}", connect().await);
            let shown = browser.get(&page).await.expect(200).text();
            for part in ["Untrusted notes", "https://ward.example/back", "Not used yet", &place] {
                assert!(shown.contains(part), "{part}: {shown}");
            }
            let question = browser.get(&format!("{place}/secret")).await.expect(200).text();
            assert!(question.contains("Draw a new secret for Untrusted notes?"), "{question}");
            let drawn = browser.post(&format!("{place}/secret"), &[]).await.expect(200).text();
            let secret = between(drawn.rsplit_once("<h2><code>client_secret</code></h2>").unwrap().1, "<code>", "</code>");
            assert_eq!(secret.len(), 32);
            assert!(!browser.get(&page).await.expect(200).text().contains(secret), "it is shown once");
            // The right secret for a code that is not there.
            let fields = [
                ("grant_type", "authorization_code"),
                ("code", "hlm_ac_none"),
                ("redirect_uri", "https://ward.example/back"),
                ("client_id", DIARY.client_id),
                ("client_secret", secret),
            ];
            let tried = async || {
                let request = Request::post("/oauth2/token").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                app.send(request.body(Body::from(form(&fields))).unwrap()).await.json()["error"].clone()
            };
            assert_eq!(tried().await, "invalid_grant");
            app.house.db.flush_lazy().await.unwrap();
            assert!(browser.get(&page).await.expect(200).text().contains("In use"));

            let stranger = app.signed_in(foreign).await;
            for path in ["secret", "delete"] {
                stranger.get(&format!("{place}/{path}")).await.expect(404);
                stranger.post(&format!("{place}/{path}"), &[]).await.expect(404);
            }
            browser.get(&format!("{place}/delete")).await.expect(200);
            assert_eq!(browser.post(&format!("{place}/delete"), &[]).await.location(), format!("{page}?done=connection-deleted"));
            assert_eq!(tried().await, "invalid_client");
            browser.get(&format!("{place}/delete")).await.expect(404);
        }
    }

    async fn an_administrator_sends_an_application_back_and_its_developer_asks_again(app: TestApp) {
        app.load(include_str!("northwind.toml")).await;
        let (developer, administrator) = (app.signed_in(DEVELOPER).await, app.signed_in(ADMINISTRATOR).await);
        let id = app.client_id_of(DIARY).await;
        let (theirs, ours) = (format!("/developer/applications/{id}"), format!("/admin/applications/{id}"));
        let review = async || administrator.get(&ours).await.expect(200).text();
        let seen = |page: &str| between(page, "name=\"seen\" value=\"", "\"").to_owned();
        assert!(review().await.contains("Nothing: it is registered as it was"), "{}", review().await);

        let form = developer.get(&format!("{theirs}/edit")).await.expect(200).text();
        assert!(form.contains("A new name, Uri or profile"), "{form}");
        let fields = [
            ("name", "Night diary"), ("uri", "https://diary.example"), ("redirect_uris", DIARY.redirect_uri),
            ("grant_types.authorization_code", "on"), ("scopes", "openid profile"),
        ];
        assert_eq!(developer.post(&format!("{theirs}/edit"), &fields).await.location(), format!("{theirs}?done=saved"));
        let page = review().await;
        for part in ["<del><code>", "<ins><code>Night diary</code></ins>", "Changed; the verification ended", "It waits to be verified"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let old = seen(&page);
        let question = administrator.get(&format!("{ours}/send-back")).await.expect(200).text();
        assert!(question.contains("Send Night diary back to its developer?"), "{question}");
        for (fields, said) in [
            ([("seen", &*old), ("decision", "change"), ("note", "")], "Must be 1 to 1000 characters of text."),
            ([("seen", &*old), ("decision", ""), ("note", "Why?")], "Choose one."),
            ([("seen", "1"), ("decision", "refuse"), ("note", "Why?")], "The registration has changed since you opened this page."),
        ] {
            let refused = administrator.post(&format!("{ours}/send-back"), &fields).await.text();
            assert!(refused.contains(said), "{said}: {refused}");
        }
        let sent = [("seen", &*old), ("decision", "change"), ("note", "Whose <name> is that?")];
        assert_eq!(administrator.post(&format!("{ours}/send-back"), &sent).await.location(), format!("{ours}?done=sent-back"));
        assert!(review().await.contains("it is the developer’s turn"));
        assert!(!administrator.get("/admin/").await.expect(200).text().contains("Verify Night diary"));
        let page = developer.get(&theirs).await.expect(200).text();
        for part in ["An administrator asks for a change", "Whose &#60;name&#62; is that?", "Change asked for", "Ask again"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(developer.get("/developer/").await.expect(200).text().contains("Change asked for"));

        app.clock.advance(std::time::Duration::from_secs(1));
        let fields = fields.map(|(name, value)| if name == "name" { (name, "Sleep diary") } else { (name, value) });
        developer.post(&format!("{theirs}/edit"), &fields).await.expect(303);
        assert_eq!(developer.post(&format!("{theirs}/ask"), &[]).await.location(), format!("{theirs}?done=asked-again"));
        developer.post(&format!("{theirs}/ask"), &[]).await.expect(409);
        assert!(administrator.get("/admin/").await.expect(200).text().contains("Verify Sleep diary"));
        let late = administrator.post(&format!("{ours}/verify"), &[("seen", &old)]).await.expect(409).text();
        assert!(late.contains("The registration has changed since you opened this page."), "{late}");
        let now = seen(&review().await);
        assert_eq!(administrator.post(&format!("{ours}/verify"), &[("seen", &now)]).await.location(), format!("{ours}?done=verified"));
        assert!(review().await.contains("Verified by "));

        for (browser, page) in [(FOREIGN_ADMINISTRATOR, &ours), (FOREIGN_DEVELOPER, &theirs)] {
            app.load(include_str!("southside.toml")).await;
            let stranger = app.signed_in(browser).await;
            let path = if page == &ours { "send-back" } else { "ask" };
            stranger.post(&format!("{page}/{path}"), &sent).await.expect(404);
        }
    }

    async fn an_administrator_makes_an_initial_access_token_and_revokes_it(app: TestApp) {
        app.load(include_str!("northwind.toml")).await;
        app.load(include_str!("southside.toml")).await;
        let administrator = app.signed_in(ADMINISTRATOR).await;
        let list = async || administrator.get("/admin/tokens").await.expect(200).text();
        assert!(list().await.contains("No token is good now"));
        let refused = administrator.post("/admin/tokens", &[("name", ""), ("uses", "many"), ("lifetime_days", "7")]).await;
        let refused = refused.expect(422).text();
        for said in ["Must be 1 to 100 characters.", "Must be 1 to 1000 registrations."] {
            assert!(refused.contains(said), "{said}: {refused}");
        }
        let fields = [("name", "Ward vendor"), ("uses", "2"), ("lifetime_days", "7")];
        let made = administrator.post("/admin/tokens", &fields).await.expect(200).text();
        let token = format!("hlm_ia_{}", between(&made, "<code>hlm_ia_", "</code>"));
        let register = async || {
            let request = Request::post("/oauth2/register")
                .header(header::AUTHORIZATION, format!("Bearer {token}"))
                .header(header::CONTENT_TYPE, "application/json");
            let body = r#"{"client_name":"Ward reports","redirect_uris":["https://ward.example/cb"]}"#;
            app.send(request.body(Body::from(body)).unwrap()).await.status
        };
        assert_eq!(register().await, 201);
        let shown = list().await;
        assert!(!shown.contains(&token), "it is shown once");
        for part in ["1 token lets", "Ward vendor", "made by ", "data-label=\"Uses left\">1</td>"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(administrator.get("/admin/").await.expect(200).text().contains("Verify Ward reports"));
        let (before, _) = shown.split_once("/revoke\"").unwrap();
        let place = format!("/admin/tokens/{}/revoke", before.rsplit_once('/').unwrap().1);
        app.signed_in(FOREIGN_ADMINISTRATOR).await.post(&place, &[]).await.expect(404);
        app.signed_in(DEVELOPER).await.get("/admin/tokens").await.expect(403);
        assert!(administrator.get(&place).await.expect(200).text().contains("Revoke the token for Ward vendor?"));
        assert_eq!(administrator.post(&place, &[]).await.location(), "/admin/tokens?done=token-revoked");
        assert_eq!(register().await, 401);
        assert!(list().await.contains("Revoked"));
        administrator.post(&place, &[]).await.expect(404);
    }

    async fn an_administrator_sets_up_a_provider_and_switches_it_off(app: TestApp) {
        app.load(include_str!("northwind.toml")).await;
        app.load(include_str!("southside.toml")).await;
        let administrator = app.signed_in(ADMINISTRATOR).await;
        assert!(administrator.get("/admin/upstream").await.expect(200).text().contains("Nobody signs in through another site"));
        let pick = administrator.get("/admin/upstream/new").await.expect(200).text();
        for part in ["NHS login", "/admin/upstream/new/nhs-login", "/admin/upstream/new/other"] {
            assert!(pick.contains(part), "{part}: {pick}");
        }
        administrator.get("/admin/upstream/new/aol").await.expect(404);
        let entra = administrator.get("/admin/upstream/new/microsoft-entra-id").await.expect(200).text();
        assert!(entra.contains("https://login.microsoftonline.com/{tenant}/v2.0"), "{entra}");
        let there = [
            ("slug", "there"), ("name", "There"), ("issuer", "https://there.example"), ("client_id", "us"),
            ("client_auth", "client_secret_basic"), ("client_secret", "not to be seen again"), ("id_token_alg", "RS256"),
            ("scopes", "openid"), ("counts_as", "urn:hilum:acr:mfa"), ("new_people", "never"),
        ];
        let without_secret = there.map(|(name, value)| (name, if name == "client_secret" { "" } else { value }));
        let refused = administrator.post("/admin/upstream/new/other", &without_secret).await.expect(422).text();
        assert!(refused.contains("Client secret: Must be stated."), "{refused}");
        assert_eq!(administrator.post("/admin/upstream/new/other", &there).await.location(), "/admin/upstream/there?done=added");
        let taken = administrator.post("/admin/upstream/new/other", &there).await.expect(422).text();
        assert!(taken.contains("Another provider has this short name."), "{taken}");
        let page = administrator.get("/admin/upstream/there").await.expect(200).text();
        for part in ["https://there.example", "/sign-in/upstream/there/callback", "Two factors", "A secret, in the header"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("not to be seen again"));
        let offered = async || app.browser().get("/sign-in").await.expect(200).text().contains("Continue with There");
        assert!(offered().await);

        let stranger = app.signed_in(FOREIGN_ADMINISTRATOR).await;
        assert!(!stranger.get("/admin/upstream").await.expect(200).text().contains("there.example"));
        for path in ["disable", "enable"] {
            stranger.post(&format!("/admin/upstream/there/{path}"), &[]).await.expect(404);
        }
        stranger.post("/admin/upstream/new/other", &there).await.expect(422);
        assert!(administrator.get("/admin/upstream/there/disable").await.expect(200).text().contains("Switch There off?"));
        administrator.post("/admin/upstream/there/disable", &[]).await.expect(303);
        assert!(!offered().await);
        administrator.post("/admin/upstream/there/enable", &[]).await.expect(303);
        assert!(offered().await);
    }

    async fn an_administrator_links_a_person_to_records(app: TestApp) {
        app.load(include_str!("northwind.toml")).await;
        app.load(include_str!("southside.toml")).await;
        let administrator = app.signed_in(ADMINISTRATOR).await;
        let place = format!("/admin/people/{}", app.person_of(crate::app::PATIENT).await.id);
        let shown = async || administrator.get(&place).await.expect(200).text();
        let user = format!("{place}/fhir-user");
        let wrong = administrator.post(&user, &[("fhir_user", "Observation/1")]).await.expect(422).text();
        assert!(wrong.contains("Must be Patient, Practitioner") && wrong.contains("value=\"Observation/1\""), "{wrong}");
        administrator.post(&user, &[("fhir_user", "Patient/nadia")]).await.expect(303);
        assert!(shown().await.contains("value=\"Patient/nadia\""));
        administrator.post(&user, &[("fhir_user", "")]).await.expect(303);
        assert!(!shown().await.contains("value=\"Patient/nadia\""));

        let link = |patient, relation, label| [("patient", patient), ("relation", relation), ("label", label)];
        for (fields, said) in [
            (link("a/b", "proxy", "Leo"), "Must be 1 to 64 letters"),
            (link("leo", "", "Leo"), "Choose what they are to the patient."),
            (link("leo", "proxy", ""), "Must be 1 to 200 characters."),
        ] {
            let refused = administrator.post(&format!("{place}/patients"), &fields).await.expect(422).text();
            assert!(refused.contains(said), "{said}: {refused}");
        }
        administrator.post(&format!("{place}/patients"), &link("leo", "proxy", "Leo, born 2015")).await.expect(303);
        let page = shown().await;
        for part in ["Leo, born 2015", "Patient/leo", "They look after the patient"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let stranger = app.signed_in(FOREIGN_ADMINISTRATOR).await;
        stranger.post(&user, &[("fhir_user", "Patient/evil")]).await.expect(404);
        stranger.post(&format!("{place}/patients"), &link("leo", "proxy", "Leo")).await.expect(404);
        stranger.post(&format!("{place}/patients/leo/unlink"), &[]).await.expect(404);
        let question = administrator.get(&format!("{place}/patients/leo/unlink")).await.expect(200).text();
        assert!(question.contains("Unlink the patient Leo, born 2015?"), "{question}");
        administrator.post(&format!("{place}/patients/leo/unlink"), &[]).await.expect(303);
        assert!(!shown().await.contains("Leo, born 2015"));
        administrator.post(&format!("{place}/patients/leo/unlink"), &[]).await.expect(404);
    }

    async fn a_developer_chooses_when_a_secret_ends(app: TestApp) {
        app.load(include_str!("northwind.toml")).await;
        let developer = app.signed_in(DEVELOPER).await;
        let place = format!("/developer/applications/{}", app.client_id_of(DIARY).await);
        let listed = async || developer.get(&place).await.expect(200).text();
        assert_eq!(listed().await.matches("when you end it").count(), 1);
        developer.post(&format!("{place}/secrets"), &[("earlier", "stay"), ("ends", "30")]).await.expect(200);
        developer.post(&format!("{place}/secrets"), &[("earlier", "stay"), ("ends", "")]).await.expect(200);
        assert_eq!(listed().await.matches("when you end it").count(), 2, "the second of three ends by itself");
        developer.post(&format!("{place}/secrets"), &[("earlier", "stay"), ("ends", "3")]).await.expect(400);
    }
}
