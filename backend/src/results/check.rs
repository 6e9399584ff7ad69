//! Whether the packages that a builder sent are what its task asked for.

use std::{io, path::Path};

use coppice_model::{ChrootName, package::Nevra, result_file::ResultFileName, work::RpmWork};

use super::{IngestError, Staged};
use crate::{
    dispatch::intake::Verdict,
    publisher::fragment,
    rpmfile::{RpmFile, RpmFileError, tag, verify_payload},
};

/// A checked package, still as the builder sent it.
#[derive(Debug, Clone)]
pub struct BuiltRpm {
    pub file: String,
    pub nevra: Nevra,
    source_rpm: Option<String>,
}

/// Everything about every package; nothing is changed.
pub fn check(work: &RpmWork, staged: &Staged) -> Result<Vec<BuiltRpm>, IngestError> {
    let names = staged.finish.files.iter().map(|file| &file.name).filter(|name| name.is_rpm());
    let mut rpms = names.map(|name| read(staged, name)).collect::<Result<Vec<_>, _>>()?;
    rpms.sort_by(|a, b| a.nevra.cmp(&b.nevra));
    let source = only_source(&rpms)?;
    ensure_source_is_the_tasks(source, work)?;
    for rpm in rpms.iter().filter(|rpm| !rpm.nevra.is_source()) {
        ensure_built_from(rpm, source, work.chroot())?;
    }
    Ok(rpms)
}

/// One package by its headers alone, before anything of its build is known.
pub fn check_one(work: &RpmWork, name: &ResultFileName, rpm: &RpmFile) -> Result<(), IngestError> {
    let built = described(rpm, name).map_err(|error| refused(name, error))?;
    ensure_renderable(rpm, name)?;
    ensure_unsigned(rpm, name)?;
    if built.nevra.is_source() {
        return ensure_source_is_the_tasks(&built, work);
    }
    ensure_built_for(&built, work.chroot())
}

/// A finished package by itself, for all of these chroots; also the name of the SRPM that it says it was built from.
pub fn finished(path: &Path, chroots: &[ChrootName]) -> Result<(Nevra, Option<String>), IngestError> {
    let given = ResultFileName::try_from("package.rpm".to_owned());
    let given = given.map_err(|error| IngestError::Refused(error.to_string()))?;
    let refused = |error| refused(&given, error);
    let rpm = RpmFile::open(path).map_err(refused)?;
    let mut built = describe(&rpm, &given).map_err(refused)?;
    built.file = built.nevra.file_name();
    let name = ResultFileName::try_from(built.file.clone())
        .map_err(|error| IngestError::Refused(error.to_string()))?;
    ensure_renderable(&rpm, &name)?;
    ensure_unsigned(&rpm, &name)?;
    verify_payload(path, &rpm).map_err(refused)?;
    if built.nevra.is_source() {
        return Err(IngestError::Refused(format!("{name} is a source package: submit it to be built")));
    }
    for chroot in chroots {
        ensure_built_for(&built, chroot)?;
    }
    Ok((built.nevra, built.source_rpm))
}

fn ensure_renderable(rpm: &RpmFile, name: &ResultFileName) -> Result<(), IngestError> {
    fragment::ensure_renderable(rpm)
        .map_err(|error| IngestError::Refused(format!("{name} is refused: {error}")))
}

fn ensure_unsigned(rpm: &RpmFile, name: &ResultFileName) -> Result<(), IngestError> {
    let signatures = [tag::SIG_OPENPGP, tag::SIG_PGP, tag::SIG_GPG, tag::SIG_DSA, tag::SIG_RSA];
    if signatures.iter().any(|tag| rpm.signature.has(*tag)) {
        return Err(super::sign::foreign(name.as_str()));
    }
    Ok(())
}

fn refused(name: &ResultFileName, error: RpmFileError) -> IngestError {
    match error {
        RpmFileError::Io(e) if e.kind() != io::ErrorKind::NotFound => {
            IngestError::unavailable("reading a sent package", &e)
        }
        RpmFileError::Io(_) => IngestError::Refused(format!("{name} was announced but not sent")),
        other => IngestError::Refused(format!("{name} is refused: {other}")),
    }
}

/// What its header says, which its file name must say too.
fn described(rpm: &RpmFile, name: &ResultFileName) -> Result<BuiltRpm, RpmFileError> {
    let built = describe(rpm, name)?;
    if built.nevra.file_name() == name.as_str() {
        Ok(built)
    } else {
        Err(RpmFileError::Name(built.nevra.file_name()))
    }
}

