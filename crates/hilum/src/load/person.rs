//! Declared people.

use anyhow::Context;
use auth::{
    Acting,
    person::{NewPerson, Role, register},
};

use super::{LoadFault, PersonDeclared, id_of};
use crate::wire::House;

pub(super) async fn declare(house: &House, acting: &Acting, declared: &PersonDeclared) -> anyhow::Result<()> {
    let role = |name: &String| Role::parse(name).ok_or_else(|| LoadFault::Unknown { what: "role", name: name.clone() });
    let new = NewPerson {
        id: Some(id_of(&format!("{}/{}", acting.organisation, declared.email.to_lowercase()))),
        email: declared.email.clone(),
        display_name: declared.name.clone(),
        password: declared.password.clone(),
        roles: declared.roles.iter().map(role).collect::<Result<_, _>>()?,
    };
    register(&house.auth, acting, new).await.map(|_| ()).context("a person")
}
