//! The keys of index rows: hashes under the seed of the site, each of a kind of its own.

use crate::{
    index::{Canonical, DateRange, Range, Reference},
    parameter::{Compartment, ParameterId, ResourceType},
    tenant::Tenant,
};

/// What a hash is of. The numbers stand in what was stored and never change.
#[derive(Clone, Copy)]
enum Kind {
    Type = 1,
    History = 2,
    Identity = 3,
    Token = 4,
    System = 5,
    TypedToken = 6,
    Text = 7,
    Link = 8,
    Url = 9,
    Canonical = 10,
    Identifier = 11,
    Date = 12,
    Number = 13,
    Quantity = 14,
    CanonicalQuantity = 15,
    Uri = 16,
    Composite = 17,
    Compartment = 18,
    Words = 19,
    Word = 20,
    Systems = 21,
    OfSystem = 22,
    Uris = 23,
    Canonicals = 24,
    Parts = 25,
    Latitude = 26,
    Shape = 27,
    Known = 28,
    Display = 29,
    OfIdentifierSystem = 30,
}

/// A parameter of a type under a site: what most keys begin with.
#[derive(Clone, Copy)]
pub(crate) struct Of<'t> {
    pub(crate) tenant: &'t Tenant,
    pub(crate) resource_type: ResourceType,
    pub(crate) parameter: ParameterId,
}

/// Under which every record of a type is found.
pub(crate) fn of_type(tenant: &Tenant, resource_type: ResourceType) -> i64 {
    tenant.hash(Kind::Type as u8, &[&resource_type.number().to_le_bytes()])
}

/// Under which the versions of a type are found that are not a record's newest, and deletions.
pub(crate) fn of_history(tenant: &Tenant, resource_type: ResourceType) -> i64 {
    tenant.hash(Kind::History as u8, &[&resource_type.number().to_le_bytes()])
}

/// What stands for one record where it is referred to.
pub(crate) fn identity(tenant: &Tenant, resource_type: ResourceType, id: &str) -> i64 {
    tenant.hash(Kind::Identity as u8, &[&resource_type.number().to_le_bytes(), id.as_bytes()])
}

/// What stands for what a reference refers to. A version is not part of it.
pub(crate) fn target(tenant: &Tenant, reference: &Reference<'_>) -> i64 {
    match reference {
        Reference::Local { resource_type, id, .. } => identity(tenant, *resource_type, id),
        Reference::Absolute { url } => url_target(tenant, url),
        Reference::Canonical { url, .. } => canonical_target(tenant, url),
    }
}

pub(crate) fn url_target(tenant: &Tenant, url: &str) -> i64 {
    tenant.hash(Kind::Url as u8, &[url.as_bytes()])
}

pub(crate) fn canonical_target(tenant: &Tenant, url: &str) -> i64 {
    tenant.hash(Kind::Canonical as u8, &[url.as_bytes()])
}

/// The records of a type that are in compartments of a kind; whose, says the target.
pub(crate) fn membership(tenant: &Tenant, resource_type: ResourceType, compartment: Compartment) -> i64 {
    let parts = [resource_type.number().to_le_bytes(), compartment.number().to_le_bytes()];
    tenant.hash(Kind::Compartment as u8, &[&parts[0], &parts[1]])
}

/// What stands for the system of a token; 0 where it has none. 47 bits, which SQLite keeps in six bytes: it tells apart the systems
/// of one code.
pub(crate) fn system(tenant: &Tenant, system: Option<&str>) -> i64 {
    system.map_or(0, |system| (tenant.hash(Kind::System as u8, &[system.as_bytes()]) & ((1 << 47) - 1)) | 1)
}

/// What stands for a set of parameters in the posting by which a type is found: 47 bits, as of a system.
pub(crate) fn shape(tenant: &Tenant, resource_type: ResourceType, parameters: &[ParameterId]) -> i64 {
    let numbers: Vec<u8> = parameters.iter().flat_map(|parameter| parameter.0.to_le_bytes()).collect();
    let parts: [&[u8]; 2] = [&resource_type.number().to_le_bytes(), &numbers];
    (tenant.hash(Kind::Shape as u8, &parts) & ((1 << 47) - 1)) | 1
}

/// What stands in memory for a row that is written once and stays.
pub(crate) fn known(tenant: &Tenant, parts: &[&[u8]]) -> i64 {
    let number = tenant.number().to_le_bytes();
    let parts: Vec<&[u8]> = std::iter::once(&number[..]).chain(parts.iter().copied()).collect();
    tenant.hash(Kind::Known as u8, &parts)
}

