//! Units of strangers: read or refused with a place, never a panic; what is a unit stays one in parentheses, and converting goes back.
#![no_main]

use fhirpath::{ucum, value::Decimal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (code, other) = text.split_once('\n').unwrap_or((text, "m"));
    let one = Decimal::from(1);
    match ucum::check(code) {
        Err(fault) => {
            assert!(fault.at <= code.len(), "{fault}");
            assert!(ucum::convert(one, code, other).is_err() && ucum::canonical(one, code).is_err());
        }
        Ok(()) => {
            assert!(code.bytes().all(|byte| byte.is_ascii_graphic()));
            if let Ok((_, base)) = ucum::canonical(one, code) {
                assert_eq!(ucum::check(&base), Ok(()), "{base}");
                assert_eq!(ucum::is_commensurable(code, &base), Ok(true), "{code} {base}");
            }
            assert_eq!(ucum::convert(one, code, code).map_or(one, |same| same), one);
            if !code.starts_with('/') && code.len() < 200 {
                let nested = code.matches('(').count() < ucum::limits::UNIT_DEPTH_MAX;
                assert!(!nested || ucum::check(&format!("({code}).m")).is_ok(), "{code}");
            }
            if let Ok(there) = ucum::is_commensurable(code, other) {
                assert_eq!(ucum::is_commensurable(other, code), Ok(there));
                assert_eq!(
                    ucum::convert(one, code, other).is_ok()
                        || ucum::convert(one, other, code).is_ok()
                        || there,
                    there
                );
            }
        }
    }
});
