//! Roles as people write them.

use kernel::{Grant, Id, Role, Study};
use store::DbError;

use crate::{Acting, Auth, organisation};

/// A text names no role that there is.
#[derive(Debug, thiserror::Error)]
pub enum MalformedRole {
    /// There is no such role, or it cannot be given for a study.
    #[error("{0:?} is no role, or none that can be given for a study")]
    Role(String),
    /// The organisation has no such study.
    #[error("the organisation has no study {0:?}")]
    Study(String),
    /// Studies cannot be told.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// Reads `viewer`, and `viewer:` with a study's id or short name, of the acting person's organisation.
///
/// # Errors
/// [`MalformedRole`] repeats what was written: it is the caller's own.
pub async fn read(auth: &Auth, acting: &Acting, words: &[String]) -> Result<Vec<Grant>, MalformedRole> {
    let mut grants = Vec::new();
    for word in words {
        let (role, study) = match word.split_once(':') {
            Some((role, study)) => (role, Some(study)),
            None => (word.as_str(), None),
        };
        let no_role = || MalformedRole::Role(word.clone());
        let role = Role::parse(role).ok_or_else(no_role)?;
        grants.push(match study {
            None => Grant::whole(role),
            Some(study) => {
                let id = find(auth, acting, study).await?;
                let id = id.ok_or_else(|| MalformedRole::Study(study.to_owned()))?;
                Grant::of_study(role, id).ok_or_else(no_role)?
            }
        });
    }
    Ok(grants)
}

async fn find(auth: &Auth, acting: &Acting, named: &str) -> Result<Option<Id<Study>>, DbError> {
    let named_id = named.parse::<Id<Study>>().ok();
    let (owner, named) = (acting.organisation, named.to_owned());
    auth.db()
        .scan(async move |tx: &mut store::Reader| {
            organisation::queries::study_named(tx, owner, named_id, &named).await
        })
        .await
}
