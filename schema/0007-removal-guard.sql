-- A host holds instances that the controller forgot, and an operator's word lets exactly those go.

ALTER TABLE host
    ADD COLUMN confirm_removals text,
    ADD CONSTRAINT host_confirm_removals_format CHECK (confirm_removals ~ '^[0-9a-f]{16}$');
COMMENT ON CONSTRAINT host_confirm_removals_format ON host IS 'A confirmation is the token of what the host holds, 16 lower-case hexadecimal digits.';
