use super::super::{
    operation::{Endpoint, Field, choice, flag, integer, operation, text, words},
    permissions, project, project_chroot,
    project_dto::ProjectDto,
    publishing,
    query::List,
};
use super::{
    AFTER, BOOTSTRAPS, CHROOT, DIRNAME, ISOLATIONS, LIMIT, OFFSET, ORDER, ORDER_TYPE, OWNER, PROJECT,
};

/// What can be set of a project.
const SETTINGS: [Field; 21] = [
    words("chroots", "What it builds for"),
    text("description", "Markdown"),
    text("instructions", "Markdown"),
    text("homepage", "An address"),
    text("contact", "A mail address or an address of the web"),
    words("additional_repos", "Repositories that builds install from: addresses, or `copr://OWNER/PROJECT`"),
    flag("unlisted_on_hp", "Not shown on the home page"),
    flag("devel_mode", "Builds see new packages, users only when the repository is regenerated"),
    flag("enable_net", "Whether builds may reach the network"),
    flag("auto_prune", "Old builds go away by themselves"),
    choice("bootstrap", BOOTSTRAPS, "Mock's bootstrap"),
    choice("isolation", ISOLATIONS, "Mock's isolation"),
    flag("follow_fedora_branching", "New Fedora releases are enabled by themselves"),
    integer("delete_after_days", "The project goes away then; -1: never"),
    flag("multilib", "Users of one architecture see the other too"),
    flag("module_hotfixes", "Packages of modules do not hide ours"),
    flag("appstream", "AppStream metadata is made"),
    flag("fedora_review", "fedora-review runs after builds"),
    words("runtime_dependencies", "Repositories that users need too"),
    words("packit_forge_projects_allowed", "Whose pull requests may build here"),
    integer("repo_priority", "DNF's priority, 1 to 99"),
];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = vec![
        Endpoint::at("/project")
            .get(project::get, operation("One project").query(&[OWNER, PROJECT]).answers::<ProjectDto>()),
        Endpoint::at("/project/list").get(
            project::list,
            operation("Projects of one owner or of all")
                .query(&[text("ownername", "A user, or `@group`"), LIMIT, OFFSET, ORDER, ORDER_TYPE, AFTER])
                .answers::<List<ProjectDto>>(),
        ),
        Endpoint::at("/project/search").get(
            project::search,
            operation("Projects by words")
                .query(&[text("query", "At least 3 characters, or `OWNER/NAME`").needed(), LIMIT, OFFSET])
                .answers::<List<ProjectDto>>(),
        ),
        Endpoint::at("/project/add/{owner}").post(
            project::add,
            operation("A new project")
                .login()
                .query(&[flag("exist_ok", "One that exists is answered as it is")])
                .body(&[
                    text("name", "Letters, digits, `_`, `-` and `.`").needed(),
                    flag("persistent", "Nobody can delete it; for admins"),
                    choice("key_algorithm", &["rsa4096", "ed25519"], "Of the project's key"),
                ])
                .body(&SETTINGS)
                .answers::<ProjectDto>(),
        ),
        Endpoint::at("/project/edit/{owner}/{project}").put(
            project::edit,
            operation("Changes what is given").login().body(&SETTINGS).answers::<ProjectDto>(),
        ),
        Endpoint::at("/project/regenerate-repos/{owner}/{project}").put(
            project::regenerate,
            operation("Makes the repositories anew").login().answers::<ProjectDto>(),
        ),
        Endpoint::at("/project/fork/{owner}/{project}").put(
            project::fork,
            operation("Copies settings, packages and their newest good builds")
                .login()
                .body(&[
                    text("name", "Of the copy").needed(),
                    text("ownername", "Of the copy; without it you"),
                    flag("confirm", "The copy may exist"),
                ])
                .answers::<ProjectDto>(),
        ),
        Endpoint::at("/project/delete/{owner}/{project}").delete(
            project::delete,
            operation("Deletes a project with everything in it")
                .login()
                .body(&[flag("verify", "Not looked at")])
                .answers::<ProjectDto>(),
        ),
    ];
    all.extend(roles());
    all.extend(repositories());
    all.extend(chroots());
    all
}

