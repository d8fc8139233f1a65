//! How a sender proves itself: declared, not written out for each.

use crypto::{constant_time_eq, hmac_sha256_text};
use http::HeaderMap;
use kernel::{Secret, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Challenge;

/// How old a signed time may be where a recipe says nothing, in seconds.
pub const TOLERANCE_S: u32 = 300;
/// And at the most.
pub const TOLERANCE_S_MAX: u32 = 3_600;
/// Pieces of what is signed.
pub const PIECES_MAX: usize = 8;

/// With what it is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = InboundAlgorithm)]
pub enum Algorithm {
    /// HMAC-SHA-256 by a secret that both sides know.
    HmacSha256,
    /// Ed25519 by the sender's key, of which the secret holds the public half in Base64.
    Ed25519,
    /// The secret itself is sent.
    SharedSecret,
    /// Nothing but that the address is not known: weak.
    None,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = InboundEncoding)]
pub enum Encoding {
    /// In either case.
    #[default]
    Hex,
    /// Base64 with padding.
    Base64,
}

/// How a sender proves itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InboundRecipe)]
pub struct Recipe {
    /// With what.
    pub algorithm: Algorithm,
    /// The header field that holds the signature or the secret; empty for `none`.
    #[serde(default)]
    pub header: String,
    /// What stands before it there: `sha256=`, `Bearer `.
    #[serde(default)]
    pub prefix: String,
    /// Whether the field holds pairs: `t=<time>,v1=<signature>`.
    #[serde(default)]
    pub pairs: bool,
    /// How it is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// What is signed, piece by piece: `body`, `timestamp`, `.` (any other text stands for itself).
    #[serde(default)]
    pub message: Vec<String>,
    /// The header field that holds the time that is signed; empty where it is a pair or there is none.
    #[serde(default)]
    pub timestamp_header: String,
    /// Whether that time is in milliseconds.
    #[serde(default)]
    pub milliseconds: bool,
    /// How old it may be, in seconds.
    #[serde(default = "usual_tolerance")]
    pub tolerance_s: u32,
    /// How the sender tries the address out before it tells anything; none where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
}

const fn usual_tolerance() -> u32 {
    TOLERANCE_S
}

/// Why a message is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The field is missing, or does not read.
    Missing,
    /// The signed time is too far from ours.
    Stale,
    /// It is not by who it should be.
    Wrong,
}

impl Recipe {
    /// What a catalogue says in words; none where it takes more than a recipe.
    pub fn in_words(
        headers: &[String],
        (algorithm, message): (&str, &str),
        (encoding, format): (Option<&str>, Option<&str>),
        tolerance_s: Option<u32>,
    ) -> Option<Self> {
        let algorithm = match algorithm {
            "hmac_sha256" => Algorithm::HmacSha256,
            "ed25519" => Algorithm::Ed25519,
            _ => return None,
        };
        let pieces: &[&str] = match message {
            "body" | "raw body, unformatted" => &["body"],
            "timestamp + body" | "timestamp_ms + body" => &["timestamp", "body"],
            "t.body" => &["timestamp", ".", "body"],
            _ => return None,
        };
        let encoding = match encoding {
            None | Some("hex" | "hex_upper") => Encoding::Hex,
            Some("base64") => Encoding::Base64,
            Some(_) => return None,
        };
        let is_timed = pieces.contains(&"timestamp");
        Some(Self {
            challenge: None,
            algorithm,
            header: headers.first()?.to_ascii_lowercase(),
            prefix: String::new(),
            pairs: format.is_some_and(|format| format.starts_with("t=")),
            encoding,
            message: pieces.iter().map(|piece| (*piece).to_owned()).collect(),
            timestamp_header: headers
                .get(1)
                .filter(|_| is_timed)
                .map(|name| name.to_ascii_lowercase())
                .unwrap_or_default(),
            milliseconds: message.contains("_ms") || format.is_some_and(|format| format.contains("<ms>")),
            tolerance_s: tolerance_s.unwrap_or(TOLERANCE_S),
        })
    }

    /// With the challenge that a catalogue says in words, where it is one that is known.
    #[must_use]
    pub fn tried_by(self, words: Option<&str>) -> Self {
        Self { challenge: words.and_then(Challenge::in_words), ..self }
    }

