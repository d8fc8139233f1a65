//! Codes of apps and recovery codes: taken once, guessed at slowly, and nobody locked out.

use std::{net::IpAddr, time::Duration};

use auth::{
    SignedIn,
    person::{
        Proven, Refusal, Shown,
        factor::{self, FactorFault, First, Halfway},
    },
    session::Acr,
};
use crypto::totp;
use kernel::{Factor, Id, Secret};

use crate::house::{House, SOURCE, on_each_engine};

const MIRA: &str = "mira@example.org";

/// An app as the person holds it.
pub struct App {
    id: Id<Factor>,
    key: Secret<[u8; totp::KEY_BYTES]>,
}

impl App {
    pub fn code(&self, house: &House) -> String {
        totp::code(&self.key, totp::step_at(house.world.now()))
    }
}

/// The key as it is typed into an app, read again.
fn unbase32(text: &str) -> Secret<[u8; totp::KEY_BYTES]> {
    let digit = |c: u8| u64::from(if c.is_ascii_uppercase() { c - b'A' } else { c - b'2' + 26 });
    let groups = text.as_bytes().chunks(8).map(|chunk| chunk.iter().fold(0, |sum, c| (sum << 5) | digit(*c)));
    let bytes: Vec<u8> = groups.flat_map(|group| group.to_be_bytes()[3..].to_vec()).collect();
    Secret::new(bytes.try_into().unwrap())
}

pub async fn enrol(house: &House, signed_in: &SignedIn) -> App {
    let id = factor::begin_app(&house.auth, signed_in).await.unwrap();
    let enrolment = factor::enrolment(&house.auth, signed_in, id).await.unwrap();
    let app = App { id, key: unbase32(enrolment.key.expose()) };
    let stronger = factor::confirm_app(&house.auth, signed_in, id, "Phone", &app.code(house)).await.unwrap();
    assert!(stronger.acr >= Acr::Mfa, "this session has shown both");
    app
}

async fn with_app(house: &House) -> (SignedIn, App) {
    house.person(MIRA, &[]).await;
    let signed_in = house.signed_in(&house.sign_in(MIRA).await).await.unwrap();
    let app = enrol(house, &signed_in).await;
    house.clock.advance(Duration::from_secs(totp::STEP_S));
    (signed_in, app)
}

async fn half(house: &House) -> Halfway {
    match house.shown(MIRA).await {
        Shown::Half(half) => half,
        Shown::Enough(_) => panic!("the second factor was not asked for"),
    }
}

pub async fn show(house: &House, code: &str, source: IpAddr) -> Result<Proven, FactorFault> {
    let half = half(house).await;
    factor::prove_code(&house.auth, &half, &Secret::new(code.to_owned()), source, None).await
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, last])
}

