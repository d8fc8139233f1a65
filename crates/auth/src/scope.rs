//! Which scopes there are, and which of them are about a person.  OIDC Core §5.4, contract 1

use kernel::{Scope, Scopes};

/// Scopes that say something about the person who granted them: no client has them on its own behalf.
const OF_A_PERSON: [&str; 6] = ["openid", "profile", "email", "address", "phone", "integrations:revoke"];

/// The scopes that every deployment knows.
pub fn built_in() -> Scopes {
    OF_A_PERSON.iter().filter_map(|scope| scope.parse::<Scope>().ok()).collect()
}

/// What is asked for and not known here.
pub fn unknown(asked: &Scopes, known: &Scopes) -> Scopes {
    asked.without(known)
}

/// The scopes among these that a client can have on its own behalf.
pub fn without_person(scopes: &Scopes) -> Scopes {
    scopes.without(&built_in())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_scope_is_well_formed() {
        assert_eq!(built_in().iter().count(), OF_A_PERSON.len());
        let asked: Scopes = "openid system/Observation.read made-up".parse().unwrap();
        assert_eq!(unknown(&asked, &built_in()).to_string(), "made-up system/Observation.read");
        assert_eq!(without_person(&asked).to_string(), "made-up system/Observation.read");
    }
}
