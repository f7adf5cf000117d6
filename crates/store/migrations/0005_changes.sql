-- What was done to services, as those told who did it. An incident's own events keep what concerned it.
create table changes (
    id uuid primary key,
    at timestamptz not null,
    kind text not null,
    title text not null,
    service text,
    version text,
    link text,
    source text not null,
    -- What is told twice is kept once: made of the teller's own name for it, or else of all that was told.
    dedupe_key text not null unique,
    recorded_at timestamptz not null
);
create index changes_by_time on changes (at, id);
create index changes_by_service on changes (service, at, id);
