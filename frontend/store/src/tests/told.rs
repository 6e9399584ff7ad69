//! What others tell of projects: reports of people, deliveries of forges.

use coppice_model::BuildId;

use super::*;

#[tokio::test]
async fn a_report_outlives_its_project_and_is_resolved_once() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let story = store.write(|tx| {
            let eve = users::insert(tx, &"eve".parse().unwrap(), None, false, NOW)?;
            let project = add_project(tx, "tools")?;
            for message in ["first", "second"] {
                let project = project.reference();
                let new = NewLegalFlag { project, reporter: eve.id, message: message.into() };
                legal_flags::insert(tx, &new, NOW)?;
            }
            projects::delete(tx, project.id)?;
            let open = legal_flags::list_open(tx, Page::ALL)?;
            assert_eq!(
                open.iter().map(|flag| flag.message.as_str()).collect::<Vec<_>>(),
                ["first", "second"]
            );
            assert_eq!(
                (open[0].project.to_string(), &open[0].reporter),
                ("alice/tools".into(), &Some(eve.name))
            );
            let admin = "root".parse().unwrap();
            assert!(legal_flags::resolve(tx, open[0].id, &admin, NOW.plus_seconds(9))?);
            assert!(!legal_flags::resolve(tx, open[0].id, &admin, NOW)?);
            assert_eq!(legal_flags::list_open(tx, Page::ALL)?, open[1..]);
            let resolved = legal_flags::list_resolved(tx, Page::ALL)?.remove(0);
            assert_eq!(resolved.resolved_at, Some(NOW.plus_seconds(9)));
            assert_eq!((resolved.message.as_str(), resolved.resolved_by.as_deref()), ("first", Some("root")));
            Ok::<_, StoreError>(())
        });
        story.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn deliveries_are_listed_newest_first_and_forgotten_in_time() {
    on_both(async |url| {
        let store = Store::open(url).await.unwrap();
        let story = store.write(|tx| {
            let (project, other) = (add_project(tx, "tools")?, add_project(tx, "other")?);
            let told = |event: &str| NewWebhookDelivery {
                forge: "github".into(),
                event: event.into(),
                delivery: Some("6c1e".into()),
                agent: None,
                status: 200,
                outcome: "Matched hello.".into(),
                builds: vec![BuildId(7)],
            };
            for (seconds, event) in [(0, "old"), (5, "newer"), (6, "newest")] {
                webhook_deliveries::insert(tx, project.id, &told(event), NOW.plus_seconds(seconds))?;
            }
            webhook_deliveries::insert(tx, other.id, &told("elsewhere"), NOW)?;
            webhook_deliveries::delete_older(tx, NOW.plus_seconds(5))?;
            let all = webhook_deliveries::list(tx, project.id, 10)?;
            assert_eq!(
                all.iter().map(|d| d.told.clone()).collect::<Vec<_>>(),
                [told("newest"), told("newer")]
            );
            assert_eq!(webhook_deliveries::list(tx, project.id, 1)?[0].received_at, NOW.plus_seconds(6));
            assert_eq!(webhook_deliveries::list(tx, other.id, 10)?, []);
            Ok::<_, StoreError>(())
        });
        story.await.unwrap();
    })
    .await;
}
