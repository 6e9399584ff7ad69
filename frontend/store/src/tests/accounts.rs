//! Accounts: passwords, identities, teams and what is removed with them, on both databases.

use super::*;

fn identity(subject: &str) -> NewIdentity {
    NewIdentity { provider: "fedora".into(), subject: subject.into(), label: format!("name of {subject}") }
}

#[tokio::test]
async fn ways_in_are_kept_found_and_removed_with_all_that_is_about_a_person() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let told = store.write(|tx| {
            let alice = users::insert(tx, &"Alice".parse().unwrap(), Some("a@example.com"), true, NOW)?;
            for hash in ["one", "two"] {
                passwords::set(tx, alice.id, hash, NOW)?;
            }
            identities::insert(tx, alice.id, &identity("1"), NOW)?;
            let project = projects::insert(
                tx,
                &ProjectRef { owner: "Alice".parse().unwrap(), name: "tools".parse().unwrap() },
                &ProjectSettings::default(),
                NOW,
            )?;
            let trusts = NewPublisher {
                issuer: "github".into(),
                repository: "alice/tools".into(),
                workflow: None,
                environment: None,
                git_ref: Some("refs/heads/main".into()),
            };
            let id = publishers::insert(tx, project.id, alice.id, &trusts, NOW)?;
            assert_eq!(publishers::list_for(tx, project.id, "github", "alice/tools")?[0].trusts, trusts);
            assert!(publishers::list_for(tx, project.id, "gitlab", "alice/tools")?.is_empty());
            assert!(!publishers::delete(tx, coppice_model::ProjectId(project.id.0 + 1), id)?);
            assert!(users::is_taken(tx, &"alice".parse().unwrap())?);
            assert!(!users::is_taken(tx, &"alic".parse().unwrap())?);
            assert_eq!(passwords::find_by_name(tx, "Alice")?.unwrap().1, "two");
            let (known, user) = identities::find(tx, "fedora", "1")?.unwrap();
            assert_eq!((user.id, known.label.as_str()), (alice.id, "name of 1"));
            own_data::delete(tx, &alice)?;
            let left = users::get(tx, alice.id)?;
            assert_eq!((left.mail, left.is_admin), (None, false));
            Ok::<_, StoreError>((
                passwords::find(tx, alice.id)?,
                identities::list(tx, alice.id)?.len(),
                publishers::list(tx, project.id)?.len(),
                own_data::projects(tx, &alice.name)?.len(),
            ))
        });
        assert_eq!(told.await.unwrap(), (None, 0, 0, 1));
    })
    .await;
}

#[tokio::test]
async fn members_of_a_group_follow_the_team_it_stands_for() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let done = store.write(|tx| {
            let alice = users::insert(tx, &"alice".parse().unwrap(), None, false, NOW)?;
            let bob = users::insert(tx, &"bob".parse().unwrap(), None, false, NOW)?;
            let words = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
            teams::replace(tx, alice.id, "fedora", &words(&["editors", "packagers", "editors"]))?;
            teams::replace(tx, alice.id, "github", &words(&["editors"]))?;
            let group = groups::insert(tx, &"@editors".parse().unwrap(), NOW)?;
            let by_hand = groups::insert(tx, &"@by-hand".parse().unwrap(), NOW)?;
            groups::insert_member(tx, &by_hand, alice.id)?;
            teams::activate(tx, "fedora", "editors", &group)?;
            let known: Vec<_> =
                teams::list(tx, alice.id)?.into_iter().map(|team| (team.name, team.group)).collect();
            let expected = [("editors", Some("editors")), ("editors", None), ("packagers", None)];
            assert_eq!(known, expected.map(|(name, group)| (name.to_owned(), group.map(str::to_owned))));
            assert!(groups::is_member(tx, "editors", alice.id)?);
            teams::replace(tx, bob.id, "github", &words(&["editors"]))?;
            assert!(!groups::is_member(tx, "editors", bob.id)?, "another provider's team of that name");
            teams::replace(tx, bob.id, "fedora", &words(&["editors"]))?;
            assert!(groups::is_member(tx, "editors", bob.id)?);
            teams::replace(tx, alice.id, "fedora", &[])?;
            assert!(!groups::is_member(tx, "editors", alice.id)?);
            assert!(groups::is_member(tx, "by-hand", alice.id)?, "made by the operator");
            assert_eq!(own_data::groups(tx, alice.id)?, ["by-hand"]);
            Ok::<_, StoreError>(())
        });
        done.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_used_once() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let done = store.write(|tx| {
            let alice = users::insert(tx, &"alice".parse().unwrap(), None, false, NOW)?;
            let new = NewInvitation {
                token_hash: "h".into(),
                note: "for Bob".into(),
                made_by: Some(alice.id),
                expires_at: NOW.plus_seconds(60),
            };
            let id = invitations::insert(tx, &new, NOW)?;
            assert!(invitations::find(tx, "h")?.unwrap().used_at.is_none());
            assert!(invitations::use_up(tx, id, alice.id, NOW)?);
            assert!(!invitations::use_up(tx, id, alice.id, NOW)?);
            assert!(!invitations::delete_unused(tx, id)?);
            assert_eq!(invitations::list(tx, Page::ALL)?[0].used_at, Some(NOW));
            Ok::<_, StoreError>(())
        });
        done.await.unwrap();
    })
    .await;
}

