//! Set up an integration, change it, switch it on and off.

use std::{collections::BTreeMap, sync::Arc};

use auth::{Administrator, SignedIn};
use axum::{extract::State, response::Response};
use broker::{
    By,
    integration::{Enabled, Integration, IntegrationFault, IntegrationIn},
    managed::IntId,
    provider::Provider,
    trust,
};
use http::StatusCode;
use kernel::{Kind, Secret};
use web::{Answer, Form, Path, Problem, Query};

use super::provider::{confidence, is_linked_by_people};
use crate::{
    answers::Answers,
    form,
    frame::{Frame, Here, Viewer},
    label,
    page::{
        admin::{self, IntegrationRow, Integrations},
        ask::Ask,
        confirm::{Confirm, is_typed_back, typed_back},
        integration_form::{Given, fields},
    },
    respond::{Refusal, Told, done, page},
    state::Console,
    t,
};

/// `GET /admin/integrations`
pub(crate) async fn list(
    State(console): State<Console>,
    Administrator(who): Administrator,
) -> Answer<Response> {
    let integrations = rows(&console, &who).await?;
    let (how, but) = how_things_are(&integrations);
    page(&Integrations {
        frame: Frame::inside(t("menu-integrations"), Here::Integrations, console.viewer(&who).await?),
        how,
        but,
        integrations,
    })
}

/// `GET /admin/integrations/new/{provider}`
pub(crate) async fn ask(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(id): Path<String>,
) -> Answer<Response> {
    let provider = provider_of(&console, &id)?;
    let given = Given { name: provider.name.clone(), slug: id, ..Given::default() };
    let form = adding_form(&provider, &given);
    page(&adding(&console, console.viewer(&who).await?, &provider, &given.slug, form))
}

/// `POST /admin/integrations`
pub(crate) async fn add(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let provider = provider_of(&console, answers.text("provider"))?;
    let given = Given::read(&answers, &provider);
    let is_there = console.broker().integration_by_slug(&given.slug).await?.is_some();
    let added = if is_there {
        Err(Problem::new(Kind::Conflict, "there is an integration with this id already").with_path("slug"))
    } else {
        set_up(&console, &who, &provider, &answers, &given, Enabled::Yes).await
    };
    match added {
        Ok(()) => done(&format!("/admin/integrations/{}", given.slug), "added"),
        Err(problem) => {
            let refusal = Refusal::of(problem)?;
            let form = adding_form(&provider, &given).refused(refusal.issues());
            refusal.page(&adding(&console, console.viewer(&who).await?, &provider, &given.slug, form))
        }
    }
}

/// `GET /admin/integrations/{slug}`
pub(crate) async fn show(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(slug): Path<String>,
    Query(told): Query<Told>,
) -> Answer<Response> {
    let integration = own(&console, &who, &slug).await?;
    let form = changing_form(&integration, &Given::of(&integration));
    let mut view = view(&console, &who, &integration, form).await?;
    view.frame = view.frame.telling(told.notice());
    page(&view)
}

/// `POST /admin/integrations/{slug}`
pub(crate) async fn save(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(slug): Path<String>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let integration = own(&console, &who, &slug).await?;
    let given = Given { slug: slug.clone(), ..Given::read(&answers, &integration.provider) };
    let enabled = if integration.enabled { Enabled::Yes } else { Enabled::No };
    match set_up(&console, &who, &integration.provider, &answers, &given, enabled).await {
        Ok(()) => done(&format!("/admin/integrations/{slug}"), "saved"),
        Err(problem) => {
            let refusal = Refusal::of(problem)?;
            let form = changing_form(&integration, &given).refused(refusal.issues());
            refusal.page(&view(&console, &who, &integration, form).await?)
        }
    }
}

/// `GET /admin/integrations/{slug}/disable`
pub(crate) async fn ask_disable(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(slug): Path<String>,
) -> Answer<Response> {
    let integration = own(&console, &who, &slug).await?;
    page(&disabling(console.viewer(&who).await?, &integration))
}

