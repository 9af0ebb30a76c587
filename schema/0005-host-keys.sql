-- The key that speaks for a host, hosts that an operator has given up, and tokens by which a machine becomes a host.

ALTER TABLE host
    ADD COLUMN agent_key text,
    DROP CONSTRAINT host_state_list,
    ADD CONSTRAINT host_state_list CHECK (state IN ('present', 'evacuated', 'gone')),
    ADD CONSTRAINT host_agent_key_format CHECK (agent_key ~ '^[0-9a-zA-Z.:+=^!/*?&<>()\[\]{}@%$#-]{40}$'),
    -- One key is one machine.
    ADD CONSTRAINT host_agent_key_unique UNIQUE (agent_key);
COMMENT ON CONSTRAINT host_state_list ON host IS 'The state of a host is present, evacuated or gone.';
COMMENT ON CONSTRAINT host_agent_key_format ON host IS 'The key of a host''s agent has 40 characters of Z85.';
COMMENT ON CONSTRAINT host_agent_key_unique ON host IS 'Another host has this key.';

-- A host that is gone has nothing, and gets nothing: its places go in the transaction that says so.

CREATE FUNCTION host_drops_places() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.host_instance WHERE host = NEW.uuid;
    RETURN NULL;
END $$;
CREATE TRIGGER host_drops_places AFTER UPDATE OF state ON host
    FOR EACH ROW WHEN (NEW.state = 'gone' AND OLD.state <> 'gone') EXECUTE FUNCTION host_drops_places();

CREATE FUNCTION host_instance_refuses_gone() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    -- The lock makes whoever gives the host up wait for this transaction, and then take the new place away as well.
    SELECT state INTO found FROM public.host WHERE uuid = NEW.host FOR SHARE;
    IF found = 'gone' THEN
        RAISE EXCEPTION 'The host is gone.' USING CONSTRAINT = 'host_instance_host_gone', COLUMN = 'host';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER host_instance_refuses_gone BEFORE INSERT OR UPDATE OF host ON host_instance
    FOR EACH ROW EXECUTE FUNCTION host_instance_refuses_gone();

-- The host need not be there yet, so the column refers to nothing.
CREATE TABLE enrolment (
    hash    text        NOT NULL,
    name    text,
    host    uuid,
    expires timestamptz NOT NULL,
    CONSTRAINT enrolment_pkey PRIMARY KEY (hash),
    CONSTRAINT enrolment_hash_format CHECK (hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT enrolment_name_length CHECK (char_length(name) <= 253),
    CONSTRAINT enrolment_expires_finite
        CHECK (isfinite(expires) AND expires >= '0001-01-01 00:00:00+00' AND expires < '10000-01-01 00:00:00+00')
);
COMMENT ON TABLE enrolment IS 'A token that makes one machine a host, once.';
COMMENT ON CONSTRAINT enrolment_pkey ON enrolment IS 'A token with this hash is there already.';
COMMENT ON CONSTRAINT enrolment_hash_format ON enrolment IS 'The hash of a token is a SHA-256 in lower-case hexadecimal.';
COMMENT ON CONSTRAINT enrolment_name_length ON enrolment IS 'The name of a host has at most 253 characters.';
COMMENT ON CONSTRAINT enrolment_expires_finite ON enrolment IS 'The end of a token lies in the years 1 to 9999.';

ALTER TABLE enrolment REPLICA IDENTITY FULL;
ALTER PUBLICATION sparkle ADD TABLE enrolment;
