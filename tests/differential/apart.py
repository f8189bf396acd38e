"""Functions and tables whose results depend on more than the statement and its tables."""

import re

APART = re.compile(
    r"\b(random|setseed|uuid|gen_random_uuid|uuidv4|uuidv7|nextval|currval|getvariable|current_setting|current_schemas?|current_query|"
    r"current_database|current_catalog|current_user|session_user|txid_current|version|get_block_size|test_all_types|test_vector_types|"
    r"pragma_\w+|duckdb_\w+|pg_\w+|information_schema|sqlite_master|sqlite_temp_master|read_\w+|sniff_csv|parquet_\w+|glob|query|query_table|"
    r"stats|vector_type|json_serialize_sql|json_serialize_plan|json_deserialize_sql|json_execute_serialized_sql|which_secret|sleep_ms|"
    r"icu_\w+|now|today|current_date|current_time|current_timestamp|localtime|localtimestamp|get_current_\w+|current_localtime\w*|"
    r"transaction_timestamp|rowid|current_connection_id|current_transaction_id|write_log|error|st_\w+|typeof_ext|create_sort_key)\b",
    re.I,
)
