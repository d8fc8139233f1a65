//! Accounts, roles and organisations.

use auth::{
    Acting,
    organisation::{self, Named, OrganisationFault},
    person::{self, Email, NewPerson, PersonFault, Role, role},
};
use kernel::{Id, Secret};

use crate::house::{House, PASSWORD, on_each_engine};

on_each_engine! {
    async fn what_is_personal_is_sealed(db: Db) {
        let house = House::open(db).await;
        let person = house.person(" Mira@Example.org ", &[]).await;
        let mut tx = house.db.read().await.unwrap();
        let (email, name, password): (Vec<u8>, Vec<u8>, Vec<u8>) =
            tx.one("SELECT email, display_name, password FROM person WHERE id = $1", store::binds![person.id]).await.unwrap();
        drop(tx);
        for (sealed, clear) in [(email, "Example"), (name, "Mira"), (password, "argon2id")] {
            assert!(!String::from_utf8_lossy(&sealed).contains(clear), "{clear}");
        }
        let found = person::find(&house.auth, house.organisation, person.id).await.unwrap().unwrap();
        assert_eq!((found.email.as_str(), found.display_name.as_str()), ("Mira@Example.org", "Mira Lind"));
        let email = Email::parse("MIRA@example.ORG").unwrap();
        let by_email = person::by_email(&house.auth, house.organisation, &email).await.unwrap().unwrap();
        assert_eq!(by_email.id, person.id);
        let elsewhere = Id::from_bytes([8; 16]);
        assert!(person::find(&house.auth, elsewhere, person.id).await.unwrap().is_none());
        assert!(person::by_email(&house.auth, elsewhere, &email).await.unwrap().is_none());
        let listed = person::list_of(&house.auth, &house.acting(), None).await.unwrap();
        assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), [person.id]);
        assert!(person::list_of(&house.auth, &house.acting(), Some(person.id)).await.unwrap().is_empty());
    }

    async fn an_address_has_one_account_and_a_given_id_is_registered_once(db: Db) {
        let house = House::open(db).await;
        let new = |id, email: &str| NewPerson {
            id,
            email: email.into(),
            display_name: "Mira".into(),
            password: Secret::new(PASSWORD.into()),
            roles: vec![Role::Developer.into()],
        };
        let id = Some(Id::from_bytes([5; 16]));
        let first = person::register(&house.auth, &house.acting(), new(id, "mira@example.org")).await.unwrap();
        let second = person::register(&house.auth, &house.acting(), new(id, "mira@example.org")).await.unwrap();
        assert_eq!(first.id, second.id);
        let taken = person::register(&house.auth, &house.acting(), new(None, "MIRA@example.org")).await;
        assert!(matches!(taken, Err(PersonFault::EmailTaken)));
        let roles = role::roles_of(&house.auth, &house.acting(), first.id).await.unwrap();
        assert_eq!(roles.iter().map(|grant| grant.role).collect::<Vec<_>>(), [Role::Developer, Role::Person]);
    }

    async fn roles_are_given_and_taken_and_one_administrator_stays(db: Db) {
        let house = House::open(db).await;
        let (auth, acting) = (&house.auth, house.acting());
        let ada = house.person("ada@example.org", &[Role::OrgAdmin]).await;
        let mira = house.person("mira@example.org", &[]).await;
        let last = role::withdraw(auth, &acting, ada.id, Role::OrgAdmin).await;
        assert!(matches!(last, Err(PersonFault::LastAdministrator)));
        assert!(matches!(person::disable(auth, &acting, ada.id).await, Err(PersonFault::LastAdministrator)));
        role::grant(auth, &acting, mira.id, Role::OrgAdmin).await.unwrap();
        role::grant(auth, &acting, mira.id, Role::OrgAdmin).await.unwrap();
        role::withdraw(auth, &acting, ada.id, Role::OrgAdmin).await.unwrap();
        assert_eq!(role::roles_of(auth, &acting, ada.id).await.unwrap(), [kernel::Grant::whole(Role::Person)].into_iter().collect());
        let granted = house.acts().await.into_iter().filter(|(act, _)| act == "role.granted").count();
        assert_eq!(granted, 1, "what changes nothing is not on record");
        let elsewhere = Acting::system(Id::from_bytes([8; 16]));
        assert!(matches!(role::grant(auth, &elsewhere, mira.id, Role::Developer).await, Err(PersonFault::NotFound)));
    }

    async fn organisations_have_sites_and_studies_of_their_own(db: Db) {
        let house = House::open(db).await;
        let (auth, acting) = (&house.auth, house.acting());
        let named = |slug: &str| Named { id: None, slug: slug.into(), name: slug.to_uppercase() };
        let site = organisation::add_site(auth, &acting, &named_as("clinic")).await.unwrap();
        let study = organisation::add_study(auth, &acting, &named_as("sleep"), &[site.id, site.id]).await.unwrap();
        assert_eq!(organisation::studies(auth, &acting).await.unwrap(), std::slice::from_ref(&study));
        assert_eq!(study.sites, [site.id]);
        let given = Named { id: Some(study.id), slug: "sleep".into(), name: "other".into() };
        assert_eq!(organisation::add_study(auth, &acting, &given, &[]).await.unwrap(), study, "a given id is added once");

        let other = organisation::create(auth, &acting, &named("southwind")).await.unwrap();
        let theirs = Acting::system(other.id);
        assert!(organisation::sites(auth, &theirs).await.unwrap().is_empty());
        organisation::add_site(auth, &theirs, &named_as("clinic")).await.unwrap();
        let foreign = organisation::add_study(auth, &theirs, &named_as("sleep"), &[site.id]).await;
        assert!(matches!(foreign, Err(OrganisationFault::ForeignSite)), "a study does not run at another tenant's site");
        let taken = organisation::create(auth, &acting, &named("southwind")).await;
        assert!(matches!(taken, Err(OrganisationFault::SlugTaken)));
        let taken = organisation::add_site(auth, &acting, &named_as("clinic")).await;
        assert!(matches!(taken, Err(OrganisationFault::SlugTaken)));
        let slug = organisation::Slug::parse("southwind").unwrap();
        assert_eq!(organisation::by_slug(auth, &slug).await.unwrap(), Some(other.clone()));
        assert_eq!(organisation::get(auth, other.id).await.unwrap(), Some(other));
        assert_eq!(organisation::list(auth).await.unwrap().len(), 2);
    }
}

fn named_as<K: kernel::IdKind>(slug: &str) -> Named<K> {
    Named { id: None, slug: slug.into(), name: slug.to_uppercase() }
}
