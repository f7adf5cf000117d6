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
alter table incidents add column silences jsonb not null default '[]';

-- For what looks at all that fires: stale alerts, the comparison with Alertmanager.
create index alerts_firing on alerts (last_seen_at) where status = 'firing';

-- Which alerts join which incident because of a merge: named by the event, so that it can be undone by that name.
-- A merge of an incident that had taken in others has a row for each of their keys.
create table merges (
    event_id bigint not null,
    correlation_key text not null,
    into_incident uuid not null references incidents (id),
    primary key (event_id, correlation_key)
);
create index merges_by_key on merges (correlation_key);
create index merges_by_incident on merges (into_incident);

-- The alerts that came along with a merge.
create table merged_alerts (
    event_id bigint not null,
    alert_id uuid not null references alerts (id),
    -- When it came along. One that joined later did not fire here before.
    fired boolean not null,
    primary key (event_id, alert_id)
);
create index merged_alerts_by_alert on merged_alerts (alert_id);

-- The alerts that an incident has had and that went on to another: with its own of now, those are what `alerts_total`
-- counts. One may even be deleted, which is why nothing is referred to.
create table incident_alerts (
    incident_id uuid not null references incidents (id),
    alert_id uuid not null,
    primary key (incident_id, alert_id)
);
-- Where an alert was before it moved on, the older tables do not say.

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
-- Few events have files. Where in an event's list a hash stands depends on the database, so it is looked for at every
-- place of the text; searching each text for each file would take hours where there are many of both.
insert into asset_refs (sha256, incident_id)
    with recursive lists (incident_id, list) as materialized (
        select incident_id, replace(cast(assets as text), '": "', '":"') from events
        where cast(assets as text) <> '[]'
    ),
    places (place) as (
        select 1 union all select place + 1 from places where place < (select max(length(list)) from lists)
    )
    select distinct a.sha256, l.incident_id from lists l
    join places p on p.place < length(l.list) and substr(l.list, p.place, 10) = '"sha256":"'
    join assets a on a.sha256 = substr(l.list, p.place + 10, 64);

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
