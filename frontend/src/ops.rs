//! The rules: plain functions on a transaction, one file per verb. Messages leave through the outbox.

mod additional_repos;
mod authenticate;
mod batch;
mod build_config;
mod build_request;
mod cancel_build;
mod choose;
mod create_project;
mod delete_builds;
mod delete_project;
mod edit_chroot;
mod edit_project;
mod environment;
mod error;
mod expire;
mod fail_build;
mod find;
mod fork_project;
mod grant;
mod keys;
mod order;
mod packages;
mod permissions;
mod problem;
mod project_form;
mod prune;
mod regenerate_repos;
mod report;
mod resend;
mod resubmit_build;
mod rights;
mod sessions;
mod settings;
mod source_method;
mod submit_build;
mod take_package;
mod tasks;
mod tokens;
mod webhook_secret;

pub use additional_repos::Additional;
pub use authenticate::{NewToken, add_token, authenticate, renew_token};
pub use build_config::{BuildConfig, build_chroot_config, build_config};
pub use build_request::{BuildRequest, check_before_build};
pub use cancel_build::cancel_build;
pub use create_project::{NewProject, create_project};
pub use delete_builds::{delete_build, delete_builds};
pub use delete_project::delete_project;
pub use edit_chroot::{ChrootChanges, NewComps, edit_chroot};
pub use edit_project::edit_project;
pub use error::OpError;
pub use expire::{days_of_pull_dir, expire_projects, expire_pull_dirs};
pub use fail_build::fail_build;
pub use find::{
    find_build, find_build_chroot, find_dir, find_project, find_project_chroot, find_project_with_chroots,
};
pub use fork_project::{ForkWish, fork_project};
pub use keys::{Earlier, renew_key, renew_keys, roll_back, rotate_key};
pub use packages::{
    PackageForm, add_package, build_package, build_packages, delete_package, edit_package, find_package,
    reset_package,
};
pub use permissions::{can_build_in, list_permissions, request_permissions, set_permissions};
pub use problem::Problem;
pub use project_form::ProjectChanges;
pub use prune::{DROPPED_DAYS, expire_chroots, prune_results};
pub use regenerate_repos::regenerate_repos;
pub use report::apply_report;
pub use resend::{resend_actions, resend_builds, resend_cancels};
pub use resubmit_build::resubmit_build;
pub use rights::{Caller, can_build, can_delete, can_edit};
pub use sessions::{Login, find_session, is_same_secret, is_to_be_seen, see_session, start_session};
pub use settings::{Context, RulesConfig, Settings};
pub use source_method::SourceForm;
pub use submit_build::{Upload, submit_links, submit_method, submit_upload};
pub use take_package::submit_package_file;
pub use tasks::{
    RpmTask, SourceTask, find_import, find_rpm_task, find_source_task, list_imports, list_tasks,
    list_waiting_actions,
};
pub use tokens::{TokenWish, create_token, list_tokens, revoke_token};
pub use webhook_secret::renew_webhook_secret;

#[cfg(test)]
mod tests;
