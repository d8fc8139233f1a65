//! Initial access tokens: list, make, revoke. A new one is shown in the answer to the form, and never again.  RFC 7591 §3

use std::collections::BTreeMap;

use auth::{
    Administrator, SignedIn, person,
    registration::{
        Policy,
        initial::{self, InitialToken, NewToken, USES_MAX},
    },
};
use axum::{extract::State, response::Response};
use kernel::{Id, InitialAccessToken, Person};
use web::{Answer, Form, Path, Query};

use crate::{
    answers::Answers,
    form::{self, Choice, Field},
    frame::{Frame, Here},
    label,
    page::{
        ask::Ask,
        confirm::Confirm,
        token::{Token, TokenMade, Tokens, how_things_are},
    },
    respond::{Refusal, Told, done, page},
    state::Console,
    t,
};

const LIST: &str = "/admin/tokens";

/// How long a token may be chosen to be good, in days; the chosen one first.
const LIFETIMES_DAYS: [u32; 4] = [7, 1, 30, 365];

/// `GET /admin/tokens`
pub(crate) async fn list(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Query(told): Query<Told>,
) -> Answer<Response> {
    let all = initial::list_of(console.auth(), &who.acting()).await?;
    let names = names_of(&console, &who, &all).await?;
    let live = all.iter().filter(|token| token.is_live(console.now())).count();
    let how = match console.auth().config().registration {
        Policy::Closed => t("tokens-closed").into(),
        Policy::Token | Policy::Open(_) => how_things_are(live),
    };
    page(&Tokens {
        frame: Frame::inside(t("tokens-title"), Here::Applications, console.viewer(&who).await?)
            .telling(told.notice()),
        how,
        tokens: all.into_iter().map(|token| row(&console, token, &names)).collect(),
    })
}

/// The names of those who made them.
async fn names_of(
    console: &Console,
    who: &SignedIn,
    tokens: &[InitialToken],
) -> Answer<BTreeMap<Id<Person>, String>> {
    let mut names = BTreeMap::new();
    for id in tokens.iter().filter_map(|token| token.made_by) {
        if !names.contains_key(&id)
            && let Some(person) = person::find(console.auth(), who.organisation, id).await?
        {
            names.insert(id, person.display_name);
        }
    }
    Ok(names)
}

fn row(console: &Console, token: InitialToken, names: &BTreeMap<Id<Person>, String>) -> Token {
    let is_live = token.is_live(console.now());
    let state = match (is_live, token.revoked_at, token.uses_left) {
        (true, _, _) => label::State::good(t("tokens-good")),
        (false, Some(_), _) => label::State::bad(t("tokens-revoked")),
        (false, None, 0) => label::State::quiet(t("tokens-spent")),
        (false, None, _) => label::State::quiet(t("tokens-over")),
    };
    Token {
        id: token.id.to_string(),
        state,
        is_live,
        left: token.uses_left,
        made_by: token.made_by.and_then(|by| names.get(&by).cloned()),
        made: console.moment(token.created_at),
        last_use: token.used_at.map(|at| console.moment(at)),
        ends: console.moment(token.expires_at),
        name: token.name,
    }
}

/// `GET /admin/tokens/new`
pub(crate) async fn ask(
    State(console): State<Console>,
    Administrator(who): Administrator,
) -> Answer<Response> {
    page(&question(&console, &who, &NewToken { uses: 1, ..NewToken::default() }).await?)
}

/// `POST /admin/tokens`
pub(crate) async fn make(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    // What is no number is none that is allowed.
    let number = |name: &str| answers.text(name).parse().unwrap_or_default();
    let new = NewToken {
        name: answers.text("name").to_owned(),
        uses: number("uses"),
        lifetime_days: number("lifetime_days"),
    };
    match initial::make(console.auth(), &who.acting(), &new).await {
        Ok(made) => page(&TokenMade {
            frame: Frame::inside(t("tokens-made"), Here::Applications, console.viewer(&who).await?),
            heading: t("tokens-made-heading").of("name", &made.token.name).into(),
            token: made.text,
            address: format!("{}/register", console.auth().issuer()),
        }),
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            let mut view = question(&console, &who, &new).await?;
            view.form = view.form.refused(refusal.issues());
            refusal.page(&view)
        }
    }
}

async fn question(console: &Console, who: &SignedIn, said: &NewToken) -> Answer<Ask> {
    let lifetimes = LIFETIMES_DAYS.map(|days| {
        let words = t("tokens-days").count("days", usize::try_from(days).unwrap_or(usize::MAX));
        Choice::new(days.to_string(), words).chosen_if(days == said.lifetime_days)
    });
    let most = usize::try_from(USES_MAX).unwrap_or(usize::MAX);
    let form = form::Form::new(LIST, t("tokens-make"))
        .with(Field::text("name", t("tokens-for")).hint(t("tokens-for-hint")).value(&said.name))
        .with(
            Field::line("uses", t("tokens-uses"), "number", "off")
                .hint(t("tokens-uses-hint").count("most", most))
                .value(said.uses.to_string()),
        )
        .with(Field::select("lifetime_days", t("tokens-lifetime"), lifetimes.into()))
        .or_back_to(LIST);
    Ok(Ask {
        frame: Frame::inside(t("tokens-make"), Here::Applications, console.viewer(who).await?),
        back: (LIST.to_owned(), t("tokens-title").into()),
        heading: t("tokens-make").into(),
        lead: t("tokens-lead").into(),
        form,
    })
}

/// `GET /admin/tokens/{id}/revoke`
pub(crate) async fn ask_to_revoke(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(id): Path<Id<InitialAccessToken>>,
) -> Answer<Response> {
    let token = initial::get(console.auth(), &who.acting(), id).await?;
    let heading: String = t("tokens-revoke-question").of("name", &token.name).into();
    page(&Confirm {
        frame: Frame::inside(heading.clone(), Here::Applications, console.viewer(&who).await?),
        back: (LIST.to_owned(), t("tokens-title").into()),
        heading,
        lead: t("tokens-revoke-lead").into(),
        effects: [t("tokens-revoke-clients"), t("tokens-revoke-final")].map(String::from).into(),
        form: form::Form::new(format!("{LIST}/{id}/revoke"), t("tokens-revoke")).or_back_to(LIST).dangerous(),
    })
}

/// `POST /admin/tokens/{id}/revoke`
pub(crate) async fn revoke(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(id): Path<Id<InitialAccessToken>>,
) -> Answer<Response> {
    initial::revoke(console.auth(), &who.acting(), id).await?;
    done(LIST, "token-revoked")
}
