//! Command lines for RPM's programs inside a sandbox, and what they print.

use coppice_model::package::Nevra;

use super::step::{BUILDER_HOME, SOURCE_DIR, TOP_DIR};
use crate::runner::Order;

/// rpm cannot own what is mounted while it installs.
pub const MOUNTED: &str = "_netsharedpath /dev:/proc:/sys";
const QUERY: &str = "%{NAME}\\t%|EPOCH?{%{EPOCH}}|\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\n";

pub fn environment() -> Vec<(String, String)> {
    [
        ("HOME", BUILDER_HOME),
        ("PATH", "/usr/bin:/bin:/usr/sbin:/sbin"),
        ("LANG", "C.UTF-8"),
        ("SHELL", "/bin/bash"),
        ("TERM", "vt100"),
        ("USER", "builder"),
        ("LOGNAME", "builder"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

pub fn expand(order: Order<'_>) -> Vec<String> {
    command("rpmspec", order, &["-P"])
}

pub fn source_package(order: Order<'_>) -> Vec<String> {
    command("rpmbuild", order, &["-bs", "--nodeps"])
}

/// With dynamic requirements the source package is made again: now it knows them.
pub fn packages(order: Order<'_>) -> Vec<String> {
    let spec = std::fs::read_to_string(order.spec_path()).unwrap_or_default();
    let dynamic = spec.lines().any(|line| line.trim_start().starts_with("%generate_buildrequires"));
    command("rpmbuild", order, &[if dynamic { "-ba" } else { "-bb" }])
}

pub fn query_all() -> Vec<String> {
    ["rpm", "-qa", "--qf", QUERY].map(str::to_owned).into()
}

fn command(program: &str, order: Order<'_>, mode: &[&str]) -> Vec<String> {
    let mut line = vec![program.to_owned()];
    line.extend(mode.iter().map(ToString::to_string));
    for (name, value) in defines(order) {
        line.extend(["--define".to_owned(), format!("{name} {value}")]);
    }
    let arch = order.environment.chroot.name.arch();
    if arch != crate::attempt::arch() {
        line.extend(["--target".to_owned(), arch.to_owned()]);
    }
    for (option, names) in
        [("--with", &order.environment.with_opts), ("--without", &order.environment.without_opts)]
    {
        line.extend(names.iter().flat_map(|name| [option.to_owned(), name.clone()]));
    }
    line.push(format!("{SOURCE_DIR}/{}", order.spec));
    line
}

/// Fixed places, and times from the changelog: the same sources give the same packages.
fn defines(order: Order<'_>) -> Vec<(String, String)> {
    let fixed = [
        ("_topdir", TOP_DIR),
        ("_buildhost", "builder"),
        ("source_date_epoch_from_changelog", "1"),
        ("clamp_mtime_to_source_date_epoch", "1"),
        ("use_source_date_epoch_as_buildtime", "1"),
    ];
    let fixed = fixed.map(|(name, value)| (name.to_owned(), value.to_owned()));
    fixed.into_iter().chain(order.macros()).collect()
}

/// Reads what `query_all` printed, sorted; keys of repositories are no packages.
pub fn parse_query(text: &str) -> Vec<Nevra> {
    let mut packages: Vec<Nevra> = text.lines().filter_map(package).collect();
    packages.sort();
    packages
}

fn package(line: &str) -> Option<Nevra> {
    let parts: Vec<&str> = line.split('\t').collect();
    let [name, epoch, version, release, arch] = parts.as_slice() else { return None };
    let text = |part: &&str| (*part).to_owned();
    (*name != "gpg-pubkey").then(|| Nevra {
        name: text(name),
        epoch: epoch.parse().ok(),
        version: text(version),
        release: text(release),
        arch: text(arch),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buildroot_is_listed_in_order_without_keys() {
        let found =
            parse_query("zlib\t1\t1.2\t3\tx86_64\ngpg-pubkey\t\ta\tb\t(none)\nbash\t\t5\t1\tx86_64\n");
        assert_eq!(
            found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["bash-5-1.x86_64", "zlib-1:1.2-3.x86_64"]
        );
    }
}
