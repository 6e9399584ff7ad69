//! The project's signature in every package, and the proof that RPM accepts it.

use std::path::{Path, PathBuf};

use coppice_model::{
    ProjectRef,
    result_file::ResultFileName,
    signing::{KeyRole, PublicKey, SignatureForm},
    work::RpmWork,
};

use super::{IngestError, Results, Staged, check, check::BuiltRpm};
use crate::{
    blocking::blocking,
    dispatch::intake::Verdict,
    rpmfile::{RpmFile, RpmFileError, copy_signed, insert_signature, recover, tag},
    signing::{SignWith, SigningError, Unsigned},
    tree::RepoId,
    verify::VerifyError,
};

/// Bounds the headers that are in memory at a time.
const RPMS_AT_ONCE: usize = 16;

/// What a package's signature header holds.
enum Found {
    Nothing,
    /// A signature as we make them: from an earlier run of ours, or somebody else's.
    OurKind,
    OtherKind,
}

impl Results {
    /// A package by its headers alone, as soon as they have come.
    pub(crate) async fn check_one(
        &self,
        work: &RpmWork,
        name: &ResultFileName,
        rpm: RpmFile,
    ) -> Result<(), IngestError> {
        let (work, of) = (work.clone(), name.clone());
        match blocking(move || check::check_one(&work, &of, &rpm)).await {
            Ok(checked) => checked,
            Err(_) => Err(IngestError::Refused(format!("{name} is refused: it cannot be read"))),
        }
    }

    /// Fingerprint of the key and its signature over a header.
    pub(crate) async fn sign_header(
        &self,
        work: &RpmWork,
        name: &ResultFileName,
        header: Vec<u8>,
    ) -> Result<(String, Vec<u8>), IngestError> {
        let key = self.key_for(&work.context.project, &RepoId::of(work)).await?;
        let (project, grant) = (&work.context.project, work.grant.as_ref());
        let with = SignWith { project, key: &key.fingerprint, grant };
        let item = Unsigned { label: name.to_string(), content: header };
        let signature = self.keys.sign(with, SignatureForm::Binary, &[item]).await?.pop();
        Ok((key.fingerprint, signature.ok_or(SigningError::Nonsense)?))
    }

    /// The key of the repository that the build goes to; of a new one the project's.
    pub(super) async fn key_for(
        &self,
        project: &ProjectRef,
        repo: &RepoId,
    ) -> Result<PublicKey, IngestError> {
        let ring = self.keys.ring(project).await?;
        let of_repository = self.publisher.key_of(repo).await?;
        let signs = |role: KeyRole| matches!(role, KeyRole::Current | KeyRole::Next);
        let wanted = ring.keys.iter().filter(|ring| signs(ring.role)).find(|ring| {
            of_repository.as_deref().is_some_and(|key| ring.key.fingerprint.eq_ignore_ascii_case(key))
        });
        let key = wanted.map(|ring| &ring.key).or_else(|| ring.with_role(KeyRole::Current));
        Ok(key.cloned().ok_or_else(|| SigningError::NoKey(project.clone()))?)
    }

    /// Undoes a signature that a crash cut off, so that the packages can be read.
    pub(super) async fn recover(&self, staged: &Staged) -> Result<(), IngestError> {
        let files = staged.finish.files.iter().filter(|file| file.name.is_rpm());
        let paths: Vec<PathBuf> = files.map(|file| staged.dir.join(file.name.as_str())).collect();
        let recovered = blocking(move || paths.iter().try_for_each(|path| recover(path))).await?;
        recovered.map_err(IngestError::disk("restoring a package after a crash"))
    }

    /// Signs what is not signed yet, and has RPM itself verify all of it. Payloads are not touched.
    pub(super) async fn sign(
        &self,
        work: &RpmWork,
        staged: &Staged,
        rpms: &[BuiltRpm],
    ) -> Result<PublicKey, IngestError> {
        let key = self.key_for(&work.context.project, &RepoId::of(work)).await?;
        let (signed, unsigned) = sort(staged, rpms).await?;
        let (stale, signed): (Vec<String>, Vec<String>) =
            signed.into_iter().partition(|name| is_by_another(staged, name, &key));
        let with =
            SignWith { project: &work.context.project, key: &key.fingerprint, grant: work.grant.as_ref() };
        let (proven, others): (Vec<String>, Vec<String>) =
            signed.into_iter().partition(|name| is_proven(staged, name, &key));
        self.verifier.verify(&staged.dir, &others, &key).await.map_err(refuse_foreign)?;
        for names in unsigned.chunks(RPMS_AT_ONCE) {
            self.sign_some(with, staged, names).await?;
        }
        // The key was rotated while the build ran.
        for name in &stale {
            let path = staged.dir.join(name);
            self.resign(with, &path, &path).await?;
        }
        let now_signed = [unsigned, stale].concat();
        self.verifier.verify(&staged.dir, &now_signed, &key).await?;
        self.verifier.verify_headers(&staged.dir, &proven, &key).await?;
        Ok(key)
    }

