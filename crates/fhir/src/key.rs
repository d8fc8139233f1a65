//! The keys of index rows: hashes under the seed of the site, each of a kind of its own.

use crate::{
    index::{Canonical, DateRange, Range, Reference},
    parameter::{Compartment, ParameterId, ResourceType},
    tenant::Tenant,
};

/// What a hash is of. The numbers stand in what was stored and never change.
#[derive(Clone, Copy)]
enum Kind {
    History = 2,
    Identity = 3,
    Token = 4,
    System = 5,
    TypedToken = 6,
    Url = 9,
    Canonical = 10,
    Identifier = 11,
    Date = 12,
    Number = 13,
    Quantity = 14,
    CanonicalQuantity = 15,
    Uri = 16,
    Composite = 17,
    Word = 20,
    OfSystem = 22,
    Latitude = 26,
    Shape = 27,
    Known = 28,
    Display = 29,
    OfIdentifierSystem = 30,
    String = 31,
    Present = 32,
    Agent = 70,
    Round = 71,
}

/// A parameter of a type under a site: what most keys begin with.
#[derive(Clone, Copy)]
pub(crate) struct Of<'t> {
    pub(crate) tenant: &'t Tenant,
    pub(crate) resource_type: ResourceType,
    pub(crate) parameter: ParameterId,
}

/// 48 bits of a hash, which SQLite keeps in six bytes. Enough where the record itself is asked before it is served: that one question of
/// a site with a hundred million values meets another's is less likely than one in a million.
const fn short(hash: i64) -> i64 {
    (hash << 16) >> 16
}

/// Under which every record of a type is found: its number, which no hash of 48 bits can be expected to be.
pub(crate) fn of_type(resource_type: ResourceType) -> i64 {
    resource_type.number().into()
}

/// Under which the versions of a type are found that are not a record's newest, and deletions.
pub(crate) fn of_history(tenant: &Tenant, resource_type: ResourceType) -> i64 {
    short(tenant.hash(Kind::History as u8, &[&resource_type.number().to_le_bytes()]))
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

/// A way in which records of a type refer to others: a parameter, or being in a compartment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) of: ResourceType,
    pub(crate) number: u16,
}

/// Ways of one row of links.
pub(crate) const WAYS_OF_A_ROW: usize = 4;
/// Bits of one of them.
pub(crate) const WAY_BITS: u32 = 16;
/// No parameter has such a number.
const COMPARTMENT_WAYS: u16 = 0xff00;

/// The records of a type that are in compartments of a kind; whose, says the target.
pub(crate) fn membership(of: ResourceType, compartment: Compartment) -> Way {
    Way { of, number: COMPARTMENT_WAYS | compartment.number() }
}

/// Whether a way is a parameter of a package.
pub(crate) const fn is_added(number: u16) -> bool {
    number >= ParameterId::ADDED_MIN && number < COMPARTMENT_WAYS
}

/// The numbers of ways as a row of links has them, four in each. The greatest stands lowest, so that what remains is small.
pub(crate) fn ways(numbers: &mut [u16]) -> impl Iterator<Item = i64> {
    numbers.sort_unstable();
    numbers
        .chunks(WAYS_OF_A_ROW)
        .map(|few| few.iter().fold(0, |row, one| (row << WAY_BITS) | i64::from(*one)))
}

/// What stands for the system of a token; 0 where it has none. 31 bits, which SQLite keeps in four bytes: it tells apart the systems
/// of one code.
pub(crate) fn system(tenant: &Tenant, system: Option<&str>) -> i64 {
    system.map_or(0, |system| (tenant.hash(Kind::System as u8, &[system.as_bytes()]) & ((1 << 31) - 1)) | 1)
}

/// What stands for a set of parameters in the posting by which a type is found: 47 bits, which SQLite keeps in six bytes.
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

/// What stands for who was behind an interaction.
pub(crate) fn agent(tenant: &Tenant, said: &str) -> i64 {
    tenant.hash(Kind::Agent as u8, &[said.as_bytes()])
}

