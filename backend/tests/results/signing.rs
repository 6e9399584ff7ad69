//! Signatures in packages: put in without touching anything else.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use coppice_backend::{
    rpmfile::{RpmFile, insert_signature, recover, tag},
    verify::{Verifier, VerifyError},
};
use coppice_model::signing::SignatureForm;

use crate::{
    keys::Gpg,
    packages::{ARCH, Sent, file, hello},
};

fn tags(path: &Path) -> BTreeMap<u32, Vec<u8>> {
    let rpm = RpmFile::open(path).unwrap();
    rpm.signature.values().map(|(tag, value)| (tag, value.to_vec())).collect()
}

fn sign(gpg: &Gpg, path: &Path) {
    let header = RpmFile::open(path).unwrap().header.bytes().to_vec();
    insert_signature(path, &gpg.sign(&header, SignatureForm::Binary)).unwrap();
}

async fn verified(gpg: &Gpg, sent: &Sent, name: &str) -> Result<(), VerifyError> {
    let keyrings = tempfile::tempdir().unwrap();
    let verifier = Verifier::open(keyrings.path().to_owned()).unwrap();
    verifier.verify(sent.dir.path(), &[name.to_owned()], &gpg.key).await
}

#[tokio::test]
async fn signing_moves_no_byte_of_the_payload_and_keeps_every_other_tag() {
    for (algorithm, wanted) in [("rsa2048", tag::SIG_RSA), ("ed25519", tag::SIG_DSA)] {
        let (gpg, sent, name) = (Gpg::new(algorithm), hello(), file("hello", ARCH));
        let path = sent.path(&name);
        let (before, old_tags) = (fs::read(&path).unwrap(), tags(&path));
        let header_at = usize::try_from(RpmFile::open(&path).unwrap().header_at()).unwrap();
        sign(&gpg, &path);
        let (after, mut new_tags) = (fs::read(&path).unwrap(), tags(&path));
        assert_eq!(after.len(), before.len());
        assert_eq!(after[..96], before[..96]);
        assert_eq!(after[header_at..], before[header_at..]);
        assert!(new_tags.remove(&wanted).is_some());
        assert_eq!(new_tags, old_tags);
        assert!(old_tags.contains_key(&1004) && old_tags.contains_key(&1007), "MD5 and archive size");
        verified(&gpg, &sent, &name).await.unwrap();
        assert!(RpmFile::open(&path).unwrap().metadata().is_ok());
    }
}

#[tokio::test]
async fn without_room_the_file_is_written_anew_and_nothing_is_lost() {
    let (gpg, sent, name) = (Gpg::new("rsa2048"), hello(), file("hello", ARCH));
    let path = sent.path(&name);
    without_reserved_space(&path);
    let (before, old_tags) = (RpmFile::open(&path).unwrap(), tags(&path));
    let rest = fs::read(&path).unwrap().split_off(usize::try_from(before.header_at()).unwrap());
    sign(&gpg, &path);
    let after = RpmFile::open(&path).unwrap();
    assert!(after.header_at() > before.header_at());
    assert_eq!(fs::read(&path).unwrap().split_off(usize::try_from(after.header_at()).unwrap()), rest);
    let mut new_tags = tags(&path);
    assert!(new_tags.remove(&tag::SIG_RSA).is_some());
    assert_eq!(new_tags, old_tags);
    verified(&gpg, &sent, &name).await.unwrap();
    assert_eq!(sent.names().len(), 5, "nothing is left beside it");
}

/// As an old rpmbuild wrote files.
fn without_reserved_space(path: &Path) {
    let script = "import struct,sys\n\
        d=open(sys.argv[1],'rb').read()\n\
        n,s=struct.unpack('>II',d[104:112]); e=112+16*n\n\
        end=(e+s+7)//8*8\n\
        x=[struct.unpack('>IIII',d[112+16*i:128+16*i]) for i in range(n)][1:]\n\
        st=d[e:e+s]; i=[y for y in x if y[0]!=1008]; cut=[y for y in x if y[0]==1008][0][2]\n\
        k=len(i)+1; r=struct.pack('>IIII',62,7,cut,16)\n\
        t=struct.pack('>IIiI',62,7,-16*k,16)\n\
        h=d[96:104]+struct.pack('>II',k,cut+16)+r+b''.join(struct.pack('>IIII',*y) for y in i)+st[:cut]+t\n\
        h+=bytes(-len(h)%8)\n\
        open(sys.argv[1],'wb').write(d[:96]+h+d[end:])\n";
    assert!(Command::new("python3").args(["-c", script]).arg(path).status().unwrap().success());
}

#[tokio::test]
async fn a_package_is_not_signed_twice() {
    let (gpg, sent) = (Gpg::new("ed25519"), hello());
    let path = sent.path(&file("hello", ARCH));
    sign(&gpg, &path);
    let once = fs::read(&path).unwrap();
    assert!(insert_signature(&path, &gpg.sign(b"other", SignatureForm::Binary)).is_err());
    assert_eq!(fs::read(&path).unwrap(), once);
}

#[tokio::test]
async fn a_half_written_signature_is_taken_back() {
    let sent = hello();
    let name = file("hello", ARCH);
    let path = sent.path(&name);
    let whole = fs::read(&path).unwrap();
    let before = RpmFile::open(&path).unwrap().signature.padded();
    fs::write(sent.path(&format!(".undo-{name}")), &before).unwrap();
    let mut torn = whole.clone();
    torn[96..96 + 64].fill(0xff);
    fs::write(&path, &torn).unwrap();
    for _ in 0..2 {
        recover(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
    assert!(!sent.path(&format!(".undo-{name}")).exists());
}

#[tokio::test]
async fn rpmkeys_tells_other_keys_missing_signatures_and_damage_apart() {
    let (ours, other, sent) = (Gpg::new("rsa2048"), Gpg::new("rsa2048"), hello());
    let name = file("hello", ARCH);
    let unsigned = verified(&ours, &sent, &name).await;
    assert!(matches!(unsigned, Err(VerifyError::NotSigned { .. })), "{unsigned:?}");
    sign(&other, &sent.path(&name));
    let foreign = verified(&ours, &sent, &name).await;
    assert!(matches!(foreign, Err(VerifyError::NotSigned { .. })), "{foreign:?}");
    verified(&other, &sent, &name).await.unwrap();
    let mut bytes = fs::read(sent.path(&name)).unwrap();
    let last = bytes.len() - 9;
    bytes[last] ^= 1;
    fs::write(sent.path(&name), bytes).unwrap();
    let damaged = verified(&other, &sent, &name).await;
    assert!(matches!(damaged, Err(VerifyError::Damaged { .. })), "{damaged:?}");
}
