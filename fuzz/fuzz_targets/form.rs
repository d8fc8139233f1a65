//! Parameters: each is there once or the whole is refused, and what is taken is what any other reader of forms finds.
#![no_main]

use std::collections::BTreeMap;

use axum::{
    extract::FromRequestParts,
    http::{Request, Uri},
};
use futures_util::FutureExt;
use libfuzzer_sys::fuzz_target;
use web::Query;

type Pairs = BTreeMap<String, String>;

fn read(query: &str) -> Option<Result<Pairs, web::Problem>> {
    let uri: Uri = format!("/?{query}").parse().ok()?;
    let (mut parts, ()) = Request::builder().uri(uri).body(()).ok()?.into_parts();
    let read = Query::<Pairs>::from_request_parts(&mut parts, &()).now_or_never()?;
    Some(read.map(|Query(pairs)| pairs))
}

fuzz_target!(|query: &str| {
    let all: Vec<(String, String)> = url::form_urlencoded::parse(query.split('#').next().unwrap().as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    match read(query) {
        None => {}
        Some(Ok(pairs)) => {
            assert_eq!(pairs.len(), all.len(), "a parameter is there twice");
            for (name, value) in &all {
                assert_eq!(pairs.get(name), Some(value));
                assert!(!value.contains('\0'));
            }
            let written: String =
                url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            assert_eq!(read(&written).unwrap().unwrap(), pairs);
        }
        Some(Err(problem)) => {
            assert_eq!(problem.status().as_u16(), 400);
            assert!(!problem.message().contains(['\0', '\r', '\n']), "{:?}", problem.message());
        }
    }
});
