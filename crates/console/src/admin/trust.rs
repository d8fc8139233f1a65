//! Grant or withdraw trust with the organisation's own integrations.  contract 1, Rules

use std::sync::Arc;

use auth::{
    Administrator, SignedIn,
    client::{self, Client, review},
};
use axum::{extract::State, response::Response};
use broker::{
    By,
    integration::Integration,
    proxy::Rule,
    trust::{self, Terms, Trust},
};
use http::StatusCode;
use kernel::{Id, Issue, Kind, Timestamp};
use web::{Answer, Form, Path, Problem, Query};

use crate::{
    answers::Answers,
    developer::{
        applications::standing,
        show::{terms_in_words, trust_label},
    },
    form::{self, Choice, Field},
    frame::{Frame, Here, Viewer},
    page::{
        admin::{self, TrustRow, Trusts},
        confirm::{Confirm, is_typed_back, typed_back},
    },
    respond::{Refusal, Told, done, page},
    state::Console,
    t,
};

/// The rate that the form proposes.
const CALLS_PER_MINUTE: u32 = 60;

/// An example of an address that an application may call.
const RULE: &str = "GET /1/user/*/sleep";

/// A trust with what it is between.
struct Between {
    client: Client,
    integration: Arc<Integration>,
    trust: Trust,
}

/// `GET /admin/trust`
pub(crate) async fn list(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Query(told): Query<Told>,
) -> Answer<Response> {
    let mut all = all_of(&console, &who).await?;
    all.sort_by_key(|one| {
        (one.trust.state != trust::State::Requested, std::cmp::Reverse(one.trust.requested_at))
    });
    let (how, but) = how_things_are(&all);
    page(&Trusts {
        trusts: all.iter().map(|one| row(&console, one)).collect(),
        frame: Frame::inside(t("menu-trust"), Here::Trust, console.viewer(&who).await?)
            .telling(told.notice()),
        how,
        but,
    })
}

/// `GET /admin/trust/{slug}/{client}`
pub(crate) async fn show(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path((slug, client)): Path<(String, Id<kernel::Client>)>,
) -> Answer<Response> {
    let between = find(&console, &who, &slug, client).await?;
    let form = grant_form(&between, &Said::of(&between.trust.terms));
    page(&view(&console, &who, &between, form).await?)
}

/// `POST /admin/trust/{slug}/{client}`
pub(crate) async fn grant(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path((slug, client)): Path<(String, Id<kernel::Client>)>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let between = find(&console, &who, &slug, client).await?;
    let said = Said::from(&answers);
    let by = By::new(who.acting().actor, who.request.clone());
    let granted: Result<(), Problem> = match (between.client.verified_at, said.terms()) {
        (None, _) => Err(Problem::new(Kind::Conflict, "Verify the application first.")),
        (Some(_), Err(issues)) => {
            Err(Problem::new(Kind::Invalid, "The terms are not right.").with_issues(issues))
        }
        (Some(_), Ok(terms)) => console
            .broker()
            .grant_trust(who.organisation, client, &slug, terms, &by)
            .await
            .map_err(Problem::from),
    };
    match granted {
        Ok(()) => done("/admin/trust", "granted"),
        Err(problem) => {
            let refusal = Refusal::of(problem)?;
            let form = grant_form(&between, &said).refused(refusal.issues());
            refusal.page(&view(&console, &who, &between, form).await?)
        }
    }
}

/// `GET /admin/trust/{slug}/{client}/withdraw`
pub(crate) async fn ask(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path((slug, client)): Path<(String, Id<kernel::Client>)>,
) -> Answer<Response> {
    let between = find(&console, &who, &slug, client).await?;
    page(&withdrawal(console.viewer(&who).await?, &between))
}

/// `POST /admin/trust/{slug}/{client}/withdraw`
pub(crate) async fn withdraw(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path((slug, client)): Path<(String, Id<kernel::Client>)>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let between = find(&console, &who, &slug, client).await?;
    if let Err(refusal) = is_typed_back(&answers, &between.client.name) {
        let mut view = withdrawal(console.viewer(&who).await?, &between);
        view.form = view.form.refused(refusal.issues());
        return refusal.page(&view);
    }
    let by = By::new(who.acting().actor, who.request.clone());
    console.broker().withdraw_trust(who.organisation, client, &slug, &by).await?;
    done("/admin/trust", "withdrawn")
}

