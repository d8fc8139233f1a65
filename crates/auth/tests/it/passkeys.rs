//! Passkeys with a device in software, honest and otherwise.

use auth::{
    SignedIn,
    person::{
        Proven, Refusal, Shown,
        factor::{self, Asked, FactorFault, Halfway},
    },
    session::Acr,
};
use http::{HeaderMap, header};
use web::Cookies;

use crate::{
    authenticator::Device,
    house::{House, on_each_engine},
};

const ORIGIN: &str = "http://localhost:8080";
const MIRA: &str = "mira@example.org";

fn cookies(asked: &Asked) -> Cookies {
    let pair = asked.set_cookie.to_str().unwrap().split(';').next().unwrap();
    Cookies::of(&HeaderMap::from_iter([(header::COOKIE, pair.parse().unwrap())]))
}

async fn register(house: &House, signed_in: &SignedIn, device: &mut Device) -> Result<(), FactorFault> {
    let asked = factor::ask_to_register(&house.auth, signed_in).await?;
    let answer = device.create(&asked.options);
    factor::register_passkey(&house.auth, signed_in, &cookies(&asked), "Laptop", &answer).await.map(|_| ())
}

pub async fn show(house: &House, device: &mut Device, half: Option<&Halfway>) -> Result<Proven, FactorFault> {
    let asked = factor::ask_for_passkey(&house.auth).await?;
    let answer = device.get(&asked.options);
    factor::prove_passkey(&house.auth, &cookies(&asked), half, &answer, None).await
}

pub async fn with_passkey(db: store::Db) -> (House, SignedIn, Device) {
    let house = House::at(ORIGIN, db).await;
    house.person(MIRA, &[]).await;
    let signed_in = house.signed_in(&house.sign_in(MIRA).await).await.unwrap();
    let mut device = Device::new(ORIGIN, 1);
    register(&house, &signed_in, &mut device).await.unwrap();
    (house, signed_in, device)
}

fn is_wrong(outcome: Result<Proven, FactorFault>) -> bool {
    matches!(outcome, Err(FactorFault::SignIn(Refusal::WrongPasskey)))
}

