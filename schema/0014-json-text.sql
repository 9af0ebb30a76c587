-- What PostgreSQL takes for json and the controller cannot read would keep it from loading anything at all: half a
-- surrogate pair, which is no Unicode, and values nested deeper than a reader of JSON follows. A value that is refused when
-- it is written is corrected by whoever wrote it; a row that was left out of a load would look as if it had been deleted.

CREATE FUNCTION json_is_readable(value json) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    rest text;
BEGIN
    -- Without the backslashes that stand for themselves, every other one begins an escape. Something takes their place, so
    -- that what stood on both sides of them does not become a pair.
    rest := replace(value::text, '\\', '_');
    IF rest ~* '\\ud[89a-f]'
        AND regexp_replace(rest, '\\u[dD][89abAB][[:xdigit:]]{2}\\u[dD][c-fC-F][[:xdigit:]]{2}', '', 'g') ~* '\\ud[89a-f]' THEN
        RETURN false;
    END IF;
    -- Only the brackets that are not in a text; each turn takes the innermost away.
    rest := regexp_replace(regexp_replace(replace(rest, '\"', ''), '"[^"]*"', '', 'g'), '[^][{}]', '', 'g');
    FOR depth IN 1..64 LOOP
        EXIT WHEN rest = '';
        rest := regexp_replace(rest, '\[\]|\{\}', '', 'g');
    END LOOP;
    RETURN rest = '';
END $$;
COMMENT ON FUNCTION json_is_readable(json) IS 'Whether the value is Unicode and nested at most 64 deep, as every json column must be.';

ALTER TABLE config ADD CONSTRAINT config_value_readable CHECK (json_is_readable(value));
COMMENT ON CONSTRAINT config_value_readable ON config IS 'A value of JSON is Unicode and nested at most 64 deep.';
ALTER TABLE "user" ADD CONSTRAINT user_data_readable CHECK (json_is_readable(data));
COMMENT ON CONSTRAINT user_data_readable ON "user" IS 'A value of JSON is Unicode and nested at most 64 deep.';
ALTER TABLE event ADD CONSTRAINT event_data_readable CHECK (json_is_readable(data));
COMMENT ON CONSTRAINT event_data_readable ON event IS 'A value of JSON is Unicode and nested at most 64 deep.';
ALTER TABLE storage_pool ADD CONSTRAINT storage_pool_config_readable CHECK (json_is_readable(config));
COMMENT ON CONSTRAINT storage_pool_config_readable ON storage_pool IS 'A value of JSON is Unicode and nested at most 64 deep.';
ALTER TABLE storage_pool ADD CONSTRAINT storage_pool_secret_readable CHECK (json_is_readable(secret));
COMMENT ON CONSTRAINT storage_pool_secret_readable ON storage_pool IS 'A value of JSON is Unicode and nested at most 64 deep.';
