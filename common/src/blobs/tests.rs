//! One suite for all stores; then what only an object store can do.

use std::{future::pending, io, path::Path, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::{net::TcpListener, sync::oneshot, time::Instant};

use super::{
    BlobFound, Blobs, ObjectError, Reading,
    test_server::{SECRET, TestServer, answering, fetch, open, settings},
};
use crate::{Failure, FailureKind, StoreError};

const KEY: &str = "img_abcdef.png";

/// A store of each kind.
struct Kinds {
    folder: tempfile::TempDir,
    server: TestServer,
    stores: [(&'static str, Blobs); 3],
}

impl Kinds {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = TestServer::start().await;
        let stores = [
            ("folder", Blobs::folder(folder.path().join("images")).unwrap()),
            ("memory", Blobs::memory()),
            ("s3", server.blobs("a/b")),
        ];
        Self { folder, server, stores }
    }

    fn temporary_files(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("images/tmp")).unwrap().count()
    }
}

/// Bytes that tell where they are.
fn pattern(length: usize) -> Bytes {
    (0..length).map(|place| u8::try_from((place + place / 251) % 251).unwrap()).collect()
}

async fn read(reading: Reading) -> Vec<u8> {
    let length = reading.length;
    let chunks: Vec<Bytes> = reading.bytes.try_collect().await.unwrap();
    let whole = chunks.concat();
    assert_eq!(whole.len() as u64, length);
    whole
}

#[tokio::test]
async fn bytes_come_back_until_they_are_deleted() {
    let kinds = Kinds::start().await;
    for (kind, blobs) in &kinds.stores {
        assert!(matches!(blobs.get(KEY).await, Err(StoreError::Missing)), "{kind}");
        assert!(matches!(blobs.stream(KEY, None).await, Err(StoreError::Missing)), "{kind}");
        blobs.put(KEY, vec![1, 2, 3]).await.unwrap();
        blobs.put(KEY, vec![4, 5]).await.unwrap();
        assert_eq!(blobs.get(KEY).await.unwrap(), [4, 5], "{kind}");
        assert_eq!(blobs.get_at_most(KEY, 2).await.unwrap(), [4, 5], "{kind}");
        let large = blobs.get_at_most(KEY, 1).await.unwrap_err();
        assert!(matches!(large, StoreError::TooLarge { bytes: 2, most: 1 }), "{kind}");
        blobs.delete(KEY).await.unwrap();
        blobs.delete(KEY).await.unwrap();
        assert!(matches!(blobs.get(KEY).await, Err(StoreError::Missing)), "{kind}");
        blobs.put(KEY, vec![]).await.unwrap();
        assert!(blobs.get(KEY).await.unwrap().is_empty(), "{kind}");
        blobs.probe().await.unwrap();
    }
    assert_eq!(kinds.temporary_files(), 0);
}

#[tokio::test]
async fn every_blob_is_listed_with_its_time() {
    let kinds = Kinds::start().await;
    let begun = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let begun = i64::try_from(begun).unwrap();
    for (kind, blobs) in &kinds.stores {
        let list = async || -> Vec<BlobFound> { blobs.list().try_collect().await.unwrap() };
        assert!(list().await.is_empty(), "{kind}");
        assert_eq!(blobs.written_at(KEY).await.unwrap(), None, "{kind}");
        let mut keys: Vec<String> = (0..30).map(|number| format!("img_{number:02}{number:02}.png")).collect();
        for key in &keys {
            blobs.put(key, vec![1]).await.unwrap();
        }
        blobs.delete(&keys.remove(3)).await.unwrap();
        let mut found = list().await;
        found.sort_by(|a, b| a.key.cmp(&b.key));
        assert_eq!(found.iter().map(|found| &found.key).collect::<Vec<_>>(), keys.iter().collect::<Vec<_>>(), "{kind}");
        for BlobFound { key, written_at } in found {
            assert!((begun - 1000..begun + 60_000).contains(&written_at), "{kind} {key} {written_at}");
            // S3 tells whole seconds where one is asked for.
            let alone = blobs.written_at(&key).await.unwrap().unwrap();
            assert_eq!(alone / 1000, written_at / 1000, "{kind}");
        }
    }
    // What lies below a prefix is another store's.
    assert!(kinds.server.blobs("a").list().next().await.is_none());
}

#[tokio::test]
async fn a_key_cannot_leave_its_store() {
    let kinds = Kinds::start().await;
    for (kind, blobs) in &kinds.stores {
        for key in ["", "../../../../etc/passwd", "img_/../../../x", ".hidden-file", "img_abc\0def", "C:\\windows\\x"] {
            assert!(blobs.put(key, vec![]).await.is_err(), "{kind} {key:?}");
            assert!(blobs.put_stream(key, stream::empty()).await.is_err(), "{kind} {key:?}");
            assert!(matches!(blobs.get(key).await, Err(StoreError::File(_))), "{kind} {key:?}");
            assert!(blobs.delete(key).await.is_err(), "{kind} {key:?}");
            assert!(blobs.presigned(key, Duration::from_secs(1), "", "").await.is_err(), "{kind} {key:?}");
            assert!(blobs.path(key).is_none(), "{kind} {key:?}");
        }
    }
}

#[tokio::test]
async fn large_blobs_come_and_go_in_chunks() {
    let kinds = Kinds::start().await;
    let whole = pattern(20_000_003);
    let total = whole.len() as u64;
    for (kind, blobs) in &kinds.stores {
        let chunks: Vec<_> = whole.chunks(999_983).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        assert_eq!(blobs.put_stream(KEY, stream::iter(chunks)).await.unwrap(), total, "{kind}");
        let reading = blobs.stream(KEY, None).await.unwrap();
        assert_eq!((reading.length, reading.total), (total, total), "{kind}");
        assert!(read(reading).await == whole, "{kind}");
        for range in [0..1, 8_388_600..8_388_700, total - 1..total, 19_000_000..total + 5] {
            let reading = blobs.stream(KEY, Some(range.clone())).await.unwrap();
            let there = usize::try_from(range.start).unwrap()..usize::try_from(range.end.min(total)).unwrap();
            assert_eq!((reading.length, reading.total), (there.len() as u64, total), "{kind} {range:?}");
            assert!(read(reading).await == whole[there], "{kind} {range:?}");
        }
        for range in [3..3, total + 1..total + 2] {
            assert!(blobs.stream(KEY, Some(range.clone())).await.is_err(), "{kind} {range:?}");
        }
        // In one piece, of exactly one part and a little more.
        for length in [8 * 1024 * 1024, 8 * 1024 * 1024 + 1] {
            blobs.put(KEY, whole[..length].to_vec()).await.unwrap();
            assert!(blobs.get(KEY).await.unwrap() == whole[..length], "{kind} {length}");
        }
    }
}

#[tokio::test]
async fn what_is_not_written_whole_cannot_be_read() {
    let kinds = Kinds::start().await;
    let part = || Ok(pattern(9_000_000));
    for (kind, blobs) in &kinds.stores {
        let broken = stream::iter([part(), Err(io::Error::other("the line is cut"))]);
        let error = blobs.put_stream(KEY, broken).await.unwrap_err();
        assert!(error.to_string().contains("the line is cut"), "{kind}: {error}");
        assert!(matches!(blobs.get(KEY).await, Err(StoreError::Missing)), "{kind}");
        assert_eq!((kinds.temporary_files(), kinds.server.left_over()), (0, vec![]), "{kind}");

        let (reached, middle) = oneshot::channel();
        let stuck = stream::once(async move {
            reached.send(()).unwrap();
            pending().await
        });
        let (shared, bytes) = (blobs.clone(), stream::iter([part()]).chain(stuck));
        let caller = tokio::spawn(async move { shared.put_stream(KEY, bytes).await });
        middle.await.unwrap();
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        assert!(matches!(blobs.get(KEY).await, Err(StoreError::Missing)), "{kind}");
        let tidy = async {
            while kinds.temporary_files() > 0 || !kinds.server.left_over().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), tidy).await.unwrap();
    }
}

