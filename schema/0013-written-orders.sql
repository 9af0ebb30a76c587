-- Orders that were taken while the database was away and have been carried out since, so that a controller that dies
-- before it has forgotten one does not carry it out again. Nothing of the platform's description, so not followed.

CREATE TABLE written_order (
    id      uuid        NOT NULL,
    written timestamptz NOT NULL,
    CONSTRAINT written_order_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE written_order IS 'Orders that had waited for the database and have been carried out.';
COMMENT ON CONSTRAINT written_order_pkey ON written_order IS 'This order was carried out already.';
