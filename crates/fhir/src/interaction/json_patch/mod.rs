//! JSON Patch.  RFC 6902, <https://hl7.org/fhir/R4/http.html#patch>
//!
//! A record is changed as a tree of texts, so that what is not touched keeps its digits and its order.

mod apply;
mod tree;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use tree::Tree;

/// Operations of one patch.
pub const OPERATIONS_MAX: usize = 1_000;
/// The longest pointer, in bytes.
pub const POINTER_BYTES_MAX: usize = 2_048;

/// A patch that was read.
pub(crate) struct JsonPatch(Vec<Operation>);

struct Operation {
    path: Pointer,
    act: Act,
}

enum Act {
    Add(Tree),
    Remove,
    Replace(Tree),
    Move(Pointer),
    Copy(Pointer),
    Test(Tree),
}

/// RFC 6901
#[derive(Clone, PartialEq, Eq)]
struct Pointer(Vec<String>);

/// Why a patch cannot be read or applied: which operation, from 0, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub(crate) struct PatchFault {
    /// None for the patch itself.
    pub operation: Option<usize>,
    pub why: &'static str,
    /// Whether the patch is good and the record is not what it takes it for.
    pub of: Side,
}

/// What is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Patch,
    Record,
}

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    op: Cow<'a, str>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow, default)]
    from: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

impl JsonPatch {
    /// Read a patch.
    pub fn read(bytes: &[u8]) -> Result<Self, PatchFault> {
        let fault = |operation, why| PatchFault { operation, why, of: Side::Patch };
        let written: Vec<Written<'_>> = serde_json::from_slice(bytes)
            .map_err(|_| fault(None, "a JSON Patch is a list of operations with op and path"))?;
        if written.len() > OPERATIONS_MAX {
            return Err(fault(None, "there are too many operations"));
        }
        let read = |(nth, one): (usize, &Written<'_>)| one.read().map_err(|why| fault(Some(nth), why));
        written.iter().enumerate().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The record after all operations; after a fault it is as it was.
    pub fn apply(&self, json: &str) -> Result<String, PatchFault> {
        let of_record = |operation, why| PatchFault { operation, why, of: Side::Record };
        let mut tree = Tree::read(json).ok_or_else(|| of_record(None, "the record cannot be read"))?;
        for (nth, operation) in self.0.iter().enumerate() {
            operation.apply(&mut tree).map_err(|why| of_record(Some(nth), why))?;
        }
        Ok(tree.to_json())
    }
}

impl Written<'_> {
    fn read(&self) -> Result<Operation, &'static str> {
        let value = || self.value.and_then(|raw| Tree::read(raw.get())).ok_or("value is missing");
        let from = || Pointer::read(self.from.as_deref().ok_or("from is missing")?);
        let act = match &*self.op {
            "add" => Act::Add(value()?),
            "remove" => Act::Remove,
            "replace" => Act::Replace(value()?),
            "move" => Act::Move(from()?),
            "copy" => Act::Copy(from()?),
            "test" => Act::Test(value()?),
            _ => return Err("op must be add, remove, replace, move, copy or test"),
        };
        Ok(Operation { path: Pointer::read(&self.path)?, act })
    }
}