on_each_engine! {
    async fn an_account_with_an_app_asks_for_its_code(db: Db) {
        let house = House::open(db).await;
        let (_, app) = with_app(&house).await;
        let proven = show(&house, &app.code(&house), SOURCE).await.ok().unwrap();
        let signed_in = house.signed_in(&house.begin(proven).await).await.unwrap();
        assert_eq!(signed_in.acr, Acr::Mfa);
        assert_eq!(signed_in.amr, ["pwd", "otp", "mfa"]);
    }

    async fn a_code_is_taken_once_and_none_before_it_after_it(db: Db) {
        let house = House::open(db).await;
        let (_, app) = with_app(&house).await;
        let step = totp::step_at(house.world.now());
        let ahead = totp::code(&app.key, step + 1);
        assert!(show(&house, &ahead, SOURCE).await.is_ok(), "a clock may be a step ahead");
        for used in [step + 1, step, step - 1] {
            let again = show(&house, &totp::code(&app.key, used), SOURCE).await;
            assert!(matches!(again, Err(FactorFault::SignIn(Refusal::WrongCode))), "{used}");
        }
    }

    async fn one_code_signs_in_once_however_many_try_at_once(db: Db) {
        let house = House::open(db).await;
        let (_, app) = with_app(&house).await;
        let (half, code) = (half(&house).await, Secret::new(app.code(&house)));
        let tries = (0..5).map(|_| factor::prove_code(&house.auth, &half, &code, SOURCE, None));
        let tries = futures_util::future::join_all(tries).await;
        assert_eq!(tries.iter().filter(|tried| tried.is_ok()).count(), 1);
    }

    async fn an_app_counts_from_its_first_code_on(db: Db) {
        let house = House::open(db).await;
        house.person(MIRA, &[]).await;
        let signed_in = house.signed_in(&house.sign_in(MIRA).await).await.unwrap();
        let id = factor::begin_app(&house.auth, &signed_in).await.unwrap();
        assert!(matches!(house.shown(MIRA).await, Shown::Enough(_)), "it is not confirmed");
        let wrong = factor::confirm_app(&house.auth, &signed_in, id, "Phone", "000000").await;
        assert!(matches!(wrong, Err(FactorFault::FirstCode)));
        house.clock.advance(Duration::from_mins(4));
        let again = factor::begin_app(&house.auth, &signed_in).await.unwrap();
        let gone = factor::enrolment(&house.auth, &signed_in, id).await;
        assert!(matches!(gone, Err(FactorFault::NotFound)), "the first key is forgotten");
        assert!(factor::enrolment(&house.auth, &signed_in, again).await.is_ok());
        house.clock.advance(factor::ENROLMENT_LIFE);
        let late = factor::enrolment(&house.auth, &signed_in, again).await;
        assert!(matches!(late, Err(FactorFault::NotFound)));
    }

    async fn the_first_code_of_an_app_signs_nobody_in(db: Db) {
        let house = House::open(db).await;
        house.person(MIRA, &[]).await;
        let signed_in = house.signed_in(&house.sign_in(MIRA).await).await.unwrap();
        let app = enrol(&house, &signed_in).await;
        assert!(show(&house, &app.code(&house), SOURCE).await.is_err(), "whoever looked over the shoulder");
    }

    async fn guessing_codes_is_slowed_down_and_locks_nobody_out(db: Db) {
        let house = House::open(db).await;
        let (signed_in, app) = with_app(&house).await;
        let _ = signed_in;
        assert!(show(&house, &app.code(&house), address(1)).await.is_ok(), "the person's own machine");
        house.clock.advance(Duration::from_secs(totp::STEP_S));
        for source in 2..22 {
            let guess = show(&house, "000000", address(source)).await;
            assert!(matches!(guess, Err(FactorFault::SignIn(Refusal::WrongCode))), "{source}");
        }
        let held = show(&house, &app.code(&house), address(99)).await;
        assert!(matches!(held, Err(FactorFault::Throttled { .. })), "strangers wait, whatever they know");
        assert!(show(&house, &app.code(&house), address(1)).await.is_ok(), "and the person does not");
        let refused = house.acts().await.into_iter().filter(|(act, outcome)| act == "person.signed_in" && outcome == "refused");
        assert!(refused.count() >= 20);
    }

    async fn many_guesses_at_once_do_not_slip_past_the_count(db: Db) {
        let house = House::open(db).await;
        with_app(&house).await;
        let (half, code) = (half(&house).await, Secret::new("000000".to_owned()));
        let guesses = (0..30).map(|_| factor::prove_code(&house.auth, &half, &code, SOURCE, None));
        let guesses = futures_util::future::join_all(guesses).await;
        let looked_at = guesses.iter().filter(|guess| matches!(guess, Err(FactorFault::SignIn(_)))).count();
        assert_eq!(looked_at, 5);
    }

    async fn a_recovery_code_is_good_once_and_on_record(db: Db) {
        let house = House::open(db).await;
        house.person(MIRA, &[]).await;
        let signed_in = house.signed_in(&house.sign_in(MIRA).await).await.unwrap();
        let earlier = factor::draw_recovery_codes(&house.auth, &signed_in).await.unwrap();
        let codes = factor::draw_recovery_codes(&house.auth, &signed_in).await.unwrap();
        assert_eq!(codes.len(), factor::RECOVERY_CODES);
        enrol(&house, &signed_in).await;
        for source in 30..60 {
            let _ = show(&house, "000000", address(source)).await;
        }
        let typed = codes[0].expose().to_uppercase().replace('-', " ");
        assert!(show(&house, &typed, address(99)).await.is_ok(), "also while an app's codes are guessed at");
        assert!(show(&house, codes[0].expose(), SOURCE).await.is_err(), "once");
        assert!(show(&house, earlier[1].expose(), SOURCE).await.is_err(), "new codes end the earlier ones");
        assert_eq!(factor::recovery_codes_left(&house.auth, &signed_in).await.unwrap(), 9);
        let used = house.acts().await.into_iter().filter(|(act, _)| act == "person.recovery_code_used");
        assert_eq!(used.count(), 1);
    }

    async fn nobody_shows_another_persons_code(db: Db) {
        let house = House::open(db).await;
        let (_, app) = with_app(&house).await;
        house.person("eve@example.org", &[]).await;
        let eve = house.signed_in(&house.sign_in("eve@example.org").await).await.unwrap();
        let codes = factor::draw_recovery_codes(&house.auth, &eve).await.unwrap();
        assert!(show(&house, codes[0].expose(), SOURCE).await.is_err());
        let fault = factor::remove(&house.auth, &eve, app.id).await;
        assert!(matches!(fault, Err(FactorFault::NotFound)));
        assert!(matches!(factor::rename(&house.auth, &eve, app.id, "Mine").await, Err(FactorFault::NotFound)));
    }

    async fn a_second_factor_comes_soon_after_the_first_and_in_the_same_browser(db: Db) {
        let house = House::open(db).await;
        with_app(&house).await;
        let cookie = half(&house).await.set_cookie(&house.auth).unwrap();
        let headers = http::HeaderMap::from_iter([(
            http::header::COOKIE,
            cookie.to_str().unwrap().split(';').next().unwrap().parse().unwrap(),
        )]);
        let cookies = web::Cookies::of(&headers);
        assert_eq!(Halfway::of(&house.auth, &cookies).unwrap().first(), First::Password);
        assert!(house.signed_in(headers[http::header::COOKIE].to_str().unwrap()).await.is_none(), "nobody is signed in");
        assert!(Halfway::of(&house.auth, &web::Cookies::of(&http::HeaderMap::new())).is_none());
        house.clock.advance(Duration::from_mins(5));
        assert!(Halfway::of(&house.auth, &cookies).is_none());
    }

    async fn a_stolen_session_changes_nothing(db: Db) {
        let house = House::open(db).await;
        house.person(MIRA, &[]).await;
        let stolen = house.signed_in(&house.sign_in(MIRA).await).await.unwrap();
        let elsewhere = house.sign_in(MIRA).await;
        let fresh = house.signed_in(&house.sign_in(MIRA).await).await.unwrap();
        let app = enrol(&house, &fresh).await;
        assert!(house.signed_in(&elsewhere).await.is_none(), "sessions from before the factor end");
        for fault in [
            factor::begin_app(&house.auth, &stolen).await.err(),
            factor::draw_recovery_codes(&house.auth, &stolen).await.err(),
            factor::remove(&house.auth, &stolen, app.id).await.err(),
        ] {
            assert!(matches!(fault, Some(FactorFault::NotRecent)));
        }
        house.clock.advance(Duration::from_secs(totp::STEP_S));
        let proven = show(&house, &app.code(&house), SOURCE).await.ok().unwrap();
        let strong = house.signed_in(&house.begin(proven).await).await.unwrap();
        house.clock.advance(Duration::from_mins(5));
        assert!(matches!(factor::remove(&house.auth, &strong, app.id).await, Err(FactorFault::NotRecent)));
    }

    async fn with_the_last_factor_its_recovery_codes_go(db: Db) {
        let house = House::open(db).await;
        let (_, app) = with_app(&house).await;
        let proven = show(&house, &app.code(&house), SOURCE).await.ok().unwrap();
        let signed_in = house.signed_in(&house.begin(proven).await).await.unwrap();
        factor::draw_recovery_codes(&house.auth, &signed_in).await.unwrap();
        house.clock.advance(Duration::from_secs(1));
        factor::rename(&house.auth, &signed_in, app.id, "Old phone").await.unwrap();
        house.clock.advance(Duration::from_secs(1));
        assert_eq!(factor::list(&house.auth, &signed_in).await.unwrap()[0].name, "Old phone");
        factor::remove(&house.auth, &signed_in, app.id).await.unwrap();
        assert_eq!(factor::recovery_codes_left(&house.auth, &signed_in).await.unwrap(), 0);
        assert!(matches!(house.shown(MIRA).await, Shown::Enough(_)));
        let acts: Vec<String> = house.acts().await.into_iter().map(|(act, _)| act).filter(|act| act.starts_with("factor.")).collect();
        assert_eq!(acts, ["factor.added", "factor.renamed", "factor.removed"]);
    }

    async fn an_account_that_is_switched_off_halfway_is_not_signed_in(db: Db) {
        let house = House::open(db).await;
        house.person("ada@example.org", &[auth::person::Role::OrgAdmin]).await;
        let (signed_in, app) = with_app(&house).await;
        let half = half(&house).await;
        auth::person::disable(&house.auth, &house.acting(), signed_in.person).await.unwrap();
        let code = Secret::new(app.code(&house));
        let fault = factor::prove_code(&house.auth, &half, &code, SOURCE, None).await;
        assert!(matches!(fault, Err(FactorFault::SignIn(Refusal::Disabled))));
    }
}
