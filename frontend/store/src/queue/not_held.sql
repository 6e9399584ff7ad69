NOT (b.source_state = 'pending' AND EXISTS (
    SELECT 1 FROM batches AS own JOIN builds AS first ON first.batch_id = own.waits_for
    WHERE own.id = b.batch_id AND (
        first.source_state IN ('pending', 'starting', 'running', 'importing')
        OR (first.source_state = 'succeeded' AND EXISTS (
            SELECT 1 FROM build_chroots AS open
            WHERE open.build_id = first.id AND open.state IN ('waiting', 'pending', 'starting', 'running')
        ))
    )
))
