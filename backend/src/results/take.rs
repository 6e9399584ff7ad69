//! A finished package that a user uploaded: fetched, looked into, signed, placed and published. Cut off anywhere, the
//! same action goes on where it stopped.

use std::{path::Path, time::Duration};

use coppice_model::{
    ChrootName,
    messages::{TakePackage, TakenPackage},
};
use futures_util::StreamExt;
use reqwest::StatusCode;
use tokio::{fs, io::AsyncWriteExt};

use super::{IngestError, Results, check, ingest::package_texts};
use crate::{
    blocking::blocking,
    facts::BuildFacts,
    signing::SignWith,
    tree::{RepoId, is_placed},
};

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Between two pieces of the file.
const PAUSE_LIMIT: Duration = Duration::from_secs(60);

impl Results {
    pub(crate) async fn take_package(&self, take: &TakePackage) -> Result<TakenPackage, IngestError> {
        let fresh = self.tree.fresh_dir().map_err(IngestError::disk("making a folder"))?;
        let given = fresh.path().join("package.rpm");
        fetch(&take.url, &given).await?;
        let (of, chroots) = (given.clone(), take.chroots.clone());
        let looked = match blocking(move || look_into(&of, &chroots)).await {
            Ok(looked) => looked?,
            // What makes our reader stumble was sent by the user.
            Err(_) => return Err(IngestError::Refused("the package cannot be read".into())),
        };
        for chroot in &take.chroots {
            self.take_into(take, chroot, (&given, &looked)).await?;
        }
        self.put_public_keys(&take.project, &take.dir).await?;
        Ok(looked)
    }

    async fn take_into(
        &self,
        take: &TakePackage,
        chroot: &ChrootName,
        (given, looked): (&Path, &TakenPackage),
    ) -> Result<(), IngestError> {
        let repo =
            RepoId { owner: take.project.owner.clone(), dir: take.dir.clone(), chroot: chroot.clone() };
        let folder = format!("{}-{}", take.build.padded(), looked.package);
        let target = self.tree.repository(&repo).join(&folder);
        if !is_placed(&target) {
            self.place_package(take, &repo, (given, looked), &target).await?;
        }
        self.add(&repo, &folder, (&take.project, take.grant.as_ref())).await
    }

    async fn place_package(
        &self,
        take: &TakePackage,
        repo: &RepoId,
        (given, looked): (&Path, &TakenPackage),
        target: &Path,
    ) -> Result<(), IngestError> {
        let key = self.key_for(&take.project, repo).await?;
        let fresh = self.tree.fresh_dir().map_err(IngestError::disk("making a folder"))?;
        let name = looked.nevra.file_name();
        let signed = fresh.path().join(&name);
        let with = SignWith { project: &take.project, key: &key.fingerprint, grant: take.grant.as_ref() };
        self.resign(with, given, &signed).await?;
        self.verifier.verify(fresh.path(), std::slice::from_ref(&name), &key).await?;
        let mut facts = BuildFacts::default();
        facts.0.insert(name, self.read_facts(signed, &key).await?);
        facts.write(fresh.path()).map_err(IngestError::disk("noting signatures"))?;
        for (name, content) in package_texts(take.build, vec![looked.nevra.clone()])? {
            fs::write(fresh.path().join(name), content)
                .await
                .map_err(IngestError::disk("noting the package"))?;
        }
        let (tree, target) = (self.tree.clone(), target.to_owned());
        let placed = blocking(move || tree.settle_dir(fresh, &target)).await?;
        placed.map_err(IngestError::disk("placing the package"))
    }
}

/// The uploaded file, which the frontend keeps until it hears of us.
async fn fetch(url: &str, target: &Path) -> Result<(), IngestError> {
    let away = |error: reqwest::Error| IngestError::unavailable("fetching the uploaded package", &error);
    let client = reqwest::Client::builder().connect_timeout(CONNECT_LIMIT).read_timeout(PAUSE_LIMIT);
    let answer = client.build().map_err(away)?.get(url).send().await.map_err(away)?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Err(IngestError::Refused(
            "the uploaded package is not there any more: upload it again".into(),
        ));
    }
    let mut pieces = answer.error_for_status().map_err(away)?.bytes_stream();
    let disk = || IngestError::disk("storing the uploaded package");
    let mut file = fs::File::create(target).await.map_err(disk())?;
    while let Some(piece) = pieces.next().await {
        file.write_all(&piece.map_err(away)?).await.map_err(disk())?;
    }
    file.sync_all().await.map_err(disk())
}

/// Whether it may be published for all of these chroots, and as what.
fn look_into(file: &Path, chroots: &[ChrootName]) -> Result<TakenPackage, IngestError> {
    let (nevra, source_rpm) = check::finished(file, chroots)?;
    let package = source_rpm.as_deref().and_then(name_of).unwrap_or_else(|| nevra.name.clone());
    let package = package.parse().map_err(|error| IngestError::Refused(format!("{error}")))?;
    Ok(TakenPackage { package, nevra })
}

/// `hello` of `hello-1-2.src.rpm`.
fn name_of(source_rpm: &str) -> Option<String> {
    let name = source_rpm.rsplitn(3, '-').nth(2)?;
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_called_after_its_source() {
        assert_eq!(name_of("hello-world-1-2.src.rpm").as_deref(), Some("hello-world"));
        for odd in ["", "hello", "a-b", "-1-2.src.rpm"] {
            assert_eq!(name_of(odd), None, "{odd}");
        }
    }
}