/// A token that ends after `life_s`.
fn token(login: &str, life_s: i64) -> NewApiToken {
    NewApiToken {
        login: login.into(),
        token_hash: format!("hash of {login}"),
        expires_at: NOW.plus_seconds(life_s),
        name: Some("ci".into()),
        scope: TokenScope::default(),
    }
}

#[tokio::test]
async fn a_token_has_one_secret_at_a_time_and_its_use_is_written_seldom() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let done = store.write(|tx| {
            let alice = users::insert(tx, &"alice".parse().unwrap(), None, false, NOW)?;
            let bob = users::insert(tx, &"bob".parse().unwrap(), None, false, NOW)?;
            let id = tokens::insert(tx, alice.id, &token("one", 60), NOW)?;
            let used = |tx: &mut Conn| Ok::<_, StoreError>(tokens::list(tx, alice.id)?[0].used_at);
            assert_eq!(used(tx)?, None);
            for (before, now, kept) in [(0, 100, 100), (99, 200, 100), (100, 200, 200)] {
                tokens::update_used(tx, id, UnixTime(before), UnixTime(now))?;
                assert_eq!(used(tx)?, Some(UnixTime(kept)), "{before} {now}");
            }
            let later = NOW.plus_seconds(30);
            assert!(!tokens::update_secret(tx, bob.id, id, &token("two", 90), later)?);
            assert!(tokens::update_secret(tx, alice.id, id, &token("two", 90), later)?);
            assert_eq!(tokens::find(tx, "one")?, None);
            let (known, _) = tokens::find(tx, "two")?.unwrap();
            assert_eq!((known.id, known.created_at, known.used_at), (id, later, None));
            assert_eq!((known.token_hash.as_str(), known.expires_at), ("hash of two", NOW.plus_seconds(90)));
            Ok::<_, StoreError>(())
        });
        done.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_zone_and_a_block_come_with_the_user_wherever_one_is_found() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let done = store.write(|tx| {
            let alice = users::insert(tx, &"alice".parse().unwrap(), None, false, NOW)?;
            assert_eq!((&alice.zone, &alice.block), (&None, &None));
            let block = Block { at: NOW, by: "root".into(), reason: "spam".into() };
            users::update_zone(tx, alice.id, Some("Europe/Berlin"))?;
            users::update_block(tx, alice.id, Some(&block))?;
            let known = users::find_by_name(tx, "alice")?.unwrap();
            assert_eq!((known.zone.as_deref(), known.block.as_ref()), (Some("Europe/Berlin"), Some(&block)));
            tokens::insert(tx, alice.id, &token("one", 60), NOW)?;
            assert_eq!(tokens::find(tx, "one")?.unwrap().1, known);
            users::update_block(tx, alice.id, None)?;
            assert_eq!(users::get(tx, alice.id)?.block, None);
            own_data::delete(tx, &alice)?;
            assert_eq!(users::get(tx, alice.id)?.zone, None);
            Ok::<_, StoreError>(())
        });
        done.await.unwrap();
    })
    .await;
}

