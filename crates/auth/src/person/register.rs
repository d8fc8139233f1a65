//! A new account.  OWASP ASVS 5.0 §6.2 for passwords

use crypto::password;
use kernel::{Digest, Grant, Id, Issue, Secret, Timestamp};
use store::Writer;
use vault::Sealed;

use super::{Email, Person, PersonFault, Role, find, place, queries, role};
use crate::{Acting, Auth};

/// The shortest password, in characters.
pub const PASSWORD_CHARACTERS_MIN: usize = 12;

/// The longest name, in characters.
pub const NAME_CHARACTERS_MAX: usize = 200;

/// The constraint that keeps e-mail addresses apart.
const EMAIL_KEY: &str = "person_email_digest_key";

/// An account as a form or a data set holds it.
pub struct NewPerson {
    /// Their id, where it is given: the account is then made once, however often it is asked for.
    pub id: Option<Id<kernel::Person>>,
    /// What they sign in with.
    pub email: String,
    /// What they are called.
    pub display_name: String,
    /// At least [`PASSWORD_CHARACTERS_MIN`] characters.
    pub password: Secret<String>,
    /// What they may do in their organisation; being a [`Role::Person`] comes with the account.
    pub roles: Vec<Grant>,
}

/// An account as its row holds it.
#[derive(Clone)]
pub(super) struct PersonRow {
    pub id: Id<kernel::Person>,
    pub organisation: Id<kernel::Organisation>,
    pub email_digest: Digest,
    pub email: Sealed,
    pub display_name: Sealed,
    pub password: Sealed,
    pub created_at: Timestamp,
}

/// Make an account in the acting person's organisation.
///
/// # Errors
/// [`PersonFault::Refused`] names every field at fault; [`PersonFault::EmailTaken`].
pub async fn register(auth: &Auth, acting: &Acting, new: NewPerson) -> Result<Person, PersonFault> {
    if let Some(id) = new.id
        && let Some(there) = find(auth, acting.organisation, id).await?
    {
        return Ok(there);
    }
    let drawn = draw(auth, acting, new).await?;
    let person = drawn.person.clone();
    let (auth_in, acting) = (auth.clone(), acting.clone());
    let inserted = auth.db().write(async move |tx| insert(tx, &auth_in, &acting, &drawn).await).await;
    inserted.map_err(taken).map(|()| person)
}

/// An account that is about to be made: nothing is written yet.
pub(crate) struct Drawn {
    pub person: Person,
    row: PersonRow,
    roles: Vec<Grant>,
}

/// Read what is given and seal it.
///
/// # Errors
/// [`PersonFault::Refused`] names every field at fault.
pub(crate) async fn draw(auth: &Auth, acting: &Acting, new: NewPerson) -> Result<Drawn, PersonFault> {
    let (email, display_name) = read(&new).map_err(PersonFault::Refused)?;
    let id = new.id.unwrap_or_else(|| auth.world().new_id());
    let phc = auth.config().passwords.hash(new.password, auth.world().random()).await?;
    let vault = auth.vault().tenant(acting.organisation).await?;
    let created_at = auth.world().now();
    let row = PersonRow {
        id,
        organisation: acting.organisation,
        email_digest: email.digest(auth.vault()),
        email: vault.seal(place(id, "email"), email.as_str().as_bytes()),
        display_name: vault.seal(place(id, "display_name"), display_name.as_bytes()),
        password: vault.seal(place(id, "password"), phc.as_bytes()),
        created_at,
    };
    let mut roles = new.roles;
    roles.push(Role::Person.into());
    roles.sort_unstable();
    roles.dedup();
    let person = Person {
        id,
        organisation: acting.organisation,
        email: email.as_str().to_owned(),
        display_name,
        created_at,
        updated_at: created_at,
        disabled_at: None,
    };
    Ok(Drawn { person, row, roles })
}

/// Write it; [`taken`] reads what the database may have against it.
pub(crate) async fn insert(
    tx: &mut Writer,
    auth: &Auth,
    acting: &Acting,
    drawn: &Drawn,
) -> Result<(), PersonFault> {
    let row = &drawn.row;
    queries::insert(tx, row).await?;
    for role in &drawn.roles {
        role::check_giver(tx, acting, *role).await?;
        crate::role::queries::give(tx, row.id, row.organisation, *role, row.created_at).await?;
    }
    let words: Vec<_> = drawn.roles.iter().map(ToString::to_string).collect();
    let entry = acting.entry("person.registered", row.id, serde_json::json!({ "roles": words }));
    Ok(audit::record(tx, auth.world(), &entry).await?)
}

/// An address that somebody else has is told as that.
pub(crate) fn taken(fault: PersonFault) -> PersonFault {
    match fault {
        PersonFault::Store(fault) if fault.is_unique(EMAIL_KEY) => PersonFault::EmailTaken,
        other => other,
    }
}

fn read(new: &NewPerson) -> Result<(Email, String), Vec<Issue>> {
    let mut issues = Vec::new();
    let email = Email::parse(&new.email).map_err(|why| issues.push(Issue::at("email", why.to_string()))).ok();
    let name = new.display_name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARACTERS_MAX || name.chars().any(char::is_control) {
        issues.push(Issue::at("display_name", "must be 1 to 200 characters"));
    }
    issues.extend(weakness(new.password.expose(), &new.email, name).map(|why| Issue::at("password", why)));
    match email {
        Some(email) if issues.is_empty() => Ok((email, name.to_owned())),
        _ => Err(issues),
    }
}

/// Length is what counts; what is refused besides is what anybody would try first.
fn weakness(password: &str, email: &str, name: &str) -> Option<&'static str> {
    let lower = password.to_lowercase();
    let (email, name) = (email.trim().to_lowercase(), name.to_lowercase());
    let distinct = lower.chars().collect::<std::collections::BTreeSet<_>>().len();
    if password.chars().count() < PASSWORD_CHARACTERS_MIN {
        Some("must be at least 12 characters")
    } else if password.len() > password::PASSWORD_BYTES_MAX {
        Some("must be at most 1024 bytes")
    } else if distinct < 5 {
        Some("must have more than four different characters")
    } else if lower == email
        || lower == name
        || (GUESSED.iter().any(|word| lower.starts_with(word)) && distinct < 12)
    {
        Some("is among the first that anybody would try")
    } else {
        None
    }
}

/// What passwords of twelve characters and more are most often made of.
const GUESSED: [&str; 8] =
    ["password", "passw0rd", "1234567890", "qwertyuiop", "abcdefghij", "letmein", "changeme", "iloveyou"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_passwords_are_good_and_those_that_all_try_first_are_not() {
        for (password, is_good) in [
            ("correct horse battery", true),
            ("zażółć gęślą jaźń", true),
            ("              x y z w v", true),
            ("short", false),
            ("aaaaaaaaaaaaaaaaaaaa", false),
            ("password1234", false),
            ("1234567890123", false),
            ("mira@example.org", false),
            ("MIRA THE FIRST", false),
        ] {
            assert_eq!(
                weakness(password, "mira@example.org", "Mira the First").is_none(),
                is_good,
                "{password}"
            );
        }
        assert!(weakness(&"ab cd".repeat(300), "", "").is_some());
    }

    #[test]
    fn every_field_at_fault_is_named() {
        let nothing = NewPerson {
            id: None,
            email: "x".into(),
            display_name: String::new(),
            password: Secret::new("short".into()),
            roles: vec![],
        };
        let issues = read(&nothing).err().unwrap();
        assert_eq!(
            issues.iter().map(|issue| &*issue.path).collect::<Vec<_>>(),
            ["email", "display_name", "password"]
        );
    }
}