/// What stands for what a reference says in words and nothing else.
pub(crate) fn display_target(tenant: &Tenant, folded: &str) -> i64 {
    tenant.hash(Kind::Display as u8, &[folded.as_bytes()])
}

impl Of<'_> {
    fn hash(&self, kind: Kind, value: &[&[u8]]) -> i64 {
        let (of, parameter) = (self.resource_type.number().to_le_bytes(), self.parameter.0.to_le_bytes());
        let mut parts: Vec<&[u8]> = vec![&of, &parameter];
        parts.extend(value);
        self.tenant.hash(kind as u8, &parts)
    }

    pub(crate) fn token(&self, code: &str) -> i64 {
        self.hash(Kind::Token, &[code.as_bytes()])
    }

    pub(crate) fn typed_token(&self, type_system: &str, type_code: &str, value: &str) -> i64 {
        self.hash(Kind::TypedToken, &[type_system.as_bytes(), type_code.as_bytes(), value.as_bytes()])
    }

    pub(crate) fn identifier(&self, value: &str) -> i64 {
        self.hash(Kind::Identifier, &[value.as_bytes()])
    }

    pub(crate) fn text(&self) -> i64 {
        self.hash(Kind::Text, &[])
    }

    pub(crate) fn link(&self) -> i64 {
        self.hash(Kind::Link, &[])
    }

    pub(crate) fn uri(&self, uri: &str) -> i64 {
        self.hash(Kind::Uri, &[uri.as_bytes()])
    }

    /// `within` is empty, or says the other parts of a composite.
    pub(crate) fn date(&self, within: &[u8]) -> i64 {
        self.hash(Kind::Date, &[within])
    }

    pub(crate) fn number(&self, within: &[u8]) -> i64 {
        self.hash(Kind::Number, &[within])
    }

    /// A quantity by its number alone.
    pub(crate) fn quantity(&self, within: &[u8]) -> i64 {
        self.hash(Kind::Quantity, &[within])
    }

    /// A quantity in UCUM's base units.
    pub(crate) fn canonical(&self, unit: &str, within: &[u8]) -> i64 {
        self.hash(Kind::CanonicalQuantity, &[within, unit.as_bytes()])
    }

    pub(crate) fn composite(&self, within: &[u8]) -> i64 {
        self.hash(Kind::Composite, &[within])
    }

    /// The words of codes and references, which lead to their rows.
    pub(crate) fn words(&self) -> i64 {
        self.hash(Kind::Words, &[])
    }

    /// What has these words and no code that could stand for them.
    pub(crate) fn word(&self, folded: &[u8]) -> i64 {
        self.hash(Kind::Word, &[folded])
    }

    /// The codes of a system, each by its row.
    pub(crate) fn systems(&self, system: &str) -> i64 {
        self.hash(Kind::Systems, &[system.as_bytes()])
    }

    /// What has an identifier of a system.
    pub(crate) fn of_system(&self, system: &str) -> i64 {
        self.hash(Kind::OfSystem, &[system.as_bytes()])
    }

    /// What refers by an identifier of a system.
    pub(crate) fn of_identifier_system(&self, system: &str) -> i64 {
        self.hash(Kind::OfIdentifierSystem, &[system.as_bytes()])
    }

    /// The URIs, which lead to their rows.
    pub(crate) fn uris(&self) -> i64 {
        self.hash(Kind::Uris, &[])
    }

    /// The URLs of definitions, which lead to their rows.
    pub(crate) fn canonicals(&self) -> i64 {
        self.hash(Kind::Canonicals, &[])
    }

    /// The parts of strings, which lead to their rows.
    pub(crate) fn parts(&self) -> i64 {
        self.hash(Kind::Parts, &[])
    }

    /// How far north.
    pub(crate) fn latitude(&self) -> i64 {
        self.hash(Kind::Latitude, &[])
    }
}

/// Bytes of a folded text that its row keeps; what is longer is told apart by the record itself.
pub(crate) const FOLDED_BYTES_MAX: usize = 48;

/// The beginning of a folded text, as rows and questions have it.
pub(crate) fn folded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    bytes.get(..FOLDED_BYTES_MAX).unwrap_or(bytes).to_vec()
}

/// Bytes of a word or a URI that its row keeps.
pub(crate) const TERM_BYTES_MAX: usize = 200;

/// The beginning of a word or a URI, as rows and questions have it.
pub(crate) fn term(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    bytes.get(..TERM_BYTES_MAX).unwrap_or(bytes).to_vec()
}

/// Letters of a string whose parts are kept: a longer one is asked itself.
pub(crate) const PARTED_LETTERS_MAX: usize = 120;
/// The part that every longer string has. No letters are this number.
pub(crate) const UNPARTED: i64 = -1;
const LETTER_BITS: u32 = 21;