#[tokio::test]
async fn only_a_folder_has_paths_and_only_an_object_store_has_urls() {
    let kinds = Kinds::start().await;
    for (kind, blobs) in &kinds.stores {
        blobs.put(KEY, vec![1]).await.unwrap();
        let path = (*kind == "folder").then(|| kinds.folder.path().join("images/ab").join(KEY));
        assert_eq!(blobs.path(KEY), path);
        assert!(path.is_none_or(|path| path.is_file()), "{kind}");
        let url = blobs.presigned(KEY, Duration::from_secs(300), "image/png", "inline").await.unwrap();
        assert_eq!(url.is_some(), *kind == "s3");
    }
    let unwanted = config::S3 { presigned_downloads: false, ..kinds.server.settings() };
    let blobs = open("pictures", "", &unwanted);
    assert!(blobs.presigned(KEY, Duration::from_secs(300), "image/png", "inline").await.unwrap().is_none());
}

#[tokio::test]
async fn a_presigned_url_hands_out_one_picture_to_anybody() {
    let server = TestServer::start().await;
    let blobs = server.blobs("a");
    blobs.put(KEY, b"picture".to_vec()).await.unwrap();
    let disposition = "inline; filename=\"a b.png\"";
    let url = blobs.presigned(KEY, Duration::from_secs(300), "image/png", disposition).await.unwrap().unwrap();
    assert_eq!(fetch(&url).await, (200, b"picture".to_vec()));
    for part in ["response-content-type=image%2Fpng", "filename%3D%22a%20b.png%22", "X-Amz-Expires=300"] {
        assert!(url.contains(part), "{part} in {url}");
    }
    assert!(!url.contains(SECRET));
    let other = "img_fedcba.png";
    blobs.put(other, b"secret".to_vec()).await.unwrap();
    for tampered in [
        url.replace(KEY, other),
        url.replace("X-Amz-Expires=300", "X-Amz-Expires=3000"),
        url.replace("image%2Fpng", "text%2Fhtml"),
        url.split_once('?').unwrap().0.to_owned(),
    ] {
        assert_eq!(fetch(&tampered).await.0, 403, "{tampered}");
    }
}

