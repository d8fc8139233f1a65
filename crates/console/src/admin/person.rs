//! The people of an organisation and what they may do.

use auth::{
    Acting, Administrator, Auth, SignedIn,
    person::{self, NewPerson, PASSWORD_CHARACTERS_MIN, Person, PersonFault, Role, role},
    role::{MalformedRole, read},
};
use axum::{extract::State, response::Response};
use kernel::{Grant, Grants, Id, Kind};
use serde::Deserialize;
use web::{Answer, Form, Path, Problem, Query};

use super::record::{Refused, records_of};
use crate::{
    answers::Answers,
    form::{self, Field},
    frame::{Frame, Here, Viewer},
    page::{
        admin::{People, PersonRow, person_form, role_choices},
        ask::Ask,
        person as person_page,
    },
    respond::{Refusal, Told, done, page},
    state::Console,
    t,
};

/// From where the list goes on, and what was just done.
#[derive(Deserialize)]
pub(crate) struct Listed {
    after: Option<Id<kernel::Person>>,
}

/// `GET /admin/people`
pub(crate) async fn list(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Query(listed): Query<Listed>,
) -> Answer<Response> {
    let (auth, acting) = (console.auth(), who.acting());
    let people = person::list_of(auth, &acting, listed.after).await?;
    let mut rows = Vec::new();
    for person in &people {
        let roles = role::roles_of(auth, &acting, person.id).await?;
        rows.push(row(&console, person, &roles));
    }
    let viewer = console.viewer(&who).await?;
    let more = match people.last() {
        Some(last) if !person::list_of(auth, &acting, Some(last.id)).await?.is_empty() => {
            Some(format!("/admin/people?after={}", last.id))
        }
        _ => None,
    };
    page(&People {
        how: match &more {
            Some(_) => t("people-more").count("many", people.len()).into(),
            None => t("people-some").count("many", people.len()).into(),
        },
        organisation: viewer.organisation.clone(),
        frame: Frame::inside(t("menu-people"), Here::People, viewer),
        people: rows,
        more,
    })
}

/// `GET /admin/people/new`
pub(crate) async fn ask(
    State(console): State<Console>,
    Administrator(who): Administrator,
) -> Answer<Response> {
    page(&adding(console.viewer(&who).await?, person_form("", "", &["person"], PASSWORD_CHARACTERS_MIN)))
}

/// `POST /admin/people`
pub(crate) async fn add(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let ticked = answers.ticked("roles");
    let new = NewPerson {
        id: None,
        email: answers.text("email").to_owned(),
        display_name: answers.text("display_name").to_owned(),
        password: answers.secret("password"),
        roles: ticked.iter().filter_map(|role| role.parse().ok()).collect(),
    };
    match person::register(console.auth(), &who.acting(), new).await {
        Ok(person) => done(&format!("/admin/people/{}", person.id), "added"),
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            let roles: Vec<&str> = ticked.iter().map(String::as_str).collect();
            let form = person_form(
                answers.text("display_name"),
                answers.text("email"),
                &roles,
                PASSWORD_CHARACTERS_MIN,
            );
            refusal.page(&adding(console.viewer(&who).await?, form.refused(refusal.issues())))
        }
    }
}

/// `GET /admin/people/{id}`
pub(crate) async fn show(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(id): Path<Id<kernel::Person>>,
    Query(told): Query<Told>,
) -> Answer<Response> {
    let person = person::find(console.auth(), who.organisation, id).await?.ok_or(PersonFault::NotFound)?;
    let mut view = view(&console, &who, &person).await?;
    view.frame = view.frame.telling(told.notice());
    page(&view)
}

/// `POST /admin/people/{id}`
pub(crate) async fn save(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(id): Path<Id<kernel::Person>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let person = person::find(console.auth(), who.organisation, id).await?.ok_or(PersonFault::NotFound)?;
    let (whole, in_studies) = (answers.ticked("roles"), answers.text("study_roles"));
    match set_roles(&console, &who.acting(), id, &whole, in_studies).await {
        Ok(()) => done(&format!("/admin/people/{id}"), "saved"),
        Err(problem) => {
            let refusal = Refusal::of(problem)?;
            let mut view = view(&console, &who, &person).await?;
            let whole: Vec<&str> = whole.iter().map(String::as_str).collect();
            view.roles = roles_form(id, &whole, in_studies).refused(refusal.issues());
            refusal.page(&view)
        }
    }
}

