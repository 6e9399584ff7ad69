use super::super::{
    build, build_chroot,
    build_dto::{BuildChrootDto, BuildDto, BuiltPackages, SourceChrootDto},
    build_submit,
    operation::{Endpoint, Operation, choice, integer, operation, text, words},
    query::List,
};
use super::{AFTER, BUILD, CHROOT, LIMIT, OFFSET, OWNER, PROJECT, SOURCE};

const STATES: &[&str] = &[
    "waiting",
    "pending",
    "starting",
    "running",
    "importing",
    "succeeded",
    "failed",
    "canceled",
    "skipped",
    "forked",
];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = submissions();
    all.extend(builds());
    all.extend(chroots());
    all
}

fn submission(about: &'static str) -> Operation {
    operation(about).login().body(&BUILD)
}

fn submissions() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/build/check-before-build")
            .post(build_submit::check, submission("Whether a build like this would be taken")),
        Endpoint::at("/build/create/url").post(
            build_submit::from_urls,
            submission("One build for each address")
                .body(&[words("pkgs", "Addresses of SRPMs or spec files").needed()])
                .answers::<List<BuildDto>>(),
        ),
        Endpoint::at("/build/create/upload").post(
            build_submit::from_upload,
            submission("A build of an uploaded SRPM or spec file").file("pkgs").answers::<BuildDto>(),
        ),
        Endpoint::at("/build/create/rpm-upload").post(
            build_submit::from_package,
            submission("Publishes a finished package as it is").file("pkgs").answers::<BuildDto>(),
        ),
        Endpoint::at("/build/create/{method:scm|distgit|pypi|rubygems|custom}").post(
            build_submit::from_method,
            submission("A build of sources that a builder makes").body(&SOURCE).answers::<BuildDto>(),
        ),
        Endpoint::at("/build/resubmit/{id:\\d+}").post(
            build_submit::again,
            operation("The same once more: sources, chroots and options of a build that there was")
                .login()
                .answers::<BuildDto>(),
        ),
    ]
}

fn builds() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/build/list").get(
            build::list,
            operation("Builds of a project, the newest first")
                .query(&[
                    OWNER,
                    PROJECT,
                    text("packagename", "Only of this package"),
                    choice("status", STATES, "Only in this state"),
                    LIMIT,
                    OFFSET,
                    AFTER,
                ])
                .answers::<List<BuildDto>>(),
        ),
        Endpoint::at("/build/delete/list").delete(
            build::delete_list,
            operation("Deletes several builds, or none")
                .login()
                .body(&[words("builds", "Their ids").needed()]),
        ),
        Endpoint::at("/build/delete/{id:\\d+}").delete(
            build::delete,
            operation("Deletes a build with its results").login().answers::<BuildDto>(),
        ),
        Endpoint::at("/build/cancel/{id:\\d+}")
            .put(build::cancel, operation("Stops a build").login().answers::<BuildDto>()),
        Endpoint::at("/build/source-chroot/{id:\\d+}").get(
            build::source_chroot,
            operation("How it is with the sources of a build").answers::<SourceChrootDto>(),
        ),
        Endpoint::at("/build/source-build-config/{id:\\d+}")
            .get(build::source_build_config, operation("Where the sources of a build come from")),
        Endpoint::at("/build/built-packages/{id:\\d+}")
            .get(build::packages, operation("What a build made, for each chroot")),
        Endpoint::at("/build/{id:\\d+}").get(build::get, operation("One build").answers::<BuildDto>()),
    ]
}

/// Each in a new form with a query and an old one with a path.
fn chroots() -> Vec<Endpoint> {
    let of_build = integer("build_id", "Its number").needed();
    let one = || operation("A build in one chroot").answers::<BuildChrootDto>();
    let list =
        || operation("The chroots of a build").query(&[LIMIT, OFFSET]).answers::<List<BuildChrootDto>>();
    let config = || operation("What a build was configured with in one chroot");
    let packages = || operation("What a build made in one chroot").answers::<BuiltPackages>();
    vec![
        Endpoint::at("/build-chroot").get(build_chroot::get, one().query(&[of_build, CHROOT])),
        Endpoint::at("/build-chroot/list").get(build_chroot::list, list().query(&[of_build])),
        Endpoint::at("/build-chroot/list/{id:\\d+}").get(build_chroot::list_by_path, list()),
        Endpoint::at("/build-chroot/build-config")
            .get(build_chroot::build_config, config().query(&[of_build, CHROOT])),
        Endpoint::at("/build-chroot/build-config/{id:\\d+}/{chroot}")
            .get(build_chroot::build_config_by_path, config()),
        Endpoint::at("/build-chroot/built-packages")
            .get(build_chroot::packages, packages().query(&[of_build, CHROOT])),
        Endpoint::at("/build-chroot/built-packages/{id:\\d+}/{chroot}")
            .get(build_chroot::packages_by_path, packages()),
        Endpoint::at("/build-chroot/{id:\\d+}/{chroot}").get(build_chroot::get_by_path, one()),
    ]
}