/// `POST /admin/integrations/{slug}/disable`
pub(crate) async fn disable(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(slug): Path<String>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let integration = own(&console, &who, &slug).await?;
    if let Err(refusal) = is_typed_back(&answers, &integration.name) {
        let mut view = disabling(console.viewer(&who).await?, &integration);
        view.form = view.form.refused(refusal.issues());
        return refusal.page(&view);
    }
    console.broker().enable_integration(who.organisation, &slug, Enabled::No, &by(&who)).await?;
    done(&format!("/admin/integrations/{slug}"), "disabled")
}

/// `POST /admin/integrations/{slug}/enable`
pub(crate) async fn enable(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(slug): Path<String>,
) -> Answer<Response> {
    console.broker().enable_integration(who.organisation, &slug, Enabled::Yes, &by(&who)).await?;
    done(&format!("/admin/integrations/{slug}"), "enabled")
}

fn by(who: &SignedIn) -> By {
    By::new(who.acting().actor, who.request.clone())
}

/// An integration of the administrator's own organisation.
async fn own(console: &Console, who: &SignedIn, slug: &str) -> Answer<Arc<Integration>> {
    let found = console.broker().integration_by_slug(slug).await?;
    Ok(found.filter(|one| one.organisation == who.organisation).ok_or(IntegrationFault::Unknown)?)
}

/// A provider at which people can link accounts.
fn provider_of(console: &Console, id: &str) -> Answer<Arc<Provider>> {
    let found = console.broker().catalogue().get(id).filter(|provider| is_linked_by_people(provider));
    found.map(Arc::clone).ok_or_else(|| Problem::of_status(StatusCode::NOT_FOUND))
}

async fn set_up(
    console: &Console,
    who: &SignedIn,
    provider: &Provider,
    answers: &Answers,
    given: &Given,
    enabled: Enabled,
) -> Answer<()> {
    let scopes = given
        .scopes
        .parse()
        .map_err(|_| Problem::new(Kind::Invalid, "are separated by spaces").with_path("scopes"))?;
    let filled = |name: &str| Some(answers.secret(name)).filter(|secret| !secret.expose().trim().is_empty());
    let settings = provider.settings.iter().map(|setting| setting.name.as_str()).chain(["environment"]);
    let stated = |name: &str| Some((name.to_owned(), filled(&format!("settings.{name}"))?));
    let settings: BTreeMap<String, Secret<String>> = settings.filter_map(stated).collect();
    let new = IntegrationIn {
        slug: given.slug.clone(),
        provider: provider.id.to_string(),
        name: given.name.clone(),
        client_id: given.client_id.clone(),
        client_secret: filled("client_secret"),
        private_key: filled("private_key"),
        settings,
        scopes: (!given.scopes.is_empty()).then_some(scopes),
        enabled: matches!(enabled, Enabled::Yes),
    };
    console.broker().set_up_integration(who.organisation, &new, &by(who)).await?;
    Ok(())
}

/// The organisation's integrations, those that need attention first.
pub(super) async fn rows(console: &Console, who: &SignedIn) -> Answer<Vec<IntegrationRow>> {
    let counts = console.broker().connection_counts().await?;
    let mut rows: Vec<IntegrationRow> = Vec::new();
    for one in console.broker().integrations_all().await? {
        if one.organisation != who.organisation {
            continue;
        }
        let (linked, attention) =
            counts.get(&one.id).map_or((0, 0), |counts| (counts.linked, counts.needs_reconnect));
        rows.push(IntegrationRow {
            slug: one.slug.clone(),
            name: one.name.clone(),
            provider: one.provider.name.clone(),
            state: match (one.enabled, attention) {
                (false, _) => label::State::quiet(t("int-disabled")),
                (true, 0) => label::State::good(t("int-enabled")),
                (true, _) => label::State::warn(t("int-needs-attention")),
            },
            linked,
            attention,
        });
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.attention));
    Ok(rows)
}

