//! One tree below /usr: where Debian's old paths go, and where links then point.

const MOVED: [&str; 4] = ["/bin", "/sbin", "/lib", "/lib64"];

/// The path after the merge: `/bin/cat` is `/usr/bin/cat`.
pub fn merged(path: &str) -> String {
    let moves = MOVED
        .iter()
        .any(|top| path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    if moves { format!("/usr{path}") } else { path.to_owned() }
}

/// Where a link found at `link` must point after both its place and its target may have moved.
pub fn merged_target(link: &str, target: &str) -> String {
    if target.starts_with('/') {
        return merged(target);
    }
    let aim = resolved(parent(link), target);
    if merged(link) == link && merged(&aim) == aim {
        return target.to_owned();
    }
    relative(parent(&merged(link)), &merged(&aim))
}

pub fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((parent, _)) => parent,
    }
}

/// The absolute path that `target` means inside `dir`.
fn resolved(dir: &str, target: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in dir.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

fn relative(from_dir: &str, to: &str) -> String {
    let from: Vec<&str> = from_dir.split('/').filter(|part| !part.is_empty()).collect();
    let to: Vec<&str> = to.split('/').filter(|part| !part.is_empty()).collect();
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", from.len() - shared);
    up.chain(to[shared..].iter().copied()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_four_top_folders_move() {
        for (old, new) in [
            ("/bin/cat", "/usr/bin/cat"),
            ("/lib64/ld-linux-x86-64.so.2", "/usr/lib64/ld-linux-x86-64.so.2"),
            ("/lib", "/usr/lib"),
            ("/library/x", "/library/x"),
            ("/etc/lib/x", "/etc/lib/x"),
            ("/usr/bin/env", "/usr/bin/env"),
        ] {
            assert_eq!(merged(old), new);
        }
    }

    #[test]
    fn links_still_reach_their_target_after_the_move() {
        for (link, target, expected) in [
            ("/bin/rbash", "bash", "bash"),
            ("/lib64/ld.so.2", "/lib/x/ld.so.2", "/usr/lib/x/ld.so.2"),
            ("/usr/lib/x/libz.so", "/lib/x/libz.so.1", "/usr/lib/x/libz.so.1"),
            ("/usr/lib/x/libz.so", "../../../lib/x/libz.so.1", "libz.so.1"),
            ("/sbin/rmt", "../usr/sbin/rmt-tar", "rmt-tar"),
            ("/lib/a/b", "../../etc/c", "../../../etc/c"),
            ("/usr/share/file/magic.mgc", "../../lib/file/magic.mgc", "../../lib/file/magic.mgc"),
        ] {
            assert_eq!(merged_target(link, target), expected, "{link} -> {target}");
        }
    }
}
