//! Make an account of one's own, where the operator has opened that.

use auth::{
    Acting, organisation,
    person::{self, NewPerson, PASSWORD_CHARACTERS_MIN},
};
use axum::{Extension, extract::State, response::Response};
use http::StatusCode;
use kernel::{Actor, Id, Organisation, RequestId};
use web::{Answer, ClientAddr, Form, Problem};

use crate::{
    account::go_on::{Onward, Visit, back, go_on},
    answers::Answers,
    form::Choice,
    page::plain::{self, Plain},
    respond::{Refusal, page},
    state::Console,
};

/// `GET /register`
pub(crate) async fn show(State(console): State<Console>) -> Answer<Response> {
    open(&console)?;
    page(&view(&console, None).await?)
}

/// `POST /register`: the account, and the first session with it.
pub(crate) async fn create(
    State(console): State<Console>,
    ClientAddr(source): ClientAddr,
    visit: Visit,
    request: Option<Extension<RequestId>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    open(&console)?;
    let (auth, request) = (console.auth(), request.map(|Extension(id)| id));
    let Some(organisation) = chosen(&console, &answers).await? else {
        return refused(&console, &answers, Refusal::because("organisation", "choose where you belong"))
            .await;
    };
    let acting = Acting { actor: Actor::Anonymous, organisation, request: request.clone() };
    if let Err(fault) = person::register(auth, &acting, new_person(&answers)).await {
        return refused(&console, &answers, Refusal::of(fault)?).await;
    }
    let (email, password) = (answers.text("email"), answers.secret("password"));
    let shown = person::authenticate_password(auth, email, password, source, request).await?;
    let onward = Onward { return_to: back("/integrations/"), least: None };
    go_on(&console, &visit, shown, &onward).await
}

/// Where it is closed there is no such page.
fn open(console: &Console) -> Answer<()> {
    if console.may_register() { Ok(()) } else { Err(Problem::of_status(StatusCode::NOT_FOUND)) }
}

fn new_person(answers: &Answers) -> NewPerson {
    NewPerson {
        id: None,
        email: answers.text("email").to_owned(),
        display_name: answers.text("display_name").to_owned(),
        password: answers.secret("password"),
        roles: Vec::new(),
    }
}

/// The organisation that was chosen, or the only one there is.
async fn chosen(console: &Console, answers: &Answers) -> Answer<Option<Id<Organisation>>> {
    let all = organisation::list(console.auth()).await?;
    let only = if let [one] = all.as_slice() { Some(one) } else { None };
    let named = all.iter().find(|one| one.slug.as_str() == answers.text("organisation"));
    Ok(named.or(only).map(|one| one.id))
}

async fn refused(console: &Console, answers: &Answers, refusal: Refusal) -> Answer<Response> {
    let mut view = view(console, Some(answers)).await?;
    view.form = view.form.map(|form| form.refused(refusal.issues()));
    refusal.page(&view)
}

async fn view(console: &Console, answers: Option<&Answers>) -> Answer<Plain> {
    let said = |name| answers.map_or("", |answers| answers.text(name));
    let all = organisation::list(console.auth()).await?;
    let choices = all.iter().map(|one| {
        let slug = one.slug.as_str();
        Choice::new(slug, &one.name).chosen_if(slug == said("organisation"))
    });
    let choices = if all.len() > 1 { choices.collect() } else { Vec::new() };
    Ok(plain::register(PASSWORD_CHARACTERS_MIN, said("display_name"), said("email"), choices))
}