#[tokio::test]
async fn a_prefix_is_a_store_of_its_own() {
    let server = TestServer::start().await;
    let (one, other, none) = (server.blobs("a/b"), server.blobs("a"), server.blobs(""));
    one.put(KEY, vec![1]).await.unwrap();
    for blobs in [&other, &none] {
        assert!(matches!(blobs.get(KEY).await, Err(StoreError::Missing)));
        blobs.delete(KEY).await.unwrap();
    }
    none.put(KEY, vec![2]).await.unwrap();
    assert_eq!((one.get(KEY).await.unwrap(), none.get(KEY).await.unwrap()), (vec![1], vec![2]));
    let bucket = server.folder.path().join("pictures");
    assert!(bucket.join("a/b").join(KEY).is_file() && bucket.join(KEY).is_file());
}

#[tokio::test]
async fn a_wrong_key_is_told_without_the_key() {
    let server = TestServer::start().await;
    let wrong = "wrong-secret-key";
    let secret = config::S3 { secret_access_key: Some(wrong.to_owned().into()), ..server.settings() };
    let id = config::S3 { access_key_id: Some(wrong.into()), ..server.settings() };
    for (settings, code) in [(secret, "SignatureDoesNotMatch"), (id, "NotSignedUp")] {
        let blobs = open("pictures", "", &settings);
        for error in [
            blobs.put(KEY, vec![1]).await.unwrap_err(),
            blobs.get(KEY).await.unwrap_err(),
            blobs.probe().await.unwrap_err(),
        ] {
            let text = format!("{error} {error:?}");
            assert!(matches!(error, StoreError::Objects(ObjectError::Denied(_))), "{text}");
            assert!(text.contains(code) && text.contains("check the key"), "{text}");
            assert!(!text.contains(wrong) && !text.contains(SECRET), "{text}");
            assert_eq!(Failure::from(error).kind, FailureKind::Unavailable);
        }
        assert!(!format!("{blobs:?}").contains(wrong));
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    for (status, code, kind) in [
        ("404 Not Found", "NoSuchKey", FailureKind::NotFound),
        ("404 Not Found", "NoSuchBucket", FailureKind::Unavailable),
        ("403 Forbidden", "SignatureDoesNotMatch", FailureKind::Unavailable),
        ("507 Insufficient Storage", "XMinioStorageFull", FailureKind::StorageFull),
        ("503 Slow Down", "SlowDown", FailureKind::Unavailable),
    ] {
        let body = format!("<Error><Code>{code}</Code><StringToSign>{SECRET}</StringToSign></Error>");
        let address = answering(status, &body).await;
        let error = open("pictures", "", &settings(address)).get(KEY).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
        assert_eq!(Failure::from(error).kind, kind, "{code}");
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_told_in_good_time() {
    let mut server = TestServer::start().await;
    let blobs = server.blobs("");
    blobs.put(KEY, vec![1]).await.unwrap();
    server.kill().await;
    let started = Instant::now();
    for error in [blobs.get(KEY).await.unwrap_err(), blobs.probe().await.unwrap_err()] {
        assert!(matches!(error, StoreError::Objects(ObjectError::Unreachable(_))), "{error}");
        let failure = Failure::from(error);
        assert_eq!((failure.kind, failure.retry_after), (FailureKind::Unavailable, Some(5)));
    }
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

/// The clock jumps to the next timer, since nothing else happens.
#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let blobs = open("pictures", "", &settings(listener.local_addr().unwrap()));
    for seconds in [15, 5] {
        let started = Instant::now();
        let asked = if seconds == 15 { blobs.get(KEY).await.map(drop) } else { blobs.probe().await };
        assert!(matches!(asked, Err(StoreError::Objects(ObjectError::Unreachable(_)))), "{asked:?}");
        assert!(started.elapsed() <= Duration::from_secs(seconds + 1), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_download_that_is_cut_is_no_success() {
    let mut server = TestServer::start().await;
    let blobs = server.blobs("");
    blobs.put(KEY, pattern(40_000_000).to_vec()).await.unwrap();
    let mut reading = blobs.stream(KEY, None).await.unwrap();
    let mut got = reading.bytes.next().await.unwrap().unwrap().len();
    server.kill().await;
    let error = loop {
        match reading.bytes.next().await {
            Some(Ok(some)) => got += some.len(),
            Some(Err(error)) => break error,
            None => panic!("{got} bytes were taken for the whole"),
        }
    };
    assert!(got < 40_000_000, "it was all there");
    assert!(!error.to_string().contains(SECRET), "{error}");
}

#[tokio::test]
async fn what_a_dead_process_left_is_removed_and_what_a_living_one_writes_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let made = |name: &str| std::fs::File::create(temporary.join(name)).unwrap();
    made("old").set_modified(std::time::SystemTime::now() - Duration::from_secs(3700)).unwrap();
    made("young");
    Blobs::folder(folder.path().into()).unwrap();
    let there = |name: &str| Path::exists(&temporary.join(name));
    assert!(!there("old") && there("young"));
}
