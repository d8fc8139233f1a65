//! API keys of one's organisation: list, make, delete. A new one is shown in the answer to the form, and never again.
//! Contract 2, "API keys (site APIs)"

use auth::{
    Developer, SignedIn,
    api_key::{self, ApiKey, Maker, NewKey, may_give},
    person::Role,
};
use axum::{extract::State, response::Response};
use kernel::Id;
use web::{Answer, Form, Path, Query};

use crate::{
    answers::Answers,
    form::{self, Choice, Field},
    frame::{Frame, Here, Viewer},
    page::{
        ask::Ask,
        confirm::Confirm,
        keys::{Key, KeyMade, Keys, how_things_are},
    },
    permission,
    respond::{Refusal, Told, done, page},
    state::Console,
    t,
};

const LIST: &str = "/developer/keys";

/// How long a key may be chosen to be good, in days; the chosen one first. None is without an end.
const LIFETIMES_DAYS: [Option<u32>; 4] = [Some(90), Some(30), Some(365), None];

/// `GET /developer/keys`
pub(crate) async fn list(
    State(console): State<Console>,
    Developer(who): Developer,
    Query(told): Query<Told>,
) -> Answer<Response> {
    let keys = api_key::list_of(console.auth(), &who.acting()).await?;
    let keys: Vec<Key> = keys.iter().map(|key| row(&console, key)).collect();
    page(&Keys {
        frame: Frame::inside(t("keys-title"), Here::Keys, console.viewer(&who).await?).telling(told.notice()),
        how: how_things_are(keys.len()),
        may_verify: maker(&who) == Maker::Administrator,
        keys,
    })
}

fn row(console: &Console, key: &ApiKey) -> Key {
    Key {
        id: key.id.to_string(),
        key_id: key.key_id.to_string(),
        name: key.name.clone(),
        scopes: key
            .scopes
            .iter()
            .map(|scope| (scope.to_string(), permission::sentence(scope.as_str())))
            .chain(key.grants.iter().map(|grant| (grant.to_string(), t("keys-role").into())))
            .collect(),
        is_over: key.expires_at.is_some_and(|end| end <= console.now()),
        ends: key.expires_at.map(|at| console.moment(at)),
        made: console.moment(key.created_at),
        last_use: key.last_used_at.map(|at| console.moment(at)),
    }
}

/// `GET /developer/keys/new`
pub(crate) async fn ask(State(console): State<Console>, Developer(who): Developer) -> Answer<Response> {
    page(&question(&console, &who, &NewKey::default()).await?)
}

/// `POST /developer/keys`
pub(crate) async fn make(
    State(console): State<Console>,
    Developer(who): Developer,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let new = NewKey {
        name: answers.text("name").to_owned(),
        scopes: answers.text("scopes").to_owned(),
        roles: answers.text("roles").split_whitespace().map(str::to_owned).collect(),
        lifetime_days: answers.text("lifetime_days").parse().ok(),
    };
    match api_key::make(console.auth(), &who.acting(), maker(&who), &new).await {
        Ok(made) => page(&KeyMade {
            frame: Frame::inside(t("keys-made"), Here::Keys, console.viewer(&who).await?),
            heading: t("keys-made-heading").of("name", &made.key.name).into(),
            key_id: made.key.key_id.to_string(),
            key: made.text,
        }),
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            let mut view = question(&console, &who, &new).await?;
            view.form = view.form.refused(refusal.issues());
            refusal.page(&view)
        }
    }
}

/// `GET /developer/keys/{id}/delete`
pub(crate) async fn ask_to_delete(
    State(console): State<Console>,
    Developer(who): Developer,
    Path(id): Path<Id<kernel::ApiKey>>,
) -> Answer<Response> {
    let key = api_key::get(console.auth(), &who.acting(), id).await?;
    page(&confirm(console.viewer(&who).await?, &key))
}

/// `POST /developer/keys/{id}/delete`
pub(crate) async fn delete(
    State(console): State<Console>,
    Developer(who): Developer,
    Path(id): Path<Id<kernel::ApiKey>>,
) -> Answer<Response> {
    api_key::delete(console.auth(), &who.acting(), id).await?;
    done(LIST, "key-deleted")
}

fn maker(who: &SignedIn) -> Maker {
    if who.roles.has(who.organisation, Role::OrgAdmin) { Maker::Administrator } else { Maker::Developer }
}

async fn question(console: &Console, who: &SignedIn, said: &NewKey) -> Answer<Ask> {
    let scopes = may_give(maker(who), console.auth().scopes_known()).to_string();
    let lifetimes = LIFETIMES_DAYS.map(|days| {
        let words = match days {
            Some(days) => t("keys-for-days").count("days", usize::try_from(days).unwrap_or(usize::MAX)),
            None => t("keys-without-end"),
        };
        let value = days.map_or_else(String::new, |days| days.to_string());
        Choice::new(value, words).chosen_if(days == said.lifetime_days)
    });
    let form = form::Form::new(LIST, t("keys-make"))
        .with(Field::text("name", t("keys-name")).hint(t("keys-name-hint")).value(&said.name))
        .with(
            Field::text("scopes", t("keys-scopes"))
                .hint(t("keys-scopes-hint").of("scopes", scopes))
                .value(&said.scopes),
        )
        .with(
            Field::text("roles", t("keys-roles"))
                .hint(t("keys-roles-hint"))
                .value(said.roles.join(" "))
                .optional(),
        )
        .with(Field::select("lifetime_days", t("keys-lifetime"), lifetimes.into()))
        .or_back_to(LIST);
    Ok(Ask {
        frame: Frame::inside(t("keys-make"), Here::Keys, console.viewer(who).await?),
        back: (LIST.to_owned(), t("keys-title").into()),
        heading: t("keys-make").into(),
        lead: t("keys-lead").into(),
        form,
    })
}

fn confirm(viewer: Viewer, key: &ApiKey) -> Confirm {
    let heading: String = t("keys-delete-question").of("name", &key.name).into();
    Confirm {
        frame: Frame::inside(heading.clone(), Here::Keys, viewer),
        back: (LIST.to_owned(), t("keys-title").into()),
        heading,
        lead: t("keys-delete-lead").of("id", &key.key_id).into(),
        effects: [t("keys-delete-tokens"), t("keys-delete-name"), t("keys-delete-final")]
            .map(String::from)
            .into(),
        form: form::Form::new(format!("{LIST}/{}/delete", key.id), t("keys-delete"))
            .or_back_to(LIST)
            .dangerous(),
    }
}
