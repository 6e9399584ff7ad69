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
            own_data::delete(tx, alice.id)?;
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
