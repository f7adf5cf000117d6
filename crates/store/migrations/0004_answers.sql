-- What people said an alert is about. It outlives the incident in which they said it: classifiers learn from it.
create table corrections (
    id uuid primary key,
    incident_id uuid not null,
    alert_name text not null,
    -- The alert's text as it was classified.
    alert jsonb not null,
    category text not null,
    severity text,
    made_by text not null,
    made_at timestamptz not null,
    -- Names the model that made the vector; vectors of different models cannot be compared.
    model text,
    -- Little-endian 32-bit floats.
    vector bytea,
    unique (incident_id, alert_name)
);
create index corrections_by_time on corrections (made_at);

-- What is compared when incidents like this one are looked for.
create table incident_profiles (
    incident_id uuid primary key references incidents (id),
    profile jsonb not null,
    model text,
    vector bytea,
    -- Counts up with each change of any of them, so that a replica can ask for what is new to it.
    revision bigint not null
);
create unique index incident_profiles_by_revision on incident_profiles (revision);
