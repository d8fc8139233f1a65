//! Which scopes there are, and who can have which of them.  OIDC Core §5.4, SMART App Launch 2.2 §3.0.2, contracts 1 and 2

use kernel::{Level, Permission, Scope, Scopes, SmartScope, SmartScopes};

use crate::{client_connection, udap};

/// Scopes that say something about the person who granted them: no client has them on its own behalf.
const OF_A_PERSON: [&str; 12] = [
    "openid",
    "profile",
    "email",
    "address",
    "phone",
    "fhirUser",
    "launch",
    "launch/patient",
    "launch/encounter",
    "offline_access",
    "online_access",
    "integrations:revoke",
];

/// Scopes that a client can have on its own behalf too.
const OF_ANYBODY: [&str; 3] =
    [crate::smart::launch::CREATE, crate::registration::SCOPE, crate::token::asker::SCOPE];

/// The widest SMART scopes. Every well-formed one is known; these stand for them where scopes are listed.
const SMART: [&str; 3] = ["patient/*.*", "system/*.*", "user/*.*"];

/// How many scopes of one set may restrict to records that match something. What two sets permit together may take as
/// many scopes as their product.
pub const RESTRICTED_MAX: usize = 32;

/// Codes of an organisation's sites, and what it has subscribed to.  Contract 3
pub const SITES_ADMIN: &str = "sites:admin";

/// Scopes of the APIs of client connections (contract 5) and of sites.
const OF_CLIENTS: [&str; 7] = [
    SITES_ADMIN,
    client_connection::CLIENT_READ,
    client_connection::READ,
    client_connection::WRITE,
    client_connection::REFRESH_SECRET,
    client_connection::DELETE,
    client_connection::ADMIN,
];

/// The scopes that every deployment knows by name.
pub fn built_in() -> Scopes {
    OF_A_PERSON
        .iter()
        .chain(&OF_ANYBODY)
        .chain(&SMART)
        .chain(&OF_CLIENTS)
        .chain(&Permission::SCOPES)
        .filter_map(|scope| scope.parse::<Scope>().ok())
        .collect()
}

/// What is asked for and not known here. A scope that means to be a SMART scope is known if it is one.
pub fn unknown(asked: &Scopes, known: &Scopes) -> Scopes {
    let is_known = |scope: &&Scope| match smart(scope) {
        Meant::Smart(_) => true,
        Meant::Other => known.has(scope.as_str()),
        Meant::Malformed => false,
    };
    asked.iter().filter(|scope| !is_known(scope)).cloned().collect()
}

/// Whether more of these scopes restrict to records that match something than may.
pub fn restrict_too_much(scopes: &Scopes) -> Result<(), &'static str> {
    if SmartScopes::of(scopes).restricted() > RESTRICTED_MAX {
        Err("more than 32 scopes have search parameters")
    } else {
        Ok(())
    }
}

/// What of the scopes that are asked for a client gets: as far as it is registered for them, in the words in which it asks.
///
/// # Errors
/// In words for `invalid_scope`: a scope that nobody knows is a mistake worth telling, one that the client is not
/// registered for is left out.
pub fn granted(asked: &Scopes, registered: &Scopes, known: &Scopes) -> Result<Scopes, &'static str> {
    if !unknown(asked, known).is_empty() {
        return Err("a scope is not known here");
    }
    restrict_too_much(asked)?;
    let granted = asked.as_far_as(registered);
    restrict_too_much(&granted)?;
    Ok(granted)
}

/// The scopes among these that a client can have on its own behalf: what is a person's is left out.
pub fn without_person(scopes: &Scopes) -> Scopes {
    let is_own = |scope: &&Scope| match smart(scope) {
        Meant::Smart(smart) => smart.level() == Level::System,
        Meant::Other => !OF_A_PERSON.contains(&scope.as_str()) && scope.as_str() != udap::SCOPE,
        Meant::Malformed => false,
    };
    scopes.iter().filter(is_own).cloned().collect()
}

