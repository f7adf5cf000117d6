-- One text for SQLite and PostgreSQL: only types and clauses that both understand.

-- The next ids. Taken inside the transaction that uses them, so that a larger event id was committed later:
-- a reader that has seen id N has seen all before it. (A sequence of PostgreSQL's does not promise this.)
-- One row: two rows could be locked in two orders.
create table sequences (
    id integer primary key check (id = 1),
    last_event bigint not null,
    last_incident bigint not null
);
insert into sequences (id, last_event, last_incident) values (1, 0, 0);

-- The fold of each incident's events, written in the same transaction as they are.
create table incidents (
    id uuid primary key,
    number bigint not null unique,
    status text not null,
    resolved boolean not null,
    severity text not null,
    severity_set_by_person boolean not null,
    title text not null,
    service text,
    -- Title, service and number in small letters: SQLite's lower() knows only ASCII.
    search_text text not null,
    correlation_key text not null,
    opened_at timestamptz not null,
    acknowledged_by text,
    acknowledged_at timestamptz,
    owner text,
    resolved_at timestamptz,
    reopened_count bigint not null,
    alerts_firing bigint not null,
    alerts_total bigint not null,
    last_event_id bigint not null,
    updated_at timestamptz not null
);
create index incidents_by_state on incidents (resolved, number);
create index incidents_by_key on incidents (correlation_key, resolved);

-- The truth: what happened, in the order in which it was committed. Rows are never changed.
create table events (
    id bigint primary key,
    incident_id uuid not null references incidents (id),
    at timestamptz not null,
    recorded_at timestamptz not null,
    actor jsonb not null,
    kind text not null,
    version integer not null,
    body jsonb not null,
    assets jsonb not null
);
create index events_by_incident on events (incident_id, id);

-- What each alert was last. One row an alert: the sender's fingerprint and the labels' hash together.
create table alerts (
    id uuid primary key,
    fingerprint text not null,
    identity text not null,
    source text not null,
    status text not null,
    incident_id uuid references incidents (id),
    name text not null,
    labels jsonb not null,
    annotations jsonb not null,
    starts_at timestamptz not null,
    ends_at timestamptz,
    generator_url text,
    group_key text,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    unique (fingerprint, identity)
);
create index alerts_by_incident on alerts (incident_id);

-- Work to do. `available_at` is when a worker may take it; taking it moves that to the end of the lease, so an expired
-- lease needs no second mechanism. `attempt` fences: only the worker of the latest attempt may write its result.
create table jobs (
    id uuid primary key,
    kind text not null,
    incident_id uuid not null references incidents (id),
    generation bigint not null,
    state text not null,
    available_at timestamptz not null,
    attempt bigint not null,
    last_error text,
    created_at timestamptz not null,
    unique (incident_id, kind, generation)
);
create index jobs_by_availability on jobs (state, available_at);

-- Files are on disk, named by their hash; this says what they are.
create table assets (
    sha256 text primary key,
    media_type text not null,
    bytes bigint not null,
    created_at timestamptz not null
);

-- When the alert that always fires last came, per sender.
create table heartbeats (
    source text primary key,
    at timestamptz not null
);
