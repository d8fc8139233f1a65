//! What a subscriber gave us and nobody is shown again: header fields for its endpoint, and the key that signs what we send.

use http::{HeaderMap, HeaderName, HeaderValue};
use kernel::Secret;
use serde::{Deserialize, Serialize};
use vault::{Place, Sealed, TenantVault, VaultError};

use crate::{resource::LogicalId, tenant::Tenant};

/// Header fields of one subscription.
pub const HEADERS_MAX: usize = 16;
/// All of them together, in bytes.
pub const HEADERS_BYTES_MAX: usize = 8 << 10;

/// What is shown of a field's value.
pub(super) const MASK: &str = "***";

/// A field as its subscriber wrote it.
#[derive(Clone)]
pub(super) struct Field {
    pub name: HeaderName,
    pub value: Secret<String>,
}

impl Field {
    /// `Name: value`
    pub fn parse(line: &str) -> Result<Self, &'static str> {
        let (name, value) = line.split_once(':').ok_or("must be a name, a colon and a value")?;
        let (name, _) = outbound::webhook::field(name, value)?;
        Ok(Self { name, value: Secret::new(value.trim().to_owned()) })
    }

    /// Without what is not shown.
    pub fn masked(&self) -> String {
        format!("{}: {MASK}", self.name)
    }
}

/// What is sealed of a subscription.
pub(super) struct Secrets {
    pub fields: Vec<Field>,
    pub key: Secret<[u8; 32]>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    fields: Vec<(String, String)>,
    key: [u8; 32],
}

fn place(tenant: &Tenant, id: &LogicalId) -> Place {
    let digest = crypto::sha256(format!("{}/{id}", tenant.site()).as_bytes());
    let mut row = [0; 16];
    row.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    Place { table: "fhir_subscription", row, column: "secrets", purpose: "subscriber" }
}

impl Secrets {
    /// Those of before go on where the subscriber has sent back what it was shown.
    pub fn renewed(fields: Vec<Field>, before: Option<Self>, key: Secret<[u8; 32]>) -> Self {
        let Some(before) = before else { return Self { fields, key } };
        let kept = |field: Field| match field.value.expose() == MASK {
            true => before.fields.iter().find(|old| old.name == field.name).cloned().unwrap_or(field),
            false => field,
        };
        Self { fields: fields.into_iter().map(kept).collect(), key: before.key }
    }

    pub fn seal(
        &self,
        vault: &TenantVault,
        (tenant, id): (&Tenant, &LogicalId),
    ) -> Result<Sealed, serde_json::Error> {
        let fields = self.fields.iter();
        let fields = fields.map(|field| (field.name.to_string(), field.value.expose().clone())).collect();
        let bytes = Secret::new(serde_json::to_vec(&Kept { fields, key: *self.key.expose() })?);
        Ok(vault.seal(place(tenant, id), bytes.expose()))
    }

    pub fn open(
        vault: &TenantVault,
        (tenant, id): (&Tenant, &LogicalId),
        sealed: &Sealed,
    ) -> Result<Self, VaultError> {
        let bytes = vault.open(place(tenant, id), sealed)?;
        let kept: Kept = serde_json::from_slice(bytes.expose()).map_err(|_| VaultError::NotText)?;
        let field = |(name, value): (String, String)| {
            Some(Field { name: name.parse().ok()?, value: Secret::new(value) })
        };
        Ok(Self { fields: kept.fields.into_iter().filter_map(field).collect(), key: Secret::new(kept.key) })
    }

    /// The fields as they are sent.
    pub fn headers(&self) -> HeaderMap {
        let field = |field: &Field| {
            let mut value = HeaderValue::from_str(field.value.expose()).ok()?;
            value.set_sensitive(true);
            Some((field.name.clone(), value))
        };
        self.fields.iter().filter_map(field).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_shown_without_their_values() {
        let field = Field::parse("Authorization: Bearer a:b").unwrap();
        assert_eq!(
            (field.masked().as_str(), field.value.expose().as_str()),
            ("authorization: ***", "Bearer a:b")
        );
        for bad in
            ["Authorization", "a b: c", "Host: x", "Webhook-Id: 1", "Content-Type: text/plain", "X: a\nb"]
        {
            assert!(Field::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_was_shown_masked_comes_back_as_it_was() {
        let field = |line: &str| Field::parse(line).unwrap();
        let before = Secrets { fields: vec![field("A: 1"), field("B: 2")], key: Secret::new([1; 32]) };
        let renewed =
            Secrets::renewed(vec![field("a: ***"), field("B: 3")], Some(before), Secret::new([2; 32]));
        let values: Vec<&str> = renewed.fields.iter().map(|field| field.value.expose().as_str()).collect();
        assert_eq!((values, renewed.key.expose()), (vec!["1", "3"], &[1; 32]));
    }
}