/// A request that waits.
pub(super) struct Request {
    pub(super) href: String,
    pub(super) what: String,
    pub(super) terms: String,
    pub(super) at: Timestamp,
}

/// What the organisation's integrations are asked for.
pub(super) async fn requests_of(console: &Console, who: &SignedIn) -> Answer<Vec<Request>> {
    let all = all_of(console, who).await?;
    let asked = all.iter().filter(|one| one.trust.state == trust::State::Requested);
    let request = |one: &Between| Request {
        href: page_of(one),
        what: name_of(one),
        terms: terms_in_words(&one.integration, &one.trust.terms),
        at: one.trust.requested_at,
    };
    Ok(asked.map(request).collect())
}

async fn all_of(console: &Console, who: &SignedIn) -> Answer<Vec<Between>> {
    let mut all = Vec::new();
    for integration in console.broker().integrations_all().await? {
        if integration.organisation != who.organisation {
            continue;
        }
        for trust in console.broker().trusts_of(integration.id).await? {
            if let Some(client) = client::live_by_id(console.auth(), trust.client).await? {
                all.push(Between { client, integration: Arc::clone(&integration), trust });
            }
        }
    }
    Ok(all)
}

/// The trust between an integration of the administrator's organisation and a client, if there is one.
async fn find(console: &Console, who: &SignedIn, slug: &str, client: Id<kernel::Client>) -> Answer<Between> {
    let missing = || Problem::of_status(StatusCode::NOT_FOUND);
    let integration = console.broker().integration_by_slug(slug).await?;
    let integration = integration.filter(|one| one.organisation == who.organisation).ok_or_else(missing)?;
    let trusts = console.broker().trusts_of(integration.id).await?;
    let trust = trusts.into_iter().find(|trust| trust.client == client).ok_or_else(missing)?;
    let client = client::live_by_id(console.auth(), client).await?.ok_or_else(missing)?;
    Ok(Between { client, integration, trust })
}

fn how_things_are(all: &[Between]) -> (String, Option<String>) {
    let with = |state| all.iter().filter(|one| one.trust.state == state).count();
    let how = match with(trust::State::Granted) {
        0 => t("grant-none"),
        some => t("grant-some").count("many", some),
    };
    let waiting = with(trust::State::Requested);
    let but = (waiting > 0).then(|| t("grant-waits").count("many", waiting).into());
    (how.into(), but)
}

fn name_of(one: &Between) -> String {
    t("grant-with").of("client", &one.client.name).of("integration", &one.integration.name).into()
}

fn page_of(one: &Between) -> String {
    format!("/admin/trust/{}/{}", one.integration.slug, one.client.id)
}

fn row(console: &Console, one: &Between) -> TrustRow {
    let is_over = one.trust.state == trust::State::Withdrawn;
    TrustRow {
        href: page_of(one),
        client: one.client.name.clone(),
        integration: one.integration.name.clone(),
        state: trust_label(Some(one.trust.state)),
        what: if is_over {
            t("trust-nothing").into()
        } else {
            terms_in_words(&one.integration, &one.trust.terms)
        },
        since: console.moment(one.trust.decided_at.unwrap_or(one.trust.requested_at)),
    }
}

/// Terms as the form holds them.
struct Said {
    actions: Vec<String>,
    proxy: Vec<String>,
    scopes: String,
    rate: String,
}

impl Said {
    fn of(terms: &Terms) -> Self {
        Self {
            actions: terms.actions.clone(),
            proxy: terms.proxy.iter().map(Rule::to_string).collect(),
            scopes: terms.scopes.to_string(),
            rate: if terms.rate_per_minute == 0 {
                CALLS_PER_MINUTE.to_string()
            } else {
                terms.rate_per_minute.to_string()
            },
        }
    }

    fn from(answers: &Answers) -> Self {
        Self {
            actions: answers.ticked("actions"),
            proxy: answers.lines("proxy"),
            scopes: answers.text("scopes").to_owned(),
            rate: answers.text("rate_per_minute").to_owned(),
        }
    }

