{#- dbt's names of types, and casts between them. -#}
{% macro default__type_string() -%}
text
{%- endmacro %}

{% macro default__type_timestamp() -%}
timestamp
{%- endmacro %}

{% macro default__type_float() -%}
float
{%- endmacro %}

{% macro default__type_numeric() -%}
numeric(28, 6)
{%- endmacro %}

{% macro default__type_bigint() -%}
bigint
{%- endmacro %}

{% macro default__type_int() -%}
integer
{%- endmacro %}

{% macro default__type_boolean() -%}
boolean
{%- endmacro %}

{% macro default__cast(field, type) -%}
cast({{ field }} as {{ type }})
{%- endmacro %}

{#- NULL where the value doesn't fit the type. -#}
{% macro default__safe_cast(field, type) -%}
try_cast({{ field }} as {{ type }})
{%- endmacro %}

{% macro default__cast_bool_to_text(field) -%}
cast({{ field }} as {{ dbt.type_string() }})
{%- endmacro %}
