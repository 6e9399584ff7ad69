//! What a sandbox sees: its root, the folders bound into it, and file systems of its own.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sys::statvfs::{FsFlags, statvfs},
    unistd::{Gid, Uid, chdir, chown, pivot_root},
};

use super::step::{Action, BUILDER_HOME, Root, SOURCE_DIR, Step, TOP_DIR};

const NONE: Option<&str> = None;
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Mounts everything; the caller still sees the host.
pub fn make(step: &Step) -> io::Result<()> {
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)?;
    let Some((root, at)) = &step.root else { return Ok(()) };
    mount_root(root, at)?;
    for bind in &step.binds {
        let target = plain_folder(at, &bind.to)?;
        attach(&bind.from, &target)?;
        if !bind.writable {
            make_read_only(&target)?;
        }
    }
    if matches!(step.action, Action::Collect { .. }) {
        return Ok(());
    }
    own_systems(step, at)?;
    if let Action::OnHost { writable, .. } = &step.action {
        guard_host(at, writable)?;
    } else if step.network {
        copy_resolver(at)?;
    }
    if stays_on_host(&step.action) {
        // Programs of the host shall see this world's processes as well.
        mount_type("proc", Path::new("/proc"), MsFlags::empty(), "")?;
    }
    Ok(())
}

fn stays_on_host(action: &Action) -> bool {
    action.is_wrapped() || matches!(action, Action::OnHost { .. })
}

