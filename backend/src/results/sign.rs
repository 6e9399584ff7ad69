//! The project's signature in every package, and the proof that RPM accepts it.

use std::path::{Path, PathBuf};

use coppice_model::{
    ProjectRef,
    signing::{Grant, PublicKey, SignatureForm},
};

use super::{IngestError, Results, Staged, check::BuiltRpm};
use crate::{
    blocking::blocking,
    rpmfile::{RpmFile, RpmFileError, insert_signature, recover, tag},
    signing::{SignWith, Unsigned},
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
    /// Undoes a signature that a crash cut off, so that the packages can be read.
    pub(super) async fn recover(&self, staged: &Staged) -> Result<(), IngestError> {
        let files = staged.finish.files.iter().filter(|file| file.name.is_rpm());
        let paths: Vec<PathBuf> = files.map(|file| staged.dir.join(file.name.as_str())).collect();
        let recovered = blocking(move || paths.iter().try_for_each(|path| recover(path))).await?;
        recovered.map_err(IngestError::disk("restoring a package after a crash"))
    }

    /// Signs what is not signed yet. Payloads are not touched.
    pub(super) async fn sign(
        &self,
        (project, grant): (&ProjectRef, Option<&Grant>),
        staged: &Staged,
        rpms: &[BuiltRpm],
    ) -> Result<PublicKey, IngestError> {
        let key = self.keys.get(project).await?;
        let (signed, unsigned) = sort(staged, rpms).await?;
        self.verifier.verify(&staged.dir, &signed, &key).await.map_err(refuse_foreign)?;
        for names in unsigned.chunks(RPMS_AT_ONCE) {
            let with = SignWith { project, key: &key.fingerprint, grant };
            self.sign_some(with, staged, names).await?;
        }
        Ok(key)
    }

    pub(super) async fn verify(
        &self,
        staged: &Staged,
        rpms: &[BuiltRpm],
        key: &PublicKey,
    ) -> Result<(), IngestError> {
        let names: Vec<String> = rpms.iter().map(|rpm| rpm.file.clone()).collect();
        Ok(self.verifier.verify(&staged.dir, &names, key).await?)
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

fn foreign(file: &str) -> IngestError {
    IngestError::Refused(format!("{file} is refused: it is already signed, and not by the project's key"))
}
