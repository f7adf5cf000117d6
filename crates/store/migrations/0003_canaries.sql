-- Alerts that OpsSeer sent to Alertmanager and that are not back yet.
create table canaries (
    id uuid primary key,
    sent_at timestamptz not null
);