    fn terms(&self) -> Result<Terms, Vec<Issue>> {
        let mut issues = Vec::new();
        let rules = self.proxy.iter().map(|line| {
            let wrong = |_| {
                Issue::at("proxy", t("grant-proxy-wrong").of("line", line).of("example", RULE).to_string())
            };
            line.parse::<Rule>().map_err(wrong)
        });
        let proxy =
            rules.collect::<Result<Vec<_>, _>>().map_err(|issue| issues.push(issue)).unwrap_or_default();
        let scopes = self
            .scopes
            .parse()
            .map_err(|_| issues.push(Issue::at("scopes", "are separated by spaces")))
            .unwrap_or_default();
        let rate = self
            .rate
            .parse::<u32>()
            .map_err(|_| issues.push(Issue::at("rate_per_minute", "must be a number")))
            .unwrap_or_default();
        let terms = Terms { actions: self.actions.clone(), proxy, scopes, rate_per_minute: rate };
        if issues.is_empty() { Ok(terms) } else { Err(issues) }
    }
}

fn grant_form(between: &Between, said: &Said) -> form::Form {
    let asked = &between.trust.terms.actions;
    let is_request = between.trust.state == trust::State::Requested;
    let actions = between.integration.provider.actions.iter().map(|action| {
        let choice = Choice::new(&action.name, &action.title).chosen_if(said.actions.contains(&action.name));
        if is_request && asked.contains(&action.name) { choice.hint(t("grant-asked-mark")) } else { choice }
    });
    let actions: Vec<Choice> = actions.collect();
    let words = if between.trust.state == trust::State::Granted { t("grant-save") } else { t("grant-act") };
    let mut form = form::Form::new(page_of(between), words);
    if !actions.is_empty() {
        form =
            form.with(Field::checks("actions", t("grant-may"), actions).hint(t("grant-may-hint")).optional());
    }
    form.with(
        Field::lines("proxy", t("grant-proxy"))
            .hint(t("grant-proxy-hint").of("example", RULE))
            .value(said.proxy.join("\n"))
            .optional(),
    )
    .with(
        Field::text("scopes", t("grant-scopes")).hint(t("grant-scopes-hint")).value(&said.scopes).optional(),
    )
    .with(Field::line("rate_per_minute", t("grant-rate"), "number", "off").value(&said.rate))
}

async fn view(
    console: &Console,
    who: &SignedIn,
    between: &Between,
    form: form::Form,
) -> Answer<admin::Trust> {
    let latest = review::latest_of(console.auth(), &who.acting()).await?;
    let Between { client, integration, trust } = between;
    let title = |name: &String| {
        integration.provider.action(name).map_or_else(|| name.clone(), |action| action.title.clone())
    };
    Ok(admin::Trust {
        frame: Frame::inside(name_of(between), Here::Trust, console.viewer(who).await?),
        how: match trust.state {
            trust::State::Requested => t("grant-requested"),
            trust::State::Granted => t("grant-granted"),
            trust::State::Withdrawn => t("grant-withdrawn"),
        }
        .into(),
        withdraw: (trust.state != trust::State::Withdrawn).then(|| format!("{}/withdraw", page_of(between))),
        client: client.name.clone(),
        client_page: (client.organisation == integration.organisation)
            .then(|| format!("/admin/applications/{}", client.id)),
        client_state: standing(client, latest.get(&client.id).copied()),
        integration: integration.name.clone(),
        state: trust_label(Some(trust.state)),
        asked: trust.terms.actions.iter().map(title).collect(),
        since: console.moment(trust.requested_at),
        form_heading: if trust.state == trust::State::Granted { t("grant-terms") } else { t("grant-act") }
            .into(),
        form,
    })
}

fn withdrawal(viewer: Viewer, between: &Between) -> Confirm {
    let (client, integration) = (&between.client.name, &between.integration.name);
    let back = page_of(between);
    Confirm {
        frame: Frame::inside(t("grant-withdraw"), Here::Trust, viewer),
        heading: t("grant-withdraw-question").of("client", client).of("integration", integration).into(),
        lead: t("grant-withdraw-lead").of("client", client).of("integration", integration).into(),
        effects: [
            t("grant-withdraw-once"),
            t("grant-withdraw-linked").of("integration", integration),
            t("grant-withdraw-again"),
        ]
        .map(String::from)
        .into(),
        form: typed_back(format!("{back}/withdraw"), t("grant-withdraw"), client, &back),
        back: (back.clone(), name_of(between)),
    }
}
