//! An administrator makes a token.

use std::time::Duration;

use kernel::{Actor, Issue, Secret};
use serde_json::json;

use super::{
    INITIAL_LIFETIME_DAYS_MAX, INITIAL_NAME_CHARACTERS_MAX, INITIAL_TOKENS_MAX, InitialToken,
    InitialTokenFault, PREFIX, USES_MAX, queries, spend,
};
use crate::{Acting, Auth};

/// What is asked for, as a form holds it.
#[derive(Debug, Clone, Default)]
pub struct NewToken {
    /// For whom: 1 to 100 characters.
    pub name: String,
    /// How many clients it registers: 1 to 1000.
    pub uses: u32,
    /// How many days it is good: 1 to 365.
    pub lifetime_days: u32,
}

/// A new token with its text, which is not kept.
pub struct Made {
    /// The token.
    pub token: InitialToken,
    /// Its text.
    pub text: Secret<String>,
}

/// Make a token for the acting person's organisation.
///
/// # Errors
/// [`InitialTokenFault::Refused`] names every field at fault; [`InitialTokenFault::TooMany`].
pub async fn make(auth: &Auth, acting: &Acting, new: &NewToken) -> Result<Made, InitialTokenFault> {
    let issues = issues(new);
    if !issues.is_empty() {
        return Err(InitialTokenFault::Refused(issues));
    }
    let now = auth.world().now();
    let token = InitialToken {
        id: auth.world().new_id(),
        name: new.name.trim().to_owned(),
        made_by: match acting.actor {
            Actor::Person { person, .. } => Some(person),
            Actor::Client(_) | Actor::Receiver(_) | Actor::System | Actor::Anonymous => None,
        },
        created_at: now,
        expires_at: now + Duration::from_hours(24 * u64::from(new.lifetime_days)),
        uses_left: new.uses,
        used_at: None,
        revoked_at: None,
    };
    let text = crypto::token::generate(auth.world(), PREFIX);
    let digest = spend::digest(auth, text.expose());
    let (world, acting, row) = (auth.world().clone(), acting.clone(), token.clone());
    auth.db()
        .write(async move |tx| -> Result<(), InitialTokenFault> {
            if queries::count_live(tx, acting.organisation, now).await? >= INITIAL_TOKENS_MAX {
                return Err(InitialTokenFault::TooMany);
            }
            queries::insert(tx, acting.organisation, &row, &digest).await?;
            let details = json!({ "uses": row.uses_left, "expires_at": row.expires_at });
            audit::record(tx, &world, &acting.entry("initial_access_token.made", row.id, details)).await?;
            Ok(())
        })
        .await?;
    Ok(Made { token, text })
}

fn issues(new: &NewToken) -> Vec<Issue> {
    let name = new.name.trim();
    let is_name = (1..=INITIAL_NAME_CHARACTERS_MAX).contains(&name.chars().count())
        && !name.chars().any(char::is_control);
    let checks = [
        ("name", is_name, "must be 1 to 100 characters"),
        ("uses", (1..=USES_MAX).contains(&new.uses), "must be 1 to 1000 registrations"),
        (
            "lifetime_days",
            (1..=INITIAL_LIFETIME_DAYS_MAX).contains(&new.lifetime_days),
            "must be 1 to 365 days",
        ),
    ];
    checks.into_iter().filter(|(_, fits, _)| !fits).map(|(field, _, why)| Issue::at(field, why)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_at_fault_is_named() {
        let good = || NewToken { name: "Ward vendor".into(), uses: 1, lifetime_days: 7 };
        assert_eq!(issues(&good()), []);
        for (new, field) in [
            (NewToken { name: " ".into(), ..good() }, "name"),
            (NewToken { name: "a".repeat(101), ..good() }, "name"),
            (NewToken { name: "a\nb".into(), ..good() }, "name"),
            (NewToken { uses: 0, ..good() }, "uses"),
            (NewToken { uses: 1_001, ..good() }, "uses"),
            (NewToken { lifetime_days: 0, ..good() }, "lifetime_days"),
            (NewToken { lifetime_days: 366, ..good() }, "lifetime_days"),
        ] {
            let found: Vec<_> = issues(&new).into_iter().map(|issue| issue.path).collect();
            assert_eq!(found, [field], "{new:?}");
        }
    }
}
