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
    words::count,
};

/// The rate that the form proposes.
const CALLS_PER_MINUTE: u32 = 60;

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
        frame: Frame::inside("Trust", Here::Trust, console.viewer(&who).await?).telling(told.notice()),
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
        (None, _) => Err(Problem::new(Kind::Conflict, "Verify the application first")),
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
        what: format!("{} with {}", one.client.name, one.integration.name),
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
        0 => "No application is trusted with an integration yet".to_owned(),
        some => format!("{} in force", count(some, "grant is", "grants are")),
    };
    let but = match with(trust::State::Requested) {
        0 => None,
        1 => Some("1 request waits for you".to_owned()),
        many => Some(format!("{many} requests wait for you")),
    };
    (how, but)
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
        what: if is_over { "Nothing".to_owned() } else { terms_in_words(&one.integration, &one.trust.terms) },
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
                Issue::at(
                    "proxy",
                    format!("“{line}” is not a method and a path, such as GET /1/user/*/sleep"),
                )
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
        if is_request && asked.contains(&action.name) { choice.hint("Asked for.") } else { choice }
    });
    let actions: Vec<Choice> = actions.collect();
    let words = if between.trust.state == trust::State::Granted { "Save" } else { "Grant trust" };
    let mut form = form::Form::new(page_of(between), words);
    if !actions.is_empty() {
        form = form.with(
            Field::checks("actions", "It may", actions)
                .hint("Whether an account is linked can always be seen.")
                .optional(),
        );
    }
    form.with(
        Field::lines("proxy", "Addresses it may call directly")
            .hint("One on each line: a method and a path, where * stands for one part, such as GET /1/user/*/sleep")
            .value(said.proxy.join("\n"))
            .optional(),
    )
    .with(
        Field::text("scopes", "Scopes of the service that it may make use of")
            .hint("Separated by spaces. Empty: all that the integration asks for.")
            .value(&said.scopes)
            .optional(),
    )
    .with(Field::line("rate_per_minute", "Calls a minute", "number", "off").value(&said.rate))
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
    let name = format!("{} with {}", client.name, integration.name);
    Ok(admin::Trust {
        frame: Frame::inside(name, Here::Trust, console.viewer(who).await?),
        how: match trust.state {
            trust::State::Requested => "A developer has asked for this. It waits for you.",
            trust::State::Granted => {
                "The application is trusted. You can change the terms, or withdraw the trust."
            }
            trust::State::Withdrawn => "The application is not trusted. You can grant trust again.",
        }
        .to_owned(),
        withdraw: (trust.state != trust::State::Withdrawn).then(|| format!("{}/withdraw", page_of(between))),
        client: client.name.clone(),
        client_page: (client.organisation == integration.organisation)
            .then(|| format!("/admin/applications/{}", client.id)),
        client_state: standing(client, latest.get(&client.id).copied()),
        integration: integration.name.clone(),
        state: trust_label(Some(trust.state)),
        asked: trust.terms.actions.iter().map(title).collect(),
        since: console.moment(trust.requested_at),
        form_heading: if trust.state == trust::State::Granted { "Terms" } else { "Grant trust" },
        form,
    })
}

fn withdrawal(viewer: Viewer, between: &Between) -> Confirm {
    let (client, integration) = (&between.client.name, &between.integration.name);
    let back = page_of(between);
    Confirm {
        frame: Frame::inside("Withdraw trust", Here::Trust, viewer),
        heading: format!("Withdraw the trust between {client} and {integration}?"),
        lead: format!("{client} can no longer use what people have linked at {integration}."),
        effects: vec![
            "It takes effect at once, on every node.".to_owned(),
            format!(
                "People’s accounts stay linked at {integration}, and other applications go on as before."
            ),
            "The developer can ask again, and you can grant it again.".to_owned(),
        ],
        form: typed_back(format!("{back}/withdraw"), "Withdraw trust", client, &back),
        back: (back.clone(), format!("{client} with {integration}")),
    }
}
