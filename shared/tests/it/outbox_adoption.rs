//! The outbox of a dead process goes to exactly one living one.

use std::path::Path;
use std::sync::{Arc, Barrier, Mutex};

use vox_shared::outbox::{self, Entry, OpenError, Outbox, Removal, read_rejected};

use crate::outbox_rig::{fast_dir, look, settings};

async fn leave_one_record(dir: &Path, payload: &str) {
    let (outbox, _) = Outbox::open(dir, settings()).unwrap();
    outbox.append(Entry::new(1, payload)).await.unwrap();
    outbox.close().await;
}

#[tokio::test]
async fn a_held_outbox_is_neither_listed_nor_opened() {
    let parent = fast_dir();
    let (dead, alive) = (parent.path().join("dead"), parent.path().join("alive"));
    leave_one_record(&dead, "fact").await;
    let (outbox, _) = Outbox::open(&alive, settings()).unwrap();
    assert_eq!(outbox::neighbours(parent.path()).unwrap().orphans, [dead]);
    assert!(matches!(Outbox::adopt(&alive, settings()), Err(OpenError::Held(_))));
    assert!(matches!(Outbox::open(&alive, settings()), Err(OpenError::Held(_))));
    outbox.close().await;
    assert_eq!(outbox::neighbours(parent.path()).unwrap().orphans.len(), 2);
    assert!(outbox::neighbours(&parent.path().join("nowhere")).unwrap().orphans.is_empty());
}

#[tokio::test]
async fn an_outbox_that_was_delivered_is_removed_and_stays_removed() {
    let parent = fast_dir();
    let dir = parent.path().join("dead");
    leave_one_record(&dir, "fact").await;
    let (outbox, found) = Outbox::adopt(&dir, settings()).unwrap();
    assert_eq!(outbox.remove_if_empty().await.unwrap(), Removal::NotEmpty(1));
    outbox.acknowledge(found.records[0].seq).await.unwrap();
    assert_eq!(outbox.remove_if_empty().await.unwrap(), Removal::Removed);
    assert!(outbox.append(Entry::new(1, "late")).await.is_err());
    assert!(matches!(Outbox::adopt(&dir, settings()), Err(OpenError::Gone(_))));
    assert!(!dir.exists());
}

#[tokio::test]
async fn rejected_records_outlive_the_directory() {
    let parent = fast_dir();
    for n in 0..2 {
        let dir = parent.path().join("dead");
        leave_one_record(&dir, "fact").await;
        let (outbox, found) = Outbox::adopt(&dir, settings()).unwrap();
        outbox.reject(found.records[0].seq, "422 unknown bot").await.unwrap();
        let Removal::SetAside(kept) = outbox.remove_if_empty().await.unwrap() else {
            panic!("not set aside")
        };
        assert_eq!(outbox::neighbours(parent.path()).unwrap().orphans, Vec::<std::path::PathBuf>::new());
        assert_eq!(outbox::remains(parent.path()).unwrap().len(), n + 1);
        let rejected = read_rejected(&kept).unwrap();
        assert_eq!(
            (rejected[0].reason.as_str(), rejected[0].record.payload.as_slice()),
            ("422 unknown bot", &b"fact"[..])
        );
    }
}

/// Two adopters, again and again: whoever gets it delivers and removes it at once, while the other is somewhere
/// between listing, locking and reading.
#[test]
fn two_adopters_never_both_deliver() {
    let parent = fast_dir();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    for round in 0..100 {
        let dir = parent.path().join("dead");
        runtime.block_on(leave_one_record(&dir, "fact"));
        let delivered = Arc::new(Mutex::new(0));
        let start = Arc::new(Barrier::new(2));
        let adopters = [(); 2].map(|()| {
            let (parent, delivered, start) = (parent.path().to_owned(), delivered.clone(), start.clone());
            let runtime = runtime.handle().clone();
            std::thread::spawn(move || {
                start.wait();
                for dir in outbox::neighbours(&parent).unwrap().orphans {
                    match Outbox::adopt(&dir, settings()) {
                        Ok((outbox, found)) => {
                            *delivered.lock().unwrap() += found.records.len();
                            runtime.block_on(deliver_all(outbox, found));
                        }
                        Err(OpenError::Held(_) | OpenError::Gone(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        });
        for adopter in adopters {
            adopter.join().unwrap();
        }
        assert_eq!(*delivered.lock().unwrap(), 1, "round {round}");
        assert!(!dir.exists(), "round {round}: the directory came back");
    }
}

async fn deliver_all(outbox: Outbox, found: outbox::Recovered) {
    for record in found.records {
        outbox.acknowledge(record.seq).await.unwrap();
    }
    outbox.remove_if_empty().await.unwrap();
}

/// The dead process is restarted under its old name while an adopter removes what it left.
#[test]
fn an_owner_that_returns_while_the_directory_is_removed_keeps_its_records() {
    let parent = fast_dir();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    for round in 0..100 {
        let dir = parent.path().join(format!("worker-{round}"));
        runtime.block_on(leave_one_record(&dir, "old"));
        let start = Arc::new(Barrier::new(2));
        let (adopted, began, handle) = (dir.clone(), start.clone(), runtime.handle().clone());
        let adopter = std::thread::spawn(move || {
            began.wait();
            let Ok((outbox, found)) = Outbox::adopt(&adopted, settings()) else { return false };
            let took_the_new_one = found.records.iter().any(|r| r.payload == b"new");
            handle.block_on(deliver_all(outbox, found));
            took_the_new_one
        });
        start.wait();
        let returned = loop {
            match Outbox::open(&dir, settings()) {
                Ok((outbox, _)) => break outbox,
                Err(OpenError::Held(_) | OpenError::Gone(_)) => {}
                Err(error) => panic!("round {round}: {error}"),
            }
        };
        runtime.block_on(async {
            returned.append(Entry::new(1, "new")).await.unwrap();
            returned.close().await;
        });
        let delivered = adopter.join().unwrap();
        let kept = dir.exists() && runtime.block_on(look(&dir)).records.iter().any(|r| r.payload == b"new");
        assert!(delivered != kept, "round {round}: delivered {delivered}, kept {kept}");
    }
}
