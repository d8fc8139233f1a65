//! Codes to write down, for the day on which every device is lost.  NIST SP 800-63B §3.1.2
//!
//! Sixty bits each: too long to guess, so a keyed digest keeps them as well as a slow hash would.

use kernel::{Digest, Secret};

use super::{FactorFault, RECOVERY_CODES, just_signed_in, queries};
use crate::{Auth, SignedIn};

/// Letters and digits that nobody takes for one another.  Crockford's Base32
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// How many characters a code has, without the hyphens.
const CHARACTERS: usize = 12;

/// Keeps digests of recovery codes apart from every other digest.
const PURPOSE: &str = "recovery_code";

/// Draw new codes. The earlier ones are worth nothing from then on.
///
/// # Errors
/// [`FactorFault::NotRecent`]; the database.
pub async fn draw_recovery_codes(
    auth: &Auth,
    signed_in: &SignedIn,
) -> Result<Vec<Secret<String>>, FactorFault> {
    let codes: Vec<Secret<String>> = (0..RECOVERY_CODES).map(|_| draw(auth)).collect();
    let digests: Vec<Digest> =
        codes.iter().map(|code| digest(auth, &code.expose().replace('-', ""))).collect();
    let (auth_in, signed_in) = (auth.clone(), signed_in.clone());
    let entry =
        signed_in.acting().entry("person.recovery_codes_drawn", signed_in.person, serde_json::Value::Null);
    auth.db()
        .write(async move |tx| -> Result<(), FactorFault> {
            just_signed_in(&auth_in, tx, &signed_in).await?;
            queries::forget_recovery_codes(tx, signed_in.person).await?;
            for digest in &digests {
                queries::insert_recovery_code(tx, signed_in.person, digest, auth_in.world().now()).await?;
            }
            audit::record(tx, auth_in.world(), &entry).await?;
            Ok(())
        })
        .await?;
    Ok(codes)
}

/// How many codes the person has left.
///
/// # Errors
/// The database.
pub async fn recovery_codes_left(auth: &Auth, signed_in: &SignedIn) -> Result<usize, FactorFault> {
    let left = queries::recovery_codes_left(&mut auth.db().read().await?, signed_in.person).await?;
    Ok(usize::try_from(left).unwrap_or(0))
}

/// What a typed code is found by. Letters that were taken for others are read as those (Crockford's rule).
pub(super) fn digest(auth: &Auth, typed: &str) -> Digest {
    let read = |letter: char| match letter.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    };
    let plain = Secret::new(typed.chars().map(read).collect::<String>());
    auth.vault().digest(PURPOSE, plain.expose().as_bytes())
}

/// `xxxx-xxxx-xxxx`
fn draw(auth: &Auth) -> Secret<String> {
    let chance = auth.world().secret::<CHARACTERS>();
    let mut text = String::with_capacity(CHARACTERS + 2);
    for (nth, byte) in chance.expose().iter().enumerate() {
        if nth > 0 && nth % 4 == 0 {
            text.push('-');
        }
        text.extend(ALPHABET.get(usize::from(byte % 32)).map(|letter| char::from(*letter)));
    }
    Secret::new(text)
}
