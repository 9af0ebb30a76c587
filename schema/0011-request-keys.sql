-- Requests that were carried out and that their senders may repeat, with what they were answered. A request and its row
-- here are one transaction. Nothing of the platform's description, so it is neither an entity nor followed.

CREATE TABLE request_key (
    owner       text        NOT NULL,
    key         text        NOT NULL,
    fingerprint text        NOT NULL,
    answer      json        NOT NULL,
    made        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT request_key_pkey PRIMARY KEY (owner, key),
    CONSTRAINT request_key_key_format CHECK (key ~ '^[0-9a-f]{64}$'),
    CONSTRAINT request_key_fingerprint_format CHECK (fingerprint ~ '^[0-9a-f]{64}$')
);
COMMENT ON TABLE request_key IS 'A request that was carried out and may be repeated.';
COMMENT ON CONSTRAINT request_key_pkey ON request_key IS 'The owner has used this key already.';
COMMENT ON CONSTRAINT request_key_key_format ON request_key IS 'The key of a request is a keyed hash in lower-case hexadecimal.';
COMMENT ON CONSTRAINT request_key_fingerprint_format ON request_key
    IS 'The fingerprint of a request is a keyed hash in lower-case hexadecimal.';
CREATE INDEX request_key_made_index ON request_key (made);
