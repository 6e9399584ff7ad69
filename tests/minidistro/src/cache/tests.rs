//! Keys, and the placing of a repository that is already made.

use super::*;

fn distro(folder: &Path, key: &str) -> Distro {
    let repo = folder.join(key);
    fs::create_dir_all(repo.join("repodata")).unwrap();
    fs::write(repo.join("repodata/repomd.xml"), key).unwrap();
    fs::write(repo.join(KEY_FILE), key).unwrap();
    Distro { repo, key: key.to_owned(), cached: true }
}

#[test]
fn the_key_follows_the_debs() {
    let one = key(&vec!["make_4.3_amd64.deb SHA256:1".to_owned()]);
    let two = key(&vec!["make_4.4_amd64.deb SHA256:2".to_owned()]);
    assert_ne!(one, two);
    assert_eq!(one, key(&vec!["make_4.3_amd64.deb SHA256:1".to_owned()]));
}

#[test]
fn a_folder_without_key_is_not_finished() {
    let cache = tempfile::tempdir().unwrap();
    fs::create_dir(cache.path().join("abc")).unwrap();
    assert_eq!(finished(cache.path(), "abc"), None);
    distro(cache.path(), "abc");
    assert_eq!(finished(cache.path(), "abc").unwrap().key, "abc");
}

#[test]
fn an_older_repository_is_replaced() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out/repo");
    for key in ["one", "two", "two"] {
        let repo = placed(&distro(place.path(), key), &out).unwrap();
        assert_eq!(fs::read_to_string(repo.join("repodata/repomd.xml")).unwrap(), key);
    }
    let left: Vec<_> = fs::read_dir(place.path().join("out")).unwrap().collect();
    assert_eq!(left.len(), 1, "only the repository stays: {left:?}");
}

#[test]
fn a_folder_of_somebody_else_is_not_touched() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("letter"), "dear").unwrap();
    let refused = placed(&distro(place.path(), "one"), &out);
    assert!(matches!(refused, Err(Error::NotOurs(_))), "{refused:?}");
    assert_eq!(fs::read_to_string(out.join("letter")).unwrap(), "dear");
}

#[test]
fn an_empty_folder_is_filled() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("out");
    fs::create_dir(&out).unwrap();
    let repo = placed(&distro(place.path(), "one"), &out).unwrap();
    assert!(repo.join("repodata/repomd.xml").exists());
}