fn read(staged: &Staged, name: &ResultFileName) -> Result<BuiltRpm, IngestError> {
    let received = staged.received.get(name).map(|received| &received.verdict);
    if let Some(Verdict::Refused { why }) = received {
        return Err(IngestError::Refused(why.clone()));
    }
    let refused = |error| refused(name, error);
    let path = staged.dir.join(name.as_str());
    let rpm = RpmFile::open(&path).map_err(refused)?;
    let built = described(&rpm, name).map_err(refused)?;
    // What came through our hands was looked into on its way.
    if received.is_none() {
        ensure_renderable(&rpm, name)?;
        verify_payload(&path, &rpm).map_err(refused)?;
    }
    Ok(built)
}

fn describe(rpm: &RpmFile, name: &ResultFileName) -> Result<BuiltRpm, RpmFileError> {
    let metadata = rpm.metadata()?;
    let wrong = |e| RpmFileError::Header(Box::new(e));
    let arch = match metadata.is_source_package() {
        true if rpm.header.has(tag::NO_SOURCE) || rpm.header.has(tag::NO_PATCH) => "nosrc",
        true => "src",
        false => metadata.get_arch().map_err(wrong)?,
    };
    let nevra = Nevra {
        name: metadata.get_name().map_err(wrong)?.to_owned(),
        epoch: metadata.get_epoch().ok(),
        version: metadata.get_version().map_err(wrong)?.to_owned(),
        release: metadata.get_release().map_err(wrong)?.to_owned(),
        arch: arch.to_owned(),
    };
    let source_rpm = metadata.get_source_rpm().ok().map(ToOwned::to_owned);
    Ok(BuiltRpm { file: name.to_string(), nevra, source_rpm })
}

fn only_source(rpms: &[BuiltRpm]) -> Result<&BuiltRpm, IngestError> {
    let mut sources = rpms.iter().filter(|rpm| rpm.nevra.is_source());
    match (sources.next(), sources.next()) {
        (Some(source), None) => Ok(source),
        (Some(one), Some(other)) => {
            let (one, other) = (&one.file, &other.file);
            Err(IngestError::Refused(format!("the builder sent two source packages, {one} and {other}")))
        }
        (None, _) => Err(IngestError::Refused("the builder sent no source package".into())),
    }
}

/// The release may differ, since the chroot has its own dist tag.
fn ensure_source_is_the_tasks(source: &BuiltRpm, work: &RpmWork) -> Result<(), IngestError> {
    let (got, wanted) = (&source.nevra, &work.header);
    if got.name == wanted.name.as_str() && got.epoch == wanted.epoch && got.version == wanted.version {
        return Ok(());
    }
    let (name, evr) = (&wanted.name, wanted.evr());
    Err(IngestError::Refused(format!("the builder sent {got}, but its task was {name}-{evr}")))
}

fn ensure_built_from(rpm: &BuiltRpm, source: &BuiltRpm, chroot: &ChrootName) -> Result<(), IngestError> {
    let file = &rpm.file;
    if rpm.source_rpm.as_deref() != Some(source.file.as_str()) {
        let says = rpm.source_rpm.as_deref().unwrap_or("nothing");
        let source = &source.file;
        return Err(IngestError::Refused(format!(
            "{file} is refused: it was built from {says}, not from {source}"
        )));
    }
    ensure_built_for(rpm, chroot)
}

fn ensure_built_for(rpm: &BuiltRpm, chroot: &ChrootName) -> Result<(), IngestError> {
    if belongs(&rpm.nevra.arch, chroot.arch()) {
        return Ok(());
    }
    let (file, arch) = (&rpm.file, &rpm.nevra.arch);
    Err(IngestError::Refused(format!("{file} is refused: {chroot} does not build for {arch}")))
}

/// Architectures that a chroot's packages may have. RPM: rpmrc, buildarch_compat.
fn belongs(arch: &str, chroot_arch: &str) -> bool {
    let family: &[&str] = match chroot_arch {
        "x86_64" => &["x86_64", "x86_64_v2", "x86_64_v3", "x86_64_v4", "amd64", "ia32e"],
        "i386" | "i586" | "i686" => &["i386", "i486", "i586", "i686", "athlon", "geode"],
        "armhfp" | "armv7hl" => &["armv7hl", "armv7hnl", "armv6hl"],
        "ppc64" => &["ppc64", "ppc64p7"],
        _ => &[],
    };
    arch == "noarch" || arch == chroot_arch || family.contains(&arch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chroot_takes_its_own_family_of_architectures_and_noarch() {
        for (arch, chroot) in [("x86_64", "x86_64"), ("noarch", "s390x"), ("i686", "i386")] {
            assert!(belongs(arch, chroot), "{arch} in {chroot}");
        }
        for (arch, chroot) in
            [("i686", "x86_64"), ("aarch64", "x86_64"), ("x86_64", "i386"), ("src", "x86_64")]
        {
            assert!(!belongs(arch, chroot), "{arch} in {chroot}");
        }
    }
}
