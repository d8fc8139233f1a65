//! Listing a bucket, and reading its objects in ranges.

use super::{Bucket, Dialect, LIST_BYTES_MAX, LIST_KEYS, LIST_PAGES_MAX, REFUSAL_BYTES_MAX, UNFIT};
use crate::connector::{
    PullFault,
    files::{Hand, LISTED_MAX, Listed},
};

/// Somebody who may call a bucket.
pub struct BucketHand<D>(pub(super) Bucket<D>);

impl<D: Dialect> Hand for BucketHand<D> {
    async fn list(&mut self) -> Result<Vec<Listed>, PullFault> {
        let bucket = &self.0.0;
        let (mut files, mut next): (Vec<Listed>, Option<String>) = (Vec::new(), None);
        for _ in 0..LIST_PAGES_MAX {
            let call = self.0.list_call(next.as_deref(), LIST_KEYS)?;
            let answer = bucket.way.read(&call, LIST_BYTES_MAX).await?;
            self.0.judged(&answer)?;
            let objects = bucket
                .dialect
                .listed(&answer.body, &bucket.prefix)
                .ok_or(PullFault::again("the source's answer is no list of a bucket"))?;
            files.extend(objects.files);
            next = objects.next;
            if files.len() > LISTED_MAX {
                break;
            }
            if next.is_none() {
                return Ok(files);
            }
        }
        Err(PullFault::last("there are more objects than are looked at: a longer config.prefix is needed"))
    }

    async fn read(&mut self, file: &Listed, from: u64, bytes: usize) -> Result<Option<Vec<u8>>, PullFault> {
        let bucket = &self.0.0;
        let left = file.version.size.saturating_sub(from);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(bytes);
        if wanted == 0 {
            return Ok(Some(Vec::new()));
        }
        let key = format!("{}{}", bucket.prefix, file.name);
        let range = format!("bytes={from}-{}", from + wanted as u64 - 1);
        let of = (range.as_str(), file.version.tag.as_str());
        let call = bucket.dialect.object(&key, of, bucket.world.now()).ok_or(UNFIT)?;
        // An answer that says why there is no object may be longer than the part that was asked for.
        let answer = bucket.way.read(&call, wanted.max(REFUSAL_BYTES_MAX)).await?;
        if matches!(answer.status.as_u16(), 404 | 412 | 416) {
            // A bucket that is not there is told of by its list.
            return Ok(None);
        }
        self.0.judged(&answer)?;
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
