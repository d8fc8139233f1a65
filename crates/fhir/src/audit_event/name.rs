//! The id of an audit event: its row, and which of the row's events it is. Of the second nobody can tell anything by looking: how many
//! others there are, and of whom, is not for everybody.

use kernel::{EventRow, Id};

use crate::{key, tenant::Tenant};

/// Which event of a row: of which version, and of which patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Part {
    pub version: u32,
    pub patient: u16,
}

const ROUNDS: [u8; 4] = [1, 2, 3, 4];
/// Characters before and behind the hyphen.
const HEX: (usize, usize) = (32, 16);

/// As it stands in an address.
pub(super) fn written(tenant: &Tenant, row: Id<EventRow>, part: Part) -> String {
    let (mut left, mut right) = (part.version, u32::from(part.patient) << 16);
    for round in ROUNDS {
        (left, right) = (right, left ^ key::round(tenant, row.as_bytes(), (round, right)));
    }
    let row: String = row.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{row}-{left:08x}{right:08x}")
}

/// What it says; nothing of one that was not given here, for this site.
pub(super) fn read(tenant: &Tenant, id: &str) -> Option<(Id<EventRow>, Part)> {
    let (row, part) = id.split_once('-')?;
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if (row.len(), part.len()) != HEX || !is_hex(row) || !is_hex(part) {
        return None;
    }
    let row = Id::from_bytes(u128::from_str_radix(row, 16).ok()?.to_be_bytes());
    let (left, right) = part.split_at_checked(8)?;
    let (mut left, mut right) = (u32::from_str_radix(left, 16).ok()?, u32::from_str_radix(right, 16).ok()?);
    for round in ROUNDS.into_iter().rev() {
        (left, right) = (right ^ key::round(tenant, row.as_bytes(), (round, left)), left);
    }
    let patient = u16::try_from(right >> 16).ok()?;
    (right & 0xffff == 0).then_some((row, Part { version: left, patient }))
}
