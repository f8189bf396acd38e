"""Maps DuckDB types to the types under which a Delta table returns them."""

PLAIN = {
    "BOOLEAN": "BOOLEAN", "TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "INTEGER": "INTEGER", "BIGINT": "BIGINT",
    "UTINYINT": "SMALLINT", "USMALLINT": "INTEGER", "UINTEGER": "BIGINT", "UBIGINT": "DECIMAL(20,0)",
    "HUGEINT": "DECIMAL(38,0)", "UHUGEINT": "DECIMAL(38,0)", "FLOAT": "FLOAT", "DOUBLE": "DOUBLE", "VARCHAR": "VARCHAR",
    "JSON": "VARCHAR", "UUID": "VARCHAR", "BLOB": "BLOB", "DATE": "DATE", "TIMESTAMP": "TIMESTAMP", "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP", "TIMESTAMP_NS": "TIMESTAMP", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP WITH TIME ZONE",
    '"NULL"': "INTEGER",
}  # fmt: skip


def storable(kind):
    """Returns the SQL type that represents a DuckDB type in a Delta table, or None if Delta has none."""
    if kind.id == "decimal":
        return str(kind)
    if kind.id == "enum":
        return "VARCHAR"
    if kind.id in ("list", "array"):
        item = storable(kind.children[0][1])
        return item and f"{item}[]"
    if kind.id == "struct":
        parts = [(name, storable(part)) for name, part in kind.children]
        if not all(part and name for name, part in parts):
            return None
        return (
            "STRUCT(" + ", ".join('"' + name.replace('"', '""') + f'" {part}' for name, part in parts) + ")"
        )
    if kind.id == "map":
        key, value = (storable(part) for _, part in kind.children)
        return key and value and f"MAP({key}, {value})"
    return PLAIN.get(str(kind))
