//! What an administrator looks at before they vouch for an application, and how they send it back.  contract 1, Developer portal

use std::collections::{BTreeMap, BTreeSet};

use auth::{
    Administrator, SignedIn,
    client::{
        self, Client,
        report::{self, report},
        review::{self, Act, Change, Decision, NOTE_CHARACTERS_MAX, Note, Step, Story},
    },
    person,
};
use axum::{extract::State, response::Response};
use kernel::{Id, Person, Timestamp};
use web::{Answer, Form, Path};

use crate::{
    answers::Answers,
    connection::connections_of,
    developer::{applications::standing, inspect, show::scopes_in_words},
    form::{self, Choice, Field},
    frame::{Frame, Here},
    language::named,
    page::{
        admin::{Application, ChangeRow, StepRow},
        ask::Ask,
        developer::{grant_in_words, kind_in_words},
    },
    respond::{Refusal, done, page},
    state::Console,
    t,
};

/// The names of the people of a story.
type Names = BTreeMap<Id<Person>, String>;

/// `GET /admin/applications/{id}/send-back`
pub(crate) async fn ask(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(id): Path<Id<kernel::Client>>,
) -> Answer<Response> {
    let client = client::get(console.auth(), &who.acting(), id).await?;
    page(&question(&console, &who, &client, &version(&client), ("", "")).await?)
}

/// `POST /admin/applications/{id}/send-back`
pub(crate) async fn send_back(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(id): Path<Id<kernel::Client>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let client = client::get(console.auth(), &who.acting(), id).await?;
    let refusal = match decision(&answers) {
        Err(refusal) => refusal,
        Ok(decision) => {
            let decided = review::decide(console.auth(), &who.acting(), id, &decision, seen(&answers)).await;
            match decided {
                Ok(_) => return done(&format!("/admin/applications/{id}"), "sent-back"),
                Err(fault) => Refusal::of(fault)?,
            }
        }
    };
    let said = (answers.text("decision"), answers.text("note"));
    let mut view = question(&console, &who, &client, answers.text("seen"), said).await?;
    view.form = view.form.refused(refusal.issues());
    refusal.page(&view)
}

fn decision(answers: &Answers) -> Result<Decision, Refusal> {
    let note = Note::parse(answers.text("note"));
    let note = note.ok_or_else(|| Refusal::because("note", "must be 1 to 1000 characters of text"));
    match answers.text("decision") {
        "change" => Ok(Decision::AskChange(note?)),
        "refuse" => Ok(Decision::Refuse(note?)),
        _ => Err(Refusal::because("decision", "choose one")),
    }
}

/// The registration that the administrator had on the page: one that changes afterwards is another.
pub(super) fn seen(answers: &Answers) -> Timestamp {
    Timestamp::from_micros(answers.text("seen").parse().unwrap_or_default())
}

fn version(client: &Client) -> String {
    client.updated_at.as_micros().to_string()
}

async fn question(
    console: &Console,
    who: &SignedIn,
    client: &Client,
    seen: &str,
    (chosen, note): (&str, &str),
) -> Answer<Ask> {
    let back = format!("/admin/applications/{}", client.id);
    let choice = |value: &'static str, label: crate::language::Said, hint: crate::language::Said| {
        Choice::new(value, label).hint(hint).chosen_if(value == chosen)
    };
    let choices = vec![
        choice("change", t("review-what-change"), t("review-what-change-hint")),
        choice("refuse", t("review-what-refuse"), t("review-what-refuse-hint")),
    ];
    let form = form::Form::new(format!("{back}/send-back"), t("review-send-back-act"))
        .hiding("seen", seen)
        .with(Field::radios("decision", t("review-what"), choices))
        .with(
            Field::lines("note", t("review-note"))
                .hint(t("review-note-hint").count("most", NOTE_CHARACTERS_MAX))
                .value(note),
        )
        .or_back_to(&back);
    Ok(Ask {
        frame: Frame::inside(t("review-send-back-title"), Here::Applications, console.viewer(who).await?),
        back: (back, client.name.clone()),
        heading: t("review-send-back-heading").of("name", &client.name).into(),
        lead: t("review-send-back-lead").into(),
        form,
    })
}

