//! Ids as contract 4 writes them: a word of what they are ids of, and 32 hexadecimal digits.

use kernel::{Id, IdKind, Integration};

use crate::{quarantine::Quarantined, run::SyncRun, tested::Test};

/// What stands before the digits.
pub(crate) trait Prefixed: IdKind + Sized {
    const PREFIX: &'static str;
}
impl Prefixed for Integration {
    const PREFIX: &'static str = "int_";
}
impl Prefixed for SyncRun {
    const PREFIX: &'static str = "sync_";
}
impl Prefixed for Quarantined {
    const PREFIX: &'static str = "qr_";
}
impl Prefixed for Test {
    const PREFIX: &'static str = "test_";
}
impl Prefixed for kernel::Job {
    const PREFIX: &'static str = "job_";
}

pub(crate) fn write<K: Prefixed>(id: Id<K>) -> String {
    let digits: String = id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}{digits}", K::PREFIX)
}

pub(crate) fn read<K: Prefixed>(text: &str) -> Option<Id<K>> {
    let digits = text.strip_prefix(K::PREFIX)?.as_bytes();
    if digits.len() != 32 {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 16];
    for (to, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let [high, low] = pair else { return None };
        *to = digit(*high)? << 4 | digit(*low)?;
    }
    Some(Id::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_way_to_write_an_id() {
        let id = Id::<SyncRun>::from_bytes([0xab; 16]);
        let text = format!("sync_{}", "ab".repeat(16));
        assert_eq!((write(id), read::<SyncRun>(&text)), (text.clone(), Some(id)));
        for wrong in ["", "sync_", &text.to_uppercase(), &format!("{text}0"), &text.replace("sync_", "int_")]
        {
            assert_eq!(read::<SyncRun>(wrong), None, "{wrong}");
        }
    }
}
