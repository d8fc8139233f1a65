//! Whether an API can be pulled from: the first page of each stream, and what its first record becomes.

use http::StatusCode;
use kernel::World;
use outbound::WholeAnswer;
use serde_json::Value;

use super::{RestApi, answer, place::Place, plan::Stream};
use crate::connector::{
    Cursor, Findings, PullFault, SignIn, StepName,
    look::{CHECK_BYTES_MAX, Look, TOO_SLOW, UNKNOWN, failed, passed, warning, words},
    reach::STEPS,
    way::NO_CONNECTION,
};

pub(super) async fn check(api: &RestApi, world: &World) -> Findings {
    let mut look = Look::begin(&api.way, world);
    through(api, &mut look).await;
    look.found.skip_rest(&STEPS);
    look.found
}

async fn through(api: &RestApi, look: &mut Look<'_>) -> Option<()> {
    look.reach(&api.base).await?;
    let began = look.world.now();
    look.prove().await?;
    let mut samples = Vec::new();
    for (nth, stream) in api.plan.streams.iter().enumerate() {
        let answer = match look.is_late() {
            true => Err(TOO_SLOW),
            false => first_page(api, nth).await,
        };
        if nth == 0 {
            known(api, look, &answer)?;
        }
        match answer.and_then(|answer| records(api, stream, answer)) {
            Ok(records) => {
                look.found.permissions.push(format!("{}.read", stream.name));
                samples.extend(records.into_iter().next().map(|record| (stream, record)));
            }
            Err(fault) => return look.tell(StepName::Permission, began, failed(words(&fault))),
        }
    }
    look.tell(StepName::Permission, began, passed("every stream may be read"))?;
    let began = look.world.now();
    let said = sample(api, &samples);
    look.tell(StepName::SampleRead, began, said)
}

/// The records of an answer; none where it says that it has none.
fn records(api: &RestApi, stream: &Stream, answer: WholeAnswer) -> Result<Vec<Value>, PullFault> {
    if answer.status == StatusCode::NO_CONTENT {
        return Ok(Vec::new());
    }
    answer::records(stream, answer::read(&api.way.answered(answer)?.body)?)
}

async fn first_page(api: &RestApi, nth: usize) -> Result<WholeAnswer, PullFault> {
    let place = Place::of(&Cursor::default(), &api.plan)?.begin(nth, &api.plan);
    api.way.read(&api.call(&place)?, CHECK_BYTES_MAX).await
}

/// What the first answer shows: an encrypted connection, an API, and whether we are known.
fn known(api: &RestApi, look: &mut Look<'_>, answer: &Result<WholeAnswer, PullFault>) -> Option<()> {
    let began = look.world.now();
    let said = match (answer, api.base.scheme()) {
        (_, "http") => warning("nothing is encrypted on the way: that is for hosts inside alone"),
        (Err(PullFault::Again { why, .. }), _) if *why == NO_CONNECTION => {
            failed("no encrypted connection comes about: is the certificate valid, and of this name?")
        }
        _ => passed("the connection is encrypted, and the certificate is good"),
    };
    look.tell(StepName::Tls, began, said)?;
    let answer = match answer {
        Ok(answer) => answer,
        Err(fault) => return look.tell(StepName::Api, began, failed(words(fault))),
    };
    if answer.status.as_u16() == 401 {
        return look.tell(StepName::SignIn, began, failed(UNKNOWN));
    }
    let is_api = answer.status.as_u16() != 200 || answer::read(&answer.body).is_ok();
    let said = match is_api {
        true => passed("the API answers"),
        false => failed("the answer is no JSON: is this the address of the API?"),
    };
    look.tell(StepName::Api, began, said)?;
    let said = match api.way.sign_in() {
        SignIn::Open => passed("the server asks for no sign-in"),
        SignIn::Tokens(_) => passed("the server takes the token that we were given"),
        SignIn::Bearer(_) | SignIn::Basic { .. } | SignIn::Header { .. } => {
            passed("the server takes our credential")
        }
    };
    look.tell(StepName::SignIn, began, said)
}

fn sample(api: &RestApi, samples: &[(&Stream, Value)]) -> crate::connector::look::Said {
    let live = |(stream, record): &&(&Stream, Value)| !stream.is_gone(record);
    let mut is_lost = false;
    let mut found = 0;
    for (stream, record) in samples.iter().filter(live) {
        let made = api.mapper.found(&stream.name, record);
        is_lost |= made.iter().any(|made| made.text.is_err());
        found += made.len();
    }
    match (found, is_lost) {
        (_, true) => {
            warning("a record of the source cannot be mapped: see what a dry run of the mapping says")
        }
        (0, _) => warning("there is no record to be read yet, or the mapping makes nothing of it"),
        _ => passed("a record of each stream that has any is mapped"),
    }
}
