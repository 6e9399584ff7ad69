//! Uploads on a real disk.

use super::*;

fn uploads(dir: &Path) -> Uploads {
    Uploads::open(dir.join("uploads"), 10, Duration::from_millis(50)).unwrap()
}

fn count(dir: &Path) -> usize {
    fs::read_dir(dir.join("uploads")).unwrap().count()
}

fn stream(
    items: Vec<Result<&'static [u8], ApiError>>,
) -> impl Stream<Item = Result<Bytes, ApiError>> + Unpin {
    futures_util::stream::iter(items.into_iter().map(|item| item.map(Bytes::from_static)))
}

#[test]
fn names_lose_everything_that_is_no_plain_file_name() {
    for (named, plain) in [
        ("hello-1-1.src.rpm", "hello-1-1.src.rpm"),
        ("gcc-c++-1~rc1.src.rpm", "gcc-c++-1~rc1.src.rpm"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\a b.spec", "a_b.spec"),
        ("..", "upload"),
        ("", "upload"),
        (".part", "part"),
        ("-rf.spec", "rf.spec"),
        ("ü\n.spec", "__.spec"),
    ] {
        assert_eq!(plain_name(named), plain, "{named:?}");
    }
    assert_eq!(plain_name(&format!("{}.src.rpm", "x".repeat(4096))).len(), NAME_MAX);
}

#[tokio::test]
async fn only_a_kept_upload_stays() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = uploads(dir.path());
    let upload = uploads.receive("a.spec", stream(vec![Ok(b"12"), Ok(b"34")])).await.unwrap();
    let path = dir.path().join("uploads").join(&upload.dir).join("a.spec");
    assert_eq!(fs::read(&path).unwrap(), b"1234");
    drop(upload);
    assert_eq!(count(dir.path()), 0);
    uploads.receive("a.spec", stream(vec![Ok(b"12")])).await.unwrap().keep();
    assert_eq!(count(dir.path()), 1);
}

#[tokio::test]
async fn broken_large_and_slow_uploads_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = uploads(dir.path());
    let broken = uploads.receive("a.spec", stream(vec![Ok(b"1"), Err(ApiError::TooSlow)])).await;
    assert!(broken.is_err());
    let large = uploads.receive("a.spec", stream(vec![Ok(b"123456"), Ok(b"123456")])).await;
    assert!(matches!(large, Err(ApiError::TooLarge { limit_bytes: 10 })));
    let endless = stream(vec![Ok(b"1")]).chain(futures_util::stream::pending());
    assert!(matches!(uploads.receive("a.spec", endless).await, Err(ApiError::TooSlow)));
    assert_eq!(count(dir.path()), 0);
}

#[tokio::test]
async fn imported_and_half_written_uploads_go_after_a_while_and_awaited_ones_stay() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = uploads(dir.path());
    let awaited = uploads.receive("a.spec", stream(vec![Ok(b"1")])).await.unwrap();
    let path = awaited.path();
    awaited.keep();
    uploads.receive("b.spec", stream(vec![Ok(b"2")])).await.unwrap().keep();
    fs::create_dir(dir.path().join("uploads/abc")).unwrap();
    fs::write(dir.path().join("uploads/abc").join(PART), b"half").unwrap();
    uploads.prune(std::slice::from_ref(&path), UnixTime(0)).unwrap();
    assert_eq!(count(dir.path()), 3);
    uploads.prune(&[path], UnixTime(i64::MAX)).unwrap();
    assert_eq!(count(dir.path()), 1);
}

#[tokio::test]
async fn nothing_outside_the_folder_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = uploads(dir.path());
    fs::write(dir.path().join("secret"), b"x").unwrap();
    for (folder, name) in [("..", "secret"), ("", "secret"), ("abc", "../../secret"), ("abc", "..")] {
        assert!(uploads.serve(folder, name).await.is_none(), "{folder}/{name}");
    }
}