/// The page of one application.
pub(super) async fn view(console: &Console, who: &SignedIn, client: &Client) -> Answer<Application> {
    let (auth, acting) = (console.auth(), who.acting());
    let story = review::story_of(auth, &acting, client).await?;
    let names = names_of(console, who, client, &story).await?;
    let findings = report(client, &report::seen_of(auth, &acting, client.id).await?, console.now());
    let verify = || {
        form::Form::new(format!("/admin/applications/{}/verify", client.id), t("review-verify"))
            .hiding("seen", version(client))
    };
    let last = story.steps.first().map(|step| step.act);
    Ok(Application {
        frame: Frame::inside(client.name.clone(), Here::Applications, console.viewer(who).await?),
        how: how_it_is(client, last, &names),
        id: client.id.to_string(),
        client_id: client.client_id.to_string(),
        name: client.name.clone(),
        state: standing(client, last),
        uri: client.uri.as_str().to_owned(),
        redirect_uris: client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
        kind: kind_in_words(client.confidentiality),
        profile: client.profile.as_str(),
        auth_method: client.auth_method.as_str(),
        grants: client.grant_types.iter().map(|grant| grant_in_words(*grant)).collect(),
        scopes: scopes_in_words(&client.scopes),
        registered_by: story.registered_by.and_then(|by| names.get(&by).cloned()),
        registered: console.moment(client.created_at),
        changes: story.changes.as_deref().map(|changes| changes.iter().map(change).collect()),
        report: inspect::how_it_keeps(&findings),
        findings: findings.iter().filter_map(inspect::finding).collect(),
        steps: story.steps.iter().map(|one| step(console, one, &names)).collect(),
        verify: client.verified_at.is_none().then(verify),
        connections: connections_of::<Administrator>(console, who, client.id).await?,
    })
}

async fn names_of(console: &Console, who: &SignedIn, client: &Client, story: &Story) -> Answer<Names> {
    let of_steps = story.steps.iter().filter_map(|step| step.by);
    let people: BTreeSet<Id<Person>> =
        of_steps.chain(client.verified_by).chain(story.registered_by).collect();
    let mut names = Names::new();
    for id in people {
        if let Some(person) = person::find(console.auth(), who.organisation, id).await? {
            names.insert(id, person.display_name);
        }
    }
    Ok(names)
}

fn how_it_is(client: &Client, last: Option<Act>, names: &Names) -> String {
    let by = client.verified_by.and_then(|by| names.get(&by));
    let said = match (client.verified_at, by) {
        (Some(_), Some(name)) => t("review-verified-by").of("name", name),
        (Some(_), None) => t("review-verified"),
        (None, _) if last.is_some_and(Act::is_sent_back) => t("review-sent-back"),
        (None, _) => t("review-waits"),
    };
    said.into()
}

/// A property, and which of its values are there on both sides.
pub(crate) fn change(change: &Change) -> ChangeRow {
    let beside = |values: &[String], others: &[String]| {
        values.iter().map(|value| (value.clone(), others.contains(value))).collect()
    };
    let label = named("property", &change.property).map(String::from);
    ChangeRow {
        label: label.unwrap_or_else(|| change.property.clone()),
        property: change.property.clone(),
        before: beside(&change.before, &change.now),
        now: beside(&change.now, &change.before),
    }
}

fn step(console: &Console, step: &Step, names: &Names) -> StepRow {
    let what = match step.act {
        Act::Verified => t("review-step-verified"),
        Act::ChangeAsked => t("review-step-change-asked"),
        Act::Refused => t("review-step-refused"),
        Act::AskedAgain => t("review-step-asked-again"),
        Act::Lapsed => t("review-step-lapsed"),
        Act::Withdrawn => t("review-step-withdrawn"),
    };
    StepRow {
        what: what.into(),
        by: step.by.and_then(|by| names.get(&by).cloned()),
        at: console.moment(step.at),
        note: step.note.clone(),
    }
}
