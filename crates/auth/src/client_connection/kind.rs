//! What a client is in the eyes of the platform, and how far it sees.  Contract 5, "Context"

use std::{fmt, str::FromStr};

use kernel::{Client, Id};
use serde_json::json;

use super::{ConnectionFault, queries};
use crate::{Acting, Auth, row::text_column};

/// The longest type, in bytes.
pub const TYPE_BYTES_MAX: usize = 40;

/// The types that see every client of their organisation.
const OF_ADMINISTRATORS: [&str; 2] = ["MITHRIL_ADMIN", "NHS"];

/// A type: `MITHRIL_ADMIN`, `NHS`, `MSP`, `PHARMACY`, `MIS` or another word of 1 to 40 of `A-Z`, `0-9` and `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientType(Box<str>);

/// The text is no client type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 40 of A-Z, 0-9 and _")]
pub struct MalformedClientType;

impl ClientType {
    /// The type as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How far a client of this type sees. What nobody has heard of sees only itself.
    pub(super) fn reach(&self) -> Reach {
        if OF_ADMINISTRATORS.contains(&&*self.0) { Reach::Organisation } else { Reach::OwnClient }
    }
}

/// How far a client sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Every client of its organisation.
    Organisation,
    /// Itself.
    OwnClient,
}

impl FromStr for ClientType {
    type Err = MalformedClientType;
    fn from_str(text: &str) -> Result<Self, MalformedClientType> {
        let good = (1..=TYPE_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        if good { Ok(Self(text.into())) } else { Err(MalformedClientType) }
    }
}

impl fmt::Display for ClientType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_column!(ClientType, "a client type", |text| text.parse().ok());

/// The type of a client of the acting organisation; none where none was set.
///
/// # Errors
/// The database.
pub async fn client_type_of(
    auth: &Auth,
    acting: &Acting,
    client: Id<Client>,
) -> Result<Option<ClientType>, ConnectionFault> {
    Ok(queries::client_type(&mut auth.db().read().await?, acting.organisation, client).await?)
}

/// Say what a client of the acting organisation is; none takes the type away, and the client sees nothing any more.
///
/// # Errors
/// [`ConnectionFault::NoClient`].
pub async fn set_client_type(
    auth: &Auth,
    acting: &Acting,
    client: Id<Client>,
    to: Option<ClientType>,
) -> Result<(), ConnectionFault> {
    let (world, acting, now) = (auth.world().clone(), acting.clone(), auth.world().now());
    auth.db()
        .write(async move |tx| -> Result<(), ConnectionFault> {
            if !queries::is_client_of(tx, acting.organisation, client).await? {
                return Err(ConnectionFault::NoClient);
            }
            if queries::client_type(tx, acting.organisation, client).await? == to {
                return Ok(());
            }
            match &to {
                Some(to) => queries::set_client_type(tx, client, to, now).await?,
                None => queries::clear_client_type(tx, client).await?,
            };
            let details = json!({ "client_type": to.as_ref().map(ClientType::as_str) });
            Ok(audit::record(tx, &world, &acting.entry("client.type_set", client, details)).await?)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_administrators_types_see_further_than_themselves() {
        for (text, reach) in [
            ("MITHRIL_ADMIN", Some(Reach::Organisation)),
            ("NHS", Some(Reach::Organisation)),
            ("MSP", Some(Reach::OwnClient)),
            ("PHARMACY", Some(Reach::OwnClient)),
            ("MIS", Some(Reach::OwnClient)),
            ("CABINET", Some(Reach::OwnClient)),
            ("NHS_", Some(Reach::OwnClient)),
            ("nhs", None),
            ("MITHRIL ADMIN", None),
            ("NHS\n", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<ClientType>().ok().map(|kind| kind.reach()), reach, "{text:?}");
        }
        assert!("A".repeat(41).parse::<ClientType>().is_err());
    }
}
