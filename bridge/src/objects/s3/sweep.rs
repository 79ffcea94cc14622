//! Parts that belong to no upload any more: of a bridge that was killed, or of an upload whose beginning was never answered.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::MultipartUpload;
use vox_shared::clock::Clock;

use super::fault::fault;
use crate::objects::ObjectError;

/// The only objects that are stored; a bucket may hold other people's too.
const OURS: [&str; 3] = ["recordings/", "voices/", "calls/"];
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

/// Give up uploads that are older; how many. Of each kind at most a thousand, the rest is for the next time.
pub(super) async fn give_up_unfinished(
    client: &Client,
    bucket: &str,
    age: Duration,
) -> Result<usize, ObjectError> {
    let mut gone = 0;
    for kind in OURS {
        gone += give_up_below(client, (bucket, kind), age).await?;
    }
    Ok(gone)
}

async fn give_up_below(
    client: &Client,
    (bucket, prefix): (&str, &str),
    age: Duration,
) -> Result<usize, ObjectError> {
    let request = client.list_multipart_uploads().bucket(bucket).prefix(prefix);
    let listed = request.send().await.map_err(fault("list unfinished uploads"))?;
    let newest = Clock::system().now().as_second() - i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    let is_old = |upload: &&MultipartUpload| upload.initiated.is_some_and(|began| began.secs() <= newest);
    let mut gone = 0;
    for upload in listed.uploads().iter().filter(is_old) {
        let request = client.abort_multipart_upload().bucket(bucket);
        let request = request.set_key(upload.key.clone()).set_upload_id(upload.upload_id.clone());
        match request.send().await {
            Ok(_) => gone += 1,
            Err(error) if super::fault::is_absent(&error) => {}
            Err(error) => return Err(fault("give up an unfinished upload")(error)),
        }
    }
    Ok(gone)
}