fn trusts(repository: &str) -> NewPublisher {
    NewPublisher {
        issuer: "github".into(),
        repository: repository.into(),
        workflow: None,
        environment: None,
        git_ref: None,
    }
}

#[tokio::test]
async fn identity_tokens_are_spent_once_and_forgotten_when_they_hold_no_more() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let spend = |issuer: &'static str, token: &'static str, end: i64| {
            store.write(move |tx| publishers::spend(tx, issuer, token, UnixTime(end)))
        };
        assert!(spend("github", "1", 100).await.unwrap());
        assert!(!spend("github", "1", 900).await.unwrap());
        assert!(spend("forgejo", "1", 200).await.unwrap(), "another forge counts for itself");
        assert_eq!(store.write(|tx| publishers::delete_spent(tx, UnixTime(100))).await.unwrap(), 1);
        assert!(!spend("forgejo", "1", 200).await.unwrap());
        assert!(spend("github", "1", 300).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn people_find_the_workflows_of_their_projects_and_those_that_they_added() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let done = store.write(|tx| {
            let alice = users::insert(tx, &"alice".parse().unwrap(), None, false, NOW)?;
            let bob = users::insert(tx, &"bob".parse().unwrap(), None, false, NOW)?;
            let own = add_project(tx, "own")?;
            let group = ProjectRef { owner: "@all".parse().unwrap(), name: "group".parse().unwrap() };
            let group = projects::insert(tx, &group, &ProjectSettings::default(), NOW)?;
            let first = publishers::insert(tx, own.id, bob.id, &trusts("bob/own"), NOW)?;
            publishers::insert(tx, group.id, alice.id, &trusts("alice/group"), NOW)?;
            publishers::insert(tx, group.id, bob.id, &trusts("bob/group"), NOW)?;
            let ids = RepositoryIds { repository: "74".into(), owner: "65".into() };
            publishers::update_ids(tx, first, &ids)?;
            assert_eq!(publishers::list(tx, own.id)?[0].ids, Some(ids));
            let shown = |tx: &mut Conn, user: &User| {
                let all = publishers::list_around(tx, user.id, &user.name)?;
                let one = |(publisher, project): (Publisher, ProjectRef)| {
                    format!("{project} {}", publisher.trusts.repository)
                };
                Ok::<_, StoreError>(all.into_iter().map(one).collect::<Vec<_>>())
            };
            assert_eq!(shown(tx, &alice)?, ["@all/group alice/group", "alice/own bob/own"]);
            assert_eq!(shown(tx, &bob)?, ["@all/group bob/group", "alice/own bob/own"]);
            Ok::<_, StoreError>(())
        });
        done.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_unfinished_builds_of_a_user_are_found_wherever_they_are() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let done = store.write(|tx| {
            let (one, other) = (add_project(tx, "one")?, add_project(tx, "other")?);
            let builds = [add_build(tx, &one)?, add_build(tx, &other)?, add_build(tx, &other)?];
            let alice = users::find_by_name(tx, "alice")?.unwrap();
            let bob = users::insert(tx, &"bob".parse().unwrap(), None, false, NOW)?;
            let failed = Build { source_state: SourceState::Failed, ..builds[1].clone() };
            builds::update_source(tx, &builds[1], &failed)?;
            assert_eq!(builds::list_unfinished_of(tx, alice.id)?, [builds[0].id, builds[2].id]);
            assert!(builds::list_unfinished_of(tx, bob.id)?.is_empty());
            Ok::<_, StoreError>(())
        });
        done.await.unwrap();
    })
    .await;
}
