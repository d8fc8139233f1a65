//! Names of files in an archive: relative, plain, the same file on every system.

use super::{Limits, PackageFault};

/// The name as it is kept, without a leading `./` and a trailing `/`.
pub(super) fn plain(raw: &[u8], limits: &Limits) -> Result<String, PackageFault> {
    if raw.len() > limits.name_bytes_max {
        return Err(PackageFault::OverLimit { limit: "NAME_BYTES_MAX", max: limits.name_bytes_max });
    }
    let Ok(name) = std::str::from_utf8(raw) else {
        return Err(PackageFault::name(&String::from_utf8_lossy(raw), "the name is not UTF-8"));
    };
    let plain = name.strip_prefix("./").unwrap_or(name);
    let plain = plain.strip_suffix('/').unwrap_or(plain);
    match fault(name, plain) {
        Some(why) => Err(PackageFault::name(name, why)),
        None => Ok(plain.to_owned()),
    }
}

fn fault(name: &str, plain: &str) -> Option<&'static str> {
    if name.starts_with('/') {
        return Some("the name is absolute");
    }
    if name.contains('\\') || name.contains(':') {
        return Some("the name has a backslash or colon, which lead elsewhere on some systems");
    }
    if name.chars().any(char::is_control) {
        return Some("the name has a control character");
    }
    // The folder that holds all, as `tar .` writes it.
    if plain.is_empty() || name == "." {
        return (!matches!(name, "./" | ".")).then_some("the name is empty");
    }
    plain.split('/').find_map(|part| match part {
        ".." => Some("the name leads out of the archive"),
        "." | "" => Some("the name has an empty part"),
        _ if part.ends_with(['.', ' ']) => {
            Some("a part of the name ends in a dot or space, which some systems drop")
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_and_bad_names() {
        let plain = |name: &str| plain(name.as_bytes(), &Limits::default());
        for (name, kept) in
            [("package/a.json", "package/a.json"), ("./package/", "package"), ("a/.b", "a/.b"), ("./", "")]
        {
            assert_eq!(plain(name).as_deref(), Ok(kept), "{name}");
        }
        for name in [
            "/etc/passwd",
            "../a",
            "a/../b",
            "a/..",
            "a//b",
            "a/./b",
            "..",
            "",
            "C:a",
            "a\\b",
            "a\0b",
            "a\nb",
            "a./b",
            "a /b",
            "././a",
            "//",
            "a//",
        ] {
            assert!(matches!(plain(name), Err(PackageFault::BadName { .. })), "{name:?}");
        }
        assert!(plain(&"a".repeat(513)).is_err());
    }
}
