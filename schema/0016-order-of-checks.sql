-- The server looks at the checks of a table by their names. Whether a value of JSON can be read at all comes first now, since
-- what a pool of its type needs cannot be told of one that cannot.

ALTER TABLE storage_pool RENAME CONSTRAINT storage_pool_config_of_type TO storage_pool_config_type;
ALTER TABLE storage_pool RENAME CONSTRAINT storage_pool_secret_of_type TO storage_pool_secret_type;
