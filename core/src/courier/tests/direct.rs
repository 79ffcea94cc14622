//! A recording that was to go straight to the bucket, and cannot.

use vox_shared::wire::journal::RecordingFile;

use super::*;

/// More than the bridge takes by itself, where there is a bucket.
const SIZE: usize = 6_000_000;

fn recording(desk: &Desk, url: &str) -> JournalRecord {
    let file = "20261120-call_1.wav".to_owned();
    std::fs::write(desk.recordings.join(&file), vec![1; SIZE]).unwrap();
    JournalRecord::Recording(RecordingFile {
        session_id: session(),
        key: file.clone(),
        file,
        bridge_url: url.to_owned(),
        traceparent: None,
        proof: Default::default(),
    })
}

fn told(url: &str) -> String {
    serde_json::json!({
        "how": "direct", "upload": "up-1", "pieces_per_part": 128, "stored": [], "seconds": 900,
        "urls": [{"number": 1, "url": format!("{url}/recordings/x?partNumber=1")}],
    })
    .to_string()
}

#[tokio::test]
async fn where_the_bucket_cannot_be_reached_a_recording_goes_through_the_bridge() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = told(&format!("http://{nobody}"));
    let bridge = Stub::saying(|_| vec![(200, nobody), (200, "{}".into())]);
    let dir = tempfile::tempdir().unwrap();
    let desk = desk(dir.path(), &bridge.url, settings());
    desk.outbox.append(entry(&recording(&desk, &bridge.url))).await.unwrap();
    Round::new(&desk, &desk.outbox).until_empty().await;
    let asked = bridge.asked();
    assert_eq!((asked.len(), asked[1].body.len()), (2, SIZE));
    let left: Vec<_> = std::fs::read_dir(&desk.recordings).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Something before the bucket, or another server of its name, that takes no part: with an error, or by refusing every address.
#[tokio::test]
async fn where_nothing_reaches_the_bucket_a_recording_goes_through_the_bridge() {
    for (status, tries) in [(405, 1), (500, 1), (403, 3)] {
        let bridge = Stub::saying(|url| {
            let refused = (0..tries).flat_map(|_| [(200, told(url)), (status, String::new())]);
            refused.chain([(200, "{}".to_owned())]).collect()
        });
        let dir = tempfile::tempdir().unwrap();
        let desk = desk(dir.path(), &bridge.url, settings());
        desk.outbox.append(entry(&recording(&desk, &bridge.url))).await.unwrap();
        Round::new(&desk, &desk.outbox).until_empty().await;
        let asked = bridge.asked();
        assert_eq!(asked.len(), 2 * tries + 1, "{status}");
        assert_eq!(asked[2 * tries].body.len(), SIZE, "{status}: it is the recording itself");
        assert_eq!(desk.outbox.stats().rejected, 0, "{status}");
    }
}

/// Beside the bridge that began it there is one of an older version, and that is asked to put it together.
#[tokio::test]
async fn an_upload_that_a_bridge_does_not_know_is_begun_anew_and_not_given_up() {
    let bridge = Stub::saying(|url| {
        let ok = || (200, "{}".to_owned());
        vec![(200, told(url)), ok(), (404, String::new()), (200, told(url)), ok(), ok()]
    });
    let dir = tempfile::tempdir().unwrap();
    let desk = desk(dir.path(), &bridge.url, settings());
    desk.outbox.append(entry(&recording(&desk, &bridge.url))).await.unwrap();
    Round::new(&desk, &desk.outbox).until_empty().await;
    let asked = bridge.asked();
    assert_eq!(asked.len(), 6, "asked, put, completed, asked, put, completed");
    let anew: serde_json::Value = serde_json::from_slice(&asked[3].body).unwrap();
    assert_eq!(anew["upload"], serde_json::Value::Null);
    assert_eq!(desk.outbox.stats().rejected, 0);
}

#[tokio::test]
async fn a_bridge_of_an_older_version_gets_the_recording_itself() {
    let bridge = Stub::answering(&[404, 200]);
    let dir = tempfile::tempdir().unwrap();
    let desk = desk(dir.path(), &bridge.url, settings());
    desk.outbox.append(entry(&recording(&desk, &bridge.url))).await.unwrap();
    Round::new(&desk, &desk.outbox).until_empty().await;
    let asked = bridge.asked();
    assert_eq!((asked.len(), asked[1].body.len()), (2, SIZE));
}

/// The bucket refuses an address whose time is over: another is asked for, and the upload goes on.
#[tokio::test]
async fn an_address_that_is_not_taken_any_more_is_asked_for_again() {
    let bridge = Stub::saying(|url| {
        let ok = || (200, "{}".to_owned());
        vec![(200, told(url)), (403, String::new()), (200, told(url)), ok(), ok()]
    });
    let dir = tempfile::tempdir().unwrap();
    let desk = desk(dir.path(), &bridge.url, settings());
    desk.outbox.append(entry(&recording(&desk, &bridge.url))).await.unwrap();
    Round::new(&desk, &desk.outbox).until_empty().await;
    let asked = bridge.asked();
    let bodies: Vec<_> = asked.iter().map(|asked| asked.body.len() >= SIZE).collect();
    assert_eq!(bodies, [false, true, false, true, false], "asked, put, asked, put, completed");
    let again: serde_json::Value = serde_json::from_slice(&asked[2].body).unwrap();
    assert_eq!(again["upload"], "up-1", "it goes on with the same upload");
    let left: Vec<_> = std::fs::read_dir(&desk.recordings).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}
