//! Whose records a person may see where scopes name no patient: `user/…` of SMART App Launch 2.2 §3.0.2.

use kernel::{Id, Person};

use super::{SmartFault, queries};
use crate::Auth;

/// How many patients one person may see.
pub const REACH_ROWS_MAX: i64 = 10_000;

/// Whose records a person may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Those of everybody: a practitioner's.
    Everybody,
    /// Those of the patients that the person is linked to.
    Patients(Vec<String>),
}

/// Whose records this person may see. A person who is no practitioner sees their own and those they are linked to.
///
/// # Errors
/// The database.
pub async fn reach(auth: &Auth, person: Id<Person>) -> Result<Reach, SmartFault> {
    let rows = queries::records_of(&mut auth.db().read().await?, person, REACH_ROWS_MAX).await?;
    Ok(decide(rows.iter().map(String::as_str)))
}

/// Of the record that is the person and those of linked patients, as `Patient/1`.
fn decide<'a>(records: impl Iterator<Item = &'a str>) -> Reach {
    let mut patients = Vec::new();
    for record in records {
        match record.split_once('/') {
            Some(("Practitioner" | "PractitionerRole", _)) => return Reach::Everybody,
            Some(("Patient", id)) => patients.push(id.to_owned()),
            _ => {}
        }
    }
    Reach::Patients(patients)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn practitioners_see_everybody_and_others_their_patients() {
        let patients = |ids: &[&str]| Reach::Patients(ids.iter().map(|id| (*id).to_owned()).collect());
        for (records, expected) in [
            (&[][..], patients(&[])),
            (&["Patient/1"], patients(&["1"])),
            (&["Patient/1", "Patient/2"], patients(&["1", "2"])),
            (&["RelatedPerson/9", "Patient/2"], patients(&["2"])),
            (&["Patient/2", "Practitioner/9"], Reach::Everybody),
            (&["PractitionerRole/9"], Reach::Everybody),
        ] {
            assert_eq!(decide(records.iter().copied()), expected, "{records:?}");
        }
    }
}
