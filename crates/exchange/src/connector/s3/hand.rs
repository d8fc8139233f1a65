//! Listing a bucket, and reading its objects in ranges.

use super::{Bucket, LIST_BYTES_MAX, LIST_KEYS, judged, list};
use crate::connector::{
    PullFault,
    files::{Hand, LISTED_MAX, Listed},
};

/// Somebody who may call a bucket.
pub struct BucketHand(pub(super) Bucket);

impl Hand for BucketHand {
    async fn list(&mut self) -> Result<Vec<Listed>, PullFault> {
        let (mut files, mut next): (Vec<Listed>, Option<String>) = (Vec::new(), None);
        for _ in 0..LISTED_MAX.div_ceil(LIST_KEYS) {
            let call = self.0.list_call(next.as_deref(), LIST_KEYS)?;
            let answer = self.0.0.way.read(&call, LIST_BYTES_MAX).await?;
            judged(&self.0.0.way, &answer)?;
            let objects = list::read(&answer.body, &self.0.0.prefix)
                .ok_or(PullFault::again("the source's answer is no list of a bucket"))?;
            files.extend(objects.files);
            next = objects.next;
            if next.is_none() {
                return Ok(files);
            }
        }
        Err(PullFault::last("there are more objects than are looked at: a longer config.prefix is needed"))
    }

    async fn read(&mut self, file: &Listed, from: u64, bytes: usize) -> Result<Option<Vec<u8>>, PullFault> {
        let left = file.version.size.saturating_sub(from);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(bytes);
        if wanted == 0 {
            return Ok(Some(Vec::new()));
        }
        let key = format!("{}{}", self.0.0.prefix, file.name);
        let range = format!("bytes={from}-{}", from + wanted as u64 - 1);
        let mut headers = vec![("range", range)];
        // A store without tags cannot be held to one.
        if !file.version.tag.is_empty() {
            headers.push(("if-match", file.version.tag.clone()));
        }
        let call = self.0.call(&key, &[], &headers)?;
        let answer = self.0.0.way.read(&call, wanted).await?;
        if matches!(answer.status.as_u16(), 404 | 412 | 416) {
            // A bucket that is not there is told of by its list.
            return Ok(None);
        }
        judged(&self.0.0.way, &answer)?;
        let is_range = answer.status.as_u16() == 206 || (from == 0 && wanted as u64 == file.version.size);
        match is_range && answer.body.len() == wanted {
            true => Ok(Some(answer.body.to_vec())),
            false => Err(PullFault::again("the source gives another part of an object than was asked for")),
        }
    }

    async fn put_away(&mut self, _: &str) -> Result<(), PullFault> {
        Ok(())
    }

    async fn leave(self) {}
}
