//! Pages that only a form leads to: forms that come back with what is wrong, and what is asked before something goes.

/// As it is filled on a page.
#[derive(Debug)]
pub struct Form {
    /// What happens, for the findings.
    pub name: &'static str,
    pub page: &'static str,
    /// Fields that are typed into, and boxes that are ticked.
    pub filled: &'static [(&'static str, &'static str)],
    pub button: &'static str,
    pub status: u16,
    /// What the page that answers shows somewhere.
    pub shows: &'static str,
}

/// The words that say what is wrong.
const WRONG: &str = "main [role=alert]";
/// They stand at the field, too.
const WRONG_FIELD: &str = "main [aria-invalid=true]";
/// The button that does it at last.
const SURE: &str = "main input[name=confirm]";

const fn refused(
    name: &'static str,
    page: &'static str,
    filled: &'static [(&'static str, &'static str)],
) -> Form {
    Form { name, page, filled, button: "main form[method=post] .pri", status: 400, shows: WRONG }
}

/// What is wrong stands at a field.
const fn refused_field(
    name: &'static str,
    page: &'static str,
    filled: &'static [(&'static str, &'static str)],
) -> Form {
    Form { shows: WRONG_FIELD, ..refused(name, page, filled) }
}

const fn asked(
    name: &'static str,
    page: &'static str,
    filled: &'static [(&'static str, &'static str)],
    button: &'static str,
) -> Form {
    Form { name, page, filled, button, status: 200, shows: SURE }
}

/// Those of a visitor.
pub const VISITOR: &[Form] = &[
    Form {
        button: "main form[method=post] button",
        ..refused("a login refused", "/login/", &[("user", "alice"), ("password", "a guess")])
    },
    refused_field(
        "a sign-up refused",
        "/signup/",
        &[("name", "carol"), ("password", "short"), ("password_again", "short")],
    ),
];

/// Of somebody who logged in elsewhere and whose name is taken.
pub const NEWCOMER: &[Form] =
    &[refused_field("a taken name refused", "/oidc_login/name/", &[("name", "alice")])];

/// Of a member, who owns `tools`.
pub const MEMBER: &[Form] = &[
    refused_field("a new project refused", "/coprs/alice/add/", &[("name", "a b"), ("chroots", "{chroot}")]),
    refused("a new project without chroots refused", "/coprs/alice/add/", &[("name", "fresh")]),
    refused_field("an edit refused", "/coprs/alice/tools/edit/", &[("homepage", "nowhere")]),
    refused_field("a new build refused", "/coprs/alice/tools/add_build/", &[("pkgs", "nowhere")]),
    refused_field(
        "a build from git refused",
        "/coprs/alice/tools/add_build_scm/",
        &[("clone_url", "nowhere")],
    ),
    refused_field("a package refused", "/coprs/alice/tools/package/add/", &[("package_name", "a b")]),
    refused_field("a team refused", "/groups/activate/builders/rust/?provider=gitlab", &[("name", "a b")]),
    asked(
        "builds to cancel",
        "/coprs/alice/tools/builds/",
        &[("build_ids", "{running}"), ("build_ids", "{good}")],
        "#bform button:not([formaction])",
    ),
    asked(
        "builds to delete",
        "/coprs/alice/tools/builds/",
        &[("build_ids", "{failed}"), ("build_ids", "{running}")],
        "#bform button[formaction]",
    ),
    asked(
        "a package to delete",
        "/coprs/alice/tools/package/greet/",
        &[],
        "main form[action$='/delete'] button",
    ),
];