/// The scopes among these that say what a system may do with records by itself.
pub fn of_system(scopes: &Scopes) -> Scopes {
    let is_system =
        |scope: &&Scope| matches!(smart(scope), Meant::Smart(smart) if smart.level() == Level::System);
    scopes.iter().filter(is_system).cloned().collect()
}

/// The scopes among these that a person can grant: what systems may do is not theirs to give away.
pub fn without_system(scopes: &Scopes) -> Scopes {
    let is_theirs = |scope: &&Scope| match smart(scope) {
        Meant::Smart(smart) => smart.level() != Level::System,
        Meant::Other => true,
        Meant::Malformed => false,
    };
    scopes.iter().filter(is_theirs).cloned().collect()
}

/// Whether any of these is a scope of SMART: about records, or about a launch.
pub(crate) fn is_of_smart(scopes: &Scopes) -> bool {
    let is_of_launch = |scope: &Scope| scope.as_str() == "launch" || scope.as_str().starts_with("launch/");
    !SmartScopes::of(scopes).is_empty() || scopes.iter().any(is_of_launch)
}

/// What a scope means to be.
enum Meant {
    Smart(SmartScope),
    Other,
    Malformed,
}

fn smart(scope: &Scope) -> Meant {
    match scope.as_str().parse() {
        Ok(smart) => Meant::Smart(smart),
        Err(_) if SmartScope::is_meant(scope.as_str()) => Meant::Malformed,
        Err(_) => Meant::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> Scopes {
        text.parse().unwrap()
    }

    #[test]
    fn every_well_formed_smart_scope_is_known_and_no_other_that_means_to_be_one() {
        let built_in_scopes =
            OF_A_PERSON.len() + OF_ANYBODY.len() + SMART.len() + OF_CLIENTS.len() + Permission::SCOPES.len();
        assert_eq!(built_in().iter().count(), built_in_scopes);
        let known = scopes(&format!("{} patient/odd", built_in()));
        let asked = scopes(
            "openid system/Observation.read user/Patient.rs?name=x made-up patient/odd system/Patient.",
        );
        assert_eq!(unknown(&asked, &known), scopes("made-up patient/odd system/Patient."));
    }

    #[test]
    fn who_can_have_what() {
        let all = scopes("a openid patient/*.read system/*.read system/Patient. user/Patient.rs");
        assert_eq!(without_person(&all), scopes("a system/*.read"));
        assert_eq!(without_system(&all), scopes("a openid patient/*.read user/Patient.rs"));
    }

    #[test]
    fn what_is_granted_and_what_is_refused() {
        let known = scopes(&format!("{} a", built_in()));
        let many = |from: usize| (from..).map(|n| format!("patient/Observation.rs?code={n}"));
        let joined = |all: Vec<String>| all.join(" ");
        for (asked, registered, expected) in [
            ("a openid", "a", Ok("a")),
            ("a patient/*.rs", "a patient/Observation.read", Ok("a patient/Observation.rs")),
            ("openid", "a", Ok("")),
            ("made-up", "made-up", Err("a scope is not known here")),
            ("patient/Patient.", "patient/*.*", Err("a scope is not known here")),
            (
                &joined(many(0).take(33).collect()),
                "patient/*.*",
                Err("more than 32 scopes have search parameters"),
            ),
            (
                "patient/Observation.rs",
                &joined(many(0).take(33).collect()),
                Err("more than 32 scopes have search parameters"),
            ),
            (
                &joined(many(0).take(32).collect()),
                &joined(many(10).take(1).collect()),
                Ok("patient/Observation.rs?code=10"),
            ),
        ] {
            let got = granted(&scopes(asked), &scopes(registered), &known);
            match expected {
                Ok(expected) if asked.len() < 100 => assert_eq!(got, Ok(scopes(expected)), "{asked}"),
                Ok(expected) => assert!(got.unwrap().has(expected), "{asked}"),
                Err(why) => assert_eq!(got, Err(why), "{asked}"),
            }
        }
    }
}