    /// What is wrong with it.
    pub(super) fn fault(&self) -> Option<(&'static str, &'static str)> {
        if let Some(found) = self.challenge.as_ref().and_then(Challenge::fault) {
            return Some(found);
        }
        let is_name = |text: &str| text.is_empty() || text.parse::<http::HeaderName>().is_ok();
        let is_timed = self.message.iter().any(|piece| piece == "timestamp");
        let is_signed = matches!(self.algorithm, Algorithm::HmacSha256 | Algorithm::Ed25519);
        if !is_name(&self.header) || (self.header.is_empty() && self.algorithm != Algorithm::None) {
            return Some(("recipe.header", "must name a header field"));
        }
        if !is_name(&self.timestamp_header) {
            return Some(("recipe.timestamp_header", "must name a header field"));
        }
        let pieces = (1..=PIECES_MAX).contains(&self.message.len())
            && self.message.iter().all(|piece| piece.len() <= 64);
        if is_signed && (!pieces || !self.message.iter().any(|piece| piece == "body")) {
            return Some(("recipe.message", "must be at most 8 pieces, one of them body"));
        }
        if is_signed && is_timed && self.timestamp_header.is_empty() && !self.pairs {
            return Some(("recipe.timestamp_header", "must say where the time is"));
        }
        if self.prefix.len() > 64 || !(1..=TOLERANCE_S_MAX).contains(&self.tolerance_s) {
            return Some(("recipe.tolerance_s", "must be 1 to 3600, and the prefix at most 64 bytes"));
        }
        None
    }

    /// Whether the message is by who knows the secret, at about this time.
    pub(super) fn judge(
        &self,
        secret: Option<&Secret<String>>,
        (headers, body): (&HeaderMap, &[u8]),
        now: Timestamp,
    ) -> Result<(), Doubt> {
        if self.algorithm == Algorithm::None {
            return Ok(());
        }
        let secret = secret.ok_or(Doubt::Wrong)?;
        let field = text(headers, &self.header)?;
        let said = match self.pairs {
            true => pair(field, "v1").ok_or(Doubt::Missing)?,
            false => field.strip_prefix(self.prefix.as_str()).ok_or(Doubt::Missing)?,
        };
        if self.algorithm == Algorithm::SharedSecret {
            let is_same = constant_time_eq(said.as_bytes(), secret.expose().as_bytes());
            return if is_same { Ok(()) } else { Err(Doubt::Wrong) };
        }
        let time = self.time(field, headers)?;
        if let Some(time) = time {
            self.is_fresh(time, now)?;
        }
        let signed: Vec<u8> = self
            .message
            .iter()
            .flat_map(|piece| match piece.as_str() {
                "body" => body,
                "timestamp" => time.unwrap_or_default().as_bytes(),
                other => other.as_bytes(),
            })
            .copied()
            .collect();
        let signature = self.decoded(said).ok_or(Doubt::Missing)?;
        let is_good = match self.algorithm {
            Algorithm::HmacSha256 => {
                constant_time_eq(hmac_sha256_text(secret, &[&signed]).as_bytes(), &signature)
            }
            Algorithm::Ed25519 => crypto::webhook::is_signed_by(secret, &signed, &signature),
            Algorithm::SharedSecret | Algorithm::None => false,
        };
        if is_good { Ok(()) } else { Err(Doubt::Wrong) }
    }

    /// The time as it is written; none where none is signed.
    fn time<'a>(&self, field: &'a str, headers: &'a HeaderMap) -> Result<Option<&'a str>, Doubt> {
        if !self.message.iter().any(|piece| piece == "timestamp") {
            return Ok(None);
        }
        match self.pairs {
            true => pair(field, "t").map(Some).ok_or(Doubt::Missing),
            false => text(headers, &self.timestamp_header).map(Some),
        }
    }

    fn is_fresh(&self, time: &str, now: Timestamp) -> Result<(), Doubt> {
        let number: i64 = time.parse().map_err(|_| Doubt::Missing)?;
        let at = match self.milliseconds {
            true => Timestamp::from_micros(number.saturating_mul(1_000)),
            false => Timestamp::from_seconds(number),
        };
        let apart = now.since(at).max(at.since(now)).as_secs();
        if apart <= u64::from(self.tolerance_s) { Ok(()) } else { Err(Doubt::Stale) }
    }

