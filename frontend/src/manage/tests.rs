use coppice_runtime::secret::hash_token;

use super::*;
use crate::ops;

async fn store(folder: &tempfile::TempDir) -> Store {
    Store::open(&format!("sqlite://{}/db", folder.path().display())).await.unwrap()
}

async fn say(store: &Store, line: &str) -> Result<String, ManageError> {
    #[derive(clap::Parser)]
    struct Cli {
        #[command(subcommand)]
        command: Command,
    }
    let words = std::iter::once("manage").chain(line.split_whitespace());
    let cli = <Cli as clap::Parser>::try_parse_from(words).unwrap();
    // Only rules that tell other services read the secret.
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&secret, "a secret of the tests, shared with keygen").unwrap();
    let config = Config {
        public_url: "http://copr.example.com/".into(),
        keygen_secret_file: secret.path().to_owned(),
        ..Config::default()
    };
    answer(cli.command, store, &Clock::at(1_795_355_741), &config).await
}

#[tokio::test]
async fn a_printed_token_logs_in() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    assert!(say(&store, "token alice").await.is_err());
    say(&store, "user-add alice --mail a@example.com").await.unwrap();
    say(&store, "user-add alice --admin").await.unwrap();
    let text = say(&store, "token alice").await.unwrap();
    let value = |key: &str| -> String {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")));
        line.unwrap().to_owned()
    };
    assert!(text.starts_with("[copr-cli]\n") && text.ends_with("# expiration date: 2027-05-21\n"), "{text}");
    assert_eq!(
        (value("copr_url").as_str(), value("encrypted").as_str()),
        ("http://copr.example.com", "False")
    );
    let (login, token) = (value("login"), value("token"));
    assert_eq!((login.len(), token.len()), (20, 30));
    assert!(format!("{login}{token}").bytes().all(|b| b.is_ascii_lowercase()));
    let user = store
        .read(move |conn| {
            ops::authenticate(conn, &login, &hash_token(&token), coppice_model::UnixTime(1_795_355_742))
        })
        .await
        .unwrap()
        .caller;
    assert_eq!(
        (user.user.name.as_str(), user.user.is_admin, user.user.mail.as_deref()),
        ("alice", true, Some("a@example.com"))
    );
}

#[tokio::test]
async fn a_chroot_is_added_changed_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let add = "chroot-add fedora-43-x86_64 --runner sandbox --repo base=file:///srv/repo --setup @build";
    say(&store, add).await.unwrap();
    say(&store, &format!("{add} --comment soon")).await.unwrap();
    let list = || async { say(&store, "chroot-list").await.unwrap() };
    assert_eq!(list().await, "fedora-43-x86_64\tactive\tsandbox\tf43\tsoon\n");
    say(&store, "chroot-deactivate fedora-43-x86_64").await.unwrap();
    assert_eq!(list().await, "fedora-43-x86_64\tinactive\tsandbox\tf43\tsoon\n");
    say(&store, "chroot-add fedora-43-x86_64 --runner mock --mock-config fedora-43-x86_64").await.unwrap();
    assert_eq!(list().await, "fedora-43-x86_64\tactive\tmock\tf43\t\n");
    for wrong in [
        "chroot-add fedora --runner mock --mock-config x",
        "chroot-add fedora-43-x86_64 --runner sandbox",
        "chroot-add fedora-43-x86_64 --runner sandbox --repo nourl",
        "chroot-add fedora-43-x86_64 --runner sandbox --repo a=ftp://x",
        "chroot-add fedora-43-x86_64 --runner sandbox --repo a=http://x --mock-config y",
        "chroot-deactivate nothing-1-x86_64",
        "user-add @team",
        "user-add a/b",
    ] {
        assert!(matches!(say(&store, wrong).await, Err(ManageError::Refused(_))), "{wrong}");
    }
}

#[test]
fn branches_are_named_after_distributions() {
    for (chroot, branch) in [
        ("fedora-43-x86_64", "f43"),
        ("fedora-rawhide-aarch64", "rawhide"),
        ("epel-9-x86_64", "epel9"),
        ("centos-stream-9-x86_64", "c9s"),
        ("opensuse-leap-15.6-x86_64", "opensuse-leap-15.6"),
    ] {
        assert_eq!(chroots::branch(&chroot.parse().unwrap()), branch);
    }
}

#[tokio::test]
async fn groups_get_members_and_lose_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    assert!(say(&store, "group-member team alice").await.is_err());
    for line in
        ["user-add alice --mail a@example.com", "user-add root --admin", "group-add team", "group-add @empty"]
    {
        say(&store, line).await.unwrap();
    }
    assert!(say(&store, "group-add a/b").await.is_err());
    assert!(say(&store, "group-member team nosuch").await.is_err());
    for _ in 0..2 {
        assert_eq!(say(&store, "group-member @team alice").await.unwrap(), "alice is a member of @team\n");
    }
    say(&store, "group-member team root").await.unwrap();
    assert_eq!(say(&store, "group-list").await.unwrap(), "@empty\t\n@team\talice root\n");
    say(&store, "group-member team root --remove").await.unwrap();
    assert_eq!(say(&store, "group-list").await.unwrap(), "@empty\t\n@team\talice\n");
    assert_eq!(say(&store, "user-list").await.unwrap(), "alice\t\ta@example.com\nroot\tadmin\t\n");
}

