//! Parts that workers put into the bucket by addresses that are signed for each of them.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use super::fault::{fault, is_absent};
use super::upload::UPLOAD;
use super::{HASH, S3};
use crate::objects::direct::{Direct, Mark, Part, Place, There};
use crate::objects::{Answer, Key, ObjectError};

impl Direct for S3 {
    fn begin(&self, key: Key, mark: Mark) -> Answer<'_, String> {
        Box::pin(async move {
            let request = self.clients.short.create_multipart_upload().bucket(&self.bucket).key(key.as_str());
            let request = request.metadata(UPLOAD, mark.mark);
            let request = match mark.sha256 {
                Some(sha256) => request.metadata(HASH, sha256),
                None => request,
            };
            let begun = request.send().await.map_err(fault("begin an upload"))?;
            begun.upload_id.ok_or_else(|| ObjectError::Unavailable {
                doing: "begin an upload",
                source: std::io::Error::other("it names no upload"),
            })
        })
    }

    fn parts(&self, place: Place) -> Answer<'_, Option<Vec<Part>>> {
        Box::pin(async move {
            let request = self.clients.short.list_parts().bucket(&self.bucket).key(place.key.as_str());
            // One page: no recording has more than a thousand.
            let listed = match request.upload_id(place.id).send().await {
                Ok(listed) => listed,
                Err(error) if is_absent(&error) => return Ok(None),
                Err(error) => return Err(fault("list the parts of an upload")(error)),
            };
            let part = |part: &aws_sdk_s3::types::Part| {
                Some(Part {
                    number: u32::try_from(part.part_number?).ok()?,
                    size_bytes: u64::try_from(part.size?).ok()?,
                    etag: part.e_tag.clone()?,
                })
            };
            Ok(Some(listed.parts().iter().filter_map(part).collect()))
        })
    }

    fn addresses(&self, place: Place, numbers: Vec<u32>, lifetime: Duration) -> Answer<'_, Vec<String>> {
        Box::pin(async move {
            let doing = "sign an address";
            let signing = PresigningConfig::expires_in(lifetime)
                .map_err(|error| ObjectError::Failed { doing, source: std::io::Error::other(error) })?;
            let mut addresses = Vec::with_capacity(numbers.len());
            for number in numbers {
                let request = self.clients.short.upload_part().bucket(&self.bucket).key(place.key.as_str());
                let number = i32::try_from(number).unwrap_or(i32::MAX);
                let request = request.upload_id(&place.id).part_number(number);
                let signed = request.presigned(signing.clone()).await.map_err(fault(doing))?;
                addresses.push(signed.uri().to_owned());
            }
            Ok(addresses)
        })
    }

    fn complete(&self, place: Place, parts: Vec<Part>) -> Answer<'_, ()> {
        Box::pin(async move {
            let part = |part: Part| {
                let number = i32::try_from(part.number).unwrap_or(i32::MAX);
                CompletedPart::builder().part_number(number).e_tag(part.etag).build()
            };
            let parts = parts.into_iter().map(part).collect();
            let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
            let request = self.clients.long.complete_multipart_upload().bucket(&self.bucket);
            let request = request.key(place.key.as_str()).upload_id(place.id).multipart_upload(parts);
            match request.send().await {
                Ok(_) => Ok(()),
                // It was done before, or given up: which, the object says.
                Err(error) if is_absent(&error) => Ok(()),
                Err(error) => Err(fault("put the parts together")(error)),
            }
        })
    }

    fn give_up(&self, place: Place) -> Answer<'_, ()> {
        Box::pin(async move {
            let request = self.clients.short.abort_multipart_upload().bucket(&self.bucket);
            match request.key(place.key.as_str()).upload_id(place.id).send().await {
                Ok(_) => Ok(()),
                Err(error) if is_absent(&error) => Ok(()),
                Err(error) => Err(fault("give up an upload")(error)),
            }
        })
    }

    fn there(&self, key: Key, mark: String) -> Answer<'_, There> {
        Box::pin(async move {
            let Some(found) = self.find(&key).await? else { return Ok(There::Nothing) };
            if found.metadata().and_then(|all| all.get(UPLOAD)) != Some(&mark) {
                return Ok(There::Anothers);
            }
            let size = found.content_length().and_then(|size| u64::try_from(size).ok());
            Ok(There::Own { size_bytes: size.unwrap_or_default() })
        })
    }

    fn lifetime(&self) -> Duration {
        self.direct.unwrap_or_default()
    }
}
