//! Client applications as the developer portal and data sets handle them.

use std::time::Duration;

use auth::{
    Acting,
    client::{
        self, ClientFault,
        register::Registration,
        review::{self, Act, Decision, Note},
        secret::Ends,
    },
    organisation::{self, Named},
    person::Role,
};
use http::StatusCode;
use kernel::{Actor, Id, Person, Secret};

use crate::house::{House, on_each_engine, registration};

on_each_engine! {
    async fn a_developer_registers_changes_and_lists(db: Db) {
        let house = House::open(db).await;
        let (auth, acting) = (&house.auth, house.acting());
        let (client, secret) = house.client("diary", "confidential").await;
        assert!(secret.starts_with("hlm_cs_"));
        assert!(client.client_id.as_str().ends_with(".diary") && client.client_id.as_str().len() == 38);
        let again = client::register(auth, &acting, "diary", &registration("confidential")).await;
        assert!(matches!(again, Err(ClientFault::SuffixTaken)));
        let wrong = client::register(auth, &acting, "Not OK", &Registration::default()).await;
        let Err(ClientFault::Refused(issues)) = wrong else { panic!("registered") };
        assert_eq!(issues[0].path, "suffix");
        assert!(issues.iter().any(|issue| issue.path == "uri"));

        let renamed = Registration { name: "Night diary".into(), ..registration("confidential") };
        let after = client::update(auth, &acting, client.id, &renamed).await.unwrap();
        assert_eq!((after.name.as_str(), &after.client_id), ("Night diary", &client.client_id));
        let read = client::get(auth, &acting, client.id).await.unwrap();
        assert_eq!((read.name, read.redirect_uris, read.scopes), (after.name, client.redirect_uris, client.scopes));
        house.clock.advance(Duration::from_millis(1));
        house.client("second", "public").await;
        let listed = client::list_of(auth, &acting, None).await.unwrap();
        assert_eq!(listed.iter().map(|one| one.client_id.suffix()).collect::<Vec<_>>(), ["diary", "second"]);
        assert_eq!(client::list_of(auth, &acting, Some(client.id)).await.unwrap().len(), 1);
        let public = listed[1].id;
        assert!(matches!(client::add_secret(auth, &acting, public, Ends::Never).await, Err(ClientFault::Public)));
    }

    async fn verification_is_an_administrator_s_and_goes_with_a_change(db: Db) {
        let house = House::open(db).await;
        let ada = house.person("ada@example.org", &[Role::OrgAdmin]).await;
        let acting = Acting { actor: Actor::Person { person: ada.id, through: None }, ..house.acting() };
        let (client, _) = house.client("diary", "confidential").await;
        assert_eq!(client.verified_at, None);
        house.clock.advance(Duration::from_millis(1));
        let verified = client::verify(&house.auth, &acting, client.id).await.unwrap();
        assert_eq!(verified.verified_by, Some(ada.id));
        let read = client::get(&house.auth, &acting, client.id).await.unwrap();
        assert_eq!((read.verified_at, read.verified_by), (verified.verified_at, Some(ada.id)));
        let moved = Registration { uri: "https://evil.example".into(), ..registration("confidential") };
        house.clock.advance(Duration::from_millis(1));
        let moved = client::update(&house.auth, &acting, client.id, &moved).await.unwrap();
        assert_eq!(moved.verified_at, None);
        house.clock.advance(Duration::from_millis(1));
        client::verify(&house.auth, &acting, client.id).await.unwrap();
        house.clock.advance(Duration::from_millis(1));
        assert_eq!(client::unverify(&house.auth, &acting, client.id).await.unwrap().verified_at, None);
        let acts: Vec<String> = house.acts().await.into_iter().map(|(act, _)| act).filter(|act| act.starts_with("client.")).collect();
        assert_eq!(acts, ["client.registered", "client.verified", "client.updated", "client.verified", "client.unverified"]);
    }

    async fn an_administrator_sends_a_client_back_and_its_developer_asks_again(db: Db) {
        let house = House::open(db).await;
        let (auth, dora) = (&house.auth, house.person("dora@example.org", &[Role::Developer]).await);
        let ada = house.person("ada@example.org", &[Role::OrgAdmin]).await;
        let who = |person: Id<Person>| Acting { actor: Actor::Person { person, through: None }, ..house.acting() };
        let (developer, administrator) = (who(dora.id), who(ada.id));
        let (client, _) = client::register(auth, &developer, "diary", &registration("confidential")).await.unwrap();
        let now = async || client::get(auth, &administrator, client.id).await.unwrap();
        let story = async || review::story_of(auth, &administrator, &now().await).await.unwrap();
        let ask = async || review::ask_again(auth, &developer, client.id).await;
        let decide = async |decision: Decision| review::decide(auth, &administrator, client.id, &decision, now().await.updated_at).await;
        let note = |text: &str| Note::parse(text).unwrap();

        let first = story().await;
        assert_eq!((first.registered_by, first.steps.len(), first.changes), (Some(dora.id), 0, None));
        assert!(matches!(ask().await, Err(ClientFault::NotSentBack)), "it waits already");
        decide(Decision::AskChange(note("Why the scope a?"))).await.unwrap();
        let step = story().await.sent_back(&now().await).cloned().unwrap();
        assert_eq!((step.act, step.note.as_deref(), step.by), (Act::ChangeAsked, Some("Why the scope a?"), Some(ada.id)));
        assert_eq!(review::latest_of(auth, &developer).await.unwrap()[&client.id], Act::ChangeAsked);

        let seen = now().await.updated_at;
        house.clock.advance(Duration::from_millis(1));
        let fewer = Registration { scopes: "openid".into(), ..registration("confidential") };
        client::update(auth, &developer, client.id, &fewer).await.unwrap();
        ask().await.unwrap();
        assert!(matches!(ask().await, Err(ClientFault::NotSentBack)), "once is enough");
        assert_eq!(story().await.sent_back(&now().await), None);
        let late = review::decide(auth, &administrator, client.id, &Decision::Verify, seen).await;
        assert!(matches!(late, Err(ClientFault::Changed)), "it is not what was looked at");
        decide(Decision::Verify).await.unwrap();
        assert!(matches!(decide(Decision::Refuse(note("No."))).await, Err(ClientFault::Changed)), "it is verified");
        assert_eq!(story().await.changes, Some(Vec::new()));
        assert!(review::latest_of(auth, &developer).await.unwrap().is_empty());

        house.clock.advance(Duration::from_millis(1));
        let moved = Registration { uri: "https://moved.example".into(), ..fewer };
        client::update(auth, &developer, client.id, &moved).await.unwrap();
        let told = story().await.changes.unwrap();
        assert_eq!(told.iter().map(|one| (&*one.property, &*one.before[0], &*one.now[0])).collect::<Vec<_>>(), [("client_uri", "https://app.example", "https://moved.example")]);
        decide(Decision::Refuse(note("It is not yours."))).await.unwrap();
        let acts: Vec<Act> = story().await.steps.iter().map(|step| step.act).collect();
        assert_eq!(acts, [Act::Refused, Act::Lapsed, Act::Verified, Act::AskedAgain, Act::ChangeAsked]);
        let acts: Vec<String> = house.acts().await.into_iter().map(|(act, _)| act).filter(|act| act.starts_with("client.")).collect();
        for act in ["client.change_asked", "client.asked_again", "client.verified", "client.refused"] {
            assert_eq!(acts.iter().filter(|found| *found == act).count(), 1, "{act}: {acts:?}");
        }
        let other = Acting::system(Id::from_bytes([8; 16]));
        assert!(matches!(review::story_of(auth, &other, &now().await).await, Err(ClientFault::NotFound)));
        assert!(matches!(review::ask_again(auth, &other, client.id).await, Err(ClientFault::NotFound)));
        let theirs = review::decide(auth, &other, client.id, &Decision::Verify, now().await.updated_at).await;
        assert!(matches!(theirs, Err(ClientFault::NotFound)));
    }

    async fn what_was_verified_before_reviews_were_kept_is_known_when_it_changes(db: Db) {
        let house = House::open(db).await;
        let (auth, acting) = (&house.auth, house.acting());
        let (client, _) = house.client("diary", "confidential").await;
        client::verify(auth, &acting, client.id).await.unwrap();
        house.db.write(async |tx| tx.execute("DELETE FROM client_review", store::binds![]).await).await.unwrap();
        let renamed = Registration { name: "Night diary".into(), ..registration("confidential") };
        let after = client::update(auth, &acting, client.id, &renamed).await.unwrap();
        let told = review::story_of(auth, &acting, &after).await.unwrap().changes.unwrap();
        assert_eq!(told.iter().map(|one| &*one.property).collect::<Vec<_>>(), ["client_name"]);
    }

    async fn another_organisation_s_clients_are_not_there(db: Db) {
        let house = House::open(db).await;
        let (client, _) = house.client("diary", "confidential").await;
        let other = Id::from_bytes([8; 16]);
        let named = Named { id: Some(other), slug: "southwind".into(), name: "Southwind".into() };
        organisation::create(&house.auth, &Acting::system(other), &named).await.unwrap();
        let (auth, theirs, id) = (&house.auth, Acting::system(other), client.id);
        assert!(client::list_of(auth, &theirs, None).await.unwrap().is_empty());
        let refusals = [
            client::get(auth, &theirs, id).await.map(|_| ()),
            client::update(auth, &theirs, id, &registration("confidential")).await.map(|_| ()),
            client::verify(auth, &theirs, id).await.map(|_| ()),
            client::rotate_secret(auth, &theirs, id, Ends::Never).await.map(|_| ()),
            client::retire_secret(auth, &theirs, id, Id::from_bytes([1; 16])).await,
            client::secrets_of(auth, &theirs, id).await.map(|_| ()),
            client::disable(auth, &theirs, id).await,
            client::revoke_tokens(auth, &theirs, id).await,
            client::ensure(auth, &theirs, &client.client_id, None, &Registration { name: "x".into(), ..registration("confidential") })
                .await
                .map(|_| ()),
        ];
        assert!(refusals.iter().all(|refused| matches!(refused, Err(ClientFault::NotFound))), "{refusals:?}");
        client::register(auth, &theirs, "diary", &registration("confidential")).await.unwrap();
    }

    async fn a_declared_client_is_the_same_however_often(db: Db) {
        let house = House::open(db).await;
        let (auth, acting) = (&house.auth, house.acting());
        let id = "demo1234.diary".parse().unwrap();
        let secret = "s".repeat(43);
        let declare = async |registration: &Registration| {
            client::ensure(auth, &acting, &id, Some(Secret::new(secret.clone())), registration).await.unwrap()
        };
        let first = declare(&registration("confidential")).await;
        client::verify(auth, &acting, first.id).await.unwrap();
        let again = declare(&registration("confidential")).await;
        assert_eq!(again.id, first.id);
        assert!(again.verified_at.is_some());
        let form = [("grant_type", "client_credentials")];
        assert_eq!(house.post("/oauth2/token", Some((id.as_str(), &secret)), &form).await.status, StatusCode::OK);
        assert_eq!(client::secrets_of(auth, &acting, first.id).await.unwrap().len(), 1);
        let renamed = declare(&Registration { name: "Night diary".into(), ..registration("confidential") }).await;
        assert_eq!((renamed.id, renamed.name.as_str()), (first.id, "Night diary"));
        let short = client::ensure(auth, &acting, &id, Some(Secret::new("short".into())), &registration("confidential")).await;
        assert!(matches!(short, Err(ClientFault::Refused(_))));
        assert_eq!(client::live_by_client_id(auth, id.as_str()).await.unwrap().map(|found| found.id), Some(first.id));
        assert!(client::live_by_client_id(auth, "nonsense").await.unwrap().is_none());
        assert!(client::live_by_id(auth, first.id).await.unwrap().is_some());
        client::disable(auth, &acting, first.id).await.unwrap();
        assert!(client::live_by_id(auth, first.id).await.unwrap().is_none());
    }
}