/// How the integrations are, and what needs attention.
pub(super) fn how_things_are(rows: &[IntegrationRow]) -> (String, Option<String>) {
    let how = match rows.len() {
        0 => t("int-none"),
        many => t("int-some").count("many", many),
    };
    let attention = rows.iter().filter(|row| row.attention > 0).count();
    let but = (attention > 0).then(|| t("int-attention").count("many", attention).into());
    (how.into(), but)
}

/// How one integration is.
fn how_it_is(linked: u64, attention: u64) -> String {
    let many = |some: u64| usize::try_from(some).unwrap_or(usize::MAX);
    let linked: String = t("int-linked").count("many", many(linked)).into();
    match attention {
        0 => linked,
        some => format!("{linked} {}", t("int-again").count("many", many(some))),
    }
}

fn adding_form(provider: &Provider, given: &Given) -> form::Form {
    let form = form::Form::new("/admin/integrations", t("int-add-act"))
        .hiding("provider", provider.id.to_string())
        .or_back_to("/admin/integrations/new");
    fields(form, provider, given, Enabled::No)
}

fn changing_form(integration: &Integration, given: &Given) -> form::Form {
    let form = form::Form::new(format!("/admin/integrations/{}", integration.slug), t("grant-save"));
    fields(form, &integration.provider, given, Enabled::Yes)
}

fn callback(console: &Console, slug: &str) -> String {
    format!("{}/integrations/oauth2/{slug}/callback", console.auth().config().base())
}

fn adding(console: &Console, viewer: Viewer, provider: &Provider, slug: &str, form: form::Form) -> Ask {
    let heading: String = t("int-add-one").of("name", &provider.name).into();
    Ask {
        frame: Frame::inside(heading.clone(), Here::Integrations, viewer),
        back: ("/admin/integrations/new".to_owned(), t("int-all").into()),
        heading,
        lead: t("int-add-lead").of("callback", callback(console, slug)).into(),
        form,
    }
}

async fn view(
    console: &Console,
    who: &SignedIn,
    one: &Integration,
    form: form::Form,
) -> Answer<admin::Integration> {
    let counts = console.broker().connection_counts().await?;
    let (linked, attention) =
        counts.get(&one.id).map_or((0, 0), |counts| (counts.linked, counts.needs_reconnect));
    let trusts = console.broker().trusts_of(one.id).await?;
    let trusted = trusts.iter().filter(|trust| trust.state == trust::State::Granted).count();
    Ok(admin::Integration {
        frame: Frame::inside(one.name.clone(), Here::Integrations, console.viewer(who).await?),
        how: how_it_is(linked, attention),
        looked_after: crate::staff::base_of(&IntId(one.id).to_string()),
        slug: one.slug.clone(),
        name: one.name.clone(),
        provider: one.provider.name.clone(),
        confidence: confidence(one.provider.confidence),
        state: if one.enabled {
            label::State::good(t("int-enabled"))
        } else {
            label::State::quiet(t("int-disabled"))
        },
        callback: callback(console, &one.slug),
        linked,
        trusted,
        is_enabled: one.enabled,
        form,
    })
}

fn disabling(viewer: Viewer, one: &Integration) -> Confirm {
    let back = format!("/admin/integrations/{}", one.slug);
    Confirm {
        frame: Frame::inside(t("int-disable-one").of("name", &one.name), Here::Integrations, viewer),
        heading: t("int-disable-question").of("name", &one.name).into(),
        lead: t("int-disable-lead").into(),
        effects: [t("int-disable-calls"), t("int-disable-linked"), t("int-disable-unlink")]
            .map(String::from)
            .into(),
        form: typed_back(format!("{back}/disable"), t("int-disable"), &one.name, &back),
        back: (back, one.name.clone()),
    }
}
