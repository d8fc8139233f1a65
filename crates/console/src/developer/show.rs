//! One application: what is registered, its trust, its secrets.  contract 1, Developer portal

use auth::{
    Developer, SignedIn,
    client::{
        self, Client,
        review::{self, Act, Step, Story},
        secret::SecretRow as Secret,
    },
};
use axum::{extract::State, response::Response};
use broker::{
    integration::Integration,
    trust::{self, Terms},
};
use kernel::{Id, Scopes};
use web::{Answer, Path, Query};

use super::{application, applications::standing};
use crate::{
    connection::connections_of,
    frame::{Frame, Here},
    label,
    page::{
        connection::Connections,
        developer::{Application, Returned, SecretRow, Trust, grant_in_words, kind_in_words, lifetimes},
    },
    permission,
    respond::{Told, done, page},
    state::Console,
    t,
};

/// `GET /developer/applications/{id}`
pub(crate) async fn show(
    State(console): State<Console>,
    Developer(who): Developer,
    Path(id): Path<Id<kernel::Client>>,
    Query(told): Query<Told>,
) -> Answer<Response> {
    let (auth, acting) = (console.auth(), who.acting());
    let client = application(&console, &who, id).await?;
    let story = review::story_of(auth, &acting, &client).await?;
    let secrets = client::secrets_of(auth, &acting, id).await?;
    let live = secrets.iter().filter(|secret| secret.is_live(console.now()));
    let secrets = live.map(|one| secret(&console, one)).collect();
    let integrations = trusts(&console, &who, id).await?;
    let frame = Frame::inside(client.name.clone(), Here::Developer, console.viewer(&who).await?);
    let connections = connections_of::<Developer>(&console, &who, id).await?;
    page(&view(&console, frame.telling(told.notice()), client, &story, (integrations, secrets, connections)))
}

fn view(
    console: &Console,
    frame: Frame,
    client: Client,
    story: &Story,
    (integrations, secrets, connections): (Vec<Trust>, Vec<SecretRow>, Connections),
) -> Application {
    let state = standing(&client, story.steps.first().map(|step| step.act));
    let trusted = integrations.iter().filter(|trust| trust.is_granted).count();
    Application {
        frame,
        how: how_it_is(&state, trusted, integrations.len()),
        returned: story.sent_back(&client).map(|step| returned(console, step)),
        id: client.id.to_string(),
        client_id: client.client_id.to_string(),
        state,
        uri: client.uri.as_str().to_owned(),
        redirect_uris: client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
        kind: kind_in_words(client.confidentiality),
        profile: client.profile.as_str(),
        auth_method: client.auth_method.as_str(),
        has_secret: client.auth_method.has_secret(),
        grants: client.grant_types.iter().map(|grant| grant_in_words(*grant)).collect(),
        scopes: scopes_in_words(&client.scopes),
        logo: client.logo_uri.as_ref().map(|uri| uri.as_str().to_owned()),
        registered: console.moment(client.created_at),
        integrations,
        secrets,
        lifetimes: lifetimes(),
        connections,
        name: client.name,
    }
}

fn how_it_is(state: &label::State, trusted: usize, all: usize) -> String {
    t("client-how").of("state", &state.word).count("trusted", trusted).count("all", all).into()
}

fn returned(console: &Console, step: &Step) -> Returned {
    let heading = match step.act {
        Act::Refused => t("review-developer-refused"),
        _ => t("review-developer-change"),
    };
    Returned {
        heading: heading.into(),
        note: step.note.clone().unwrap_or_default(),
        at: console.moment(step.at),
    }
}

/// `POST /developer/applications/{id}/ask`: what was sent back waits for an administrator again.
pub(crate) async fn ask(
    State(console): State<Console>,
    Developer(who): Developer,
    Path(id): Path<Id<kernel::Client>>,
) -> Answer<Response> {
    application(&console, &who, id).await?;
    review::ask_again(console.auth(), &who.acting(), id).await?;
    done(&format!("/developer/applications/{id}"), "asked-again")
}

/// Each scope as it is written, and in words.
pub(crate) fn scopes_in_words(scopes: &Scopes) -> Vec<(String, String)> {
    scopes.iter().map(|scope| (scope.to_string(), permission::sentence(scope.as_str()))).collect()
}

/// The integrations of the developer's organisation, and whether the client is trusted with each.
async fn trusts(console: &Console, who: &SignedIn, client: Id<kernel::Client>) -> Answer<Vec<Trust>> {
    let trusts = console.broker().trusts_of_client(client).await?;
    let integrations = console.broker().integrations_all().await?;
    let own = integrations.iter().filter(|integration| integration.organisation == who.organisation);
    let rows = own.filter_map(|integration| {
        let trust = trusts.iter().find(|trust| trust.integration == integration.id);
        (integration.enabled || trust.is_some()).then(|| row(integration, trust))
    });
    Ok(rows.collect())
}

fn row(integration: &Integration, trust: Option<&trust::Trust>) -> Trust {
    let state = trust.map(|trust| trust.state);
    let asked_or_granted = trust.filter(|trust| trust.state != trust::State::Withdrawn);
    Trust {
        slug: integration.slug.clone(),
        name: integration.name.clone(),
        state: trust_label(state),
        may: asked_or_granted
            .map_or_else(|| t("trust-nothing").into(), |trust| terms_in_words(integration, &trust.terms)),
        is_granted: state == Some(trust::State::Granted),
        may_ask: integration.enabled && state != Some(trust::State::Granted),
        ask_words: if state == Some(trust::State::Requested) {
            t("trust-ask-change").into()
        } else {
            t("trust-ask").into()
        },
    }
}

/// How a trust stands, in one word.
pub(crate) fn trust_label(state: Option<trust::State>) -> label::State {
    match state {
        Some(trust::State::Granted) => label::State::good(t("trust-trusted")),
        Some(trust::State::Requested) => label::State::warn(t("trust-asked-for")),
        Some(trust::State::Withdrawn) => label::State::bad(t("trust-withdrawn")),
        None => label::State::quiet(t("trust-not")),
    }
}

/// What a trust lets an application do.
pub(crate) fn terms_in_words(integration: &Integration, terms: &Terms) -> String {
    let title = |name: &String| {
        integration.provider.action(name).map_or_else(|| name.clone(), |action| action.title.clone())
    };
    let mut parts: Vec<String> = terms.actions.iter().map(title).collect();
    if parts.is_empty() {
        parts.push(t("terms-see").into());
    }
    if !terms.proxy.is_empty() {
        parts.push(t("terms-direct").count("many", terms.proxy.len()).into());
    }
    let calls = usize::try_from(terms.rate_per_minute).unwrap_or(usize::MAX);
    parts.push(t("terms-rate").count("many", calls).into());
    parts.join("; ")
}

fn secret(console: &Console, secret: &Secret) -> SecretRow {
    let id = secret.id.to_string();
    SecretRow {
        name: id.rsplit('-').next().unwrap_or_default().to_owned(),
        ends: secret.expires_at.map(|at| console.moment(at)),
        made: console.moment(secret.created_at),
        last_use: secret.last_used_at.map(|at| console.moment(at)),
        id,
    }
}
