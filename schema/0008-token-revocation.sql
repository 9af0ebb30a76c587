-- Tokens that end before their time: single ones, and all of a user.

CREATE TABLE revocation (
    uuid    uuid        NOT NULL,
    expires timestamptz NOT NULL,
    CONSTRAINT revocation_pkey PRIMARY KEY (uuid),
    CONSTRAINT revocation_expires_finite
        CHECK (isfinite(expires) AND expires >= '0001-01-01 00:00:00+00' AND expires < '10000-01-01 00:00:00+00')
);
COMMENT ON TABLE revocation IS 'A token that was ended before its time.';
COMMENT ON CONSTRAINT revocation_pkey ON revocation IS 'The token was ended already.';
COMMENT ON CONSTRAINT revocation_expires_finite ON revocation IS 'The end of a token lies in the years 1 to 9999.';

ALTER TABLE revocation REPLICA IDENTITY FULL;
ALTER PUBLICATION sparkle ADD TABLE revocation;

ALTER TABLE "user"
    ADD COLUMN tokens_valid_from timestamptz,
    ADD CONSTRAINT user_tokens_valid_from_finite CHECK (
        isfinite(tokens_valid_from) AND tokens_valid_from >= '0001-01-01 00:00:00+00' AND tokens_valid_from < '10000-01-01 00:00:00+00');
COMMENT ON CONSTRAINT user_tokens_valid_from_finite ON "user" IS 'The moment from which tokens are valid lies in the years 1 to 9999.';

-- Otherwise whoever has one more token of the user could bring those back that were ended. A moment that is still to
-- come may be taken back: it has ended nothing that was made since.
CREATE FUNCTION user_tokens_stay_void() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.tokens_valid_from IS NULL OR NEW.tokens_valid_from < least(OLD.tokens_valid_from, now()) THEN
        RAISE EXCEPTION 'The moment from which tokens are valid never goes back.'
            USING CONSTRAINT = 'user_tokens_valid_from_rises', COLUMN = 'tokens_valid_from';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER user_tokens_stay_void BEFORE UPDATE OF tokens_valid_from ON "user"
    FOR EACH ROW WHEN (OLD.tokens_valid_from IS NOT NULL) EXECUTE FUNCTION user_tokens_stay_void();
