-- What the volume of an instance that is made from a template is filled from.

ALTER TABLE vdisk ADD COLUMN base_image uuid;
ALTER TABLE vdisk ADD CONSTRAINT vdisk_base_image_fkey FOREIGN KEY (base_image) REFERENCES image (uuid);
ALTER TABLE vdisk ADD CONSTRAINT vdisk_base_image_pool CHECK (base_image IS NULL OR storage_pool IS NOT NULL);
COMMENT ON CONSTRAINT vdisk_base_image_fkey ON vdisk IS 'There is no such image.';
COMMENT ON CONSTRAINT vdisk_base_image_pool ON vdisk
    IS 'Only a vdisk of a template, which has storage_pool and size, names an image to fill a volume from.';
CREATE INDEX vdisk_base_image_index ON vdisk (base_image);

-- Whose a row is never changes, and the foreign key, which is checked first, keeps the row that it points at. So no lock is
-- needed to compare tenants.
CREATE FUNCTION vdisk_checks_base_image() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.image JOIN public.instance ON instance.uuid = NEW.instance
        WHERE image.uuid = NEW.base_image AND (image.tenant IS NULL OR image.tenant = instance.tenant)) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'base_image');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER vdisk_base_image_tenant AFTER INSERT OR UPDATE OF instance, base_image ON vdisk
    FOR EACH ROW WHEN (NEW.base_image IS NOT NULL) EXECUTE FUNCTION vdisk_checks_base_image();
COMMENT ON CONSTRAINT vdisk_base_image_tenant ON vdisk IS 'A vdisk of a template names an image of the tenant of the template, or of none.';