    /// A copy of the package with a new signature instead of the old one.
    pub(super) async fn resign(
        &self,
        with: SignWith<'_>,
        package: &Path,
        target: &Path,
    ) -> Result<(), IngestError> {
        let label = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (from, to) = (package.to_owned(), target.to_owned());
        let of = from.clone();
        let content = blocking(move || header(&of)).await?.map_err(unreadable)?;
        let signed = self.keys.sign(with, SignatureForm::Binary, &[Unsigned { label, content }]).await?;
        let signature = signed.into_iter().next().ok_or(SigningError::Nonsense)?;
        blocking(move || copy_signed(&from, &to, &signature)).await?.map_err(unreadable)
    }

    async fn sign_some(
        &self,
        with: SignWith<'_>,
        staged: &Staged,
        names: &[String],
    ) -> Result<(), IngestError> {
        let paths: Vec<PathBuf> = names.iter().map(|name| staged.dir.join(name)).collect();
        let of = paths.clone();
        let headers = blocking(move || of.iter().map(|path| header(path)).collect::<Result<Vec<_>, _>>())
            .await?
            .map_err(unreadable)?;
        let items = names.iter().zip(headers);
        let items: Vec<Unsigned> =
            items.map(|(name, content)| Unsigned { label: name.clone(), content }).collect();
        let signatures = self.keys.sign(with, SignatureForm::Binary, &items).await?;
        let inserted = blocking(move || {
            paths.iter().zip(signatures).try_for_each(|(path, signature)| insert_signature(path, &signature))
        });
        inserted.await?.map_err(unreadable)
    }
}

/// Whether the package came through our hands, was signed with this key, and its payload fits its header.
fn is_proven(staged: &Staged, name: &str, key: &PublicKey) -> bool {
    let received = staged.received.iter().find(|(known, _)| known.as_str() == name);
    received.is_some_and(|(_, received)| match &received.verdict {
        Verdict::Signed { by, is_proven } => *is_proven && by.eq_ignore_ascii_case(&key.fingerprint),
        Verdict::Unsigned | Verdict::Refused { .. } => false,
    })
}

/// Whether we signed it with a key that is not the repository's any more.
fn is_by_another(staged: &Staged, name: &str, key: &PublicKey) -> bool {
    let received = staged.received.iter().find(|(known, _)| known.as_str() == name);
    received.is_some_and(|(_, received)| match &received.verdict {
        Verdict::Signed { by, .. } => !by.eq_ignore_ascii_case(&key.fingerprint),
        Verdict::Unsigned | Verdict::Refused { .. } => false,
    })
}

/// Names of signed and unsigned packages.
async fn sort(staged: &Staged, rpms: &[BuiltRpm]) -> Result<(Vec<String>, Vec<String>), IngestError> {
    let paths: Vec<PathBuf> = rpms.iter().map(|rpm| staged.dir.join(&rpm.file)).collect();
    let found = blocking(move || paths.iter().map(|path| found(path)).collect::<Result<Vec<_>, _>>());
    let (mut signed, mut unsigned) = (Vec::new(), Vec::new());
    for (rpm, found) in rpms.iter().zip(found.await?.map_err(unreadable)?) {
        match found {
            Found::Nothing => unsigned.push(rpm.file.clone()),
            Found::OurKind => signed.push(rpm.file.clone()),
            Found::OtherKind => return Err(foreign(&rpm.file)),
        }
    }
    Ok((signed, unsigned))
}

fn found(path: &Path) -> Result<Found, RpmFileError> {
    let rpm = RpmFile::open(path)?;
    let holds = |tags: &[u32]| tags.iter().any(|tag| rpm.signature.has(*tag));
    Ok(if holds(&[tag::SIG_OPENPGP, tag::SIG_PGP, tag::SIG_GPG]) {
        Found::OtherKind
    } else if holds(&[tag::SIG_DSA, tag::SIG_RSA]) {
        Found::OurKind
    } else {
        Found::Nothing
    })
}

fn header(path: &Path) -> Result<Vec<u8>, RpmFileError> {
    Ok(RpmFile::open(path)?.header.bytes().to_vec())
}

/// The packages were readable a moment ago.
fn unreadable(error: RpmFileError) -> IngestError {
    IngestError::unavailable("signing a package", &error)
}

fn refuse_foreign(error: VerifyError) -> IngestError {
    match error {
        VerifyError::NotSigned { file, .. } => foreign(&file),
        other => other.into(),
    }
}

pub(super) fn foreign(file: &str) -> IngestError {
    IngestError::Refused(format!("{file} is refused: it is already signed, and not by the project's key"))
}
