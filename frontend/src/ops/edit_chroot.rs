//! What a project sets for one of its chroots (contract section 9.2).

use coppice_model::{
    ActionId,
    messages::{Comps, PublishRepositories},
};
use coppice_store::{ChrootSettings, Conn, Project, ProjectChroot, project_chroots, project_dirs};

use super::{Caller, Context, OpError, Problem, additional_repos, order, problem, rights};

const BOOTSTRAPS: [&str; 6] = ["default", "on", "off", "image", "custom_image", "unchanged"];
const ISOLATIONS: [&str; 4] = ["default", "nspawn", "simple", "unchanged"];

/// `None` leaves what is there, an empty value clears it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChrootChanges {
    pub additional_repos: Option<Vec<String>>,
    pub additional_packages: Option<Vec<String>>,
    /// `name:stream`, `!name:stream` switches off.
    pub additional_modules: Option<Vec<String>>,
    pub with_opts: Option<Vec<String>>,
    pub without_opts: Option<Vec<String>>,
    pub bootstrap: Option<String>,
    pub bootstrap_image: Option<String>,
    pub isolation: Option<String>,
    pub delete_comps: bool,
    pub comps: Option<NewComps>,
    /// Back to the default, before anything else.
    pub reset_fields: Vec<String>,
}

/// An uploaded group file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewComps {
    pub name: String,
    pub content: String,
}

pub fn edit_chroot(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    (project, chroot): (&Project, &ProjectChroot),
    changes: &ChrootChanges,
) -> Result<ProjectChroot, OpError> {
    rights::ensure_can_edit(tx, by, project)?;
    let mut settings = chroot.settings.clone();
    for field in &changes.reset_fields {
        reset(&mut settings, field).map_err(|field| unknown(field, project, chroot))?;
    }
    let mut problems = Vec::new();
    changes.check(tx, &mut problems)?;
    problem::ensure_none(problems)?;
    changes.apply(&mut settings);
    project_chroots::update_settings(tx, chroot.id, &settings)?;
    let dropped = settings.comps_name.is_none() && chroot.settings.comps_name.is_some();
    if let Some(comps) = changes.new_comps(dropped) {
        publish(tx, cx, (project, chroot), comps)?;
    }
    Ok(ProjectChroot { settings, ..chroot.clone() })
}

fn reset<'a>(settings: &mut ChrootSettings, field: &'a str) -> Result<(), &'a str> {
    let new = ChrootSettings::default();
    match field {
        "additional_repos" => settings.additional_repos = new.additional_repos,
        "additional_packages" => settings.additional_packages = new.additional_packages,
        "additional_modules" => settings.additional_modules = new.additional_modules,
        "with_opts" => settings.with_opts = new.with_opts,
        "without_opts" => settings.without_opts = new.without_opts,
        "isolation" => settings.isolation = new.isolation,
        "bootstrap" => settings.bootstrap = new.bootstrap,
        "bootstrap_image" => settings.bootstrap_image = new.bootstrap_image,
        "comps_name" => settings.comps_name = new.comps_name,
        // Shown, but nothing that was set.
        "mock_chroot" | "ownername" | "projectname" | "delete_after_days" => {}
        other => return Err(other),
    }
    Ok(())
}

fn unknown(field: &str, project: &Project, chroot: &ProjectChroot) -> OpError {
    OpError::Refused(format!(
        "Trying to reset an invalid attribute: {field}\nSee `copr-cli get-chroot {}/{}' for all the possible attributes",
        project.reference(),
        chroot.name()
    ))
}

/// The repositories of this chroot in every directory; an inactive one is published no more.
fn publish(
    tx: &mut Conn,
    cx: &Context,
    (project, chroot): (&Project, &ProjectChroot),
    comps: Comps,
) -> Result<(), OpError> {
    let chroots = if chroot.is_buildable() { vec![chroot.name().clone()] } else { Vec::new() };
    let wish = PublishRepositories {
        action: ActionId(0),
        project: project.reference(),
        dirs: project_dirs::list(tx, project.id)?.into_iter().map(|dir| dir.name).collect(),
        chroots,
        from_scratch: false,
        comps: Some(comps),
        devel: None,
        grant: None,
    };
    order::publish_as(tx, cx, wish)
}

