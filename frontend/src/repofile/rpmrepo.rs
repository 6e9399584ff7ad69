//! The same as JSON, for dnf5 (contract section 15).

use serde_json::{Map, Value, json};

use super::{
    project::{Dependency, Options, Published, PublishedDir, Site},
    sections::{copr_id, copr_name, external_id, external_name},
};

pub fn document(site: &Site, published: &Published) -> Value {
    let mut document = json!({
        "results_url": site.results_url,
        "repos": repos(published),
        "directories": published.dirs.iter().map(directory).collect::<Map<_, _>>(),
        "dependencies": dependencies(site, published),
    });
    if let Some(days) = published.delete_after_days {
        document["delete_after_days"] = days.into();
    }
    document
}

fn directory(dir: &PublishedDir) -> (String, Value) {
    let told = dir.delete_after_days.map_or_else(|| json!({}), |days| json!({ "delete_after_days": days }));
    (dir.name.to_string(), told)
}

fn repos(published: &Published) -> Value {
    let mut repos = json!({});
    for chroot in &published.chroots {
        repos[chroot.name_release()]["arch"][chroot.arch()] = json!({ "opts": options(published.options) });
    }
    if published.multilib {
        repos
            .as_object_mut()
            .into_iter()
            .flat_map(Map::values_mut)
            .for_each(|repo| add_multilib(repo, published.options));
    }
    repos
}

fn add_multilib(repo: &mut Value, own: Options) {
    let arches = &mut repo["arch"];
    if arches.get("x86_64").is_some() && arches.get("i386").is_some() {
        let mut opts = options(own);
        opts["cost"] = "1100".into();
        arches["x86_64"]["multilib"] = json!({ "i386": { "opts": opts } });
    }
}

/// Clients write these verbatim into their repository file.
fn options(options: Options) -> Value {
    let mut opts = json!({});
    if options.module_hotfixes {
        opts["module_hotfixes"] = "1".into();
    }
    if let Some(priority) = options.shown_priority() {
        opts["priority"] = priority.into();
    }
    opts
}

fn dependencies(site: &Site, published: &Published) -> Vec<Value> {
    let known = published.dependencies.iter().filter(|d| !matches!(d, Dependency::Missing { .. }));
    known.zip(1..).map(|(dependency, number)| one(site, published, dependency, number)).collect()
}

fn one(site: &Site, published: &Published, dependency: &Dependency, number: usize) -> Value {
    match dependency {
        Dependency::Copr { owner, dir, .. } => json!({
            "opts": { "id": copr_id(site, owner, dir), "name": copr_name(site, published, number, (owner, dir)) },
            "type": "copr",
            "data": { "owner": owner, "projectname": dir },
        }),
        Dependency::External { pattern, priority } => {
            let mut opts = json!({
                "id": external_id(pattern),
                "name": external_name(site, published, number, pattern),
            });
            if let Some(priority) = priority {
                opts["priority"] = (*priority).into();
            }
            json!({ "opts": opts, "type": "external_baseurl", "data": { "pattern": pattern } })
        }
        Dependency::Missing { .. } => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_reads_as_the_contract_shows_it() {
        let site = Site {
            host: "copr.example.com".into(),
            results_url: "https://download.copr.example.com/results".into(),
        };
        let published = Published {
            id: coppice_model::ProjectId(1),
            project: coppice_model::ProjectRef {
                owner: "alice".parse().unwrap(),
                name: "foo".parse().unwrap(),
            },
            dirs: vec![
                PublishedDir { name: "foo".parse().unwrap(), delete_after_days: None },
                PublishedDir { name: "foo:pr:12".parse().unwrap(), delete_after_days: Some(33) },
            ],
            chroots: ["fedora-43-x86_64", "fedora-43-i386", "epel-9-x86_64"]
                .map(|c| c.parse().unwrap())
                .into(),
            multilib: true,
            options: Options { module_hotfixes: true, priority: Some(7) },
            delete_after_days: Some(10),
            dependencies: vec![
                Dependency::Copr {
                    owner: "alice".parse().unwrap(),
                    dir: "dep".parse().unwrap(),
                    options: Options::default(),
                },
                Dependency::External { pattern: "http://ext.example/$chroot/".into(), priority: None },
            ],
        };
        let opts = json!({"module_hotfixes": "1", "priority": 7});
        let expected = json!({
            "results_url": "https://download.copr.example.com/results",
            "repos": {
                "fedora-43": {"arch": {
                    "x86_64": {"opts": opts, "multilib": {"i386": {"opts": {"cost": "1100", "module_hotfixes": "1", "priority": 7}}}},
                    "i386": {"opts": opts}}},
                "epel-9": {"arch": {"x86_64": {"opts": opts}}}},
            "directories": {"foo": {}, "foo:pr:12": {"delete_after_days": 33}},
            "delete_after_days": 10,
            "dependencies": [
                {"opts": {"id": "coprdep:copr.example.com:alice:dep", "name": "Copr copr.example.com/alice/foo runtime dependency #1 - alice/dep"},
                 "type": "copr", "data": {"owner": "alice", "projectname": "dep"}},
                {"opts": {"id": "coprdep:http_ext_example_chroot", "name": "Copr copr.example.com/alice/foo external runtime dependency #2 - http_ext_example_chroot"},
                 "type": "external_baseurl", "data": {"pattern": "http://ext.example/$chroot/"}}]});
        assert_eq!(document(&site, &published), expected);
    }
}