    fn decoded(&self, text: &str) -> Option<Vec<u8>> {
        match self.encoding {
            Encoding::Base64 => crypto::b64::decode_standard(text).ok(),
            Encoding::Hex => {
                let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
                let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
                let byte = |pair: &[u32]| match pair {
                    [high, low] => u8::try_from(high * 16 + low).ok(),
                    _ => None,
                };
                digits.chunks(2).map(byte).collect()
            }
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Doubt> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map(str::trim).map_err(|_| Doubt::Missing),
        _ => Err(Doubt::Missing),
    }
}

/// `name=value` of a list separated by commas.
fn pair<'a>(field: &'a str, name: &str) -> Option<&'a str> {
    field
        .split(',')
        .find_map(|pair| pair.trim().split_once('=').filter(|(key, _)| *key == name))
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn words(headers: &[&str], message: &str, encoding: Option<&str>, format: Option<&str>) -> Recipe {
        let headers: Vec<String> = headers.iter().map(|name| (*name).to_owned()).collect();
        Recipe::in_words(&headers, ("hmac_sha256", message), (encoding, format), None).unwrap()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    fn judged(recipe: &Recipe, fields: &[(&'static str, String)], body: &[u8]) -> Result<(), Doubt> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.insert(*name, value.parse().unwrap());
        }
        recipe.judge(Some(&Secret::new("secret".to_owned())), (&headers, body), NOW)
    }

    fn mac(text: &str) -> Vec<u8> {
        hmac_sha256_text(&Secret::new("secret".to_owned()), &[text.as_bytes()]).as_bytes().to_vec()
    }

    #[test]
    fn the_recipes_of_the_catalogue_take_what_is_signed_and_refuse_what_was_changed() {
        let oura =
            words(&["X-Oura-Signature", "x-oura-timestamp"], "timestamp + body", Some("hex_upper"), None);
        let at = "1700000000".to_owned();
        let fields = |signature: String, at: &str| {
            [("x-oura-signature", signature), ("x-oura-timestamp", at.to_owned())]
        };
        let good = hex(&mac("1700000000{}"));
        assert_eq!(judged(&oura, &fields(good.clone(), &at), b"{}"), Ok(()));
        assert_eq!(judged(&oura, &fields(good.clone(), &at), b"{ }"), Err(Doubt::Wrong));
        assert_eq!(judged(&oura, &fields(good.clone(), "1699999999"), b"{}"), Err(Doubt::Wrong));
        assert_eq!(judged(&oura, &fields(hex(&mac("1699999000{}")), "1699999000"), b"{}"), Err(Doubt::Stale));
        assert_eq!(judged(&oura, &fields("zz".to_owned(), &at), b"{}"), Err(Doubt::Missing));
        assert_eq!(judged(&oura, &[], b"{}"), Err(Doubt::Missing));

        let whoop = words(
            &["X-WHOOP-Signature", "X-WHOOP-Signature-Timestamp"],
            "timestamp_ms + body",
            Some("base64"),
            None,
        );
        let signature = crypto::b64::encode_standard(mac("1700000000123{}"));
        let fields =
            [("x-whoop-signature", signature), ("x-whoop-signature-timestamp", "1700000000123".to_owned())];
        assert_eq!(judged(&whoop, &fields, b"{}"), Ok(()));

        let terra = words(&["X-Terra-Signature"], "t.body", None, Some("t=<ms>,v1=<hex>"));
        let field = format!("t=1700000000123,v1={}", hex(&mac("1700000000123.{}")));
        assert_eq!(judged(&terra, &[("x-terra-signature", field.clone())], b"{}"), Ok(()));
        assert_eq!(
            judged(&terra, &[("x-terra-signature", field.replace("t=17", "t=16"))], b"{}"),
            Err(Doubt::Stale)
        );

        let polar = words(&["Polar-Webhook-Signature"], "body", Some("hex"), None);
        assert_eq!(judged(&polar, &[("polar-webhook-signature", hex(&mac("{}")))], b"{}"), Ok(()));
    }

    #[test]
    fn what_takes_more_than_a_recipe_has_none() {
        let none = |algorithm: &str, message: &str| {
            Recipe::in_words(&["x".to_owned()], (algorithm, message), (None, None), None).is_none()
        };
        assert!(none("hmac_sha256", "method path query content-digest application/json content-length"));
        assert!(none("ed25519", "body re-serialised with a space after ':' and ','"));
        assert!(none("rsa", "body"));
    }

    #[test]
    fn a_shared_secret_is_compared_and_none_is_taken_as_it_is() {
        let mut recipe = words(&["authorization"], "body", None, None);
        recipe.algorithm = Algorithm::SharedSecret;
        recipe.prefix = "Bearer ".to_owned();
        assert_eq!(judged(&recipe, &[("authorization", "Bearer secret".to_owned())], b""), Ok(()));
        assert_eq!(
            judged(&recipe, &[("authorization", "Bearer secrets".to_owned())], b""),
            Err(Doubt::Wrong)
        );
        assert_eq!(judged(&recipe, &[("authorization", "secret".to_owned())], b""), Err(Doubt::Missing));
        recipe.algorithm = Algorithm::None;
        assert_eq!(judged(&recipe, &[], b""), Ok(()));
    }

    #[test]
    fn a_recipe_that_proves_nothing_is_refused() {
        let good = words(&["x-signature", "x-time"], "timestamp + body", None, None);
        assert_eq!(good.fault(), None);
        let bad = |change: fn(&mut Recipe)| {
            let mut recipe = good.clone();
            change(&mut recipe);
            recipe.fault().map(|(field, _)| field)
        };
        assert_eq!(bad(|recipe| recipe.header.clear()), Some("recipe.header"));
        assert_eq!(bad(|recipe| recipe.message.clear()), Some("recipe.message"));
        assert_eq!(bad(|recipe| recipe.message = vec!["timestamp".to_owned()]), Some("recipe.message"));
        assert_eq!(bad(|recipe| recipe.timestamp_header.clear()), Some("recipe.timestamp_header"));
        assert_eq!(bad(|recipe| recipe.tolerance_s = 0), Some("recipe.tolerance_s"));
    }
}
