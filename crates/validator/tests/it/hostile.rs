//! Archives that mean harm are refused, each for its own reason, and no bytes make the reader panic.

use proptest::prelude::*;
use validator::{
    Package,
    package::{Examples, Limits, PackageFault},
};

use crate::archive::{Archive, MANIFEST, gzip, header, sum};

fn refused(tgz: &[u8]) -> PackageFault {
    Package::read(tgz).expect_err("it was taken")
}

#[test]
fn a_good_package_is_taken() {
    let tgz = Archive::default()
        .entry(b'5', "package/", "")
        .entry(b'g', "pax_global_header", "20 comment=a0b1c2d3\n")
        .file("./package/package.json", MANIFEST)
        .entry(b'5', "package/", "")
        .pax("path", "package/Patient-é.json")
        .file("package/Patient-.json", r#"{"resourceType":"Patient","id":"a"}"#)
        .file("package/.index.json", r#"{"files":[{"filename":"gone.json"}]}"#)
        .file("package/._Patient-a.json", "\0\x05\x16\x07")
        .file("package/examples/Patient-b.json", r#"{"resourceType":"Patient","id":"b"}"#)
        .file("package/other/anything.json", "{{{")
        .file("package/broken.json", r#"{"resourceType":"#)
        .file("package/data.json", r#"{"a":1}"#)
        .tgz();
    let package = Package::read(&tgz).unwrap();
    assert_eq!(package.manifest.id(), "a.b#1.0.0");
    let names: Vec<&str> = package.resources().map(|resource| resource.name).collect();
    assert_eq!(names, ["package/Patient-é.json"]);
    assert_eq!(package.resources().next().unwrap().parse().unwrap()["id"], "a");
    assert_eq!(package.skipped().len(), 1);
    assert_eq!(package.skipped()[0].name, "package/broken.json");
    assert_eq!(package.examples().count(), 0);

    let package = Package::read_within(&tgz, &Limits::default(), Examples::Kept).unwrap();
    assert_eq!(package.examples().next().unwrap().head.id.as_deref(), Some("b"));
    assert_eq!(package.resources().count(), 1);
}

#[test]
fn links_and_devices_are_refused() {
    for (kind, word) in [(b'1', "hard link"), (b'2', "symbolic link"), (b'K', "long name")] {
        let fault = refused(&Archive::package().entry(kind, "package/a.json", "").tgz());
        assert!(
            matches!(&fault, PackageFault::Link { name, kind } if name == "package/a.json" && kind.contains(word))
        );
    }
    for kind in [b'3', b'4', b'6', b'7', b'S', b'M', b'Z', 0xff] {
        let fault = refused(&Archive::package().entry(kind, "package/a.json", "").tgz());
        assert!(matches!(fault, PackageFault::NotAFile { .. }), "{kind}");
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let names: [&[u8]; 9] = [
        b"../a.json",
        b"package/../../a.json",
        b"/etc/passwd",
        b"C:/a.json",
        b"package\\a.json",
        b"package//a.json",
        b"package/a\n.json",
        b"package/\xff.json",
        b"package/./a.json",
    ];
    for name in names {
        let fault = refused(&Archive::package().file(name, "{}").tgz());
        assert!(matches!(fault, PackageFault::BadName { .. }), "{}", String::from_utf8_lossy(name));
    }
    let by_pax = Archive::package().pax("path", "../a.json").file("package/a.json", "{}").tgz();
    assert!(matches!(refused(&by_pax), PackageFault::BadName { .. }));
    let by_gnu =
        Archive::package().entry(b'L', "././@LongLink", "../a.json\0").file("package/a.json", "{}").tgz();
    assert!(matches!(refused(&by_gnu), PackageFault::BadName { .. }));
    let by_prefix = {
        let mut block = header(b'0', b"a.json", 0);
        block[345..347].copy_from_slice(b"..");
        sum(&mut block);
        let mut archive = Archive::package();
        archive.0.extend(block);
        archive.tgz()
    };
    assert!(matches!(refused(&by_prefix), PackageFault::BadName { .. }));
}

#[test]
fn a_name_is_there_once() {
    let same = |a: &str, b: &str| refused(&Archive::package().file(a, "{}").file(b, "{}").tgz());
    for (first, second) in [
        ("package/a.json", "package/a.json"),
        ("package/a.json", "./package/a.json"),
        ("package/a.json", "package/A.json"),
        ("package/é.json", "package/É.json"),
        ("package/a", "package/a/b.json"),
        ("package/a/b.json", "package/a"),
        ("package/a/b.json", "package/A"),
        ("package/x.json", "PACKAGE/package.json"),
    ] {
        assert!(matches!(same(first, second), PackageFault::Duplicate { .. }), "{first} {second}");
    }
    let two_names = Archive::package()
        .pax("path", "package/a.json")
        .entry(b'L', "././@LongLink", "package/b.json\0")
        .file("package/c.json", "{}");
    assert!(matches!(refused(&two_names.tgz()), PackageFault::BadHeader { .. }));
}

#[test]
fn bombs_are_refused_by_the_name_of_the_limit() {
    let over = |tgz: &[u8], limits: Limits| match Package::read_within(tgz, &limits, Examples::Dropped) {
        Err(PackageFault::OverLimit { limit, .. }) => limit,
        other => panic!("{other:?}"),
    };
    let limits = Limits::default();
    let zeros = gzip(&vec![0; 64 << 20]);
    assert_eq!(over(&zeros, limits), "RATIO_MAX");
    assert_eq!(over(&zeros, Limits { unpacked_bytes_max: 1 << 20, ..limits }), "UNPACKED_BYTES_MAX");
    assert_eq!(over(&zeros, Limits { packed_bytes_max: 100, ..limits }), "PACKED_BYTES_MAX");
    let large = Archive::package().file("package/a.json", vec![b' '; 2000]).tgz();
    assert_eq!(over(&large, Limits { file_bytes_max: 1999, ..limits }), "FILE_BYTES_MAX");
    assert_eq!(over(&large, Limits { name_bytes_max: 10, ..limits }), "NAME_BYTES_MAX");
    let many = (0..100).fold(Archive::package(), |archive, n| archive.file(format!("package/{n}"), "")).tgz();
    assert_eq!(over(&many, Limits { entries_max: 50, ..limits }), "ENTRIES_MAX");
    // A header that promises what is not there takes no memory.
    let mut promise = Archive::package();
    promise.0.extend(header(b'0', b"package/a.json", 1 << 30));
    assert_eq!(over(&promise.tgz(), limits), "FILE_BYTES_MAX");
}

#[test]
fn an_archive_that_is_cut_off_or_goes_on_is_refused() {
    let good = Archive::package().file("package/a.json", r#"{"resourceType":"Patient"}"#).tgz();
    assert!(Package::read(&good).is_ok());
    for end in 0..good.len() {
        let fault = refused(&good[..end]);
        assert!(matches!(fault, PackageFault::Truncated | PackageFault::NotGzip(_)), "{end}: {fault}");
    }
    let behind = [good.as_slice(), b"x"].concat();
    assert_eq!(refused(&behind), PackageFault::TrailingBytes(1));
    let twice = [good.as_slice(), good.as_slice()].concat();
    assert_eq!(refused(&twice), PackageFault::TrailingBytes(good.len()));
    let inside = [Archive::package().tar().as_slice(), b"hidden"].concat();
    assert!(matches!(refused(&gzip(&inside)), PackageFault::TrailingBytes(_)));
    let mut crc = good.clone();
    let at = crc.len() - 6;
    crc[at] ^= 1;
    assert!(matches!(refused(&crc), PackageFault::NotGzip(_)));
}

#[test]
fn headers_that_are_wrong_are_refused() {
    let with = |change: &dyn Fn(&mut [u8; 512])| {
        let mut block = header(b'0', b"package/a.json", 0);
        change(&mut block);
        let mut archive = Archive::package();
        archive.0.extend(block);
        refused(&archive.tgz())
    };
    let is_bad = |fault: PackageFault| matches!(fault, PackageFault::BadHeader { entry: 2, .. });
    assert!(is_bad(with(&|block| block[0] = b'q')), "the sum is of another name");
    let size = |text: &'static [u8; 12]| {
        move |block: &mut [u8; 512]| {
            block[124..136].copy_from_slice(text);
            sum(block);
        }
    };
    assert!(is_bad(with(&size(b"-0000000001\0"))));
    assert!(is_bad(with(&size(b"00000000009\0"))));
    assert!(is_bad(with(&size(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))));
    for records in ["", "8 path=a\n", "99 path=a\n", "x path=a\n", "8 path=a", "5 a=\n\n"] {
        let fault =
            Package::read(&Archive::package().entry(b'x', "p", records).file("package/a.json", "{}").tgz());
        assert_eq!(fault.is_err(), !records.is_empty(), "{records:?}");
    }
    assert!(is_bad(refused(&Archive::package().pax("size", "-1").file("package/a", "").tgz())));
    assert!(is_bad(refused(&Archive::package().pax("GNU.sparse.major", "1").file("package/a", "").tgz())));
    assert!(is_bad(refused(&Archive::package().entry(b'g', "g", "10 path=a\n").file("package/a", "").tgz())));
    let long = Archive::package().pax("size", "99999").file("package/a", "");
    assert_eq!(refused(&long.tgz()), PackageFault::Truncated);
}

#[test]
fn a_package_without_a_good_manifest_is_none() {
    assert_eq!(refused(&Archive::default().file("package/a.json", "{}").tgz()), PackageFault::NoManifest);
    assert_eq!(refused(&Archive::default().tgz()), PackageFault::NoManifest);
    assert_eq!(refused(&gzip(b"")), PackageFault::NoManifest);
    let bad = Archive::default().file("package/package.json", r#"{"name":"../../x","version":"1"}"#).tgz();
    assert!(matches!(refused(&bad), PackageFault::BadManifest(_)));
    let message = refused(&Archive::package().file("a\u{1b}[2J/../b", "").tgz()).to_string();
    assert!(!message.contains('\u{1b}'), "a message must not steer a terminal");
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Package::read(&bytes);
        let _ = Package::read(&gzip(&bytes));
    }

    #[test]
    fn random_changes_never_panic(changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..20)) {
        let mut tar = Archive::package()
            .pax("path", "package/b.json")
            .file("package/a.json", r#"{"resourceType":"StructureDefinition","type":"Patient","url":"u"}"#)
            .tar();
        for (at, byte) in changes {
            let at = usize::from(at) % tar.len();
            tar[at] = byte;
        }
        if let Ok(package) = Package::read(&gzip(&tar)) {
            for resource in package.resources() {
                let _ = resource.parse();
            }
        }
    }
}
