use super::super::{
    build_dto::BuildDto,
    operation::{Endpoint, Field, Operation, flag, integer, operation, text},
    package,
    package::PackageDto,
    query::List,
};
use super::{AFTER, BUILD, LIMIT, OFFSET, ORDER, ORDER_TYPE, OWNER, PROJECT, SOURCE};

const PACKAGE: [Field; 3] = [OWNER, PROJECT, text("package_name", "Its name").needed()];
const SETTINGS: [Field; 4] = [
    flag("webhook_rebuild", "A forge's news starts a build"),
    integer("max_builds", "So many of its builds stay; 0: all"),
    integer("timeout", "Of its builds, in seconds"),
    text("chroot_denylist", "Shell patterns of chroots that it is not built for"),
];
const LATEST: [Field; 2] = [
    flag("with_latest_build", "Its newest build is told"),
    flag("with_latest_succeeded_build", "Its newest good build is told"),
];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let named = [OWNER, PROJECT, text("packagename", "Its name").needed()];
    vec![
        Endpoint::at("/package")
            .get(package::get, operation("One package").query(&named).query(&LATEST).answers::<PackageDto>()),
        Endpoint::at("/package/list").get(
            package::list,
            operation("The packages of a project")
                .query(&[OWNER, PROJECT])
                .query(&LATEST)
                .query(&[LIMIT, OFFSET, ORDER, ORDER_TYPE, AFTER])
                .answers::<List<PackageDto>>(),
        ),
        Endpoint::at("/package/add/{owner}/{project}/{package}/{type}")
            .post(package::add, set("A new package with the source that it is built from")),
        Endpoint::at("/package/edit/{owner}/{project}/{package}/{kind}")
            .post(package::edit, set("Another source or other settings for a package")),
        Endpoint::at("/package/edit/{owner}/{project}/{package}")
            .post(package::edit, set("Other settings for a package")),
        Endpoint::at("/package/reset").put(
            package::reset,
            operation("The package has no source any more").login().body(&PACKAGE).answers::<PackageDto>(),
        ),
        Endpoint::at("/package/build").post(
            package::build,
            operation("Builds a package from its source")
                .login()
                .body(&[text("package_name", "Its name").needed()])
                .body(&BUILD)
                .answers::<BuildDto>(),
        ),
        Endpoint::at("/package/delete").delete(
            package::delete,
            operation("Deletes a package and its builds").login().body(&PACKAGE).answers::<PackageDto>(),
        ),
    ]
}

fn set(about: &'static str) -> Operation {
    operation(about).login().body(&SETTINGS).body(&SOURCE).answers::<PackageDto>()
}
