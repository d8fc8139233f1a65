//! What a store answers to `ListObjectsV2`.  <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>

use percent_encoding::percent_decode_str;

use crate::connector::bucket::{Object, Objects, Part, texts};

/// Objects whose names begin with the prefix, without it; none if the answer is no list.
pub(super) fn read(body: &[u8], prefix: &str) -> Option<Objects> {
    let (mut objects, mut object, mut token) = (Vec::new(), Object::default(), None);
    let (mut is_encoded, mut is_truncated, mut is_list) = (false, false, false);
    texts(body, |open, part| {
        let names: Vec<&str> = open.iter().map(String::as_str).collect();
        match (names.as_slice(), part) {
            (["ListBucketResult"], Part::Begin(_)) => is_list = true,
            (["ListBucketResult", "Contents"], Part::Begin(_)) => object = Object::default(),
            (["ListBucketResult", "Contents"], Part::End) => objects.push(std::mem::take(&mut object)),
            (["ListBucketResult", "Contents", name], Part::Text(text)) => match *name {
                "Key" => object.name = text.to_owned(),
                "LastModified" => object.modified = text.trim().parse().ok(),
                "ETag" => object.tag = text.to_owned(),
                "Size" => object.size = text.trim().parse().ok(),
                _ => {}
            },
            (["ListBucketResult", name], Part::Text(text)) => match *name {
                "IsTruncated" => is_truncated = text.trim() == "true",
                "NextContinuationToken" => token = Some(text.to_owned()),
                "EncodingType" => is_encoded = text.trim() == "url",
                _ => {}
            },
            _ => {}
        }
    })?;
    if !is_list || (is_truncated && token.is_none()) {
        return None;
    }
    for object in objects.iter_mut().filter(|_| is_encoded) {
        let spaced = object.name.replace('+', " ");
        object.name = percent_decode_str(&spaced).decode_utf8().ok()?.into_owned();
    }
    Objects::below(prefix, objects, token.filter(|_| is_truncated))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::files::{Listed, Version};

    const PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>in/</Prefix><KeyCount>3</KeyCount>
<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>1&amp;2==</NextContinuationToken>
<Contents><Key>in/</Key><LastModified>2026-03-01T10:00:00.000Z</LastModified><ETag>"0"</ETag><Size>0</Size></Contents>
<Contents><Key>in/a+b%2B%C3%BC.csv</Key><LastModified>2026-03-01T10:00:00.500Z</LastModified><ETag>&quot;abc&quot;</ETag><Size>12</Size>
<Owner><ID>x</ID></Owner></Contents></ListBucketResult>"#;

    #[test]
    fn a_page_is_read_with_its_names_as_they_are() {
        let objects = read(PAGE.as_bytes(), "in/").unwrap();
        assert_eq!(objects.next.as_deref(), Some("1&2=="));
        let version = Version { modified_ms: 1_772_359_200_500, size: 12, tag: "\"abc\"".to_owned() };
        assert_eq!(objects.files, [Listed { name: "a b+ü.csv".to_owned(), version }]);
        let last = PAGE.replace("<IsTruncated>true", "<IsTruncated>false");
        assert_eq!(read(last.as_bytes(), "in/").unwrap().next, None);
    }

    #[test]
    fn what_is_no_list_is_none() {
        for body in [
            "",
            "<html></html>",
            "{}",
            "<ListBucketResult>",
            "<!DOCTYPE x><ListBucketResult></ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
            "<ListBucketResult><Contents><Key>k</Key></Contents></ListBucketResult>",
        ] {
            assert_eq!(read(body.as_bytes(), ""), None, "{body}");
        }
    }
}
