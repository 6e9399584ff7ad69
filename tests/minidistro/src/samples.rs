//! Source packages for demos and tests: good ones, and ones that fail in a known way.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::apt::run;
use crate::error::Error;
use crate::recipe::SOURCE_DATE;

struct Sample {
    name: &'static str,
    spec: &'static str,
    /// Files of the tar archive that is its `Source0`; none if it has no source.
    sources: &'static [(&'static str, &'static str)],
}

macro_rules! sample {
    ($name:literal $(, $source:literal)*) => {
        Sample {
            name: $name,
            spec: include_str!(concat!("../samples/", $name, "/", $name, ".spec")),
            sources: &[$(($source, include_str!(concat!("../samples/", $name, "/src/", $source)))),*],
        }
    };
}

const SAMPLES: &[Sample] = &[
    sample!("libgreet", "Makefile", "greet.c", "greet.h"),
    sample!("greet", "Makefile", "main.c"),
    sample!("noarch-hello", "noarch-hello.sh"),
    sample!("broken"),
    sample!("missing-dep"),
    sample!("never-ends"),
    sample!("chatty"),
];

/// All names that `srpm` knows; those before `broken` build well, in this order.
pub fn names() -> impl Iterator<Item = &'static str> {
    SAMPLES.iter().map(|sample| sample.name)
}

/// The text of a sample's spec file.
pub fn spec(name: &str) -> Result<&'static str, Error> {
    find(name).map(|sample| sample.spec)
}

/// Makes the source RPM of a sample in `dir` with the machine's rpmbuild and returns its path.
pub fn srpm(name: &str, dir: &Path) -> Result<PathBuf, Error> {
    let sample = find(name)?;
    let dir = std::path::absolute(dir).map_err(Error::io("find", dir))?;
    fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
    let top = tempfile::tempdir().map_err(Error::io("make a folder in", &std::env::temp_dir()))?;
    sample.unpack(top.path())?;
    let made = top.path().join("made");
    run(&mut sample.rpmbuild(top.path(), &made))?;
    let file_name = format!("{}-{}-1.src.rpm", sample.name, sample.version());
    let srpm = dir.join(&file_name);
    // Copied beside and renamed: who looks at `srpm` never sees half of it.
    let part = dir.join(format!(".{file_name}.{}", std::process::id()));
    fs::copy(made.join(&file_name), &part).map_err(Error::io("write", &part))?;
    fs::rename(&part, &srpm).map_err(Error::io("write", &srpm))?;
    Ok(srpm)
}

fn find(name: &str) -> Result<&'static Sample, Error> {
    let sample = SAMPLES.iter().find(|sample| sample.name == name);
    sample.ok_or_else(|| Error::UnknownSample(name.to_owned()))
}

impl Sample {
    fn version(&self) -> &str {
        let line = self.spec.lines().find_map(|line| line.strip_prefix("Version:"));
        line.unwrap_or_default().trim()
    }

    /// Writes spec and source archive into one folder.
    fn unpack(&self, folder: &Path) -> Result<(), Error> {
        let spec = folder.join(format!("{}.spec", self.name));
        fs::write(&spec, self.spec).map_err(Error::io("write", &spec))?;
        if self.sources.is_empty() {
            return Ok(());
        }
        let stem = format!("{}-{}", self.name, self.version());
        let archive = folder.join(format!("{stem}.tar.gz"));
        self.pack(&stem, &archive).map_err(Error::io("write", &archive))
    }

    fn pack(&self, stem: &str, archive: &Path) -> std::io::Result<()> {
        let mut tar = tar::Builder::new(GzEncoder::new(File::create(archive)?, Compression::default()));
        for (name, content) in self.sources {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(SOURCE_DATE.into());
            header.set_cksum();
            tar.append_data(&mut header, format!("{stem}/{name}"), content.as_bytes())?;
        }
        tar.into_inner()?.finish().map(drop)
    }

    fn rpmbuild(&self, top: &Path, made: &Path) -> Command {
        let mut command = Command::new("rpmbuild");
        // A home of its own: the caller's macros must not change what comes out.
        command.env("HOME", top).env("LC_ALL", "C").env("SOURCE_DATE_EPOCH", SOURCE_DATE.to_string());
        // rpm stores the expanded spec: a path that differs each time must not be in it.
        command.current_dir(top).arg("--define").arg(format!("_srcrpmdir {}", made.display()));
        for define in [
            "_topdir /proc/self/cwd",
            "_sourcedir /proc/self/cwd",
            "dist %{nil}",
            "_buildhost minidistro",
            "use_source_date_epoch_as_buildtime 1",
            "clamp_mtime_to_source_date_epoch 1",
        ] {
            command.args(["--define", define]);
        }
        command.arg("-bs").arg(top.join(format!("{}.spec", self.name)));
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_named_as_its_spec_says() {
        for sample in SAMPLES {
            assert!(
                sample.spec.contains(&format!("\nName:           {}\n", sample.name))
                    || sample.spec.starts_with(&format!("Name:           {}\n", sample.name))
            );
            assert_eq!(sample.version(), "1.0");
        }
    }

    #[test]
    fn an_unknown_sample_is_refused() {
        assert!(matches!(srpm("nothing", Path::new("/nowhere")), Err(Error::UnknownSample(_))));
    }
}
