-- Whether the role may do more than read the tables that are given, as `schema.table`.
SELECT current_setting('is_superuser') = 'on'
    OR EXISTS (
        SELECT 1 FROM pg_roles
        WHERE rolname = session_user AND (rolsuper OR rolcreaterole OR rolcreatedb)
    )
    OR EXISTS (
        SELECT 1 FROM pg_roles
        WHERE oid BETWEEN 1 AND 16383 AND rolname LIKE 'pg\_%%'
            AND pg_has_role(session_user, oid, 'MEMBER')
    )
    OR EXISTS (
        SELECT 1 FROM pg_class AS it JOIN pg_namespace AS space ON space.oid = relnamespace
        WHERE relkind IN ('r', 'v', 'm', 'f', 'p')
            AND nspname NOT IN ('pg_catalog', 'information_schema')
            AND nspname NOT LIKE 'pg\_toast%%'
            AND has_schema_privilege(session_user, space.oid, 'USAGE')
            AND (
                has_table_privilege(session_user, it.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
                OR has_any_column_privilege(session_user, it.oid, 'SELECT')
                AND NOT lower(nspname || '.' || relname) = ANY (%s)
            )
    )
