//! E-mail addresses as people sign in with them.  RFC 5321 §4.5.3.1 for the lengths

use kernel::Digest;
use vault::Vault;
use zeroize::Zeroize;

/// The longest address, in bytes.
pub const EMAIL_BYTES_MAX: usize = 254;

/// The text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address")]
pub struct MalformedEmail;

/// An e-mail address as it was typed, without white space around it. It has no `Debug`: it is personal.
#[derive(Clone)]
pub struct Email(String);

impl Email {
    /// Read an address: something, one `@`, and a domain. Whether mail arrives there is not for a pattern to say.
    pub fn parse(text: &str) -> Result<Self, MalformedEmail> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(MalformedEmail)?;
        let clean =
            text.len() <= EMAIL_BYTES_MAX && !text.chars().any(|c| c.is_control() || c.is_whitespace());
        let good = clean
            && !local.is_empty()
            && !local.contains('@')
            && !domain.is_empty()
            && !domain.starts_with('.')
            && !domain.ends_with('.');
        if good { Ok(Self(text.to_owned())) } else { Err(MalformedEmail) }
    }

    /// The address as it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the database looks it up by; capital letters make no difference.
    pub(crate) fn digest(&self, vault: &Vault) -> Digest {
        let mut lower = self.0.to_lowercase();
        let digest = vault.digest(super::EMAIL_PURPOSE, lower.as_bytes());
        lower.zeroize();
        digest
    }
}

impl Drop for Email {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_two_sides() {
        for text in ["mira@example.org", " mira+x@mail.example.org ", "ü@exämple.org", "a@b"] {
            assert_eq!(Email::parse(text).map(|email| email.as_str().to_owned()), Ok(text.trim().to_owned()));
        }
        for text in [
            "",
            "@",
            "a@",
            "@b",
            "a",
            "a@b@c",
            "a b@c",
            "a@b\u{0}",
            "a@.b",
            "a@b.",
            &format!("{}@b", "a".repeat(253)),
        ] {
            assert_eq!(Email::parse(text).err(), Some(MalformedEmail), "{text:?}");
        }
    }
}
