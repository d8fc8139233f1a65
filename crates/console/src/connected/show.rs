//! Every application that may act for a person: what it may do, since when, and when it last did.

use std::collections::BTreeMap;

use auth::{
    SignedIn,
    authorize::{Remembered, remembered_of_person},
    grant::{Connected, list_of_person},
};
use axum::{extract::State, response::Response};
use kernel::{Client, Id, Scopes, Timestamp};
use web::{Answer, Query};

use crate::{
    frame::{Frame, Here},
    page::connected::{Application, Applications, how_things_are},
    permission,
    respond::{Told, page},
    state::Console,
    t,
};

/// `GET /account/applications`
pub(crate) async fn show(
    State(console): State<Console>,
    who: SignedIn,
    Query(told): Query<Told>,
) -> Answer<Response> {
    let grants = list_of_person(console.auth(), who.person).await?;
    let remembered = remembered_of_person(console.auth(), who.person).await?;
    let applications = together(grants, remembered);
    let applications: Vec<Application> =
        applications.into_iter().map(|(id, one)| application(&console, id, one)).collect();
    page(&Applications {
        frame: Frame::inside(t("connected-title"), Here::Connected, console.viewer(&who).await?)
            .telling(told.notice()),
        how: how_things_are(&applications),
        applications,
    })
}

/// What one application has, by all its grants.
#[derive(Debug, PartialEq, Eq)]
struct One {
    name: String,
    uri: String,
    is_verified: bool,
    scopes: Scopes,
    since: Option<Timestamp>,
    used: Option<Timestamp>,
    ends: Option<Timestamp>,
}

/// Grants and what was allowed, by application: in the order of last use, those that only were allowed something last.
fn together(grants: Vec<Connected>, remembered: Vec<Remembered>) -> Vec<(Id<Client>, One)> {
    let mut all: BTreeMap<Id<Client>, One> = BTreeMap::new();
    for grant in grants {
        let one = all.entry(grant.client).or_insert_with(|| One {
            name: grant.client_name,
            uri: grant.client_uri,
            is_verified: grant.client_verified_at.is_some(),
            scopes: Scopes::none(),
            since: None,
            used: None,
            ends: None,
        });
        one.scopes = one.scopes.iter().chain(grant.scopes.iter()).cloned().collect();
        one.since = Some(one.since.map_or(grant.created_at, |since| since.min(grant.created_at)));
        one.used = one.used.max(Some(grant.used_at));
        one.ends = one.ends.max(Some(grant.expires_at));
    }
    for consent in remembered {
        let one = all.entry(consent.client).or_insert_with(|| One {
            name: consent.client_name,
            uri: consent.client_uri,
            is_verified: consent.client_verified_at.is_some(),
            scopes: Scopes::none(),
            since: None,
            used: None,
            ends: None,
        });
        one.scopes = one.scopes.iter().chain(consent.scopes.iter()).cloned().collect();
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(_, one)| std::cmp::Reverse(one.used));
    all
}

fn application(console: &Console, id: Id<Client>, one: One) -> Application {
    let home = url::Url::parse(&one.uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    Application {
        id: id.to_string(),
        home: home.unwrap_or(one.uri),
        is_verified: one.is_verified,
        may: one.scopes.iter().map(|scope| permission::sentence(scope.as_str())).collect(),
        since: one.since.map(|at| console.moment(at)),
        used: one.used.map(|at| console.moment(at)),
        ends: one.ends.map(|at| console.moment(at)),
        name: one.name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_grants_of_an_application_are_one_line() {
        let at = Timestamp::from_seconds;
        let grant = |client: u8, scopes: &str, since, used| Connected {
            id: Id::from_bytes([9; 16]),
            client: Id::from_bytes([client; 16]),
            client_name: format!("{client}"),
            client_uri: "https://a.example".to_owned(),
            client_verified_at: None,
            scopes: scopes.parse().unwrap(),
            created_at: at(since),
            used_at: at(used),
            expires_at: at(1_000),
        };
        let remembered = |client: u8, scopes: &str| Remembered {
            client: Id::from_bytes([client; 16]),
            client_name: format!("{client}"),
            client_uri: "https://a.example".to_owned(),
            client_verified_at: Some(at(1)),
            scopes: scopes.parse().unwrap(),
        };
        let grants = vec![grant(1, "a", 5, 20), grant(1, "b", 3, 10), grant(2, "a", 1, 30)];
        let all = together(grants, vec![remembered(1, "a c"), remembered(3, "a")]);
        let names: Vec<&str> = all.iter().map(|(_, one)| one.name.as_str()).collect();
        assert_eq!(names, ["2", "1", "3"]);
        let first = &all[1].1;
        assert_eq!(first.scopes.to_string(), "a b c");
        assert_eq!((first.since, first.used), (Some(at(3)), Some(at(20))));
        assert_eq!((all[2].1.since, all[2].1.is_verified), (None, true));
    }
}
