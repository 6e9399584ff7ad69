//! The operator's commands: users, API tokens, chroots. Used by `coppice-frontend manage` and the launcher.

mod chroots;
mod groups;
mod people;

use std::{io::Write, sync::Arc};

use clap::Subcommand;
use coppice_model::{BuildId, UnixTime};
use coppice_runtime::{Clock, Secret};
use coppice_store::{Store, StoreError};

use crate::{
    Config,
    ops::{self, BlockWish, Context, Settings},
};

pub use chroots::{
    ChrootAdd, RunnerName, activate as activate_chroot, comment as comment_chroot, end as end_chroot,
};

#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Makes a user, or changes one.
    UserAdd {
        name: String,
        /// Lets the user change everything.
        #[arg(long)]
        admin: bool,
        #[arg(long)]
        mail: Option<String>,
    },
    /// Gives a user a password, read as one line from standard input or a file; every browser of his is logged out.
    SetPassword {
        name: String,
        #[arg(long)]
        file: Option<std::path::PathBuf>,
    },
    /// Stops an account: sessions end, logins, tokens and trusted workflows are refused; projects stay readable.
    UserBlock {
        name: String,
        /// What the user is told.
        #[arg(long, default_value = "")]
        reason: String,
        /// Cancels what the user has at work.
        #[arg(long)]
        cancel_builds: bool,
    },
    /// The account works again, and its tokens do.
    UserUnblock { name: String },
    /// Prints a link that makes one account; FOR is what administrators read beside it.
    Invite { r#for: Vec<String> },
    /// Shows all users.
    UserList,
    /// Makes a group, which owns projects as `@name`.
    GroupAdd { name: String },
    /// Makes a user a member of a group: its projects are his too.
    GroupMember {
        group: String,
        user: String,
        /// Ends the membership.
        #[arg(long)]
        remove: bool,
    },
    /// A group stands for a team of a login provider: its members are those whose logins tell of the team.
    GroupTeam { group: String, provider: String, team: String },
    /// Shows all groups with their members.
    GroupList,
    /// Makes a new API token and prints the configuration of copr-cli; the user's old tokens stay valid.
    Token {
        name: String,
        /// How long it works.
        #[arg(long, default_value_t = 180)]
        days: i64,
    },
    /// Adds a chroot, or changes one; it becomes active.
    ChrootAdd(ChrootAdd),
    /// Shows all chroots.
    ChrootList,
    /// No new builds for this chroot; what was built stays.
    ChrootDeactivate { name: String },
    /// The distribution ended: no new builds for this chroot, and users read why; what was built stays.
    ChrootEol { name: String },
    /// Builds for this chroot again.
    ChrootActivate { name: String },
    /// Adds or changes all chroots of a TOML file: tables `[[chroot]]` with the names of `chroot-add`'s options, and
    /// `active = false` for those that are not built for. Others stay as they are; all of it or nothing.
    ChrootTemplate { file: std::path::PathBuf },
    /// Fails a build that stands still: everything of it that has not ended.
    FailBuild { id: i64 },
    /// What users read beside the chroot, for example when it ends; nothing without a text.
    ChrootComment { name: String, text: Vec<String> },
}

#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    #[error("{0}")]
    Refused(String),
    #[error("working with the database")]
    Store(#[from] StoreError),
    #[error("reading {}", path.display())]
    Read { path: std::path::PathBuf, source: std::io::Error },
    #[error("reading the secret shared with keygen (keygen_secret_file)")]
    Secret(#[from] coppice_runtime::secret::SecretError),
    #[error("deciding")]
    Rules(#[from] crate::ops::OpError),
    #[error(transparent)]
    Password(#[from] crate::accounts::PasswordError),
    #[error("reading the password from standard input")]
    Input(#[source] std::io::Error),
    #[error("printing the answer")]
    Print(#[from] std::io::Error),
}

/// Runs one command on the configured database and prints what it answers; also while the service runs.
pub async fn run(config: &Config, command: Command) -> Result<(), ManageError> {
    let store = Store::open(&config.database).await?;
    let answer = answer(command, &store, &Clock::System, config).await?;
    Ok(std::io::stdout().write_all(answer.as_bytes())?)
}

/// Runs one command and returns what to print.
async fn answer(
    command: Command,
    store: &Store,
    clock: &Clock,
    config: &Config,
) -> Result<String, ManageError> {
    let now = clock.now();
    match command {
        Command::UserAdd { name, admin, mail } => {
            store.write(move |tx| people::add(tx, &name, mail.as_deref(), admin, now)).await
        }
        Command::Token { name, days } => {
            let url = config.public_url.trim_end_matches('/').to_owned();
            store.write(move |tx| people::token(tx, &name, days, now)).await.map(|token| token.config(&url))
        }
        Command::ChrootAdd(add) => store.write(move |tx| chroots::add(tx, &add)).await,
        Command::ChrootTemplate { file } => {
            let all = chroots::read_template(&file)?;
            store.write(move |tx| chroots::add_all(tx, &all)).await
        }
        Command::FailBuild { id } => {
            let cx = context(config, now)?;
            store.write(move |tx| ops::fail_build(tx, &cx, BuildId(id))).await?;
            Ok(format!("build {id} failed\n"))
        }
        Command::UserBlock { name, reason, cancel_builds } => {
            let cx = context(config, now)?;
            let wish = BlockWish { by: None, reason, cancels_builds: cancel_builds };
            store.write(move |tx| people::block(tx, &cx, &name, &wish)).await
        }
        Command::UserUnblock { name } => store.write(move |tx| people::unblock(tx, &name)).await,
        Command::ChrootList => store.read(chroots::list).await,
        Command::ChrootDeactivate { name } => {
            store.write(move |tx| chroots::activate(tx, &name, false)).await
        }
        Command::ChrootEol { name } => store.write(move |tx| chroots::end(tx, &name, now)).await,
        Command::ChrootActivate { name } => store.write(move |tx| chroots::activate(tx, &name, true)).await,
        Command::ChrootComment { name, text } => {
            store.write(move |tx| chroots::comment(tx, &name, &text.join(" "))).await
        }
        Command::SetPassword { name, file } => {
            let hash = people::read_password(&name, file).await?;
            store.write(move |tx| people::set_password(tx, &name, &hash, now)).await
        }
        Command::Invite { r#for } => {
            let days = config.accounts.invitation_days;
            let made = store.write(move |tx| ops::invite(tx, None, &r#for.join(" "), days, now)).await?;
            Ok(format!("{}/signup/?invitation={made}\n", config.public_url.trim_end_matches('/')))
        }
        Command::UserList => store.read(people::list).await,
        Command::GroupAdd { name } => store.write(move |tx| groups::add(tx, &name, now)).await,
        Command::GroupMember { group, user, remove } => {
            store.write(move |tx| groups::member(tx, &group, &user, remove)).await
        }
        Command::GroupTeam { group, provider, team } => {
            store.write(move |tx| ops::map_team(tx, &group, &provider, &team)).await?;
            Ok("members come and go with the team from their next login on\n".into())
        }
        Command::GroupList => store.read(groups::list).await,
    }
}

/// For rules that tell other services.
fn context(config: &Config, now: UnixTime) -> Result<Context, ManageError> {
    let secret = Secret::read(&config.keygen_secret_file)?;
    Ok(Context { settings: Arc::new(Settings::new(config, secret)), now })
}

#[cfg(test)]
mod tests;
