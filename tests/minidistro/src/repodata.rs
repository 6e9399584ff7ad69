//! The metadata that makes a folder of RPMs a repository, with the comps group `build`.

use std::path::Path;

use rpmrepo_metadata::{
    CompressionType, MetadataError, Package, PackageOptions, PackageSource, RepositoryOptions,
    RepositoryWriter,
};

use crate::data;
use crate::error::Error;
use crate::recipe::SOURCE_DATE;

/// What the metadata says about one RPM.
pub fn entry(file_name: &str, bytes: &[u8]) -> Result<Package, Error> {
    let source = PackageSource {
        checksum: None,
        size_package: None,
        time_file: SOURCE_DATE.into(),
        location_href: file_name.to_owned(),
        location_base: None,
    };
    Package::from_buffer(bytes, source, PackageOptions::default()).map_err(Error::Metadata)
}

/// Writes `repodata/` into the folder; the order of the packages does not matter.
pub fn write(folder: &Path, mut packages: Vec<Package>) -> Result<(), Error> {
    packages.sort_by(|a, b| a.name().cmp(b.name()));
    write_all(folder, &packages).map_err(Error::Metadata)
}

fn write_all(folder: &Path, packages: &[Package]) -> Result<(), MetadataError> {
    // gzip, because every libsolv reads it.
    let options = RepositoryOptions::default().compression_type(CompressionType::Gzip);
    let mut writer = RepositoryWriter::new_with_options(folder, packages.len(), options)?;
    for package in packages {
        writer.add_package(package)?;
    }
    writer.add_group(&build_group())?;
    writer.finish()
}

fn build_group() -> rpmrepo_metadata::CompsGroup {
    let package = |name: &str| rpmrepo_metadata::CompsPackageReq {
        name: name.to_owned(),
        reqtype: "mandatory".to_owned(),
        requires: None,
        basearchonly: None,
    };
    rpmrepo_metadata::CompsGroup {
        id: "build".to_owned(),
        name: "build".to_owned(),
        description: "what a build root starts with".to_owned(),
        uservisible: true,
        packages: data::words(data::BUILD_GROUP).map(package).collect(),
        ..Default::default()
    }
}
