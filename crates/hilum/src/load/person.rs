//! Declared people.

use anyhow::Context;
use auth::{
    Acting,
    person::{Email, NewPerson, Role, by_email, register},
};

use super::{LoadFault, PersonDeclared};
use crate::wire::House;

pub(super) async fn declare(house: &House, acting: &Acting, declared: &PersonDeclared) -> anyhow::Result<()> {
    let role = |name: &String| {
        Role::parse(name).ok_or_else(|| LoadFault::Unknown { what: "role", name: name.clone() })
    };
    let email = Email::parse(&declared.email).context("the e-mail address of a person")?;
    // An id that were made from the address would let anybody test addresses against the ids that are public.
    if by_email(&house.auth, acting.organisation, &email).await?.is_some() {
        return Ok(());
    }
    let new = NewPerson {
        id: None,
        email: declared.email.clone(),
        display_name: declared.name.clone(),
        password: declared.password.clone(),
        roles: declared.roles.iter().map(role).collect::<Result<_, _>>()?,
    };
    register(&house.auth, acting, new).await.map(|_| ()).context("a person")
}
