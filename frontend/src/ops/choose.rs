//! Which chroots a submission goes to: names and shell patterns, minus exclusions.

use coppice_model::ChrootName;
use coppice_store::{PackageSettings, ProjectChroot};

use super::{BuildRequest, Problem};

/// `None` when the user left the choice.
pub(super) fn chroots(
    enabled: &[ProjectChroot],
    request: &BuildRequest,
    problems: &mut Vec<Problem>,
) -> Option<Vec<ChrootName>> {
    let all: Vec<ChrootName> = enabled.iter().map(|chroot| chroot.name().clone()).collect();
    if all.is_empty() {
        problems.push(Problem::new("chroots", "no active chroot is enabled in the project"));
        return None;
    }
    let wanted = request.chroots.as_deref().filter(|wanted| !wanted.is_empty());
    if wanted.is_none() && request.exclude_chroots.is_empty() {
        return None;
    }
    let named = wanted.map_or_else(|| all.clone(), |wanted| named(&all, wanted, problems));
    let excluded = |name: &ChrootName| request.exclude_chroots.iter().any(|p| matches(p, name.as_str()));
    let chosen: Vec<ChrootName> = named.into_iter().filter(|name| !excluded(name)).collect();
    if chosen.is_empty() && problems.is_empty() {
        problems.push(Problem::new("chroots", "no chroot is left to build for"));
    }
    Some(chosen)
}

/// Whether a package is not built for a chroot unless somebody says so.
pub(super) fn is_denied(package: &PackageSettings, chroot: &ChrootName) -> bool {
    package.chroot_denylist.iter().any(|pattern| matches(pattern, chroot.as_str()))
}

/// Those of `all` that some wish names, in the order of `all`.
fn named(all: &[ChrootName], wanted: &[String], problems: &mut Vec<Problem>) -> Vec<ChrootName> {
    for wish in wanted {
        if !all.iter().any(|name| matches(wish, name.as_str())) {
            problems.push(Problem::no_choice("chroots", wish));
        }
    }
    let is_wanted = |name: &&ChrootName| wanted.iter().any(|wish| matches(wish, name.as_str()));
    all.iter().filter(is_wanted).cloned().collect()
}

/// Shell patterns: `*`, `?`, `[abc]`, `[a-z]`, `[!abc]`. One backtracking point keeps it linear in practice.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, t));
            p += 1;
        } else if let Some(next) = one(&pattern[p..], text[t]) {
            p += next;
            t += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            (p, t) = (at + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// How long the first element of the pattern is, if it takes `c`.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => match pattern.iter().skip(2).position(|end| *end == ']') {
            Some(length) => in_class(&pattern[1..length + 2], c).then_some(length + 3),
            None => (c == '[').then_some(1),
        },
        plain => (*plain == c).then_some(1),
    }
}

fn in_class(class: &[char], c: char) -> bool {
    let (negated, class) = match class {
        ['!' | '^', rest @ ..] if !rest.is_empty() => (true, rest),
        class => (false, class),
    };
    let mut rest = class;
    let mut found = false;
    while let Some(first) = rest.first() {
        if let [from, '-', to, ..] = rest {
            found |= (*from..=*to).contains(&c);
            rest = &rest[3..];
        } else {
            found |= *first == c;
            rest = &rest[1..];
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, text) in [
            ("fedora-43-*", "fedora-43-x86_64"),
            ("*", ""),
            ("*-x86_64", "epel-9-x86_64"),
            ("fedora-4[23]-x86_64", "fedora-43-x86_64"),
            ("fedora-4[0-9]-*", "fedora-43-aarch64"),
            ("fedora-4[!2]-*", "fedora-43-aarch64"),
            ("f?dora*43*", "fedora-43-x86_64"),
            ("*a*a*b", "aaaab"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("fedora-42-*", "fedora-43-x86_64"),
            ("fedora", "fedora-43-x86_64"),
            ("fedora-4[!3]-*", "fedora-43-aarch64"),
            ("", "x"),
            ("[", "x"),
            ("[]", "x"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