fn roles() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/webhook/generate/{owner}/{project}")
            .post(project::renew_webhook_secret, operation("A new secret for webhooks").login()),
        Endpoint::at("/project/permissions/get/{owner}/{project}")
            .get(permissions::list, operation("Who has or wants which role").login()),
        Endpoint::at("/project/permissions/set/{owner}/{project}").put(
            permissions::set,
            operation("User → role (`admin`, `builder`) → `nothing`, `request` or `approved`").login().open(),
        ),
        Endpoint::at("/project/permissions/request/{owner}/{project}").put(
            permissions::request,
            operation("Asks for roles or gives them up")
                .login()
                .body(&[flag("admin", "Whether you want it"), flag("builder", "Whether you want it")]),
        ),
        Endpoint::at("/project/permissions/can_build_in/{who}/{owner}/{project}")
            .get(permissions::can_build_in, operation("Whether a user may build there")),
    ]
}

fn repositories() -> Vec<Endpoint> {
    let project = [OWNER, PROJECT];
    vec![
        Endpoint::at("/project/key").get(
            publishing::list_keys,
            operation("The project's keys, the current one first").query(&project),
        ),
        Endpoint::at("/project/key/renew").post(
            publishing::renew_key,
            operation("A longer life for the key")
                .login()
                .body(&project)
                .body(&[integer("expires_on", "Unix time; without it as usual")]),
        ),
        Endpoint::at("/project/key/rotate").post(
            publishing::rotate_key,
            operation("Another key; everything is signed anew").login().body(&project).body(&[
                choice("algorithm", &["rsa4096", "ed25519"], "Without it as before"),
                flag("compromised", "The old one may be in other hands"),
            ]),
        ),
        Endpoint::at("/project/actions").get(
            publishing::list_actions,
            operation("What was ordered for the project, and how it went").query(&project),
        ),
        Endpoint::at("/project-chroot/snapshots").get(
            publishing::list_snapshots,
            operation("Earlier publishes of a repository").query(&[OWNER, PROJECT, CHROOT, DIRNAME]),
        ),
        Endpoint::at("/project-chroot/roll-back").post(
            publishing::roll_back,
            operation("Makes an earlier publish the current one").login().body(&[
                OWNER,
                PROJECT,
                CHROOT,
                DIRNAME,
                integer("snapshot", "Its number").needed(),
            ]),
        ),
    ]
}

fn chroots() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/project-chroot/edit/{owner}/{project}/{chroot}").put(
            project_chroot::edit,
            operation("Changes what is given of a chroot of a project")
                .login()
                .body(&[
                    words("additional_repos", "Repositories that builds install from"),
                    words("additional_packages", "In every buildroot"),
                    text("additional_modules", "Separated by commas"),
                    words("with_opts", "rpmbuild --with"),
                    words("without_opts", "rpmbuild --without"),
                    text("bootstrap", "Mock's bootstrap"),
                    text("bootstrap_image", "Of a container registry"),
                    choice("isolation", ISOLATIONS, "Mock's isolation"),
                    flag("delete_comps", "The repository has no groups any more"),
                    words("reset_fields", "These become as they were at first"),
                ])
                .file("upload_comps")
                .answers::<project_chroot::ProjectChrootDto>(),
        ),
        Endpoint::at("/project-chroot").get(
            project_chroot::get,
            operation("One chroot of a project")
                .query(&[OWNER, PROJECT, CHROOT])
                .answers::<project_chroot::ProjectChrootDto>(),
        ),
        Endpoint::at("/project-chroot/build-config").get(
            project_chroot::build_config,
            operation("What a build in this chroot would be configured with")
                .query(&[OWNER, PROJECT, CHROOT]),
        ),
    ]
}
