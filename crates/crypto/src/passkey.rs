//! Passkeys: this deployment as a relying party.  W3C Web Authentication Level 3 §7
//!
//! Every passkey is discoverable, verifies its person (a PIN, a finger, a face) and comes without attestation. The
//! library draws its challenges from the system itself. What is kept between question and answer is handed back to the
//! caller, who keeps it here on the server and gives it out once (§13.4.3).

use serde_json::Value;
use url::Url;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, DiscoverableKey, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Uuid, Webauthn, WebauthnBuilder,
};
use zeroize::Zeroize;

/// The longest answer of a browser that is read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Why there is no passkey, or it proves nothing. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// The browser's answer is no such answer.
    #[error("passkey: the answer cannot be read")]
    Malformed,
    /// The answer proves nothing: another challenge, origin or key, no person verified, a counter that went back.
    #[error("passkey: {0}")]
    Refused(String),
    /// What was kept cannot be read or written.
    #[error("passkey: the state cannot be read or written")]
    State,
}

/// This deployment, to which passkeys are bound.
pub struct RelyingParty(Webauthn);

/// A registered passkey: its id, and what is kept of it.
pub struct Credential {
    /// The id that the authenticator gave it.
    pub id: Vec<u8>,
    /// What [`RelyingParty::check`] needs.
    pub kept: Vec<u8>,
}

impl Drop for Credential {
    fn drop(&mut self) {
        self.kept.zeroize();
    }
}

/// A question for the browser, and what must be kept until its answer comes.
pub struct Question {
    /// The argument of `navigator.credentials`, binary values in base64url.
    pub options: Value,
    /// To be kept on the server and used once.
    pub state: Vec<u8>,
}

impl RelyingParty {
    /// The deployment under this address. None where no passkey can be: on an IP address, or without TLS anywhere but
    /// on `localhost` (§5.1.3).
    pub fn at(public_url: &Url, name: &str) -> Option<Self> {
        let host = public_url.domain()?;
        if public_url.scheme() != "https" && host != "localhost" {
            return None;
        }
        let origin = Url::parse(&public_url.origin().ascii_serialization()).ok()?;
        WebauthnBuilder::new(host, &origin).ok()?.rp_name(name).build().ok().map(Self)
    }

    /// Ask the browser to make a passkey for a person, on a device that holds none of `known` (§7.1).
    ///
    /// # Errors
    /// `Refused`, `State`.
    pub fn ask_to_register(
        &self,
        person: [u8; 16],
        email: &str,
        name: &str,
        known: &[&[u8]],
    ) -> Result<Question, PasskeyError> {
        let known = known.iter().filter_map(|kept| Some(read::<Passkey>(kept)?.cred_id().clone())).collect();
        let (options, state) = self
            .0
            .start_passkey_registration(Uuid::from_bytes(person), email, name, Some(known))
            .map_err(refused)?;
        let mut options = serde_json::to_value(options).map_err(|_| PasskeyError::State)?;
        // The library leaves it to the device whether the key can be found without a name; here it must be.
        if let Some(Value::Object(wanted)) = options.pointer_mut("/publicKey/authenticatorSelection") {
            wanted.insert("residentKey".to_owned(), "required".into());
            wanted.insert("requireResidentKey".to_owned(), true.into());
        }
        Ok(Question { options, state: written(&state)? })
    }

    /// The passkey that the browser has made.
    ///
    /// # Errors
    /// Each names what is wrong with the answer.
    pub fn register(&self, state: &[u8], answer: &str) -> Result<Credential, PasskeyError> {
        let state = read::<PasskeyRegistration>(state).ok_or(PasskeyError::State)?;
        let answer = read_answer::<RegisterPublicKeyCredential>(answer)?;
        let passkey = self.0.finish_passkey_registration(&answer, &state).map_err(refused)?;
        kept(&passkey)
    }