/// Makes everything read-only but the mounted root and some folders.
fn guard_host(at: &Path, writable: &[PathBuf]) -> io::Result<()> {
    for folder in writable {
        attach(folder, folder)?;
    }
    // libdnf insists on /tmp, and repositories of the operator may lie there.
    let temporary = Path::new("/tmp");
    attach(temporary, temporary)?;
    let mounted = fs::read_to_string("/proc/self/mountinfo")?;
    let points = mounted.lines().filter_map(|line| line.split(' ').nth(4)).map(unescaped);
    let open =
        |point: &Path| point == temporary || point.starts_with(at) || writable.iter().any(|w| w == point);
    for point in points.filter(|point| !open(point)) {
        match make_read_only(&point) {
            // What lies below a mount of its own cannot be seen, nor be written to.
            Err(error) if point == Path::new("/") => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The kernel writes blanks and their like as three octal digits.
fn unescaped(path: &str) -> PathBuf {
    let plain = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    PathBuf::from(plain.iter().fold(path.to_owned(), |path, (code, c)| path.replace(code, c)))
}

fn mount_root(root: &Root, at: &Path) -> io::Result<()> {
    match root {
        Root::Plain(folder) => attach(folder, at),
        Root::Overlay { lower, upper, work } => {
            // Left by an earlier visit to the same overlay, which was unmounted in order.
            remove(&work.join("work/incompat"))?;
            let options = format!(
                "lowerdir={},upperdir={},workdir={},userxattr",
                lower.display(),
                upper.display(),
                work.display()
            );
            // Nothing of a build has to survive a power cut, so nothing is synchronized.
            mount_type("overlay", at, MsFlags::empty(), &format!("{options},volatile"))
                .or_else(|_| mount_type("overlay", at, MsFlags::empty(), &options))
                .map_err(|error| io::Error::other(format!("mounting an overlay: {error}")))
        }
    }
}

fn own_systems(step: &Step, at: &Path) -> io::Result<()> {
    let guarded = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let proc = plain_folder(at, "proc")?;
    // Bubblewrap mounts one that shows less.
    if !step.action.is_wrapped() {
        mount_type("proc", &proc, guarded, "")
            .map_err(|error| io::Error::other(format!("mounting /proc: {error}")))?;
    }
    if !step.network {
        // Only allowed in a network namespace of one's own; builds get along without it.
        let mounted = mount_type("sysfs", &plain_folder(at, "sys")?, guarded | MsFlags::MS_RDONLY, "");
        drop(mounted);
    }
    devices(step, at)
}

fn devices(step: &Step, at: &Path) -> io::Result<()> {
    let dev = plain_folder(at, "dev")?;
    let guarded = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount_type("tmpfs", &dev, guarded, "mode=755,size=1m")?;
    for name in DEVICES {
        let node = dev.join(name);
        fs::File::create(&node)?;
        attach(&Path::new("/dev").join(name), &node)?;
    }
    let links = [
        ("fd", "/proc/self/fd"),
        ("stdin", "fd/0"),
        ("stdout", "fd/1"),
        ("stderr", "fd/2"),
        ("ptmx", "pts/ptmx"),
    ];
    for (name, target) in links {
        symlink(target, dev.join(name))?;
    }
    fs::create_dir(dev.join("pts"))?;
    mount_type("devpts", &dev.join("pts"), guarded, "newinstance,ptmxmode=0666,mode=620")?;
    fs::create_dir(dev.join("shm"))?;
    let size_mb = (step.memory_mb / 4).max(16);
    let shared = guarded | MsFlags::MS_NODEV;
    mount_type("tmpfs", &dev.join("shm"), shared, &format!("mode=1777,size={size_mb}m"))
}

fn copy_resolver(at: &Path) -> io::Result<()> {
    let target = plain_folder(at, "etc")?.join("resolv.conf");
    remove(&target)?;
    fs::write(target, fs::read("/etc/resolv.conf").unwrap_or_default())
}

/// Makes the mounted root the only thing there is.
pub fn enter(step: &Step) -> io::Result<()> {
    let Some((_, at)) = &step.root else { return Err(io::Error::other("no root to enter")) };
    chdir(at)?;
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    Ok(chdir("/")?)
}

/// Shows the mounted root where everybody may go: the builder's id cannot pass folders of the agent alone.
pub fn expose(step: &Step) -> io::Result<PathBuf> {
    let Some((_, at)) = &step.root else { return Err(io::Error::other("no root to show")) };
    // Every host has this folder, and no program lies below it.
    let place = Path::new("/sys");
    mount_type("tmpfs", place, MsFlags::MS_NOSUID | MsFlags::MS_NODEV, "mode=755,size=1m")?;
    let root = place.join("root");
    fs::create_dir(&root)?;
    attach(at, &root)?;
    Ok(root)
}

/// Folders that every build expects, and those that belong to the builder.
pub fn lay_out(root: &Path, builder: Option<u32>) -> io::Result<()> {
    for folder in ["/tmp", "/var/tmp"] {
        let folder = plain_folder(root, folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o1777))?;
    }
    let inner = ["BUILD", "BUILDROOT", "RPMS", "SRPMS", "SPECS"].map(|name| format!("{TOP_DIR}/{name}"));
    let folders = [BUILDER_HOME, TOP_DIR].map(str::to_owned).into_iter().chain(inner);
    for folder in folders {
        let folder = plain_folder(root, &folder)?;
        if let Some(id) = builder {
            chown(&folder, Some(Uid::from_raw(id)), Some(Gid::from_raw(id)))?;
        }
    }
    plain_folder(root, SOURCE_DIR).map(drop)
}

/// A folder of the root, made if absent. A link on the way is replaced: what a build left there must not
/// lead to the host. Nothing of the build is running now.
fn plain_folder(root: &Path, inside: &str) -> io::Result<PathBuf> {
    let mut path = root.to_owned();
    for part in Path::new(inside.trim_start_matches('/')).components() {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => continue,
            Ok(_) => fs::remove_file(&path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        fs::DirBuilder::new().mode(0o755).create(&path)?;
    }
    Ok(path)
}

fn attach(from: &Path, to: &Path) -> io::Result<()> {
    let attached = mount(Some(from), to, NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE);
    attached.map_err(|error| io::Error::other(format!("mounting {}: {error}", from.display())))
}

/// A remount inside a user namespace must keep the flags that the host set.
fn make_read_only(at: &Path) -> io::Result<()> {
    let has = statvfs(at)?.flags();
    let mut flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    for (set, flag) in [
        (FsFlags::ST_NOSUID, MsFlags::MS_NOSUID),
        (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ] {
        flags.set(flag, has.contains(set) || flags.contains(flag));
    }
    Ok(mount(NONE, at, NONE, flags, NONE)?)
}

fn mount_type(kind: &str, at: &Path, flags: MsFlags, options: &str) -> io::Result<()> {
    Ok(mount(Some(kind), at, Some(kind), flags, Some(options))?)
}

/// Removes whatever is there; absent is fine.
pub fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_a_build_left_is_replaced_by_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let host = dir.path().join("host");
        let root = dir.path().join("root");
        fs::create_dir_all(&host).unwrap();
        fs::create_dir_all(&root).unwrap();
        symlink(&host, root.join("builddir")).unwrap();
        let found = plain_folder(&root, "/builddir/build").unwrap();
        assert_eq!(found, root.join("builddir/build"));
        assert!(fs::symlink_metadata(root.join("builddir")).unwrap().is_dir());
        assert_eq!(fs::read_dir(&host).unwrap().count(), 0);
    }
}