/// A round of the permutation that the ids of audit events are made by.
pub(crate) fn round(tenant: &Tenant, row: &[u8], (round, half): (u8, u32)) -> u32 {
    let hash = tenant.hash(Kind::Round as u8, &[&[round], &half.to_le_bytes(), row]).to_le_bytes();
    u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]])
}

/// What stands for what a reference says in words and nothing else.
pub(crate) fn display_target(tenant: &Tenant, folded: &str) -> i64 {
    tenant.hash(Kind::Display as u8, &[folded.as_bytes()])
}

/// What the numbers of one parameter are of, where several are.
#[derive(Clone, Copy)]
enum Role {
    /// Its values.
    Own = 0,
    Words = 1,
    Systems = 2,
    Definitions = 3,
}

impl Of<'_> {
    fn hash(&self, kind: Kind, value: &[&[u8]]) -> i64 {
        let (of, parameter) = (self.resource_type.number().to_le_bytes(), self.parameter.0.to_le_bytes());
        let mut parts: Vec<&[u8]> = vec![&of, &parameter];
        parts.extend(value);
        self.tenant.hash(kind as u8, &parts)
    }

    /// A number of type and parameter, of four bytes at the most: no two have the same.
    fn number_of(&self, role: Role) -> i64 {
        (i64::from(self.resource_type.number()) << 18) | (i64::from(self.parameter.0) << 2) | role as i64
    }

    /// The number, or what stands for the other parts of a composite with it.
    fn within(&self, kind: Kind, within: &[u8]) -> i64 {
        if within.is_empty() { self.number_of(Role::Own) } else { short(self.hash(kind, &[within])) }
    }

    /// Under which all records are found that have the parameter.
    pub(crate) fn present(&self) -> i64 {
        short(self.hash(Kind::Present, &[]))
    }

    pub(crate) fn token(&self, code: &str) -> i64 {
        short(self.hash(Kind::Token, &[code.as_bytes()]))
    }

    pub(crate) fn typed_token(&self, type_system: &str, type_code: &str, value: &str) -> i64 {
        let parts = [type_system.as_bytes(), type_code.as_bytes(), value.as_bytes()];
        short(self.hash(Kind::TypedToken, &parts))
    }

    pub(crate) fn identifier(&self, value: &str) -> i64 {
        short(self.hash(Kind::Identifier, &[value.as_bytes()]))
    }

    pub(crate) fn text(&self) -> i64 {
        self.number_of(Role::Own)
    }

    pub(crate) const fn link(&self) -> Way {
        Way { of: self.resource_type, number: self.parameter.0 }
    }

    pub(crate) fn uri(&self, uri: &str) -> i64 {
        short(self.hash(Kind::Uri, &[uri.as_bytes()]))
    }

    /// `within` is empty, or says the other parts of a composite.
    pub(crate) fn date(&self, within: &[u8]) -> i64 {
        self.within(Kind::Date, within)
    }

    pub(crate) fn number(&self, within: &[u8]) -> i64 {
        self.within(Kind::Number, within)
    }

    /// A quantity by its number alone.
    pub(crate) fn quantity(&self, within: &[u8]) -> i64 {
        self.within(Kind::Quantity, within)
    }

    /// A quantity in UCUM's base units.
    pub(crate) fn canonical(&self, unit: &str, within: &[u8]) -> i64 {
        short(self.hash(Kind::CanonicalQuantity, &[within, unit.as_bytes()]))
    }

    pub(crate) fn composite(&self, within: &[u8]) -> i64 {
        short(self.hash(Kind::Composite, &[within]))
    }

    /// The words of codes and references, which lead to their rows.
    pub(crate) fn words(&self) -> i64 {
        self.number_of(Role::Words)
    }

    /// What has these words and no code that could stand for them.
    pub(crate) fn word(&self, folded: &[u8]) -> i64 {
        short(self.hash(Kind::Word, &[folded]))
    }

    /// The codes of systems, each by its row.
    pub(crate) fn systems(&self) -> i64 {
        self.number_of(Role::Systems)
    }

    /// What has an identifier of a system.
    pub(crate) fn of_system(&self, system: &str) -> i64 {
        short(self.hash(Kind::OfSystem, &[system.as_bytes()]))
    }

    /// What refers by an identifier of a system.
    pub(crate) fn of_identifier_system(&self, system: &str) -> i64 {
        short(self.hash(Kind::OfIdentifierSystem, &[system.as_bytes()]))
    }

    /// The URIs, which lead to their rows.
    pub(crate) fn uris(&self) -> i64 {
        self.number_of(Role::Own)
    }

    /// The URLs of definitions, which lead to their rows.
    pub(crate) fn canonicals(&self) -> i64 {
        self.number_of(Role::Definitions)
    }

    /// The strings, which parts of them lead to.
    pub(crate) fn parts(&self) -> i64 {
        self.number_of(Role::Own)
    }

    /// What stands for a whole string among those of its parameter.
    pub(crate) fn string(&self, folded: &str) -> i64 {
        self.hash(Kind::String, &[folded.as_bytes()]) & ((1 << 31) - 1)
    }

    /// How far north.
    pub(crate) fn latitude(&self) -> i64 {
        short(self.hash(Kind::Latitude, &[]))
    }
}

