-- When the incident was written down: `opened_at` is what its first alert says, and senders' clocks differ.
alter table incidents add column created_at timestamptz;
alter table incidents add column flapping boolean not null default false;
alter table incidents add column flaps bigint not null default 0;
alter table incidents add column last_flap_at timestamptz;
alter table incidents add column quiet_since timestamptz;
alter table incidents add column merged_into uuid;
alter table incidents add column muted_until timestamptz;
alter table incidents add column muted_by text;
alter table incidents add column silenced_until timestamptz;

-- The incident that the alert came from by a merge, so that the merge can be undone.
alter table alerts add column merged_from uuid;
-- For what looks at all that fires: stale alerts, the comparison with Alertmanager.
create index alerts_firing on alerts (last_seen_at) where status = 'firing';

-- Keys of incidents that were merged: alerts with such a key join the incident that stayed.
create table merged_keys (
    correlation_key text primary key,
    incident_id uuid not null references incidents (id),
    merged_from uuid not null references incidents (id)
);

-- 0 page, 1 ticket, 2 info: what wakes somebody is worked on first.
alter table jobs add column priority bigint not null default 1;
-- How often a worker handed it back unfinished. That is no failure of the job.
alter table jobs add column returned bigint not null default 0;
drop index jobs_by_availability;
create index jobs_by_claim on jobs (state, kind, priority, available_at);

-- Which incidents refer to a file. A file that none refers to may go.
create table asset_refs (
    sha256 text not null references assets (sha256),
    incident_id uuid not null references incidents (id),
    primary key (sha256, incident_id)
);
create index asset_refs_by_incident on asset_refs (incident_id);
insert into asset_refs (sha256, incident_id)
    select distinct a.sha256, e.incident_id from assets a
    join events e on cast(e.assets as text) like '%' || a.sha256 || '%';

-- The files themselves, where replicas share nothing but the database. SQLite keeps them in a folder beside it.
create table asset_contents (
    sha256 text primary key,
    content bytea not null,
    created_at timestamptz not null
);

-- What only one of several replicas does at a time, and until when it is taken.
create table duties (
    name text primary key,
    holder uuid not null,
    until timestamptz not null
);
