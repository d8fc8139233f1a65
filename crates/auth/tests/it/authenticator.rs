//! A passkey's device in software, and the browser around it.  W3C Web Authentication Level 3 §6

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use crypto::{b64, sha256};
use serde_json::{Value, json};

/// The person is there, and was verified (§6.1).
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const HAS_CREDENTIAL: u8 = 0x40;

/// A device that holds one passkey, honest unless told otherwise.
pub struct Device {
    pair: EcdsaKeyPair,
    pub id: Vec<u8>,
    pub person: Vec<u8>,
    pub origin: String,
    pub counter: u32,
    pub flags: u8,
}

impl Device {
    pub fn new(origin: &str, id: u8) -> Self {
        Self {
            pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            id: vec![id; 32],
            person: Vec::new(),
            origin: origin.to_owned(),
            counter: 0,
            flags: PRESENT | VERIFIED,
        }
    }

    /// As a thief holds it: nobody touches the sensor.
    pub fn without_verification(mut self) -> Self {
        self.flags = PRESENT;
        self
    }

    /// What `navigator.credentials.create` gives, as the page posts it.
    pub fn create(&mut self, options: &Value) -> String {
        let options = &options["publicKey"];
        self.person = b64::decode(options["user"]["id"].as_str().unwrap()).unwrap();
        let client = self.client_data("webauthn.create", options);
        let public = self.pair.public_key().as_ref();
        // COSE_Key (RFC 9053 §7.1.1): {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        key.extend_from_slice(&public[1..33]);
        key.extend_from_slice(&[0x22, 0x58, 0x20]);
        key.extend_from_slice(&public[33..65]);
        let mut data = self.authenticator_data(HAS_CREDENTIAL);
        data.extend_from_slice(&[0; 16]);
        data.extend_from_slice(&u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend_from_slice(&self.id);
        data.extend_from_slice(&key);
        // {"fmt": "none", "attStmt": {}, "authData": …} (§6.5)
        let mut object = vec![0xa3, 0x63];
        object.extend_from_slice(b"fmt");
        object.push(0x64);
        object.extend_from_slice(b"none");
        object.push(0x67);
        object.extend_from_slice(b"attStmt");
        object.push(0xa0);
        object.push(0x68);
        object.extend_from_slice(b"authData");
        object.push(0x58);
        object.push(u8::try_from(data.len()).unwrap());
        object.extend_from_slice(&data);
        self.answer(&json!({
            "clientDataJSON": b64::encode(client),
            "attestationObject": b64::encode(object),
        }))
    }

    /// What `navigator.credentials.get` gives, as the page posts it.
    pub fn get(&mut self, options: &Value) -> String {
        self.counter += 1;
        let client = self.client_data("webauthn.get", &options["publicKey"]);
        let data = self.authenticator_data(0);
        let signed = [&data[..], &sha256(client.as_bytes())].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap();
        self.answer(&json!({
            "clientDataJSON": b64::encode(client),
            "authenticatorData": b64::encode(data),
            "signature": b64::encode(signature.as_ref()),
            "userHandle": b64::encode(&self.person),
        }))
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        json!({ "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false })
            .to_string()
    }

    fn authenticator_data(&self, more: u8) -> Vec<u8> {
        let host = url::Url::parse(&self.origin).unwrap().host_str().unwrap().to_owned();
        let mut data = sha256(host.as_bytes()).to_vec();
        data.push(self.flags | more);
        data.extend_from_slice(&self.counter.to_be_bytes());
        data
    }

    fn answer(&self, response: &Value) -> String {
        let id = b64::encode(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "extensions": {}, "response": response })
            .to_string()
    }
}
