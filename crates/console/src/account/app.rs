//! An authenticator app: the key as a picture and in letters, and the first code.  RFC 6238

use auth::{
    SignedIn,
    person::{self, factor},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use kernel::{Factor, Id};
use web::{Answer, Form, Path, Redirect};

use crate::{
    account::security,
    answers::Answers,
    frame::{Frame, Here},
    page::security::{AddApp, add_app_form, qr_path},
    respond::{Refusal, page},
    state::Console,
    t,
};

/// Who issues the codes, as the app shows it.
const ISSUER: &str = "Hilum";

/// `POST /account/security/apps`
pub(crate) async fn begin(State(console): State<Console>, who: SignedIn) -> Answer<Response> {
    match factor::begin_app(console.auth(), &who).await {
        Ok(id) => Ok(Redirect::to_trusted(&format!("/account/security/apps/{id}"))?.into_response()),
        Err(fault) => security::refused(&console, &who, fault).await,
    }
}

/// `GET /account/security/apps/{id}`: until the first code, and never after.
pub(crate) async fn show(
    State(console): State<Console>,
    who: SignedIn,
    Path(id): Path<Id<Factor>>,
) -> Answer<Response> {
    page(&view(&console, &who, id, "", None).await?)
}

/// `POST /account/security/apps/{id}`: the first code.
pub(crate) async fn confirm(
    State(console): State<Console>,
    who: SignedIn,
    Path(id): Path<Id<Factor>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let (name, code) = (answers.text("name"), answers.text("code"));
    match factor::confirm_app(console.auth(), &who, id, name, code).await {
        Ok(who) => security::added(&console, &who).await,
        Err(factor::FactorFault::NotRecent) => security::sign_in_again(),
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            refusal.page(&view(&console, &who, id, name, Some(&refusal)).await?)
        }
    }
}

async fn view(
    console: &Console,
    who: &SignedIn,
    id: Id<Factor>,
    name: &str,
    refusal: Option<&Refusal>,
) -> Answer<AddApp> {
    let enrolment = factor::enrolment(console.auth(), who, id).await?;
    let account = person::find(console.auth(), who.organisation, who.person).await?;
    let email = account.map(|account| account.email).unwrap_or_default();
    let form = add_app_form(&id.to_string(), name);
    let form = refusal.into_iter().fold(form, |form, refusal| form.refused(refusal.issues()));
    let key = enrolment.key.expose();
    Ok(AddApp {
        frame: Frame::inside(t("app-add"), Here::Security, console.viewer(who).await?),
        picture: qr_path(&uri(&email, key)),
        uri: uri(&email, key),
        key: grouped(key),
        form,
    })
}

/// What an app reads out of the picture: the key URI format.
fn uri(email: &str, key: &str) -> String {
    let label: String =
        url::form_urlencoded::byte_serialize(email.as_bytes()).collect::<String>().replace('+', "%20");
    format!("otpauth://totp/{ISSUER}:{label}?secret={key}&issuer={ISSUER}&algorithm=SHA1&digits=6&period=30")
}

/// In fours, as it is easiest to copy by hand.
fn grouped(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_reads_issuer_account_and_key() {
        assert_eq!(
            uri("m+x@example.org", "ABCD"),
            "otpauth://totp/Hilum:m%2Bx%40example.org?secret=ABCD&issuer=Hilum&algorithm=SHA1&digits=6&period=30"
        );
        assert_eq!(grouped("ABCDEFGHIJ"), "ABCD EFGH IJ");
    }
}
