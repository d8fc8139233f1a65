//! Scope lists: what is read is written and read again as the same, and the algebra of sets holds.
#![no_main]

use kernel::{Scope, Scopes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (one, other) = text.split_once('\n').unwrap_or((text, "openid profile"));
    let (Ok(one), Ok(other)) = (read(one), read(other)) else { return };
    let (both, rest) = (one.intersection(&other), one.without(&other));
    assert!(both.is_within(&one) && both.is_within(&other) && rest.is_within(&one));
    assert_eq!(both, other.intersection(&one));
    assert!(rest.intersection(&other).is_empty());
    assert_eq!(both.iter().chain(rest.iter()).cloned().collect::<Scopes>(), one);
    assert_eq!(one.is_within(&other), rest.is_empty());
});

fn read(text: &str) -> Result<Scopes, kernel::MalformedScope> {
    let scopes: Scopes = text.parse()?;
    let written = scopes.to_string();
    assert!(written.len() <= text.len());
    assert_eq!(written.parse::<Scopes>().as_ref(), Ok(&scopes), "{written}");
    let json = serde_json::to_string(&scopes).unwrap();
    assert_eq!(serde_json::from_str::<Scopes>(&json).unwrap(), scopes);
    for scope in scopes.iter() {
        assert!(
            text.split(' ').any(|word| word == scope.as_str()),
            "nothing is granted that was not written"
        );
        assert!(scope.as_str().bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\'));
        assert_eq!(scope.as_str().parse::<Scope>().as_ref(), Ok(scope));
        assert!(scopes.has(scope.as_str()));
    }
    Ok(scopes)
}
