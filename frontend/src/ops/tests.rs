//! Stories about the rules. Each is told on SQLite by itself and on PostgreSQL in one go.

mod access;
mod builds;
mod environment;
mod forks;
mod keys;
mod options;
mod outdated;
mod packages;
mod projects;
mod reports;
mod resend;
mod world;

use coppice_kit::postgres::Postgres;
use world::World;

/// Makes each story a test on SQLite and lists them for PostgreSQL.
macro_rules! stories {
    ($($area:ident: $($story:ident),+ $(,)?;)+) => {
        mod on_sqlite {
            $($(#[test] fn $story() { super::$area::$story(&super::World::on_sqlite()); })+)+
        }

        const STORIES: &[(&str, fn(&World))] = &[$($((stringify!($story), $area::$story)),+),+];
    };
}

stories! {
    access:
        a_login_works_until_its_token_ends,
        strangers_may_read_only,
        roles_are_asked_for_granted_and_taken;
    projects:
        a_new_project_orders_its_key_and_its_repositories,
        a_made_key_publishes_everything_once_more,
        problems_of_a_form_come_together,
        a_name_is_taken_for_its_owner_only,
        every_setting_is_kept,
        only_new_chroots_are_published_after_an_edit,
        what_only_admins_may_set_is_refused_to_others,
        a_project_with_running_builds_stays,
        a_deleted_project_is_gone_with_all_its_directories,
        regenerating_orders_all_directories_from_scratch,
        new_comps_go_to_the_repositories_of_their_chroot,
        a_project_goes_when_its_time_is_over_and_nothing_runs,
        a_directory_of_a_pull_request_goes_when_nothing_is_built_for_long;
    options:
        patterns_choose_chroots_and_exclusions_remove,
        wrong_values_are_named_with_their_fields,
        addresses_must_be_packages_on_the_web,
        directories_have_a_form_and_are_published_when_new,
        a_check_creates_nothing,
        a_batch_waits_for_the_one_before;
    builds:
        a_link_goes_through_all_states,
        an_uploaded_package_goes_straight_to_import,
        an_uploaded_spec_file_is_made_into_a_package_first,
        a_canceled_build_ignores_late_success,
        a_build_that_ended_cannot_be_canceled,
        refused_deletions_name_every_build,
        deleted_builds_take_their_results_with_them,
        a_build_is_made_again_from_what_was_imported,
        the_operator_ends_a_build_that_stands_still;
    packages:
        a_package_is_built_from_its_source_but_not_for_denied_chroots,
        the_newest_build_of_a_package_and_the_newest_good_one_are_told_apart,
        a_package_keeps_so_many_builds_and_its_newest_good_one,
        a_finished_package_is_published_without_a_build,
        a_refused_or_stopped_package_leaves_nothing,
        results_go_two_weeks_after_a_newer_good_build,
        a_dropped_chroot_goes_with_its_results_after_a_week;
    outdated:
        a_chroot_at_its_end_stays_until_its_project_gives_it_up,
        a_chroot_that_is_built_again_forgets_its_end,
        a_dropped_chroot_stays_longer_when_it_is_extended,
        what_retention_takes_next_is_known_before;
    reports:
        a_repeated_report_changes_nothing,
        a_lost_builder_is_another_attempt,
        a_build_that_stands_still_says_why_until_it_goes_on,
        a_late_finish_of_an_old_attempt_changes_nothing,
        a_task_that_is_lost_too_often_is_our_fault,
        lost_sources_are_tried_again_too,
        excluded_architectures_are_skipped,
        a_chroot_without_a_commit_fails_alone,
        a_refused_import_fails_the_build,
        a_failed_source_fails_the_chosen_chroots,
        news_may_overtake_each_other,
        nonsense_goes_to_the_dead_letters,
        reports_about_what_is_gone_are_done;
    environment:
        repositories_come_in_the_contracts_order,
        the_build_wins_over_the_chroot_and_the_chroot_over_the_project,
        a_configuration_tells_what_a_build_would_use;
    keys:
        a_key_lives_longer_when_a_tenth_of_its_life_is_over,
        a_key_whose_end_was_chosen_is_left_alone_until_nobody_wants_that_any_more,
        the_kind_of_key_goes_to_keygen,
        leave_to_sign_comes_with_every_order_for_its_project_only,
        a_build_task_has_leave_for_its_project;
    forks:
        a_fork_takes_settings_packages_and_the_newest_good_results,
        a_fork_goes_only_where_one_may_and_over_nothing_unasked;
    resend:
        a_flush_orders_everything_unfinished_with_the_same_keys,
        only_what_is_silent_is_ordered_again,
        cancellations_are_told_again;
}

#[test]
fn every_story_holds_on_postgres() {
    let server = Postgres::start().unwrap();
    for (name, story) in STORIES {
        println!("{name}");
        story(&World::on(&server.database()));
    }
}