/// Every three letters that follow one another; behind the end there is nothing.
pub(crate) fn parts(folded: &str) -> Vec<i64> {
    let letters: Vec<char> = folded.chars().take(PARTED_LETTERS_MAX + 1).collect();
    if letters.len() > PARTED_LETTERS_MAX {
        return vec![UNPARTED];
    }
    let mut parts: Vec<i64> = (0..letters.len()).map(|from| part(letters.iter().skip(from)).0).collect();
    parts.sort_unstable();
    parts.dedup();
    parts
}

/// The parts, from one up to before another, that what has these letters in it has.
pub(crate) fn asked_parts(folded: &str) -> Vec<(i64, i64)> {
    let letters: Vec<char> = folded.chars().collect();
    let last = letters.len().saturating_sub(2).max(1);
    (0..last).map(|from| part(letters.iter().skip(from))).collect()
}

/// The number of up to three letters, and the first that does not begin with them.
fn part<'l>(letters: impl Iterator<Item = &'l char>) -> (i64, i64) {
    let (mut number, mut left) = (0, 3);
    for letter in letters.take(3) {
        number = (number << LETTER_BITS) | i64::from(u32::from(*letter));
        left -= 1;
    }
    (number << (LETTER_BITS * left), (number + 1) << (LETTER_BITS * left))
}

/// A range as its row has it: where it begins, and how far it reaches from there. Points reach nowhere, which takes no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reach {
    pub(crate) lo: i64,
    pub(crate) span: i64,
}

impl Reach {
    pub(crate) const fn from(lo: i64, hi: i64) -> Self {
        Self { lo, span: hi.saturating_sub(lo) }
    }

    /// In milliseconds: no time of a record is said more exactly than that, or it is told apart by the record itself.
    pub(crate) const fn of_date(date: DateRange) -> Self {
        Self::from(millis(date.lo), millis(date.hi))
    }

    /// Of binary numbers.
    pub(crate) fn from_to(lo: f64, hi: f64) -> Self {
        Self::from(sortable(lo), sortable(hi))
    }

    pub(crate) fn of_range(range: Range) -> Self {
        let (lo, hi) = range.to_f64();
        Self::from(sortable(lo), sortable(hi))
    }

    pub(crate) fn of_canonical(canonical: &Canonical) -> Self {
        Self::of_range(canonical.range)
    }
}

/// Milliseconds that leave room for a span: no date is as far away.
pub(crate) const fn millis(micros: i64) -> i64 {
    const FAR: i64 = i64::MAX / 4_000;
    let millis = micros.div_euclid(1_000);
    if millis > FAR {
        FAR
    } else if millis < -FAR {
        -FAR
    } else {
        millis
    }
}

/// A number of 32 bits that sorts as the nearest binary number of that size does: close numbers may become equal, none change places.
pub(crate) fn sortable(number: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "the nearest one is what is wanted")]
    let bits = (number as f32 + 0.0).to_bits();
    let magnitude = i64::from(bits & 0x7fff_ffff);
    if bits >> 31 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_as_they_do() {
        let numbers =
            [f64::NEG_INFINITY, -1e30, -2.5, -1e-30, 0.0, 1e-30, 2.5, 2.500_001, 1e30, f64::INFINITY];
        assert!(numbers.map(sortable).is_sorted_by(|a, b| a < b));
        assert_eq!(sortable(-0.0), sortable(0.0));
    }

    #[test]
    fn a_part_of_a_string_is_found_among_its_parts() {
        let text = "ana maría šmit";
        let own = parts(text);
        let letters: Vec<char> = text.chars().collect();
        for from in 0..letters.len() {
            for to in from + 1..=letters.len() {
                let needle: String = letters[from..to].iter().collect();
                for (lo, hi) in asked_parts(&needle) {
                    assert!(own.iter().any(|part| (lo..hi).contains(part)), "{needle}");
                }
            }
        }
        for absent in ["x", "aa", "nam", "mit s"] {
            let has = |(lo, hi)| own.iter().any(|part| (lo..hi).contains(part));
            assert!(!asked_parts(absent).into_iter().all(has), "{absent}");
        }
        assert_eq!(parts(&"ab".repeat(PARTED_LETTERS_MAX)), [UNPARTED]);
    }

    #[test]
    fn a_reach_comes_back() {
        for (lo, hi) in [(0, 999_999), (i64::MIN, 5_000), (-5_000, i64::MAX), (i64::MIN, i64::MAX)] {
            let reach = Reach::of_date(DateRange { lo, hi });
            assert_eq!((reach.lo, reach.lo + reach.span), (millis(lo), millis(hi)));
        }
    }
}
