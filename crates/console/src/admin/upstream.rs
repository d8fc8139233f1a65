//! Providers that people sign in through: list, look at, add, switch off and on.

use auth::{
    Administrator, SignedIn,
    session::Acr,
    upstream::{self, Listed, NewPeople, NewUpstream},
};
use axum::{extract::State, response::Response};
use kernel::Secret;
use serde_json::{Map, Value};
use web::{Answer, Form, Path, Problem, Query};

use super::upstream_form::{SETTINGS, form_of};
use crate::{
    answers::Answers,
    form,
    frame::{Frame, Here},
    label,
    language::named,
    page::{
        ask::Ask,
        confirm::Confirm,
        upstream::{Presets, Upstream, UpstreamRow, Upstreams, client_auth_in_words},
    },
    respond::{Refusal, Told, done, page},
    state::Console,
    t,
};

const LIST: &str = "/admin/upstream";

/// The choice beside the presets.
const OTHER: &str = "other";

/// `GET /admin/upstream`
pub(crate) async fn list(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Query(told): Query<Told>,
) -> Answer<Response> {
    let all = upstream::list_of(console.auth(), &who.acting()).await?;
    let live = all.iter().filter(|one| one.disabled_at.is_none()).count();
    let failing = all.iter().filter(|one| one.disabled_at.is_none() && has_failed_last(one)).count();
    page(&Upstreams {
        frame: frame(&console, &who, t("menu-upstream").into()).await?.telling(told.notice()),
        how: match live {
            0 => t("upstream-none").into(),
            many => t("upstream-some").count("many", many).into(),
        },
        but: (failing > 0).then(|| t("upstream-failing").count("many", failing).into()),
        providers: all.iter().map(|one| row(&console, one)).collect(),
    })
}

/// `GET /admin/upstream/{slug}`
pub(crate) async fn show(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(slug): Path<String>,
    Query(told): Query<Told>,
) -> Answer<Response> {
    let one = upstream::get(console.auth(), &who.acting(), &slug).await?;
    let counts_as = match one.settings.acr() {
        Acr::Mfa => t("upstream-counts-mfa"),
        _ => t("upstream-counts-password"),
    };
    let new_people = match one.settings.new_people {
        NewPeople::Never => t("upstream-new-never"),
        NewPeople::Create => t("upstream-new-create"),
    };
    page(&Upstream {
        frame: frame(&console, &who, one.name.clone()).await?.telling(told.notice()),
        row: row(&console, &one),
        client_auth: client_auth_in_words(one.settings.client_auth),
        counts_as: counts_as.into(),
        new_people: new_people.into(),
        since: console.moment(one.created_at),
        is_on: one.disabled_at.is_none(),
        client_id: one.settings.client_id,
        scopes: one.settings.scopes,
        callback: one.callback,
    })
}

/// `GET /admin/upstream/new`
pub(crate) async fn pick(
    State(console): State<Console>,
    Administrator(who): Administrator,
) -> Answer<Response> {
    let issuer =
        |settings: &Map<String, Value>| settings.get("issuer").and_then(Value::as_str).map(str::to_owned);
    let presets = upstream::presets().into_iter();
    page(&Presets {
        frame: frame(&console, &who, t("upstream-pick").into()).await?,
        presets: presets
            .map(|preset| (preset.id, preset.name, issuer(&preset.settings).unwrap_or_default()))
            .collect(),
    })
}

/// `GET /admin/upstream/new/{preset}`
pub(crate) async fn ask(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(preset): Path<String>,
) -> Answer<Response> {
    page(&question(&console, &who, &preset, None).await?)
}

/// `POST /admin/upstream/new/{preset}`
pub(crate) async fn add(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(preset): Path<String>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let slug = answers.text("slug").to_owned();
    match upstream::add(console.auth(), &who.acting(), stated(&preset, &answers)).await {
        Ok(()) => done(&format!("{LIST}/{slug}"), "added"),
        Err(fault) => {
            let refusal = match fault {
                upstream::UpstreamFault::SlugTaken => Refusal::at("slug", &fault),
                other => Refusal::of(other)?,
            };
            let mut view = question(&console, &who, &preset, Some(&answers)).await?;
            view.form = view.form.refused(refusal.issues());
            refusal.page(&view)
        }
    }
}

