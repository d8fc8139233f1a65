//! The language of pages: whose wish counts, and that what is said besides the page is said in it too.

use http::{Method, header};

use crate::app::{Browser, DIARY, PATIENT, Reply, TestApp, form};

/// As a browser asks that prefers these languages.
async fn get(browser: &Browser<'_>, path: &str, prefers: &str) -> Reply {
    let headers = [("accept", "text/html,application/xhtml+xml"), ("accept-language", prefers)];
    browser.send(Method::GET, path, None, &headers).await
}

fn lang(reply: &Reply) -> String {
    let text = reply.text();
    let lang = text.split("<html lang=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(reply.header(header::CONTENT_LANGUAGE.as_str()), lang);
    lang
}

fn authorize(ui_locales: &str) -> String {
    let query = form(&[
        ("response_type", "code"),
        ("client_id", DIARY.client_id),
        ("redirect_uri", DIARY.redirect_uri),
        ("scope", "openid profile"),
        ("code_challenge", &crypto::pkce::s256_challenge(&"v".repeat(43))),
        ("code_challenge_method", "S256"),
        ("ui_locales", ui_locales),
    ]);
    format!("/oauth2/authorize?{query}")
}

#[tokio::test]
async fn pages_speak_what_the_browser_prefers_and_english_otherwise() {
    let app = TestApp::new().await;
    let browser = app.browser();
    for (prefers, spoken) in
        [("uk", "uk"), ("de, uk;q=0.5", "uk"), ("de", "en"), ("", "en"), ("uk;q=0, en", "en")]
    {
        assert_eq!(lang(&get(&browser, "/sign-in", prefers).await), spoken, "{prefers}");
    }
    let nowhere = get(&browser, "/nowhere", "uk").await.expect(404);
    assert_eq!(lang(&nowhere), "uk");
    assert!(nowhere.text().contains("Ми не можемо знайти цю сторінку"), "{}", nowhere.text());
    // Machines are answered as ever.
    browser.get("/sign-in").await.expect(200);
    assert!(!app.get("/oauth2/jwks").await.headers.contains_key(header::CONTENT_LANGUAGE));
}

#[tokio::test]
async fn what_is_chosen_is_kept_and_leads_back() {
    let app = TestApp::new().await;
    let browser = app.browser();
    let page = get(&browser, "/sign-in?return_to=%2Fintegrations%2F", "en").await;
    assert!(page.text().contains(r#"name="return_to" value="/sign-in?return_to=%2Fintegrations%2F""#));
    let chosen = browser.post("/language", &[("language", "uk"), ("return_to", "/signed-out")]).await;
    assert_eq!(chosen.location(), "/signed-out");
    assert_eq!(lang(&get(&browser, "/signed-out", "en").await), "uk");
    // A language that nobody speaks here changes nothing, and no other site is returned to.
    let chosen =
        browser.post("/language", &[("language", "tlh"), ("return_to", "https://evil.example/")]).await;
    assert_eq!(chosen.location(), "/");
    assert_eq!(lang(&get(&browser, "/signed-out", "en").await), "uk");
}

#[tokio::test]
async fn an_application_says_what_its_user_reads_and_the_user_may_differ() {
    let app = TestApp::new().await;
    let browser = app.browser();
    let sent = get(&browser, &authorize("pl uk"), "en").await.location();
    assert!(sent.starts_with("/sign-in?"), "{sent}");
    assert_eq!(lang(&get(&browser, &sent, "en").await), "uk");
    // A wrong password is told in the same language.
    let fields = form(&[("email", PATIENT.0), ("password", "wrong"), ("return_to", &authorize("uk"))]);
    let headers = [("accept", "text/html"), ("sec-fetch-site", "same-origin")];
    let refused = browser.send(Method::POST, "/sign-in", Some(fields), &headers).await.expect(422);
    assert!(
        refused.text().contains("Адреса електронної пошти або пароль неправильні."),
        "{}",
        refused.text()
    );
    browser.sign_in(PATIENT).await;
    let asked = get(&browser, &authorize("uk"), "en").await.location();
    let consent = get(&browser, &asked, "en").await.expect(200);
    assert_eq!(lang(&consent), "uk");
    assert!(consent.text().contains("Знати, хто ви, за номером"), "{}", consent.text());
    // The person reads English nevertheless, and the application asking again does not change that.
    assert_eq!(
        browser.post("/language", &[("language", "en"), ("return_to", &asked)]).await.location(),
        asked
    );
    assert_eq!(lang(&get(&browser, &asked, "uk").await), "en");
    let again = get(&browser, &authorize("uk"), "uk").await.location();
    assert_eq!(lang(&get(&browser, &again, "uk").await), "en");
}

#[tokio::test]
async fn the_page_that_posts_an_answer_speaks_too() {
    let app = TestApp::new().await;
    let browser = app.browser();
    let asked = |ui_locales: &str| format!("{}&response_mode=form_post&prompt=none", authorize(ui_locales));
    for (ui_locales, act) in [("uk", "Продовжити"), ("en", "Continue")] {
        let page = get(&browser, &asked(ui_locales), "de").await.expect(200);
        let text = page.text();
        assert!(text.contains(&format!("<html lang=\"{ui_locales}\"")), "{text}");
        assert!(text.contains(&format!(">{act}</button>")) && text.contains("login_required"), "{text}");
        let sheet = text.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
        app.get(sheet).await.expect(200);
    }
}

#[tokio::test]
async fn pages_for_work_speak_the_language_of_the_person_too() {
    let app = TestApp::new().await;
    for (somebody, path, words) in [
        (crate::app::DEVELOPER, "/developer/", "Ваші застосунки</h1>"),
        (crate::app::ADMINISTRATOR, "/admin/applications", "Застосунки</h1>"),
    ] {
        let page = get(&app.signed_in(somebody).await, path, "uk").await.expect(200).text();
        assert!(page.contains(r#"<html lang="uk">"#) && page.contains(words), "{page}");
    }
}

#[tokio::test]
async fn an_operator_adds_a_language_by_a_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pl.ftl"), "language-name = Polski\nsign-in-title = Zaloguj się\n")
        .unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    let app = TestApp::set(&[("pages.languages_folder", &path)]).await;
    let browser = app.browser();
    let page = get(&browser, "/sign-in", "pl-PL").await;
    assert_eq!(lang(&page), "pl");
    assert!(page.text().contains("<h1>Zaloguj się</h1>") && page.text().contains(">Українська</button>"));
}

#[tokio::test]
async fn who_is_asked_for_a_stronger_sign_in_reads_why() {
    let app = TestApp::new().await;
    let browser = app.browser();
    for (asked, prefers, says) in [
        ("acr=urn:hilum:acr:mfa", "en", "asks for a stronger sign-in"),
        ("acr=urn:hilum:acr:mfa", "uk", "просить надійнішого входу"),
        ("acr=urn:hilum:acr:passkey&anew=true", "en", "asks for the strongest sign-in"),
        ("acr=urn:hilum:acr:passkey", "uk", "просить найнадійнішого входу"),
        ("anew=true", "en", "to show once more that it is you"),
        ("acr=urn:hilum:acr:password&anew=true", "uk", "ще раз підтвердити, що це ви"),
    ] {
        let page = get(&browser, &format!("/sign-in?{asked}"), prefers).await;
        assert!(page.text().contains(says), "{asked} {prefers}");
    }
    // An application that needs more than the account was asked for so far sends its request itself.
    let sent =
        get(&browser, &format!("{}&acr_values=urn:hilum:acr:mfa", authorize("en")), "en").await.location();
    assert!(get(&browser, &sent, "en").await.text().contains("asks for a stronger sign-in"), "{sent}");
    let plain = get(&browser, "/sign-in", "en").await.text();
    assert!(!plain.contains("asks"), "{plain}");
}
