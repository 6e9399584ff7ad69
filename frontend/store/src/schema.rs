//! Tables as diesel sees them; the truth is in `migrations/`.

diesel::table! {
    users (id) {
        id -> BigInt,
        name -> Text,
        mail -> Nullable<Text>,
        is_admin -> Bool,
        created_at -> BigInt,
        zone -> Nullable<Text>,
        blocked_at -> Nullable<BigInt>,
        blocked_by -> Nullable<Text>,
        blocked_reason -> Nullable<Text>,
    }
}

diesel::table! {
    groups (id) {
        id -> BigInt,
        name -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    memberships (group_id, user_id) {
        group_id -> BigInt,
        user_id -> BigInt,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> BigInt,
        login -> Text,
        token_hash -> Text,
        user_id -> BigInt,
        created_at -> BigInt,
        expires_at -> BigInt,
        name -> Nullable<Text>,
        access -> Text,
        project_id -> Nullable<BigInt>,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    passwords (user_id) {
        user_id -> BigInt,
        hash -> Text,
        changed_at -> BigInt,
    }
}

diesel::table! {
    invitations (id) {
        id -> BigInt,
        token_hash -> Text,
        note -> Text,
        made_by -> Nullable<BigInt>,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_by -> Nullable<BigInt>,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    identities (id) {
        id -> BigInt,
        provider -> Text,
        subject -> Text,
        user_id -> BigInt,
        label -> Text,
        created_at -> BigInt,
        used_at -> BigInt,
    }
}

diesel::table! {
    user_teams (user_id, provider, team) {
        user_id -> BigInt,
        provider -> Text,
        team -> Text,
    }
}

diesel::table! {
    active_teams (provider, team) {
        provider -> Text,
        team -> Text,
        group_id -> BigInt,
    }
}

diesel::table! {
    publishers (id) {
        id -> BigInt,
        project_id -> BigInt,
        user_id -> BigInt,
        issuer -> Text,
        repository -> Text,
        workflow -> Nullable<Text>,
        environment -> Nullable<Text>,
        git_ref -> Nullable<Text>,
        created_at -> BigInt,
        repository_id -> Nullable<Text>,
        owner_id -> Nullable<Text>,
    }
}

diesel::table! {
    spent_job_tokens (issuer, token) {
        issuer -> Text,
        token -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    mock_chroots (id) {
        id -> BigInt,
        name -> Text,
        is_active -> Bool,
        comment -> Text,
        branch -> Text,
        definition -> Text,
    }
}

diesel::table! {
    projects (id) {
        id -> BigInt,
        owner -> Text,
        name -> Text,
        description -> Text,
        is_unlisted -> Bool,
        delete_on -> Nullable<BigInt>,
        settings -> Text,
        key_fingerprint -> Nullable<Text>,
        created_at -> BigInt,
        key_renew_on -> Nullable<BigInt>,
        forked_from -> Nullable<BigInt>,
        score -> BigInt,
    }
}

diesel::table! {
    votes (project_id, user_id) {
        project_id -> BigInt,
        user_id -> BigInt,
        value -> BigInt,
    }
}

diesel::table! {
    profiles (owner) {
        owner -> Text,
        text -> Text,
        pinned -> Text,
    }
}

diesel::table! {
    webhook_secrets (project_id) {
        project_id -> BigInt,
        secret -> Text,
    }
}

diesel::table! {
    webhook_deliveries (id) {
        id -> BigInt,
        project_id -> BigInt,
        forge -> Text,
        event -> Text,
        delivery -> Nullable<Text>,
        agent -> Nullable<Text>,
        status -> BigInt,
        outcome -> Text,
        builds -> Text,
        received_at -> BigInt,
    }
}

diesel::table! {
    legal_flags (id) {
        id -> BigInt,
        owner -> Text,
        project -> Text,
        reporter_id -> Nullable<BigInt>,
        message -> Text,
        created_at -> BigInt,
        resolved_at -> Nullable<BigInt>,
        resolved_by -> Nullable<Text>,
    }
}

diesel::table! {
    permissions (project_id, user_id) {
        project_id -> BigInt,
        user_id -> BigInt,
        admin -> Text,
        builder -> Text,
    }
}

diesel::table! {
    project_dirs (id) {
        id -> BigInt,
        project_id -> BigInt,
        name -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    project_chroots (id) {
        id -> BigInt,
        project_id -> BigInt,
        mock_chroot_id -> BigInt,
        is_enabled -> Bool,
        disabled_on -> Nullable<BigInt>,
        settings -> Text,
        delete_on -> Nullable<BigInt>,
        repo_downloads -> BigInt,
        package_downloads -> BigInt,
    }
}

diesel::table! {
    packages (id) {
        id -> BigInt,
        project_id -> BigInt,
        name -> Text,
        created_at -> BigInt,
        source -> Nullable<Text>,
        settings -> Text,
    }
}

diesel::table! {
    package_words (package_id, word) {
        package_id -> BigInt,
        word -> Text,
    }
}

diesel::table! {
    batches (id) {
        id -> BigInt,
        waits_for -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    builds (id) {
        id -> BigInt,
        project_id -> BigInt,
        dir -> Text,
        package -> Nullable<Text>,
        header -> Nullable<Text>,
        submitter_id -> Nullable<BigInt>,
        submitted_on -> BigInt,
        source -> Text,
        source_state -> Text,
        source_attempt -> BigInt,
        source_builder -> Nullable<Text>,
        source_started_on -> Nullable<BigInt>,
        source_ended_on -> Nullable<BigInt>,
        srpm_url -> Nullable<Text>,
        options -> Text,
        failure -> Nullable<Text>,
        batch_id -> Nullable<BigInt>,
        touched_on -> BigInt,
        failure_log -> Nullable<Text>,
    }
}

diesel::table! {
    build_chroots (id) {
        id -> BigInt,
        build_id -> BigInt,
        chroot -> Text,
        state -> Text,
        stage -> Nullable<Text>,
        attempt -> BigInt,
        started_on -> Nullable<BigInt>,
        ended_on -> Nullable<BigInt>,
        result_dir -> Nullable<Text>,
        git_commit -> Nullable<Text>,
        builder -> Nullable<Text>,
        failure -> Nullable<Text>,
        stage_note -> Nullable<Text>,
        built_on -> Nullable<BigInt>,
        signed_on -> Nullable<BigInt>,
        failure_log -> Nullable<Text>,
    }
}

diesel::table! {
    attempts (id) {
        id -> BigInt,
        build_id -> BigInt,
        task -> Text,
        attempt -> BigInt,
        builder -> Nullable<Text>,
        started_on -> Nullable<BigInt>,
        ended_on -> Nullable<BigInt>,
        outcome -> Nullable<Text>,
    }
}

diesel::table! {
    built_packages (id) {
        id -> BigInt,
        build_chroot_id -> BigInt,
        name -> Text,
        epoch -> Nullable<BigInt>,
        version -> Text,
        release -> Text,
        arch -> Text,
    }
}

diesel::table! {
    actions (id) {
        id -> BigInt,
        kind -> Text,
        owner -> Text,
        project -> Text,
        message -> Text,
        state -> Text,
        error -> Nullable<Text>,
        created_at -> BigInt,
        ended_on -> Nullable<BigInt>,
        touched_on -> BigInt,
    }
}

diesel::table! {
    outbox (id) {
        id -> BigInt,
        stream -> Text,
        key -> Text,
        body -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    inbox (key) {
        key -> Text,
        handled_at -> BigInt,
    }
}

diesel::table! {
    idempotency (user_id, key) {
        user_id -> BigInt,
        key -> Text,
        request -> Text,
        status -> Nullable<BigInt>,
        body -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> BigInt,
        user_id -> BigInt,
        token_hash -> Text,
        method -> Text,
        address -> Text,
        agent -> Text,
        created_at -> BigInt,
        seen_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    notice (id) {
        id -> BigInt,
        text -> Text,
        set_by -> Text,
        set_at -> BigInt,
    }
}

diesel::joinable!(memberships -> groups (group_id));
diesel::joinable!(memberships -> users (user_id));
diesel::joinable!(passwords -> users (user_id));
diesel::joinable!(identities -> users (user_id));
diesel::joinable!(api_tokens -> users (user_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(permissions -> users (user_id));
diesel::joinable!(legal_flags -> users (reporter_id));
diesel::joinable!(votes -> projects (project_id));
diesel::joinable!(project_chroots -> projects (project_id));
diesel::joinable!(project_chroots -> mock_chroots (mock_chroot_id));
diesel::joinable!(packages -> projects (project_id));
diesel::joinable!(package_words -> packages (package_id));
diesel::joinable!(builds -> projects (project_id));
diesel::joinable!(builds -> users (submitter_id));
diesel::joinable!(build_chroots -> builds (build_id));
diesel::joinable!(built_packages -> build_chroots (build_chroot_id));
diesel::allow_tables_to_appear_in_same_query!(
    users,
    groups,
    memberships,
    passwords,
    identities,
    user_teams,
    active_teams,
    api_tokens,
    sessions,
    permissions,
    legal_flags,
    mock_chroots,
    projects,
    votes,
    project_dirs,
    project_chroots,
    packages,
    package_words,
    builds,
    build_chroots,
    built_packages,
    attempts,
    batches,
    publishers,
);
diesel::allow_columns_to_appear_in_same_group_by_clause!(builds::package, build_chroots::chroot);