/// Gives before it takes, so that an organisation whose administrators change is never without one.
async fn set_roles(
    console: &Console,
    acting: &Acting,
    id: Id<kernel::Person>,
    whole: &[String],
    in_studies: &str,
) -> Answer<()> {
    if whole.is_empty() {
        return Err(Problem::new(Kind::Invalid, "choose at least one").with_path("roles"));
    }
    let auth = console.auth();
    let mut wanted: Vec<Grant> = whole.iter().filter_map(|role| role.parse().ok()).collect();
    wanted.extend(read_in_studies(auth, acting, in_studies).await?);
    let has = role::roles_of(auth, acting, id).await?;
    for grant in wanted.iter().filter(|grant| !has.iter().any(|had| had == **grant)) {
        role::grant(auth, acting, id, *grant).await?;
    }
    for grant in has.iter().filter(|had| !wanted.contains(had)) {
        role::withdraw(auth, acting, id, grant).await?;
    }
    Ok(())
}

/// Roles in studies, as they are written: `viewer:cardio`, separated by spaces.
async fn read_in_studies(auth: &Auth, acting: &Acting, text: &str) -> Answer<Vec<Grant>> {
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let refused = |why: String| Problem::new(Kind::Invalid, why).with_path("study_roles");
    if words.len() > kernel::GRANTS_MAX {
        return Err(refused(format!("at most {}", kernel::GRANTS_MAX)));
    }
    match read(auth, acting, &words).await {
        Ok(grants) if grants.iter().all(|grant| grant.study.is_some()) => Ok(grants),
        Ok(_) => Err(refused("write a role, a colon and a study's short name".to_owned())),
        Err(MalformedRole::Role(_)) => Err(refused("names what is no role of a study".to_owned())),
        Err(MalformedRole::Study(_)) => Err(refused("names a study that there is not".to_owned())),
        Err(MalformedRole::Store(fault)) => Err(fault.into()),
    }
}

fn row(console: &Console, person: &Person, roles: &Grants) -> PersonRow {
    let mut words: Vec<String> = roles.iter().map(|grant| role_in_words(grant.role)).collect();
    words.dedup();
    PersonRow {
        id: person.id.to_string(),
        name: person.display_name.clone(),
        email: person.email.clone(),
        roles: if person.disabled_at.is_some() { t("people-off").into() } else { words.join(", ") },
        since: console.moment(person.created_at),
    }
}

fn role_in_words(role: Role) -> String {
    let said = match role {
        Role::Person => t("role-person"),
        Role::Developer => t("role-developer"),
        Role::OrgAdmin => t("role-administrator"),
        Role::SystemAdmin => t("role-system-admin"),
        Role::StudyManager => t("role-study-manager"),
        Role::DataManager => t("role-data-manager"),
        Role::Analyst => t("role-analyst"),
        Role::Viewer => t("role-viewer"),
        Role::Auditor => t("role-auditor"),
    };
    said.into()
}

/// The roles for the whole organisation as boxes, those for studies as they are written.
fn roles_form(id: Id<kernel::Person>, whole: &[&str], in_studies: &str) -> form::Form {
    form::Form::new(format!("/admin/people/{id}"), t("person-roles-save"))
        .with(Field::checks("roles", t("person-roles"), role_choices(whole)))
        .with(
            Field::text("study_roles", t("person-study-roles"))
                .hint(t("person-study-roles-hint"))
                .value(in_studies)
                .optional(),
        )
        .or_back_to("/admin/people")
}

/// The form as the person's roles are: studies by their short names.
async fn roles_as_they_are(console: &Console, acting: &Acting, id: Id<kernel::Person>) -> Answer<form::Form> {
    let has = role::roles_of(console.auth(), acting, id).await?;
    let whole: Vec<&str> =
        has.iter().filter(|grant| grant.study.is_none()).map(|grant| grant.role.as_str()).collect();
    let studies = auth::organisation::studies(console.auth(), acting).await?;
    let named = |grant: Grant| {
        let study = studies.iter().find(|study| Some(study.id) == grant.study)?;
        Some(format!("{}:{}", grant.role.as_str(), study.slug.as_str()))
    };
    let in_studies: Vec<String> = has.iter().filter_map(named).collect();
    Ok(roles_form(id, &whole, &in_studies.join(" ")))
}

fn adding(viewer: Viewer, form: form::Form) -> Ask {
    Ask {
        frame: Frame::inside(t("people-add"), Here::People, viewer),
        back: ("/admin/people".to_owned(), t("menu-people").into()),
        heading: t("people-add").into(),
        lead: t("people-add-lead").into(),
        form,
    }
}

pub(super) async fn view(console: &Console, who: &SignedIn, person: &Person) -> Answer<person_page::Person> {
    let how = match person.disabled_at {
        Some(_) => t("person-off").of("email", &person.email),
        None => t("person-on").of("email", &person.email),
    };
    Ok(person_page::Person {
        frame: Frame::inside(person.display_name.clone(), Here::People, console.viewer(who).await?),
        id: person.id.to_string(),
        name: person.display_name.clone(),
        how: how.into(),
        roles: roles_as_they_are(console, &who.acting(), person.id).await?,
        records: records_of(console, who, person, &Refused::default()).await?,
    })
}
