-- Which controller is the newest. Nothing of the platform's description, so it is neither an entity nor followed: a
-- controller raises the number when it becomes active, and hosts obey no lower one than they have heard.

CREATE TABLE controller (
    single boolean NOT NULL DEFAULT true,
    epoch  bigint  NOT NULL,
    CONSTRAINT controller_pkey PRIMARY KEY (single),
    CONSTRAINT controller_single_only CHECK (single),
    CONSTRAINT controller_epoch_range CHECK (epoch >= 0)
);
COMMENT ON TABLE controller IS 'The epoch of the controller that became active last; one row.';
COMMENT ON CONSTRAINT controller_pkey ON controller IS 'There is one row about the controller.';
COMMENT ON CONSTRAINT controller_single_only ON controller IS 'There is one row about the controller.';
COMMENT ON CONSTRAINT controller_epoch_range ON controller IS 'An epoch is not negative.';
INSERT INTO controller (epoch) VALUES (0);
