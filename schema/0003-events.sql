-- Events outlive what they are about, so host and instance refer to nothing.

CREATE TABLE event (
    hash     text        NOT NULL,
    ctime    timestamptz NOT NULL,
    mtime    timestamptz NOT NULL,
    count    bigint      NOT NULL,
    type     text        NOT NULL,
    severity text        NOT NULL,
    host     uuid,
    instance uuid,
    data     json,
    CONSTRAINT event_pkey PRIMARY KEY (hash),
    CONSTRAINT event_hash_format CHECK (hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT event_ctime_finite CHECK (isfinite(ctime) AND ctime >= '0001-01-01 00:00:00+00' AND ctime < '10000-01-01 00:00:00+00'),
    CONSTRAINT event_mtime_finite CHECK (isfinite(mtime) AND mtime >= '0001-01-01 00:00:00+00' AND mtime < '10000-01-01 00:00:00+00'),
    CONSTRAINT event_mtime_order CHECK (mtime >= ctime),
    CONSTRAINT event_count_positive CHECK (count >= 1),
    CONSTRAINT event_severity_list CHECK (severity IN ('info', 'warning', 'error'))
);
COMMENT ON TABLE event IS 'Something that happened; the same thing again raises the count.';
COMMENT ON CONSTRAINT event_pkey ON event IS 'An event with this hash is there already.';
COMMENT ON CONSTRAINT event_hash_format ON event IS 'The hash of an event is a SHA-256 in lower-case hexadecimal.';
COMMENT ON CONSTRAINT event_ctime_finite ON event IS 'The time of an event lies in the years 1 to 9999.';
COMMENT ON CONSTRAINT event_mtime_finite ON event IS 'The time of an event lies in the years 1 to 9999.';
COMMENT ON CONSTRAINT event_mtime_order ON event IS 'An event cannot have happened last before it happened first.';
COMMENT ON CONSTRAINT event_count_positive ON event IS 'An event happened at least once.';
COMMENT ON CONSTRAINT event_severity_list ON event IS 'The severity of an event is info, warning or error.';
CREATE INDEX event_mtime_index ON event (mtime);
