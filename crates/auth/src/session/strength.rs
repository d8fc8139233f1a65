//! How surely a session is the person's.  OpenID Connect Core §2 (`acr`, `amr`), RFC 8176, RFC 9470

use crate::row::text_column;

/// What a sign-in was worth: the weakest first. Each is worth all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Acr {
    /// One factor: the password, or an external provider that vouches for no more.
    Password,
    /// Two factors: a code of an app or a recovery code besides the password, or a provider that vouches for two.
    Mfa,
    /// A passkey whose device has verified its person: two factors that cannot be phished.
    Passkey,
}

impl Acr {
    /// All of them, the weakest first.
    pub const ALL: [Self; 3] = [Self::Password, Self::Mfa, Self::Passkey];

    /// The word for it in `acr`, `acr_values` and metadata.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "urn:hilum:acr:password",
            Self::Mfa => "urn:hilum:acr:mfa",
            Self::Passkey => "urn:hilum:acr:passkey",
        }
    }

    /// The strength of exactly this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|acr| acr.as_str() == word)
    }
}

text_column!(Acr, "a strength of sign-in", Acr::parse);

/// The least that `acr_values` asks for, among the words that are known here: any of them would do. None where none of
/// them is: they are a wish (OpenID Connect Core §3.1.2.1), and one that nobody can fulfil binds nobody.
pub fn asked_for(acr_values: &str) -> Option<Acr> {
    acr_values.split(' ').filter_map(Acr::parse).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stronger_sign_in_is_enough_and_a_weaker_is_not() {
        const P: &str = "urn:hilum:acr:password";
        const M: &str = "urn:hilum:acr:mfa";
        const K: &str = "urn:hilum:acr:passkey";
        for (acr, asked, is_enough) in [
            (Acr::Password, String::new(), true),
            (Acr::Password, "urn:example:gold".to_owned(), true),
            (Acr::Password, P.to_owned(), true),
            (Acr::Password, M.to_owned(), false),
            (Acr::Password, K.to_owned(), false),
            (Acr::Password, format!("{K} {P}"), true),
            (Acr::Password, format!("urn:example:gold {M}"), false),
            (Acr::Mfa, format!("{K} {M}"), true),
            (Acr::Mfa, K.to_owned(), false),
            (Acr::Password, M.to_uppercase(), true),
            (Acr::Passkey, format!("{P} {M} {K}"), true),
            (Acr::Passkey, K.to_owned(), true),
        ] {
            let least = asked_for(&asked);
            assert_eq!(least.is_none_or(|least| acr >= least), is_enough, "{acr:?} {asked}");
        }
    }
}
