//! Where and as whom, remembered under a name in a file that nobody else may read.

use std::{
    collections::BTreeMap,
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use kernel::Secret;
use toml::{Table, Value};

use super::{ClientFault, Credential};

/// The profile that is meant where none is named.
pub const USUAL: &str = "default";
/// The longest name of a profile, bytes.
const NAME_BYTES_MAX: usize = 64;
/// Who may list the folder of the file.
const FOLDER_MODE: u32 = 0o700;

/// The file of profiles.
pub struct Profiles {
    path: PathBuf,
}

/// One of them.
pub struct Profile {
    /// The address of Hilum.
    pub url: String,
    /// What proves the caller there.
    pub credential: Credential,
}

impl Profiles {
    /// `hilum/profiles.toml` in the folder for settings.
    ///
    /// # Errors
    /// There is no such folder.
    pub fn usual(environment: &BTreeMap<String, String>) -> Result<Self, ClientFault> {
        let named = |name: &str| environment.get(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let folder = named("XDG_CONFIG_HOME").or_else(|| Some(named("HOME")?.join(".config")));
        let folder = folder.ok_or_else(unset)?;
        Ok(Self { path: folder.join("hilum").join("profiles.toml") })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The profile of this name; the usual one where none is named.
    ///
    /// # Errors
    /// There is none, or the file can be read by others or not at all.
    pub fn read(&self, name: Option<&str>) -> Result<Profile, ClientFault> {
        let table = self.table()?;
        let found = table.get(name.unwrap_or(USUAL)).and_then(Value::as_table);
        let Some(found) = found else {
            return Err(match name {
                None => unset(),
                Some(_) => ClientFault::unusable(format!(
                    "{} has no profile of this name: make it with `hilum profile set --name NAME --url URL --api-key-file FILE`",
                    self.path.display()
                )),
            });
        };
        let text = |key: &str| found.get(key).and_then(Value::as_str).map(str::to_owned);
        let credential = match (text("api_key"), text("token")) {
            (Some(key), None) => Some(Credential::Key(Secret::new(key))),
            (None, Some(token)) => Some(Credential::Token(Secret::new(token))),
            _ => None,
        };
        match (text("url"), credential) {
            (Some(url), Some(credential)) => Ok(Profile { url, credential }),
            _ => Err(ClientFault::unusable(format!(
                "{}: a profile has `url`, and either `api_key` or `token`: make it anew with `hilum profile set`",
                self.path.display()
            ))),
        }
    }

    /// Names and addresses, never what proves anybody.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn list(&self) -> Result<Vec<(String, String)>, ClientFault> {
        let url = |value: &Value| value.get("url").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(self.table()?.iter().map(|(name, value)| (name.clone(), url(value))).collect())
    }

    /// Remember it, in place of what had its name.
    ///
    /// # Errors
    /// A name that is none, or a file that cannot be written.
    pub fn set(&self, name: &str, profile: &Profile) -> Result<(), ClientFault> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(is_name) {
            return Err(ClientFault::unusable(
                "the name of a profile is 1 to 64 letters, digits, - and _".to_owned(),
            ));
        }
        let (key, secret) = match &profile.credential {
            Credential::Key(secret) => ("api_key", secret),
            Credential::Token(secret) => ("token", secret),
        };
        let mut one = Table::new();
        one.insert("url".to_owned(), Value::String(profile.url.clone()));
        one.insert(key.to_owned(), Value::String(secret.expose().clone()));
        let mut table = self.table()?;
        table.insert(name.to_owned(), Value::Table(one));
        self.write(&table)
    }

    /// Forget it. Whether it was there.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn remove(&self, name: &str) -> Result<bool, ClientFault> {
        let mut table = self.table()?;
        let was_there = table.remove(name).is_some();
        if was_there {
            self.write(&table)?;
        }
        Ok(was_there)
    }

    fn table(&self) -> Result<Table, ClientFault> {
        let shown = self.path.display();
        let found = match fs::metadata(&self.path) {
            Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(Table::new()),
            found => found.map_err(|fault| ClientFault::unusable(format!("{shown}: {fault}")))?,
        };
        if found.permissions().mode() & 0o077 != 0 {
            return Err(ClientFault::unusable(format!(
                "others may read {shown}, which holds keys: run `chmod 600 {shown}`, and let who may have read them be replaced"
            )));
        }
        let text = fs::read_to_string(&self.path)
            .map_err(|fault| ClientFault::unusable(format!("{shown}: {fault}")))?;
        // What TOML says of a fault shows the line, and the line may be a key.
        text.parse().map_err(|_| {
            ClientFault::unusable(format!(
                "{shown}: is no TOML; mend it, or remove it and use `hilum profile set`"
            ))
        })
    }

    /// Renamed into place, so that nobody sees half of it; from the beginning nobody else may read it.
    fn write(&self, table: &Table) -> Result<(), ClientFault> {
        let shown = self.path.display();
        let told = |fault: std::io::Error| ClientFault::unusable(format!("{shown}: {fault}"));
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder).map_err(told)?;
        let mut beside = tempfile::NamedTempFile::new_in(folder).map_err(told)?;
        beside.write_all(table.to_string().as_bytes()).map_err(told)?;
        beside.persist(&self.path).map_err(|fault| told(fault.error))?;
        Ok(())
    }
}

