//! The rules: plain functions on a transaction, one file per verb. Messages leave through the outbox.

mod account_rules;
mod additional_repos;
mod authenticate;
mod batch;
mod block_user;
mod build_config;
mod build_request;
mod cancel_build;
mod choose;
mod choose_zone;
mod create_project;
mod delete_builds;
mod delete_project;
mod edit_chroot;
mod edit_profile;
mod edit_project;
mod environment;
mod error;
mod expire;
mod fail_build;
mod find;
mod fork_project;
mod grant;
mod identities;
mod keys;
mod log_in;
mod order;
mod outdated;
mod own_data;
mod packages;
mod permissions;
mod problem;
mod project_form;
mod prune;
mod publishers;
mod regenerate_repos;
mod report;
mod report_abuse;
mod resend;
mod resubmit_build;
mod review_project;
mod rights;
mod sessions;
mod settings;
mod sign_up;
mod source_method;
mod submit_build;
mod take_package;
mod tasks;
mod tokens;
mod vote;
mod webhook_secret;

pub use account_rules::{AccountRules, KERBEROS, RulesError, SignUp};
pub use additional_repos::Additional;
pub use authenticate::{Known, NewToken, add_token, authenticate, renew_token};
pub use batch::waits_for_builds;
pub use block_user::{BlockWish, Blocked, block_user, open_builds, unblock_user};
pub use build_config::{BuildConfig, build_chroot_config, build_config};
pub use build_request::{BuildRequest, check_before_build};
pub use cancel_build::{cancel_build, cancel_builds};
pub use choose_zone::choose_zone;
pub use create_project::{NewProject, create_project, find_own};
pub use delete_builds::{delete_build, delete_builds};
pub use delete_project::delete_project;
pub use edit_chroot::{ChrootChanges, NewComps, edit_chroot};
pub use edit_profile::{MOST_PINNED, describe_owner, own_profile, pin_projects, pinnable};
pub use edit_project::edit_project;
pub use error::OpError;
pub use expire::{days_of_pull_dir, expire_projects, expire_pull_dirs};
pub use fail_build::fail_build;
pub use find::{
    find_build, find_build_chroot, find_dir, find_project, find_project_chroot, find_project_with_chroots,
};
pub use fork_project::{ForkWish, fork_project};
pub use identities::{
    Arrival, activate_team, arrive, arrive_as, connect, disconnect, list_identities, list_teams, map_team,
};
pub use keys::{Earlier, renew_key, renew_keys, roll_back, rotate_key};
pub use log_in::{end_other_sessions, end_session, list_sessions, log_in};
pub use outdated::{EndWish, end_of, move_ends, preview_prune};
pub use own_data::{close_account, own_data};
pub use packages::{
    PackageForm, add_package, build_package, build_packages, delete_package, edit_package, find_package,
    reset_package,
};
pub use permissions::{can_build_in, list_permissions, request_permissions, set_permissions};
pub use problem::Problem;
pub use project_form::ProjectChanges;
pub use prune::{expire_chroots, prune_results};
pub use publishers::{
    Job, JobProof, add_publisher, list_own_publishers, list_publishers, publish_token, remove_publisher,
};
pub use regenerate_repos::regenerate_repos;
pub use report::apply_report;
pub use report_abuse::report_abuse;
pub use resend::{resend_actions, resend_builds, resend_cancels};
pub use resubmit_build::resubmit_build;
pub use review_project::create_review_project;
pub use rights::{Caller, can_build, can_delete, can_edit};
pub use sessions::{Login, find_session, is_same_secret, is_to_be_seen, see_session, start_session};
pub use settings::{Context, RulesConfig, Settings};
pub use sign_up::{
    SignUpWish, change_password, check_password, ensure_can_sign_up, invite, list_invitations, set_password,
    sign_up, withdraw_invitation,
};
pub use source_method::SourceForm;
pub use submit_build::{Upload, submit_links, submit_method, submit_upload};
pub use take_package::submit_package_file;
pub use tasks::{
    RpmTask, SourceTask, find_import, find_rpm_task, find_source_task, list_imports, list_tasks,
    list_waiting_actions,
};
pub use tokens::{TokenWish, can_be_renewed, create_token, list_tokens, renew_named_token, revoke_token};
pub use vote::vote;
pub use webhook_secret::renew_webhook_secret;

#[cfg(test)]
mod tests;
