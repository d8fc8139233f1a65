//! What a store answers to `List Blobs`.  <https://learn.microsoft.com/en-us/rest/api/storageservices/list-blobs>

use kernel::Timestamp;
use percent_encoding::percent_decode_str;
use quick_xml::events::BytesStart;

use crate::connector::bucket::{Object, Objects, Part, texts};

#[derive(Default)]
struct Blob {
    object: Object,
    /// Names that XML cannot hold are written as in an address.
    is_encoded: bool,
    is_folder: bool,
}

/// Blobs whose names begin with the prefix, without it; none if the answer is no list.
pub(super) fn read(body: &[u8], prefix: &str) -> Option<Objects> {
    let (mut blobs, mut blob, mut marker, mut is_list) = (Vec::new(), Blob::default(), None, false);
    texts(body, |open, part| {
        let names: Vec<&str> = open.iter().map(String::as_str).collect();
        let Some((&"EnumerationResults", below)) = names.split_first() else { return };
        match (below, part) {
            ([], Part::Begin(_)) => is_list = true,
            (["Blobs", "Blob"], Part::Begin(_)) => blob = Blob::default(),
            (["Blobs", "Blob"], Part::End) => blobs.push(std::mem::take(&mut blob)),
            (["Blobs", "Blob", "Name"], Part::Begin(start)) => blob.is_encoded = is_encoded(start),
            (["Blobs", "Blob", "Name"], Part::Text(text)) => blob.object.name = text.to_owned(),
            (["Blobs", "Blob", "Properties", name], Part::Text(text)) => match *name {
                "Last-Modified" => blob.object.modified = instant(text.trim()),
                "Etag" => blob.object.tag = text.trim().to_owned(),
                "Content-Length" => blob.object.size = text.trim().parse().ok(),
                "ResourceType" => blob.is_folder = text.trim() == "directory",
                _ => {}
            },
            (["NextMarker"], Part::Text(text)) => marker = Some(text.to_owned()),
            _ => {}
        }
    })?;
    if !is_list {
        return None;
    }
    let mut objects = Vec::new();
    for Blob { mut object, is_encoded, .. } in blobs.into_iter().filter(|blob| !blob.is_folder) {
        if is_encoded {
            object.name = percent_decode_str(&object.name).decode_utf8().ok()?.into_owned();
        }
        objects.push(object);
    }
    Objects::below(prefix, objects, marker.filter(|marker| !marker.is_empty()))
}

fn is_encoded(name: &BytesStart<'_>) -> bool {
    name.attributes().flatten().any(|found| found.key.into_inner() == "Encoded" && &*found.value == "true")
}

/// `Wed, 09 Sep 2009 09:20:02 GMT`
fn instant(text: &str) -> Option<Timestamp> {
    let read = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_seconds(read.as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::files::{Listed, Version};

    const PAGE: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<EnumerationResults ServiceEndpoint="https://a.blob.core.windows.net/" ContainerName="trial"><Prefix>in/</Prefix><MaxResults>3</MaxResults>
<Blobs>
<Blob><Name>in/a b+ü&amp;.csv</Name><Properties><Creation-Time>Sun, 01 Mar 2026 09:00:00 GMT</Creation-Time>
<Last-Modified>Sun, 01 Mar 2026 10:00:00 GMT</Last-Modified><Etag>0x8DC3A1</Etag><Content-Length>12</Content-Length>
<Content-Type>text/csv</Content-Type><Content-MD5 /><BlobType>BlockBlob</BlobType></Properties><OrMetadata /></Blob>
<Blob><Name Encoded="true">in/odd%EF%BF%BF%2B.csv</Name><Properties><Last-Modified>Sun, 01 Mar 2026 10:00:01 GMT</Last-Modified>
<Etag>0x8DC3A2</Etag><Content-Length>0</Content-Length></Properties></Blob>
<Blob><Name>in/deep</Name><Properties><ResourceType>directory</ResourceType></Properties></Blob>
<Blob><Name>in/</Name><Properties><Last-Modified>Sun, 01 Mar 2026 10:00:01 GMT</Last-Modified><Content-Length>0</Content-Length></Properties></Blob>
</Blobs><NextMarker>2!76!MDA=</NextMarker></EnumerationResults>"#;

    #[test]
    fn a_page_is_read_with_its_names_as_they_are() {
        let objects = read(format!("\u{feff}{PAGE}").as_bytes(), "in/").unwrap();
        assert_eq!(objects.next.as_deref(), Some("2!76!MDA="));
        let version = |seconds: i64, size, tag: &str| Version {
            modified_ms: (1_772_359_200 + seconds) * 1_000,
            size,
            tag: tag.to_owned(),
        };
        assert_eq!(
            objects.files,
            [
                Listed { name: "a b+ü&.csv".to_owned(), version: version(0, 12, "0x8DC3A1") },
                Listed { name: "odd\u{ffff}+.csv".to_owned(), version: version(1, 0, "0x8DC3A2") },
            ]
        );
        for last in ["<NextMarker />", "<NextMarker></NextMarker>", ""] {
            let last = PAGE.replace("<NextMarker>2!76!MDA=</NextMarker>", last);
            assert_eq!(read(last.as_bytes(), "in/").unwrap().next, None);
        }
        let empty = "<EnumerationResults><Blobs /><NextMarker /></EnumerationResults>";
        assert_eq!(read(empty.as_bytes(), ""), Some(Objects::default()));
    }

    #[test]
    fn what_is_no_list_is_none() {
        for body in [
            "",
            "<html></html>",
            "{}",
            "<EnumerationResults>",
            "<!DOCTYPE x><EnumerationResults></EnumerationResults>",
            "<Error><Code>ContainerNotFound</Code></Error>",
            "<EnumerationResults><Blobs><Blob><Name>k</Name></Blob></Blobs></EnumerationResults>",
        ] {
            assert_eq!(read(body.as_bytes(), ""), None, "{body}");
        }
    }
}