fn stated(preset: &str, answers: &Answers) -> NewUpstream {
    let text = |name: &str| Some(answers.text(name)).filter(|text| !text.is_empty());
    let setting = |name: &&str| Some(((*name).to_owned(), Value::from(text(name)?)));
    let secret = |name: &str| text(name).map(|_| answers.secret(name)).map(|secret: Secret<String>| secret);
    NewUpstream {
        slug: answers.text("slug").to_owned(),
        name: answers.text("name").to_owned(),
        preset: (preset != OTHER).then(|| preset.to_owned()),
        settings: SETTINGS.iter().filter_map(setting).collect(),
        client_secret: secret("client_secret"),
        private_key: secret("private_key"),
    }
}

async fn question(console: &Console, who: &SignedIn, preset: &str, answers: Option<&Answers>) -> Answer<Ask> {
    let found = upstream::presets().into_iter().find(|known| known.id == preset);
    if found.is_none() && preset != OTHER {
        return Err(Problem::of_status(http::StatusCode::NOT_FOUND));
    }
    let (name, known) =
        found.map_or_else(|| (String::new(), Map::new()), |found| (found.name, found.settings));
    let title = if name.is_empty() { t("upstream-other").into() } else { name.clone() };
    let heading: String = t("upstream-set-up").of("name", title).into();
    let callback = format!("{}/sign-in/upstream/…/callback", console.auth().config().base());
    Ok(Ask {
        frame: frame(console, who, heading.clone()).await?,
        back: (format!("{LIST}/new"), t("upstream-pick").into()),
        heading,
        lead: t("upstream-set-up-lead").of("callback", callback).into(),
        form: form_of(&format!("{LIST}/new/{preset}"), &name, &known, answers).or_back_to(LIST),
    })
}

/// `GET /admin/upstream/{slug}/disable`
pub(crate) async fn ask_to_disable(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(slug): Path<String>,
) -> Answer<Response> {
    let one = upstream::get(console.auth(), &who.acting(), &slug).await?;
    let back = format!("{LIST}/{slug}");
    let heading: String = t("upstream-disable-question").of("name", &one.name).into();
    let people = usize::try_from(one.people).unwrap_or(usize::MAX);
    page(&Confirm {
        frame: frame(&console, &who, heading.clone()).await?,
        heading,
        lead: t("upstream-disable-lead").count("many", people).into(),
        effects: [t("upstream-disable-password"), t("upstream-disable-stays")].map(String::from).into(),
        form: form::Form::new(format!("{back}/disable"), t("upstream-disable")).or_back_to(&back).dangerous(),
        back: (back, one.name),
    })
}

/// `POST /admin/upstream/{slug}/disable`
pub(crate) async fn disable(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(slug): Path<String>,
) -> Answer<Response> {
    upstream::disable(console.auth(), &who.acting(), &slug).await?;
    done(&format!("{LIST}/{slug}"), "upstream-disabled")
}

/// `POST /admin/upstream/{slug}/enable`
pub(crate) async fn enable(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(slug): Path<String>,
) -> Answer<Response> {
    upstream::enable(console.auth(), &who.acting(), &slug).await?;
    done(&format!("{LIST}/{slug}"), "upstream-enabled")
}

async fn frame(console: &Console, who: &SignedIn, title: String) -> Answer<Frame> {
    Ok(Frame::inside(title, Here::Upstream, console.viewer(who).await?))
}

fn has_failed_last(one: &Listed) -> bool {
    one.failed.as_ref().is_some_and(|(at, _)| one.used_at.is_none_or(|used| used < *at))
}

fn row(console: &Console, one: &Listed) -> UpstreamRow {
    let state = match one.disabled_at {
        Some(_) => label::State::quiet(t("upstream-off")),
        None if has_failed_last(one) => label::State::warn(t("upstream-failed-last")),
        None => label::State::good(t("upstream-on")),
    };
    let why = |why: &String| named("upstream-why", why).map_or_else(|| why.clone(), String::from);
    UpstreamRow {
        slug: one.slug.clone(),
        name: one.name.clone(),
        issuer: one.settings.issuer.clone(),
        state,
        people: one.people,
        used: one.used_at.map(|at| console.moment(at)),
        failed: one.failed.as_ref().map(|(at, reason)| (console.moment(*at), why(reason))),
    }
}
