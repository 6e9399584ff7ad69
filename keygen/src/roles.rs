//! Which of its keys does what for a project: one small file each, old or new, never half.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use coppice_model::{ProjectRef, signing::KeyRole};
use coppice_runtime::files;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub fingerprint: String,
    pub role: KeyRole,
}

/// The current key first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roles(pub Vec<Holder>);

impl Roles {
    pub fn only(fingerprint: &str) -> Self {
        Self(vec![Holder { fingerprint: fingerprint.to_owned(), role: KeyRole::Current }])
    }

    pub fn with(&self, role: KeyRole) -> Option<&str> {
        self.0.iter().find(|holder| holder.role == role).map(|holder| holder.fingerprint.as_str())
    }

    pub fn of(&self, fingerprint: &str) -> Option<KeyRole> {
        self.0.iter().find(|holder| holder.fingerprint == fingerprint).map(|holder| holder.role)
    }

    /// A rotation begins.
    pub fn begin(&mut self, next: &str) {
        self.0.push(Holder { fingerprint: next.to_owned(), role: KeyRole::Next });
    }

    /// A rotation ends: the next key is the current one now, which it then stays when this is said again.
    pub fn finish(&mut self, next: &str, compromised: bool) {
        if self.with(KeyRole::Next) != Some(next) {
            return;
        }
        let old = if compromised { KeyRole::Revoked } else { KeyRole::Retired };
        for holder in &mut self.0 {
            holder.role = match holder.role {
                KeyRole::Current => old,
                KeyRole::Next => KeyRole::Current,
                other => other,
            };
        }
        self.0.sort_by_key(|holder| holder.role != KeyRole::Current);
    }
}

#[derive(Debug, Clone)]
pub struct RoleFiles(PathBuf);

impl RoleFiles {
    pub fn new(data_dir: &Path) -> Self {
        Self(data_dir.join("roles"))
    }

    /// `None`: no key of the project was ever made by a service that knew of roles.
    pub fn get(&self, project: &ProjectRef) -> io::Result<Option<Roles>> {
        match fs::read(self.path(project)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            bytes => Ok(Some(serde_json::from_slice(&bytes?)?)),
        }
    }

    pub fn put(&self, project: &ProjectRef, roles: &Roles) -> io::Result<()> {
        let path = self.path(project);
        fs::create_dir_all(path.parent().unwrap_or(&self.0))?;
        files::write_atomic(&path, &serde_json::to_vec_pretty(roles)?)
    }

    fn path(&self, project: &ProjectRef) -> PathBuf {
        self.0.join(project.owner.as_str()).join(format!("{}.json", project.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_moves_the_roles_once() {
        let mut roles = Roles::only("A");
        roles.finish("B", false);
        assert_eq!(roles, Roles::only("A"), "nothing was begun");
        roles.begin("B");
        assert_eq!((roles.with(KeyRole::Current), roles.with(KeyRole::Next)), (Some("A"), Some("B")));
        for _ in 0..2 {
            roles.finish("B", false);
            assert_eq!((roles.of("A"), roles.of("B")), (Some(KeyRole::Retired), Some(KeyRole::Current)));
            assert_eq!(roles.0[0].fingerprint, "B");
        }
        roles.begin("C");
        roles.finish("C", true);
        assert_eq!((roles.of("A"), roles.of("B")), (Some(KeyRole::Retired), Some(KeyRole::Revoked)));
    }
}
