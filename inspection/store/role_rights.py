"""Rights of a PostgreSQL role on the tables of the store."""

from inspection.store.store_address import redact

_TABLES = (
    *("artifact", "artifactproperty", "association", "attribution", "context", "contextproperty", "event"),
    *("eventpath", "execution", "executionproperty", "parentcontext", "parenttype", "type", "typeproperty"),
)
"""Tables of ML Metadata that a run writes to."""
_CONNECT_SECONDS = 4
_FIRST_MISSING = """
SELECT current_user, current_schema(), relname, pg_get_userbyid(relowner), needed FROM pg_class
CROSS JOIN unnest(%(rights)s::text[]) AS rights(needed)
WHERE relnamespace = current_schema()::regnamespace AND CASE
WHEN relkind = 'r' AND relname = ANY(%(tables)s) AND needed <> 'USAGE' THEN NOT has_table_privilege(oid, needed)
WHEN relkind = 'S' AND relname = ANY(%(sequences)s) AND needed = 'USAGE' THEN NOT has_sequence_privilege(oid, needed)
ELSE false END ORDER BY relname, needed LIMIT 1
"""


def refusal(url: str, *, readonly: bool = False) -> str | None:
    """Return why the role of a URL may not read or write the store, and who can grant it.

    Args:
        url: URL of the store in PostgreSQL.
        readonly: Whether the role only reads.

    Returns:
        The message, without the password; None if the role has the rights, or if that is unknown because psycopg is
        missing, the server does not answer, or there is no such database or store yet.
    """
    try:
        import psycopg
    except ImportError:
        return None
    names = {
        "rights": ["SELECT"] if readonly else ["SELECT", "INSERT", "UPDATE", "DELETE", "USAGE"],
        "tables": list(_TABLES),
        "sequences": [f"{table}_id_seq" for table in _TABLES],
    }
    try:
        with psycopg.connect(url, connect_timeout=_CONNECT_SECONDS, autocommit=True) as connection:
            missing = connection.execute(_FIRST_MISSING, names).fetchone()
    except psycopg.Error:
        return None
    if missing is None:
        return None
    role, schema, table, owner, right = missing
    rights = "SELECT" if readonly else "SELECT, INSERT, UPDATE, DELETE"
    grants = [f"GRANT {rights} ON ALL TABLES IN SCHEMA {schema} TO {role}"]
    grants += [] if readonly else [f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"]
    return (
        f"{redact(url)}: permission denied: role {role} has no {right} on {table}, which belongs to role {owner}. "
        f"Ask {owner} for it: {'; '.join(grants)}"
    )