#[tokio::test]
async fn a_chroot_is_commented_left_out_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    say(&store, "chroot-add fedora-43-x86_64 --runner mock --mock-config fedora-43-x86_64").await.unwrap();
    let list = || async { say(&store, "chroot-list").await.unwrap() };
    say(&store, "chroot-comment fedora-43-x86_64 EOL soon").await.unwrap();
    say(&store, "chroot-deactivate fedora-43-x86_64").await.unwrap();
    assert!(list().await.contains("\tinactive\t") && list().await.contains("EOL soon"));
    say(&store, "chroot-activate fedora-43-x86_64").await.unwrap();
    say(&store, "chroot-eol fedora-43-x86_64").await.unwrap();
    assert!(list().await.contains("\tinactive\t") && list().await.contains("EOL since 2026-11-22"));
    say(&store, "chroot-activate fedora-43-x86_64").await.unwrap();
    say(&store, "chroot-comment fedora-43-x86_64").await.unwrap();
    assert!(list().await.contains("\tactive\t") && !list().await.contains("EOL"));
    assert!(say(&store, "chroot-activate nosuch-1-x86_64").await.is_err());
}

#[tokio::test]
async fn a_catalogue_comes_from_a_file_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let file = folder.path().join("chroots.toml");
    let good = r#"
[[chroot]]
name = "fedora-43-x86_64"
runner = "mock"
mock_config = "fedora-43-x86_64"
comment = "the newest"

[[chroot]]
name = "epel-9-x86_64"
runner = "sandbox"
repos = ["base=file:///srv/repo"]
setup = ["@build"]
active = false
"#;
    let line = format!("chroot-template {}", file.display());
    let apply = || say(&store, &line);
    assert!(matches!(apply().await, Err(ManageError::Read { .. })));
    for wrong in ["[[chroot]]\nname = 1", &format!("{good}\n[[chroot]]\nname = \"bad\"\nrunner = \"mock\"")] {
        std::fs::write(&file, wrong).unwrap();
        assert!(matches!(apply().await, Err(ManageError::Refused(_))), "{wrong}");
        assert_eq!(say(&store, "chroot-list").await.unwrap(), "", "nothing of it was done");
    }
    std::fs::write(&file, good).unwrap();
    for _ in 0..2 {
        apply().await.unwrap();
        let list = say(&store, "chroot-list").await.unwrap();
        let lines =
            "fedora-43-x86_64\tactive\tmock\tf43\tthe newest\nepel-9-x86_64\tinactive\tsandbox\tepel9\t\n";
        assert_eq!(list, lines);
    }
}

#[tokio::test]
async fn a_chroot_that_is_taken_back_forgets_what_projects_said_of_its_end() {
    use coppice_model::UnixTime;
    use coppice_store::{ProjectSettings, StoreError, mock_chroots, project_chroots, projects};
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let add = "chroot-add fedora-43-x86_64 --runner mock --mock-config fedora-43-x86_64";
    say(&store, add).await.unwrap();
    let (project, own) = store
        .write(|tx| {
            let reference =
                coppice_model::ProjectRef { owner: "alice".parse().unwrap(), name: "tools".parse().unwrap() };
            let project = projects::insert(tx, &reference, &ProjectSettings::default(), UnixTime(1))?.id;
            let mock = mock_chroots::list(tx)?.remove(0);
            project_chroots::insert(tx, project, &mock)?;
            Ok::<_, StoreError>((project, project_chroots::list(tx, project)?.remove(0).id))
        })
        .await
        .unwrap();
    for back in ["chroot-activate fedora-43-x86_64", add] {
        say(&store, "chroot-eol fedora-43-x86_64").await.unwrap();
        store.write(move |tx| project_chroots::update_end(tx, own, Some(UnixTime(9)))).await.unwrap();
        say(&store, back).await.unwrap();
        let left = store.read(move |conn| project_chroots::list(conn, project)).await.unwrap();
        assert_eq!(left[0].delete_on, None, "{back}");
    }
}

#[tokio::test]
async fn the_operator_blocks_an_account_and_frees_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    assert!(say(&store, "user-block alice").await.is_err(), "there is none");
    say(&store, "user-add alice --admin").await.unwrap();
    let told = say(&store, "user-block alice --reason spam --cancel-builds").await.unwrap();
    assert_eq!(told, "alice is blocked; sessions ended: 0; builds canceled: 0\n");
    assert_eq!(say(&store, "user-list").await.unwrap(), "alice\tblocked\t\n");
    assert_eq!(
        say(&store, "user-unblock alice").await.unwrap(),
        "alice may log in again, and tokens work as before\n"
    );
    assert_eq!(say(&store, "user-list").await.unwrap(), "alice\tadmin\t\n");
    assert!(say(&store, "user-unblock alice").await.is_err());
}