    /// Ask the browser for any passkey of this deployment.
    ///
    /// # Errors
    /// `Refused`, `State`.
    pub fn ask(&self) -> Result<Question, PasskeyError> {
        let (mut options, state) = self.0.start_discoverable_authentication().map_err(refused)?;
        // Asked for by a button, not offered while a form is filled in.
        options.mediation = None;
        let options = serde_json::to_value(options).map_err(|_| PasskeyError::State)?;
        Ok(Question { options, state: written(&state)? })
    }

    /// Whose passkey the answer names, and which: not proven yet.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn named(&self, answer: &str) -> Result<([u8; 16], Vec<u8>), PasskeyError> {
        let answer = read_answer::<PublicKeyCredential>(answer)?;
        let (person, id) =
            self.0.identify_discoverable_authentication(&answer).map_err(|_| PasskeyError::Malformed)?;
        Ok((*person.as_bytes(), id.to_vec()))
    }

    /// Whether the answer proves possession of this passkey, with its person verified (§7.2). Gives what is to be kept
    /// of it from now on.
    ///
    /// # Errors
    /// Each names what is wrong with the answer.
    pub fn check(&self, state: &[u8], answer: &str, known: &[u8]) -> Result<Credential, PasskeyError> {
        let state = read::<DiscoverableAuthentication>(state).ok_or(PasskeyError::State)?;
        let mut passkey = read::<Passkey>(known).ok_or(PasskeyError::State)?;
        let answer = read_answer::<PublicKeyCredential>(answer)?;
        let result = self
            .0
            .finish_discoverable_authentication_v2(&answer, state, DiscoverableKey::from(&passkey))
            .map_err(refused)?;
        if !result.user_verified() {
            return Err(PasskeyError::Refused("nobody was verified".to_owned()));
        }
        passkey.update_credential(&result);
        kept(&passkey)
    }
}

fn kept(passkey: &Passkey) -> Result<Credential, PasskeyError> {
    Ok(Credential { id: passkey.cred_id().to_vec(), kept: written(passkey)? })
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}

fn read_answer<T: serde::de::DeserializeOwned>(answer: &str) -> Result<T, PasskeyError> {
    let answer = Some(answer).filter(|answer| answer.len() <= ANSWER_BYTES_MAX);
    answer.and_then(|answer| read(answer.as_bytes())).ok_or(PasskeyError::Malformed)
}

fn written(value: &impl serde::Serialize) -> Result<Vec<u8>, PasskeyError> {
    serde_json::to_vec(value).map_err(|_| PasskeyError::State)
}

fn refused(error: webauthn_rs::prelude::WebauthnError) -> PasskeyError {
    PasskeyError::Refused(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_are_where_browsers_allow_them() {
        for (url, is_offered) in [
            ("https://health.example/hilum/", true),
            ("https://health.example:8443", true),
            ("http://localhost:8080", true),
            ("http://health.example", false),
            ("http://127.0.0.1:8080", false),
            ("https://192.0.2.1", false),
        ] {
            assert_eq!(RelyingParty::at(&Url::parse(url).unwrap(), "Hilum").is_some(), is_offered, "{url}");
        }
    }

    #[test]
    fn what_is_asked_for_is_found_without_a_name_and_verifies_its_person() {
        let party = RelyingParty::at(&Url::parse("https://health.example").unwrap(), "Hilum").unwrap();
        let asked = party.ask_to_register([7; 16], "m@example.org", "Mira", &[]).unwrap().options;
        let wanted = &asked["publicKey"]["authenticatorSelection"];
        assert_eq!(
            (&wanted["residentKey"], &wanted["userVerification"]),
            (&"required".into(), &"required".into())
        );
        let asked = party.ask().unwrap().options;
        assert_eq!(asked["publicKey"]["userVerification"], "required");
        assert_eq!(asked["publicKey"]["allowCredentials"], serde_json::json!([]));
        assert!(asked.get("mediation").is_none());
    }
}