impl Pointer {
    fn read(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let bad = "a path is a JSON Pointer: it begins with /";
        let parts = text.strip_prefix('/').filter(|_| text.len() <= POINTER_BYTES_MAX).ok_or(bad)?;
        // ~01 is ~1, so ~1 is looked for first.
        let part = |part: &str| {
            let bare = part.replace("~1", "").replace("~0", "");
            (!bare.contains('~')).then(|| part.replace("~1", "/").replace("~0", "~")).ok_or(bad)
        };
        parts.split('/').map(part).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6902 appendix A, and what FHIR adds: digits stay.
    #[test]
    fn what_a_patch_does() {
        for (before, patch, after) in [
            (
                r#"{"foo":"bar"}"#,
                r#"[{"op":"add","path":"/baz","value":"qux"}]"#,
                Ok(r#"{"foo":"bar","baz":"qux"}"#),
            ),
            (
                r#"{"foo":["bar","baz"]}"#,
                r#"[{"op":"add","path":"/foo/1","value":"qux"}]"#,
                Ok(r#"{"foo":["bar","qux","baz"]}"#),
            ),
            (r#"{"baz":"qux","foo":"bar"}"#, r#"[{"op":"remove","path":"/baz"}]"#, Ok(r#"{"foo":"bar"}"#)),
            (
                r#"{"foo":["bar","qux","baz"]}"#,
                r#"[{"op":"remove","path":"/foo/1"}]"#,
                Ok(r#"{"foo":["bar","baz"]}"#),
            ),
            (
                r#"{"baz":"qux","foo":"bar"}"#,
                r#"[{"op":"replace","path":"/baz","value":"boo"}]"#,
                Ok(r#"{"baz":"boo","foo":"bar"}"#),
            ),
            (
                r#"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#,
                r#"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
                Ok(r#"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#),
            ),
            (
                r#"{"foo":["all","grass","cows","eat"]}"#,
                r#"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#,
                Ok(r#"{"foo":["all","cows","eat","grass"]}"#),
            ),
            (
                r#"{"baz":"qux","foo":["a",2,"c"]}"#,
                r#"[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2.0}]"#,
                Ok(r#"{"baz":"qux","foo":["a",2,"c"]}"#),
            ),
            (
                r#"{"baz":"qux"}"#,
                r#"[{"op":"test","path":"/baz","value":"bar"}]"#,
                Err((Some(0), Side::Record)),
            ),
            (
                r#"{"foo":"bar"}"#,
                r#"[{"op":"add","path":"/child","value":{"grandchild":{}}}]"#,
                Ok(r#"{"foo":"bar","child":{"grandchild":{}}}"#),
            ),
            (
                r#"{"foo":"bar"}"#,
                r#"[{"op":"add","path":"/baz","value":"qux","xyz":123}]"#,
                Ok(r#"{"foo":"bar","baz":"qux"}"#),
            ),
            (
                r#"{"foo":"bar"}"#,
                r#"[{"op":"add","path":"/baz/bat","value":"qux"}]"#,
                Err((Some(0), Side::Record)),
            ),
            (r#"{"/":9,"~1":10}"#, r#"[{"op":"test","path":"/~01","value":10}]"#, Ok(r#"{"/":9,"~1":10}"#)),
            (
                r#"{"/":9,"~1":10}"#,
                r#"[{"op":"test","path":"/~01","value":"10"}]"#,
                Err((Some(0), Side::Record)),
            ),
            (
                r#"{"foo":["bar"]}"#,
                r#"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#,
                Ok(r#"{"foo":["bar",["abc","def"]]}"#),
            ),
            (
                r#"{"v":1.50,"w":"\u00e9"}"#,
                r#"[{"op":"copy","from":"/v","path":"/x"}]"#,
                Ok(r#"{"v":1.50,"w":"\u00e9","x":1.50}"#),
            ),
            (
                r#"{"a":{"b":1}}"#,
                r#"[{"op":"test","path":"/a","value":{"b":1}},{"op":"remove","path":"/a/c"}]"#,
                Err((Some(1), Side::Record)),
            ),
            (
                r#"{"a":{"b":1}}"#,
                r#"[{"op":"move","from":"/a","path":"/a/b"}]"#,
                Err((Some(0), Side::Record)),
            ),
            (r#"{"a":[1]}"#, r#"[{"op":"add","path":"/a/01","value":1}]"#, Err((Some(0), Side::Record))),
            (r#"{"a":[1]}"#, r#"[{"op":"add","path":"/a/2","value":1}]"#, Err((Some(0), Side::Record))),
            (r#"{"a":1}"#, r#"[{"op":"remove","path":""}]"#, Err((Some(0), Side::Record))),
            (r#"{"a":1}"#, r#"[{"op":"add","path":"b","value":1}]"#, Err((Some(0), Side::Patch))),
            (r#"{"a":1}"#, r#"[{"op":"add","path":"/b"}]"#, Err((Some(0), Side::Patch))),
            (r#"{"a":1}"#, r#"[{"op":"spam","path":"/b"}]"#, Err((Some(0), Side::Patch))),
            (r#"{"a":1}"#, r#"{"op":"add"}"#, Err((None, Side::Patch))),
            (r#"{"a":1}"#, r#"[{"op":"add","path":"/~2","value":1}]"#, Err((Some(0), Side::Patch))),
        ] {
            let got = JsonPatch::read(patch.as_bytes()).and_then(|patch| patch.apply(before));
            let got = got.as_deref().map_err(|fault| (fault.operation, fault.of));
            assert_eq!(got, after, "{patch}");
        }
    }
}
