//! SMART scopes: what is granted is never more than either side permits, and what cannot be read grants nothing.
#![no_main]

use kernel::{Scopes, SmartScope, SmartScopes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (one, other) =
        text.split_once('\n').unwrap_or((text, "patient/*.rs user/Observation.cruds system/*.read"));
    let (Ok(one), Ok(other)) = (one.parse::<Scopes>(), other.parse::<Scopes>()) else { return };
    for scope in one.iter() {
        written_and_read_again(scope.as_str());
    }
    let granted = one.as_far_as(&other);
    let (a, b, both) = (SmartScopes::of(&one), SmartScopes::of(&other), SmartScopes::of(&granted));
    assert!(a.cover_all(&both), "more than was asked for: {granted} of {one}");
    assert!(b.cover_all(&both), "more than is allowed: {granted} of {other}");
    assert_eq!(both, a.intersection(&b), "{granted} of {one} and {other}");
    for scope in granted.iter() {
        let text = scope.as_str();
        match text.parse::<SmartScope>() {
            Ok(_) => {}
            Err(_) => assert!(!SmartScope::is_meant(text) && one.has(text) && other.has(text), "{text}"),
        }
    }
    assert_eq!(SmartScopes::of(&granted.as_far_as(&one)), both, "a grant of a grant is the grant");
    laws(&a, &b);
});

fn written_and_read_again(text: &str) {
    let Ok(scope) = text.parse::<SmartScope>() else { return };
    assert!(SmartScope::is_meant(text));
    let written = scope.to_string();
    let again: SmartScope = written.parse().expect("what is written can be read");
    assert!(scope.covers(&again) && again.covers(&scope), "{text} was written as {written}");
    assert_eq!(again.to_string(), written);
}

fn laws(a: &SmartScopes, b: &SmartScopes) {
    let (union, intersection) = (a.union(b), a.intersection(b));
    assert_eq!(union, b.union(a));
    assert_eq!(intersection, b.intersection(a));
    assert!(union.cover_all(a) && union.cover_all(b));
    assert_eq!(&a.union(&intersection), a);
    assert_eq!(&a.intersection(&union), a);
}
