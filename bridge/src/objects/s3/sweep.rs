//! Parts that belong to no upload any more: of a bridge that was killed, or of an upload whose beginning was never answered.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::MultipartUpload;
use vox_shared::clock::Clock;

use super::fault::fault;
use crate::objects::{Key, ObjectError};

/// The only objects that are stored; a bucket may hold other people's too.
const OURS: [&str; 5] = ["recordings/", "voices/", "sounds/", "imports/", "calls/"];
/// No upload lives as long: one that a worker makes may be gone on with for 23 hours.
const AGE: Duration = Duration::from_hours(24);
const PERIOD: Duration = Duration::from_hours(1);

/// Give up old parts now and then, for as long as this is polled.
pub(super) async fn sweep_now_and_then(client: Client, bucket: String) {
    loop {
        match give_up_unfinished(&client, &bucket, AGE).await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, "unfinished uploads were given up"),
            Err(error) => {
                tracing::warn!(%error, "unfinished uploads stay in the bucket until they can be listed, or a rule removes them");
            }
        }
        tokio::time::sleep(PERIOD).await;
    }
}

/// Give up uploads that are older; how many.
pub(super) async fn give_up_unfinished(
    client: &Client,
    bucket: &str,
    age: Duration,
) -> Result<usize, ObjectError> {
    let newest = Clock::system().now().as_second() - i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    let is_old = |upload: &MultipartUpload| upload.initiated.is_some_and(|began| began.secs() <= newest);
    let mut gone = 0;
    for kind in OURS {
        gone += give_up_below(client, (bucket, kind), is_old).await?;
    }
    Ok(gone)
}

/// Give up all uploads of one object, however young; how many.
pub(super) async fn give_up_of(client: &Client, bucket: &str, key: &Key) -> Result<usize, ObjectError> {
    let is_its = |upload: &MultipartUpload| upload.key() == Some(key.as_str());
    give_up_below(client, (bucket, key.as_str()), is_its).await
}

async fn give_up_below(
    client: &Client,
    (bucket, prefix): (&str, &str),
    is_to_go: impl Fn(&MultipartUpload) -> bool,
) -> Result<usize, ObjectError> {
    let (mut gone, mut after) = (0, (None, None));
    loop {
        let request = client.list_multipart_uploads().bucket(bucket).prefix(prefix);
        let request = request.set_key_marker(after.0.clone()).set_upload_id_marker(after.1.clone());
        let listed = request.send().await.map_err(fault("list unfinished uploads"))?;
        for upload in listed.uploads().iter().filter(|upload| is_to_go(upload)) {
            let request = client.abort_multipart_upload().bucket(bucket);
            let request = request.set_key(upload.key.clone()).set_upload_id(upload.upload_id.clone());
            match request.send().await {
                Ok(_) => gone += 1,
                Err(error) if super::fault::is_absent(&error) => {}
                Err(error) => return Err(fault("give up an unfinished upload")(error)),
            }
        }
        let next = (listed.next_key_marker, listed.next_upload_id_marker);
        // A server that does not go on would be asked for ever.
        if listed.is_truncated != Some(true) || next.0.is_none() || next == after {
            return Ok(gone);
        }
        after = next;
    }
}
