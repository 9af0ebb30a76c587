-- The machine that guests have (q35) has no IDE.
UPDATE vdisk SET bus = 'sata' WHERE bus = 'ide';
ALTER TABLE vdisk DROP CONSTRAINT vdisk_bus_list;
ALTER TABLE vdisk ADD CONSTRAINT vdisk_bus_list CHECK (bus IN ('virtio', 'scsi', 'sata'));
COMMENT ON CONSTRAINT vdisk_bus_list ON vdisk IS 'The bus of a vdisk is virtio, scsi or sata.';