fn unset() -> ClientFault {
    ClientFault::unusable(
        "nothing says which Hilum to call, and as whom: give --url and --api-key-file, set HILUM_URL and HILUM_API_KEY, \
         or remember both with `hilum profile set --url URL --api-key-file FILE`"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles(folder: &Path) -> Profiles {
        let environment = BTreeMap::from([("HOME".to_owned(), folder.display().to_string())]);
        Profiles::usual(&environment).ok().unwrap()
    }

    fn key(text: &str) -> Profile {
        Profile {
            url: "https://hilum.example".to_owned(),
            credential: Credential::Key(Secret::new(text.to_owned())),
        }
    }

    #[test]
    fn profiles_are_kept_where_nobody_else_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let profiles = profiles(folder.path());
        assert!(profiles.read(None).is_err(), "there is none yet");
        profiles.set(USUAL, &key("a.b.hunter2")).ok().unwrap();
        profiles.set("staging", &key("a.b.c")).ok().unwrap();
        let mode = fs::metadata(profiles.path()).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let Credential::Key(found) = profiles.read(None).ok().unwrap().credential else { panic!("a key") };
        assert_eq!(found.expose(), "a.b.hunter2");
        let names: Vec<String> = profiles.list().ok().unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [USUAL, "staging"]);
        assert!(profiles.remove("staging").ok().unwrap() && !profiles.remove("staging").ok().unwrap());
        for name in ["", "a b", "a.b", &"x".repeat(65)] {
            assert!(profiles.set(name, &key("x")).is_err(), "{name}");
        }
        fs::set_permissions(profiles.path(), fs::Permissions::from_mode(0o640)).unwrap();
        let said = profiles.read(None).err().unwrap().to_string();
        assert!(said.contains("chmod 600") && !said.contains("hunter2"), "{said}");
    }

    #[test]
    fn what_cannot_be_read_is_said_without_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let profiles = profiles(folder.path());
        profiles.set(USUAL, &key("x")).ok().unwrap();
        for text in [
            "api_key = hunter2",
            "[default]\napi_key = \"hunter2\"\n",
            "[default]\nurl = \"u\"\napi_key = \"hunter2\"\ntoken = \"t\"\n",
        ] {
            fs::write(profiles.path(), text).unwrap();
            let said = profiles.read(None).err().unwrap().to_string();
            assert!(said.contains("profile") && !said.contains("hunter2"), "{said}");
        }
    }
}
