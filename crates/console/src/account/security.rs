//! How a person signs in, and where they are signed in.  OWASP ASVS 5.0 §6.5, §7.5

use auth::{
    SignedIn,
    person::factor::{self, FactorFault},
    session::{self, Place},
    upstream,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use kernel::Secret;
use web::{Answer, LocalPath, Query, Redirect};

use crate::{
    frame::{Frame, Here, Notice},
    language::heard,
    page::security::{
        Codes, FactorLine, LinkLine, Security, SessionLine, acr_words, how_you_sign_in, kind_words,
    },
    page::way::PAGE,
    respond::{Refusal, Told, done, page},
    state::Console,
    t,
};

/// `GET /account/security`
pub(crate) async fn show(
    State(console): State<Console>,
    who: SignedIn,
    Query(told): Query<Told>,
) -> Answer<Response> {
    page(&view(&console, &who, told.notice()).await?)
}

/// `POST /account/security/codes`: new recovery codes, shown in the answer and never again.
pub(crate) async fn draw_codes(State(console): State<Console>, who: SignedIn) -> Answer<Response> {
    match factor::draw_recovery_codes(console.auth(), &who).await {
        Ok(codes) => page(&codes_view(&console, &who, codes).await?),
        Err(fault) => refused(&console, &who, fault).await,
    }
}

/// After a factor was added: with the first one come recovery codes.
pub(crate) async fn added(console: &Console, who: &SignedIn) -> Answer<Response> {
    if factor::recovery_codes_left(console.auth(), who).await? > 0 {
        return done(PAGE, "added");
    }
    let codes = factor::draw_recovery_codes(console.auth(), who).await?;
    page(&codes_view(console, who, codes).await?)
}

/// What could not be done, on the page itself; or on to sign in again, where that is what is missing.
pub(crate) async fn refused(console: &Console, who: &SignedIn, fault: FactorFault) -> Answer<Response> {
    if matches!(fault, FactorFault::NotRecent) {
        return sign_in_again();
    }
    let refusal = Refusal::of(fault)?;
    let said = refusal.issues().into_iter().map(|issue| heard(&issue.message));
    let notice = Notice::failed(said.collect::<Vec<_>>().join(" "));
    refusal.page(&view(console, who, Some(notice)).await?)
}

/// Changing how one signs in needs a fresh sign-in.
pub(crate) fn sign_in_again() -> Answer<Response> {
    let back = LocalPath::parse(PAGE).unwrap_or_else(|_| LocalPath::root());
    Ok(Redirect::to_trusted(&session::sign_in_anew_location(&back))?.into_response())
}

/// The page, with what just happened.
pub(crate) async fn view(console: &Console, who: &SignedIn, notice: Option<Notice>) -> Answer<Security> {
    let auth = console.auth();
    let may_change = match factor::may_change(auth, who).await {
        Ok(()) => true,
        Err(FactorFault::NotRecent) => false,
        Err(fault) => return Err(fault.into()),
    };
    let factors = factor::list(auth, who).await?;
    let sessions = session::list(auth, who).await?;
    let links = upstream::links(auth, who).await?;
    let codes_left = factor::recovery_codes_left(auth, who).await?;
    Ok(Security {
        frame: Frame::inside(t("security-title"), Here::Security, console.viewer(who).await?).telling(notice),
        how: how_you_sign_in(factors.iter().map(|factor| factor.kind)),
        may_change,
        has_passkeys: auth.has_passkeys(),
        codes_left,
        links: links
            .into_iter()
            .map(|one| LinkLine {
                slug: one.slug,
                name: one.name,
                since: one.since.map(|at| console.moment(at)),
                used: one.used_at.map(|at| console.moment(at)),
            })
            .collect(),
        factors: factors
            .into_iter()
            .map(|factor| FactorLine {
                id: factor.id.to_string(),
                kind: kind_words(factor.kind).into(),
                name: factor.name,
                since: console.moment(factor.since),
                used: factor.used_at.map(|at| console.moment(at)),
            })
            .collect(),
        sessions: sessions
            .into_iter()
            .map(|one| SessionLine {
                id: one.id.to_string(),
                browser: one.browser,
                with: acr_words(one.acr).into(),
                began: console.moment(one.began_at),
                seen: console.moment(one.seen_at),
                is_here: one.place == Place::Here,
            })
            .collect(),
    })
}

async fn codes_view(console: &Console, who: &SignedIn, codes: Vec<Secret<String>>) -> Answer<Codes> {
    let frame = Frame::inside(t("codes-yours"), Here::Security, console.viewer(who).await?);
    Ok(Codes { frame, codes })
}
