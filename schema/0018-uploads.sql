-- Whoever sends a volume a new content gives up the one it has.

-- A disk that is being attached holds the key of its volume. The lock here waits for that, so that the two see each other.
CREATE FUNCTION volume_checks_upload() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.expect_read_committed();
    PERFORM FROM public.volume WHERE uuid = NEW.uuid FOR UPDATE;
    IF EXISTS (SELECT FROM public.vdisk WHERE volume = NEW.uuid) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'content');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER volume_content_attached AFTER UPDATE OF content, generation ON volume
    FOR EACH ROW WHEN (NEW.content = 'upload' AND NEW.generation <> OLD.generation) EXECUTE FUNCTION volume_checks_upload();
COMMENT ON CONSTRAINT volume_content_attached ON volume IS 'An instance has the volume. Detach it before another content is sent.';