/// What stands for a system among the words that lead to its codes.
pub(crate) fn system_word(tenant: &Tenant, system: &str) -> Vec<u8> {
    tenant.hash(Kind::System as u8, &[system.as_bytes()]).to_be_bytes().to_vec()
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
/// Of a letter as a part has it: others than those of ASCII share numbers, and the string itself tells them apart.
const LETTER_BITS: u32 = 10;

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
        number = (number << LETTER_BITS) | letter_number(*letter);
        left -= 1;
    }
    (number << (LETTER_BITS * left), (number + 1) << (LETTER_BITS * left))
}

fn letter_number(letter: char) -> i64 {
    const ASCII: u32 = 128;
    let number = u32::from(letter);
    i64::from(if number < ASCII { number } else { ASCII + number % ((1 << LETTER_BITS) - 1 - ASCII) })
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
    fn ways_stand_four_in_a_row_and_each_can_be_asked() {
        for numbers in [vec![], vec![7], vec![900, 0xff01, 3], vec![1, 2, 3, 4], (1..=9).collect()] {
            let rows: Vec<i64> = ways(&mut numbers.clone()).collect();
            assert_eq!(rows.len(), numbers.len().div_ceil(WAYS_OF_A_ROW));
            let asked = |row: &i64, number: u16| {
                (0..WAYS_OF_A_ROW as u32).any(|nth| (row >> (nth * WAY_BITS)) & 0xffff == i64::from(number))
            };
            for number in [1, 2, 3, 4, 5, 7, 9, 10, 900, 0xff01] {
                assert_eq!(
                    rows.iter().any(|row| asked(row, number)),
                    numbers.contains(&number),
                    "{numbers:?}"
                );
            }
        }
        // What the compartment adds to a parameter of R4 takes no more than four bytes.
        assert!(ways(&mut [1400, 0xff05]).all(|row| i32::try_from(row).is_ok()));
    }

    #[test]
    fn numbers_of_parameters_have_four_bytes() {
        let last = ResourceType::all().map(ResourceType::number).max().unwrap();
        let number = (i64::from(last) << 18) | (i64::from(u16::MAX) << 2) | 3;
        assert!(i32::try_from(number).is_ok());
    }

    #[test]
    fn a_reach_comes_back() {
        for (lo, hi) in [(0, 999_999), (i64::MIN, 5_000), (-5_000, i64::MAX), (i64::MIN, i64::MAX)] {
            let reach = Reach::of_date(DateRange { lo, hi });
            assert_eq!((reach.lo, reach.lo + reach.span), (millis(lo), millis(hi)));
        }
    }
}
