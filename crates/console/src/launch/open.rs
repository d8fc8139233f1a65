//! Open an application for a patient: an EHR launch that begins here.  SMART App Launch 2.2 §2.0.6

use auth::{
    SignedIn,
    client::{self, Client},
    smart::{self, launch::NewLaunch},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use kernel::Kind;
use url::Url;
use web::{Answer, Form, Problem, Redirect};

use crate::{
    answers::Answers,
    page::{launch, plain::Plain},
    respond::{Refusal, page},
    state::Console,
};

/// `GET /launch`
pub(crate) async fn ask(State(console): State<Console>, who: SignedIn) -> Answer<Response> {
    page(&view(&console, &who).await?)
}

/// `POST /launch`: on to the application, with a launch.
pub(crate) async fn open(
    State(console): State<Console>,
    who: SignedIn,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let applications = launchable(&console, &who).await?;
    let chosen = applications.iter().find(|client| client.client_id.as_str() == answers.text("application"));
    let Some(start) = chosen.and_then(start_of) else {
        let refusal = Refusal::because("application", "choose an application");
        return refusal.page(&view(&console, &who).await?.refused(refusal.issues()));
    };
    let new = NewLaunch {
        client_id: answers.text("application").to_owned(),
        patient: Some(answers.text("patient").to_owned()),
        ..NewLaunch::default()
    };
    match smart::launch::begin(console.auth(), &who, &new).await {
        Ok(handle) => {
            let address = with_launch(start, &console.auth().config().fhir_base(), handle.expose());
            Ok(Redirect::to_trusted(address.as_str())?.into_response())
        }
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            refusal.page(&view(&console, &who).await?.refused(refusal.issues()))
        }
    }
}

/// Applications of the person's organisation that say where a launch begins.
async fn launchable(console: &Console, who: &SignedIn) -> Answer<Vec<Client>> {
    let all = client::list_of(console.auth(), &who.acting(), None).await?;
    Ok(all.into_iter().filter(|one| one.disabled_at.is_none() && start_of(one).is_some()).collect())
}

fn start_of(client: &Client) -> Option<Url> {
    client.metadata.initiate_login_uri.as_deref().and_then(|uri| Url::parse(uri).ok())
}

/// Where the browser goes: the registered address, with our FHIR server and the launch.
fn with_launch(mut start: Url, iss: &str, handle: &str) -> Url {
    start.query_pairs_mut().append_pair("iss", iss).append_pair("launch", handle);
    start
}

async fn view(console: &Console, who: &SignedIn) -> Answer<Plain> {
    let applications = launchable(console, who).await?;
    let patients = smart::patients_of(console.auth(), who).await?;
    let names: Vec<(String, String)> =
        applications.into_iter().map(|client| (client.client_id.as_str().to_owned(), client.name)).collect();
    if names.is_empty() && patients.is_empty() {
        return Err(Problem::new(Kind::NotFound, "No patient and no application is set up for you here."));
    }
    Ok(launch::open(console.viewer(who).await?, &names, &patients))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_goes_behind_what_is_registered() {
        let to = |start: &str| {
            with_launch(Url::parse(start).unwrap(), "https://h.example/fhir", "h&1").to_string()
        };
        assert_eq!(
            to("https://a.example/launch"),
            "https://a.example/launch?iss=https%3A%2F%2Fh.example%2Ffhir&launch=h%261"
        );
        assert!(to("https://a.example/launch?x=1").starts_with("https://a.example/launch?x=1&iss="));
    }
}