impl ChrootChanges {
    fn check(&self, conn: &mut Conn, problems: &mut Vec<Problem>) -> Result<(), OpError> {
        for repo in self.additional_repos.iter().flatten() {
            if let Some(problem) = additional_repos::problem(conn, repo)? {
                problems.push(Problem::new("repos", problem));
            }
        }
        for module in self.additional_modules.iter().flatten().filter(|module| !is_module(module)) {
            let text = format!(
                "Module name '{module}' must consist of two parts separated with colon, e.g. module:stream"
            );
            problems.push(Problem::new("module_toggle", text));
        }
        for (field, words) in [
            ("buildroot_pkgs", &self.additional_packages),
            ("with_opts", &self.with_opts),
            ("without_opts", &self.without_opts),
        ] {
            for word in words.iter().flatten().filter(|word| !is_word(word)) {
                let text =
                    format!("'{word}' cannot be used: it begins with '-' or holds a control character");
                problems.push(Problem::new(field, text));
            }
        }
        for (field, value, all) in
            [("bootstrap", &self.bootstrap, &BOOTSTRAPS[..]), ("isolation", &self.isolation, &ISOLATIONS[..])]
        {
            if value.as_deref().is_some_and(|value| !value.is_empty() && !all.contains(&value)) {
                problems.push(Problem::new(field, "Not a valid choice."));
            }
        }
        self.check_texts(problems);
        Ok(())
    }

    fn check_texts(&self, problems: &mut Vec<Problem>) {
        let is_image = |text: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
            text.chars().all(plain) && !text.starts_with('-')
        };
        if self.bootstrap_image.as_deref().is_some_and(|image| !is_image(image)) {
            problems.push(Problem::new("bootstrap_image", "Not the name of a container image."));
        }
        if self.comps.as_ref().is_some_and(|comps| !comps.content.contains("<comps")) {
            problems
                .push(Problem::new("comps", "The file holds no <comps> element, so dnf could not read it."));
        }
    }

    fn apply(&self, settings: &mut ChrootSettings) {
        let set = |field: &mut Vec<String>, given: &Option<Vec<String>>| {
            given.iter().for_each(|given| field.clone_from(given));
        };
        set(&mut settings.additional_repos, &self.additional_repos);
        set(&mut settings.additional_packages, &self.additional_packages);
        set(&mut settings.additional_modules, &self.additional_modules);
        set(&mut settings.with_opts, &self.with_opts);
        set(&mut settings.without_opts, &self.without_opts);
        let word = |given: &str| if given.is_empty() { "unchanged".to_owned() } else { given.to_owned() };
        if let Some(isolation) = &self.isolation {
            settings.isolation = word(isolation);
        }
        if let Some(bootstrap) = &self.bootstrap {
            settings.bootstrap = word(bootstrap);
        }
        if let Some(image) = &self.bootstrap_image {
            settings.bootstrap_image = Some(image.clone()).filter(|image| !image.is_empty());
        }
        // Clients say `image` for both.
        if settings.bootstrap == "image" && settings.bootstrap_image.is_some() {
            settings.bootstrap = "custom_image".into();
        }
        match &self.comps {
            Some(comps) => settings.comps_name = Some(comps.name.clone()),
            None if self.delete_comps => settings.comps_name = None,
            None => {}
        }
    }

    fn new_comps(&self, dropped: bool) -> Option<Comps> {
        match &self.comps {
            Some(comps) => Some(Comps { content: Some(comps.content.clone()) }),
            None => dropped.then_some(Comps { content: None }),
        }
    }
}

fn is_module(text: &str) -> bool {
    let bare = text.strip_prefix('!').unwrap_or(text);
    let plain = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(c))
    };
    bare.split_once(':').is_some_and(|(name, stream)| plain(name) && plain(stream))
}

fn is_word(text: &str) -> bool {
    !text.starts_with('-') && !text.chars().any(char::is_control)
}