on_each_engine! {
    async fn a_passkey_signs_in_without_a_password(db: Db) {
        let (house, who, mut device) = with_passkey(db).await;
        let proven = show(&house, &mut device, None).await.ok().unwrap();
        let signed_in = house.signed_in(&house.begin(proven).await).await.unwrap();
        assert_eq!((signed_in.person, signed_in.acr), (who.person, Acr::Passkey));
        assert_eq!(signed_in.amr, ["pop", "user", "mfa"]);
        assert!(show(&house, &mut device, None).await.is_ok(), "and again");
    }

    async fn a_passkey_is_a_second_factor(db: Db) {
        let (house, _, mut device) = with_passkey(db).await;
        let Shown::Half(half) = house.shown(MIRA).await else { panic!("it was not asked for") };
        let proven = show(&house, &mut device, Some(&half)).await.ok().unwrap();
        let signed_in = house.signed_in(&house.begin(proven).await).await.unwrap();
        assert_eq!(signed_in.amr, ["pwd", "pop", "user", "mfa"]);
    }

    async fn another_persons_passkey_is_no_second_factor(db: Db) {
        let (house, _, _) = with_passkey(db).await;
        house.person("eve@example.org", &[]).await;
        let eve = house.signed_in(&house.sign_in("eve@example.org").await).await.unwrap();
        let mut device = Device::new(ORIGIN, 2);
        register(&house, &eve, &mut device).await.unwrap();
        let Shown::Half(half) = house.shown(MIRA).await else { panic!("it was not asked for") };
        assert!(is_wrong(show(&house, &mut device, Some(&half)).await));
    }

    async fn an_answer_is_good_once_and_for_its_own_question(db: Db) {
        let (house, _, mut device) = with_passkey(db).await;
        let asked = factor::ask_for_passkey(&house.auth).await.unwrap();
        let answer = device.get(&asked.options);
        let prove = async |cookies: &Cookies| factor::prove_passkey(&house.auth, cookies, None, &answer, None).await;
        let other = factor::ask_for_passkey(&house.auth).await.unwrap();
        assert!(is_wrong(prove(&cookies(&other)).await), "another question");
        assert!(is_wrong(prove(&Cookies::of(&HeaderMap::new())).await), "another browser");
        assert!(prove(&cookies(&asked)).await.is_ok());
        assert!(is_wrong(prove(&cookies(&asked)).await), "replayed");
    }

    async fn a_question_is_over_after_its_time(db: Db) {
        let (house, _, mut device) = with_passkey(db).await;
        let asked = factor::ask_for_passkey(&house.auth).await.unwrap();
        house.clock.advance(factor::QUESTION_LIFE);
        let answer = device.get(&asked.options);
        assert!(is_wrong(factor::prove_passkey(&house.auth, &cookies(&asked), None, &answer, None).await));
    }

    async fn what_proves_nothing_is_refused(db: Db) {
        let (house, who, mut device) = with_passkey(db).await;
        device.origin = "http://evil.localhost:8080".to_owned();
        assert!(is_wrong(show(&house, &mut device, None).await), "a phishing site");
        device.origin = ORIGIN.to_owned();
        assert!(show(&house, &mut device, None).await.is_ok());
        device.counter = 0;
        assert!(is_wrong(show(&house, &mut device, None).await), "a clone whose counter is behind");
        device.counter = 100;
        let mut forged = Device::new(ORIGIN, 1);
        forged.person.clone_from(&device.person);
        forged.counter = 200;
        assert!(is_wrong(show(&house, &mut forged, None).await), "another key under the same id");
        device.person = vec![9; 16];
        assert!(is_wrong(show(&house, &mut device, None).await), "another person");
        device.person = who.person.as_bytes().to_vec();
        let mut touched = device.without_verification();
        assert!(is_wrong(show(&house, &mut touched, None).await), "nobody was verified");
        let refused = house.acts().await.into_iter().filter(|(_, outcome)| outcome == "refused");
        assert_eq!(refused.count(), 5);
    }

    async fn an_answer_to_a_registration_is_no_sign_in(db: Db) {
        let (house, signed_in, mut device) = with_passkey(db).await;
        let Shown::Half(half) = house.shown(MIRA).await else { panic!("it was not asked for") };
        let strong = show(&house, &mut device, Some(&half)).await.ok().unwrap();
        let strong = house.signed_in(&house.begin(strong).await).await.unwrap();
        let asked = factor::ask_to_register(&house.auth, &strong).await.unwrap();
        let answer = device.get(&asked.options);
        assert!(is_wrong(factor::prove_passkey(&house.auth, &cookies(&asked), None, &answer, None).await));
        let asked = factor::ask_for_passkey(&house.auth).await.unwrap();
        let mut second = Device::new(ORIGIN, 3);
        let mut options = asked.options.clone();
        options["publicKey"]["user"] = serde_json::json!({ "id": crypto::b64::encode(signed_in.person.as_bytes()) });
        let answer = second.create(&options);
        let fault = factor::register_passkey(&house.auth, &strong, &cookies(&asked), "Laptop", &answer).await;
        assert!(matches!(fault, Err(FactorFault::NotRegistered(_))));
    }

    async fn a_passkey_is_registered_once_and_not_without_its_person(db: Db) {
        let (house, _, mut device) = with_passkey(db).await;
        house.person("eve@example.org", &[]).await;
        let eve = house.signed_in(&house.sign_in("eve@example.org").await).await.unwrap();
        let twice = register(&house, &eve, &mut device).await;
        assert!(matches!(twice, Err(FactorFault::NotRegistered(_))), "a credential is one person's");
        let mut touched = Device::new(ORIGIN, 4).without_verification();
        assert!(matches!(register(&house, &eve, &mut touched).await, Err(FactorFault::NotRegistered(_))));
        let mut elsewhere = Device::new("https://evil.example", 5);
        assert!(matches!(register(&house, &eve, &mut elsewhere).await, Err(FactorFault::NotRegistered(_))));
    }

    async fn where_there_can_be_no_passkeys_none_is_offered(db: Db) {
        let house = House::open(db).await;
        assert!(!house.auth.has_passkeys());
        assert!(matches!(factor::ask_for_passkey(&house.auth).await, Err(FactorFault::NoPasskeys)));
    }
}
